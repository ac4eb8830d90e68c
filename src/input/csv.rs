//! Delimited text as a header and rows of its width.

use std::io::{Read, Seek};

use super::{
    MAX_COLUMNS,
    encoding::Encoding,
    error::{InputError, Unit},
    names::column_names,
    pairing::DAYS_FROM_1904_COLUMN,
    record::{self, Format, RawRecord, RawRecords},
    row::RowBuf,
    warning::{Oddity, Warnings},
};
use crate::{cancel::CancelToken, connector::InputOptions};

/// One column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderColumn {
    /// The header's cell as it stands.
    pub original: String,
    /// The name made of it.
    pub name: String,
}

/// What the file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The columns, in the file's order.
    pub columns: Vec<HeaderColumn>,
    /// The line or row where the header starts.
    pub line: u64,
}

impl Header {
    /// Whether it is of a `rejected.csv` whose days count from 1904-01-01.
    #[must_use]
    pub fn counts_from_1904(&self) -> bool {
        self.columns.iter().any(|column| column.name == DAYS_FROM_1904_COLUMN)
    }
}

/// Reads a file's rows one after the other.
pub struct DelimitedReader<R> {
    /// Read when the file was opened.
    pub header: Header,
    /// How the file is written.
    pub format: Format,
    /// What was odd so far.
    pub warnings: Warnings,
    records: RawRecords<R>,
    null_values: Vec<String>,
}

impl<R: Read + Seek> DelimitedReader<R> {
    /// Finds out how the file is written and reads its header. `source` is at its start; it is read once
    /// to the end before, when nothing but its bytes tell the encoding.
    ///
    /// # Errors
    /// [`InputError`]: the options are wrong, or the file is empty, no text, or too wide.
    pub fn open(source: R, options: &InputOptions, cancel: &CancelToken) -> Result<Self, InputError> {
        let (mut records, format) = record::open(source, options, cancel)?;
        if !records.read()? {
            return Err(InputError::Empty);
        }
        let mut warnings = Warnings::new();
        let columns = columns(records.current(), format.encoding, &mut warnings)?;
        let line = records.current().line;
        records.narrow(columns.len());
        let header = Header { columns, line };
        let mut reader = Self { header, format, warnings, records, null_values: options.null_values.clone() };
        reader.warn_of_nuls(line);
        Ok(reader)
    }
}

impl<R: Read> DelimitedReader<R> {
    /// Reads the next row into `row`. `false`: there is none, and `row` is as it was.
    ///
    /// # Errors
    /// [`InputError`]: cancelled, not readable, a record too large, or a quote left open.
    pub fn read(&mut self, row: &mut RowBuf) -> Result<bool, InputError> {
        if !self.records.read()? {
            self.warn_of_nuls(self.records.line());
            return Ok(false);
        }
        let record = self.records.current();
        let (line, found, expected) = (record.line, record.found, self.header.columns.len());
        let undecodable = row.fill(record, self.format.encoding.of_cells())?;
        row.blank(&self.null_values);
        if undecodable > 0 {
            let encoding = self.format.encoding;
            self.warnings.add(Some(line), Oddity::Undecodable { bytes: undecodable, encoding });
        }
        if found < expected {
            row.pad(expected);
            self.warnings.add(Some(line), Oddity::ShortRow { found, expected });
        }
        if found > expected {
            self.warnings.add(Some(line), Oddity::LongRow { found, expected });
        }
        self.warn_of_nuls(line);
        Ok(true)
    }

    fn warn_of_nuls(&mut self, line: u64) {
        let bytes = self.records.take_nuls();
        if bytes > 0 {
            self.warnings.add(Some(line), Oddity::Nul { bytes });
        }
    }
}

fn columns(
    record: RawRecord<'_>,
    encoding: Encoding,
    warnings: &mut Warnings,
) -> Result<Vec<HeaderColumn>, InputError> {
    if record.found > MAX_COLUMNS {
        return Err(InputError::TooManyColumns { unit: Unit::Line, line: record.line, found: record.found });
    }
    let mut row = RowBuf::new();
    let undecodable = row.fill(record, encoding.of_cells())?;
    if undecodable > 0 {
        warnings.add(Some(record.line), Oddity::Undecodable { bytes: undecodable, encoding });
    }
    Ok(HeaderColumn::all(&row))
}

impl HeaderColumn {
    /// The columns that a header's cells make.
    pub(super) fn all(header: &RowBuf) -> Vec<Self> {
        let originals: Vec<&str> = header.iter().map(Option::unwrap_or_default).collect();
        let names = column_names(&originals);
        let columns = originals.into_iter().zip(names);
        columns.map(|(original, name)| Self { original: original.to_owned(), name }).collect()
    }
}
