//! The file into `input`.

use std::io::{Read, Seek};

use super::{input_stop, odd_lines::OddLines};
use crate::{
    engine::{self, ColumnKind, Engine},
    execution::StageKind,
    input::{self, Cell, DelimitedReader, RowBuf},
    runner::job::{Job, Left, Stop},
    script::ColumnType,
};

/// Rows between two looks of a watcher.
const REPORT_EVERY: u64 = 10_000;

/// Reads the file into the table that the script expects. Answers what was odd about its lines.
pub(in crate::runner) fn read(job: &Job<'_>, engine: &mut Engine, left: &mut Left) -> Result<OddLines, Stop> {
    job.progress.begin(StageKind::InputRead, 0, &[]);
    let source = (job.input)()?;
    let options = &job.snapshot.input_options;
    let mut reader = DelimitedReader::open(source, options, &job.token).map_err(input_stop)?;
    let tables = &job.snapshot.config_metadata.input_tables;
    let plan =
        input::pair(tables, job.input_name, &reader.header, &mut reader.warnings).map_err(input_stop)?;
    let page = tables.first().map_or(0, |table| table.page_idx);
    let count = |rows| job.progress.count(StageKind::InputRead, 0, None, rows, 0, rows);
    let rows = fill(engine, &plan, page, job.input_name, &mut reader, count)?;
    tell(job, &reader, rows, left);
    job.progress.complete(StageKind::InputRead, 0);
    Ok(OddLines::new(&reader.warnings))
}

/// Reads the rest of a file into the table of its plan. `count` hears now and then, and at the end, how
/// many rows that are. Answers their number.
pub fn fill<R: Read + Seek>(
    engine: &mut Engine,
    plan: &input::Plan,
    page: u32,
    file_name: &str,
    reader: &mut DelimitedReader<R>,
    count: impl Fn(u64),
) -> Result<u64, Stop> {
    let columns: Vec<(&str, ColumnKind)> =
        plan.columns.iter().map(|column| (column.name.as_str(), kind(column.kind))).collect();
    let all_text = plan.columns.iter().all(|column| column.kind == ColumnType::Str);
    let mut table = engine.create_input(&plan.table, page, file_name, &columns)?;
    let mut row = RowBuf::new();
    let mut rows = 0;
    while reader.read(&mut row).map_err(input_stop)? {
        let line = i64::try_from(row.line()).unwrap_or(i64::MAX);
        if all_text {
            let cells = plan.columns.iter().map(|column| row.get(column.source));
            table.insert(line, cells.map(|cell| cell.map_or(engine::Cell::Null, engine::Cell::Text)))?;
        } else {
            insert(&mut table, line, plan, &row, &mut reader.warnings)?;
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
    warnings: &mut input::Warnings,
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

/// What the log and the row say about the file.
fn tell<R: Read + Seek>(job: &Job<'_>, reader: &DelimitedReader<R>, rows: u64, left: &mut Left) {
    let format = &reader.header.format;
    let stage = Some(StageKind::InputRead);
    let how = format!("{}, delimiter {:?}", format.encoding, char::from(format.delimiter));
    job.progress.log("info", stage, format!("Read {rows} rows of {} ({how}).", job.input_name));
    for warning in reader.warnings.kept() {
        job.progress.log("warning", stage, warning.to_string());
    }
    let summary = reader.warnings.summary();
    if !summary.is_empty() {
        left.warn(summary.join(" "));
    }
}

const fn kind(kind: ColumnType) -> ColumnKind {
    match kind {
        ColumnType::Int | ColumnType::Bool => ColumnKind::Integer,
        ColumnType::Float => ColumnKind::Real,
        _ => ColumnKind::Text,
    }
}
