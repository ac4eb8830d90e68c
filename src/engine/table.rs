//! Filling the tables that a script reads: inputs, seeds and `meta`.

use std::{collections::HashSet, io, path::Path};

use rusqlite::{Connection, Error};
use serde_json::{Map, Value as Json};

use super::{
    error::EngineError,
    limits::Watch,
    sqlite::{quoted, schema_file, scratch},
    tree::{Record, TreeWriter},
    value::{Cell, Scalar},
};

/// Rows between two looks at the watch.
const ROWS_BETWEEN_POLLS: u64 = 64;

/// What is being done when a row is refused.
const FILLING: &str = "filling a table";

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

    const fn takes(self, cell: Cell<'_>) -> bool {
        matches!(
            (self, cell),
            (_, Cell::Null)
                | (Self::Text, Cell::Text(_))
                | (Self::Integer, Cell::Integer(_))
                | (Self::Real, Cell::Real(_))
        )
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
#[derive(Debug)]
pub struct TableLoader<'e> {
    watch: &'e Watch,
    tree: TreeWriter,
    record: Record,
    kinds: Vec<ColumnKind>,
    /// SQL can reach the rowid, so it is the line.
    with_line: bool,
    last: i64,
    rows: u64,
}

impl<'e> TableLoader<'e> {
    /// Creates the table. Its schema is a file in `folder`, which is this loader's until it has finished.
    pub(super) fn new(
        db: &Connection,
        watch: &'e Watch,
        folder: &Path,
        schema: &str,
        table: &Table,
    ) -> Result<Self, EngineError> {
        let doing = "creating a table";
        let create = format!("CREATE TABLE {schema}.{} ({})", quoted(&table.name), table.definition());
        db.execute_batch(&create).map_err(scratch(doing))?;
        let root = format!("SELECT rootpage FROM {schema}.sqlite_master WHERE type = 'table' AND name = ?1");
        let root = db.query_row(&root, [&table.name], |row| row.get(0)).map_err(scratch(doing))?;
        let tree =
            TreeWriter::open(&schema_file(folder, schema), root).map_err(|error| written(doing, &error))?;
        let kinds = table.columns.iter().map(|(_, kind)| *kind).collect();
        let with_line = table.rowid().is_some();
        Ok(Self { watch, tree, record: Record::default(), kinds, with_line, last: i64::MIN, rows: 0 })
    }

    /// Adds a row of as many cells as the table has columns, each of its column's kind. `line` is where it starts
    /// in its source and becomes its rowid: lines ascend.
    pub fn insert<'c>(
        &mut self,
        line: i64,
        cells: impl IntoIterator<Item = Cell<'c>>,
    ) -> Result<(), EngineError> {
        if self.rows.is_multiple_of(ROWS_BETWEEN_POLLS) {
            self.poll()?;
        }
        if line <= self.last {
            return Err(failed(format!("line {line} comes behind line {}", self.last)));
        }
        let max_value = self.watch.limits().max_value();
        self.record.clear();
        let mut found = 0;
        for cell in cells {
            if let Cell::Text(text) = cell
                && text.len() > max_value
            {
                return Err(self.large(line));
            }
            if self.kinds.get(found).is_some_and(|kind| !kind.takes(cell)) {
                return Err(failed(format!("line {line}, column {}: found {cell:?}", found + 1)));
            }
            self.record.push(cell);
            found += 1;
        }
        if found != self.kinds.len() {
            let columns = self.kinds.len();
            return Err(failed(format!("line {line} has {found} cells for {columns} columns")));
        }
        let record = self.record.whole();
        if record.len() > max_value {
            return Err(self.large(line));
        }
        self.watch.fill(record.len())?;
        self.rows += 1;
        self.last = line;
        let rowid = if self.with_line { line } else { self.rows.cast_signed() };
        self.tree.add(rowid, record).map_err(|error| written(FILLING, &error))
    }

    /// Ends the table and answers its number of rows.
    pub fn finish(self) -> Result<u64, EngineError> {
        self.poll()?;
        self.tree.finish().map_err(|error| written(FILLING, &error))?;
        Ok(self.rows)
    }

    fn poll(&self) -> Result<(), EngineError> {
        match (self.watch.must_stop(), self.watch.reason()) {
            (true, Some(stop)) => Err(self.watch.error(stop, None)),
            _ => Ok(()),
        }
    }

    fn large(&self, line: i64) -> EngineError {
        EngineError::LargeCell { line, max_value_mb: self.watch.limits().max_value_mb }
    }
}

fn failed(cause: String) -> EngineError {
    EngineError::Scratch { doing: FILLING, cause }
}

fn written(doing: &'static str, error: &io::Error) -> EngineError {
    if error.kind() == io::ErrorKind::StorageFull {
        return EngineError::DiskFull { doing };
    }
    EngineError::Scratch { doing, cause: error.to_string() }
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
