//! The statements by which records of one object are written.

use std::fmt::Write as _;

use rusqlite::Connection;

use crate::{
    error::Result,
    object::{Field, Object},
    store::table,
};

/// Ids are given out here and not by SQLite, so that a dry run's are above those of `records.db`.
pub(super) fn next_id(connection: &Connection, object: &Object, is_dry: bool) -> Result<i64> {
    let table = table::table(object);
    let highest = |schema: &str| {
        connection.query_row(&format!("SELECT ifnull(max(id), 0) FROM {schema}.{table}"), [], |row| {
            row.get::<_, i64>(0)
        })
    };
    let live = if is_dry { highest("live")? } else { 0 };
    Ok(highest("main")?.max(live) + 1)
}

pub(super) fn insert(object: &Object, columns: &[&Field]) -> String {
    let mut names = String::new();
    let mut places = String::new();
    for (n, field) in columns.iter().enumerate() {
        names.push_str(", ");
        names.push_str(&table::column(field));
        let _ = write!(places, ", ?{}", n + 4);
    }
    format!(
        "INSERT INTO main.{} (id, created, updated, created_by_execution, updated_by_execution{names})
         VALUES (?1, ?2, ?2, ?3, ?3{places})",
        table::table(object)
    )
}

pub(super) fn current(object: &Object, columns: &[&Field]) -> String {
    let names: Vec<String> = columns.iter().map(|field| table::column(field)).collect();
    format!("SELECT {} FROM main.{} WHERE id = ?1", names.join(", "), table::table(object))
}

pub(super) fn known(object: &Object, columns: &[&Field], known_by: &Field) -> String {
    let names: Vec<String> = columns.iter().map(|field| table::column(field)).collect();
    let comparable = table::comparable(known_by);
    let key = if comparable == table::column(known_by) { "?1" } else { "lower(?1)" };
    format!(
        "SELECT id, {} FROM main.{} WHERE {comparable} = {key} AND archived IS NULL",
        names.join(", "),
        table::table(object)
    )
}

pub(super) fn update(object: &Object, fields: &[&Field], changed: &[usize]) -> String {
    let mut sql = format!("UPDATE main.{} SET updated = ?2, updated_by_execution = ?3", table::table(object));
    for (at, n) in changed.iter().filter(|n| **n != usize::MAX).enumerate() {
        let _ = write!(sql, ", {} = ?{}", table::column(fields[*n]), at + 4);
    }
    if changed.contains(&usize::MAX) {
        sql.push_str(", archived = NULL");
    }
    sql.push_str(" WHERE id = ?1");
    sql
}
