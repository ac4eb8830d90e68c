//! Why a workbook is not read.

use std::{fmt, io};

use crate::input::error::{InputError, shown};

/// What is wrong with a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkbookError {
    /// It needs a password.
    Encrypted,
    /// None of its sheets has a header.
    Empty,
    /// What must be held in memory is too much.
    Memory {
        /// What that is.
        what: &'static str,
        /// How many MB that may be.
        most_mb: u64,
    },
    /// More sheets than are read.
    TooManySheets {
        /// How many there may be.
        most: u32,
    },
    /// A row stands behind a later one.
    Order {
        /// Which.
        row: u64,
        /// Behind which.
        behind: u64,
    },
    /// A compound file of another kind.
    NoWorkbook,
    /// Its bytes are not what they should be.
    Damaged {
        /// The part of it.
        part: String,
        /// What the reader says.
        reason: String,
    },
}

impl WorkbookError {
    pub(super) fn damaged(part: &str, reason: &dyn fmt::Display) -> Self {
        Self::Damaged { part: shown(part), reason: shown(&reason.to_string()) }
    }
}

/// An error while a part is read: of the workbook's bytes, or of the store that they come from.
pub(super) fn reading(part: &str, error: &io::Error) -> InputError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            WorkbookError::damaged(part, error).into()
        }
        kind => InputError::Io(io::Error::new(kind, error.to_string())),
    }
}

impl fmt::Display for WorkbookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => {
                f.write_str("The workbook is protected by a password. Save it without one and send it again.")
            }
            Self::Empty => f.write_str("The workbook is empty: none of its sheets has a header row."),
            Self::Memory { what, most_mb } => write!(
                f,
                "The workbook's {what} take more than {most_mb} MB (files.max_workbook_memory_mb). Save it as CSV."
            ),
            Self::TooManySheets { most } => write!(
                f,
                "The workbook has more than {most} sheets (files.max_archive_files). Save those that count as a \
                 workbook of their own."
            ),
            Self::Order { row, behind } => write!(
                f,
                "Row {row} of the sheet stands behind row {behind}. Open the workbook in a spreadsheet program and \
                 save it."
            ),
            Self::NoWorkbook => f.write_str("The file is an office document and no workbook."),
            Self::Damaged { part, reason } => write!(f, "The workbook is damaged: {part}: {reason}."),
        }
    }
}
