//! Filling the tables that a script reads: inputs, seeds and `meta`.

use rusqlite::{Connection, Error, Statement};
use serde_json::{Map, Value as Json};

use super::{
    error::EngineError,
    limits::Watch,
    sqlite::{quoted, scratch},
    value::{Cell, Scalar},
};

/// Parameters in one `INSERT`: wide statements load a table in half the time of narrow ones.
const PARAMETERS: usize = 600;

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
#[derive(Debug)]
pub struct TableLoader<'e> {
    db: &'e Connection,
    watch: &'e Watch,
    /// `INSERT INTO … VALUES`, and one row of its parameters.
    insert_sql: (String, String),
    insert: Statement<'e>,
    rows_per_insert: usize,
    columns: usize,
    with_line: bool,
    waiting: Waiting,
    rows: u64,
}

/// Rows that wait for their `INSERT`; their texts share one buffer.
#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<i64>,
    cells: Vec<Held>,
    text: String,
}

#[derive(Debug, Clone, Copy)]
enum Held {
    Null,
    Text(usize, usize),
    Integer(i64),
    Real(f64),
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
        let insert_sql = insert_sql(&name, table);
        let columns = table.columns.len();
        let rows_per_insert = (PARAMETERS / (columns + 1)).max(1);
        let insert = db.prepare(&repeat(&insert_sql, rows_per_insert)).map_err(scratch(doing))?;
        let with_line = table.rowid().is_some();
        let waiting = Waiting::default();
        Ok(Self { db, watch, insert_sql, insert, rows_per_insert, columns, with_line, waiting, rows: 0 })
    }

    /// Adds a row of as many cells as the table has columns. `line` is where it starts in its source
    /// and becomes its rowid: lines are unique in a table.
    pub fn insert<'c>(
        &mut self,
        line: i64,
        cells: impl IntoIterator<Item = Cell<'c>>,
    ) -> Result<(), EngineError> {
        let before = self.waiting.cells.len();
        self.waiting.push(line, cells);
        let found = self.waiting.cells.len() - before;
        if found != self.columns {
            let cause = format!("line {line} has {found} cells for {} columns", self.columns);
            return Err(EngineError::Scratch { doing: "filling a table", cause });
        }
        self.rows += 1;
        if self.waiting.lines.len() == self.rows_per_insert {
            self.waiting.execute(&mut self.insert, self.with_line, self.watch)?;
        }
        Ok(())
    }

    /// Ends the table and answers its number of rows.
    pub fn finish(mut self) -> Result<u64, EngineError> {
        let doing = "finishing a table";
        let rest = self.waiting.lines.len();
        if rest > 0 {
            let mut insert = self.db.prepare(&repeat(&self.insert_sql, rest)).map_err(scratch(doing))?;
            self.waiting.execute(&mut insert, self.with_line, self.watch)?;
        }
        self.db.execute_batch("COMMIT").map_err(scratch(doing))?;
        Ok(self.rows)
    }
}

impl Waiting {
    fn push<'c>(&mut self, line: i64, cells: impl IntoIterator<Item = Cell<'c>>) {
        self.lines.push(line);
        self.cells.extend(cells.into_iter().map(|cell| match cell {
            Cell::Null => Held::Null,
            Cell::Integer(number) => Held::Integer(number),
            Cell::Real(number) => Held::Real(number),
            Cell::Text(text) => {
                let start = self.text.len();
                self.text.push_str(text);
                Held::Text(start, self.text.len())
            }
        }));
    }

    /// Inserts and forgets all rows; `insert` takes exactly as many.
    fn execute(
        &mut self,
        insert: &mut Statement<'_>,
        with_line: bool,
        watch: &Watch,
    ) -> Result<(), EngineError> {
        let failed = |error: Error| match stopped(watch) {
            Some(stop) => stop,
            None => scratch("filling a table")(error),
        };
        if let (true, Some(stop)) = (watch.must_stop(), stopped(watch)) {
            return Err(stop);
        }
        let width = self.cells.len() / self.lines.len();
        let mut parameter = 1;
        for (row, line) in self.lines.iter().enumerate() {
            if with_line {
                insert.raw_bind_parameter(parameter, line).map_err(failed)?;
                parameter += 1;
            }
            for held in &self.cells[row * width..(row + 1) * width] {
                let cell = match *held {
                    Held::Null => Cell::Null,
                    Held::Integer(number) => Cell::Integer(number),
                    Held::Real(number) => Cell::Real(number),
                    Held::Text(start, end) => Cell::Text(&self.text[start..end]),
                };
                insert.raw_bind_parameter(parameter, cell).map_err(failed)?;
                parameter += 1;
            }
        }
        insert.raw_execute().map_err(failed)?;
        self.lines.clear();
        self.cells.clear();
        self.text.clear();
        Ok(())
    }
}

fn insert_sql(name: &str, table: &Table) -> (String, String) {
    let columns = table.columns.iter().map(|(column, _)| quoted(column));
    let named: Vec<_> = table.rowid().map(str::to_owned).into_iter().chain(columns).collect();
    let row = format!("({})", vec!["?"; named.len()].join(","));
    (format!("INSERT INTO {name} ({}) VALUES ", named.join(", ")), row)
}

fn repeat((head, row): &(String, String), rows: usize) -> String {
    format!("{head}{}", vec![row.as_str(); rows].join(","))
}

/// Gives every input table its second name, `page_idx_<n>`.
///
/// A view would have no rowid and so no source line. The second name is therefore a second entry of
/// SQLite's schema table for the same rows, which is sound because nothing writes to `input` any more.
/// A table that has such a name of its own keeps it.
pub(super) fn name_by_position(db: &Connection, tables: &[Table]) -> Result<(), EngineError> {
    let doing = "naming the input tables by position";
    for table in tables {
        let alias = format!("page_idx_{}", table.page_idx);
        if tables.iter().any(|other| other.name == alias) {
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

fn stopped(watch: &Watch) -> Option<EngineError> {
    watch.reason().map(|stop| watch.error(stop, None))
}
