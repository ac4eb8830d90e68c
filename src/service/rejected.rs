//! `rejected.csv` of a run: the source rows that it rejected, ready to be corrected and sent again.
//!
//! Made in a temporary file before the first byte is sent: a slow client holds no read transaction.
//! Source rows are picked from the input file by their lines. Of a file of several tables a row is known by
//! line and table, and the answer is a ZIP archive that takes the file's place when it is sent again: each
//! table as CSV, under a name by which it is paired as before. A table of which rows were rejected has these;
//! any other comes whole, since the script may look things up in it.
//!
//! Days that a workbook counts from 1904-01-01 stay as they are, and a column says so: what variables read as
//! `excel_epoch` is then read as before.
//!
//! Where a rejected row knows no line, or not in which of several tables (the script did not select `_line`,
//! `_table`), the rows of its scope are written instead, from the SQL output.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, BufWriter, Write},
};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{
    connector, execution,
    exporting::{self, Export},
    unpacking::Unpacking,
};
use crate::{
    app::App,
    auth::{Caller, Role},
    cancel::CancelToken,
    error::{Code, Error, Result},
    execution::{Execution, RowOutcome, RowStatus, Snapshot},
    id::ExecutionId,
    input::{DAYS_FROM_1904_COLUMN, InputFile, OriginalRecords, Paired, Table, origin, pair_tables, stems},
    report::{Dialect, RejectedCsv, in_one_cell},
    script::InputTable,
    store::{self, file::FileReader},
};

/// In front of rows of a text that had to be decoded.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Why rows were rejected, by source line or by row of a scope, ascending.
type Reasons = Vec<(u64, String)>;

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// The file.
    pub file: Export,
    /// Whether it is a ZIP archive of several tables; else it is a CSV.
    pub is_archive: bool,
}

/// Makes the file. `scope` chooses where several scopes have rejected rows without lines.
pub fn csv(app: &App, caller: &Caller, name: &str, id: ExecutionId, scope: Option<&str>) -> Result<Made> {
    caller.needs(Role::Sender)?;
    let (_, execution) = execution::of(app, caller, name, id)?;
    if let Some(scope) = scope {
        check_scope(&execution, scope)?;
    }
    let _unpacking = Unpacking::of(app, execution.id)?;
    let slot = exporting::begin(app)?;
    let rejected = rejected(app, &execution, scope)?;
    let file = tempfile::tempfile_in(app.store.scratch_dir()).map_err(Error::internal)?;
    let know_lines = rejected.iter().all(|row| row.line.is_some());
    let snapshot = app.store.control.read(|conn| store::execution::snapshot(conn, execution.id))?;
    let reads_days = snapshot.as_ref().is_some_and(|snapshot| snapshot.reads_days_of_workbooks().is_some());
    let input = if know_lines || reads_days { Some(input_of(app, &execution, snapshot)?) } else { None };
    let (file, is_archive) = match input {
        Some(mut input) if know_lines && input.file.tables().len() == 1 => {
            let reasons = merged(rejected.into_iter().filter_map(by_line));
            let out = BufWriter::new(file);
            (unbuffered(source_rows(&mut input.file, 0, reads_days, Some(reasons), out)?)?, false)
        }
        Some(mut input) => {
            let paired = pair_tables(&input.entries, input.file.tables())?;
            let reasons = know_lines.then(|| by_table(&rejected, &paired, input.file.tables())).flatten();
            if let Some(reasons) = reasons {
                (tables(input, &paired, reads_days, reasons, file)?, true)
            } else {
                let from_1904 = reads_days && counts_from_1904(&mut input.file)?;
                (scope_rows(app, &execution, rejected, from_1904, file)?, false)
            }
        }
        None => (scope_rows(app, &execution, rejected, false, file)?, false),
    };
    Ok(Made { file: Export::of(file, slot)?, is_archive })
}

/// A file without rows would say that none of a misspelt scope were rejected.
fn check_scope(execution: &Execution, scope: &str) -> Result<()> {
    let mut known: Vec<&str> = execution
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .filter_map(|step| step.scope.as_deref())
        .collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() || known.contains(&scope) {
        return Ok(());
    }
    let known = known.join(", ");
    Err(Error::new(Code::NotFound, format!("The run has no scope {scope:?}, but these: {known}."))
        .at("scope"))
}

/// What the file needs of a rejected row. There are at most `runner.max_row_outcomes`.
struct Rejected {
    scope: String,
    row: u64,
    line: Option<u64>,
    table: Option<String>,
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
            table: row.table,
            reason: in_one_cell(&row.messages),
            scope: row.scope,
            row: row.row,
        }));
    }
}

fn by_line(row: Rejected) -> Option<(u64, String)> {
    Some((row.line?, row.reason))
}

