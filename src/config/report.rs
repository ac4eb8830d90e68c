//! `[report]`: what a run leaves.

use serde::{Deserialize, Serialize};

/// Limits on the workbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// Rows per sheet; rejected ones come first.
    pub max_rows: u32,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self { max_rows: 50_000 }
    }
}
