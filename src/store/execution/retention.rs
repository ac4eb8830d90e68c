//! Executions that have been kept long enough.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::{
    error::Result,
    id::{ExecutionId, FileId},
    store::{column, time},
};

const DAY_MS: i64 = 86_400_000;

/// An ended execution that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Which.
    pub id: ExecutionId,
    /// Its outcomes are in `control.db`.
    pub is_dry_run: bool,
    /// Its input, report and ZIP.
    pub files: Vec<FileId>,
}

/// Ended executions beyond what their connectors keep, by days or by number; at most `limit`. The last
/// successful live run of a connector is never among them.
pub fn expired(conn: &Connection, now: DateTime<Utc>, limit: usize) -> Result<Vec<Expired>> {
    let mut connectors = conn.prepare_cached("SELECT id, retention_days, retention_runs FROM connector")?;
    let mut connectors = connectors.query([])?;
    let mut found = Vec::new();
    while let Some(row) = connectors.next()? {
        let (id, days, runs): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let cutoff = (days > 0).then(|| time::to_ms(now) - days * DAY_MS);
        let oldest = if runs > 0 { oldest_kept(conn, &id, runs)? } else { None };
        of_connector(conn, &id, cutoff, oldest, limit - found.len(), &mut found)?;
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// The first of the connector's last `runs` ended executions, when it has as many.
fn oldest_kept(conn: &Connection, connector: &str, runs: i64) -> Result<Option<i64>> {
    let mut statement = conn.prepare_cached(
        "SELECT seq FROM execution WHERE connector_id = ? AND ended_at IS NOT NULL
         ORDER BY seq DESC LIMIT 1 OFFSET ?",
    )?;
    Ok(statement.query_row(params![connector, runs - 1], |row| row.get(0)).optional()?)
}

fn of_connector(
    conn: &Connection,
    connector: &str,
    cutoff: Option<i64>,
    oldest: Option<i64>,
    limit: usize,
    found: &mut Vec<Expired>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT id, is_dry_run, input_file, final_report, sql_output_zip FROM execution WHERE seq IN (
             SELECT seq FROM execution WHERE connector_id = ?1 AND ended_at < ?2
             UNION
             SELECT seq FROM execution WHERE connector_id = ?1 AND ended_at IS NOT NULL AND seq < ?3)
           AND seq IS NOT (
             SELECT seq FROM execution WHERE connector_id = ?1 AND state = 'success' AND is_dry_run = 0
             ORDER BY seq DESC LIMIT 1)
         LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![connector, cutoff, oldest, limit], |row| {
        let files = ["input_file", "final_report", "sql_output_zip"]
            .into_iter()
            .filter_map(|name| column::parsed_optional(row, name).transpose());
        Ok(Expired {
            id: column::parsed(row, "id")?,
            is_dry_run: row.get("is_dry_run")?,
            files: files.collect::<rusqlite::Result<_>>()?,
        })
    })?;
    for row in rows {
        found.push(row?);
    }
    Ok(())
}

/// Removes an ended execution with its log, and its snapshot when no other one has the same; its events stay.
pub fn delete(tx: &Transaction<'_>, id: ExecutionId) -> Result<()> {
    let mut statement =
        tx.prepare_cached("DELETE FROM execution WHERE id = ? AND ended_at IS NOT NULL RETURNING snapshot")?;
    let snapshots: Vec<Option<i64>> =
        statement.query_map([id.to_string()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for snapshot in snapshots.into_iter().flatten() {
        tx.prepare_cached(
            "DELETE FROM snapshot WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM execution WHERE snapshot = ?1)",
        )?
        .execute([snapshot])?;
    }
    Ok(())
}
