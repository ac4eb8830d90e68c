//! A file's records again, as they stand in it: what `rejected.csv` is made of.
//!
//! A corrected `rejected.csv` is uploaded to the connector whose file it came from, and read with the same
//! options. So cells come as bytes in the encoding of the cells ([`Encoding::of_cells`]), and the [`Format`]
//! says how to write them back: its delimiter and quote, text of one's own in that encoding, and
//! `header_row - 1` empty lines before the header. A text that was decoded is written in UTF-8 with a mark,
//! which a declared encoding gives way to. A sheet becomes plain CSV.
//!
//! Exact means what the quotes held, blank cells blank, nothing padded, extra cells kept (up to
//! [`MAX_COLUMNS`](super::MAX_COLUMNS)); of a sheet, its cells as they were read. NUL bytes are not in it:
//! they are taken out before cells are.

use std::iter::Peekable;

use super::{
    encoding::Encoding,
    error::InputError,
    file::InputFile,
    record::{self, Format, RawRecord, RawRecords},
    row::RowBuf,
    source::Source,
    table::TableReader,
};

/// Picks the records of a table that start at given lines.
pub struct OriginalRecords<'f, L: Iterator<Item = u64>> {
    /// How the file is written, or would be.
    pub format: Format,
    /// The header's cells.
    pub header: Vec<Vec<u8>>,
    records: Records<'f>,
    lines: Option<Peekable<L>>,
}

enum Records<'f> {
    Text(Box<RawRecords<&'f mut (dyn Source + 'static)>>),
    Sheet(TableReader<'f>, RowBuf),
}

/// One record, exactly.
#[derive(Clone, Copy)]
pub struct OriginalRecord<'a>(Record<'a>);

#[derive(Clone, Copy)]
enum Record<'a> {
    Text(RawRecord<'a>),
    Row(&'a RowBuf),
}

impl<'a> OriginalRecord<'a> {
    /// The line or row where it starts.
    #[must_use]
    pub const fn line(&self) -> u64 {
        match self.0 {
            Record::Text(record) => record.line,
            Record::Row(row) => row.line(),
        }
    }

    /// Its cells.
    pub fn cells(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (text, row) = match self.0 {
            Record::Text(record) => (Some(record.iter()), None),
            Record::Row(row) => (None, Some(row.iter().map(|cell| cell.unwrap_or_default().as_bytes()))),
        };
        text.into_iter().flatten().chain(row.into_iter().flatten())
    }
}

impl<'f, L: Iterator<Item = u64>> OriginalRecords<'f, L> {
    /// Begins table `n` of a file that was opened as the run did. `lines` ascend; repeated ones count once,
    /// those at which no record starts are passed over. `None`: all records.
    ///
    /// # Errors
    /// [`InputError`], as [`InputFile::read`].
    ///
    /// # Panics
    /// If there is no table `n`.
    pub fn open(
        file: &'f mut InputFile,
        n: usize,
        lines: Option<impl IntoIterator<IntoIter = L>>,
    ) -> Result<Self, InputError> {
        let (options, cancel) = (file.options().clone(), file.cancel().clone());
        let lines = lines.map(|lines| lines.into_iter().peekable());
        if file.text(n)?.is_none() {
            let reader = file.read(n)?;
            let header =
                reader.header().columns.iter().map(|column| column.original.clone().into_bytes()).collect();
            let format = Format {
                encoding: Encoding::UTF_8,
                delimiter: b',',
                quote: b'"',
                header_row: options.header_row.unwrap_or(1),
            };
            return Ok(Self { format, header, records: Records::Sheet(reader, RowBuf::new()), lines });
        }
        let source = file.text(n)?.ok_or(InputError::Empty)?;
        let (mut records, format) = record::open(source, &options, &cancel)?;
        if !records.read()? {
            return Err(InputError::Empty);
        }
        let header = records.current().iter().map(<[u8]>::to_vec).collect();
        Ok(Self { format, header, records: Records::Text(Box::new(records)), lines })
    }

    /// The next record that was asked for. Reads no further than the last one.
    ///
    /// # Errors
    /// [`InputError`], as [`TableReader::read`].
    pub fn read(&mut self) -> Result<Option<OriginalRecord<'_>>, InputError> {
        if !self.find()? {
            return Ok(None);
        }
        Ok(Some(OriginalRecord(match &self.records {
            Records::Text(records) => Record::Text(records.current()),
            Records::Sheet(_, row) => Record::Row(row),
        })))
    }

    fn find(&mut self) -> Result<bool, InputError> {
        let Some(lines) = &mut self.lines else { return Ok(self.records.next()?.is_some()) };
        while lines.peek().is_some() {
            let Some(line) = self.records.next()? else { return Ok(false) };
            while lines.next_if(|wanted| *wanted < line).is_some() {}
            if lines.next_if_eq(&line).is_some() {
                while lines.next_if_eq(&line).is_some() {}
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Records<'_> {
    /// Reads the next record; answers where it starts.
    fn next(&mut self) -> Result<Option<u64>, InputError> {
        match self {
            Self::Text(records) => Ok(records.read()?.then(|| records.current().line)),
            Self::Sheet(reader, row) => Ok(reader.read(row)?.then(|| row.line())),
        }
    }
}
