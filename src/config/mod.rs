//! The configuration: plain values, one file per section.
//!
//! Defaults are overridden by the file that `--config` names (none is read by itself), the file by the environment
//! (`SMARTCONNECTOR_<SECTION>_<KEY>`), the environment by flags. An unknown key, section or variable of that form is an error: a typo must
//! not silently leave a limit at its default. `config.toml` in the repository lists every key with its
//! default; a test compares it with this module.

pub mod engine;
pub mod files;
pub mod log;
pub mod network;
pub mod notify;
pub mod preview;
pub mod report;
pub mod runner;
pub mod server;
pub mod suggest;
pub mod webhook;
pub mod workspace;

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use self::{
    engine::EngineConfig,
    files::FilesConfig,
    log::{LogConfig, LogFormat},
    notify::NotifyConfig,
    preview::PreviewConfig,
    report::ReportConfig,
    runner::RunnerConfig,
    server::ServerConfig,
    suggest::SuggestConfig,
    webhook::WebhookConfig,
    workspace::WorkspaceConfig,
};
use crate::error::{Error, Result};

/// The commented default file, as `smartconnector config --default` prints it.
pub const DEFAULT_FILE: &str = include_str!("../../config.toml");

const PREFIX: &str = "SMARTCONNECTOR_";
/// Variables of the same prefix that are no configuration keys. `SMARTCONNECTOR_URL` and `SMARTCONNECTOR_KEY` are
/// left to clients of a server, which may have them in the same environment: nothing here reads them.
const NOT_KEYS: [&str; 7] = [
    "SMARTCONNECTOR_ADMIN_KEY",
    "SMARTCONNECTOR_BUSINESS_ID",
    "SMARTCONNECTOR_USER_ID",
    "SMARTCONNECTOR_URL",
    "SMARTCONNECTOR_KEY",
    crate::breakpoint::VARIABLE,
    crate::breakpoint::HOLD,
];

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address, limits on requests.
    pub server: ServerConfig,
    /// What the workspace is at the first start.
    pub workspace: WorkspaceConfig,
    /// Uploaded and produced files.
    pub files: FilesConfig,
    /// Limits on scripts.
    pub engine: EngineConfig,
    /// Executions.
    pub runner: RunnerConfig,
    /// Requests that wait for their batch.
    pub webhook: WebhookConfig,
    /// Where notifications may be sent.
    pub notify: NotifyConfig,
    /// What a run leaves.
    pub report: ReportConfig,
    /// Previews of scripts.
    pub preview: PreviewConfig,
    /// Suggestions of execution variables.
    pub suggest: SuggestConfig,
    /// Log lines.
    pub log: LogConfig,
}

impl Config {
    /// Reads `file` (or nothing) and the environment `vars` over the defaults.
    ///
    /// # Errors
    /// Names the file, key or variable that is wrong, and what was expected.
    pub fn load(file: Option<&Path>, vars: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut table = match file {
            None => Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| Error::invalid(format!("config file {}: {e}", path.display())))?;
                text.parse::<Table>()
                    .map_err(|e| Error::invalid(format!("config file {}: {e}", path.display())))?
            }
        };
        let defaults = Table::try_from(Self::default()).map_err(Error::internal)?;
        for (name, text) in vars {
            if name.starts_with(PREFIX) && !NOT_KEYS.contains(&name.as_str()) {
                set_from_environment(&mut table, &defaults, &name, &text)?;
            }
        }
        let config: Self = table.try_into().map_err(|e| Error::invalid(format!("configuration: {e}")))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        self.server.check()?;
        self.workspace.check()?;
        self.files.check()?;
        self.engine.check()?;
        self.runner.check()?;
        self.webhook.check()?;
        self.preview.check()?;
        self.notify.check()?;
        self.log.check()
    }
}

fn set_from_environment(table: &mut Table, defaults: &Table, name: &str, text: &str) -> Result<()> {
    let key = name[PREFIX.len()..].to_ascii_lowercase();
    let unknown = || {
        Error::invalid(format!(
            "environment variable {name}: there is no such configuration key. `smartconnector config --default` lists them."
        ))
    };
    let (section, key) = key.split_once('_').ok_or_else(unknown)?;
    let default = defaults.get(section).and_then(|s| s.get(key)).ok_or_else(unknown)?;
    let wrong = |expected: &str| {
        Error::invalid(format!("environment variable {name}: found {text:?}, expected {expected}"))
    };
    let value = match default {
        Value::Integer(_) => Value::Integer(text.parse().map_err(|_| wrong("a whole number"))?),
        Value::Boolean(_) => Value::Boolean(text.parse().map_err(|_| wrong("true or false"))?),
        Value::Array(_) => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(|s| Value::String(s.into()))
                .collect(),
        ),
        _ => Value::String(text.to_owned()),
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    section.as_table_mut().ok_or_else(unknown)?.insert(key.to_owned(), value);
    Ok(())
}

