//! What every kind of workbook comes down to: sheets, and their cells one after the other.

use crate::input::error::InputError;

/// A sheet of cells.
pub(super) struct Sheet {
    /// Its name.
    pub title: String,
    /// The part that it is; empty where a workbook is one part.
    pub path: String,
}

/// A cell that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// From 0.
    pub row: u32,
    /// From 0.
    pub column: u32,
    /// Its text is the name of an error.
    pub is_error: bool,
}

/// The cells of a sheet in the order of the file: by rows. Blank ones may be left out.
pub(super) trait Cells {
    /// Puts the next cell's text into `text`.
    fn next(&mut self, text: &mut String) -> Result<Option<Found>, InputError>;
}

impl<C: Cells> Cells for &mut C {
    fn next(&mut self, text: &mut String) -> Result<Option<Found>, InputError> {
        (**self).next(text)
    }
}
