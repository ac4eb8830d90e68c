//! A page of connectors.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params_from_iter, types::Value};

use crate::{
    connector::{Connector, ConnectorType, Status},
    error::Result,
    id::{ConnectorId, ObjectId},
    store::{column, condition::Condition, time},
};

/// Which connectors a list shows, and in which order.
#[derive(Debug, Default)]
pub struct Filter {
    /// Part of name, api name or description.
    pub search: Option<String>,
    /// Running ones, or the others.
    pub active: Option<bool>,
    /// Of this type.
    pub connector_type: Option<String>,
    /// Of this main object.
    pub custom_object: Option<ObjectId>,
    /// In this status.
    pub status: Option<String>,
    /// Only these.
    pub only: Option<Vec<ConnectorId>>,
    /// A column of [`ORDERINGS`] and whether descending.
    pub ordering: Option<(&'static str, bool)>,
}

/// The fields that a list can be ordered by.
pub const ORDERINGS: &[&str] =
    &["name", "api_name", "connector_type", "status", "created", "updated", "last_used_at"];

/// What a list shows of a connector. The rest of its row is documents, many times as long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Identity.
    pub id: ConnectorId,
    /// The other name in paths.
    pub api_name: String,
    /// The label.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What triggers it.
    pub connector_type: ConnectorType,
    /// Where it is in its life.
    pub status: Status,
    /// Its main object.
    pub custom_object: ObjectId,
    /// Its runs.
    pub used_count: i64,
    /// When its last run was queued.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was last edited.
    pub updated: DateTime<Utc>,
}

impl From<Connector> for Summary {
    fn from(connector: Connector) -> Self {
        Self {
            id: connector.id,
            api_name: connector.api_name,
            name: connector.name,
            description: connector.description,
            connector_type: connector.connector_type,
            status: connector.status,
            custom_object: connector.custom_object,
            used_count: connector.used_count,
            last_used_at: connector.last_used_at,
            created: connector.created,
            updated: connector.updated,
        }
    }
}

/// One page of connectors, and how many there are.
pub fn list(conn: &Connection, filter: &Filter, limit: i64, offset: i64) -> Result<(u64, Vec<Summary>)> {
    let (condition, mut values) = condition(filter)?;
    let count: i64 = conn
        .prepare_cached(&format!("SELECT count(*) FROM connector WHERE {condition}"))?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let (by, descending) = filter.ordering.unwrap_or(("created", true));
    let by = if by == "name" { "name_key" } else { by };
    let direction = if descending { "DESC" } else { "ASC" };
    values.extend([Value::Integer(limit), Value::Integer(offset)]);
    let mut statement = conn.prepare_cached(&format!(
        "SELECT id, api_name, name, description, connector_type, status, custom_object, run_count, last_used_at,
             created, updated
         FROM connector WHERE {condition} ORDER BY {by} {direction}, id LIMIT ? OFFSET ?"
    ))?;
    let rows = statement.query_map(params_from_iter(&values), summary)?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

/// The columns that a list has of a row.
pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary {
        id: column::parsed(row, "id")?,
        api_name: row.get("api_name")?,
        name: row.get("name")?,
        description: row.get("description")?,
        connector_type: column::word(row, "connector_type", ConnectorType::parse)?,
        status: column::word(row, "status", Status::parse)?,
        custom_object: column::parsed(row, "custom_object")?,
        used_count: row.get("run_count")?,
        last_used_at: time::get_optional(row, "last_used_at")?,
        created: time::get(row, "created")?,
        updated: time::get(row, "updated")?,
    })
}

fn condition(filter: &Filter) -> Result<(String, Vec<Value>)> {
    let mut condition = Condition::any();
    condition.and_if(
        "instr(folded(name || char(10) || api_name || char(10) || description), folded(?))",
        filter.search.clone(),
    );
    condition.and_if("(status IN ('operational', 'need_attention')) = ?", filter.active);
    condition.and_if("connector_type = ?", filter.connector_type.clone());
    condition.and_if("custom_object = ?", filter.custom_object.map(|id| id.to_string()));
    condition.and_if("status = ?", filter.status.clone());
    let only = filter.only.as_ref().map(column::to_json).transpose()?;
    condition.and_if("id IN (SELECT value FROM json_each(?))", only);
    Ok(condition.finish())
}
