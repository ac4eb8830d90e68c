//! The file into `input`.
//!
//! Reading has the time that a script may have at most, by the server's word: a connector that lowers it means its
//! script. A file may be made to take any.

use std::time::{Duration, Instant};

use super::{input_stop, odd_lines::OddLines};
use crate::{
    engine::{self, ColumnKind, Engine},
    execution::StageKind,
    input::{self, Cell, InputFile, Opening, Paired, RowBuf, TableReader, Warnings},
    runner::job::{Days, Job, Left, Stop, keep_progress, unpack_limits},
    script::ColumnType,
};

/// Rows between two looks of a watcher.
const REPORT_EVERY: u64 = 10_000;

/// Finds out what the file is; an archive is unpacked.
pub(in crate::runner) fn open(job: &Job<'_>, left: &mut Left) -> Result<InputFile, Stop> {
    job.progress.begin(StageKind::InputRead, 0, &[]);
    keep_progress(job)?;
    let time = Duration::from_secs(job.config.engine.timeout_s.into());
    let opening = Opening {
        name: job.input_name,
        options: &job.snapshot.input_options,
        limits: unpack_limits(job.config),
        scratch: job.scratch,
        cancel: &job.token.until(Instant::now() + time),
    };
    let file = InputFile::open((job.input)()?, &opening).map_err(|error| late(job, input_stop(error)))?;
    tell_of_file(job, &file, left);
    Ok(file)
}

/// What stopped the reading: its time, when nobody cancelled the run.
fn late(job: &Job<'_>, stop: Stop) -> Stop {
    match stop {
        Stop::Cancelled if !job.token.is_cancelled() => Stop::Failed(format!(
            "Reading the input file took longer than {} s (engine.timeout_s). Send it as CSV, or in parts.",
            job.config.engine.timeout_s
        )),
        stop => stop,
    }
}

/// Reads the file's tables into those that the script expects. Answers what was odd about their lines.
pub(in crate::runner) fn read(
    job: &Job<'_>,
    file: InputFile,
    engine: &mut Engine,
    left: &mut Left,
) -> Result<OddLines, Stop> {
    read_tables(job, file, engine, left).map_err(|stop| late(job, stop))
}

fn read_tables(
    job: &Job<'_>,
    mut file: InputFile,
    engine: &mut Engine,
    left: &mut Left,
) -> Result<OddLines, Stop> {
    let entries = &job.snapshot.config_metadata.input_tables;
    let paired = input::pair_tables(entries, file.tables()).map_err(input_stop)?;
    let (mut before, mut odd_lines) = (0, OddLines::new(&paired, file.tables()));
    for (n, one) in paired.iter().enumerate() {
        let title = file.tables()[one.table].title.clone();
        let place = (paired.len() > 1).then_some(title.as_str());
        let in_place = |error: input::InputError| match place {
            Some(place) => input_stop(error.within(place)),
            None => input_stop(error),
        };
        let by_workbook = file.counts_from_1904(one.table);
        let mut reader = file.read(one.table).map_err(input_stop)?;
        let (header, warnings) = reader.header_and_warnings();
        if !by_workbook && header.counts_from_1904() {
            tell_1904(job, &title);
            engine.count_from_1904();
        }
        let Days { from_1904, from_1899 } = &mut left.days;
        let from = if by_workbook || header.counts_from_1904() { from_1904 } else { from_1899 };
        from.get_or_insert_with(|| title.clone());
        let entry = one.entry.map(|n| &entries[n]);
        let plan = input::pair(entry, &one.name, header, warnings).map_err(in_place)?;
        let count = |rows| {
            job.progress.count(StageKind::InputRead, 0, None, before + rows, 0, before + rows);
        };
        let rows = fill(engine, &plan, one.page, &title, &mut reader, job.most_rows, count)?;
        if job.most_rows == Some(rows) {
            left.is_cut |= reader.read(&mut RowBuf::new()).map_err(input_stop)?;
        }
        tell(job, one, place, &mut reader, rows, left);
        odd_lines.add(n, reader.warnings());
        before += rows;
    }
    job.progress.complete(StageKind::InputRead, 0);
    check_days(job, &left.days)?;
    Ok(odd_lines)
}

/// A column of the output does not say from which table its numbers come, so all must count days alike.
fn check_days(job: &Job<'_>, days: &Days) -> Result<(), Stop> {
    let Days { from_1904: Some(from_1904), from_1899: Some(from_1899) } = days else { return Ok(()) };
    match job.snapshot.reads_days_of_workbooks() {
        None => Ok(()),
        Some(reader) => Err(Stop::Failed(format!(
            "{}: {from_1904} counts days from 1904-01-01 and {from_1899} from 1899-12-30, and the {reader} \
             (excel_epoch) can't tell which a number is from. Format the cells as dates, or send the two apart.",
            job.input_name
        ))),
    }
}

