//! Requests that come again: a name seen within a day is acknowledged and adds nothing.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::Kept;
use crate::{error::Result, store::time};

/// How long a name is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// What makes a request the same when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Its name, with what scopes it.
    pub name: String,
    /// SHA-256 of what was sent.
    pub hash: [u8; 32],
    /// Whether another request of the same name is refused, not acknowledged.
    pub must_match: bool,
}

/// What a request's name means for it; `None`: it is new.
pub(super) fn find(
    tx: &Transaction<'_>,
    inbox: i64,
    once: &Once,
    now: DateTime<Utc>,
) -> Result<Option<Kept>> {
    let mut statement = tx.prepare_cached("SELECT hash FROM seen WHERE inbox = ? AND name = ? AND at > ?")?;
    let hash: Option<[u8; 32]> = statement
        .query_row(params![inbox, once.name, time::to_ms(now - REMEMBERED)], |row| row.get(0))
        .optional()?;
    Ok(hash.map(|hash| if once.must_match && hash != once.hash { Kept::Differs } else { Kept::Seen }))
}

/// Remembers the name, in the place of an older one.
pub(super) fn note(tx: &Transaction<'_>, inbox: i64, once: &Once, now: DateTime<Utc>) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO seen (inbox, name, hash, at) VALUES (?, ?, ?, ?)
         ON CONFLICT (inbox, name) DO UPDATE SET hash = excluded.hash, at = excluded.at",
    )?;
    statement.execute(params![inbox, once.name, once.hash, time::to_ms(now)])?;
    Ok(())
}

/// Forgets at most `limit` names that are old enough. Answers whether there may be more.
pub fn sweep(tx: &Transaction<'_>, now: DateTime<Utc>, limit: i64) -> Result<bool> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM seen WHERE (inbox, name) IN (SELECT inbox, name FROM seen WHERE at <= ? ORDER BY at LIMIT ?)",
    )?;
    Ok(statement.execute((time::to_ms(now - REMEMBERED), limit))? as i64 == limit)
}
