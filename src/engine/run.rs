//! Running a script, statement by statement, with the sandbox closed.

use std::time::Instant;

use rusqlite::{Error, ErrorCode};

use super::{
    Engine, OutputTable, Scalar,
    error::{EngineError, Limit, Place, ScriptError},
    hint, output, sandbox,
    sqlite::scratch,
    statement::{Kind, Position, Statement, split},
    table,
};

/// What running a script took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptStats {
    /// Statements that ran.
    pub statements: usize,
    /// Milliseconds, all told.
    pub millis: u64,
}

/// Put before a statement whose rows are kept.
const KEEP: &str = "CREATE TABLE output.result AS ";

/// A script and what belongs to it.
struct Script<'a> {
    sql: &'a str,
    parameters: &'a [(String, Scalar)],
    /// The statement whose rows become `output.result`.
    kept: Option<usize>,
}

/// Runs all statements of `sql` and checks the output, which it answers too. With `keeps_rows`, the rows of a last statement
/// that only reads become `output.result`.
pub(super) fn script(
    engine: &Engine,
    sql: &str,
    parameters: &[(String, Scalar)],
    keeps_rows: bool,
) -> Result<(ScriptStats, Vec<OutputTable>), EngineError> {
    let started = Instant::now();
    let mut script = Script { sql, parameters, kept: None };
    let statements = script.statements()?;
    script.kept = statements.last().filter(|last| keeps_rows && last.only_reads(sql)).map(|last| last.number);
    table::name_by_position(&engine.db, &engine.inputs)?;
    engine.register(sql)?;
    sandbox::arm(&engine.db).map_err(scratch("closing the sandbox"))?;

    engine.watch.start();
    engine.gate.close();
    let ran = statements.iter().try_for_each(|statement| script.run(engine, statement));
    engine.gate.open();
    ran?;
    // Counting the output belongs to the script's time.
    let outputs = output::check(engine)?;
    engine.watch.finish();
    // What the script needed in memory, whoever reads the output does not.
    engine.db.release_memory().map_err(scratch("giving memory back"))?;

    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok((ScriptStats { statements: statements.len(), millis }, outputs))
}

