//! Notifications that wait to be sent. A trigger of `control.db` adds them in the transaction that ends the
//! run; they stay until they are delivered or given up.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::{column, time};
use crate::{
    error::Result,
    id::{ConnectorId, ExecutionId},
};

/// One that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The run that it tells of.
    pub execution: ExecutionId,
    /// Whose run.
    pub connector: ConnectorId,
    /// How many tries failed.
    pub failed: u32,
}

/// Those to send now: the first of each connector, so that one whose receiver is slow does not hold up
/// the others by all of its runs.
pub fn due(conn: &Connection, now: DateTime<Utc>) -> Result<Vec<Waiting>> {
    let mut statement = conn.prepare_cached(
        "SELECT min(seq) AS first, execution_id, connector_id, failed FROM notification
         WHERE next_try <= ? GROUP BY connector_id ORDER BY first",
    )?;
    let rows = statement.query_map([time::to_ms(now)], |row| {
        Ok(Waiting {
            execution: column::parsed(row, "execution_id")?,
            connector: column::parsed(row, "connector_id")?,
            failed: row.get("failed")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that a try failed and when the next one is. Answers whether it still waits.
pub fn later(tx: &Transaction<'_>, waiting: &Waiting, next_try: DateTime<Utc>) -> Result<bool> {
    let changed = tx
        .prepare_cached("UPDATE notification SET failed = ?2, next_try = ?3 WHERE execution_id = ?1")?
        .execute(params![waiting.execution.to_string(), waiting.failed + 1, time::to_ms(next_try)])?;
    Ok(changed == 1)
}

/// Forgets one that was delivered or given up. Answers whether it was there.
pub fn remove(tx: &Transaction<'_>, execution: ExecutionId) -> Result<bool> {
    let changed = tx
        .prepare_cached("DELETE FROM notification WHERE execution_id = ?")?
        .execute([execution.to_string()])?;
    Ok(changed == 1)
}
