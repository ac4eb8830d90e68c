//! `records.db` while a load lasts: a large page cache for its one writer, commits that don't wait for the disk, and
//! a thread beside it that puts the write-ahead log into the database.
//!
//! The writer is what a run waits for, and a checkpoint is mostly waiting for the disk. So the pages of a batch go to
//! the database while the next one is made: nothing is written to the log then, and when the checkpoint is done in
//! time, the log begins anew with the next commit. On a slow disk it grows, up to [`LONG_LOG`]; then the writer waits.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
    thread,
};

use parking_lot::{Condvar, FairMutexGuard, Mutex};
use rusqlite::Connection;

use super::pool::{self, Database};
use crate::error::{Error, Result};

/// Pages kept in memory while a load lasts, in KiB: its keys come in random order, and an index that does
/// not fit is read again for every row.
const LOAD_CACHE: i64 = 128 * 1024;
/// That much while an index is made, which goes through its table once: what is sorted takes as much again.
const INDEX_CACHE: i64 = 32 * 1024;
/// What SQLite keeps otherwise.
const IDLE_CACHE: i64 = 2_000;

/// Pages in the log from which the next batch waits until they are in the database (256 MiB in `records.db`).
const LONG_LOG: i64 = 16_384;
/// From here on the writer puts them there itself: the thread beside it can't be had.
const LOAD_CHECKPOINT: i64 = 2 * LONG_LOG;
/// What a load of one batch may leave in the log, in bytes.
const SHORT_LOG: u64 = 16 * 1024 * 1024;
/// SQLite's own.
const IDLE_CHECKPOINT: i64 = 1_000;

/// Gives a load's writer what it needs, once more for every batch: another load that ended may have taken it back.
pub(super) fn prepare(writer: FairMutexGuard<'_, Connection>, is_last: bool) -> Result<TunedWriter<'_>> {
    writer.pragma_update(None, "cache_size", -LOAD_CACHE)?;
    writer.pragma_update(None, "wal_autocheckpoint", LOAD_CHECKPOINT)?;
    if is_last { Ok(TunedWriter { writer, undo: String::new() }) } else { prepare_unsynced(writer) }
}

/// Gives a writer whose commits don't wait for the disk. Everybody else's wait again afterwards.
pub(super) fn prepare_unsynced(writer: FairMutexGuard<'_, Connection>) -> Result<TunedWriter<'_>> {
    let tuned = TunedWriter { writer, undo: "PRAGMA synchronous = FULL".to_owned() };
    tuned.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(tuned)
}

/// Gives a writer that makes an index the memory for it.
pub(super) fn prepare_index(writer: FairMutexGuard<'_, Connection>) -> Result<TunedWriter<'_>> {
    let tuned = TunedWriter { writer, undo: format!("PRAGMA cache_size = -{IDLE_CACHE}") };
    tuned.pragma_update(None, "cache_size", -INDEX_CACHE)?;
    Ok(tuned)
}

/// The writer with one setting of its own, which ends with it.
pub struct TunedWriter<'d> {
    writer: FairMutexGuard<'d, Connection>,
    undo: String,
}

impl Deref for TunedWriter<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.writer
    }
}

impl DerefMut for TunedWriter<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.writer
    }
}

impl Drop for TunedWriter<'_> {
    fn drop(&mut self) {
        if let Err(e) = self.writer.execute_batch(&self.undo) {
            log::error!(
                "a writer keeps a setting that was for one piece of work ({} failed): {e}",
                self.undo
            );
        }
    }
}

/// A load under way. However it ends, the memory of its page cache is given back, and what it logged to the database.
pub struct Loading<'d> {
    database: &'d Database,
    beside: Option<Beside>,
}

impl<'d> Loading<'d> {
    pub(super) const fn new(database: &'d Database) -> Self {
        Self { database, beside: None }
    }

    /// A batch is committed, and more come.
    pub fn committed(&mut self) {
        let path = self.database.path();
        self.beside.get_or_insert_with(|| Beside::start(path)).ask();
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        let writer = self.database.writer();
        // What of the cache is too much now is freed at once.
        let mut given_back = writer
            .pragma_update(None, "cache_size", -IDLE_CACHE)
            .and_then(|()| writer.pragma_update(None, "wal_autocheckpoint", IDLE_CHECKPOINT));
        match self.beside.take() {
            // It goes on for a moment; nobody waits for it.
            Some(beside) => beside.end(),
            // A short log has time until it is longer.
            None if self.database.log_bytes() < SHORT_LOG => {}
            None => given_back = given_back.and(writer.execute_batch("PRAGMA wal_checkpoint(PASSIVE)")),
        }
        if let Err(e) = given_back {
            log::warn!("the page cache and the log of a load were not given back: {e}");
        }
    }
}

/// The thread that puts the log into the database.
struct Beside(Arc<Asked>);

#[derive(Default)]
struct Asked {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Commits told, and those of them that are in the database.
    asked: u64,
    done: u64,
    /// Pages in the log, as it was last seen.
    pages: i64,
    is_over: bool,
}

impl Beside {
    fn start(path: &Path) -> Self {
        let asked = Arc::new(Asked::default());
        let (path, shared) = (path.to_owned(), Arc::clone(&asked));
        let started = thread::Builder::new().name("checkpoint".to_owned()).spawn(move || shared.serve(&path));
        if let Err(e) = started {
            // The writer does it then, now and then.
            log::warn!("no thread beside a load: {e}");
            asked.state.lock().is_over = true;
        }
        Self(asked)
    }

    fn ask(&self) {
        let mut state = self.0.state.lock();
        state.asked += 1;
        self.0.changed.notify_all();
        while state.pages >= LONG_LOG && state.done < state.asked && !state.is_over {
            self.0.changed.wait(&mut state);
        }
    }

    fn end(self) {
        let mut state = self.0.state.lock();
        state.asked += 1;
        state.is_over = true;
        self.0.changed.notify_all();
    }
}

impl Asked {
    fn serve(&self, path: &Path) {
        let connection = Connection::open(path);
        loop {
            let mut state = self.state.lock();
            while state.done == state.asked && !state.is_over {
                self.changed.wait(&mut state);
            }
            if state.done == state.asked {
                return;
            }
            let asked = state.asked;
            drop(state);
            let pages = match &connection {
                Ok(connection) => pool::checkpoint(connection, "PASSIVE").map(|log| log.pages),
                Err(e) => Err(Error::internal(e.to_string())),
            };
            if let Err(e) = &pages {
                log::warn!("{}: its log is put into it later: {e}", path.display());
            }
            let mut state = self.state.lock();
            (state.done, state.pages) = (asked, pages.unwrap_or(0));
            self.changed.notify_all();
        }
    }
}
