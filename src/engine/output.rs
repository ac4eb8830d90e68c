//! The output tables: what they are, and their rows as text.

use std::{fmt::Write, path::Path, sync::Arc};

use rusqlite::{Connection, Row, types::ValueRef};

use super::{
    Engine,
    error::{EngineError, Limit},
    functions::{self, Host},
    limits::Watch,
    sandbox,
    sqlite::{self, quoted, scratch},
    value::push_real,
};
use crate::hex;

/// Provenance columns, no data of a scope (spec: sql §1).
const LINE: &str = "_line";
const TABLE: &str = "_table";

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTable {
    /// Its name.
    pub scope: String,
    /// Its columns in order, without the provenance.
    pub columns: Vec<String>,
    /// It has a column `_line`.
    pub has_line: bool,
    /// It has a column `_table`.
    pub has_table: bool,
    /// Its number of rows.
    pub rows: u64,
}

/// Reads output tables on a connection of its own.
#[derive(Debug)]
pub struct OutputReader {
    db: Connection,
    watch: Arc<Watch>,
}

/// One row; the same memory is used for the next one.
#[derive(Debug, Default)]
pub struct OutputRow {
    number: u64,
    line: Option<i64>,
    table: Option<String>,
    text: String,
    cells: Vec<Option<(usize, usize)>>,
    errors: Vec<CellError>,
}

/// A value that has no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellError {
    /// Its place among the columns that were asked for.
    pub column: usize,
    /// What is wrong with it.
    pub message: &'static str,
    /// What would have been right.
    pub expected: &'static str,
    /// The value as SQL writes it, or nearly: its first `MAX_FOUND` bytes.
    pub found: String,
}

/// How much of a value without text is shown.
const MAX_FOUND: usize = 200;

impl CellError {
    fn new(column: usize, message: &'static str, value: ValueRef<'_>) -> Self {
        let cut = |bytes: &[u8]| bytes[..bytes.len().min(MAX_FOUND)].to_vec();
        let (expected, found) = match value {
            ValueRef::Real(number) if number < 0.0 => ("a finite number", "-Infinity".to_owned()),
            ValueRef::Real(_) => ("a finite number", "Infinity".to_owned()),
            ValueRef::Text(text) => ("text in UTF-8", String::from_utf8_lossy(&cut(text)).into_owned()),
            ValueRef::Blob(bytes) => ("text in UTF-8", format!("x'{}'", hex::written(&cut(bytes)))),
            // These have a text.
            ValueRef::Null | ValueRef::Integer(_) => ("", String::new()),
        };
        Self { column, message, expected, found }
    }
}

impl OutputRow {
    /// The row's number in its table, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The source line, when the table carries it.
    pub fn line(&self) -> Option<i64> {
        self.line
    }

    /// The input table, when the table carries it.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// The text of the `n`-th column that was asked for; `None` for NULL.
    pub fn cell(&self, n: usize) -> Option<&str> {
        self.cells.get(n).copied().flatten().map(|(start, end)| &self.text[start..end])
    }

    /// All cells in order.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        self.cells.iter().map(|cell| cell.map(|(start, end)| &self.text[start..end]))
    }

    /// The values of the row that have no text, in the order of their columns. Their cells are `None`.
    pub fn errors(&self) -> &[CellError] {
        &self.errors
    }

    fn fill(&mut self, row: &Row<'_>, columns: usize, table: &OutputTable) -> Result<(), rusqlite::Error> {
        self.number += 1;
        self.errors.clear();
        self.text.clear();
        self.cells.clear();
        for column in 0..columns {
            let start = self.text.len();
            let value = row.get_ref(column)?;
            let cell = match push_text(&mut self.text, value) {
                Ok(there) => there.then_some((start, self.text.len())),
                Err(message) => {
                    self.errors.push(CellError::new(column, message, value));
                    None
                }
            };
            self.cells.push(cell);
        }
        let mut next = columns;
        if table.has_line {
            self.line = line(row.get_ref(next)?);
            next += 1;
        }
        if table.has_table {
            self.table = row.get_ref(next)?.as_str().ok().map(str::to_owned);
        }
        Ok(())
    }
}

