//! A file on its way out.
//!
//! Each holds a chunk of the file and the piece that is being sent, for as long as its client takes. So how many are
//! under way is bounded (`files.max_downloads`), and one whose client takes nothing ends (`files.idle_timeout_s`,
//! which `server` gives to each connection).

use std::io::{self, Read as _, Seek as _, SeekFrom};

use crate::{
    app::App,
    error::{Code, Error, Result},
    slots::Slot,
    store::file::FileReader,
};

/// Gives a file's bytes.
pub struct Outgoing {
    reader: FileReader,
    _slot: Slot,
}

impl Outgoing {
    /// Begins.
    ///
    /// # Errors
    /// `busy` when too many are under way.
    pub fn begin(app: &App, reader: FileReader) -> Result<Self> {
        let slot = app.downloads.take().ok_or_else(|| {
            let most = app.downloads.most();
            Error::new(
                Code::Busy,
                format!(
                    "{most} downloads are under way already (files.max_downloads). Ask again in a moment."
                ),
            )
        })?;
        Ok(Self { reader, _slot: slot })
    }

    /// So many bytes from a place on.
    pub fn piece(&mut self, at: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; size];
        self.reader.seek(SeekFrom::Start(at))?;
        self.reader.read_exact(&mut piece)?;
        Ok(piece)
    }
}
