//! What a script may do on its connection: the authorizer and SQLite's own limits.
//!
//! The authorizer is asked while SQLite compiles a statement, about every table, column, function and
//! command in it. It allows what is listed and refuses the rest, so that a new command of a new SQLite
//! is refused until someone allows it. It keeps the reason of the first refusal, because SQLite itself
//! only says "not authorized".

use std::{
    collections::HashSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use rusqlite::{
    Connection,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};

use super::{
    functions::{self, Host},
    limits::Watch,
};

/// Schemas that a script may read. `main` is scratch space like `connector`.
pub(super) const READABLE: [&str; 7] = ["main", "temp", "input", "output", "kizen", "meta", "connector"];
/// Schemas that a script may change.
pub(super) const WRITABLE: [&str; 4] = ["main", "temp", "output", "connector"];
/// Table-valued functions that need no `CREATE`; all others of SQLite (`dbstat`, `pragma_database_list`
/// …) would tell paths and pages of the server.
const TABLE_FUNCTIONS: [&str; 5] =
    ["json_each", "json_tree", "generate_series", "pragma_table_info", "pragma_table_xinfo"];

/// Virtual machine operations between two looks at the watch: some microseconds.
const OPS_BETWEEN_POLLS: i32 = 100;

/// Virtual machine operations that one statement may compile to.
pub(super) const MAX_OPERATIONS: i32 = 1_000_000;

/// The lock of the sandbox: closed while a script runs, open while the engine prepares and counts.
#[derive(Debug)]
pub(super) struct Gate {
    closed: AtomicBool,
    running: AtomicBool,
    refusal: Mutex<Option<String>>,
    watch: Arc<Watch>,
    modules: &'static HashSet<String>,
}

impl Gate {
    /// From now on the script's rules hold.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// From now on the engine itself speaks.
    pub(super) fn open(&self) {
        self.closed.store(false, Ordering::Relaxed);
    }

    /// A compiled statement is stepped now: `pragma_table_info` compiles its pragma only then.
    pub(super) fn running(&self, yes: bool) {
        self.running.store(yes, Ordering::Relaxed);
    }

    /// Why the last statement was refused; asking forgets it.
    pub(super) fn take_refusal(&self) -> Option<String> {
        self.refusal.lock().take()
    }

    fn decide(&self, asked: &AuthContext<'_>) -> Authorization {
        if !self.closed.load(Ordering::Relaxed) {
            return Authorization::Allow;
        }
        // Compiling can take long too: views of views of views.
        if self.watch.must_stop() {
            return Authorization::Deny;
        }
        match self.refuse(asked) {
            None => Authorization::Allow,
            Some(reason) => {
                self.refusal.lock().get_or_insert(reason);
                Authorization::Deny
            }
        }
    }

    /// The reason to refuse, or `None`.
    fn refuse(&self, asked: &AuthContext<'_>) -> Option<String> {
        let schema = asked.database_name.unwrap_or("main");
        match asked.action {
            AuthAction::Select | AuthAction::Recursive => None,
            AuthAction::Read { table_name, .. } => self.refuse_read(schema, table_name),
            AuthAction::Insert { .. }
            | AuthAction::Update { .. }
            | AuthAction::Delete { .. }
            | AuthAction::CreateIndex { .. }
            | AuthAction::CreateTable { .. }
            | AuthAction::CreateTempIndex { .. }
            | AuthAction::CreateTempTable { .. }
            | AuthAction::CreateTempView { .. }
            | AuthAction::DropIndex { .. }
            | AuthAction::DropTable { .. }
            | AuthAction::DropTempIndex { .. }
            | AuthAction::DropTempTable { .. }
            | AuthAction::DropTempView { .. }
            | AuthAction::DropView { .. }
            // CREATE INDEX asks for this too; the statement REINDEX is refused by its first word.
            | AuthAction::Reindex { .. } => refuse_write(schema),
            AuthAction::AlterTable { database_name, .. } => refuse_write(database_name),
            AuthAction::CreateView { view_name } => refuse_view(schema, view_name),
            AuthAction::Function { function_name } => refuse_function(function_name),
            AuthAction::Pragma { pragma_name, .. } => self.refuse_pragma(pragma_name),
            AuthAction::Attach { .. } => not_allowed("ATTACH"),
            AuthAction::Detach { .. } => not_allowed("DETACH"),
            AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
                Some("transactions are not available in scripts: a failed script leaves nothing behind anyway".to_owned())
            }
            AuthAction::Analyze { .. } => not_allowed("ANALYZE"),
            AuthAction::CreateVtable { module_name, .. } | AuthAction::DropVtable { module_name, .. } => {
                Some(format!("virtual tables ({module_name}) are not available in scripts"))
            }
            AuthAction::CreateTrigger { .. }
            | AuthAction::CreateTempTrigger { .. }
            | AuthAction::DropTrigger { .. }
            | AuthAction::DropTempTrigger { .. } => {
                Some("triggers are not available in scripts".to_owned())
            }
            _ => Some("this command is not available in scripts".to_owned()),
        }
    }

    /// Table-valued functions all report schema `main`: they are told by name.
    fn refuse_read(&self, schema: &str, table: &str) -> Option<String> {
        if !READABLE.iter().any(|s| s.eq_ignore_ascii_case(schema)) {
            return Some(format!("the schema {schema} is not available in scripts"));
        }
        let name = table.to_ascii_lowercase();
        let module = name.starts_with("pragma_") || self.modules.contains(&name);
        if schema.eq_ignore_ascii_case("main") && module && !TABLE_FUNCTIONS.contains(&name.as_str()) {
            return Some(format!("the table {name} is not available in scripts"));
        }
        None
    }

    fn refuse_pragma(&self, name: &str) -> Option<String> {
        let from_function = self.running.load(Ordering::Relaxed)
            && ["table_info", "table_xinfo"].iter().any(|p| p.eq_ignore_ascii_case(name));
        if from_function { None } else { not_allowed("PRAGMA") }
    }
}

