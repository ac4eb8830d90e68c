//! A backup: every database in one file, taken while the server works.
//!
//! The file is a ZIP whose members are stored as they are: the databases, the secrets' key file on demand, and
//! last `manifest.json` with the size and SHA-256 of each. It is written front to back, so it can go straight
//! to a socket.
//!
//! Each database is copied in one read transaction, in the order of [`Kind::ALL`](super::migrate::Kind::ALL):
//! what a later one knows more than an earlier one is recognised at the next start (`runner`'s `recover`).
//! Nobody waits: readers hold up no writers.

mod restore;
mod write;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use restore::{is_unfinished, restore};
pub use write::write;

pub(in crate::store) use restore::hex;

/// The layout that this program writes and reads.
const FORMAT: u32 = 1;
/// The last member.
const MANIFEST: &str = "manifest.json";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout.
    pub format: u32,
    /// The program that wrote it.
    pub version: String,
    /// When it was begun.
    pub created: DateTime<Utc>,
    /// The other members.
    pub parts: Vec<Part>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The file's name in the data folder.
    pub name: String,
    /// Of a database: its schema.
    pub schema: Option<i64>,
    /// Bytes.
    pub size: u64,
    /// Their hash, 64 hexadecimal digits.
    pub sha256: String,
}

#[cfg(test)]
mod tests;
