//! What `control.db` remembers of a connector's inbox: how far its requests were delivered to executions,
//! and how far they are to be cancelled. The requests themselves are in `inbox.db`.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{column, inbox::Batch};
use crate::{
    connector::Status,
    error::Result,
    id::{ConnectorId, MemberId},
};

/// What decides whether a connector's window closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Names the file.
    pub api_name: String,
    /// Whether it runs.
    pub status: Status,
    /// Seconds that requests collect.
    pub cadence: Option<u32>,
    /// The requests up to here are in executions' input files.
    pub delivered: i64,
    /// Those up to here that are not delivered become the input of cancelled executions.
    pub cancelled: i64,
    /// Who asked for that.
    pub cancelled_by: Option<MemberId>,
}

/// The facts about a connector that is there.
pub fn facts(conn: &Connection, connector: ConnectorId) -> Result<Option<Facts>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.api_name, c.status, c.cadence, coalesce(d.delivered, 0) AS delivered,
            coalesce(d.cancelled, 0) AS cancelled, d.cancelled_by
         FROM connector c LEFT JOIN delivery d ON d.connector_id = c.id WHERE c.id = ?",
    )?;
    let found = statement.query_row([connector.to_string()], |row| {
        Ok(Facts {
            api_name: row.get("api_name")?,
            status: column::word(row, "status", Status::parse)?,
            cadence: row.get("cadence")?,
            delivered: row.get("delivered")?,
            cancelled: row.get("cancelled")?,
            cancelled_by: column::parsed_optional(row, "cancelled_by")?,
        })
    });
    Ok(found.optional()?)
}

/// How far the requests of one connector went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Whose they are.
    pub connector: ConnectorId,
    /// See [`Facts::delivered`].
    pub delivered: i64,
    /// See [`Facts::cancelled`].
    pub cancelled: i64,
}

/// Every connector's.
pub fn marks(conn: &Connection) -> Result<Vec<Mark>> {
    let mut statement = conn.prepare("SELECT connector_id, delivered, cancelled FROM delivery")?;
    let marks = statement.query_map([], |row| {
        Ok(Mark {
            connector: column::parsed(row, "connector_id")?,
            delivered: row.get("delivered")?,
            cancelled: row.get("cancelled")?,
        })
    })?;
    Ok(marks.collect::<rusqlite::Result<_>>()?)
}

/// Requests behind `seq` are none of those that were to be cancelled.
pub fn bound_cancelled(tx: &Transaction<'_>, connector: ConnectorId, seq: i64) -> Result<()> {
    tx.execute(
        "UPDATE delivery SET cancelled = min(cancelled, ?2) WHERE connector_id = ?1",
        params![connector.to_string(), seq],
    )?;
    Ok(())
}

/// Notes that an execution holds a batch: in the transaction that queues it.
pub fn deliver(tx: &Transaction<'_>, batch: &Batch) -> Result<()> {
    tx.prepare_cached("UPDATE execution SET inbox_first = ?2, inbox_last = ?3 WHERE id = ?1")?
        .execute(params![batch.execution.to_string(), batch.first_seq, batch.last_seq])?;
    tx.prepare_cached(
        "INSERT INTO delivery (connector_id, delivered) VALUES (?1, ?2)
         ON CONFLICT (connector_id) DO UPDATE SET delivered = max(delivered, excluded.delivered)",
    )?
    .execute(params![batch.connector.to_string(), batch.last_seq])?;
    Ok(())
}

/// The requests up to `seq` become the input of cancelled executions.
pub fn cancel(tx: &Transaction<'_>, connector: ConnectorId, seq: i64, by: Option<MemberId>) -> Result<()> {
    tx.execute(
        "INSERT INTO delivery (connector_id, cancelled, cancelled_by) VALUES (?1, ?2, ?3)
         ON CONFLICT (connector_id) DO UPDATE
         SET cancelled = max(cancelled, excluded.cancelled), cancelled_by = excluded.cancelled_by",
        params![connector.to_string(), seq, by.map(|id| id.to_string())],
    )?;
    Ok(())
}
