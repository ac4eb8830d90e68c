//! Executions: queued, claimed, ended. Each move is one statement that holds only from a legal state,
//! so that two threads can't make it twice and an ended row never changes.

mod claim;
mod list;
mod retention;
mod text;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

pub use claim::{Head, fail_unreadable, heads, take};
pub use list::{Filter, ORDERINGS, list, queue_positions};
pub use retention::{Expired, delete, expired};

use super::{column, time};
use crate::{
    error::{Error, Result},
    execution::{Counters, Execution, Snapshot, Stage, State, TriggerType},
    id::{ConnectorId, ExecutionId, FileId, MemberId, ScriptId},
};

const OPEN: &str = "('in_progress', 'cancelling')";

/// Those of `states` that may become `next`, for the WHERE of the statement that makes the move: which moves are
/// legal is said in [`State::may_become`] alone.
fn that_may_become(next: State, states: &[State]) -> String {
    let states = states.iter().filter(|state| state.may_become(next));
    let words: Vec<String> = states.map(|state| format!("'{}'", state.as_str())).collect();
    format!("({})", words.join(", "))
}

/// Starts a queued execution. Answers false when it waits no more.
fn begin(tx: &Transaction<'_>, id: &str, now: DateTime<Utc>) -> Result<bool> {
    let from = that_may_become(State::InProgress, &State::ALL);
    let changed = tx
        .prepare_cached(&format!(
            "UPDATE execution SET state = 'in_progress', started_at = ?2 WHERE id = ?1 AND state IN {from}"
        ))?
        .execute(params![id, time::to_ms(now)])?;
    Ok(changed == 1)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Execution> {
    Ok(Execution {
        id: column::parsed(row, "id")?,
        connector_id: column::parsed(row, "connector_id")?,
        number: row.get("number")?,
        state: column::word(row, "state", State::parse)?,
        trigger: column::word(row, "trigger_type", TriggerType::parse)?,
        is_dry_run: row.get("is_dry_run")?,
        use_draft: row.get("use_draft")?,
        disable_diff_check: row.get("disable_diff_check")?,
        ignore_guard: row.get("ignore_guard")?,
        started_by: column::parsed_optional(row, "started_by")?,
        started_by_key: column::parsed_optional(row, "started_by_key")?,
        scheduled_for: time::get_optional(row, "scheduled_for")?,
        cadence: row.get("cadence")?,
        timeframe_start: time::get_optional(row, "timeframe_start")?,
        created: time::get(row, "created")?,
        started_at: time::get_optional(row, "started_at")?,
        ended_at: time::get_optional(row, "ended_at")?,
        error_details: row.get("error_details")?,
        warning: row.get("warning")?,
        stages: column::json(row, "stages")?,
        totals: column::json(row, "totals")?,
        input_file: column::parsed_optional(row, "input_file")?,
        final_report: column::parsed_optional(row, "final_report")?,
        sql_output_zip: column::parsed_optional(row, "sql_output_zip")?,
        sql_parameters: column::json(row, "sql_parameters")?,
        cancelled_by: column::parsed_optional(row, "cancelled_by")?,
        cancel_requested_at: time::get_optional(row, "cancel_requested_at")?,
        script_id: column::parsed_optional(row, "script_id")?,
        sql_version: row.get("sql_version")?,
        outcomes_cut: row.get::<_, i64>("outcomes_cut")?.unsigned_abs(),
        missing_since_last_run: row.get::<_, Option<i64>>("missing_since_last_run")?.map(i64::unsigned_abs),
    })
}

/// Queues an execution. `input_name` is its file's name, for searching.
pub fn insert(tx: &Transaction<'_>, execution: &Execution, input_name: &str) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO execution (id, connector_id, number, state, trigger_type, is_dry_run, use_draft,
            disable_diff_check, ignore_guard, started_by, started_by_key, scheduled_for, cadence, timeframe_start,
            created, warning, stages, totals, sql_parameters, input_file, input_name)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    statement.execute(params![
        execution.id.to_string(),
        execution.connector_id.to_string(),
        execution.number,
        execution.state.as_str(),
        execution.trigger.as_str(),
        execution.is_dry_run,
        execution.use_draft,
        execution.disable_diff_check,
        execution.ignore_guard,
        execution.started_by.map(|id| id.to_string()),
        execution.started_by_key.map(|id| id.to_string()),
        execution.scheduled_for.map(time::to_ms),
        execution.cadence,
        execution.timeframe_start.map(time::to_ms),
        time::to_ms(execution.created),
        execution.warning,
        column::to_json(&execution.stages)?,
        column::to_json(&execution.totals)?,
        column::to_json(&execution.sql_parameters)?,
        execution.input_file.map(|id| id.to_string()),
        input_name,
    ])?;
    text::keep(tx, &execution.id.to_string())
}

