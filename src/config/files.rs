//! `[files]`: uploaded and produced files.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// Limits on files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// Largest upload, MB.
    pub max_upload_mb: u32,
    /// Uploads under way at a time.
    pub max_uploads: u32,
    /// Downloads of files under way at a time; one key may have half of them.
    pub max_downloads: u32,
    /// How long a presigned upload form is valid, seconds.
    pub form_valid_s: u32,
    /// An upload of which no byte came for so long has ended, and on Linux an answer of which none was taken,
    /// seconds.
    pub idle_timeout_s: u32,
    /// A file that nothing uses is deleted after so many days; 0: never.
    pub unused_days: u32,
    /// Most files in an uploaded archive, and most sheets in a workbook or in all files of an archive.
    pub max_archive_files: u32,
    /// Files that are unpacked at a time to answer requests.
    pub max_unpackings: u32,
    /// Dev packages, exports of records and rejected.csv that are made or sent at a time.
    pub max_exports: u32,
    /// Most that an uploaded archive or workbook may unpack to, MB.
    pub max_unpacked_mb: u32,
    /// How many times its size a file of an archive may become.
    pub max_unpack_ratio: u32,
    /// Most memory for the lists of a workbook: sheets, styles, the texts that its cells share, MB.
    pub max_workbook_memory_mb: u32,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self {
            max_upload_mb: 500,
            max_uploads: 32,
            max_downloads: 64,
            form_valid_s: 3600,
            idle_timeout_s: 60,
            unused_days: 30,
            max_archive_files: 1_000,
            max_unpackings: 4,
            max_exports: 4,
            max_unpacked_mb: 4_096,
            max_unpack_ratio: 250,
            max_workbook_memory_mb: 256,
        }
    }
}

impl FilesConfig {
    pub(super) fn check(&self) -> Result<()> {
        for (key, value) in [
            ("max_upload_mb", self.max_upload_mb),
            ("max_uploads", self.max_uploads),
            ("max_downloads", self.max_downloads),
            ("form_valid_s", self.form_valid_s),
            ("idle_timeout_s", self.idle_timeout_s),
            ("max_archive_files", self.max_archive_files),
            ("max_unpackings", self.max_unpackings),
            ("max_exports", self.max_exports),
        ] {
            if value == 0 {
                return Err(out_of_range(&format!("files.{key}"), value, "at least 1"));
            }
        }
        Ok(())
    }
}
