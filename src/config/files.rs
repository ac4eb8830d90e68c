//! `[files]`: uploaded and produced files.

use serde::{Deserialize, Serialize};

/// Limits on files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// Largest upload, MB.
    pub max_upload_mb: u32,
    /// How long a presigned upload form is valid, seconds.
    pub form_valid_s: u32,
    /// An upload of which no byte came for so long has ended, seconds.
    pub idle_timeout_s: u32,
    /// A file that nothing uses is deleted after so many days; 0: never.
    pub unused_days: u32,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self { max_upload_mb: 500, form_valid_s: 3600, idle_timeout_s: 60, unused_days: 30 }
    }
}
