//! What may have been meant: near names, and a dialect that this engine does not speak.

use std::collections::HashSet;

use rusqlite::{Connection, Error};

use super::{
    functions,
    statement::{Kind, Statement, Token, split},
};

/// The bundled SQLite is built without `generate_series`. That of rusqlite means something else where the step is
/// negative (3, 1, -1 has no rows) and does not end near 2^63: a function that differs silently is not offered.
const NUMBERS: &str =
    "count with WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10)";

/// A hint for a statement that SQLite did not take.
pub(super) fn for_error(db: &Connection, sql: &str, statement: &Statement, message: &str) -> Option<String> {
    if message.starts_with("view ") && message.contains("cannot reference objects in database") {
        return Some("a view over another schema must be a CREATE TEMP VIEW".to_owned());
    }
    if message == "no such table: generate_series" {
        return Some(NUMBERS.to_owned());
    }
    near_name(db, sql, statement, message).ok().flatten().or_else(|| clickhouse(sql))
}

/// The known name nearest to `wanted`, as a question.
pub(super) fn nearest(wanted: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let wanted = wanted.to_lowercase();
    let far = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, name)| format!("did you mean {name}?"))
}

fn near_name(
    db: &Connection,
    sql: &str,
    statement: &Statement,
    message: &str,
) -> Result<Option<String>, Error> {
    // SQLite has an advice of its own for names in double quotes, after a dash.
    if message.contains(" - ") {
        return Ok(None);
    }
    if let Some(wanted) = message.strip_prefix("no such column: ") {
        let (table, column) = wanted.rsplit_once('.').map_or(("", wanted), |(table, column)| (table, column));
        let dot = if table.is_empty() { "" } else { "." };
        let near = columns(db, sql, statement)?.into_iter().map(|name| format!("{table}{dot}{name}"));
        return Ok(nearest(&format!("{table}{dot}{column}"), near));
    }
    if let Some(wanted) = message.strip_prefix("no such table: ") {
        let near = tables(db)?
            .into_iter()
            .map(|(schema, name)| if wanted.contains('.') { format!("{schema}.{name}") } else { name });
        return Ok(nearest(wanted, near));
    }
    if let Some(wanted) = message.strip_prefix("no such function: ") {
        return Ok(nearest(wanted, functions::offered().map(functions::spelled)));
    }
    Ok(None)
}

/// Schema and name of every table and view of the script.
fn tables(db: &Connection) -> Result<Vec<(String, String)>, Error> {
    let mut query = db.prepare(
        "SELECT schema, name FROM pragma_table_list WHERE substr(name, 1, 7) <> 'sqlite_' ORDER BY schema, name",
    )?;
    query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The columns of the tables that a statement names.
fn columns(db: &Connection, sql: &str, statement: &Statement) -> Result<Vec<String>, Error> {
    let named: HashSet<String> = statement
        .tokens
        .iter()
        .filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted))
        .map(|token| token.name(sql).to_lowercase())
        .collect();
    let mut found = Vec::new();
    let mut query = db.prepare("SELECT name FROM pragma_table_info(?1, ?2)")?;
    for (schema, table) in tables(db)? {
        if named.contains(&table.to_lowercase()) {
            for name in query.query_map([&table, &schema], |row| row.get(0))? {
                found.push(name?);
            }
        }
    }
    Ok(found)
}

/// A hint when the script is written for ClickHouse, which only shows once SQLite has failed on it.
fn clickhouse(sql: &str) -> Option<String> {
    let looks_so = split(sql).iter().any(|statement| {
        let tokens = &statement.tokens;
        let three = |at: usize, words: [&dyn Fn(&Token) -> bool; 3]| {
            words.iter().enumerate().all(|(n, fits)| tokens.get(at + n).is_some_and(fits))
        };
        let is = |word: &'static str| move |token: &Token| token.is(sql, word);
        let any = |_: &Token| true;
        (0..tokens.len()).any(|at| {
            tokens[at].is(sql, "arrayJoin")
                || three(at, [&is("ENGINE"), &is("="), &any])
                || three(at, [&is("LIMIT"), &any, &is("BY")])
                || three(at, [&any, &is(":"), &|token: &Token| token.text(sql).starts_with(':')])
        })
    });
    looks_so
        .then(|| "this looks like ClickHouse's dialect, and this server runs scripts on SQLite".to_owned())
}