fn refuse_write(schema: &str) -> Option<String> {
    if WRITABLE.iter().any(|s| s.eq_ignore_ascii_case(schema)) {
        return None;
    }
    Some(format!("the schema {schema} is read-only: write to output, connector or a temporary table"))
}

fn refuse_view(schema: &str, view: &str) -> Option<String> {
    if schema.eq_ignore_ascii_case("output") {
        return Some(format!(
            "output.{view} is a view, and only tables are outputs: write CREATE TABLE output.{view} AS SELECT …"
        ));
    }
    refuse_write(schema)
}

fn refuse_function(name: &str) -> Option<String> {
    if functions::is_offered(name) {
        return None;
    }
    Some(format!("the function {name} is not available in scripts"))
}

/// The refusal of a whole command.
#[expect(clippy::unnecessary_wraps, reason = "an arm of the authorizer's answer")]
pub(super) fn not_allowed(command: &str) -> Option<String> {
    Some(format!("{command} is not available in scripts"))
}

/// Puts the hooks and limits on a connection whose schemas are attached. They stay until it closes. The functions that
/// a script calls come with it.
pub(super) fn install(db: &Connection, host: &Arc<Host>) -> Result<Arc<Gate>, rusqlite::Error> {
    let watch = &host.watch;
    let max_value = watch.limits().max_value();
    let gate = Arc::new(Gate {
        closed: AtomicBool::new(false),
        running: AtomicBool::new(false),
        refusal: Mutex::new(None),
        watch: Arc::clone(watch),
        modules: modules(db)?,
    });
    set_limits(db, max_value)?;
    let hook = Arc::clone(&gate);
    db.authorizer(Some(move |asked: AuthContext<'_>| hook.decide(&asked)))?;
    let hook = Arc::clone(watch);
    db.progress_handler(OPS_BETWEEN_POLLS, Some(move || hook.must_stop()))?;
    Ok(gate)
}

/// Settings that the engine's own preparation could not live with, set before the first statement of
/// a script. `DEFENSIVE` comes after the journal mode: it refuses later changes without a word.
pub(super) fn arm(db: &Connection) -> Result<(), rusqlite::Error> {
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
    ] {
        db.set_db_config(config, on)?;
    }
    Ok(())
}

fn set_limits(db: &Connection, max_value: usize) -> Result<(), rusqlite::Error> {
    let max_value = i32::try_from(max_value).unwrap_or(i32::MAX);
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, max_value),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 1_000_000),
        (Limit::SQLITE_LIMIT_COLUMN, 2_000),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 1_000),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 500),
        (Limit::SQLITE_LIMIT_VDBE_OP, MAX_OPERATIONS),
        // Bounds what one call can be given, and so what one uninterruptible call can take.
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, functions::MAX_PATTERN),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 32_766),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        db.set_limit(limit, value)?;
    }
    Ok(())
}

/// The virtual table modules of this SQLite: each may be a table that needs no `CREATE`.
fn modules(db: &Connection) -> Result<&'static HashSet<String>, rusqlite::Error> {
    // All connections have the same.
    static MODULES: OnceLock<HashSet<String>> = OnceLock::new();
    if let Some(known) = MODULES.get() {
        return Ok(known);
    }
    let mut statement = db.prepare("SELECT lower(name) FROM pragma_module_list")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(MODULES.get_or_init(|| names))
}
