//! `check` and `vacuum`: whether a data folder is whole, and giving back what it does not need.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;

use super::{Folder, log::start_log};
use crate::{
    clock::Clock,
    error::Result,
    runner,
    store::{
        Store,
        check::{Checked, check},
        vacuum::vacuum,
    },
};

/// Verify databases, files and executions, while the server runs or not.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    folder: Folder,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<ExitCode> {
        start_log("error");
        let checked = check(&self.folder.store()?)?;
        if self.json {
            println!("{}", json!(checked));
        } else {
            tell(&checked);
        }
        Ok(if checked.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn tell(checked: &Checked) {
    for finding in &checked.findings {
        println!("{}: {}", finding.place, finding.wrong);
    }
    println!(
        "{} databases, {} contents of files, {} waiting webhooks, {} executions, {} ledgers, {} records made by runs: {}",
        checked.databases,
        checked.contents,
        checked.webhooks,
        checked.executions,
        checked.ledgers,
        checked.records,
        match checked.findings.len() {
            0 => "all is well".to_owned(),
            1 => "1 thing is wrong".to_owned(),
            n => format!("{n} things are wrong"),
        }
    );
}

/// Give back the space of deleted fields and rows. The server must be stopped.
#[derive(Debug, Args)]
pub(super) struct Vacuum {
    #[command(flatten)]
    folder: Folder,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Vacuum {
    pub(super) fn run(self) -> Result<ExitCode> {
        start_log("error");
        // Only a folder that is one, and nobody else's at the moment.
        drop(self.folder.store()?);
        let store = Store::open(&PathBuf::from(self.folder.config()?.server.data), Clock::system())?;
        runner::sort_in(&store)?;
        let done = vacuum(&store)?;
        if self.json {
            println!(
                "{}",
                json!({"deleted_fields": done.fields, "bytes_before": done.before, "bytes_after": done.after})
            );
        } else {
            println!(
                "{} deleted fields dropped; {:.1} MB before, {:.1} MB now.",
                done.fields,
                done.before as f64 / 1e6,
                done.after as f64 / 1e6
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
