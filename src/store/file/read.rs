//! Reading a file.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use rusqlite::params;

use super::{CHUNK, StoredFile};
use crate::{
    error::{Code, Error, Result},
    store::Store,
};

/// Reads a file's bytes from any place, a chunk at a time. No read transaction outlives a chunk: a slow
/// client can't pin the write-ahead log.
pub struct FileReader {
    store: Arc<Store>,
    content: i64,
    size: u64,
    position: u64,
    /// The chunk under `position`, once read, and its number.
    chunk: Vec<u8>,
    number: Option<u64>,
}

impl FileReader {
    /// Opens a file at its beginning.
    #[must_use]
    pub fn open(store: &Arc<Store>, file: &StoredFile) -> Self {
        Self {
            store: Arc::clone(store),
            content: file.content,
            size: file.size,
            position: 0,
            chunk: Vec::new(),
            number: None,
        }
    }

    fn load(&mut self, number: u64) -> Result<()> {
        if self.number == Some(number) {
            return Ok(());
        }
        let (content, chunk) = (self.content, &mut self.chunk);
        chunk.clear();
        self.number = None;
        let found = self.store.files.read(|conn| {
            let mut select = conn.prepare_cached("SELECT bytes FROM chunk WHERE content = ? AND n = ?")?;
            let mut rows = select.query(params![content, number as i64])?;
            let Some(row) = rows.next()? else { return Ok(false) };
            chunk.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
            Ok(true)
        })?;
        if !found {
            return Err(Error::new(Code::NotFound, "The file was deleted while it was read."));
        }
        self.number = Some(number);
        Ok(())
    }
}

impl Read for FileReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || out.is_empty() {
            return Ok(0);
        }
        let (number, skip) = (self.position / CHUNK as u64, self.position % CHUNK as u64);
        self.load(number).map_err(io::Error::other)?;
        let mut rest = self.chunk.get(usize::try_from(skip).unwrap_or(usize::MAX)..).unwrap_or_default();
        let count = rest.read(out)?;
        if count == 0 {
            // Shorter than its size says: an end here would pass for the file's.
            return Err(io::Error::other(Error::internal(format!("content {} is damaged", self.content))));
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for FileReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the file"))?;
        Ok(self.position)
    }
}
