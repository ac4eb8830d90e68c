//! The final report: a workbook for people, written in constant memory.
//!
//! Sheets are written one after the other, rows in order, as early as their rows are there: those of the output
//! beside the load. At last comes `Summary Stats`, which stands first; a scope's variables stand behind its output,
//! and the rest as it was written. A sheet shows at most `max_rows` rows; how many there are in all is told when it
//! begins, because its first line, which says what was left out, is written before its first row.

use std::{
    io::{self, Write},
    path::Path,
};

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Worksheet};

use super::{
    Error, Result, Summary,
    names::SheetNames,
    sheet::{Cell, MAX_COLUMNS, MAX_ROWS, Sheet, UploadSheet, no_panic, upload_columns, write_cell},
    summary::{Line, Value},
};
use crate::cancel::CancelToken;

/// The first sheet.
const SUMMARY: &str = "Summary Stats";

/// What a workbook needs besides its content.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The run's scratch folder: each sheet is kept there until the workbook is finished.
    pub scratch: &'a Path,
    /// Rows of a sheet (`report.max_rows`).
    pub max_rows: u64,
    /// Where all rows are, for the first line of a sheet that has not all: the ZIP's name.
    pub all_rows_in: &'a str,
    /// The time written into the file's properties.
    pub created: DateTime<Utc>,
    /// Stops it at the next row.
    pub cancel: CancelToken,
}

/// What a sheet is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetKind<'a> {
    /// An output table as the script left it.
    SqlOutput {
        /// The output table.
        scope: &'a str,
    },
    /// The execution variables of each row of a scope.
    Variables {
        /// The output table.
        scope: &'a str,
    },
}

/// The final report while it is written.
pub struct Workbook {
    book: rust_xlsxwriter::Workbook,
    /// In the order in which they will stand, those of output tables and variables with their scope.
    sheets: Vec<(Option<String>, Worksheet)>,
    names: SheetNames,
    max_rows: u64,
    all_rows_in: String,
    cancel: CancelToken,
}

impl Workbook {
    /// Begins the workbook.
    pub fn create(options: &Options<'_>) -> Result<Self> {
        let mut book = rust_xlsxwriter::Workbook::new();
        book.set_tempdir(options.scratch)?;
        book.set_zip_compression_level(1);
        let created = ExcelDateTime::from_timestamp(options.created.timestamp())?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let mut names = SheetNames::default();
        names.take(SUMMARY);
        Ok(Self {
            book,
            sheets: Vec::new(),
            names,
            max_rows: options.max_rows,
            all_rows_in: options.all_rows_in.to_owned(),
            cancel: options.cancel.clone(),
        })
    }

