//! Every content's bytes against its hash.

use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::Checked;
use crate::{error::Result, hex, store::Store};

/// Bytes of a chunk that is not the last one.
const CHUNK: usize = crate::store::file::CHUNK;

pub(super) fn check(store: &Store, checked: &mut Checked) -> Result<()> {
    let mut after = 0;
    while let Some(content) = store.files.read(|c| Ok(next(c, after)?))? {
        after = content.key;
        match &content.sha256 {
            None => checked.unfinished_uploads += 1,
            Some(sha256) => {
                checked.contents += 1;
                let place =
                    format!("content {} ({})", content.key, content.name.as_deref().unwrap_or("no file"));
                if content.name.is_none() {
                    checked.found(&place, "no file has these bytes");
                }
                if let Some(wrong) = wrong(store, content.key, content.size, sha256)? {
                    checked.found(&place, wrong);
                }
            }
        }
    }
    Ok(())
}

struct Content {
    key: i64,
    sha256: Option<Vec<u8>>,
    size: i64,
    /// Of one of its files.
    name: Option<String>,
}

fn next(connection: &Connection, after: i64) -> rusqlite::Result<Option<Content>> {
    connection
        .prepare_cached(
            "SELECT key, sha256, size, (SELECT name FROM file WHERE content = key LIMIT 1)
             FROM content WHERE key > ? ORDER BY key LIMIT 1",
        )?
        .query_row([after], |row| {
            Ok(Content { key: row.get(0)?, sha256: row.get(1)?, size: row.get(2)?, name: row.get(3)? })
        })
        .optional()
}

/// Reads a chunk at a time: no transaction lasts.
fn wrong(store: &Store, content: i64, size: i64, sha256: &[u8]) -> Result<Option<String>> {
    let (mut hash, mut found, mut last) = (Sha256::new(), 0_usize, CHUNK);
    for n in 0_i64.. {
        let chunk: Option<Vec<u8>> = store.files.read(|c| {
            let mut select = c.prepare_cached("SELECT bytes FROM chunk WHERE content = ? AND n = ?")?;
            Ok(select.query_row(params![content, n], |row| row.get(0)).optional()?)
        })?;
        let Some(chunk) = chunk else {
            let chunks: i64 = store.files.read(|c| {
                let mut count = c.prepare_cached("SELECT count(*) FROM chunk WHERE content = ?")?;
                Ok(count.query_row([content], |row| row.get(0))?)
            })?;
            if chunks == 0 && is_gone(store, content)? {
                // Deleted while it was read.
                return Ok(None);
            }
            if chunks != n {
                return Ok(Some(format!("chunk {n} is missing of {chunks} and more")));
            }
            break;
        };
        if last != CHUNK {
            return Ok(Some(format!("chunk {} is short, and is not the last", n - 1)));
        }
        last = chunk.len();
        found += chunk.len();
        hash.update(&chunk);
    }
    let computed: [u8; 32] = hash.finalize().into();
    if i64::try_from(found).unwrap_or(i64::MAX) != size {
        return Ok(Some(format!("it has {found} bytes and should have {size}")));
    }
    if computed != sha256 {
        return Ok(Some(format!(
            "its SHA-256 is {} and should be {}",
            hex::written(&computed),
            hex::written(sha256)
        )));
    }
    Ok(None)
}

fn is_gone(store: &Store, content: i64) -> Result<bool> {
    store.files.read(|c| Ok(!c.prepare_cached("SELECT 1 FROM content WHERE key = ?")?.exists([content])?))
}
