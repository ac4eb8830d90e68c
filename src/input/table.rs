//! One table of a file, whichever kind of file that is.

use super::{
    csv::{DelimitedReader, Header},
    error::InputError,
    record::Format,
    row::RowBuf,
    source::Source,
    warning::Warnings,
    workbook::SheetReader,
};

/// Reads a table's rows one after the other.
pub struct TableReader<'f> {
    rows: Rows<'f>,
    /// Where it is, when the file has other tables too.
    place: Option<String>,
}

enum Rows<'f> {
    Text(Box<DelimitedReader<&'f mut (dyn Source + 'static)>>),
    Sheet(Box<SheetReader<'f>>),
}

impl<'f> TableReader<'f> {
    pub(super) fn text(
        reader: DelimitedReader<&'f mut (dyn Source + 'static)>,
        place: Option<String>,
    ) -> Self {
        Self { rows: Rows::Text(Box::new(reader)), place }
    }

    pub(super) fn sheet(reader: SheetReader<'f>, place: Option<String>) -> Self {
        Self { rows: Rows::Sheet(Box::new(reader)), place }
    }

    /// Its columns.
    #[must_use]
    pub const fn header(&self) -> &Header {
        match &self.rows {
            Rows::Text(reader) => &reader.header,
            Rows::Sheet(reader) => &reader.header,
        }
    }

    /// Both, for pairing: its columns, and what is odd about them.
    pub const fn header_and_warnings(&mut self) -> (&Header, &mut Warnings) {
        match &mut self.rows {
            Rows::Text(reader) => (&reader.header, &mut reader.warnings),
            Rows::Sheet(reader) => (&reader.header, &mut reader.warnings),
        }
    }

    /// How its text is written; `None`: it is a sheet.
    #[must_use]
    pub const fn format(&self) -> Option<Format> {
        match &self.rows {
            Rows::Text(reader) => Some(reader.format),
            Rows::Sheet(_) => None,
        }
    }

    /// What was odd so far.
    pub const fn warnings(&mut self) -> &mut Warnings {
        match &mut self.rows {
            Rows::Text(reader) => &mut reader.warnings,
            Rows::Sheet(reader) => &mut reader.warnings,
        }
    }

    /// Reads the next row into `row`. `false`: there is none.
    ///
    /// # Errors
    /// [`InputError`], as the reader of its kind.
    pub fn read(&mut self, row: &mut RowBuf) -> Result<bool, InputError> {
        let read = match &mut self.rows {
            Rows::Text(reader) => reader.read(row),
            Rows::Sheet(reader) => reader.read(row),
        };
        read.map_err(|error| match &self.place {
            Some(place) => error.within(place),
            None => error,
        })
    }
}
