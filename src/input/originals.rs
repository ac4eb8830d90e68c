//! A file's records again, as they stand in it: what `rejected.csv` is made of.
//!
//! A corrected `rejected.csv` is uploaded to the connector whose file it came from, and read with the same
//! options. So cells come as bytes in the file's encoding, and the [`Format`] says how to write them back:
//! its delimiter and quote, text of one's own through [`Encoding::encode`](super::Encoding::encode), and
//! `header_row - 1` empty lines before the header.
//!
//! Exact means what the quotes held, blank cells blank, nothing padded, extra cells kept (up to
//! [`MAX_COLUMNS`](super::MAX_COLUMNS)). NUL bytes are not in it: they are taken out before cells are.

use std::{
    io::{Read, Seek},
    iter::Peekable,
};

use super::{
    error::InputError,
    record::{self, Format, RawRecord, RawRecords},
};
use crate::{cancel::CancelToken, connector::InputOptions};

/// Picks the records that start at given lines.
pub struct OriginalRecords<R, L: Iterator<Item = u64>> {
    /// How the file is written.
    pub format: Format,
    /// The header's cells.
    pub header: Vec<Vec<u8>>,
    records: RawRecords<R>,
    lines: Peekable<L>,
}

/// One record, exactly.
#[derive(Clone, Copy)]
pub struct OriginalRecord<'a>(RawRecord<'a>);

impl<'a> OriginalRecord<'a> {
    /// The line where it starts.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.0.line
    }

    /// Its cells, in the file's encoding.
    pub fn cells(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.iter()
    }
}

impl<R: Read + Seek, L: Iterator<Item = u64>> OriginalRecords<R, L> {
    /// Opens the file as the run did. `lines` ascend; repeated ones count once, those at which no record
    /// starts are passed over. `source` is at its start.
    ///
    /// # Errors
    /// [`InputError`], as [`DelimitedReader::open`](super::DelimitedReader::open).
    pub fn open(
        source: R,
        options: &InputOptions,
        lines: impl IntoIterator<IntoIter = L>,
        cancel: &CancelToken,
    ) -> Result<Self, InputError> {
        let (mut records, format) = record::open(source, options, cancel)?;
        if !records.read()? {
            return Err(InputError::Empty);
        }
        let header = records.current().iter().map(<[u8]>::to_vec).collect();
        Ok(Self { format, header, records, lines: lines.into_iter().peekable() })
    }
}

impl<R: Read, L: Iterator<Item = u64>> OriginalRecords<R, L> {
    /// The next record that was asked for. Reads no further than the last one.
    ///
    /// # Errors
    /// [`InputError`], as [`DelimitedReader::read`](super::DelimitedReader::read).
    pub fn read(&mut self) -> Result<Option<OriginalRecord<'_>>, InputError> {
        let found = self.find()?;
        Ok(found.then(|| OriginalRecord(self.records.current())))
    }

    fn find(&mut self) -> Result<bool, InputError> {
        while self.lines.peek().is_some() {
            if !self.records.read()? {
                return Ok(false);
            }
            let line = self.records.current().line;
            while self.lines.next_if(|wanted| *wanted < line).is_some() {}
            if self.lines.next_if_eq(&line).is_some() {
                while self.lines.next_if_eq(&line).is_some() {}
                return Ok(true);
            }
        }
        Ok(false)
    }
}
