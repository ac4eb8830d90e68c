//! `[log]`: log lines on standard error.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter per module as in `RUST_LOG`.
    pub level: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

impl LogConfig {
    /// What is no filter would switch the log off, and say so nowhere.
    pub(super) fn check(&self) -> Result<()> {
        let is_level = |word: &str| word.trim().parse::<::log::LevelFilter>().is_ok();
        let is_module = |word: &str| {
            let word = word.trim();
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'))
        };
        let is_filter = |part: &str| match part.split_once('=') {
            Some((module, level)) => is_module(module) && is_level(level),
            None => is_level(part),
        };
        if self.level.split(',').all(is_filter) {
            return Ok(());
        }
        let expected =
            "off, error, warn, info, debug or trace, or such a level per module (info,actix_web=warn)";
        Err(out_of_range("log.level", format!("{:?}", self.level), expected))
    }
}
