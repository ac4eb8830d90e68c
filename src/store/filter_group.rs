//! Filter groups.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{column, time};
use crate::{
    error::Result,
    id::{FilterGroupId, ObjectId},
    object::filter::FilterGroup,
};

/// The column `config`.
#[derive(Serialize, Deserialize)]
struct Config {
    and: bool,
    query: serde_json::Value,
}

/// The group of this object with this id.
pub fn find(connection: &Connection, object: ObjectId, id: FilterGroupId) -> Result<Option<FilterGroup>> {
    Ok(connection
        .prepare_cached("SELECT * FROM filter_group WHERE id = ?1 AND object_id = ?2")?
        .query_row(params![id.to_string(), object.to_string()], from_row)
        .optional()?)
}

/// The object's group of this name; the oldest, as names are not unique.
pub fn find_named(connection: &Connection, object: ObjectId, name: &str) -> Result<Option<FilterGroup>> {
    Ok(connection
        .prepare_cached(
            "SELECT * FROM filter_group WHERE object_id = ?1 AND name = ?2 ORDER BY created, id LIMIT 1",
        )?
        .query_row(params![object.to_string(), name], from_row)
        .optional()?)
}

/// The object's groups by name, and how many there are.
pub fn list(
    connection: &Connection,
    object: ObjectId,
    limit: i64,
    offset: i64,
) -> Result<(i64, Vec<FilterGroup>)> {
    let object = object.to_string();
    let count = connection
        .prepare_cached("SELECT count(*) FROM filter_group WHERE object_id = ?1")?
        .query_row([&object], |row| row.get(0))?;
    let groups = connection
        .prepare_cached(
            "SELECT * FROM filter_group WHERE object_id = ?1 ORDER BY name, id LIMIT ?2 OFFSET ?3",
        )?
        .query_map(params![object, limit, offset], from_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok((count, groups))
}

/// Makes a group, or writes over the one with its id.
pub fn save(tx: &Transaction<'_>, group: &FilterGroup, now: DateTime<Utc>) -> Result<()> {
    let config = column::to_json(&Config { and: group.and, query: group.query.clone() })?;
    tx.execute(
        "INSERT INTO filter_group (id, object_id, name, config, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (id) DO UPDATE SET name = ?3, config = ?4, updated = ?5",
        params![group.id.to_string(), group.object.to_string(), group.name, config, time::to_ms(now)],
    )?;
    Ok(())
}

/// Removes a group. Answers whether it was there.
pub fn delete(tx: &Transaction<'_>, object: ObjectId, id: FilterGroupId) -> Result<bool> {
    let removed = tx.execute(
        "DELETE FROM filter_group WHERE id = ?1 AND object_id = ?2",
        params![id.to_string(), object.to_string()],
    )?;
    Ok(removed == 1)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<FilterGroup> {
    let config: Config = column::json(row, "config")?;
    Ok(FilterGroup {
        id: column::parsed(row, "id")?,
        object: column::parsed(row, "object_id")?,
        name: row.get("name")?,
        and: config.and,
        query: config.query,
    })
}
