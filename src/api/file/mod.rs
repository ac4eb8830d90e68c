//! Files as answers name them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::page::Links;
use crate::service::file::StoredFile;

/// A file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileRef {
    /// Identity.
    pub id: Uuid,
    /// The name as sent.
    pub name: String,
    /// The media type as sent.
    pub content_type: String,
    /// Bytes.
    pub size_bytes: u64,
    /// The size for people.
    pub size_formatted: String,
    /// Where it is downloaded.
    pub url: String,
    /// Hash of the bytes, 64 hexadecimal digits.
    pub sha256: String,
}

impl FileRef {
    /// The answer for a file.
    #[must_use]
    pub fn new(file: StoredFile, links: &Links) -> Self {
        Self {
            url: links.absolute(&format!("/api/files/{}/download", file.id)),
            id: file.id.0,
            name: file.name,
            content_type: file.content_type,
            size_bytes: file.size,
            size_formatted: formatted(file.size),
            sha256: file.sha256,
        }
    }
}

/// A size in the unit that leaves one to three digits before the point.
fn formatted(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        // What would be written as 1000.0 belongs to the next unit.
        if size < 999.95 {
            break;
        }
        size /= 1000.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (52_428_800, "52.4 MB")]
        {
            assert_eq!(formatted(bytes), text);
        }
    }
}
