//! Scripts: one draft, at most one live, and the history of what was published.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{column, time};
use crate::{
    error::{Error, Result},
    execution::Execution,
    id::{ConnectorId, ScriptId},
    script::{SampleState, Script, ScriptStatus},
};

fn from_row(row: &Row<'_>) -> rusqlite::Result<Script> {
    Ok(Script {
        id: column::parsed(row, "id")?,
        connector_id: column::parsed(row, "connector_id")?,
        status: column::word(row, "status", ScriptStatus::parse)?,
        state: column::word(row, "state", SampleState::parse)?,
        sql_version: row.get("sql_version")?,
        user_script: row.get("user_script")?,
        config_metadata: column::json(row, "config_metadata")?,
        output_file: column::parsed_optional(row, "output_file")?,
        output_headers: column::json(row, "output_headers")?,
        error: row.get("error")?,
        sample_is_stale: row.get("sample_is_stale")?,
        created: time::get(row, "created")?,
        updated: time::get(row, "updated")?,
        published: time::get_optional(row, "published")?,
        published_by: column::parsed_optional(row, "published_by")?,
    })
}

/// Adds a script.
pub fn insert(tx: &Transaction<'_>, script: &Script) -> Result<()> {
    tx.execute(
        "INSERT INTO script (id, connector_id, status, state, sql_version, user_script, config_metadata,
            output_file, output_headers, error, sample_is_stale, created, updated, published, published_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            script.id.to_string(),
            script.connector_id.to_string(),
            script.status.as_str(),
            script.state.as_str(),
            script.sql_version,
            script.user_script,
            column::to_json(&script.config_metadata)?,
            script.output_file.map(|id| id.to_string()),
            column::to_json(&script.output_headers)?,
            script.error,
            script.sample_is_stale,
            time::to_ms(script.created),
            time::to_ms(script.updated),
            script.published.map(time::to_ms),
            script.published_by.map(|id| id.to_string()),
        ],
    )?;
    Ok(())
}

/// Writes everything of a script that can change.
pub fn update(tx: &Transaction<'_>, script: &Script) -> Result<()> {
    tx.execute(
        "UPDATE script SET status = ?2, state = ?3, sql_version = ?4, user_script = ?5, config_metadata = ?6,
            output_file = ?7, output_headers = ?8, error = ?9, sample_is_stale = ?10, updated = ?11,
            published = ?12, published_by = ?13
         WHERE id = ?1",
        params![
            script.id.to_string(),
            script.status.as_str(),
            script.state.as_str(),
            script.sql_version,
            script.user_script,
            column::to_json(&script.config_metadata)?,
            script.output_file.map(|id| id.to_string()),
            column::to_json(&script.output_headers)?,
            script.error,
            script.sample_is_stale,
            time::to_ms(script.updated),
            script.published.map(time::to_ms),
            script.published_by.map(|id| id.to_string()),
        ],
    )?;
    Ok(())
}

/// The draft or live script with this id; replaced ones are not found.
pub fn find(conn: &Connection, connector: ConnectorId, id: ScriptId) -> Result<Script> {
    let mut statement = conn
        .prepare_cached("SELECT * FROM script WHERE id = ? AND connector_id = ? AND status <> 'history'")?;
    statement
        .query_row(params![id.to_string(), connector.to_string()], from_row)
        .optional()?
        .ok_or_else(|| Error::not_found("script"))
}

/// Any version, for the executions that used it.
pub fn version(conn: &Connection, id: ScriptId) -> Result<Option<Script>> {
    let mut statement = conn.prepare_cached("SELECT * FROM script WHERE id = ?")?;
    Ok(statement.query_row([id.to_string()], from_row).optional()?)
}

/// The connector's draft.
pub fn draft(conn: &Connection, connector: ConnectorId) -> Result<Script> {
    with_status(conn, connector, ScriptStatus::Draft)?
        .ok_or_else(|| Error::internal(format!("connector {connector} has no draft script")))
}

/// The connector's live script.
pub fn live(conn: &Connection, connector: ConnectorId) -> Result<Option<Script>> {
    with_status(conn, connector, ScriptStatus::Live)
}

/// The script that a run uses: live, or the draft when there is none or a dry run asked for it.
pub fn of_run(conn: &Connection, execution: &Execution) -> Result<Script> {
    let connector = execution.connector_id;
    let wants_draft = execution.is_dry_run && execution.use_draft;
    let live = if wants_draft { None } else { live(conn, connector)? };
    live.map_or_else(|| draft(conn, connector), Ok)
}

fn with_status(conn: &Connection, connector: ConnectorId, status: ScriptStatus) -> Result<Option<Script>> {
    let mut statement = conn.prepare_cached("SELECT * FROM script WHERE connector_id = ? AND status = ?")?;
    Ok(statement.query_row(params![connector.to_string(), status.as_str()], from_row).optional()?)
}

/// Draft and live, newest first unless `ascending`.
pub fn list(conn: &Connection, connector: ConnectorId, ascending: bool) -> Result<Vec<Script>> {
    let direction = if ascending { "ASC" } else { "DESC" };
    let mut statement = conn.prepare_cached(&format!(
        "SELECT * FROM script WHERE connector_id = ? AND status <> 'history' ORDER BY created {direction}, seq {direction}"
    ))?;
    let rows = statement.query_map([connector.to_string()], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Every version that was published, oldest first.
pub fn published(conn: &Connection, connector: ConnectorId) -> Result<Vec<Script>> {
    let mut statement = conn.prepare_cached(
        "SELECT * FROM script WHERE connector_id = ? AND published IS NOT NULL ORDER BY published, seq",
    )?;
    let rows = statement.query_map([connector.to_string()], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Takes the live script's place away, before another becomes live.
pub fn retire_live(tx: &Transaction<'_>, connector: ConnectorId) -> Result<()> {
    tx.execute(
        "UPDATE script SET status = 'history' WHERE connector_id = ? AND status = 'live'",
        [connector.to_string()],
    )?;
    Ok(())
}

/// Removes the draft, before another is forked.
pub fn delete_draft(tx: &Transaction<'_>, connector: ConnectorId) -> Result<()> {
    tx.execute("DELETE FROM script WHERE connector_id = ? AND status = 'draft'", [connector.to_string()])?;
    Ok(())
}

/// The scripts whose samples are being generated.
pub fn sampled(conn: &Connection) -> Result<Vec<ScriptId>> {
    let mut statement = conn.prepare_cached("SELECT id FROM script WHERE state = 'in_progress'")?;
    let rows = statement.query_map([], |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ends samples that were running when the process died. Answers how many.
pub fn fail_running_samples(tx: &Transaction<'_>, error: &str) -> Result<usize> {
    Ok(tx.execute("UPDATE script SET state = 'failed', error = ? WHERE state = 'in_progress'", [error])?)
}