fn tell_1904(job: &Job<'_>, name: &str) {
    let sentence = format!("{name} counts days from 1904-01-01; excel_epoch does so too.");
    job.progress.log("info", Some(StageKind::InputRead), sentence);
}

/// Reads the rest of a table, or `most` rows of it, into that of its plan. `count` hears now and then, and at the end, how
/// many rows that are. Answers their number.
pub fn fill(
    engine: &mut Engine,
    plan: &input::Plan,
    page: u32,
    origin: &str,
    reader: &mut TableReader<'_>,
    most: Option<u64>,
    count: impl Fn(u64),
) -> Result<u64, Stop> {
    let columns: Vec<(&str, ColumnKind)> =
        plan.columns.iter().map(|column| (column.name.as_str(), kind(column.kind))).collect();
    let all_text = plan.columns.iter().all(|column| column.kind == ColumnType::Str);
    let mut table = engine.create_input(&plan.table, page, origin, &columns)?;
    let mut row = RowBuf::new();
    let mut rows = 0;
    while most.is_none_or(|most| rows < most) && reader.read(&mut row).map_err(input_stop)? {
        let line = i64::try_from(row.line()).unwrap_or(i64::MAX);
        if all_text {
            let cells = plan.columns.iter().map(|column| row.get(column.source));
            table.insert(line, cells.map(|cell| cell.map_or(engine::Cell::Null, engine::Cell::Text)))?;
        } else {
            insert(&mut table, line, plan, &row, reader.warnings())?;
        }
        rows += 1;
        if rows % REPORT_EVERY == 0 {
            count(rows);
        }
    }
    let rows = table.finish()?;
    count(rows);
    Ok(rows)
}

/// A row whose cells are converted.
fn insert(
    table: &mut engine::TableLoader<'_>,
    line: i64,
    plan: &input::Plan,
    row: &RowBuf,
    warnings: &mut Warnings,
) -> Result<(), Stop> {
    let converted: Vec<Cell<'_>> = (0..plan.columns.len()).map(|n| plan.cell(n, row, warnings)).collect();
    let cells = converted.iter().map(|cell| match cell {
        Cell::Null => engine::Cell::Null,
        Cell::Text(text) => engine::Cell::Text(text),
        Cell::OwnedText(text) => engine::Cell::Text(text),
        Cell::Integer(n) => engine::Cell::Integer(*n),
        Cell::Real(n) => engine::Cell::Real(*n),
    });
    Ok(table.insert(line, cells)?)
}

/// What the log and the row say about the file as a whole.
fn tell_of_file(job: &Job<'_>, file: &InputFile, left: &mut Left) {
    if file.is_1904() {
        let first = (0..file.tables().len()).find(|n| file.counts_from_1904(*n));
        left.days.from_1904 = first.map(|n| file.tables()[n].title.clone());
        tell_1904(job, job.input_name);
    }
    tell_warnings(job, None, &file.warnings, left);
}

/// What they say about one of its tables.
fn tell(
    job: &Job<'_>,
    paired: &Paired,
    place: Option<&str>,
    reader: &mut TableReader<'_>,
    rows: u64,
    left: &mut Left,
) {
    let how = reader.format().map_or_else(
        || "a sheet".to_owned(),
        |format| format!("{}, delimiter {:?}", format.encoding, char::from(format.delimiter)),
    );
    let of = place.map_or_else(
        || job.input_name.to_owned(),
        |place| format!("{place} of {} into input.{}", job.input_name, paired.name),
    );
    let stage = Some(StageKind::InputRead);
    job.progress.log("info", stage, format!("Read {rows} rows of {of} ({how})."));
    tell_warnings(job, place, reader.warnings(), left);
}

fn tell_warnings(job: &Job<'_>, place: Option<&str>, warnings: &Warnings, left: &mut Left) {
    let said = |sentence: String| place.map_or(sentence.clone(), |place| format!("{place}: {sentence}"));
    for warning in warnings.kept() {
        job.progress.log("warning", Some(StageKind::InputRead), said(warning.to_string()));
    }
    let summary = warnings.summary();
    if !summary.is_empty() {
        left.warn(said(summary.join(" ")));
    }
}

const fn kind(kind: ColumnType) -> ColumnKind {
    match kind {
        ColumnType::Int | ColumnType::Bool => ColumnKind::Integer,
        ColumnType::Float => ColumnKind::Real,
        _ => ColumnKind::Text,
    }
}
