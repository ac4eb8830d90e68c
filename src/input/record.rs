//! Records: their raw cells, and the line where each starts.
//!
//! The parser is `csv_core`, the machine inside the `csv` crate, fed by hand: the crate's own reader
//! counts `\n` alone and places a record at the blank lines before it, and here every message about a row
//! carries its line. It looks at every byte; simple records are cut without it (`cut`).

use std::io::{Read, Seek};

use csv_core::ReadRecordResult as Step;

use super::{
    MAX_COLUMNS, MAX_RECORD_BYTES,
    chunk::Chunks,
    cut::cut,
    detect::{self, Content},
    encoding::{self, Encoding},
    error::{InputError, Unit},
    options,
    source::read_full,
    transcode::Text,
};
use crate::{cancel::CancelToken, connector::InputOptions};

/// Room for the ends of cells past a table's width, which are only counted.
const SPILL: usize = 64;

/// How the file is written, declared or found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Of the text. Cells are in [`Encoding::of_cells`] of it.
    pub encoding: Encoding,
    /// Between cells; ASCII.
    pub delimiter: u8,
    /// Around cells; ASCII.
    pub quote: u8,
    /// The first line that may be the header, from 1.
    pub header_row: u32,
}

/// One record as it stands in the file, quotes resolved.
#[derive(Clone, Copy)]
pub(super) struct RawRecord<'a> {
    /// Where it starts.
    pub line: u64,
    /// Its cells, and maybe what stands between them.
    pub bytes: &'a [u8],
    /// Where in `bytes` each starts and ends, at most as many as the table is wide.
    pub cells: &'a [(usize, usize)],
    /// How many cells it has.
    pub found: usize,
}

impl<'a> RawRecord<'a> {
    /// Each cell's bytes.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.cells.iter().map(move |(start, end)| &self.bytes[*start..*end])
    }
}

/// Reads records one after the other into buffers that it keeps.
pub(super) struct RawRecords<R> {
    chunks: Chunks<Text<R>>,
    core: csv_core::Reader,
    format: Format,
    width: usize,
    /// What the parser makes of a record: bytes of cells, and where they end.
    bytes: Vec<u8>,
    used: usize,
    ends: Vec<usize>,
    kept: usize,
    /// The bytes of the chunk that are the record, when it was cut there; 0: it is the parser's.
    length: usize,
    cells: Vec<(usize, usize)>,
    found: usize,
    line: u64,
    /// The parser has seen the header. At its start it passes over a mark, which is text later on.
    begun: bool,
}

/// Finds out how the file is written and stands before its header. `source` is at its start.
pub(super) fn open<R: Read + Seek>(
    mut source: R,
    options: &InputOptions,
    cancel: &CancelToken,
) -> Result<(RawRecords<R>, Format), InputError> {
    let declared = options::declared(options)?;
    let head = read_head(&mut source)?;
    match detect::content(&head) {
        Content::Text if is_binary(&head, declared.encoding) => {
            return Err(InputError::NotText(detect::BINARY));
        }
        Content::Text => {}
        found => return Err(InputError::NotText(found)),
    }
    let (text_at, encoding) = match start(&head, declared.encoding) {
        Some(start) => start,
        None => (0, encoding::detect(&head, &mut source, cancel)?),
    };
    let source = Text::start(source, text_at as u64, encoding.to_decode())?;

    let mut chunks = Chunks::new(source, cancel.clone());
    if !chunks.skip_to_line(declared.header_row.into())? {
        return Err(match chunks.lines() {
            0 => InputError::Empty,
            lines => InputError::HeaderBeyondEnd { header_row: declared.header_row, lines },
        });
    }
    let quote = declared.quote;
    let delimiter = if let Some(declared) = declared.delimiter {
        declared
    } else {
        let whole = chunks.preload()?;
        detect::delimiter(chunks.rest(), quote, whole)
    };
    let format = Format { encoding, delimiter, quote, header_row: declared.header_row };
    Ok((RawRecords::new(chunks, format), format))
}

/// Where the text starts and its encoding, as far as a mark, the options or UTF-16's look tell.
fn start(head: &[u8], declared: Option<Encoding>) -> Option<(usize, Encoding)> {
    match (declared, detect::mark(head)) {
        (None, Some(marked)) => Some(marked),
        (None, None) => detect::utf16(head).map(|encoding| (0, encoding)),
        (Some(declared), None) => Some((0, declared)),
        // A mark is no text. One of UTF-8 wins over encodings that are decoded beforehand, since a
        // `rejected.csv` of such a file is in UTF-8; one of UTF-16 tells which half comes first.
        (Some(declared), Some((at, marked))) => Some(match declared.to_decode() {
            None if marked == Encoding::UTF_8 => (at, declared),
            Some(_) if marked == Encoding::UTF_8 || declared.is_utf16() => (at, marked),
            _ => (0, declared),
        }),
    }
}

