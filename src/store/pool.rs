//! One database file: its writer and its readers.

use std::path::Path;

use parking_lot::{FairMutex, FairMutexGuard};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, Result};

/// Readers per file. Blocking work runs on a bounded thread pool; more readers than its threads would
/// only idle.
const READERS: u32 = 16;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 128;

/// Pages kept in memory while a load lasts, in KiB: its keys come in random order, and an index that does
/// not fit is read again for every row.
const LOAD_CACHE: i64 = 128 * 1024;
/// What SQLite keeps otherwise.
const IDLE_CACHE: i64 = 2_000;

/// Pages in the write-ahead log before they go to the database, while a load lasts (128 MiB of them in
/// `records.db`): batches after one another change the same index pages, which are then written once.
const LOAD_CHECKPOINT: i64 = 8_192;
/// SQLite's own.
const IDLE_CHECKPOINT: i64 = 1_000;

/// A SQLite file with one writer connection and pooled readers.
pub struct Database {
    // Fair: a load that takes the lock batch after batch must let an API write in between.
    writer: FairMutex<Connection>,
    readers: r2d2::Pool<SqliteConnectionManager>,
}

/// A pooled connection that can't write.
pub type Reader = r2d2::PooledConnection<SqliteConnectionManager>;

impl Database {
    /// Wraps an open, migrated writer connection and opens the readers of the same file.
    pub(super) fn new(writer: Connection, path: &Path) -> Result<Self> {
        writer.set_prepared_statement_cache_capacity(STATEMENTS);
        let manager = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(|c| {
                c.set_prepared_statement_cache_capacity(STATEMENTS);
                c.execute_batch("PRAGMA query_only=ON; PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON;")
            });
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(std::time::Duration::from_secs(20))
            .build(manager)
            .map_err(Error::from)?;
        Ok(Self { writer: FairMutex::new(writer), readers })
    }

    /// A reader. It sees one state per statement; wrap several in a transaction when they must agree.
    pub fn reader(&self) -> Result<Reader> {
        Ok(self.readers.get()?)
    }

    /// Runs `work` with a reader.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&*self.reader()?)
    }

    /// Runs `work` in one write transaction: committed when it answers `Ok`, rolled back otherwise.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut writer = self.writer();
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }

    /// The writer itself, for a load that keeps prepared statements over its batch.
    pub fn writer(&self) -> FairMutexGuard<'_, Connection> {
        self.writer.lock()
    }

    /// The writer for one batch of a load, with a large page cache and rare checkpoints.
    pub fn writer_for_load(&self) -> Result<FairMutexGuard<'_, Connection>> {
        let writer = self.writer.lock();
        // Again for every batch: another load that ended may have given the cache back.
        writer.pragma_update(None, "cache_size", -LOAD_CACHE)?;
        writer.pragma_update(None, "wal_autocheckpoint", LOAD_CHECKPOINT)?;
        Ok(writer)
    }

    /// Gives the memory of a load's page cache back, and what it logged to the database.
    pub fn end_load(&self) {
        let writer = self.writer.lock();
        let given_back = writer
            .pragma_update(None, "cache_size", -IDLE_CACHE)
            .and_then(|()| writer.pragma_update(None, "wal_autocheckpoint", IDLE_CHECKPOINT))
            .and_then(|()| writer.execute_batch("PRAGMA wal_checkpoint(PASSIVE); PRAGMA shrink_memory"));
        if let Err(e) = given_back {
            log::warn!("the page cache and the log of a load were not given back: {e}");
        }
    }
}

/// Begins a write transaction.
pub fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}