impl Script<'_> {
    fn statements(&self) -> Result<Vec<Statement>, EngineError> {
        // SQLite reads up to a NUL and would leave the rest out without a word.
        if let Some(at) = self.sql.find('\0') {
            let place = Place { statement: 1, position: Position::of(self.sql, at) };
            let message = "a NUL character can't be in a script".to_owned();
            return Err(EngineError::Script(ScriptError { place, message, hint: None }));
        }
        Ok(split(self.sql))
    }

    fn run(&self, engine: &Engine, statement: &Statement) -> Result<(), EngineError> {
        let fail = |error: Error| self.explain(engine, statement, error);
        // Between two statements nobody else looks.
        if engine.watch.must_stop()
            && let Some(stop) = engine.watch.reason()
        {
            return Err(engine.watch.error(stop, Some(self.place(statement, 0))));
        }
        self.refuse_by_first_word(statement)?;
        engine.gate.take_refusal();
        let text = &self.sql[statement.range.clone()];
        let mut prepared = match self.prefix(statement) {
            "" => engine.db.prepare(text),
            prefix => engine.db.prepare(&format!("{prefix}{text}")),
        }
        .map_err(fail)?;
        self.bind(&mut prepared, statement)?;
        engine.watch.begin_statement();
        engine.gate.running(true);
        let mut rows = prepared.raw_query();
        let mut step = || -> Result<(), Error> {
            while rows.next()?.is_some() {}
            Ok(())
        };
        let ran = step();
        engine.gate.running(false);
        ran.map_err(fail)
    }

    /// What is put before the statement.
    fn prefix(&self, statement: &Statement) -> &'static str {
        if self.kept == Some(statement.number) { KEEP } else { "" }
    }

    /// Commands that the authorizer can't tell: VACUUM asks only for the ATTACH inside it, ANALYZE first
    /// for tables of its own, and CREATE INDEX for a REINDEX too.
    fn refuse_by_first_word(&self, statement: &Statement) -> Result<(), EngineError> {
        let first = statement.first(self.sql).to_ascii_uppercase();
        if ["VACUUM", "REINDEX", "ANALYZE"].contains(&first.as_str()) {
            let message = sandbox::not_allowed(&first).unwrap_or_default();
            return Err(self.error(statement, 0, message, None));
        }
        Ok(())
    }

    /// Binds every parameter that the statement uses. SQLite would take NULL for an unknown one.
    fn bind(&self, prepared: &mut rusqlite::Statement<'_>, statement: &Statement) -> Result<(), EngineError> {
        for index in 1..=prepared.parameter_count() {
            let name = prepared.parameter_name(index).unwrap_or("?").to_owned();
            let value = name
                .strip_prefix(':')
                .and_then(|bare| self.parameters.iter().find(|(known, _)| known == bare));
            let Some((_, value)) = value else {
                return Err(self.unbound(statement, &name));
            };
            if let Err(error) = prepared.raw_bind_parameter(index, value) {
                return Err(self.error(statement, 0, error.to_string(), None));
            }
        }
        Ok(())
    }

    fn unbound(&self, statement: &Statement, name: &str) -> EngineError {
        let token = statement
            .tokens
            .iter()
            .find(|token| token.kind == Kind::Parameter && token.text(self.sql) == name);
        let offset = token.map_or(0, |token| token.range.start - statement.range.start);
        let (message, hint) = if name.starts_with(':') {
            let known = self.parameters.iter().map(|(known, _)| format!(":{known}"));
            (format!("the parameter {name} is not bound"), hint::nearest(name, known))
        } else {
            (format!("the parameter {name} has no name to bind"), Some("write :name".to_owned()))
        };
        self.error(statement, offset, message, hint)
    }

    /// What SQLite's error is to the person who wrote the script.
    fn explain(&self, engine: &Engine, statement: &Statement, error: Error) -> EngineError {
        engine.gate.running(false);
        let refusal = engine.gate.take_refusal();
        let at = Some(self.place(statement, 0));
        if let Some(stop) = engine.watch.reason() {
            return engine.watch.error(stop, at);
        }
        let code = error.sqlite_error_code();
        if let Some(reason) = refusal {
            return self.error(statement, 0, reason, None);
        }
        let (mut message, offset) = words(error);
        let mut offset = offset.saturating_sub(self.prefix(statement).len());
        if let Some(table) = message.strip_prefix("no such table: ") {
            offset = statement.offset_of(self.sql, table).unwrap_or(offset);
        } else if message == "incomplete input" {
            offset = statement.last_end() - statement.range.start;
        }
        match code {
            Some(ErrorCode::DiskFull) => {
                return EngineError::Limit { limit: engine.watch.without_space(), at };
            }
            Some(ErrorCode::TooBig) if message == "string or blob too big" => {
                return EngineError::Limit { limit: Limit::Value(engine.limits.max_value_mb), at };
            }
            // What SQLite says when a statement compiles to more operations than it may.
            Some(ErrorCode::OutOfMemory) => {
                message =
                    format!("the statement is too large (at most {} operations)", sandbox::MAX_OPERATIONS);
            }
            _ => {}
        }
        engine.gate.open();
        let hint = hint::for_error(&engine.db, self.sql, statement, &message);
        engine.gate.close();
        self.error(statement, offset, message, hint)
    }

    fn place(&self, statement: &Statement, offset: usize) -> Place {
        let position = Position::of(self.sql, statement.range.start + offset);
        Place { statement: statement.number, position }
    }

    fn error(
        &self,
        statement: &Statement,
        offset: usize,
        message: String,
        hint: Option<String>,
    ) -> EngineError {
        EngineError::Script(ScriptError { place: self.place(statement, offset), message, hint })
    }
}

/// SQLite's sentence and the place in the statement that it is about.
fn words(error: Error) -> (String, usize) {
    match error {
        Error::SqlInputError { msg, offset, .. } => (msg, usize::try_from(offset).unwrap_or(0)),
        Error::SqliteFailure(_, Some(message)) => (message, 0),
        other => (other.to_string(), 0),
    }
}
