//! `config`: what is configured.

use std::process::ExitCode;

use clap::Args;

use super::Folder;
use crate::{
    config::DEFAULT_FILE,
    error::{Error, Result},
};

/// Show the configuration in force.
#[derive(Debug, Args)]
pub(super) struct ShowConfig {
    #[command(flatten)]
    folder: Folder,
    /// The default file with its comments instead
    #[arg(long)]
    default: bool,
}

impl ShowConfig {
    pub(super) fn run(self) -> Result<ExitCode> {
        if self.default {
            print!("{DEFAULT_FILE}");
        } else {
            print!("{}", toml::to_string(&self.folder.config()?).map_err(Error::internal)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}
