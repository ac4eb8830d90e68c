//! Why a report could not be written.

use std::{fmt, io};

use rust_xlsxwriter::XlsxError;

use crate::{cancel::Cancelled, error::Code};

/// Why a report could not be written.
#[derive(Debug)]
pub enum Error {
    /// The run was asked to stop.
    Cancelled,
    /// The disk or the file store refused.
    Io(io::Error),
    /// The workbook's writer refused.
    Workbook(XlsxError),
    /// The caller fed something else than it announced: a defect.
    Shape(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the report was cancelled"),
            Self::Io(error) => write!(f, "the report can't be written: {error}"),
            Self::Workbook(error) => write!(f, "the report workbook can't be written: {error}"),
            Self::Shape(fact) => write!(f, "the report was fed wrongly: {fact}"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Whether it is for lack of space on the disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::StorageFull)
    }
}

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<XlsxError> for Error {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::IoError(error) => Self::Io(error),
            other => Self::Workbook(other),
        }
    }
}

impl From<csv::Error> for Error {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Io(error),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Self::Shape(format!("a row of {len} cells under a header of {expected_len}"))
            }
            other => Self::Shape(format!("{other:?}")),
        }
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        if error.is_disk_full() {
            return Self::new(Code::DiskFull, error.to_string());
        }
        Self::internal(error)
    }
}
