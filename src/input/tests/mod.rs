//! The readers as their callers use them, from bytes to rows, plans and messages.

mod archives;
mod bad;
mod encodings;
mod originals;
mod pairing;
mod round_trip;
mod suite;
mod workbooks;

use std::io::Cursor;

use super::*;
use crate::{cancel::CancelToken, connector::InputOptions};

/// A row as a test writes it: its line and its cells.
type Row = (u64, Vec<Option<String>>);

fn open(bytes: &[u8]) -> Result<DelimitedReader<Cursor<Vec<u8>>>, InputError> {
    open_with(bytes, &InputOptions::default())
}

fn open_with(bytes: &[u8], options: &InputOptions) -> Result<DelimitedReader<Cursor<Vec<u8>>>, InputError> {
    DelimitedReader::open(Cursor::new(bytes.to_vec()), options, &CancelToken::new())
}

fn rows(reader: &mut DelimitedReader<Cursor<Vec<u8>>>) -> Result<Vec<Row>, InputError> {
    let (mut rows, mut row) = (Vec::new(), RowBuf::new());
    while reader.read(&mut row)? {
        rows.push((row.line(), row.iter().map(|cell| cell.map(str::to_owned)).collect()));
    }
    Ok(rows)
}

/// Cells as a test writes them: blank is NULL.
fn row(line: u64, cells: &[&str]) -> Row {
    (line, cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect())
}

fn names<R>(reader: &DelimitedReader<R>) -> Vec<&str> {
    reader.header.columns.iter().map(|c| c.name.as_str()).collect()
}

fn sentences(warnings: &Warnings) -> Vec<String> {
    warnings.kept().iter().map(ToString::to_string).collect()
}

/// The error that opening or reading to the end gives.
fn failure(bytes: &[u8], options: &InputOptions) -> String {
    open_with(bytes, options).and_then(|mut reader| rows(&mut reader)).unwrap_err().to_string()
}

/// Limits that tests stay far below, unless they say otherwise.
const LIMITS: UnpackLimits = UnpackLimits {
    max_archive_files: 50,
    max_unpacked_mb: 64,
    max_unpack_ratio: 250,
    max_workbook_memory_mb: 8,
    min_free_mb: 0,
};

fn file(name: &str, bytes: &[u8]) -> Result<InputFile, InputError> {
    file_with(name, bytes, &InputOptions::default(), LIMITS)
}

/// What is unpacked for it stays until the test has ended.
fn file_with(
    name: &str,
    bytes: &[u8],
    options: &InputOptions,
    limits: UnpackLimits,
) -> Result<InputFile, InputError> {
    let (scratch, cancel) = (std::env::temp_dir(), CancelToken::new());
    let opening = Opening { name, options, limits, scratch: &scratch, cancel: &cancel };
    InputFile::open(Box::new(Cursor::new(bytes.to_vec())), &opening)
}

/// A table as a test reads it: header, rows, and what is odd.
type Table = (Vec<String>, Vec<Row>, Vec<String>);

fn table(file: &mut InputFile, n: usize) -> Result<Table, InputError> {
    let mut reader = file.read(n)?;
    let header = reader.header().columns.iter().map(|column| column.original.clone()).collect();
    let (mut rows, mut row) = (Vec::new(), RowBuf::new());
    while reader.read(&mut row)? {
        rows.push((row.line(), row.iter().map(|cell| cell.map(str::to_owned)).collect()));
    }
    Ok((header, rows, sentences(reader.warnings())))
}

/// Title and name of each table.
fn tables(file: &InputFile) -> Vec<(&str, &str)> {
    file.tables().iter().map(|table| (table.title.as_str(), table.name.as_str())).collect()
}

/// A refusal with `N` for how many times its size something becomes: that is the packer's business.
fn bomb_refusal(name: &str, bytes: &[u8]) -> String {
    let sentence = refusal(name, bytes);
    let (before, rest) = sentence.split_once(" unpacks to ").unwrap();
    let (times, after) = rest.split_once(' ').unwrap();
    assert!(times.parse::<u32>().unwrap() > LIMITS.max_unpack_ratio);
    format!("{before} unpacks to N {after}")
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let read = file(name, bytes)
        .and_then(|mut file| (0..file.tables().len()).try_for_each(|n| table(&mut file, n).map(drop)));
    read.unwrap_err().to_string()
}
