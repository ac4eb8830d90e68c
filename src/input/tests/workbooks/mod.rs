//! Workbooks of each kind, written here or by a library.

mod bombs;
mod damage;
mod ods;
mod xls;
mod xlsb;
mod xlsx;

use super::*;
use crate::input::archive::UnpackLimits;

/// What another library reads of a sheet: each cell that holds something, by place. Numbers and dates as
/// they are there, so that only texts, booleans and numbers compare.
fn as_calamine_reads(bytes: &[u8], sheet: usize) -> Vec<(u32, u32, String)> {
    use calamine::{Data, Reader as _};
    if let Err(e) = calamine::Xlsb::new(Cursor::new(bytes.to_vec())) {
        eprintln!("XLSB {e:?}");
    }
    let mut book = calamine::open_workbook_auto_from_rs(Cursor::new(bytes.to_vec())).unwrap();
    let range = book.worksheet_range_at(sheet).unwrap().unwrap();
    let (first_row, first_column) = range.start().unwrap();
    range
        .used_cells()
        .filter_map(|(row, column, value)| {
            let text = match value {
                Data::String(text) => text.clone(),
                Data::Int(number) => number.to_string(),
                Data::Float(number) => number.to_string(),
                Data::Bool(value) => value.to_string().to_uppercase(),
                _ => return None,
            };
            let place = |n: usize, first: u32| u32::try_from(n).unwrap() + first;
            Some((place(row, first_row), place(column, first_column), text))
        })
        .collect()
}

/// The same cells as we read them.
fn compare_with_calamine(bytes: &[u8], name: &str) {
    let mut input = file(name, bytes).unwrap();
    let (header, rows, _) = table(&mut input, 0).unwrap();
    let line = input.read(0).unwrap().header().line;
    let header = (line, header.into_iter().map(|cell| (!cell.is_empty()).then_some(cell)).collect());
    let all: Vec<Row> = std::iter::once(header).chain(rows).collect();
    let cells = as_calamine_reads(bytes, 0);
    assert!(!cells.is_empty());
    for (row, column, text) in cells {
        let found = all.iter().find(|(line, _)| *line == u64::from(row) + 1);
        let cell = found.and_then(|(_, cells)| cells[column as usize].as_deref());
        assert_eq!(cell.unwrap_or_default(), text, "row {row}, column {column}");
    }
}

/// Limits in which next to no shared string fits.
fn little_memory() -> UnpackLimits {
    UnpackLimits { max_workbook_memory_mb: 0, ..LIMITS }
}
