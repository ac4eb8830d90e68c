//! When each connector's next tick comes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{column, time};
use crate::{error::Result, id::ConnectorId};

/// Says when the next tick comes; the count of skipped ones stays.
pub fn set(tx: &Transaction<'_>, connector: ConnectorId, next: Option<DateTime<Utc>>) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO schedule (connector_id, next_tick) VALUES (?1, ?2)
         ON CONFLICT (connector_id) DO UPDATE SET next_tick = ?2",
    )?
    .execute(params![connector.to_string(), next.map(time::to_ms)])?;
    Ok(())
}

/// Moves on from a tick to the next one. Answers false when another has moved it since.
pub fn advance(
    tx: &Transaction<'_>,
    connector: ConnectorId,
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
    skipped: u64,
) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "UPDATE schedule SET next_tick = ?3, skipped = skipped + ?4
             WHERE connector_id = ?1 AND next_tick = ?2",
        )?
        .execute(params![
            connector.to_string(),
            time::to_ms(from),
            to.map(time::to_ms),
            i64::try_from(skipped).unwrap_or(i64::MAX)
        ])?;
    Ok(changed == 1)
}

/// The connectors whose next tick's time has come, and that time.
pub fn due(conn: &Connection, now: DateTime<Utc>) -> Result<Vec<(ConnectorId, DateTime<Utc>)>> {
    ticks(conn, now, "next_tick <= ?")
}

/// The connectors whose next tick is still to come, and its time.
pub fn ahead(conn: &Connection, now: DateTime<Utc>) -> Result<Vec<(ConnectorId, DateTime<Utc>)>> {
    ticks(conn, now, "next_tick > ?")
}

fn ticks(
    conn: &Connection,
    now: DateTime<Utc>,
    condition: &'static str,
) -> Result<Vec<(ConnectorId, DateTime<Utc>)>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT connector_id, next_tick FROM schedule WHERE {condition} ORDER BY next_tick"
    ))?;
    let rows = statement.query_map([time::to_ms(now)], |row| {
        Ok((column::parsed(row, "connector_id")?, time::get(row, "next_tick")?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many ticks of a connector started no run.
pub fn skipped(conn: &Connection, connector: ConnectorId) -> Result<u64> {
    let mut statement = conn.prepare_cached("SELECT skipped FROM schedule WHERE connector_id = ?")?;
    let skipped: Option<i64> = statement.query_row([connector.to_string()], |row| row.get(0)).optional()?;
    Ok(skipped.unwrap_or_default().unsigned_abs())
}
