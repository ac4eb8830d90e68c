//! Files: uploaded and produced bytes, in 1 MiB chunks, each content once.
//!
//! A file is a name for a content. While bytes arrive there is only a content without a hash, which
//! nobody can name; the transaction that completes it inserts the file. So no half file is ever visible, and
//! what a crash leaves is found by its missing hash ([`sweep`]). The writer of `files.db` is held while
//! a commit lasts, never while bytes are waited for.
//!
//! A file that was sent is complete before it is *registered*: one that came with a form waits for its
//! sender's word, one that was sent to a connector for the execution that reads it. Callers are shown
//! registered files alone; what becomes of the others stands in `settle.rs`.

mod list;
mod read;
mod settle;
mod user;
mod write;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

pub use list::{Filter, Whose, list, page_after, same_content};
pub use read::FileReader;
pub use settle::{forget, forgotten, settle_uploads};
pub use user::{
    delete_unless_used, is_of_run_with, is_used_by, used, used_by, user, while_all_stay, while_there,
    while_there_and_then,
};
pub use write::{FileWriter, remove_torn};

use super::{column, time};
use crate::{
    error::Result,
    id::{ConnectorId, FileId, KeyId, MemberId},
};

/// Bytes of a chunk; also the most that reading holds.
pub(super) const CHUNK: usize = 1024 * 1024;
/// Bytes between two commits; also the most that writing holds.
const COMMIT: usize = 16 * CHUNK;

/// What a file was sent or made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Sent with a form, for a connector.
    SmartConnectorImport,
    /// Sent with a form, to import records.
    RecordImport,
    /// Sent straight to a connector.
    Upload,
    /// Made by the server.
    Produced,
}

impl Source {
    const ALL: [Self; 4] = [Self::SmartConnectorImport, Self::RecordImport, Self::Upload, Self::Produced];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SmartConnectorImport => "smart_connector_import",
            Self::RecordImport => "record_import",
            Self::Upload => "upload",
            Self::Produced => "produced",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

/// What is known of a file before its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Identity; given out before the bytes come.
    pub id: FileId,
    /// The name as sent.
    pub name: String,
    /// The media type as sent.
    pub content_type: String,
    /// What for.
    pub source: Source,
    /// Who sent it; `None`: the server made it.
    pub owner: Option<MemberId>,
    /// With which key.
    pub owner_key: Option<KeyId>,
    /// The connector whose permissions it follows.
    pub connector: Option<ConnectorId>,
}

/// A complete file, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Identity.
    pub id: FileId,
    /// The name as sent.
    pub name: String,
    /// The media type as sent.
    pub content_type: String,
    /// What for.
    pub source: Source,
    /// Who sent it; `None`: the server made it.
    pub owner: Option<MemberId>,
    /// With which key; some that older versions kept have none.
    pub owner_key: Option<KeyId>,
    /// The connector whose permissions it follows; `None`: its owner's.
    pub connector: Option<ConnectorId>,
    /// Whether it may be used; see the module.
    pub registered: bool,
    /// When its last byte had come.
    pub created: DateTime<Utc>,
    /// Bytes.
    pub size: u64,
    /// Hash of the bytes, 64 hexadecimal digits.
    pub sha256: String,
    content: i64,
}

const SELECT: &str = "SELECT file.*, content.size, lower(hex(content.sha256)) AS sha256
    FROM file JOIN content ON content.key = file.content";

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredFile> {
    Ok(StoredFile {
        id: column::parsed(row, "id")?,
        name: row.get("name")?,
        content_type: row.get("content_type")?,
        source: column::word(row, "source", Source::parse)?,
        owner: column::parsed_optional(row, "owner")?,
        owner_key: column::parsed_optional(row, "owner_key")?,
        connector: column::parsed_optional(row, "connector_id")?,
        registered: row.get("registered")?,
        created: time::get(row, "created")?,
        size: row.get::<_, i64>("size")?.unsigned_abs(),
        sha256: row.get("sha256")?,
        content: row.get("content")?,
    })
}

/// The file with this id, registered or not.
pub fn find(conn: &Connection, id: FileId) -> Result<Option<StoredFile>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE file.id = ?"))?;
    Ok(statement.query_row([id.to_string()], from_row).optional()?)
}

/// These files, registered or not.
pub fn with_ids(conn: &Connection, ids: &[FileId]) -> Result<HashMap<FileId, StoredFile>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement =
        conn.prepare_cached(&format!("{SELECT} WHERE file.id IN (SELECT value FROM json_each(?))"))?;
    let rows =
        statement.query_map([column::to_json(&ids)?], |row| from_row(row).map(|file| (file.id, file)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// From now on the file may be used, under this name. Once registered, it keeps its name.
pub fn register(tx: &Transaction<'_>, id: FileId, name: &str) -> Result<()> {
    tx.prepare_cached("UPDATE file SET registered = 1, name = ? WHERE id = ? AND registered = 0")?
        .execute(params![name, id.to_string()])?;
    Ok(())
}

/// From now on the file follows the connector's permissions. One that follows another keeps to that.
pub fn attach(tx: &Transaction<'_>, id: FileId, connector: ConnectorId) -> Result<()> {
    tx.execute(
        "UPDATE file SET connector_id = ? WHERE id = ? AND connector_id IS NULL",
        params![connector.to_string(), id.to_string()],
    )?;
    Ok(())
}

/// Removes a file, and its bytes when no other file has the same. Answers whether there was such a file.
pub fn delete(tx: &Transaction<'_>, id: FileId) -> Result<bool> {
    let content: Option<i64> = tx
        .query_row("DELETE FROM file WHERE id = ? RETURNING content", [id.to_string()], |row| row.get(0))
        .optional()?;
    let Some(content) = content else { return Ok(false) };
    tx.execute(
        "DELETE FROM content WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM file WHERE content = ?1)",
        [content],
    )?;
    Ok(true)
}

/// The files that follow a connector's permissions.
pub fn of_connector(conn: &Connection, connector: ConnectorId) -> Result<Vec<FileId>> {
    let mut statement = conn.prepare_cached("SELECT id FROM file WHERE connector_id = ?")?;
    let rows = statement.query_map([connector.to_string()], |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// From now on the file follows another connector's permissions.
pub fn hand_over(tx: &Transaction<'_>, id: FileId, connector: ConnectorId) -> Result<()> {
    tx.execute(
        "UPDATE file SET connector_id = ? WHERE id = ?",
        params![connector.to_string(), id.to_string()],
    )?;
    Ok(())
}

/// Removes what a crash left of uploads under way. Only at start: it can't tell them from living ones.
pub fn sweep(tx: &Transaction<'_>) -> Result<usize> {
    Ok(tx.execute("DELETE FROM content WHERE sha256 IS NULL", [])?)
}

#[cfg(test)]
mod tests;
