//! SQLite's errors become [`Error`]s here. Constraint failures are recognised by extended code, never
//! by text.

use rusqlite::ffi;

use crate::error::{Code, Error};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if is_disk_full(&error) {
            return super::disk::full();
        }
        Self::internal(format!("sqlite: {error}"))
    }
}

impl From<r2d2::Error> for Error {
    fn from(error: r2d2::Error) -> Self {
        log::warn!("no free reader: {error}");
        Self::new(Code::Busy, "The server is busy. Try again in a moment.")
    }
}

/// A unique index or primary key refused the row.
#[must_use]
pub fn is_unique_violation(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        matches!(e.extended_code, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
    })
}

/// The disk, or the file's size limit, refused the write. The shared memory of a write-ahead log is made
/// longer in a way of its own, and says so in its own way.
#[must_use]
pub fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        e.code == rusqlite::ErrorCode::DiskFull || e.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    })
}