impl OutputReader {
    pub(super) fn open(folder: &Path, host: &Arc<Host>) -> Result<Self, EngineError> {
        let doing = "opening the output";
        let db = sqlite::open_output(folder).map_err(scratch(doing))?;
        // A generated column is computed while it is read: the script's rules still hold.
        let gate = sandbox::install(&db, host).map_err(scratch(doing))?;
        functions::register(&db, host, &host.words.lock()).map_err(scratch(doing))?;
        sandbox::arm(&db).map_err(scratch(doing))?;
        gate.close();
        Ok(Self { db, watch: Arc::clone(&host.watch) })
    }

    /// Calls `each` for every row of a table, in rowid order, with the text of `columns`. Answers the
    /// number of rows.
    pub fn stream<E: From<EngineError>>(
        &self,
        table: &OutputTable,
        columns: &[&str],
        mut each: impl FnMut(&OutputRow) -> Result<(), E>,
    ) -> Result<u64, E> {
        let failed = |error| self.failed(error);
        let mut query = self.db.prepare(&select(table, columns)?).map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        let mut out = OutputRow::default();
        while let Some(row) = rows.next().map_err(failed)? {
            out.fill(row, columns.len(), table).map_err(failed)?;
            each(&out)?;
        }
        Ok(out.number)
    }

    fn failed(&self, error: rusqlite::Error) -> EngineError {
        match self.watch.reason() {
            Some(stop) => self.watch.error(stop, None),
            None => scratch("reading the output")(error),
        }
    }
}

/// `NOT INDEXED` keeps SQLite from reading an index that has all columns: rows come in rowid order, and
/// it needs no name for the rowid, which the columns may all have taken.
fn select(table: &OutputTable, columns: &[&str]) -> Result<String, EngineError> {
    for column in columns {
        if !table.columns.iter().any(|known| known == column) {
            return Err(EngineError::Missing {
                what: "column",
                name: format!("{}.{column}", table.scope),
                found: table.columns.clone(),
            });
        }
    }
    let provenance = [(table.has_line, LINE), (table.has_table, TABLE)];
    let provenance = provenance.iter().filter(|(there, _)| *there).map(|(_, name)| *name);
    let mut list: Vec<String> = columns.iter().copied().chain(provenance).map(quoted).collect();
    if list.is_empty() {
        list.push("NULL".to_owned());
    }
    Ok(format!("SELECT {} FROM {} NOT INDEXED", list.join(", "), quoted(&table.scope)))
}

/// Checks what a script left: tables whose names can be scopes, and not too many rows. Answers the tables in the
/// order of their creation. Counting reads each of them once, which is why it is done here alone.
pub(super) fn check(engine: &Engine) -> Result<Vec<OutputTable>, EngineError> {
    let names = scopes(&engine.db)?;
    if names.is_empty() {
        return Err(EngineError::NoOutput);
    }
    if let Some(table) = names.iter().find(|name| !is_scope(name)) {
        return Err(EngineError::ScopeName { table: table.clone() });
    }
    let described = |scope| {
        describe(&engine.db, scope).map_err(|error| match engine.watch.reason() {
            Some(stop) => engine.watch.error(stop, None),
            None => scratch("describing the output")(error),
        })
    };
    let tables: Vec<OutputTable> = names.into_iter().map(described).collect::<Result<_, _>>()?;
    if tables.iter().map(|table| table.rows).sum::<u64>() > engine.limits.max_rows {
        return Err(EngineError::Limit { limit: Limit::Rows(engine.limits.max_rows), at: None });
    }
    Ok(tables)
}

