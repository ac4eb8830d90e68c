//! One sheet of the workbook: an optional first line on what was left out, a bold frozen header with
//! filters, and rows, each flushed to a scratch file before the next.

use std::{
    borrow::Cow,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rust_xlsxwriter::{Format, Worksheet, XlsxError};
use uuid::Uuid;

use super::{Error, Result, names::cut_utf16, workbook::Workbook};
use crate::execution::Outcome;

/// Excel's limit on one cell's text, in UTF-16 units.
const MAX_CELL: usize = 32_767;
/// Numbers with more digits change when a spreadsheet reads them.
const MAX_EXACT: u64 = 999_999_999_999_999;
/// Rows that a column's width is made of.
const SAMPLE_ROWS: u64 = 100;

/// What one cell shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Blank,
    /// Text, never a formula whatever it looks like.
    Text(&'a str),
    /// A whole number; as text when it has more digits than a spreadsheet keeps.
    Integer(i64),
    /// A number; as text when it is not finite.
    Real(f64),
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Cell::Blank, Cell::Text)
    }
}

/// What became of one row in one load step, for the upload sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadRow {
    /// The row's number in the scope, from 1.
    pub row: u64,
    /// The source line, where known.
    pub line: Option<i64>,
    /// The input table, where known.
    pub table: Option<String>,
    /// The record that it matched or made.
    pub record: Option<Uuid>,
    /// The mapped values, one per mapped field.
    pub values: Vec<Option<String>>,
    /// Old and new values, in a dry run's preview.
    pub changes: String,
    /// Why it was rejected.
    pub errors: String,
    /// What was odd, or why it was skipped.
    pub warnings: String,
    /// What became of it.
    pub status: Outcome,
}

const BEFORE_VALUES: [&str; 4] = ["Row", "Line", "Table", "Record id"];
const AFTER_VALUES: [&str; 3] = ["Errors", "Warnings", "Status"];

/// The header of an upload sheet.
pub(super) fn upload_columns<C: AsRef<str>>(fields: &[C], is_dry_run: bool) -> Vec<String> {
    let changes = is_dry_run.then_some("Changes");
    BEFORE_VALUES
        .into_iter()
        .chain(fields.iter().map(AsRef::as_ref))
        .chain(changes)
        .chain(AFTER_VALUES)
        .map(str::to_owned)
        .collect()
}

/// An open sheet of a [`Workbook`]. It is part of the workbook once [`end`](Self::end) was called.
#[must_use = "a sheet is part of the workbook once it was ended"]
pub struct Sheet<'w> {
    workbook: &'w mut Workbook,
    /// What its rows are of, when that is a scope.
    scope: Option<String>,
    out: Worksheet,
    /// Columns of the header, and those of them that Excel takes.
    columns: usize,
    shown_columns: u16,
    header_row: u32,
    /// Rows that it takes, and has taken.
    room: u64,
    taken: u64,
    /// Per column the most characters seen in the header and the first rows.
    widths: Vec<usize>,
}

impl<'w> Sheet<'w> {
    /// Writes the first line, if there is one, and the header.
    pub(super) fn begin<C: AsRef<str>>(
        workbook: &'w mut Workbook,
        (scope, mut out): (Option<String>, Worksheet),
        columns: &[C],
        room: u64,
        first_line: Option<&str>,
    ) -> Result<Self> {
        let bold = Format::new().set_bold();
        let header_row = u32::from(first_line.is_some());
        // The first line tells of columns beyond Excel's last.
        let shown_columns = u16::try_from(columns.len().min(MAX_COLUMNS)).unwrap_or(u16::MAX);
        let mut widths = Vec::with_capacity(usize::from(shown_columns));
        no_panic(|| {
            if let Some(line) = first_line {
                out.write_string_with_format(0, 0, line, &bold)?;
            }
            for (column, name) in (0..shown_columns).zip(columns) {
                let name = fit(name.as_ref());
                // Room for the filter's arrow.
                widths.push(name.chars().count() + 3);
                out.write_string_with_format(header_row, column, name, &bold)?;
            }
            out.set_freeze_panes(header_row + 1, 0)?;
            Ok(())
        })?;
        let columns = columns.len();
        Ok(Self { workbook, scope, out, columns, shown_columns, header_row, room, taken: 0, widths })
    }

