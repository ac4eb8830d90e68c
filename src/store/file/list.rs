//! Which files there are.

use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::{SELECT, StoredFile, from_row};
use crate::{
    error::Result,
    id::{ConnectorId, FileId, MemberId},
    store::column,
};

/// Which files a list shows: registered ones that belong to the owner or to one of the connectors.
#[derive(Debug, Default)]
pub struct Filter {
    /// Part of the name.
    pub search: String,
    /// Of files that follow no connector: those that this member sent; `None`: all.
    pub owner: Option<MemberId>,
    /// Of files that follow a connector: those of these; `None`: all.
    pub connectors: Option<Vec<ConnectorId>>,
}

/// One page of files, newest first, and how many there are.
pub fn list(conn: &Connection, filter: &Filter, limit: i64, offset: i64) -> Result<(u64, Vec<StoredFile>)> {
    const CONDITION: &str = "registered = 1 AND instr(lower(name), lower(?1))
        AND CASE WHEN connector_id IS NULL THEN ?2 IS NULL OR owner = ?2
            ELSE ?3 IS NULL OR connector_id IN (SELECT value FROM json_each(?3)) END";
    let mut values = vec![
        Value::Text(filter.search.clone()),
        filter.owner.map_or(Value::Null, |id| Value::Text(id.to_string())),
        match &filter.connectors {
            Some(ids) => Value::Text(column::to_json(ids)?),
            None => Value::Null,
        },
    ];
    let count: i64 = conn
        .prepare_cached(&format!("SELECT count(*) FROM file WHERE {CONDITION}"))?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    values.extend([Value::Integer(limit), Value::Integer(offset)]);
    let mut statement = conn.prepare_cached(&format!(
        "{SELECT} WHERE {CONDITION} ORDER BY file.created DESC, file.id LIMIT ?4 OFFSET ?5"
    ))?;
    let rows = statement.query_map(params_from_iter(&values), from_row)?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}

/// The next registered files in the order of their ids, for whoever looks at all of them.
pub fn page_after(conn: &Connection, after: &str, limit: i64) -> Result<Vec<StoredFile>> {
    let mut statement = conn
        .prepare_cached(&format!("{SELECT} WHERE file.id > ? AND registered = 1 ORDER BY file.id LIMIT ?"))?;
    let rows = statement.query_map(params![after, limit], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The other files with the same bytes.
pub fn same_content(conn: &Connection, file: &StoredFile) -> Result<Vec<FileId>> {
    let mut statement = conn.prepare_cached("SELECT id FROM file WHERE content = ? AND id <> ?")?;
    let rows =
        statement.query_map(params![file.content, file.id.to_string()], |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