/// The execution with this id.
pub fn find(conn: &Connection, id: ExecutionId) -> Result<Option<Execution>> {
    let mut statement = conn.prepare_cached("SELECT * FROM execution WHERE id = ?")?;
    Ok(statement.query_row([id.to_string()], from_row).optional()?)
}

/// The execution with this id, when it is the connector's.
pub fn of_connector(conn: &Connection, connector: ConnectorId, id: ExecutionId) -> Result<Execution> {
    find(conn, id)?.filter(|e| e.connector_id == connector).ok_or_else(|| Error::not_found("execution"))
}

/// Freezes what a claimed execution runs with.
pub fn set_snapshot(tx: &Transaction<'_>, id: ExecutionId, snapshot: &Snapshot) -> Result<()> {
    use sha2::{Digest as _, Sha256};
    let body = column::to_json(snapshot)?;
    let hash: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    tx.prepare_cached("INSERT INTO snapshot (hash, body) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING")?
        .execute(params![hash, body])?;
    tx.prepare_cached(
        "UPDATE execution SET script_id = ?2, sql_version = ?3, snapshot = (SELECT key FROM snapshot WHERE hash = ?4)
         WHERE id = ?1",
    )?
    .execute(params![id.to_string(), snapshot.script_id.to_string(), snapshot.sql_version, hash])?;
    Ok(())
}

/// What an execution ran with, once it was claimed.
pub fn snapshot(conn: &Connection, id: ExecutionId) -> Result<Option<Snapshot>> {
    let mut statement = conn.prepare_cached(
        "SELECT body FROM snapshot WHERE key = (SELECT snapshot FROM execution WHERE id = ?)",
    )?;
    Ok(statement.query_row([id.to_string()], |row| column::json(row, "body")).optional()?)
}

/// Keeps how far a running execution has come, for when the process dies.
pub fn set_stages(tx: &Transaction<'_>, id: ExecutionId, stages: &[Stage]) -> Result<()> {
    let mut statement =
        tx.prepare_cached(&format!("UPDATE execution SET stages = ?2 WHERE id = ?1 AND state IN {OPEN}"))?;
    statement.execute(params![id.to_string(), column::to_json(&stages)?])?;
    Ok(())
}

