//! Input files: from the bytes of a file to rows of cells, in one pass and constant memory.
//!
//! What is read is delimited text in any encoding of the web, workbooks, ZIP archives of both, and gzip
//! archives of one text. Content decides, not the name; but a name that promises a workbook or an archive is
//! held to it. An [`InputFile`] is the file as tables; each table gives a header and rows, whichever kind of
//! file it is in:
//!
//! ```text
//! file      what the file is, its tables and their names
//! archive   ZIP and gzip behind their guard, unpacked into the scratch folder
//! workbook  sheets, a cell at a time
//! chunk     text, 64 KiB at a time: NUL bytes out, lines counted
//! transcode text whose bytes can't be cut as they stand, as UTF-8
//! record    one record's raw cells, and the line where it starts; a simple one is cut in `cut`
//! encoding  cells as text, undecodable bytes replaced
//! csv       DelimitedReader: header, then rows of the header's width
//! table     one table of a file: a text's or a sheet's rows
//! pairing   which table is which, and which cell is which column of the script's table
//! convert   the type that the script's mapping asks for
//! ```
//!
//! Beside them stand `options` and `detect` (what kind of content it is), `names` (tables and columns),
//! `originals` (a file's records again, exactly as they stand, for `rejected.csv`), `warning` and `error`.
//!
//! # Choices
//!
//! - **Encoding** is a property of the whole file: a name in line 900,000 may be the first that is not
//!   ASCII. Unless a byte order mark, the options or UTF-16's look say it, a first pass validates the bytes as
//!   UTF-8, with one buffer, and stops at the first that are not: from that chunk on a megabyte is shown to
//!   the detector of Firefox. (Deciding while reading would deliver the rows before that byte in the wrong
//!   encoding.) The pass costs about a twentieth of a second per 100 MB.
//! - In encodings where each byte is a character, text is cut into cells first and decoded cell by cell.
//!   Others are decoded first: in `Shift_JIS` the second byte of a character may be a `|`.
//! - Windows-1252 is the web's: each of the 256 bytes is a character, nothing in it is undecodable.
//! - Lines end in `\n`, `\r\n` or `\r`, mixed as they come. Lines without a byte are no records. A line
//!   of nothing but delimiters is one.
//! - A quote opens a quoted cell only at the cell's start; elsewhere it is text. One that is never
//!   closed fails the file, since everything after it would be one cell.
//! - One record is at most [`MAX_RECORD_BYTES`], a table at most [`MAX_COLUMNS`] columns wide: what one
//!   row of the engine can hold.
//! - Several tables without an entry in the script's `input_tables` are added under names of their own. A
//!   file that lacks an expected table fails, as one that lacks a column.

mod archive;
mod chunk;
mod convert;
mod csv;
mod cut;
mod detect;
mod encoding;
mod error;
mod file;
mod names;
mod options;
mod originals;
mod pairing;
mod record;
mod row;
mod scopes;
mod source;
mod table;
mod transcode;
mod warning;
mod workbook;

#[cfg(test)]
mod tests;

pub use archive::{ArchiveError, UnpackLimits};
pub use convert::Cell;
pub use csv::{DelimitedReader, Header, HeaderColumn};
pub use detect::Content;
pub use encoding::Encoding;
pub use error::{InputError, Unit};
pub use file::{InputFile, Opening, Table};
pub use names::{column_names, stem, table_name, table_names};
pub use options::check_options;
pub use originals::{OriginalRecord, OriginalRecords};
pub use pairing::{
    DAYS_FROM_1904_COLUMN, Paired, Plan, PlannedColumn, describe, origin, pair, pair_tables, stems,
};
pub use record::Format;
pub use row::RowBuf;
pub use scopes::{Next, Part, read_scopes};
pub use source::Source;
pub use table::TableReader;
pub use warning::{Oddity, Warning, Warnings};
pub use workbook::WorkbookError;

/// The widest table: the engine's limit on columns.
pub const MAX_COLUMNS: usize = 2_000;

/// The largest record in bytes. The engine's limit on a row is 16 MiB, its own bookkeeping included.
pub const MAX_RECORD_BYTES: usize = 16_000_000;