/// A sentence for a value outside its range.
fn out_of_range(key: &str, found: impl std::fmt::Display, expected: &str) -> Error {
    Error::invalid(format!("configuration: {key} = {found}, expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, vars: &[(&str, &str)]) -> Result<Config> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::load(Some(file.path()), vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_default_file_says_what_the_code_does() {
        let table: Table = DEFAULT_FILE.parse().unwrap();
        assert_eq!(table, Table::try_from(Config::default()).unwrap());
    }

    #[test]
    fn every_key_of_the_default_file_has_a_comment() {
        let mut previous = "";
        for line in DEFAULT_FILE.lines().filter(|line| !line.is_empty()) {
            if !line.starts_with('#') && !line.starts_with('[') {
                assert!(previous.starts_with('#'), "no comment above {line:?}");
            }
            previous = line;
        }
    }

    #[test]
    fn file_then_environment() {
        let text = "[runner]\nworkers = 3\nbatch_rows = 10\n";
        let config =
            load(text, &[("SMARTCONNECTOR_RUNNER_WORKERS", "5"), ("SMARTCONNECTOR_URL", "x"), ("HOME", "y")])
                .unwrap();
        assert_eq!((config.runner.workers, config.runner.batch_rows), (5, 10));
        assert_eq!(config.files, FilesConfig::default());
    }

    #[test]
    fn what_is_not_known_or_not_sensible_is_refused_by_name() {
        for (text, vars, named) in [
            ("[runner]\nworker = 3", &[][..], "worker"),
            ("[runer]\n", &[], "runer"),
            ("", &[("SMARTCONNECTOR_RUNNER_WORKER", "5")], "SMARTCONNECTOR_RUNNER_WORKER"),
            ("", &[("SMARTCONNECTOR_RUNNER_WORKERS", "many")], "many"),
            ("[runner]\nworkers = 0", &[], "runner.workers"),
            ("[preview]\ntimeout_s = 60", &[], "preview.timeout_s"),
            ("[server]\ncors_origins = [\"https://a.example/\"]", &[], "https://a.example/"),
            ("[server]\ntrusted_proxies = [\"proxy\"]", &[], "server.trusted_proxies = proxy"),
            ("[workspace]\ntimezone = \"Mars/Olympus\"", &[], "Mars/Olympus"),
        ] {
            let refusal = load(text, vars).unwrap_err();
            assert!(refusal.detail.contains(named), "{refusal}");
        }
    }

    #[test]
    fn what_nothing_could_be_done_with_is_refused() {
        for (section, keys) in [
            (
                "files",
                &[
                    "max_upload_mb",
                    "max_uploads",
                    "max_downloads",
                    "form_valid_s",
                    "idle_timeout_s",
                    "max_archive_files",
                    "max_unpackings",
                    "max_exports",
                ][..],
            ),
            ("runner", &["workers", "batch_rows", "max_queued"]),
            ("webhook", &["max_body_kb", "max_query_kb", "max_pending", "max_batch_rows", "max_batch_mb"]),
        ] {
            for key in keys {
                let refusal = load(&format!("[{section}]\n{key} = 0"), &[]).unwrap_err();
                let named = format!("configuration: {section}.{key} = 0, expected ");
                assert!(refusal.detail.starts_with(&named), "{refusal}");
                load(&format!("[{section}]\n{key} = 1"), &[]).unwrap();
            }
        }
    }

    #[test]
    fn a_log_level_is_one_or_one_per_module() {
        let with = |level: &str| load(&format!("[log]\nlevel = {level:?}"), &[]);
        for level in
            ["off", "error", "WARN", "info", "debug", "trace", "info,actix_web=warn", "a::b=off, info"]
        {
            with(level).unwrap();
        }
        for level in ["", "verbose", "3", "info;debug", "actix_web", "=info", "a b=info", "info,", "a=loud"] {
            let refusal = with(level).unwrap_err();
            let named = format!("configuration: log.level = {level:?}, expected off, error, warn");
            assert!(refusal.detail.starts_with(&named), "{refusal}");
        }
    }
}