    /// Rows that this sheet still takes.
    pub const fn room(&self) -> u64 {
        self.room - self.taken
    }

    /// Writes the next row; missing cells at its end are blank.
    pub fn write_row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> Result<()> {
        self.workbook.cancel().check()?;
        if self.room() == 0 {
            return Err(Error::Shape(format!("more than the {} rows announced for a sheet", self.room)));
        }
        let row = self.next_row();
        let sampled = self.taken < SAMPLE_ROWS;
        let mut column = 0_usize;
        no_panic(|| {
            for cell in cells {
                let at = u16::try_from(column).ok().filter(|at| *at < self.shown_columns);
                column += 1;
                let Some(at) = at else { continue };
                let characters = write_cell(&mut self.out, row, at, cell)?;
                if sampled && let Some(width) = self.widths.get_mut(usize::from(at)) {
                    *width = characters.max(*width);
                }
            }
            Ok(())
        })?;
        if column > self.columns {
            return Err(Error::Shape(format!("a row of {column} cells under a header of {}", self.columns)));
        }
        self.taken += 1;
        Ok(())
    }

    /// Ends the sheet. It must have got all the rows announced that it had room for.
    pub fn end(mut self) -> Result<()> {
        if self.room() > 0 {
            return Err(Error::Shape(format!("{} rows fewer than announced for a sheet", self.room())));
        }
        no_panic(|| {
            for (column, characters) in (0..self.shown_columns).zip(&self.widths) {
                let width = u8::try_from((*characters).clamp(8, 60)).unwrap_or(60);
                self.out.set_column_width(column, width)?;
            }
            if let Some(last_column) = self.shown_columns.checked_sub(1) {
                // A filter over no row at all is a damaged file to some readers.
                let last_row = self.next_row().max(self.header_row + 2) - 1;
                self.out.autofilter(self.header_row, 0, last_row, last_column)?;
            }
            Ok(())
        })?;
        self.workbook.push(self.scope, self.out);
        Ok(())
    }

    fn next_row(&self) -> u32 {
        // `room` is at most Excel's rows less two.
        self.header_row + 1 + u32::try_from(self.taken).unwrap_or(u32::MAX / 2)
    }
}

/// The sheet of one load step. Rejected rows come before all others.
#[must_use = "a sheet is part of the workbook once it was ended"]
pub struct UploadSheet<'w> {
    pub(super) sheet: Sheet<'w>,
    pub(super) is_dry_run: bool,
    pub(super) others_began: bool,
}

impl UploadSheet<'_> {
    /// Rows that this sheet still takes.
    pub const fn room(&self) -> u64 {
        self.sheet.room()
    }

    /// Writes the next row.
    pub fn write_row(&mut self, row: &UploadRow) -> Result<()> {
        let is_rejected = row.status == Outcome::Rejected;
        if is_rejected && self.others_began {
            return Err(Error::Shape(format!("rejected row {} after one that was not", row.row)));
        }
        self.others_began |= !is_rejected;

        let record = row.record.map(|id| id.hyphenated().to_string());
        let before = [
            Cell::Integer(i64::try_from(row.row).unwrap_or(i64::MAX)),
            row.line.map_or(Cell::Blank, Cell::Integer),
            row.table.as_deref().into(),
            record.as_deref().into(),
        ];
        let values = row.values.iter().map(|value| Cell::from(value.as_deref()));
        let changes = self.is_dry_run.then_some(Cell::Text(&row.changes));
        let status = Cell::Text(status_word(row.status, self.is_dry_run));
        let after = [Cell::Text(&row.errors), Cell::Text(&row.warnings), status];
        self.sheet.write_row(before.into_iter().chain(values).chain(changes).chain(after))
    }

    /// Ends the sheet. It must have got all the rows announced that it had room for.
    pub fn end(self) -> Result<()> {
        self.sheet.end()
    }
}

