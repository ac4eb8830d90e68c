//! The rows of a run that are kept with their messages: rejected, skipped and warned ones, and in a dry
//! run also those that would be updated.
//!
//! Live runs write them in `records.db` with the batch that they are about. A dry run collects them in
//! its scratch database, whose table is the same, and hands them to `control.db` when it ends.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    error::{Error, Result},
    execution::{RowOutcome, RowStatus},
    id::{ConnectorId, ExecutionId},
};

const COLUMNS: &str = "n, step, scope, row, line, source, status, record, messages, changes";

/// Keeps one outcome, the `n`-th of its run.
pub fn insert(tx: &Connection, execution: ExecutionId, n: u64, outcome: &RowOutcome) -> Result<()> {
    let changes = if outcome.changes.is_empty() { None } else { Some(json(&outcome.changes)?) };
    tx.prepare_cached(
        "INSERT INTO row_outcome
             (execution_id, n, step, scope, row, line, source, status, record, messages, changes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        execution.to_string(),
        i64::try_from(n).unwrap_or(i64::MAX),
        outcome.step,
        outcome.scope,
        i64::try_from(outcome.row).unwrap_or(i64::MAX),
        outcome.line,
        outcome.table,
        outcome.status.as_str(),
        outcome.record,
        json(&outcome.messages)?,
        changes,
    ])?;
    Ok(())
}

/// Up to `limit` outcomes of a run in its order, those after the `after`-th (0: from the start), of one
/// kind or of all, each with its number.
pub fn page(
    connection: &Connection,
    execution: ExecutionId,
    status: Option<RowStatus>,
    after: u64,
    limit: u32,
) -> Result<Vec<(u64, RowOutcome)>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM row_outcome
         WHERE execution_id = ?1 AND n > ?2 AND (?3 IS NULL OR status = ?3) ORDER BY n LIMIT ?4"
    ))?;
    let mut rows = statement.query(params![
        execution.to_string(),
        i64::try_from(after).unwrap_or(i64::MAX),
        status.map(RowStatus::as_str),
        limit
    ])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(read(row)?);
    }
    Ok(page)
}

/// One page of a run's outcomes, of one scope and kind or of all, and how many there are. An update with a
/// warning is of both kinds.
pub fn list(
    connection: &Connection,
    execution: ExecutionId,
    scope: Option<&str>,
    status: Option<RowStatus>,
    limit: i64,
    offset: i64,
) -> Result<(u64, Vec<RowOutcome>)> {
    const WHICH: &str = "FROM row_outcome
        WHERE execution_id = ?1 AND (?2 IS NULL OR scope = ?2)
          AND (?3 IS NULL OR status = ?3 OR (?3 = 'updated' AND changes IS NOT NULL))";
    let (id, status) = (execution.to_string(), status.map(RowStatus::as_str));
    let count: i64 = connection
        .prepare_cached(&format!("SELECT count(*) {WHICH}"))?
        .query_row(params![id, scope, status], |row| row.get(0))?;
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} {WHICH} ORDER BY n LIMIT ?4 OFFSET ?5"))?;
    let mut rows = statement.query(params![id, scope, status, limit, offset])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(read(row)?.1);
    }
    Ok((count.unsigned_abs(), page))
}

/// How many outcomes of a run are kept, of one kind or of all.
pub fn count(connection: &Connection, execution: ExecutionId, status: Option<RowStatus>) -> Result<u64> {
    let n: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM row_outcome WHERE execution_id = ?1 AND (?2 IS NULL OR status = ?2)",
        )?
        .query_row(params![execution.to_string(), status.map(RowStatus::as_str)], |row| row.get(0))?;
    Ok(u64::try_from(n).unwrap_or(0))
}

/// Forgets the last outcome that only previews an update, of those before the `before`-th; answers its
/// number.
pub fn drop_last_update(tx: &Connection, execution: ExecutionId, before: Option<u64>) -> Result<Option<u64>> {
    let last: Option<i64> = tx
        .prepare_cached(
            "DELETE FROM row_outcome WHERE execution_id = ?1 AND n = (
                 SELECT n FROM row_outcome WHERE execution_id = ?1 AND n < ?2 AND status = 'updated'
                 ORDER BY n DESC LIMIT 1)
             RETURNING n",
        )?
        .query_row(
            params![execution.to_string(), before.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX)],
            |row| row.get(0),
        )
        .optional()?;
    Ok(last.map(i64::unsigned_abs))
}

/// Forgets the outcomes of a run.
pub fn delete_of_run(database: &Connection, execution: ExecutionId) -> Result<()> {
    database
        .prepare_cached("DELETE FROM row_outcome WHERE execution_id = ?")?
        .execute([execution.to_string()])?;
    Ok(())
}

/// Forgets the outcomes of a connector's live runs, by the ledger.
pub fn delete_of_connector(records: &Connection, connector: ConnectorId) -> Result<()> {
    records.execute(
        "DELETE FROM row_outcome WHERE execution_id IN (SELECT execution_id FROM run WHERE connector_id = ?1)",
        [connector.to_string()],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<(u64, RowOutcome)> {
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let status: String = row.get(6)?;
    let changes: Option<String> = row.get(9)?;
    let messages: String = row.get(8)?;
    let outcome = RowOutcome {
        step: row.get(1)?,
        scope: row.get(2)?,
        row: number(row.get(3)?),
        line: row.get(4)?,
        table: row.get(5)?,
        status: RowStatus::ALL
            .into_iter()
            .find(|s| s.as_str() == status)
            .ok_or_else(|| Error::internal(format!("a row outcome has the unknown status {status}")))?,
        record: row.get(7)?,
        messages: serde_json::from_str(&messages).map_err(|e| unreadable(&e))?,
        changes: changes
            .map_or(Ok(Vec::new()), |text| serde_json::from_str(&text))
            .map_err(|e| unreadable(&e))?,
    };
    Ok((number(row.get(0)?), outcome))
}

fn unreadable(e: &serde_json::Error) -> Error {
    Error::internal(format!("a kept row outcome is not readable: {e}"))
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::internal(format!("a row outcome as JSON: {e}")))
}
