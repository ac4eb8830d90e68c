//! Writing a file.

use std::{
    io::{self, Write},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::{CHUNK, COMMIT, NewFile, Source, StoredFile, find};
use crate::{
    breakpoint,
    error::{Code, Error, Result},
    store::{Store, time},
};

/// Takes a file's bytes. Dropped without [`finish`](Self::finish), nothing of it stays.
pub struct FileWriter {
    store: Arc<Store>,
    file: NewFile,
    hash: Sha256,
    size: u64,
    /// Bytes not committed yet, fewer than [`COMMIT`].
    buffer: Vec<u8>,
    /// The content, once a part of it is committed, and the number of chunks in it.
    content: Option<i64>,
    chunks: i64,
}

impl FileWriter {
    /// Begins a file.
    #[must_use]
    pub fn create(store: &Arc<Store>, file: NewFile) -> Self {
        Self {
            store: Arc::clone(store),
            file,
            hash: Sha256::new(),
            size: 0,
            buffer: Vec::new(),
            content: None,
            chunks: 0,
        }
    }

    /// Bytes so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    pub fn append(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        while self.buffer.len() + bytes.len() >= COMMIT {
            let (now, later) = bytes.split_at(COMMIT - self.buffer.len());
            self.hold(now);
            bytes = later;
            self.commit_buffer()?;
        }
        self.hold(bytes);
        Ok(())
    }

    /// Grows the buffer by twice its size as vectors do, but to no more than is ever in it.
    fn hold(&mut self, bytes: &[u8]) {
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() {
            let grown = needed.max(2 * self.buffer.capacity()).min(COMMIT);
            self.buffer.reserve_exact(grown - self.buffer.len());
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Completes the file and makes it visible. The same id with the same bytes is the same file, so that a
    /// client may send again when it has not heard the answer.
    pub fn finish(self) -> Result<StoredFile> {
        let store = Arc::clone(&self.store);
        let done = Self::finish_all(&store, vec![self])?;
        done.into_iter().next().ok_or_else(|| Error::internal("a file was finished and is not there"))
    }

    /// Completes files that are made together, in one transaction.
    pub fn finish_all(store: &Store, mut writers: Vec<Self>) -> Result<Vec<StoredFile>> {
        if writers.is_empty() {
            return Ok(Vec::new());
        }
        let now = store.clock.now();
        let files =
            store.files.write(|tx| writers.iter().map(|writer| writer.complete(tx, now)).collect())?;
        breakpoint::reach("file_finished");
        for writer in &mut writers {
            // It is part of the file now, or was removed as a second copy.
            writer.content = None;
        }
        Ok(files)
    }

    fn complete(&self, tx: &Transaction<'_>, now: DateTime<Utc>) -> Result<StoredFile> {
        let hash: [u8; 32] = self.hash.clone().finalize().into();
        let id = self.file.id;
        let same: Option<i64> = tx
            .prepare_cached("SELECT key FROM content WHERE sha256 = ?")?
            .query_row([&hash], |row| row.get(0))
            .optional()?;
        if let Some(file) = find(tx, id)? {
            if same != Some(file.content) {
                return Err(Error::new(
                    Code::Conflict,
                    format!("The file {id} was already sent, with other content."),
                ));
            }
            self.discard(tx)?;
            return Ok(file);
        }
        let content =
            if let Some(content) = same {
                self.discard(tx)?;
                content
            } else {
                let content = self.write_buffer(tx)?;
                tx.prepare_cached("UPDATE content SET sha256 = ?, size = ? WHERE key = ?")?
                    .execute(params![hash, self.size as i64, content])?;
                content
            };
        self.insert_file(tx, content, now)?;
        find(tx, id)?.ok_or_else(|| Error::internal(format!("file {id} is gone after its insert")))
    }

    fn insert_file(&self, tx: &Transaction<'_>, content: i64, now: DateTime<Utc>) -> Result<()> {
        let file = &self.file;
        tx.prepare_cached(
            "INSERT INTO file (id, name, content_type, source, content, owner, owner_key, connector_id,
                registered, created)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            file.id.to_string(),
            file.name,
            file.content_type,
            file.source.as_str(),
            content,
            file.owner.map(|id| id.to_string()),
            file.owner_key.map(|id| id.to_string()),
            file.connector.map(|id| id.to_string()),
            file.source == Source::Produced,
            time::to_ms(now)
        ])?;
        Ok(())
    }

    fn commit_buffer(&mut self) -> Result<()> {
        let content = self.store.files.write(|tx| self.write_buffer(tx))?;
        breakpoint::reach("chunks_committed");
        self.content = Some(content);
        self.chunks += (self.buffer.len() / CHUNK) as i64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the buffer behind what is committed and answers the content's key.
    fn write_buffer(&self, tx: &Transaction<'_>) -> Result<i64> {
        let content = match self.content {
            Some(content) => content,
            None => tx
                .prepare_cached("INSERT INTO content DEFAULT VALUES RETURNING key")?
                .query_row([], |row| row.get(0))?,
        };
        let mut insert = tx.prepare_cached("INSERT INTO chunk (content, n, bytes) VALUES (?, ?, ?)")?;
        for (n, bytes) in (self.chunks..).zip(self.buffer.chunks(CHUNK)) {
            insert.execute(params![content, n, bytes])?;
        }
        Ok(content)
    }

    fn discard(&self, tx: &Transaction<'_>) -> Result<()> {
        if let Some(content) = self.content {
            tx.execute("DELETE FROM content WHERE key = ?", [content])?;
        }
        Ok(())
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if let Some(content) = self.content
            && let Err(error) = self.store.files.write(|tx| self.discard(tx))
        {
            log::warn!("an unfinished file goes later: {error}");
            self.store.torn.lock().push(content);
        }
    }
}

/// Removes unfinished files that could not be removed when they broke off: the disk was full. Tried again until
/// it is done; a key is never given to another content.
pub fn remove_torn(store: &Store) -> Result<()> {
    let torn = std::mem::take(&mut *store.torn.lock());
    if torn.is_empty() {
        return Ok(());
    }
    let removed = store.files.write(|tx| {
        let mut delete = tx.prepare_cached("DELETE FROM content WHERE key = ?")?;
        torn.iter().try_for_each(|content| Ok(delete.execute([content]).map(drop)?))
    });
    if removed.is_err() {
        store.torn.lock().extend(torn);
    }
    removed
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// Nothing: bytes count once the file is finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
