//! The readers as their callers use them, from bytes to rows, plans and messages.

mod bad;
mod pairing;
mod round_trip;

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
