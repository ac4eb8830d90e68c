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

use std::{io, path::Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Code, Error},
    hex,
};

pub use restore::{is_unfinished, restore};
pub use write::write;

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

/// Copies a piece at a time. Answers size and hash.
fn copy_hashed<E>(
    mut read: impl FnMut(&mut [u8]) -> Result<usize, E>,
    mut write: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(u64, String), E> {
    let (mut hash, mut size, mut piece) = (Sha256::new(), 0, vec![0; 256 * 1024]);
    loop {
        let count = read(&mut piece)?;
        if count == 0 {
            return Ok((size, hex::written(&hash.finalize())));
        }
        hash.update(&piece[..count]);
        size += count as u64;
        write(&piece[..count])?;
    }
}

/// A file that can't be read or written, now.
fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::Busy, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
