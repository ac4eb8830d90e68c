//! Why a file cannot be read, with the facts; the sentences are made here.

use std::{fmt, io};

use super::{MAX_COLUMNS, MAX_RECORD_BYTES, archive::ArchiveError, detect::Content, workbook::WorkbookError};
use crate::{
    cancel::Cancelled,
    error::{Code, Error},
};

/// How many column names a sentence lists before it counts the rest.
const LISTED: usize = 50;

/// How much of a name a sentence repeats, in characters.
const NAME_CHARS: usize = 255;

/// A name as far as sentences repeat it: a file may hold one of megabytes.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// What the number of a place in a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Lines of text.
    #[default]
    Line,
    /// Rows of a sheet.
    Row,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "Line",
            Self::Row => "Row",
        })
    }
}

/// What stopped the reading.
#[derive(Debug)]
pub enum InputError {
    /// The run was cancelled.
    Cancelled,
    /// The bytes could not be read.
    Io(io::Error),
    /// The disk that is unpacked to has too little space left.
    NoSpace {
        /// How many MB must stay free.
        min_free_mb: u64,
    },
    /// No header: no bytes, or nothing but line ends.
    Empty,
    /// The content is something that is not read, or not here.
    NotText(Content),
    /// The content is something else than the file's name says.
    NotAsNamed {
        /// How the name ends.
        extension: &'static str,
        /// What such a file is.
        expected: &'static str,
        /// What it is.
        found: Content,
    },
    /// A ZIP or gzip archive that can't be unpacked, or must not.
    Archive(ArchiveError),
    /// A workbook that can't be read.
    Workbook(WorkbookError),
    /// What is wrong is in one of several tables.
    In {
        /// The sheet or the archive's file.
        place: String,
        /// What is wrong.
        error: Box<InputError>,
    },
    /// The file lacks tables that the script expects.
    MissingTables {
        /// Those.
        missing: Vec<String>,
        /// The names of those that it has.
        found: Vec<String>,
    },
    /// `header_row` is past the last line.
    HeaderBeyondEnd {
        /// The line asked for.
        header_row: u32,
        /// The lines that there are.
        lines: u64,
    },
    /// The header is wider than a table can be.
    TooManyColumns {
        /// What is counted.
        unit: Unit,
        /// The header's line or row.
        line: u64,
        /// Its cells.
        found: usize,
    },
    /// A record is larger than a row can be.
    RecordTooLarge {
        /// What is counted.
        unit: Unit,
        /// Where it starts.
        line: u64,
        /// The cell that was being read, from 1.
        column: usize,
    },
    /// A quoted cell lasts to the end of the file.
    OpenQuote {
        /// Where its record starts.
        line: u64,
        /// The quote.
        quote: char,
    },
    /// One of the connector's input options is wrong.
    Option {
        /// Which.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The file lacks columns that the script's mapping names.
    MissingColumns {
        /// The script's table.
        table: String,
        /// The names that the file lacks.
        missing: Vec<String>,
        /// The names that it has.
        found: Vec<String>,
    },
    /// The script's mapping names a column twice.
    MappedTwice {
        /// The script's table.
        table: String,
        /// The column.
        column: String,
    },
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("The run was cancelled."),
            Self::Io(source) => {
                let source = source.to_string();
                write!(f, "The input file could not be read: {}.", source.trim_end_matches('.'))
            }
            Self::NoSpace { min_free_mb } => write!(
                f,
                "The file was not unpacked: less than {min_free_mb} MB are free on the disk (engine.min_free_mb)."
            ),
            Self::Empty => f.write_str("The file is empty: it has no header line."),
            Self::NotText(found) => write!(
                f,
                "The file is {found}. What is read is delimited text (CSV), workbooks (.xlsx, .xlsm, .xlsb, \
                 .xls, .ods), ZIP archives of these, and gzip archives of delimited text."
            ),
            Self::NotAsNamed { extension, expected, found } => write!(
                f,
                "The file's name ends in {extension}, but it is {found} and not {expected}. Save it as {expected}, or \
                 give it the name of what it is."
            ),
            Self::Archive(error) => write!(f, "{error}"),
            Self::Workbook(error) => write!(f, "{error}"),
            Self::In { place, error } => write!(f, "{place}: {error}"),
            Self::MissingTables { missing, found } => write!(
                f,
                "The file lacks {} that the script expects: {}. Found: {}.",
                if missing.len() == 1 { "a table" } else { "tables" },
                list(missing),
                list(found)
            ),
            Self::HeaderBeyondEnd { header_row, lines } => {
                write!(f, "The header should be in line {header_row} (header_row), but the file has ")?;
                match lines {
                    1 => f.write_str("1 line."),
                    _ => write!(f, "{lines} lines."),
                }
            }
            Self::TooManyColumns { unit, line, found } => {
                write!(
                    f,
                    "{unit} {line}: the header has {found} columns, at most {MAX_COLUMNS} are possible."
                )
            }
            Self::RecordTooLarge { unit: Unit::Line, line, column } => write!(
                f,
                "Line {line}: the record that starts here is larger than {} MB, reached in column {column}. Is a \
                 quote left open there?",
                MAX_RECORD_BYTES / 1_000_000
            ),
            Self::RecordTooLarge { unit: Unit::Row, line, column } => write!(
                f,
                "Row {line} is larger than {} MB, reached in column {column}.",
                MAX_RECORD_BYTES / 1_000_000
            ),
            Self::OpenQuote { line, quote } => write!(
                f,
                "Line {line}: a quote ({quote}) opens in the record that starts here and is not closed before \
                 the end of the file."
            ),
            Self::Option { key, value, expected } => {
                write!(f, "input_options.{key} is {value:?}, expected {expected}.")
            }
            Self::MissingColumns { table, missing, found } => write!(
                f,
                "The file lacks {} of the input table {table}: {}. Found: {}.",
                if missing.len() == 1 { "a column" } else { "columns" },
                list(missing),
                list(found)
            ),
            Self::MappedTwice { table, column } => {
                write!(f, "The columns_mapping of the input table {table} names the column {column} twice.")
            }
        }
    }
}

impl std::error::Error for InputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            Self::In { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for InputError {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}

impl From<ArchiveError> for InputError {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

impl From<WorkbookError> for InputError {
    fn from(error: WorkbookError) -> Self {
        Self::Workbook(error)
    }
}

impl InputError {
    /// Whether it is for lack of space on the disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::NoSpace { .. } => true,
            Self::Io(source) => source.kind() == io::ErrorKind::StorageFull,
            Self::In { error, .. } => error.is_disk_full(),
            _ => false,
        }
    }

    /// The same, saying where; a cancelled reading stays that.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        match self {
            Self::Cancelled => self,
            error => Self::In { place: shown(place), error: Box::new(error) },
        }
    }
}

impl From<Cancelled> for InputError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        match &error {
            full if full.is_disk_full() => Self::new(Code::DiskFull, error.to_string()),
            InputError::Io(_) => Self::internal(error),
            InputError::Cancelled => Self::new(Code::Conflict, error.to_string()),
            InputError::In { error: inner, .. } if matches!(**inner, InputError::Io(_)) => {
                Self::internal(error)
            }
            InputError::Option { key, .. } => {
                Self::invalid(error.to_string()).at(&format!("input_options.{key}"))
            }
            _ => Self::invalid(error.to_string()),
        }
    }
}
