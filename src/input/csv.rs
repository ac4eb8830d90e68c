//! Delimited text as a header and rows of its width.

use std::io::{Read, Seek};

use super::{
    MAX_COLUMNS, MAX_RECORD_BYTES,
    encoding::Encoding,
    error::InputError,
    names::column_names,
    record::{self, Format, RawRecord, RawRecords},
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
    /// How the file is written.
    pub format: Format,
    /// The line where the header starts.
    pub line: u64,
}

/// Reads a file's rows one after the other.
pub struct DelimitedReader<R> {
    /// Read when the file was opened.
    pub header: Header,
    /// What was odd so far.
    pub warnings: Warnings,
    records: RawRecords<R>,
    null_values: Vec<String>,
}

/// One row. Kept by the caller and filled again and again, so that rows cost no allocation.
#[derive(Debug, Clone, Default)]
pub struct RowBuf {
    line: u64,
    text: String,
    /// Start and end of each cell in `text`; the same for a blank one.
    cells: Vec<(usize, usize)>,
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
        let header = Header { columns, format, line };
        let mut reader = Self { header, warnings, records, null_values: options.null_values.clone() };
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
        let undecodable = row.fill(record, self.header.format.encoding)?;
        row.blank(&self.null_values);
        if undecodable > 0 {
            let encoding = self.header.format.encoding;
            self.warnings.add(Some(line), Oddity::Undecodable { bytes: undecodable, encoding });
        }
        if found < expected {
            row.cells.resize(expected, (0, 0));
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
        return Err(InputError::TooManyColumns { line: record.line, found: record.found });
    }
    let mut row = RowBuf::new();
    let undecodable = row.fill(record, encoding)?;
    if undecodable > 0 {
        warnings.add(Some(record.line), Oddity::Undecodable { bytes: undecodable, encoding });
    }
    let originals: Vec<&str> = row.iter().map(Option::unwrap_or_default).collect();
    let names = column_names(&originals);
    let columns = originals.into_iter().zip(names);
    Ok(columns.map(|(original, name)| HeaderColumn { original: original.to_owned(), name }).collect())
}

impl RowBuf {
    /// Empty, without cells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The line of the file where the record starts, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The cell in the file's column `n`, from 0; `None`: blank, or no such column.
    #[must_use]
    pub fn get(&self, n: usize) -> Option<&str> {
        let (start, end) = *self.cells.get(n)?;
        (start < end).then(|| &self.text[start..end])
    }

    /// The cells in the file's order; as many as the header has.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.cells.len()).map(|n| self.get(n))
    }

    /// Takes a record over as text; the answer is how many bytes had to be replaced.
    fn fill(&mut self, record: RawRecord<'_>, encoding: Encoding) -> Result<u64, InputError> {
        self.line = record.line;
        self.text.clear();
        self.cells.clear();
        let kept = &record.cells[..record.ends.last().copied().unwrap_or(0)];
        if let Some(text) = encoding.whole(kept, record.ends) {
            self.text.push_str(text);
            let mut start = 0;
            self.cells.extend(record.ends.iter().map(|end| (std::mem::replace(&mut start, *end), *end)));
            return Ok(0);
        }
        let mut undecodable = 0;
        for cell in record.iter() {
            let start = self.text.len();
            undecodable += encoding.append(cell, &mut self.text);
            self.cells.push((start, self.text.len()));
            // Text may be three times as long as its bytes were.
            if self.text.len() > MAX_RECORD_BYTES {
                return Err(InputError::RecordTooLarge { line: record.line, column: self.cells.len() });
            }
        }
        Ok(undecodable)
    }

    /// Makes cells blank that are equal to one of `null_values`.
    fn blank(&mut self, null_values: &[String]) {
        if null_values.is_empty() {
            return;
        }
        for (start, end) in &mut self.cells {
            let cell = &self.text[*start..*end];
            if null_values.iter().any(|null| null == cell) {
                *end = *start;
            }
        }
    }
}
