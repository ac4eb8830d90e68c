//! `[preview]`: what a script gives for the first rows of its file, while somebody edits it.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// Limits on previews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PreviewConfig {
    /// Rows read of each input table.
    pub max_input_rows: u32,
    /// Seconds for all of it.
    pub timeout_s: u32,
    /// Previews at a time.
    pub max_at_once: u32,
}

impl Default for PreviewConfig {
    fn default() -> Self {
        Self { max_input_rows: 10_000, timeout_s: 10, max_at_once: 2 }
    }
}

impl PreviewConfig {
    pub(super) fn check(&self) -> Result<()> {
        if self.max_input_rows == 0 {
            return Err(out_of_range("preview.max_input_rows", self.max_input_rows, "at least 1"));
        }
        // Every call answers within 30 s.
        if !(1..=25).contains(&self.timeout_s) {
            return Err(out_of_range("preview.timeout_s", self.timeout_s, "1 to 25"));
        }
        if !(1..=64).contains(&self.max_at_once) {
            return Err(out_of_range("preview.max_at_once", self.max_at_once, "1 to 64"));
        }
        Ok(())
    }
}
