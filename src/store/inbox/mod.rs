//! Webhook requests that wait for their batch (`inbox.db`).
//!
//! A connector's requests count from 1 without gaps and leave in that order, so what waits is a range, and
//! what was taken is one number. How a range becomes an execution stands in `batch.rs`; the half of it that
//! `control.db` remembers, in [`super::delivery`].

mod batch;
mod seen;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

pub use batch::{
    Batch, Row as RequestRow, clear, end_of_batch, insert as insert_batch, open, page, part as part_batch,
};
pub use seen::{Once, sweep as sweep_seen};

use super::{column, time};
use crate::{
    error::Result,
    id::{ConnectorId, MemberId},
};

/// A request to be kept.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Whose it is.
    pub connector: ConnectorId,
    /// When it came.
    pub received: DateTime<Utc>,
    /// Whose key it came with; `None`: it was signed.
    pub member: Option<MemberId>,
    /// As sent.
    pub querystring: String,
    /// JSON.
    pub body: Option<String>,
    /// What makes it the same request when it comes again.
    pub once: Option<Once>,
}

impl NewRequest {
    /// What counts towards the size of a batch.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.querystring.len() + self.body.as_ref().map_or(0, String::len)) as u64
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It waits now.
    Added,
    /// It was kept before, and nothing was added.
    Seen,
    /// Another request had its name.
    Differs,
    /// Too many wait already.
    Full,
}

/// The inbox of one connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// Its row.
    pub key: i64,
    /// Whose it is.
    pub connector: ConnectorId,
    /// The newest request.
    pub last_seq: i64,
    /// The newest one that was taken.
    pub taken_seq: i64,
    /// Up to here the window is to close now.
    pub flush_seq: i64,
    /// Bytes that wait.
    pub bytes: i64,
}