    /// Begins a sheet that is to show `total` rows, or as many of them as it may.
    pub fn begin_sheet<C: AsRef<str>>(
        &mut self,
        kind: SheetKind<'_>,
        columns: &[C],
        total: u64,
    ) -> Result<Sheet<'_>> {
        let (name, scope) = match kind {
            SheetKind::SqlOutput { scope } => (format!("SQL Output ({scope})"), scope),
            SheetKind::Variables { scope } => (format!("Extracted Variables ({scope})"), scope),
        };
        self.begin(&name, Some(scope), columns, total, "")
    }

    /// Begins the sheet of a load step that writes `scope` into `object` (its plural label). `fields` are
    /// the labels of the mapped fields, `total` the rows that have an outcome.
    pub fn begin_upload_sheet<C: AsRef<str>>(
        &mut self,
        object: &str,
        scope: &str,
        fields: &[C],
        total: u64,
        is_dry_run: bool,
    ) -> Result<UploadSheet<'_>> {
        let columns = upload_columns(fields, is_dry_run);
        let name = format!("{object} Upload ({scope})");
        let sheet = self.begin(&name, None, &columns, total, ", rejected ones first")?;
        Ok(UploadSheet { sheet, is_dry_run, others_began: false })
    }

    /// Adds the summary, writes the workbook to `out` and takes the scratch files away.
    pub fn finish(mut self, summary: &Summary<'_>, out: impl Write + Send) -> Result<()> {
        self.write_summary(&summary.lines())?;
        for (_, sheet) in std::mem::take(&mut self.sheets) {
            self.book.push_worksheet(sheet);
        }
        let out = Cancellable { out, cancel: self.cancel.clone(), has_refused: false };
        let saved = no_panic(|| self.book.save_to_writer(out));
        self.cancel.check()?;
        saved
    }

    fn begin<C: AsRef<str>>(
        &mut self,
        name: &str,
        scope: Option<&str>,
        columns: &[C],
        total: u64,
        order: &str,
    ) -> Result<Sheet<'_>> {
        // Two rows of Excel's are kept for the first line and the header.
        let room = total.min(self.max_rows).min(MAX_ROWS - 2);
        let first_line = self.left_out(total, room, columns.len(), order);
        let name = self.names.take(name);
        let sheet = self.new_sheet(&name)?;
        Sheet::begin(self, (scope.map(str::to_owned), sheet), columns, room, first_line.as_deref())
    }

    fn left_out(&self, total: u64, room: u64, columns: usize, order: &str) -> Option<String> {
        let (rows, columns) = (total - room, columns.saturating_sub(MAX_COLUMNS));
        if rows == 0 && columns == 0 {
            return None;
        }
        let mut parts = Vec::new();
        if rows > 0 {
            parts.push(format!("{rows} of {total} rows are left out here ({room} are shown{order})."));
        }
        if columns > 0 {
            parts.push(format!("The last {columns} columns are left out here."));
        }
        parts.push(format!("The whole SQL output is in {}.", self.all_rows_in));
        Some(parts.join(" "))
    }

    fn write_summary(&mut self, lines: &[Line]) -> Result<()> {
        let mut sheet = self.new_sheet(SUMMARY)?;
        let bold = Format::new().set_bold();
        no_panic(|| {
            sheet.set_column_width(0, 24)?;
            sheet.set_column_width(1, 40)?;
            sheet.set_column_range_width(2, 11, 16)?;
            for (row, line) in (0_u32..).zip(lines) {
                match line {
                    Line::Blank => {}
                    Line::Heading(cells) => {
                        for (column, text) in (0_u16..).zip(cells) {
                            sheet.write_string_with_format(row, column, *text, &bold)?;
                        }
                    }
                    Line::Cells(cells) => {
                        for (column, cell) in (0_u16..).zip(cells) {
                            write_cell(&mut sheet, row, column, cell.into())?;
                        }
                    }
                }
            }
            Ok(())
        })?;
        self.book.push_worksheet(sheet);
        Ok(())
    }

    fn new_sheet(&mut self, name: &str) -> Result<Worksheet> {
        let mut sheet = self.book.new_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        Ok(sheet)
    }

    pub(super) fn push(&mut self, scope: Option<String>, sheet: Worksheet) {
        let same = self.sheets.iter().rposition(|(other, _)| scope.is_some() && *other == scope);
        let place = same.map_or(self.sheets.len(), |last| last + 1);
        self.sheets.insert(place, (scope, sheet));
    }

    pub(super) const fn cancel(&self) -> &CancelToken {
        &self.cancel
    }
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Cell::Text(text),
            Value::Count(n) => Cell::Integer(i64::try_from(*n).unwrap_or(i64::MAX)),
        }
    }
}

/// Passes bytes on until the token is set: saving is one long call into the library.
///
/// It refuses once, which ends the call; what the library still writes on its way out goes nowhere,
/// because it would report another refusal on stderr.
struct Cancellable<W> {
    out: W,
    cancel: CancelToken,
    has_refused: bool,
}

impl<W: Write> Write for Cancellable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.cancel.is_cancelled() {
            return self.out.write(bytes);
        }
        if self.has_refused {
            return Ok(bytes.len());
        }
        self.has_refused = true;
        // Not `Interrupted`: that asks for another try.
        Err(io::Error::other(Error::Cancelled))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
