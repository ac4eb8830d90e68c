//! A run's log lines.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::time;
use crate::{error::Result, id::ExecutionId};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Position, from 1.
    pub n: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The stage that it is about.
    pub stage: Option<String>,
    /// The sentence.
    pub message: String,
}

/// Writes lines of a run; of one that is gone, none. A line that is there already is written over.
pub fn insert(tx: &Transaction<'_>, execution: ExecutionId, lines: &[Line]) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO execution_log (execution, n, at, level, stage, message)
         SELECT seq, ?2, ?3, ?4, ?5, ?6 FROM execution WHERE id = ?1",
    )?;
    for line in lines {
        statement.execute(params![
            execution.to_string(),
            line.n,
            time::to_ms(line.at),
            line.level,
            line.stage,
            line.message
        ])?;
    }
    Ok(())
}

/// Writes a line after those that there are.
pub fn append(
    tx: &Transaction<'_>,
    execution: ExecutionId,
    at: DateTime<Utc>,
    level: &str,
    message: &str,
) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO execution_log (execution, n, at, level, message)
         SELECT seq, 1 + coalesce((SELECT max(n) FROM execution_log WHERE execution = seq), 0), ?2, ?3, ?4
         FROM execution WHERE id = ?1",
    )?
    .execute(params![execution.to_string(), time::to_ms(at), level, message])?;
    Ok(())
}

/// One page of a run's lines, and how many there are.
pub fn list(conn: &Connection, execution: ExecutionId, limit: i64, offset: i64) -> Result<(u64, Vec<Line>)> {
    let id = execution.to_string();
    let of_run = "FROM execution_log WHERE execution = (SELECT seq FROM execution WHERE id = ?)";
    let count: i64 = conn.query_row(&format!("SELECT count(*) {of_run}"), [&id], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(&format!("SELECT * {of_run} ORDER BY n LIMIT ? OFFSET ?"))?;
    let rows = statement.query_map(params![id, limit, offset], |row| {
        Ok(Line {
            n: row.get("n")?,
            at: time::get(row, "at")?,
            level: row.get("level")?,
            stage: row.get("stage")?,
            message: row.get("message")?,
        })
    })?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}
