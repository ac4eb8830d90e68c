//! A sheet's cells as a header and rows of its width.

use super::{
    WorkbookError,
    cells::{Cells, Found},
};
use crate::{
    connector::InputOptions,
    input::{
        MAX_COLUMNS, MAX_RECORD_BYTES,
        archive::Given,
        csv::{Header, HeaderColumn},
        error::{InputError, Unit},
        row::RowBuf,
        warning::{Oddity, Warnings},
    },
};

/// Reads a sheet's rows one after the other. Rows without a cell that holds something are none.
pub struct SheetReader<'w> {
    /// Read when the sheet was opened.
    pub header: Header,
    /// What was odd so far.
    pub warnings: Warnings,
    cells: Box<dyn Cells + 'w>,
    null_values: Vec<String>,
    /// The cell read last, when it belongs to the next row.
    held: Option<Found>,
    text: String,
    last_row: Option<u32>,
    has_ended: bool,
    /// What the workbook's cells gave.
    given: &'w mut Given,
}

impl<'w> SheetReader<'w> {
    /// Reads the header: the first row with something in it, from `header_row` on. `None`: there is none.
    pub(super) fn open(
        cells: Box<dyn Cells + 'w>,
        options: &InputOptions,
        given: &'w mut Given,
    ) -> Result<Option<Self>, InputError> {
        let mut reader = Self {
            header: Header { columns: Vec::new(), line: 0 },
            warnings: Warnings::in_a_sheet(),
            cells,
            null_values: options.null_values.clone(),
            held: None,
            text: String::new(),
            last_row: None,
            has_ended: false,
            given,
        };
        let mut row = RowBuf::new();
        let first = options.header_row.unwrap_or(1);
        loop {
            let Some(width) = reader.fill(&mut row, MAX_COLUMNS, true)? else { return Ok(None) };
            if row.line() < first.into() {
                continue;
            }
            if width > MAX_COLUMNS {
                return Err(InputError::TooManyColumns { unit: Unit::Row, line: row.line(), found: width });
            }
            row.pad(width);
            reader.header = Header { columns: HeaderColumn::all(&row), line: row.line() };
            return Ok(Some(reader));
        }
    }

    /// Reads the next row into `row`. `false`: there is none.
    ///
    /// # Errors
    /// [`InputError`]: cancelled, not readable, damaged, or a row too large.
    pub fn read(&mut self, row: &mut RowBuf) -> Result<bool, InputError> {
        let expected = self.header.columns.len();
        let Some(found) = self.fill(row, expected, false)? else { return Ok(false) };
        // Blank cells are given too.
        self.given.add(expected)?;
        if found > expected {
            self.warnings.add(Some(row.line()), Oddity::LongRow { found, expected });
        }
        row.blank(&self.null_values);
        Ok(true)
    }

    /// Fills a row of `width` cells with the next row that holds something; answers how wide that is.
    fn fill(&mut self, row: &mut RowBuf, width: usize, is_header: bool) -> Result<Option<usize>, InputError> {
        let Some(first) = self.next()? else { return Ok(None) };
        let line = u64::from(first.row) + 1;
        if let Some(last) = self.last_row.filter(|last| *last >= first.row) {
            return Err(WorkbookError::Order { row: line, behind: u64::from(last) + 1 }.into());
        }
        self.last_row = Some(first.row);
        row.begin(line, width);
        let (mut found, mut nuls, mut cell) = (0, 0, first);
        loop {
            let column = cell.column as usize;
            found = found.max(column + 1);
            if cell.is_error && !is_header {
                self.warn_of_error(line, column);
            } else if column < width {
                nuls += take_nuls(&mut self.text);
                row.put(column, &self.text);
            }
            if row.size() > MAX_RECORD_BYTES {
                return Err(InputError::RecordTooLarge { unit: Unit::Row, line, column: column + 1 });
            }
            match self.next()? {
                Some(next) if next.row == first.row => cell = next,
                next => {
                    self.held = next;
                    break;
                }
            }
        }
        if nuls > 0 {
            self.warnings.add(Some(line), Oddity::Nul { bytes: nuls });
        }
        Ok(Some(found))
    }

    fn next(&mut self) -> Result<Option<Found>, InputError> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        if self.has_ended {
            return Ok(None);
        }
        let next = self.cells.next(&mut self.text)?;
        self.has_ended = next.is_none();
        self.given.add(self.text.len())?;
        Ok(next)
    }

    fn warn_of_error(&mut self, line: u64, column: usize) {
        if let Some(header) = self.header.columns.get(column) {
            self.warnings.add_error_cell(line, &header.name, &self.text);
        }
    }
}

fn take_nuls(text: &mut String) -> u64 {
    let before = text.len();
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
    (before - text.len()) as u64
}
