//! Workbooks: `.xlsx`, `.xlsm`, `.xlsb`, `.xls` and `.ods`, a cell at a time.
//!
//! ```text
//! xlsx, xlsb, ods, xls   the cells of a sheet, in the order of the file, as text
//! style                  numbers as text: dates where the cell's style shows one
//! sheet                  SheetReader: header, then rows of the header's width
//! ```
//!
//! In memory are a workbook's lists (sheets, relationships, styles, shared strings: together at most
//! `files.max_workbook_memory_mb`) and one row. Sheets are unpacked while they are read. Little may be written for
//! much: a cell that is repeated, a text that many cells share. So what the cells give is counted too, and held to
//! `files.max_unpacked_mb`.
//!
//! # Choices
//!
//! - The readers are our own. Those at hand keep whole sheets in memory for two of the formats, reserve
//!   what a file claims to need, hold numbers as floats only, fail on errors newer than they are
//!   (`#SPILL!`), and lose the errors of formulas in `.xlsb`. Tests compare what we read with one of them.
//! - A formula is the value that it had when the workbook was saved; one without a saved value is blank.
//! - A cell that shows an error is NULL, with a warning that names the error. In a header its text is the name.
//! - Merged cells: the value stands in the first of them, as in the file; the others are blank.
//! - Hidden rows, columns and sheets are read like others: a filter that someone left on hides no data.
//!   Sheets of charts, dialogs and macros, and those without a cell that holds something, are no tables.
//! - Row numbers are those of the sheet, whatever is blank before or between. Columns are too: a
//!   blank first column is a column without a name.
//! - Booleans are `TRUE` and `FALSE`, as in a CSV that a spreadsheet program saves.
//! - An `.xls` that is older than Excel 5 is not read.

mod biff;
mod cells;
mod error;
mod ods;
mod office;
mod records;
mod room;
mod sheet;
mod strings;
mod style;
mod xls;
mod xlsb;
mod xlsx;
mod xml;

use self::{
    cells::{Cells, Sheet},
    error::reading,
    ods::Ods,
    room::Room,
    xls::Xls,
    xlsb::Xlsb,
    xlsx::Xlsx,
};
use super::{
    archive::{ArchiveError, Given, UnpackLimits, Zip},
    error::InputError,
    source::Source,
};
use crate::{cancel::CancelToken, connector::InputOptions};

pub use error::WorkbookError;
pub use sheet::SheetReader;

/// An open workbook.
pub(super) struct Workbook {
    book: Book,
    given: Given,
}

enum Book {
    Xlsx(Xlsx),
    Xlsb(Xlsb),
    Ods(Ods),
    Xls(Xls),
}

/// What a ZIP archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    Xlsx,
    Xlsb,
    Ods,
    /// Files, whichever they are.
    Archive,
}

impl Package {
    /// Told by the files that such a package must have.
    pub(super) fn of(zip: &Zip) -> Result<Self, ArchiveError> {
        let has = |name| zip.find(name).is_some();
        if has("[Content_Types].xml") {
            return match () {
                () if has("xl/workbook.bin") => Ok(Self::Xlsb),
                () if zip.entries.iter().any(|entry| entry.name.starts_with("xl/")) => Ok(Self::Xlsx),
                () if has("word/document.xml") => Err(ArchiveError::Document { found: "a Word document" }),
                () if has("ppt/presentation.xml") => Err(ArchiveError::Document { found: "a presentation" }),
                () => Err(ArchiveError::Document { found: "an office document" }),
            };
        }
        if has("mimetype") && has("META-INF/manifest.xml") {
            return Ok(Self::Ods);
        }
        Ok(Self::Archive)
    }
}

