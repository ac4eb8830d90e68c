//! The SQLite engine: runs a connector's script over its inputs, in a sandbox.
//!
//! An [`Engine`] belongs to one execution. Its life is the order of its methods:
//!
//! 1. [`Engine::open`] makes the scratch databases, one file per schema (`sqlite`);
//! 2. [`Engine::create_input`], [`Engine::create_seed`] and [`Engine::set_meta`] fill what the script
//!    reads (`table`, `tree`);
//! 3. [`Engine::run_script`] splits the script (`statement`), closes the sandbox (`sandbox`), runs one
//!    statement after the other (`run`) and checks what came out (`output`); or
//!    [`Engine::pass_through`] does so for a script without statements;
//! 4. [`Engine::output_reader`] reads the output tables, on any thread (`output`).
//!
//! Everything that takes time asks one watch (`limits`): the execution's token, the clock and the free
//! disk. What goes wrong is an [`EngineError`] (`error`), a wrong script with its place and a hint
//! (`hint`). An engine that failed is dropped; its folder belongs to the caller, who removes it.
//!
//! No type of `rusqlite` leaves this module: another engine can take its place.

mod error;
mod functions;
mod hint;
mod limits;
mod output;
mod run;
mod sandbox;
mod sqlite;
mod statement;
mod table;
mod tree;
mod value;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use serde_json::{Map, Value as Json};

pub use self::{
    error::{EngineError, Limit, Place, ScriptError},
    functions::{Function, functions},
    limits::EngineLimits,
    output::{CellError, OutputReader, OutputRow, OutputTable},
    run::ScriptStats,
    sqlite::set_temp_dir,
    statement::Position,
    table::{CURRENT_EXECUTION, ColumnKind, TableLoader},
    value::{Cell, Scalar},
};
use self::{functions::Host, limits::Watch, sandbox::Gate, sqlite::scratch, table::Table};
use crate::{cancel::CancelToken, variable::Locale};

/// The engine of one execution.
#[derive(Debug)]
pub struct Engine {
    db: Connection,
    folder: PathBuf,
    limits: EngineLimits,
    watch: Arc<Watch>,
    host: Arc<Host>,
    gate: Arc<Gate>,
    inputs: Vec<Table>,
    outputs: Vec<OutputTable>,
}

impl Engine {
    /// Makes the scratch databases in `folder`, which exists and is empty. `locale` is what the functions
    /// of the script go by where they are told no time zone or phone region.
    pub fn open(
        folder: &Path,
        limits: EngineLimits,
        locale: Locale,
        token: CancelToken,
    ) -> Result<Self, EngineError> {
        let doing = "opening";
        let db = sqlite::open(folder, limits.max_scratch_mb).map_err(scratch(doing))?;
        let watch = Arc::new(Watch::new(token, folder, &limits));
        let host = Arc::new(Host::new(Arc::clone(&watch), locale));
        let gate = sandbox::install(&db, &host).map_err(scratch(doing))?;
        table::create_meta(&db).map_err(scratch(doing))?;
        Ok(Self {
            db,
            folder: folder.to_owned(),
            limits,
            watch,
            host,
            gate,
            inputs: Vec::new(),
            outputs: Vec::new(),
        })
    }

    /// Puts the functions on the connection that this SQL names for the first time.
    fn register(&self, sql: &str) -> Result<(), EngineError> {
        let new = self.host.words.lock().add(sql);
        functions::register(&self.db, &self.host, &new).map_err(scratch("adding the functions"))
    }

    /// From now on functions that read days of workbooks count them from 1904-01-01.
    pub fn count_from_1904(&self) {
        self.host.count_from_1904();
    }

