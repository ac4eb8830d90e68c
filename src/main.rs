//! The `smartconnector` program: reads the arguments, runs the command, prints its error.

use std::process::ExitCode;

use clap::Parser as _;
use smartconnector::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