/// The next executions after one, each with its position.
pub fn page(conn: &Connection, after: i64, limit: i64) -> Result<Vec<(i64, Execution)>> {
    let mut statement = conn.prepare_cached("SELECT * FROM execution WHERE seq > ? ORDER BY seq LIMIT ?")?;
    let rows = statement.query_map([after, limit], |row| Ok((row.get("seq")?, from_row(row)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct End {
    /// One of the ended states.
    pub state: State,
    /// The whole run-level error.
    pub error_details: Option<String>,
    /// What is odd about the run.
    pub warning: Option<String>,
    /// The stages with their final counters.
    pub stages: Vec<Stage>,
    /// The sum over the load steps.
    pub totals: Counters,
    /// The workbook.
    pub final_report: Option<FileId>,
    /// The output tables.
    pub sql_output_zip: Option<FileId>,
    /// Row outcomes that were counted and not kept.
    pub outcomes_cut: u64,
    /// Match values that were there in the last run and are not now.
    pub missing_since_last_run: Option<u64>,
}

/// Ends a running execution. Answers false when it had ended before.
pub fn end(tx: &Transaction<'_>, id: ExecutionId, end: &End, now: DateTime<Utc>) -> Result<bool> {
    if end.state == State::Cancelled {
        // What is stopped without having been asked to, by a server that stops, goes the same way.
        let from = that_may_become(State::Cancelling, &State::ALL);
        tx.prepare_cached(&format!(
            "UPDATE execution SET state = 'cancelling' WHERE id = ?1 AND state IN {from}"
        ))?
        .execute([id.to_string()])?;
    }
    // One that waits is no running one.
    let from = that_may_become(end.state, &[State::InProgress, State::Cancelling]);
    let mut statement = tx.prepare_cached(&format!(
        "UPDATE execution SET state = ?2, ended_at = ?3, error_details = ?4, warning = coalesce(?5, warning),
            stages = ?6, totals = ?7, final_report = ?8, sql_output_zip = ?9, outcomes_cut = ?10,
            missing_since_last_run = ?11
         WHERE id = ?1 AND state IN {from}"
    ))?;
    let changed = statement.execute(params![
        id.to_string(),
        end.state.as_str(),
        time::to_ms(now),
        end.error_details,
        end.warning,
        column::to_json(&end.stages)?,
        column::to_json(&end.totals)?,
        end.final_report.map(|id| id.to_string()),
        end.sql_output_zip.map(|id| id.to_string()),
        i64::try_from(end.outcomes_cut).unwrap_or(i64::MAX),
        end.missing_since_last_run.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
    ])?;
    if changed == 1 && end.error_details.is_some() {
        text::keep(tx, &id.to_string())?;
    }
    Ok(changed == 1)
}

/// Ends a queued execution whose batches the ledger knows: a restored backup of `control.db` may be
/// older than that of `records.db`. Anything else stays as it is, and the answer is false.
pub fn interrupt_queued(
    tx: &Transaction<'_>,
    id: ExecutionId,
    end_as: &End,
    now: DateTime<Utc>,
) -> Result<bool> {
    Ok(begin(tx, &id.to_string(), now)? && end(tx, id, end_as, now)?)
}

/// Asks to cancel: a queued execution is cancelled at once, a running one becomes `cancelling`.
/// Answers false when there was nothing to ask.
pub fn request_cancel(
    tx: &Transaction<'_>,
    id: ExecutionId,
    by: Option<MemberId>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let by = by.map(|id| id.to_string());
    let from = that_may_become(State::Cancelled, &[State::Queued]);
    let mut queued = tx.prepare_cached(&format!(
        "UPDATE execution SET state = 'cancelled', ended_at = ?3, cancelled_by = ?2, cancel_requested_at = ?3
         WHERE id = ?1 AND state IN {from}"
    ))?;
    if queued.execute(params![id.to_string(), by, time::to_ms(now)])? == 1 {
        return Ok(true);
    }
    let from = that_may_become(State::Cancelling, &State::ALL);
    let mut running = tx.prepare_cached(&format!(
        "UPDATE execution SET state = 'cancelling', cancelled_by = ?2, cancel_requested_at = ?3
         WHERE id = ?1 AND state IN {from}"
    ))?;
    Ok(running.execute(params![id.to_string(), by, time::to_ms(now)])? == 1)
}

/// The connector's executions in these states, oldest first.
pub fn in_states(
    conn: &Connection,
    connector: Option<ConnectorId>,
    states: &[State],
) -> Result<Vec<Execution>> {
    let states: Vec<&str> = states.iter().map(|s| s.as_str()).collect();
    let mut statement = conn.prepare_cached(
        "SELECT * FROM execution WHERE state IN ('queued', 'in_progress', 'cancelling')
           AND state IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR connector_id = ?2)
         ORDER BY seq",
    )?;
    let rows = statement
        .query_map(params![column::to_json(&states)?, connector.map(|id| id.to_string())], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether the connector has a run of this tick.
pub fn has_tick(conn: &Connection, connector: ConnectorId, tick: DateTime<Utc>) -> Result<bool> {
    let mut statement =
        conn.prepare_cached("SELECT 1 FROM execution WHERE connector_id = ? AND scheduled_for = ?")?;
    Ok(statement.exists(params![connector.to_string(), time::to_ms(tick)])?)
}

/// Whether a run that a tick of the connector started has not ended.
pub fn has_open_tick(conn: &Connection, connector: ConnectorId) -> Result<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT 1 FROM execution WHERE state IN ('queued', 'in_progress', 'cancelling')
           AND connector_id = ? AND scheduled_for IS NOT NULL",
    )?;
    Ok(statement.exists([connector.to_string()])?)
}

/// How many executions wait, over all connectors.
pub fn queued(conn: &Connection) -> Result<i64> {
    let mut statement = conn.prepare_cached("SELECT count(*) FROM execution WHERE state = 'queued'")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// When the execution that waits longest was queued.
pub fn oldest_queued(conn: &Connection) -> Result<Option<DateTime<Utc>>> {
    let mut statement =
        conn.prepare_cached("SELECT created FROM execution WHERE state = 'queued' ORDER BY seq LIMIT 1")?;
    Ok(statement.query_row([], |row| time::get(row, "created")).optional()?)
}

/// The states of the connector's last live runs that ended, newest first.
pub fn last_live_ends(conn: &Connection, connector: ConnectorId, n: i64) -> Result<Vec<State>> {
    let mut statement = conn.prepare_cached(
        "SELECT state FROM execution WHERE connector_id = ? AND is_dry_run = 0 AND ended_at IS NOT NULL
           AND state <> 'cancelled' ORDER BY seq DESC LIMIT ?",
    )?;
    let rows = statement
        .query_map(params![connector.to_string(), n], |row| column::word(row, "state", State::parse))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The newest ended live run of the connector that was queued before this one and read one of these files.
pub fn with_input_before(
    conn: &Connection,
    connector: ConnectorId,
    files: &[FileId],
    before: ExecutionId,
) -> Result<Option<ExecutionId>> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM execution WHERE connector_id = ?1 AND is_dry_run = 0
           AND state IN ('success', 'partial_success')
           AND input_file IN (SELECT value FROM json_each(?2))
           AND seq < (SELECT seq FROM execution WHERE id = ?3) ORDER BY seq DESC LIMIT 1",
    )?;
    let found = statement
        .query_row(params![connector.to_string(), column::to_json(&files)?, before.to_string()], |row| {
            column::parsed(row, "id")
        })
        .optional()?;
    Ok(found)
}

/// Whether an execution of the connector read this file.
pub fn is_input(conn: &Connection, connector: ConnectorId, file: FileId) -> Result<bool> {
    let mut statement =
        conn.prepare_cached("SELECT 1 FROM execution WHERE connector_id = ? AND input_file = ?")?;
    Ok(statement.exists(params![connector.to_string(), file.to_string()])?)
}

/// The last live run of a connector that has ended.
pub fn last_live(conn: &Connection, connector: ConnectorId) -> Result<Option<Execution>> {
    let mut statement = conn.prepare_cached(
        "SELECT * FROM execution WHERE connector_id = ? AND is_dry_run = 0
           AND state IN ('success', 'partial_success', 'failed', 'cancelled') ORDER BY seq DESC LIMIT 1",
    )?;
    Ok(statement.query_row([connector.to_string()], from_row).optional()?)
}

/// The SQL output of the last run that used this script and left one.
pub fn last_output(conn: &Connection, connector: ConnectorId, script: ScriptId) -> Result<Option<FileId>> {
    let mut statement = conn.prepare_cached(
        "SELECT sql_output_zip FROM execution WHERE connector_id = ? AND script_id = ?
           AND sql_output_zip IS NOT NULL ORDER BY seq DESC LIMIT 1",
    )?;
    let found = statement
        .query_row(params![connector.to_string(), script.to_string()], |row| {
            column::parsed(row, "sql_output_zip")
        })
        .optional()?;
    Ok(found)
}
