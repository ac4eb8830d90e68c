//! What is made in a file before it is sent: so many at a time. Each takes a thread that requests wait for while it is
//! made, and space on the disk until its client has taken it.

use std::{
    fs::File,
    io::{self, Read, Seek as _},
};

use crate::{
    app::App,
    error::{Code, Error, Result},
    slots::Slot,
};

/// A file that was made. It has its place until it is closed.
#[derive(Debug)]
pub struct Export {
    file: File,
    // Given back last.
    _slot: Slot,
}

/// The right to make one, as long as it lives.
///
/// # Errors
/// `busy` when too many are being made or sent.
pub fn begin(app: &App) -> Result<Slot> {
    app.exports.take().ok_or_else(|| {
        let most = app.exports.most();
        let detail = format!(
            "{most} dev packages, exports of records and rejected.csv are being made or sent already (files.max_exports). Ask again in a moment."
        );
        Error::new(Code::Busy, detail)
    })
}

impl Export {
    /// What was made with this right, from its beginning.
    pub(super) fn of(mut file: File, slot: Slot) -> Result<Self> {
        file.rewind().map_err(Error::internal)?;
        Ok(Self { file, _slot: slot })
    }

    /// Its bytes.
    pub fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

impl Read for Export {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}