impl Inbox {
    /// How many requests wait.
    #[must_use]
    pub const fn pending(&self) -> i64 {
        self.last_seq - self.taken_seq
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Inbox> {
    Ok(Inbox {
        key: row.get("key")?,
        connector: column::parsed(row, "connector_id")?,
        last_seq: row.get("last_seq")?,
        taken_seq: row.get("taken_seq")?,
        flush_seq: row.get("flush_seq")?,
        bytes: row.get("bytes")?,
    })
}

/// The connector's inbox, once it has one.
pub fn find(conn: &Connection, connector: ConnectorId) -> Result<Option<Inbox>> {
    let mut statement = conn.prepare_cached("SELECT * FROM inbox WHERE connector_id = ?")?;
    Ok(statement.query_row([connector.to_string()], from_row).optional()?)
}

/// Every inbox.
pub fn all(conn: &Connection) -> Result<Vec<Inbox>> {
    let mut statement = conn.prepare_cached("SELECT * FROM inbox ORDER BY key")?;
    Ok(statement.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The inboxes in which requests wait.
pub fn waiting(conn: &Connection) -> Result<Vec<Inbox>> {
    let mut statement = conn.prepare_cached("SELECT * FROM inbox WHERE last_seq > taken_seq ORDER BY key")?;
    Ok(statement.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// When the oldest request that waits came.
pub fn oldest(conn: &Connection, inbox: &Inbox) -> Result<Option<DateTime<Utc>>> {
    let mut statement = conn.prepare_cached("SELECT received FROM request WHERE inbox = ? AND seq = ?")?;
    Ok(statement.query_row((inbox.key, inbox.taken_seq + 1), |row| time::get(row, "received")).optional()?)
}

/// How many requests wait in all, and when the oldest of them came.
pub fn load(conn: &Connection) -> Result<(i64, Option<DateTime<Utc>>)> {
    let mut pending = 0;
    let mut first: Option<DateTime<Utc>> = None;
    for inbox in waiting(conn)? {
        pending += inbox.pending();
        let oldest = oldest(conn, &inbox)?;
        first = first.into_iter().chain(oldest).min();
    }
    Ok((pending, first))
}

/// Keeps requests, in order. At most `max_pending` wait in all, and half of that for one connector. Answers
/// what became of each, and the inboxes that they are in, as they are now.
pub fn add(
    tx: &Transaction<'_>,
    requests: &[NewRequest],
    max_pending: i64,
) -> Result<(Vec<Kept>, Vec<Inbox>)> {
    let mut total: i64 = tx
        .prepare_cached("SELECT coalesce(sum(last_seq - taken_seq), 0) FROM inbox")?
        .query_row([], |row| row.get(0))?;
    let mut inboxes: Vec<Inbox> = Vec::new();
    let mut insert = tx.prepare_cached(
        "INSERT INTO request (inbox, seq, received, member_id, querystring, body) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let mut kept = Vec::with_capacity(requests.len());
    for request in requests {
        let known = inboxes.iter().position(|inbox| inbox.connector == request.connector);
        let at = known.unwrap_or(inboxes.len());
        if known.is_none() {
            inboxes.push(find_or_make(tx, request.connector)?);
        }
        let inbox = &mut inboxes[at];
        // A request that was kept before is acknowledged again, however full it is.
        if let Some(once) = &request.once
            && let Some(seen) = seen::find(tx, inbox.key, once, request.received)?
        {
            kept.push(seen);
            continue;
        }
        if total >= max_pending || inbox.pending() >= (max_pending / 2).max(1) {
            kept.push(Kept::Full);
            continue;
        }
        if let Some(once) = &request.once {
            seen::note(tx, inbox.key, once, request.received)?;
        }
        inbox.last_seq += 1;
        inbox.bytes += request.bytes() as i64;
        total += 1;
        insert.execute(params![
            inbox.key,
            inbox.last_seq,
            time::to_ms(request.received),
            request.member.map(|id| id.to_string()),
            request.querystring,
            request.body,
        ])?;
        kept.push(Kept::Added);
    }
    let mut update = tx.prepare_cached("UPDATE inbox SET last_seq = ?2, bytes = ?3 WHERE key = ?1")?;
    for inbox in &inboxes {
        update.execute((inbox.key, inbox.last_seq, inbox.bytes))?;
    }
    Ok((kept, inboxes))
}

/// The connector's inbox; an empty one when it has none yet.
pub fn find_or_make(tx: &Transaction<'_>, connector: ConnectorId) -> Result<Inbox> {
    if let Some(inbox) = find(tx, connector)? {
        return Ok(inbox);
    }
    let mut statement = tx.prepare_cached("INSERT INTO inbox (connector_id) VALUES (?) RETURNING *")?;
    Ok(statement.query_row([connector.to_string()], from_row)?)
}

/// From now on what waits is to be taken, however young. Answers how many requests that are.
pub fn flush(tx: &Transaction<'_>, connector: ConnectorId) -> Result<i64> {
    let mut statement = tx.prepare_cached(
        "UPDATE inbox SET flush_seq = last_seq WHERE connector_id = ? RETURNING last_seq - taken_seq",
    )?;
    let pending = statement.query_row([connector.to_string()], |row| row.get(0)).optional()?;
    Ok(pending.unwrap_or(0))
}

/// What an execution has delivered goes, also where this file is an older copy than the one that remembers
/// the delivery; new requests count on behind it.
pub fn skip_delivered(tx: &Transaction<'_>, inbox: &Inbox, delivered: i64) -> Result<()> {
    if delivered <= inbox.taken_seq {
        return Ok(());
    }
    let left = tx.query_row(
        "SELECT coalesce(sum(octet_length(querystring) + coalesce(octet_length(body), 0)), 0)
         FROM request WHERE inbox = ? AND seq > ?",
        (inbox.key, delivered),
        |row| row.get::<_, i64>(0),
    )?;
    tx.execute(
        "UPDATE inbox SET taken_seq = ?2, last_seq = max(last_seq, ?2), bytes = ?3 WHERE key = ?1",
        (inbox.key, delivered, left),
    )?;
    Ok(())
}

/// Removes at most `limit` requests that were taken. Answers whether there may be more.
pub fn sweep_taken(tx: &Transaction<'_>, inbox: i64, limit: i64) -> Result<bool> {
    let mut first = tx.prepare_cached(
        "SELECT min(seq) FROM request WHERE inbox = ?1 AND seq <= (SELECT taken_seq FROM inbox WHERE key = ?1)",
    )?;
    let Some(first) = first.query_row([inbox], |row| row.get::<_, Option<i64>>(0))? else { return Ok(false) };
    let mut delete = tx.prepare_cached(
        "DELETE FROM request WHERE inbox = ?1 AND seq < ?2 AND seq <= (SELECT taken_seq FROM inbox WHERE key = ?1)",
    )?;
    Ok(delete.execute((inbox, first + limit))? as i64 == limit)
}

/// Removes the inbox of a connector that is gone, in pieces of `limit` requests. Answers whether there is
/// more to do.
pub fn forget(tx: &Transaction<'_>, inbox: i64, limit: i64) -> Result<bool> {
    let first: Option<i64> = tx
        .prepare_cached("SELECT min(seq) FROM request WHERE inbox = ?")?
        .query_row([inbox], |row| row.get(0))?;
    if let Some(first) = first {
        tx.execute("DELETE FROM request WHERE inbox = ? AND seq < ?", (inbox, first + limit))?;
        return Ok(true);
    }
    tx.execute("DELETE FROM seen WHERE inbox = ?", [inbox])?;
    tx.execute("DELETE FROM inbox WHERE key = ?", [inbox])?;
    Ok(false)
}

#[cfg(test)]
mod tests;
