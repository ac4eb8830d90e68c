//! `keys`: the API keys of a data folder, server running or not: the way back in when the key is lost.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Folder, table};
use crate::{
    auth::Role,
    error::{Error, Result},
    service::people,
};

/// List, make and revoke API keys.
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the keys that were not revoked
    List {
        #[command(flatten)]
        folder: Folder,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key and print its secret, once
    Create {
        #[command(flatten)]
        folder: Folder,
        /// The most that it may do
        #[arg(long, default_value = "runner")]
        role: RoleName,
        /// What it is for
        #[arg(long, default_value = "Made on the command line")]
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key, at once
    Revoke {
        /// The key's id, as `keys list` shows it
        id: uuid::Uuid,
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    Sender,
    Viewer,
    Runner,
    Editor,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Sender => Self::Sender,
            RoleName::Viewer => Self::Viewer,
            RoleName::Runner => Self::Runner,
            RoleName::Editor => Self::Editor,
            RoleName::Admin => Self::Admin,
        }
    }
}

impl Keys {
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::List { folder, json } => list(&folder, json)?,
            Command::Create { folder, role, name, json } => {
                let (key, secret) = people::create_key_locally(&folder.store()?, &name, role.into())?;
                if json {
                    println!(
                        "{}",
                        json!({"id": key.id, "role": key.role, "name": key.name, "secret": secret})
                    );
                } else {
                    println!("{secret}");
                    eprintln!("Shown this once: keep it. Role: {}.", key.role.as_str());
                }
            }
            Command::Revoke { id, folder } => {
                if !people::revoke_key_locally(&folder.store()?, id.into())? {
                    return Err(Error::not_found("key. `smartconnector keys list` shows them"));
                }
                eprintln!("Revoked.");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(folder: &Folder, json: bool) -> Result<()> {
    let keys = people::keys_locally(&folder.store()?)?;
    let at = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map_or_else(|| "never".to_owned(), |t| t.to_rfc3339())
    };
    if json {
        let rows: Vec<_> = keys
            .iter()
            .map(|key| json!({"id": key.id, "name": key.name, "role": key.role, "last_used_at": key.last_used_at}))
            .collect();
        println!("{}", json!(rows));
    } else {
        let rows = keys.iter().map(|key| {
            [key.id.to_string(), key.name.clone(), key.role.as_str().to_owned(), at(key.last_used_at)]
        });
        println!("{}", table::rows(&["id", "name", "role", "last used"], rows));
    }
    Ok(())
}
