//! Files that nobody was told to use: what becomes of them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction};

use super::{SELECT, Source, StoredFile, delete, find, from_row, register, user};
use crate::{
    error::Result,
    id::FileId,
    store::{Store, column, time},
};

/// Finishes or undoes the uploads straight to a connector that a crash cut off: one that an execution
/// reads is registered, any other was never acknowledged and goes. While the server runs, of those that were complete
/// `before` a time: it can't tell younger ones from living ones. Answers how many went.
pub fn settle_uploads(store: &Store, before: Option<DateTime<Utc>>) -> Result<usize> {
    let uploads = store.files.read(|conn| {
        let mut statement = conn.prepare(&format!(
            "{SELECT} WHERE file.registered = 0 AND file.source = ?1 AND (?2 IS NULL OR file.created < ?2)"
        ))?;
        let rows = statement.query_map((Source::Upload.as_str(), before.map(time::to_ms)), from_row)?;
        Ok(rows.collect::<rusqlite::Result<Vec<StoredFile>>>()?)
    })?;
    let mut gone = 0;
    for file in uploads {
        let is_used = store.control.read(|conn| user(conn, file.id))?.is_some();
        store.files.write(|tx| {
            if is_used {
                return register(tx, file.id, &file.name);
            }
            gone += 1;
            delete(tx, file.id).map(|_| ())
        })?;
    }
    Ok(gone)
}

/// The files that came with a form before `before` and were not registered.
pub fn forgotten(conn: &Connection, before: DateTime<Utc>) -> Result<Vec<FileId>> {
    let mut statement =
        conn.prepare_cached("SELECT id FROM file WHERE registered = 0 AND created < ? AND source <> ?")?;
    let rows = statement
        .query_map((time::to_ms(before), Source::Upload.as_str()), |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Removes a file unless it was registered.
pub fn forget(tx: &Transaction<'_>, id: FileId) -> Result<()> {
    if find(tx, id)?.is_some_and(|file| !file.registered) {
        delete(tx, id)?;
    }
    Ok(())
}
