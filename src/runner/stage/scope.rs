//! Scopes made ready: each output table with the compiled variables that read it.

use super::odd_lines::OddLines;
use crate::{
    engine::{Engine, OutputReader, OutputTable},
    execution::StageKind,
    runner::job::{Job, Stop},
    variable::{AutoDate, Locale, Parser, Variable},
};

/// One output table and the variables that read it.
pub(in crate::runner) struct Scope<'j> {
    /// The table.
    pub table: OutputTable,
    /// The columns that variables read, each once.
    pub columns: Vec<String>,
    /// The variables, in display order.
    pub variables: Vec<Compiled<'j>>,
    /// What was odd about the lines that its rows come from.
    pub odd_lines: &'j OddLines,
}

/// A variable and what reads it.
pub(in crate::runner) struct Compiled<'j> {
    /// The variable.
    pub variable: &'j Variable,
    /// Its parser.
    pub parser: Parser,
    /// Its column among [`Scope::columns`]; `None`: a literal.
    pub column: Option<usize>,
}

impl Scope<'_> {
    /// The columns as the engine is asked for them.
    pub fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    /// The script's columns as the engine is asked for them.
    pub fn output_names(&self) -> Vec<&str> {
        self.table.columns.iter().map(String::as_str).collect()
    }
}

/// The rows of a scope; 0 when the script gave no such table.
pub(in crate::runner) fn rows(scopes: &[Scope<'_>], name: &str) -> u64 {
    scopes.iter().find(|scope| scope.table.scope == name).map_or(0, |scope| scope.table.rows)
}

/// Pairs the script's output with the variables and compiles them. Variables with an `auto` date format
/// read their column once.
pub(in crate::runner) fn compile<'j>(
    job: &Job<'j>,
    engine: &Engine,
    locale: Locale,
    odd_lines: &'j OddLines,
) -> Result<Vec<Scope<'j>>, Stop> {
    let tables = engine.outputs();
    missing_columns(job, tables)?;
    let mut scopes = Vec::with_capacity(tables.len());
    for table in tables.iter().cloned() {
        let mut scope = Scope { table, columns: Vec::new(), variables: Vec::new(), odd_lines };
        let name = scope.table.scope.clone();
        let mut variables: Vec<_> = job.snapshot.variables.iter().filter(|v| v.scope == name).collect();
        variables.sort_by_key(|v| v.display_order);
        for variable in variables {
            let parser = Parser::compile(variable, locale)?;
            let column = variable.data_source.as_deref().map(|column| place(&mut scope.columns, column));
            scope.variables.push(Compiled { variable, parser, column });
        }
        scopes.push(scope);
    }
    let names: Vec<&str> = scopes.iter().map(|scope| scope.table.scope.as_str()).collect();
    job.progress.begin(StageKind::VariableEval, 0, &names);
    read_columns(job, engine, &mut scopes)?;
    Ok(scopes)
}

fn place(columns: &mut Vec<String>, name: &str) -> usize {
    columns.iter().position(|column| column == name).unwrap_or_else(|| {
        columns.push(name.to_owned());
        columns.len() - 1
    })
}

/// Fails before anything is loaded, naming every column that the script no longer gives.
fn missing_columns(job: &Job<'_>, tables: &[OutputTable]) -> Result<(), Stop> {
    let mut missing: Vec<String> = Vec::new();
    let mut add = |sentence: String| {
        if !missing.contains(&sentence) {
            missing.push(sentence);
        }
    };
    for variable in &job.snapshot.variables {
        let Some(table) = tables.iter().find(|table| table.scope == variable.scope) else {
            add(format!("the table {}", variable.scope));
            continue;
        };
        if let Some(column) = &variable.data_source
            && !table.columns.contains(column)
        {
            add(format!("the column {}.{column}", variable.scope));
        }
    }
    for step in &job.snapshot.loads {
        if !tables.iter().any(|table| table.scope == step.scope) {
            add(format!("the table {}", step.scope));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let found: Vec<String> =
        tables.iter().map(|table| format!("{} ({})", table.scope, table.columns.join(", "))).collect();
    Err(Stop::Failed(format!(
        "The script's output lacks {}, which variables or load steps use. It has: {}.",
        missing.join(", "),
        found.join("; ")
    )))
}

/// `auto` date formats are decided by their whole column, before a row is loaded.
fn read_columns(job: &Job<'_>, engine: &Engine, scopes: &mut [Scope<'_>]) -> Result<(), Stop> {
    for scope in scopes {
        let mut observers: Vec<(usize, usize, AutoDate)> = Vec::new();
        for (n, compiled) in scope.variables.iter().enumerate() {
            if let (true, Some(column)) = (compiled.parser.needs_column_pass(), compiled.column)
                && let Some(observer) = compiled.parser.observer()
            {
                observers.push((n, column, observer));
            }
        }
        if observers.is_empty() {
            continue;
        }
        let reader: OutputReader = engine.output_reader()?;
        reader.stream(&scope.table, &scope.column_names(), |row| -> Result<(), Stop> {
            job.token.check()?;
            for (_, column, observer) in &mut observers {
                observer.observe(row.cell(*column));
            }
            Ok(())
        })?;
        for (n, _, observer) in observers {
            scope.variables[n].parser = observer.decide();
        }
    }
    Ok(())
}