/// The reasons by table, of those that have rejected rows; `None`: of a row it is not known which it is from.
fn by_table(rows: &[Rejected], paired: &[Paired], tables: &[Table]) -> Option<HashMap<usize, Reasons>> {
    let mut by_table: HashMap<usize, Reasons> = HashMap::new();
    for row in rows {
        let place = origin(paired, tables, row.table.as_deref()?)?;
        by_table.entry(place).or_default().push((row.line?, row.reason.clone()));
    }
    if rows.is_empty() {
        // No row, not every row.
        by_table.extend((0..paired.len()).map(|place| (place, Reasons::new())));
    }
    Some(by_table.into_iter().map(|(place, reasons)| (place, merged(reasons.into_iter()))).collect())
}

/// One entry per source line or row: it may be rejected by several steps.
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

/// The input as the run opened it, and the tables that its script expected.
struct Input {
    file: InputFile,
    entries: Vec<InputTable>,
}

fn input_of(app: &App, execution: &Execution, snapshot: Option<Snapshot>) -> Result<Input> {
    let input = match execution.input_file {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    let input = input.ok_or_else(|| Error::not_found("input file: it is not in the store any more"))?;
    let (options, entries) = snapshot
        .map(|snapshot| (snapshot.input_options, snapshot.config_metadata.input_tables))
        .unwrap_or_default();
    Ok(Input { file: connector::open_input(app, &input, &options, &CancelToken::new())?, entries })
}

/// Whether a table of the input counts days from 1904-01-01; where one does, all do.
fn counts_from_1904(input: &mut InputFile) -> Result<bool> {
    for n in 0..input.tables().len() {
        if input.counts_from_1904(n) || input.read(n)?.header().counts_from_1904() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The rejected rows of table `n` as they came; without reasons all of its rows.
fn source_rows<W: Write>(
    input: &mut InputFile,
    n: usize,
    reads_days: bool,
    reasons: Option<Reasons>,
    mut out: W,
) -> Result<W> {
    let from_1904 = reads_days && input.counts_from_1904(n);
    let lines: Option<Vec<u64>> =
        reasons.as_ref().map(|reasons| reasons.iter().map(|(line, _)| *line).collect());
    let mut records = OriginalRecords::open(input, n, lines)?;
    let format = records.format;
    let cells_in = format.encoding.of_cells();
    if cells_in != format.encoding {
        out.write_all(UTF8_MARK).map_err(Error::internal)?;
    }
    let dialect = Dialect { delimiter: format.delimiter, quote: format.quote, header_row: format.header_row };
    let mut header = records.header.clone();
    let width = header.len();
    let mark = DAYS_FROM_1904_COLUMN.as_bytes();
    if from_1904 && !header.iter().any(|column| column == mark) {
        header.push(mark.to_vec());
    }
    let mut out = RejectedCsv::create(out, dialect, &header)?;
    let mut reasons = reasons.unwrap_or_default().into_iter().peekable();
    while let Some(record) = records.read()? {
        while reasons.next_if(|(line, _)| *line < record.line()).is_some() {}
        let reason = reasons.next_if(|(line, _)| *line == record.line());
        let reason = reason.map(|(_, reason)| cells_in.encode(&reason).into_owned()).unwrap_or_default();
        out.row(record.cells().take(width), &reason)?;
    }
    Ok(out.finish()?)
}

/// The ZIP archive of a file's tables.
fn tables(
    mut input: Input,
    paired: &[Paired],
    reads_days: bool,
    mut reasons: HashMap<usize, Reasons>,
    file: File,
) -> Result<File> {
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let stems = stems(&input.entries, paired);
    for (place, (one, stem)) in paired.iter().zip(stems).enumerate() {
        zip.start_file(format!("{stem}.csv"), SimpleFileOptions::default().large_file(true))
            .map_err(Error::internal)?;
        source_rows(&mut input.file, one.table, reads_days, reasons.remove(&place), &mut zip)?;
    }
    unbuffered(zip.finish().map_err(Error::internal)?)
}

fn unbuffered(out: BufWriter<File>) -> Result<File> {
    out.into_inner().map_err(|e| Error::internal(e.into_error()))
}

fn scope_rows(
    app: &App,
    execution: &Execution,
    rows: Vec<Rejected>,
    from_1904: bool,
    file: File,
) -> Result<File> {
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
        ZipArchive::new(BufReader::new(FileReader::open(&app.store, &zip))).map_err(Error::internal)?;
    let member = archive.by_name(&format!("{scope}.csv")).map_err(Error::internal)?;
    let reasons = merged(rows.into_iter().map(|row| (row.row, row.reason)));
    let mut reader = csv::Reader::from_reader(member);
    let header = reader.byte_headers().map_err(Error::internal)?.clone();
    let mark = from_1904.then_some(DAYS_FROM_1904_COLUMN.as_bytes());
    let columns: Vec<&[u8]> = header.iter().chain(mark).collect();
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
    unbuffered(out.finish()?)
}
