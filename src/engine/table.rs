//! Filling the tables that a script reads: inputs, seeds and `meta`.

use std::collections::HashSet;

use rusqlite::{Connection, Error, ErrorCode, Statement};
use serde_json::{Map, Value as Json};

use super::{
    error::EngineError,
    limits::Watch,
    sqlite::{quoted, scratch},
    value::{Cell, Scalar},
};

/// What is being done when a row can't be inserted.
const FILLING: &str = "filling a table";

/// Rows between two looks at the watch.
const ROWS_BETWEEN_POLLS: u64 = 64;

/// The columns of `meta.current_execution` (spec: sql §1).
pub const CURRENT_EXECUTION: [&str; 16] = [
    "business_id",
    "connector_id",
    "execution_id",
    "trigger_type",
    "triggered_by_id",
    "triggered_by_desc",
    "trigger_auth",
    "fileupload_file_size_bytes",
    "fileupload_file_name",
    "fileupload_file_id",
    "is_dry_run",
    "cadence",
    "timeframe_start",
    "bulkaction_fields",
    "entity_records_set_key",
    "activity_object_id",
];

/// What a column of a table holds: SQLite compares and sorts by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text of any kind.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
}

impl ColumnKind {
    const fn sql(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
        }
    }
}

/// One table that the script reads, as the engine remembers it.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) page_idx: u32,
    columns: Vec<(String, ColumnKind)>,
}

impl Table {
    pub(super) fn new(name: &str, page_idx: u32, columns: &[(&str, ColumnKind)]) -> Self {
        let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        Self { name: name.to_owned(), page_idx, columns }
    }

    fn definition(&self) -> String {
        let columns: Vec<_> =
            self.columns.iter().map(|(name, kind)| format!("{} {}", quoted(name), kind.sql())).collect();
        columns.join(", ")
    }

    /// The name under which SQL reaches the rowid: columns may have taken some of the three.
    fn rowid(&self) -> Option<&'static str> {
        let free = |name: &&str| !self.columns.iter().any(|(column, _)| column.eq_ignore_ascii_case(name));
        ["rowid", "_rowid_", "oid"].into_iter().find(free)
    }

    /// The template's query: the source line and every column.
    pub(super) fn select_all(&self) -> String {
        let line = self.rowid().map_or("NULL", |name| name);
        format!("SELECT {line} AS _line, * FROM input.{}", quoted(&self.name))
    }
}

/// Fills one table, row by row. An engine whose loader failed or was dropped early is of no more use.
///
/// One row a statement: wider `VALUES` lists were measured and cost more, since SQLite runs them as a
/// query of their own.
#[derive(Debug)]
pub struct TableLoader<'e> {
    db: &'e Connection,
    watch: &'e Watch,
    insert: Statement<'e>,
    columns: usize,
    with_line: bool,
    rows: u64,
}

impl<'e> TableLoader<'e> {
    /// Creates the table and opens the transaction around its rows.
    pub(super) fn new(
        db: &'e Connection,
        watch: &'e Watch,
        schema: &str,
        table: &Table,
    ) -> Result<Self, EngineError> {
        let doing = "creating a table";
        let name = format!("{schema}.{}", quoted(&table.name));
        let create = format!("BEGIN; CREATE TABLE {name} ({})", table.definition());
        db.execute_batch(&create).map_err(scratch(doing))?;
        let insert = db.prepare(&insert_sql(&name, table)).map_err(scratch(doing))?;
        let with_line = table.rowid().is_some();
        Ok(Self { db, watch, insert, columns: table.columns.len(), with_line, rows: 0 })
    }

    /// Adds a row of as many cells as the table has columns. `line` is where it starts in its source
    /// and becomes its rowid: lines are unique in a table.
    pub fn insert<'c>(
        &mut self,
        line: i64,
        cells: impl IntoIterator<Item = Cell<'c>>,
    ) -> Result<(), EngineError> {
        if self.rows.is_multiple_of(ROWS_BETWEEN_POLLS) {
            self.poll()?;
        }
        let first = usize::from(self.with_line);
        if self.with_line {
            self.insert.raw_bind_parameter(1, line).map_err(|error| self.failed(line, error))?;
        }
        let (mut found, mut bytes) = (0, 0);
        for cell in cells {
            found += 1;
            bytes += cell.size();
            if found <= self.columns {
                self.insert
                    .raw_bind_parameter(first + found, cell)
                    .map_err(|error| self.failed(line, error))?;
            }
        }
        if found != self.columns {
            let cause = format!("line {line} has {found} cells for {} columns", self.columns);
            return Err(EngineError::Scratch { doing: FILLING, cause });
        }
        self.watch.fill(bytes)?;
        self.insert.raw_execute().map_err(|error| self.failed(line, error))?;
        self.rows += 1;
        Ok(())
    }

    /// Ends the table and answers its number of rows.
    pub fn finish(self) -> Result<u64, EngineError> {
        self.poll()?;
        self.db.execute_batch("COMMIT").map_err(scratch("finishing a table"))?;
        Ok(self.rows)
    }

    fn poll(&self) -> Result<(), EngineError> {
        match (self.watch.must_stop(), self.watch.reason()) {
            (true, Some(stop)) => Err(self.watch.error(stop, None)),
            _ => Ok(()),
        }
    }

    fn failed(&self, line: i64, error: Error) -> EngineError {
        if let Some(stop) = self.watch.reason() {
            return self.watch.error(stop, None);
        }
        if error.sqlite_error_code() == Some(ErrorCode::TooBig) {
            return EngineError::LargeCell { line, max_value_mb: self.watch.limits().max_value_mb };
        }
        scratch(FILLING)(error)
    }
}

