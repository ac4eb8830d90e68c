//! Connectors. Variables, flow and seeds are JSON documents of the row: they are read and written as
//! full sets, and a snapshot is a copy.

mod list;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{
    Connection, OptionalExtension as _, Row, Transaction, params, params_from_iter, types::Value,
};

use super::{column, error::is_unique_violation, time};
use crate::{
    connector::{Connector, Status},
    error::{Code, Error, Result},
    id::{ConnectorId, FileId, ObjectId},
};

pub use list::{Filter, ORDERINGS, Summary, list};

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Connector> {
    let Summary {
        id,
        api_name,
        name,
        description,
        connector_type,
        status,
        custom_object,
        used_count,
        last_used_at,
        created,
        updated,
    } = list::summary(row)?;
    Ok(Connector {
        id,
        api_name,
        name,
        description,
        connector_type,
        status,
        custom_object,
        used_count,
        last_used_at,
        created,
        updated,
        cadence: row.get("cadence")?,
        schedule: column::json_optional(row, "schedule")?,
        source_file: column::parsed_optional(row, "source_file")?,
        headers: column::json(row, "headers")?,
        variables: column::json(row, "variables")?,
        loads: column::json(row, "loads")?,
        seeds: column::json(row, "seeds")?,
        sql_parameters: column::json(row, "sql_parameters")?,
        input_options: column::json(row, "input_options")?,
        timeout_s: row.get("timeout_s")?,
        max_concurrency: row.get("max_concurrency")?,
        webhook_settings: column::json(row, "webhook_settings")?,
        notification_settings: column::json(row, "notification_settings")?,
        retention_days: row.get("retention_days")?,
        retention_runs: row.get("retention_runs")?,
        diff_check_enabled: row.get("diff_check_enabled")?,
        guard: column::json_optional(row, "guard")?,
        created_by: column::parsed_optional(row, "created_by")?,
    })
}

/// What makes two names the same.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The connector with this id.
pub fn find(conn: &Connection, id: ConnectorId) -> Result<Option<Connector>> {
    let mut statement = conn.prepare_cached("SELECT * FROM connector WHERE id = ?")?;
    Ok(statement.query_row([id.to_string()], from_row).optional()?)
}

/// The connector that a path names by id or api name.
pub fn named(conn: &Connection, name: &str) -> Result<Connector> {
    if let Ok(id) = name.parse()
        && let Some(connector) = find(conn, id)?
    {
        return Ok(connector);
    }
    let mut statement = conn.prepare_cached("SELECT * FROM connector WHERE api_name = ?")?;
    let found = statement.query_row([name], from_row).optional()?;
    found.ok_or_else(|| Error::not_found("connector"))
}

/// What a run's row shows of its connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Identity.
    pub id: ConnectorId,
    /// The other name in paths.
    pub api_name: String,
    /// The label.
    pub name: String,
    /// Where it is in its life.
    pub status: Status,
    /// Whether live runs have something to run: a published script, or a draft without one.
    pub has_script: bool,
}