const fn status_word(outcome: Outcome, is_dry_run: bool) -> &'static str {
    match (outcome, is_dry_run) {
        (Outcome::Created, false) => "Created",
        (Outcome::Created, true) => "Would be created",
        (Outcome::Updated, false) => "Updated",
        (Outcome::Updated, true) => "Would be updated",
        (Outcome::Unchanged, _) => "Unchanged",
        (Outcome::Skipped, _) => "Skipped",
        (Outcome::Rejected, _) => "Rejected",
    }
}

/// Excel's limits.
pub(super) const MAX_COLUMNS: usize = 16_384;
pub(super) const MAX_ROWS: u64 = 1_048_576;

/// Writes one cell and says how many characters wide it is.
pub(super) fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: Cell<'_>,
) -> Result<usize, XlsxError> {
    match cell {
        Cell::Blank | Cell::Text("") => Ok(0),
        Cell::Text(text) => {
            let text = fit(text);
            let characters = text.len();
            sheet.write_string(row, column, text)?;
            Ok(characters)
        }
        Cell::Integer(n) if n.unsigned_abs() <= MAX_EXACT => {
            sheet.write_number(row, column, n as f64)?;
            Ok(digits(n.unsigned_abs()) + usize::from(n < 0))
        }
        Cell::Integer(n) => write_cell(sheet, row, column, Cell::Text(&n.to_string())),
        Cell::Real(n) if n.is_finite() => {
            sheet.write_number(row, column, n)?;
            Ok(12)
        }
        Cell::Real(n) => write_cell(sheet, row, column, Cell::Text(&n.to_string())),
    }
}

fn digits(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// The text as far as a cell takes it, with a mark when it was cut.
fn fit(text: &str) -> Cow<'_, str> {
    // A UTF-16 unit is at least one byte of UTF-8: most texts need no count.
    if text.len() <= MAX_CELL {
        return Cow::Borrowed(text);
    }
    let units = text.encode_utf16().count();
    if units <= MAX_CELL {
        return Cow::Borrowed(text);
    }
    let mark = format!("… [cut here: the text has {} characters]", text.chars().count());
    let kept = cut_utf16(text, MAX_CELL - mark.encode_utf16().count());
    Cow::Owned(format!("{kept}{mark}"))
}

/// `rust_xlsxwriter` panics when a sheet's scratch file can't be written. A full disk is no defect,
/// and by now the records are loaded: the run must end with words.
pub(super) fn no_panic<T>(write: impl FnOnce() -> Result<T, XlsxError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(write)) {
        Ok(written) => Ok(written?),
        Err(_) => Err(Error::Io(io::Error::other("the workbook's scratch file could not be written"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_over_excels_limit_is_cut_with_a_mark() {
        let exact = "x".repeat(MAX_CELL);
        assert!(matches!(fit(&exact), Cow::Borrowed(_)));
        let umlauts = "ü".repeat(MAX_CELL);
        assert!(matches!(fit(&umlauts), Cow::Borrowed(_)), "bytes are not Excel's measure");
        for long in ["x".repeat(MAX_CELL + 1), "😀".repeat(20_000)] {
            let cut = fit(&long);
            assert!(cut.encode_utf16().count() <= MAX_CELL);
            let mark = format!("… [cut here: the text has {} characters]", long.chars().count());
            assert!(cut.ends_with(&mark) && long.starts_with(cut.strip_suffix(mark.as_str()).unwrap()));
        }
    }

    #[test]
    fn a_panic_of_the_writer_becomes_an_error() {
        let result: Result<()> = no_panic(|| panic!("disk full"));
        assert!(matches!(result, Err(Error::Io(_))));
    }

    #[test]
    fn digits_are_counted() {
        assert_eq!([0, 9, 10, 999, 1000].map(digits), [1, 1, 2, 3, 4]);
    }
}