fn describe(db: &Connection, scope: String) -> Result<OutputTable, rusqlite::Error> {
    // Hidden columns of kinds 2 and 3 are generated ones, which SELECT * has too.
    let mut query = db.prepare("SELECT name FROM pragma_table_xinfo(?1, 'output') WHERE hidden <> 1")?;
    let all = query.query_map([&scope], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let has = |name: &str| all.iter().any(|column| column == name);
    let (has_line, has_table) = (has(LINE), has(TABLE));
    let count = format!("SELECT count(*) FROM output.{}", quoted(&scope));
    let rows = db.query_row(&count, [], |row| row.get::<_, i64>(0))?.unsigned_abs();
    let columns = all.into_iter().filter(|column| column != LINE && column != TABLE).collect();
    Ok(OutputTable { scope, columns, has_line, has_table, rows })
}

fn scopes(db: &Connection) -> Result<Vec<String>, EngineError> {
    let failed = scratch("listing the output");
    let mut query = db
        .prepare(
            "SELECT name FROM output.sqlite_master
             WHERE type = 'table' AND substr(name, 1, 1) <> '_' AND substr(name, 1, 7) <> 'sqlite_'
             ORDER BY rowid",
        )
        .map_err(&failed)?;
    let names = query.query_map([], |row| row.get(0)).map_err(&failed)?;
    names.collect::<Result<_, _>>().map_err(&failed)
}

/// `^[a-z_][a-z0-9_]{0,62}$`
fn is_scope(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 63
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn line(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(line) => Some(line),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

/// The text of a value, as it leaves SQL.
#[cfg(test)]
pub(super) fn text_of(value: &rusqlite::types::Value) -> Result<Option<String>, &'static str> {
    let mut to = String::new();
    push_text(&mut to, value.into()).map(|there| there.then_some(to))
}

/// Appends the text of a value (spec: sql §2, values leaving SQL). False for NULL.
fn push_text(to: &mut String, value: ValueRef<'_>) -> Result<bool, &'static str> {
    match value {
        ValueRef::Null => return Ok(false),
        // Writing to a String never fails.
        ValueRef::Integer(number) => _ = write!(to, "{number}"),
        ValueRef::Real(number) if number.is_finite() => push_real(to, number),
        ValueRef::Real(_) => return Err("an infinite number has no text"),
        ValueRef::Text(text) => {
            to.push_str(std::str::from_utf8(text).map_err(|_| "the text is not valid UTF-8")?);
        }
        ValueRef::Blob(bytes) => {
            to.push_str(std::str::from_utf8(bytes).map_err(|_| "the blob is not valid UTF-8")?);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: ValueRef<'_>) -> Result<Option<String>, &'static str> {
        let mut to = String::new();
        push_text(&mut to, value).map(|there| there.then_some(to))
    }

    #[test]
    fn values_leave_as_the_shortest_text_that_reads_back() {
        let real = |n| text(ValueRef::Real(n)).unwrap().unwrap();
        assert_eq!(text(ValueRef::Null), Ok(None));
        assert_eq!(text(ValueRef::Integer(i64::MIN)), Ok(Some("-9223372036854775808".to_owned())));
        assert_eq!(real(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(real(100.0), "100");
        assert_eq!(real(-0.0), "0");
        assert_eq!(real(1e-7), "0.0000001");
        assert_eq!(real(1e20), "100000000000000000000");
        assert_eq!(real(1e21), "1e21");
        assert_eq!(real(-2.5e-8), "-2.5e-8");
        assert_eq!(text(ValueRef::Text(b"a")), Ok(Some("a".to_owned())));
        assert_eq!(text(ValueRef::Blob("ü".as_bytes())), Ok(Some("ü".to_owned())));
    }

    #[test]
    fn values_without_a_text_say_why() {
        assert_eq!(text(ValueRef::Real(f64::NEG_INFINITY)), Err("an infinite number has no text"));
        assert_eq!(text(ValueRef::Blob(b"\xff")), Err("the blob is not valid UTF-8"));
        assert_eq!(text(ValueRef::Text(b"\xff")), Err("the text is not valid UTF-8"));
    }

    #[test]
    fn scope_names_follow_the_rule() {
        for good in ["a", "_a", "orders_2026", &"a".repeat(63)] {
            assert!(is_scope(good), "{good}");
        }
        for bad in ["", "1a", "Orders", "a-b", "../../x", "ä", &"a".repeat(64)] {
            assert!(!is_scope(bad), "{bad}");
        }
    }
}
