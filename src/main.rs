//! The `smartconnector` program.

fn main() {}
