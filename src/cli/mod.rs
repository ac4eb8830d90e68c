//! The command line. Exit codes: 0 done, 1 failed, 2 wrong usage. Errors are one line on standard
//! error that says what to do.

mod backup;
mod check;
mod config;
mod demo;
mod info;
mod keys;
mod log;
mod progress;
mod query;
mod run;
mod serve;
mod table;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{clock::Clock, config::Config, error::Result, store::Store};

/// Files in, SQL in the middle, records out: a SmartConnector server in one binary.
#[derive(Debug, Parser)]
#[command(name = "smartconnector", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    #[command(after_help = "Example:\n  smartconnector serve --data ./data --listen 127.0.0.1:8080")]
    Serve(serve::Serve),
    /// Run a server with sample objects and connectors, and load files through them
    #[command(after_help = "Example:\n  smartconnector demo --once")]
    Demo(demo::Demo),
    /// Run a dev package on this machine, without a server
    #[command(after_help = "Example:\n  smartconnector run ./orders --input orders.csv --dry-run")]
    Run(run::Run),
    /// Read files into input.* and run SQL over them
    #[command(
        after_help = "Example:\n  smartconnector query orders.csv \"SELECT status, count(*) FROM input.orders_csv GROUP BY 1\"\n  smartconnector query --functions"
    )]
    Query(query::Query),
    /// List, make and revoke API keys of a data folder
    #[command(after_help = "Example:\n  smartconnector keys create --data ./data --role admin")]
    Keys(keys::Keys),
    /// Show the workspace of a data folder
    #[command(after_help = "Example:\n  smartconnector info --data ./data")]
    Info(info::Info),
    /// Back up everything into one file, while the server runs or not
    #[command(after_help = "Example:\n  smartconnector backup monday.backup --data ./data")]
    Backup(backup::Backup),
    /// Restore a backup into an empty data folder
    #[command(after_help = "Example:\n  smartconnector restore monday.backup --data ./restored")]
    Restore(backup::Restore),
    /// Verify databases, files and executions; exit code 1 when anything is wrong
    #[command(after_help = "Example:\n  smartconnector check --data ./data")]
    Check(check::Check),
    /// Give back the space of deleted fields and rows, the server stopped
    #[command(after_help = "Example:\n  smartconnector vacuum --data ./data")]
    Vacuum(check::Vacuum),
    /// Show the configuration
    #[command(after_help = "Example:\n  smartconnector config --default > config.toml")]
    Config(config::ShowConfig),
}

/// Which configuration and which data folder.
#[derive(Debug, Args)]
struct Folder {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder, over the configuration's server.data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Folder {
    /// Defaults, file, environment, flags.
    fn config(&self) -> Result<Config> {
        let mut config = Config::load(self.config.as_deref(), std::env::vars())?;
        if let Some(data) = &self.data {
            config.server.data = data.to_string_lossy().into_owned();
        }
        Ok(config)
    }

    /// The data folder's databases, beside a running server or alone.
    fn store(&self) -> Result<Store> {
        Store::open_shared(&PathBuf::from(self.config()?.server.data), Clock::system())
    }
}

/// Runs a command.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Query(command) => command.run(),
        Command::Keys(command) => command.run(),
        Command::Info(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Vacuum(command) => command.run(),
        Command::Config(command) => command.run(),
    }
}
