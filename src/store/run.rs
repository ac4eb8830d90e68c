//! The ledger: what a run wrote, committed together with what it wrote.
//!
//! A live run's row is made in its first batch's transaction and gets `finished` in its last one; each
//! batch saves the counters of its step. So after a crash the ledger says which records exist and why,
//! and `control.db` follows it (spec: reliability §1).

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::column;
use crate::{
    error::{Error, Result},
    execution::{Counters, State},
    id::{ConnectorId, ExecutionId},
};

/// The counters of one load step, as committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerStep {
    /// The step's order.
    pub step: i64,
    /// The output table.
    pub scope: String,
    /// What became of its rows; `not_processed` is what has no outcome.
    pub counters: Counters,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Milliseconds since 1970.
    pub at: i64,
    /// Success, partial success, failed or cancelled.
    pub outcome: State,
    /// Of a failed one.
    pub error: Option<String>,
    /// Match values that the last run had and this one has not; `None`: not compared.
    pub missing_since_last_run: Option<u64>,
}

/// One run's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Short identity: what `created_by_execution` of a record holds.
    pub key: i64,
    /// Whose ledger.
    pub execution: ExecutionId,
    /// `None`: it is running, or was interrupted.
    pub finished: Option<Finished>,
    /// Row outcomes that were counted and not kept.
    pub outcomes_cut: u64,
    /// The steps that committed something, in order.
    pub steps: Vec<LedgerStep>,
}

impl Ledger {
    /// The sum over the steps.
    #[must_use]
    pub fn totals(&self) -> Counters {
        let mut totals = Counters::default();
        self.steps.iter().for_each(|step| totals.add(&step.counters));
        totals
    }
}

/// Begins the ledger of a run; inside its first batch's transaction.
pub fn begin(tx: &Connection, execution: ExecutionId, connector: ConnectorId, now: i64) -> Result<i64> {
    tx.prepare_cached("INSERT INTO run (execution_id, connector_id, started) VALUES (?1, ?2, ?3)")?
        .execute(params![execution.to_string(), connector.to_string(), now])?;
    Ok(tx.last_insert_rowid())
}

/// Saves what became of a step's rows so far; inside the batch's transaction.
pub fn save_step(tx: &Connection, run: i64, step: i64, scope: &str, counters: &Counters) -> Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO run_step
             (run, step, scope, rows, created, updated, unchanged, skipped, warnings, errors)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        run,
        step,
        scope,
        number(counters.rows),
        number(counters.created),
        number(counters.updated),
        number(counters.unchanged),
        number(counters.skipped),
        number(counters.warnings),
        number(counters.errors),
    ])?;
    Ok(())
}

/// Saves how many row outcomes were not kept; inside the batch's transaction.
pub fn save_cut(tx: &Connection, run: i64, cut: u64) -> Result<()> {
    tx.prepare_cached("UPDATE run SET outcomes_cut = ?2 WHERE key = ?1")?
        .execute(params![run, number(cut)])?;
    Ok(())
}

/// Writes how the run ended, once: a ledger that is finished stays as it is.
pub fn finish(tx: &Connection, execution: ExecutionId, finished: &Finished) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "UPDATE run SET finished = ?2, outcome = ?3, error = ?4, missing_since_last_run = ?5
             WHERE execution_id = ?1 AND finished IS NULL",
        )?
        .execute(params![
            execution.to_string(),
            finished.at,
            finished.outcome.as_str(),
            finished.error,
            finished.missing_since_last_run.map(number)
        ])?;
    Ok(changed == 1)
}

/// The ledger of an execution; `None` when it committed nothing.
pub fn read(connection: &Connection, execution: ExecutionId) -> Result<Option<Ledger>> {
    let found = connection
        .prepare_cached(
            "SELECT key, outcomes_cut, finished, outcome, error, missing_since_last_run
             FROM run WHERE execution_id = ?1",
        )?
        .query_row([execution.to_string()], |row| Ok((row.get(0)?, row.get(1)?, finished(row)?)))
        .optional()?;
    let Some((key, cut, finished)) = found else { return Ok(None) };
    Ok(Some(Ledger { key, execution, finished, outcomes_cut: count(cut), steps: steps(connection, key)? }))
}

/// The runs that began and never finished: at start-up, those that a crash interrupted.
pub fn open_runs(connection: &Connection) -> Result<Vec<ExecutionId>> {
    let mut statement =
        connection.prepare_cached("SELECT execution_id FROM run WHERE finished IS NULL ORDER BY key")?;
    let mut rows = statement.query([])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        open.push(id.parse().map_err(|e| Error::internal(format!("run {id}: {e}")))?);
    }
    Ok(open)
}

/// The connectors that the ledger has runs of.
pub fn connectors(connection: &Connection) -> Result<Vec<ConnectorId>> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT connector_id FROM run")?;
    let rows = statement.query_map([], |row| column::parsed(row, "connector_id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn finished(row: &Row<'_>) -> rusqlite::Result<Option<Finished>> {
    let Some(at) = row.get("finished")? else { return Ok(None) };
    Ok(Some(Finished {
        at,
        outcome: column::word(row, "outcome", State::parse)?,
        error: row.get("error")?,
        missing_since_last_run: row.get::<_, Option<i64>>("missing_since_last_run")?.map(count),
    }))
}

fn steps(connection: &Connection, run: i64) -> Result<Vec<LedgerStep>> {
    let mut statement = connection.prepare_cached(
        "SELECT step, scope, rows, created, updated, unchanged, skipped, warnings, errors
         FROM run_step WHERE run = ?1 ORDER BY step",
    )?;
    let mut rows = statement.query([run])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let mut counters = Counters {
            rows: count(row.get(2)?),
            created: count(row.get(3)?),
            updated: count(row.get(4)?),
            unchanged: count(row.get(5)?),
            skipped: count(row.get(6)?),
            warnings: count(row.get(7)?),
            errors: count(row.get(8)?),
            not_processed: 0,
        };
        counters.close();
        steps.push(LedgerStep { step: row.get(0)?, scope: row.get(1)?, counters });
    }
    Ok(steps)
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
