//! The functions that scripts may call beside SQLite's own: what they are, for people.

pub use crate::engine::{Function, functions};
