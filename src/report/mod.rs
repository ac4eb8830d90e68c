//! What a run leaves for people and programs: the SQL output as CSV, the workbook, `rejected.csv`.
//!
//! | file | writes |
//! |---|---|
//! | [`archive`] | one `<scope>.csv` per output table, into a ZIP or a folder: the same bytes either way |
//! | [`workbook`] | the final report, sheet after sheet, in constant memory |
//! | [`summary`] | what its first sheet says; the counters' table for a terminal |
//! | [`rejected`] | the rejected rows with their reasons, ready to be corrected and uploaded again |
//! | [`csv`] | the one dialect of CSV that we write, and the guard for spreadsheets |
//! | [`names`] | names of files and sheets |
//!
//! Nothing here reads: the caller feeds rows, one at a time, and owns the files written to. CSV is for
//! programs and exact; the workbook is for people, so it shows a share of the rows and says so.

pub mod archive;
pub mod csv;
mod error;
pub mod names;
pub mod rejected;
mod sheet;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod workbook;

pub use archive::{SqlFolder, SqlOutput, SqlZip};
pub use error::Error;
pub use rejected::{Dialect, RejectedCsv};
pub use sheet::{Cell, Sheet, UploadRow, UploadSheet};
pub use summary::Summary;
pub use workbook::{Options, SheetKind, Workbook};

use crate::execution::outcome::Message;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The messages of a row as one cell.
#[must_use]
pub fn in_one_cell(messages: &[Message]) -> String {
    messages.iter().map(|m| m.message.as_str()).collect::<Vec<_>>().join("; ")
}
