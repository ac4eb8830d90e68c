//! `rejected.csv` of a run: the source rows that it rejected, ready to be corrected and sent again.
//!
//! Made in a temporary file before the first byte is sent: a slow client holds no read transaction.
//! Source rows are picked from the input file by their lines. Where a rejected row knows no line (the
//! script did not select `_line`), or the file had several tables, the rows of its scope are written
//! instead, from the SQL output.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Seek as _, Write as _},
};

use super::{connector, execution, unpacking::Unpacking};
use crate::{
    app::App,
    auth::{Caller, Role},
    cancel::CancelToken,
    error::{Error, Result},
    execution::{Execution, RowOutcome, RowStatus},
    id::ExecutionId,
    input::{InputFile, OriginalRecords},
    report::{Dialect, RejectedCsv, in_one_cell},
    store::{self, file::FileReader},
};

/// In front of rows of a text that had to be decoded.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Why rows were rejected, by source line or by row of a scope, ascending.
type Reasons = Vec<(u64, String)>;

/// Writes the file and rewinds it. `scope` chooses where several scopes have rejected rows without lines.
pub fn csv(app: &App, caller: &Caller, name: &str, id: ExecutionId, scope: Option<&str>) -> Result<File> {
    caller.needs(Role::Sender)?;
    let (_, execution) = execution::of(app, caller, name, id)?;
    let _unpacking = Unpacking::of(app, execution.id)?;
    let rejected = rejected(app, &execution, scope)?;
    let file = tempfile::tempfile_in(app.store.scratch_dir()).map_err(Error::internal)?;
    let input = if rejected.iter().all(|row| row.line.is_some()) { input_of(app, &execution)? } else { None };
    let mut file = match input {
        Some(input) => source_rows(input, by_line(rejected), file)?,
        None => scope_rows(app, &execution, rejected, file)?,
    };
    file.rewind().map_err(Error::internal)?;
    Ok(file)
}

/// What the file needs of a rejected row. There are at most `runner.max_row_outcomes`.
struct Rejected {
    scope: String,
    row: u64,
    line: Option<u64>,
    reason: String,
}

fn rejected(app: &App, execution: &Execution, scope: Option<&str>) -> Result<Vec<Rejected>> {
    let is_wanted = |row: &RowOutcome| scope.is_none_or(|scope| row.scope == scope);
    let database = execution::outcomes_in(app, execution);
    let mut rows = Vec::new();
    let mut after = 0;
    loop {
        let page = database
            .read(|conn| store::outcome::page(conn, execution.id, Some(RowStatus::Error), after, PAGE))?;
        let Some((last, _)) = page.last() else { return Ok(rows) };
        after = *last;
        rows.extend(page.into_iter().filter(|(_, row)| is_wanted(row)).map(|(_, row)| Rejected {
            line: row.line.and_then(|line| u64::try_from(line).ok()),
            reason: in_one_cell(&row.messages),
            scope: row.scope,
            row: row.row,
        }));
    }
}

/// One entry per source line: a line may be rejected by several steps.
fn by_line(rows: Vec<Rejected>) -> Reasons {
    merged(rows.into_iter().filter_map(|row| Some((row.line?, row.reason))))
}

fn merged(reasons: impl Iterator<Item = (u64, String)>) -> Reasons {
    let mut sorted: Reasons = reasons.collect();
    sorted.sort();
    sorted.dedup();
    let mut merged: Reasons = Vec::with_capacity(sorted.len());
    for (at, reason) in sorted {
        match merged.last_mut() {
            Some((last, text)) if *last == at => {
                text.push_str("; ");
                text.push_str(&reason);
            }
            _ => merged.push((at, reason)),
        }
    }
    merged
}

/// The input, when it is one table: of several, a line does not say which.
fn input_of(app: &App, execution: &Execution) -> Result<Option<InputFile>> {
    let input = match execution.input_file {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    let input = input.ok_or_else(|| Error::not_found("input file: it is not in the store any more"))?;
    let options = app
        .store
        .control
        .read(|conn| store::execution::snapshot(conn, execution.id))?
        .map(|snapshot| snapshot.input_options)
        .unwrap_or_default();
    let opened = connector::open_input(app, &input, &options, &CancelToken::new())?;
    Ok((opened.tables().len() == 1).then_some(opened))
}

fn source_rows(mut input: InputFile, reasons: Reasons, mut file: File) -> Result<File> {
    let lines: Vec<u64> = reasons.iter().map(|(line, _)| *line).collect();
    let mut records = OriginalRecords::open(&mut input, lines)?;
    let format = records.format;
    let cells_in = format.encoding.of_cells();
    if cells_in != format.encoding {
        file.write_all(UTF8_MARK).map_err(Error::internal)?;
    }
    let dialect = Dialect { delimiter: format.delimiter, quote: format.quote, header_row: format.header_row };
    let mut out = RejectedCsv::create(BufWriter::new(file), dialect, &records.header)?;
    let mut reasons = reasons.into_iter().peekable();
    while let Some(record) = records.read()? {
        while reasons.next_if(|(line, _)| *line < record.line()).is_some() {}
        if let Some((_, reason)) = reasons.next() {
            out.row(record.cells(), &cells_in.encode(&reason))?;
        }
    }
    out.finish()?.into_inner().map_err(|e| Error::internal(e.into_error()))
}

fn scope_rows(app: &App, execution: &Execution, rows: Vec<Rejected>, file: File) -> Result<File> {
    let mut scopes: Vec<&str> = rows.iter().map(|row| row.scope.as_str()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let [scope] = scopes[..] else {
        return Err(Error::invalid(format!(
            "Rows of several scopes were rejected and know no source line: {}. Choose one with ?scope=.",
            scopes.join(", ")
        ))
        .at("scope"));
    };
    let zip = match execution.sql_output_zip {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    let zip = zip.ok_or_else(|| Error::not_found("SQL output of this run, which has the rejected rows"))?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(FileReader::open(&app.store, &zip))).map_err(Error::internal)?;
    let member = archive.by_name(&format!("{scope}.csv")).map_err(Error::internal)?;
    let reasons = merged(rows.into_iter().map(|row| (row.row, row.reason)));
    let mut reader = csv::Reader::from_reader(member);
    let header = reader.byte_headers().map_err(Error::internal)?.clone();
    let columns: Vec<&[u8]> = header.iter().collect();
    let mut out = RejectedCsv::create(BufWriter::new(file), Dialect::default(), &columns)?;
    let mut reasons = reasons.into_iter().peekable();
    for (record, n) in reader.byte_records().zip(1..) {
        let Some((wanted, _)) = reasons.peek() else { break };
        if *wanted == n
            && let Some((_, reason)) = reasons.next()
        {
            out.row(record.map_err(Error::internal)?.iter(), reason.as_bytes())?;
        }
    }
    out.finish()?.into_inner().map_err(|e| Error::internal(e.into_error()))
}
