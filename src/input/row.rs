//! One row's cells as text.

use super::{
    MAX_RECORD_BYTES,
    encoding::Encoding,
    error::{InputError, Unit},
    record::RawRecord,
};

/// One row. Kept by the caller and filled again and again, so that rows cost no allocation.
#[derive(Debug, Clone, Default)]
pub struct RowBuf {
    line: u64,
    text: String,
    /// Start and end of each cell in `text`; the same for a blank one.
    cells: Vec<(usize, usize)>,
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
    pub(super) fn fill(&mut self, record: RawRecord<'_>, encoding: Encoding) -> Result<u64, InputError> {
        self.line = record.line;
        self.text.clear();
        self.cells.clear();
        let kept = &record.bytes[..record.cells.last().map_or(0, |(_, end)| *end)];
        if let Some(text) = encoding.whole(kept, record.cells) {
            self.text.push_str(text);
            self.cells.extend_from_slice(record.cells);
            return Ok(0);
        }
        let mut undecodable = 0;
        for cell in record.iter() {
            let start = self.text.len();
            undecodable += encoding.append(cell, &mut self.text);
            self.cells.push((start, self.text.len()));
            // Text may be three times as long as its bytes were.
            if self.text.len() > MAX_RECORD_BYTES {
                return Err(InputError::RecordTooLarge {
                    unit: Unit::Line,
                    line: record.line,
                    column: self.cells.len(),
                });
            }
        }
        Ok(undecodable)
    }

    /// Makes cells blank that are equal to one of `null_values`.
    pub(super) fn blank(&mut self, null_values: &[String]) {
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

    /// Makes blank cells of those that a short record lacks.
    pub(super) fn pad(&mut self, width: usize) {
        self.cells.resize(width, (0, 0));
    }

    /// Begins a row of `width` blank cells.
    pub(super) fn begin(&mut self, line: u64, width: usize) {
        self.line = line;
        self.text.clear();
        self.cells.clear();
        self.pad(width);
    }

    /// Fills a cell of a row that was begun.
    pub(super) fn put(&mut self, column: usize, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.cells[column] = (start, self.text.len());
    }

    /// How many bytes its cells take.
    pub(super) fn size(&self) -> usize {
        self.text.len()
    }
}
