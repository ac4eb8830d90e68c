//! `query`: the quick look into files.
//!
//! Each file becomes a table of `input`, as it does in a run, and the SQL runs with the same engine and
//! limits. What a last SELECT answers is printed, or else the tables that the SQL made in `output`.

mod functions;
mod print;

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::log::start_log;
use crate::{
    cancel::CancelToken,
    config::Config,
    connector::InputOptions,
    engine::{self, Engine, OutputTable},
    error::{Error, Result},
    input::{self, DelimitedReader},
    runner::{
        fill_input,
        job::{self, Stop},
    },
    variable::Locale,
};

/// Rows of each table that are shown without SQL.
const FIRST_ROWS: u64 = 10;

/// Read files into `input.*` and run SQL over them.
#[derive(Debug, Args)]
pub(super) struct Query {
    /// Files, then the SQL; without SQL the first rows of each file
    #[arg(value_name = "FILE… [SQL]", required_unless_present = "functions")]
    words: Vec<String>,
    /// List the functions that SQL may call beside SQLite's own, each with an example
    #[arg(long, conflicts_with_all = ["words", "csv"])]
    functions: bool,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON: an array of rows, or of functions
    #[arg(long)]
    json: bool,
}

/// A file as a table.
struct Table {
    name: String,
    columns: Vec<String>,
    rows: u64,
}

impl Query {
    pub(super) fn run(mut self) -> Result<ExitCode> {
        if self.functions {
            functions::print(self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        start_log("error");
        let sql = self.take_sql();
        let files: Vec<PathBuf> = self.words.iter().map(PathBuf::from).collect();
        if files.is_empty() {
            return Err(Error::invalid("Name a file before the SQL."));
        }
        let config = Config::load(None, std::env::vars())?;
        let scratch = tempfile::Builder::new().prefix("smartconnector-").tempdir().map_err(|e| {
            Error::invalid(format!("No folder for temporary files can be made: {e}. Set TMPDIR to one."))
        })?;
        engine::set_temp_dir(scratch.path())?;
        let limits = job::limits(&config.engine);
        let mut engine = Engine::open(scratch.path(), limits, locale(&config)?, CancelToken::new())?;
        let tables = read(&mut engine, &files)?;
        match sql {
            Some(sql) => {
                engine.run_query(&sql)?;
                self.print(&engine, &engine.outputs()?)?;
            }
            None => self.look(&mut engine, &tables)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The last word, when it is no file's name but a statement: those have blanks in them.
    fn take_sql(&mut self) -> Option<String> {
        self.words.pop_if(|last| last.contains(char::is_whitespace) && !Path::new(last).exists())
    }

    fn print(&self, engine: &Engine, tables: &[OutputTable]) -> Result<()> {
        let reader = engine.output_reader()?;
        let one = || {
            if let [table] = tables {
                return Ok(table);
            }
            let names: Vec<&str> = tables.iter().map(|table| table.scope.as_str()).collect();
            Err(Error::invalid(format!(
                "The SQL made the tables {}; CSV and JSON hold one. End it with a SELECT, and make the others in connector.*.",
                names.join(", ")
            )))
        };
        match (self.csv, self.json) {
            (true, _) => print::csv(&reader, one()?),
            (_, true) => print::json(&reader, one()?),
            _ => tables.iter().try_for_each(|table| {
                if tables.len() > 1 {
                    print::line(&format!("output.{}", table.scope))?;
                }
                print::table(&reader, table)
            }),
        }
    }

    /// What is in the files: columns and first rows.
    fn look(&self, engine: &mut Engine, tables: &[Table]) -> Result<()> {
        let sql: Vec<String> = tables
            .iter()
            .map(|table| {
                format!(
                    "CREATE TABLE output.\"{0}\" AS SELECT * FROM input.\"{0}\" LIMIT {FIRST_ROWS};",
                    table.name
                )
            })
            .collect();
        engine.run_query(&sql.join("\n"))?;
        let outputs = engine.outputs()?;
        if self.csv || self.json {
            return self.print(engine, &outputs);
        }
        let reader = engine.output_reader()?;
        for (table, output) in tables.iter().zip(&outputs) {
            let columns = table.columns.join(", ");
            print::line(&format!("input.{} ({} rows): {columns}", table.name, table.rows))?;
            print::table(&reader, output)?;
            if table.rows > FIRST_ROWS {
                print::line(&format!("… and {} more rows", table.rows - FIRST_ROWS))?;
            }
        }
        Ok(())
    }
}

/// There is no workspace here: its settings at a first start stand in.
fn locale(config: &Config) -> Result<Locale> {
    let workspace = &config.workspace;
    let timezone = workspace.timezone.parse().map_err(|_| {
        Error::invalid(format!("workspace.timezone: there is no time zone {:?}.", workspace.timezone))
    })?;
    Ok(Locale::of_workspace(timezone, &workspace.phone_region))
}

/// Reads every file into a table of its own. What is odd about a file is told on standard error.
fn read(engine: &mut Engine, files: &[PathBuf]) -> Result<Vec<Table>> {
    let names: Vec<String> = files
        .iter()
        .map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
        .collect();
    let mut tables = Vec::with_capacity(files.len());
    for (n, (path, table)) in files.iter().zip(input::table_names(&names)).enumerate() {
        let file = File::open(path).map_err(|e| Error::invalid(format!("{}: {e}", path.display())))?;
        let failed = |e: &dyn std::fmt::Display| Error::invalid(format!("{}: {e}", path.display()));
        let options = InputOptions::default();
        let mut reader = DelimitedReader::open(BufReader::new(file), &options, &CancelToken::new())
            .map_err(|e| failed(&e))?;
        let mut plan =
            input::pair(&[], &names[n], &reader.header, &mut reader.warnings).map_err(|e| failed(&e))?;
        plan.table = table;
        let page = u32::try_from(n).unwrap_or(u32::MAX);
        let rows =
            fill_input(engine, &plan, page, &names[n], &mut reader, |_| {}).map_err(|stop| match stop {
                Stop::Cancelled => failed(&"cancelled"),
                Stop::Failed(sentence) => failed(&sentence),
            })?;
        for sentence in reader.warnings.summary() {
            eprintln!("{}: {sentence}", path.display());
        }
        let columns = plan.columns.into_iter().map(|column| column.name).collect();
        tables.push(Table { name: plan.table, columns, rows });
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_sql_when_it_has_blanks_and_is_no_file() {
        let query = |words: &[&str]| Query {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            functions: false,
            csv: false,
            json: false,
        };
        let mut with = query(&["a.csv", "SELECT 1"]);
        assert_eq!(with.take_sql().as_deref(), Some("SELECT 1"));
        assert_eq!(with.words, ["a.csv"]);
        assert_eq!(query(&["a.csv", "b.csv"]).take_sql(), None);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("select me.csv");
        std::fs::write(&file, "a\n").unwrap();
        assert_eq!(query(&[file.to_str().unwrap()]).take_sql(), None);
    }
}