fn insert_sql(name: &str, table: &Table) -> String {
    let columns = table.columns.iter().map(|(column, _)| quoted(column));
    let named: Vec<_> = table.rowid().map(str::to_owned).into_iter().chain(columns).collect();
    format!("INSERT INTO {name} ({}) VALUES ({})", named.join(", "), vec!["?"; named.len()].join(","))
}

/// Creates `input.<table>` of the rows of `input.<from>`.
pub(super) fn derive(
    db: &Connection,
    from: &str,
    table: &Table,
    columns: &[(&str, &str)],
) -> Result<(), Error> {
    let (source, made) = (quoted(from), quoted(&table.name));
    let names: Vec<_> = columns.iter().map(|(name, _)| quoted(name)).collect();
    let values: Vec<_> = columns.iter().map(|(_, sql)| *sql).collect();
    db.execute_batch(&format!(
        "BEGIN;
         CREATE TABLE input.{made} ({});
         INSERT INTO input.{made} (rowid, {}) SELECT rowid, {} FROM input.{source};
         COMMIT;",
        table.definition(),
        names.join(", "),
        values.join(", ")
    ))?;
    db.execute(
        "INSERT INTO meta.inputs SELECT \"database\", ?2, \"file\" FROM meta.inputs WHERE \"table\" = ?1",
        (from, &table.name),
    )?;
    Ok(())
}

/// Gives every input table its second name, `page_idx_<n>`.
///
/// A view would have no rowid and so no source line. The second name is therefore a second entry of
/// SQLite's schema table for the same rows, which is sound because nothing writes to `input` any more.
/// A table that has such a name of its own keeps it.
pub(super) fn name_by_position(db: &Connection, tables: &[Table]) -> Result<(), EngineError> {
    let doing = "naming the input tables by position";
    let names: HashSet<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    for table in tables {
        let alias = format!("page_idx_{}", table.page_idx);
        if names.contains(alias.as_str()) {
            continue;
        }
        let create = format!("CREATE TABLE {} ({})", quoted(&alias), table.definition());
        db.execute_batch("PRAGMA writable_schema = ON").map_err(scratch(doing))?;
        db.execute(
            "INSERT INTO input.sqlite_master (type, name, tbl_name, rootpage, sql)
             SELECT 'table', ?1, ?1, rootpage, ?2 FROM input.sqlite_master WHERE type = 'table' AND name = ?3",
            (&alias, &create, &table.name),
        )
        .map_err(scratch(doing))?;
        db.execute_batch("PRAGMA writable_schema = RESET").map_err(scratch(doing))?;
    }
    Ok(())
}

/// Creates the tables of `meta`.
pub(super) fn create_meta(db: &Connection) -> Result<(), Error> {
    db.execute_batch(&format!(
        "CREATE TABLE meta.current_execution ({});
         CREATE TABLE meta.inputs (\"database\" TEXT, \"table\" TEXT, \"file\" TEXT);
         CREATE TABLE meta.parameters (\"name\" TEXT, \"value\");",
        CURRENT_EXECUTION.join(", ")
    ))
}

/// Fills `meta.current_execution` by the keys that it knows, and `meta.parameters`.
pub(super) fn fill_meta(
    db: &Connection,
    execution: &Map<String, Json>,
    parameters: &[(String, Scalar)],
) -> Result<(), Error> {
    let values = CURRENT_EXECUTION.map(|key| execution.get(key).map_or(Scalar::Null, Scalar::from));
    let marks = vec!["?"; values.len()].join(", ");
    db.execute("DELETE FROM meta.current_execution", [])?;
    db.execute(
        &format!("INSERT INTO meta.current_execution VALUES ({marks})"),
        rusqlite::params_from_iter(&values),
    )?;
    db.execute("DELETE FROM meta.parameters", [])?;
    for (name, value) in parameters {
        db.execute("INSERT INTO meta.parameters VALUES (?1, ?2)", (name, value))?;
    }
    Ok(())
}
