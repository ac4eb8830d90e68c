//! A file on its way out.
//!
//! Each holds a chunk of the file and the piece that is being sent, for as long as its client takes. So how many are
//! under way is bounded (`files.max_downloads`), and on Linux one whose client takes nothing ends
//! (`files.idle_timeout_s`, which `server` gives to each connection). One whose client takes a little now and then
//! does not: a key has half of them at most, so that it can't keep all others out.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use crate::{
    app::App,
    error::{Code, Error, Result},
    id::KeyId,
    slots::{Full, Share},
    store::file::FileReader,
};

/// Gives a file's bytes.
pub struct Outgoing {
    reader: FileReader,
    _share: Share<KeyId>,
}

impl Outgoing {
    /// Begins, for who asks with this key.
    ///
    /// # Errors
    /// `busy` when too many are under way, in all or of this key.
    pub fn begin(app: &App, key: KeyId, reader: FileReader) -> Result<Self> {
        let share = app.downloads.take(&key).map_err(|full| {
            let (most, half) = (app.downloads.most(), app.downloads.most_of_one());
            let what = match full {
                Full::All => format!("{most} downloads are under way already (files.max_downloads)."),
                Full::Half => format!(
                    "{half} downloads of this key are under way already (files.max_downloads = {most}, half of it for one key)."
                ),
            };
            Error::new(Code::Busy, format!("{what} Ask again in a moment."))
        })?;
        Ok(Self { reader, _share: share })
    }

    /// So many bytes from a place on.
    pub fn piece(&mut self, at: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; size];
        self.reader.seek(SeekFrom::Start(at))?;
        self.reader.read_exact(&mut piece)?;
        Ok(piece)
    }
}