    /// Creates `input.<table>`, also to be known as `page_idx_<n>`, and answers what fills it. `file`
    /// is what `meta.inputs` shows as its origin.
    pub fn create_input(
        &mut self,
        table: &str,
        page_idx: u32,
        file: &str,
        columns: &[(&str, ColumnKind)],
    ) -> Result<TableLoader<'_>, EngineError> {
        self.db
            .execute("INSERT INTO meta.inputs VALUES ('input', ?1, ?2)", (table, file))
            .map_err(scratch("listing an input table"))?;
        let table = Table::new(table, page_idx, columns);
        self.inputs.push(table.clone());
        TableLoader::new(&self.db, &self.watch, &self.folder, "input", &table)
    }

    /// Creates another input table of the rows of one that is filled, with the same rowids. Each column has
    /// the SQL of its value.
    pub fn derive_input(
        &mut self,
        from: &str,
        table: &str,
        page_idx: u32,
        columns: &[(&str, &str)],
    ) -> Result<(), EngineError> {
        for (_, sql) in columns {
            self.register(sql)?;
        }
        let texts: Vec<_> = columns.iter().map(|(name, _)| (*name, ColumnKind::Text)).collect();
        let made = Table::new(table, page_idx, &texts);
        table::derive(&self.db, from, &made, columns).map_err(|error| match self.watch.reason() {
            Some(stop) => self.watch.error(stop, None),
            None => scratch("deriving an input table")(error),
        })?;
        self.inputs.push(made);
        Ok(())
    }

    /// Creates the seed `kizen.<object>` and answers what fills it.
    pub fn create_seed(
        &mut self,
        object: &str,
        columns: &[(&str, ColumnKind)],
    ) -> Result<TableLoader<'_>, EngineError> {
        let table = Table::new(object, 0, columns);
        TableLoader::new(&self.db, &self.watch, &self.folder, "kizen", &table)
    }

    /// Fills `meta.current_execution` from the keys named in [`CURRENT_EXECUTION`], the missing ones
    /// with NULL, and `meta.parameters`.
    pub fn set_meta(
        &mut self,
        execution: &Map<String, Json>,
        parameters: &[(String, Scalar)],
    ) -> Result<(), EngineError> {
        table::fill_meta(&self.db, execution, parameters).map_err(scratch("filling meta"))
    }

    /// Runs the statements of `sql` in order and checks what they left in `output`. Parameters are
    /// bound by name, without the colon.
    pub fn run_script(
        &mut self,
        sql: &str,
        parameters: &[(String, Scalar)],
    ) -> Result<ScriptStats, EngineError> {
        self.run(sql, parameters, false)
    }

    /// As [`run_script`](Self::run_script), but the rows of a last SELECT, VALUES or WITH become
    /// `output.result`: for questions that are asked once.
    pub fn run_query(&mut self, sql: &str) -> Result<ScriptStats, EngineError> {
        self.run(sql, &[], true)
    }

    /// What a script without statements means: the only input table becomes `output.<scope>`.
    pub fn pass_through(&mut self, scope: &str) -> Result<ScriptStats, EngineError> {
        let [table] = self.inputs.as_slice() else {
            let tables = self.inputs.iter().map(|table| table.name.clone()).collect();
            return Err(EngineError::NothingToPassThrough { tables });
        };
        let sql = format!("CREATE TABLE output.{} AS {}", sqlite::quoted(scope), table.select_all());
        self.run(&sql, &[], false)
    }

    fn run(
        &mut self,
        sql: &str,
        parameters: &[(String, Scalar)],
        keeps_rows: bool,
    ) -> Result<ScriptStats, EngineError> {
        let (stats, outputs) = run::script(self, sql, parameters, keeps_rows)?;
        self.outputs = outputs;
        Ok(stats)
    }

    /// The output tables that the script left, in the order of their creation.
    #[must_use]
    pub fn outputs(&self) -> &[OutputTable] {
        &self.outputs
    }

    /// A reader of the output tables with a connection of its own; it may go to another thread, and
    /// there may be several.
    pub fn output_reader(&self) -> Result<OutputReader, EngineError> {
        OutputReader::open(&self.folder, &self.host)
    }
}

/// Whether a script has no statement: blank, or comments alone.
#[must_use]
pub fn is_empty_script(sql: &str) -> bool {
    statement::split(sql).is_empty()
}
