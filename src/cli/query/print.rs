//! An output table on standard output.

use std::{
    fmt::Display,
    io::{self, BufWriter, Write},
};

use crate::{
    cli::table,
    engine::{EngineError, OutputReader, OutputRow, OutputTable},
    error::{Error, Result},
    report::csv,
};

/// A table for people is built in memory; more rows than this are for programs.
const MAX_ROWS: u64 = 1_000;

/// Why printing stopped.
enum Stop {
    /// The table has as many rows as it may.
    Enough,
    Failed(Error),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for Stop {
    /// A reader that has seen enough (`| head`) closes the pipe.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Enough
        } else {
            Self::Failed(Error::internal(error))
        }
    }
}

impl From<::csv::Error> for Stop {
    fn from(error: ::csv::Error) -> Self {
        match error.into_kind() {
            ::csv::ErrorKind::Io(error) => error.into(),
            other => Self::Failed(Error::internal(format!("{other:?}"))),
        }
    }
}

fn settle(outcome: std::result::Result<(), Stop>) -> Result<()> {
    match outcome {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Provenance columns are data here.
fn columns(table: &OutputTable) -> Vec<&str> {
    let provenance = [(table.has_line, "_line"), (table.has_table, "_table")];
    let provenance = provenance.into_iter().filter(|(there, _)| *there).map(|(_, name)| name);
    provenance.chain(table.columns.iter().map(String::as_str)).collect()
}

fn cells(row: &OutputRow, table: &OutputTable) -> std::result::Result<Vec<Option<String>>, Stop> {
    if let Some(error) = row.errors().first() {
        let column = &table.columns[error.column];
        return Err(Stop::Failed(Error::invalid(format!(
            "row {}, {column}: {}",
            row.number(),
            error.message
        ))));
    }
    let mut cells = Vec::new();
    if table.has_line {
        cells.push(row.line().map(|line| line.to_string()));
    }
    if table.has_table {
        cells.push(row.table().map(str::to_owned));
    }
    cells.extend(row.cells().map(|cell| cell.map(str::to_owned)));
    Ok(cells)
}

fn each(
    reader: &OutputReader,
    table: &OutputTable,
    mut row: impl FnMut(Vec<Option<String>>) -> std::result::Result<(), Stop>,
) -> std::result::Result<(), Stop> {
    let names: Vec<&str> = table.columns.iter().map(String::as_str).collect();
    reader.stream(table, &names, |found| row(cells(found, table)?)).map(|_| ())
}

/// For people; says when it does not show all.
pub(super) fn table(reader: &OutputReader, table: &OutputTable) -> Result<()> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    settle(each(reader, table, |cells| {
        if rows.len() as u64 == MAX_ROWS {
            return Err(Stop::Enough);
        }
        rows.push(cells.into_iter().map(|cell| cell.map(|text| shown(&text)).unwrap_or_default()).collect());
        Ok(())
    }))?;
    line(&table::rows(&columns(table), rows))?;
    if table.rows > MAX_ROWS {
        line(&format!("… and {} more rows; --csv prints them all", table.rows - MAX_ROWS))?;
    }
    Ok(())
}

/// A line on standard output.
pub(super) fn line(text: &impl Display) -> Result<()> {
    settle(writeln!(io::stdout().lock(), "{text}").map_err(Stop::from))
}

/// Text from a file must not move the cursor.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The very CSV that a run leaves, with provenance.
pub(super) fn csv(reader: &OutputReader, table: &OutputTable) -> Result<()> {
    let mut out = csv::writer(io::stdout().lock());
    let written = (|| {
        out.write_record(columns(table))?;
        each(reader, table, |cells| {
            Ok(out.write_record(cells.iter().map(|cell| cell.as_deref().unwrap_or_default()))?)
        })?;
        Ok(out.flush()?)
    })();
    settle(written)
}

/// An array of objects; every value is text, or null.
pub(super) fn json(reader: &OutputReader, table: &OutputTable) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let names = columns(table);
    let mut is_first = true;
    let written = (|| {
        write!(out, "[")?;
        each(reader, table, |cells| {
            let row: serde_json::Map<_, _> =
                names.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), cell.into())).collect();
            let separator = if is_first { "\n" } else { ",\n" };
            is_first = false;
            Ok(write!(out, "{separator}{}", serde_json::Value::Object(row))?)
        })?;
        writeln!(out, "\n]")?;
        Ok(out.flush()?)
    })();
    settle(written)
}