/// Declared UTF-16 or `Shift_JIS` may look like anything.
fn is_binary(head: &[u8], declared: Option<Encoding>) -> bool {
    declared.and_then(Encoding::to_decode).is_none() && detect::is_binary(head)
}

pub(super) fn read_head(source: &mut impl Read) -> Result<Vec<u8>, InputError> {
    let mut head = vec![0; detect::SAMPLE_BYTES];
    let filled = read_full(source, &mut head)?;
    head.truncate(filled);
    Ok(head)
}

impl<R: Read> RawRecords<R> {
    fn new(chunks: Chunks<Text<R>>, format: Format) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(format.delimiter).quote(format.quote).build();
        Self {
            chunks,
            core,
            format,
            width: MAX_COLUMNS,
            bytes: vec![0; 1024],
            used: 0,
            ends: vec![0; MAX_COLUMNS + SPILL],
            kept: 0,
            length: 0,
            cells: Vec::new(),
            found: 0,
            line: 0,
            begun: false,
        }
    }

    /// Keeps at most `width` cells of the records that follow.
    pub(super) fn narrow(&mut self, width: usize) {
        self.width = width;
        self.ends.truncate(width + SPILL);
    }

    /// The record read last.
    pub(super) fn current(&self) -> RawRecord<'_> {
        let bytes = if self.length > 0 { self.chunks.behind(self.length) } else { &self.bytes[..self.used] };
        RawRecord { line: self.line, bytes, cells: &self.cells, found: self.found }
    }

    /// The line behind the record read last.
    pub(super) const fn line(&self) -> u64 {
        self.chunks.line()
    }

    /// How many NUL bytes were taken out of what was read since the last call.
    pub(super) fn take_nuls(&mut self) -> u64 {
        self.chunks.take_nuls()
    }

    /// Reads the next record. `false`: there is none.
    pub(super) fn read(&mut self) -> Result<bool, InputError> {
        self.chunks.check()?;
        if !self.chunks.skip_blank_lines()? {
            return Ok(false);
        }
        self.line = self.chunks.line();
        self.cells.clear();
        if self.begun
            && let Some((length, found)) = cut(self.chunks.rest(), self.format, self.width, &mut self.cells)
        {
            self.chunks.consume(length);
            (self.length, self.found) = (length, found);
            return Ok(true);
        }
        self.begun = true;
        let is_whole = self.parse()?;
        let ends = &self.ends[..self.found.min(self.width)];
        let mut start = 0;
        self.cells.clear();
        self.cells.extend(ends.iter().map(|end| (std::mem::replace(&mut start, *end), *end)));
        Ok(is_whole)
    }

    /// Has the parser make a record of what comes.
    fn parse(&mut self) -> Result<bool, InputError> {
        (self.length, self.used, self.kept, self.found) = (0, 0, 0, 0);
        while !self.chunks.rest().is_empty() || self.chunks.more()? {
            match self.step() {
                Step::Record => return Ok(true),
                Step::OutputFull => self.grow()?,
                // What is past the width is counted, not kept.
                Step::OutputEndsFull => self.kept = self.width,
                Step::InputEmpty | Step::End => {}
            }
        }
        self.close()
    }

    /// Feeds what is at hand to the parser.
    fn step(&mut self) -> Step {
        let (step, taken, used, ends) = self.core.read_record(
            self.chunks.rest(),
            &mut self.bytes[self.used..],
            &mut self.ends[self.kept..],
        );
        self.chunks.consume(taken);
        self.used += used;
        self.kept += ends;
        self.found += ends;
        step
    }

    fn grow(&mut self) -> Result<(), InputError> {
        if self.bytes.len() >= MAX_RECORD_BYTES {
            return Err(InputError::RecordTooLarge {
                unit: Unit::Line,
                line: self.line,
                column: self.found + 1,
            });
        }
        let doubled = (self.bytes.len() * 2).min(MAX_RECORD_BYTES);
        self.bytes.resize(doubled, 0);
        Ok(())
    }

    /// Ends the last record of a file that does not end in a line end, by giving it one. Inside quotes
    /// the parser takes it as text: that is how an open quote shows. (Telling the parser that the file
    /// ended would close the quote silently.)
    fn close(&mut self) -> Result<bool, InputError> {
        if self.kept == self.ends.len() {
            self.kept = self.width;
        }
        match self.core.read_record(b"\n", &mut [0; 8], &mut self.ends[self.kept..]) {
            (Step::Record, _, _, ends) => {
                self.found += ends;
                Ok(true)
            }
            _ => Err(InputError::OpenQuote { line: self.line, quote: char::from(self.format.quote) }),
        }
    }
}