/// The connectors of some runs.
pub fn owners(
    conn: &Connection,
    ids: &[ConnectorId],
    is_empty_script: impl Fn(&str) -> bool,
) -> Result<HashMap<ConnectorId, Owner>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.id, c.api_name, c.name, c.status,
             EXISTS (SELECT 1 FROM script s WHERE s.connector_id = c.id AND s.status = 'live') AS has_live,
             (SELECT user_script FROM script s WHERE s.connector_id = c.id AND s.status = 'draft'
                  AND c.connector_type IN ('spreadsheet', 'schedule')) AS draft
         FROM connector c WHERE c.id IN (SELECT value FROM json_each(?))",
    )?;
    let rows = statement.query_map([column::to_json(&ids)?], |row| {
        let draft: Option<String> = row.get("draft")?;
        let owner = Owner {
            id: column::parsed(row, "id")?,
            api_name: row.get("api_name")?,
            name: row.get("name")?,
            status: column::word(row, "status", Status::parse)?,
            has_script: row.get("has_live")? || draft.is_some_and(|text| is_empty_script(&text)),
        };
        Ok((owner.id, owner))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The connectors that have signing secrets, of their senders or of their own.
pub fn with_secrets(conn: &Connection) -> Result<Vec<Connector>> {
    let mut statement = conn.prepare_cached(
        "SELECT * FROM connector WHERE json_array_length(webhook_settings, '$.signing_secrets') > 0
           OR notification_settings ->> '$.signing_secret' IS NOT NULL ORDER BY api_name",
    )?;
    Ok(statement.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Every connector's id.
pub fn ids(conn: &Connection) -> Result<HashSet<ConnectorId>> {
    let mut statement = conn.prepare_cached("SELECT id FROM connector")?;
    let rows = statement.query_map([], |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether an api name is taken.
pub fn has_api_name(conn: &Connection, api_name: &str) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM connector WHERE api_name = ?")?;
    Ok(statement.exists([api_name])?)
}

/// Adds a connector.
///
/// # Errors
/// `unique` for a name or api name that another connector has.
pub fn insert(tx: &Transaction<'_>, connector: &Connector) -> Result<()> {
    let (names, values): (Vec<_>, Vec<_>) = columns(connector)?.into_iter().unzip();
    let marks = vec!["?"; names.len()].join(", ");
    tx.execute(
        &format!("INSERT INTO connector ({}) VALUES ({marks})", names.join(", ")),
        params_from_iter(values),
    )
    .map_err(|e| name_taken(tx, connector, e))?;
    Ok(())
}

/// Writes everything of a connector but its statistics.
///
/// # Errors
/// `unique` for a name or api name that another connector has.
pub fn update(tx: &Transaction<'_>, connector: &Connector) -> Result<()> {
    let (names, mut values): (Vec<_>, Vec<_>) = columns(connector)?.into_iter().unzip();
    let marks = vec!["?"; names.len()].join(", ");
    values.push(Value::Text(connector.id.to_string()));
    tx.execute(
        &format!("UPDATE connector SET ({}) = ({marks}) WHERE id = ?", names.join(", ")),
        params_from_iter(values),
    )
    .map_err(|e| name_taken(tx, connector, e))?;
    Ok(())
}

/// Every column but the statistics, with its value.
fn columns(c: &Connector) -> Result<Vec<(&'static str, Value)>> {
    let text = |text: &str| Value::Text(text.to_owned());
    let optional = |value: Option<String>| value.map_or(Value::Null, Value::Text);
    let number = |value: Option<u32>| value.map_or(Value::Null, |n| Value::Integer(n.into()));
    Ok(vec![
        ("id", text(&c.id.to_string())),
        ("api_name", text(&c.api_name)),
        ("name", text(&c.name)),
        ("name_key", Value::Text(name_key(&c.name))),
        ("description", text(&c.description)),
        ("connector_type", text(c.connector_type.as_str())),
        ("status", text(c.status.as_str())),
        ("cadence", number(c.cadence)),
        ("schedule", optional(c.schedule.as_ref().map(column::to_json).transpose()?)),
        ("custom_object", text(&c.custom_object.to_string())),
        ("source_file", optional(c.source_file.map(|id| id.to_string()))),
        ("headers", Value::Text(column::to_json(&c.headers)?)),
        ("variables", Value::Text(column::to_json(&c.variables)?)),
        ("loads", Value::Text(column::to_json(&c.loads)?)),
        ("seeds", Value::Text(column::to_json(&c.seeds)?)),
        ("sql_parameters", Value::Text(column::to_json(&c.sql_parameters)?)),
        ("input_options", Value::Text(column::to_json(&c.input_options)?)),
        ("timeout_s", number(c.timeout_s)),
        ("max_concurrency", Value::Integer(c.max_concurrency.into())),
        ("webhook_settings", Value::Text(column::to_json(&c.webhook_settings)?)),
        ("notification_settings", Value::Text(column::to_json(&c.notification_settings)?)),
        ("retention_days", Value::Integer(c.retention_days.into())),
        ("retention_runs", Value::Integer(c.retention_runs.into())),
        ("diff_check_enabled", Value::Integer(c.diff_check_enabled.into())),
        ("guard", optional(c.guard.as_ref().map(column::to_json).transpose()?)),
        ("created", Value::Integer(time::to_ms(c.created))),
        ("updated", Value::Integer(time::to_ms(c.updated))),
        ("created_by", optional(c.created_by.map(|id| id.to_string()))),
    ])
}

fn name_taken(conn: &Connection, connector: &Connector, error: rusqlite::Error) -> Error {
    if !is_unique_violation(&error) {
        return error.into();
    }
    match has_api_name(conn, &connector.api_name) {
        Ok(true) => Error::new(
            Code::Unique,
            format!("A connector with the api name {:?} already exists.", connector.api_name),
        )
        .at("api_name"),
        _ => Error::new(
            Code::Unique,
            format!("A connector with the name {:?} already exists.", connector.name),
        )
        .at("name"),
    }
}

/// Whether there is such a connector.
pub fn is_there(conn: &Connection, id: ConnectorId) -> Result<bool> {
    Ok(conn.prepare_cached("SELECT 1 FROM connector WHERE id = ?")?.exists([id.to_string()])?)
}

/// Removes a connector with its scripts, executions and the outcomes of its dry runs; events stay.
pub fn delete(tx: &Transaction<'_>, id: ConnectorId) -> Result<()> {
    tx.execute(
        "DELETE FROM row_outcome WHERE execution_id IN (SELECT id FROM execution WHERE connector_id = ?)",
        [id.to_string()],
    )?;
    tx.execute("DELETE FROM connector WHERE id = ?", [id.to_string()])?;
    Ok(())
}

/// Sets the status alone.
pub fn set_status(tx: &Transaction<'_>, id: ConnectorId, status: Status) -> Result<()> {
    tx.execute("UPDATE connector SET status = ? WHERE id = ?", params![status.as_str(), id.to_string()])?;
    Ok(())
}

/// Counts a run that was queued; answers its number.
pub fn note_run(tx: &Transaction<'_>, id: ConnectorId, now: DateTime<Utc>) -> Result<i64> {
    let mut statement = tx.prepare_cached(
        "UPDATE connector SET run_count = run_count + 1, last_used_at = ? WHERE id = ? RETURNING run_count",
    )?;
    Ok(statement.query_row(params![time::to_ms(now), id.to_string()], |row| row.get(0))?)
}

/// How many connectors write to, are about or seed from this object.
pub fn users_of_object(conn: &Connection, object: ObjectId) -> Result<i64> {
    let id = object.to_string();
    Ok(conn.query_row(
        "SELECT count(*) FROM connector WHERE custom_object = ?1 OR instr(loads, ?1) OR instr(seeds, ?1)",
        [id],
        |row| row.get(0),
    )?)
}

/// Which connectors use these files, as reference file or as the input of a run; one for each file.
pub fn users_of_files(conn: &Connection, files: &[FileId]) -> Result<HashMap<FileId, ConnectorId>> {
    let mut statement = conn.prepare_cached(
        "SELECT source_file AS file, id AS user FROM connector WHERE source_file IN (SELECT value FROM json_each(?1))
         UNION SELECT input_file, connector_id FROM execution WHERE input_file IN (SELECT value FROM json_each(?1))",
    )?;
    let rows = statement.query_map([column::to_json(&files)?], |row| {
        Ok((column::parsed(row, "file")?, column::parsed(row, "user")?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
