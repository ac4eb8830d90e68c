//! `[engine]`: limits on scripts.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// Limits on one script's run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Seconds; a connector may lower it.
    pub timeout_s: u32,
    /// Output rows over all scopes.
    pub max_rows: u64,
    /// Scratch databases of one run, MB.
    pub max_scratch_mb: u64,
    /// Stop a run when the disk has less free space, MB.
    pub min_free_mb: u64,
    /// Largest single value, MB.
    pub max_value_mb: u32,
    /// What one aggregate keeps in memory, MB.
    pub max_aggregate_mb: u32,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            timeout_s: 300,
            max_rows: 10_000_000,
            max_scratch_mb: 8192,
            min_free_mb: 1024,
            max_value_mb: 16,
            max_aggregate_mb: 64,
        }
    }
}

impl EngineConfig {
    pub(super) fn check(&self) -> Result<()> {
        if !(1..=1000).contains(&self.max_value_mb) {
            return Err(out_of_range("engine.max_value_mb", self.max_value_mb, "1 to 1000"));
        }
        if !(1..=16_384).contains(&self.max_aggregate_mb) {
            return Err(out_of_range("engine.max_aggregate_mb", self.max_aggregate_mb, "1 to 16384"));
        }
        if self.timeout_s == 0 {
            return Err(out_of_range("engine.timeout_s", self.timeout_s, "at least 1"));
        }
        if self.max_scratch_mb < 64 {
            return Err(out_of_range("engine.max_scratch_mb", self.max_scratch_mb, "at least 64"));
        }
        Ok(())
    }
}
