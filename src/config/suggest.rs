//! `[suggest]`: suggestions of execution variables.

use serde::{Deserialize, Serialize};

/// Limits on what is read for suggestions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuggestConfig {
    /// Rows read per scope of the output sample.
    pub max_rows: u32,
}

impl Default for SuggestConfig {
    fn default() -> Self {
        Self { max_rows: 100_000 }
    }
}
