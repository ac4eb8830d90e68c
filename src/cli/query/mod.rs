//! `query`: the quick look into files.
//!
//! Each file becomes a table of `input`, or several, as it does in a run, and the SQL runs with the same
//! engine and limits. What a last SELECT answers is printed, or else the tables that the SQL made in `output`.

mod functions;
mod print;

use std::{
    fs::File,
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
    input::{self, InputFile, Opening},
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
        let tables = read(&mut engine, &files, &config, scratch.path())?;
        match sql {
            Some(sql) => {
                engine.run_query(&sql)?;
                self.print(&engine, engine.outputs())?;
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
        let outputs = engine.outputs();
        if self.csv || self.json {
            return self.print(engine, outputs);
        }
        let reader = engine.output_reader()?;
        for (table, output) in tables.iter().zip(outputs) {
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

/// Reads the tables of every file. What is odd about a file is told on standard error.
fn read(engine: &mut Engine, files: &[PathBuf], config: &Config, scratch: &Path) -> Result<Vec<Table>> {
    let mut opened = Vec::with_capacity(files.len());
    for path in files {
        let file = File::open(path).map_err(|e| Error::invalid(format!("{}: {e}", path.display())))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let opening = Opening {
            name: &name,
            options: &InputOptions::default(),
            limits: job::unpack_limits(config),
            scratch,
            cancel: &CancelToken::new(),
        };
        let input = InputFile::open(Box::new(file), &opening).map_err(|e| failed(path, &e))?;
        opened.push((path, input));
    }
    let titles: Vec<String> =
        opened.iter().flat_map(|(_, input)| input.tables()).map(|table| table.title.clone()).collect();
    let mut names = input::table_names(&titles).into_iter().zip(0..);
    let mut tables = Vec::with_capacity(titles.len());
    for (path, mut input) in opened {
        for (n, (name, page)) in (0..input.tables().len()).zip(names.by_ref()) {
            let title = input.tables()[n].title.clone();
            let mut reader = input.read(n).map_err(|e| failed(path, &e))?;
            let (header, warnings) = reader.header_and_warnings();
            let plan = input::pair(None, &name, header, warnings).map_err(|e| failed(path, &e))?;
            let rows = fill_input(engine, &plan, page, &title, &mut reader, None, |_| {}).map_err(
                |stop| match stop {
                    Stop::Cancelled => failed(path, &"cancelled"),
                    Stop::Failed(sentence) => failed(path, &sentence),
                },
            )?;
            for sentence in reader.warnings().summary() {
                eprintln!("{}: {sentence}", path.display());
            }
            let columns = plan.columns.into_iter().map(|column| column.name).collect();
            tables.push(Table { name: plan.table, columns, rows });
        }
        for sentence in input.warnings.summary() {
            eprintln!("{}: {sentence}", path.display());
        }
    }
    Ok(tables)
}

fn failed(path: &Path, sentence: &dyn std::fmt::Display) -> Error {
    Error::invalid(format!("{}: {sentence}", path.display()))
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
