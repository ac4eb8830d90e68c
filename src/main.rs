//! The `smartconnector` program: reads the arguments, runs the command, prints its error.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use smartconnector::cli::{Cli, run};

/// For SQLite's pages as well: a run's threads come and go, and the system's allocator keeps what each of them freed.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
