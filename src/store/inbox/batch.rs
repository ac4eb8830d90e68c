//! A range of requests on its way into an execution.

use rusqlite::{Connection, Transaction, params};

use super::Inbox;
use crate::{
    error::Result,
    id::{ConnectorId, ExecutionId, FileId},
    store::column,
};

/// A window that was closed: which requests, and what they become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The inbox.
    pub inbox: i64,
    /// Whose it is.
    pub connector: ConnectorId,
    /// The first request.
    pub first_seq: i64,
    /// The last one.
    pub last_seq: i64,
    /// Their bytes.
    pub bytes: i64,
    /// The execution that they become.
    pub execution: ExecutionId,
    /// The file that they become.
    pub file: FileId,
    /// Its name.
    pub file_name: String,
}

/// One request of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub seq: i64,
    /// When it came, milliseconds since 1970.
    pub received: i64,
    /// Whose key it came with.
    pub member: Option<String>,
    /// As sent.
    pub querystring: String,
    /// JSON.
    pub body: Option<String>,
}

/// The last request, and the bytes, of a batch that begins with the oldest one that waits and ends at
/// `max_rows` requests, at `max_bytes`, or at the request `until`. Requests never change, so a reader finds it.
pub fn end_of_batch(
    conn: &Connection,
    inbox: &Inbox,
    until: i64,
    max_rows: i64,
    max_bytes: i64,
) -> Result<(i64, i64)> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, octet_length(querystring) + coalesce(octet_length(body), 0) FROM request
         WHERE inbox = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    )?;
    let mut rows = statement.query((inbox.key, inbox.taken_seq, until, max_rows))?;
    let (mut last, mut bytes) = (inbox.taken_seq, 0);
    while let Some(row) = rows.next()? {
        let size: i64 = row.get(1)?;
        // One request is a batch, however large.
        if last > inbox.taken_seq && bytes + size > max_bytes {
            break;
        }
        last = row.get(0)?;
        bytes += size;
    }
    Ok((last, bytes))
}

/// Closes the window. From now on its requests are this execution's.
pub fn insert(tx: &Transaction<'_>, batch: &Batch) -> Result<()> {
    tx.execute(
        "INSERT INTO batch (inbox, first_seq, last_seq, bytes, execution_id, file_id, file_name)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            batch.inbox,
            batch.first_seq,
            batch.last_seq,
            batch.bytes,
            batch.execution.to_string(),
            batch.file.to_string(),
            batch.file_name
        ],
    )?;
    Ok(())
}

/// Ends the batch at an earlier request. Answers what it is now.
pub fn part(tx: &Transaction<'_>, batch: &Batch, until: i64) -> Result<Batch> {
    let bytes = tx.query_row(
        "SELECT coalesce(sum(octet_length(querystring) + coalesce(octet_length(body), 0)), 0)
         FROM request WHERE inbox = ? AND seq BETWEEN ? AND ?",
        (batch.inbox, batch.first_seq, until),
        |row| row.get(0),
    )?;
    tx.execute("UPDATE batch SET last_seq = ?2, bytes = ?3 WHERE inbox = ?1", (batch.inbox, until, bytes))?;
    Ok(Batch { last_seq: until, bytes, ..batch.clone() })
}

/// The batches that are on their way.
pub fn open(conn: &Connection) -> Result<Vec<Batch>> {
    let mut statement = conn.prepare_cached(
        "SELECT batch.*, inbox.connector_id FROM batch JOIN inbox ON inbox.key = batch.inbox ORDER BY inbox.key",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Batch {
            inbox: row.get("inbox")?,
            connector: column::parsed(row, "connector_id")?,
            first_seq: row.get("first_seq")?,
            last_seq: row.get("last_seq")?,
            bytes: row.get("bytes")?,
            execution: column::parsed(row, "execution_id")?,
            file: column::parsed(row, "file_id")?,
            file_name: row.get("file_name")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The next requests of a batch behind `seq`, at most `limit`.
pub fn page(conn: &Connection, batch: &Batch, seq: i64, limit: i64) -> Result<Vec<Row>> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, received, member_id, querystring, body FROM request
         WHERE inbox = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    )?;
    let rows = statement.query_map((batch.inbox, seq, batch.last_seq, limit), |row| {
        Ok(Row {
            seq: row.get(0)?,
            received: row.get(1)?,
            member: row.get(2)?,
            querystring: row.get(3)?,
            body: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The batch has become its execution: its requests wait no more.
pub fn clear(tx: &Transaction<'_>, batch: &Batch) -> Result<()> {
    tx.execute(
        "UPDATE inbox SET taken_seq = ?2, bytes = max(bytes - ?3, 0) WHERE key = ?1 AND taken_seq < ?2",
        (batch.inbox, batch.last_seq, batch.bytes),
    )?;
    tx.execute("DELETE FROM batch WHERE inbox = ?", [batch.inbox])?;
    Ok(())
}
