//! `[runner]`: executions.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// How executions run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunnerConfig {
    /// Executions at a time.
    pub workers: u32,
    /// Rows per load transaction at most.
    pub batch_rows: u32,
    /// Row outcomes kept per run.
    pub max_row_outcomes: u32,
    /// Log lines kept per run.
    pub max_log_lines: u32,
    /// Executions that may wait.
    pub max_queued: u32,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            batch_rows: 200_000,
            max_row_outcomes: 100_000,
            max_log_lines: 10_000,
            max_queued: 10_000,
        }
    }
}

impl RunnerConfig {
    pub(super) fn check(&self) -> Result<()> {
        if !(1..=64).contains(&self.workers) {
            return Err(out_of_range("runner.workers", self.workers, "1 to 64"));
        }
        for (key, value) in [("runner.batch_rows", self.batch_rows), ("runner.max_queued", self.max_queued)] {
            if value == 0 {
                return Err(out_of_range(key, value, "at least 1"));
            }
        }
        Ok(())
    }
}
