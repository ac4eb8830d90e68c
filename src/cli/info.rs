//! `info`: the workspace of a data folder.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Folder, table};
use crate::{error::Result, service::setup};

/// Show the workspace of a data folder.
#[derive(Debug, Args)]
pub(super) struct Info {
    #[command(flatten)]
    folder: Folder,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(super) fn run(self) -> Result<ExitCode> {
        let store = self.folder.store()?;
        let info = setup::info(&store)?;
        let facts = [
            ("workspace", info.workspace.id.to_string()),
            ("name", info.workspace.name.clone()),
            ("user", info.user.to_string()),
            ("time zone", info.workspace.timezone.name().to_owned()),
            ("currency", info.workspace.currency.clone()),
            ("phone region", info.workspace.phone_region.clone()),
            ("data folder", store.dir.display().to_string()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        if self.json {
            let object: serde_json::Map<_, _> =
                facts.iter().map(|(name, value)| (name.replace(' ', "_"), json!(value))).collect();
            println!("{}", serde_json::Value::Object(object));
        } else {
            println!("{}", table::facts(facts.iter().map(|(name, value)| (*name, value.as_str()))));
        }
        Ok(ExitCode::SUCCESS)
    }
}