impl Workbook {
    /// Opens a workbook that is a ZIP archive.
    pub(super) fn open_package(
        mut zip: Zip,
        package: Package,
        limits: &UnpackLimits,
        cancel: &CancelToken,
    ) -> Result<Self, InputError> {
        let room = Room::of(limits);
        let book = match package {
            Package::Xlsx => Xlsx::open(zip, room, cancel).map(Book::Xlsx),
            Package::Xlsb => Xlsb::open(zip, room, cancel).map(Book::Xlsb),
            Package::Ods => {
                check_mimetype(&mut zip)?;
                Ods::open(zip, room, cancel).map(Book::Ods)
            }
            Package::Archive => Err(ArchiveError::Document { found: "a ZIP archive" }.into()),
        };
        Ok(Self { book: book?, given: Given::new(limits) })
    }

    /// Opens a workbook that is a compound file.
    pub(super) fn open_compound(
        source: Box<dyn Source>,
        limits: &UnpackLimits,
        cancel: &CancelToken,
    ) -> Result<Self, InputError> {
        let book = Xls::open(source, Room::of(limits), cancel).map(Book::Xls)?;
        Ok(Self { book, given: Given::new(limits) })
    }

    fn sheets(&self) -> &[Sheet] {
        match &self.book {
            Book::Xlsx(book) => book.sheets(),
            Book::Xlsb(book) => book.sheets(),
            Book::Ods(book) => book.sheets(),
            Book::Xls(book) => book.sheets(),
        }
    }

    /// The names of its sheets.
    pub(super) fn titles(&self) -> Vec<String> {
        self.sheets().iter().map(|sheet| sheet.title.clone()).collect()
    }

    /// Whether its numbers count days from 1904-01-01.
    pub(super) const fn is_1904(&self) -> bool {
        match &self.book {
            Book::Xlsx(book) => book.is_1904(),
            Book::Xlsb(book) => book.is_1904(),
            Book::Ods(book) => book.is_1904(),
            Book::Xls(book) => book.is_1904(),
        }
    }

    /// Opens a sheet; `None`: it has no header.
    pub(super) fn sheet(
        &mut self,
        n: usize,
        options: &InputOptions,
        cancel: &CancelToken,
    ) -> Result<Option<SheetReader<'_>>, InputError> {
        let cells: Box<dyn Cells> = match &mut self.book {
            Book::Xlsx(book) => Box::new(book.cells(n, cancel)?),
            Book::Xlsb(book) => Box::new(book.cells(n, cancel)?),
            Book::Ods(book) => Box::new(book.cells(n, cancel)?),
            Book::Xls(book) => Box::new(book.cells(n, cancel)?),
        };
        SheetReader::open(cells, options, &mut self.given)
    }

    /// The places of the sheets that have a header; else the place of the one that can't be read, and why.
    pub(super) fn headed(
        &mut self,
        options: &InputOptions,
        cancel: &CancelToken,
    ) -> Result<Vec<usize>, (usize, InputError)> {
        // Its sheets stand in one part: opened each by itself, that would be read as often as there are sheets.
        if let Book::Ods(book) = &mut self.book {
            return book.headed(options, &mut self.given, cancel);
        }
        let mut headed = Vec::new();
        for n in 0..self.sheets().len() {
            if self.sheet(n, options, cancel).map_err(|error| (n, error))?.is_some() {
                headed.push(n);
            }
        }
        Ok(headed)
    }
}

/// `OpenDocument` says in a file of its own what it is: also a text or a drawing.
fn check_mimetype(zip: &mut Zip) -> Result<(), InputError> {
    use std::io::Read as _;
    const SPREADSHEET: &str = "application/vnd.oasis.opendocument.spreadsheet";
    let Some(at) = zip.find("mimetype") else { return Ok(()) };
    let mut said = String::new();
    let read = zip.read(at)?.take(200).read_to_string(&mut said);
    read.map_err(|error| reading("mimetype", &error))?;
    if said.trim().starts_with(SPREADSHEET) {
        return Ok(());
    }
    Err(ArchiveError::Document { found: "an OpenDocument file" }.into())
}
