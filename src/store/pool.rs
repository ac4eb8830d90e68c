//! One database file: its writer and its readers.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{FairMutex, FairMutexGuard};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{
    disk::{self, Disk},
    folded,
    loading::{self, Loading, TunedWriter},
};
use crate::{
    context,
    error::{Code, Error, Result},
};

/// Readers per file. Blocking work runs on a bounded thread pool; more readers than its threads would
/// only idle.
const READERS: u32 = 16;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 128;

/// Waits of connections that found the file locked: another process, or a checkpoint that ends.
static BUSY_WAITS: AtomicU64 = AtomicU64::new(0);
/// How often SQLite asks before it gives up: five seconds.
const BUSY_TRIES: i32 = 500;

/// How often a connection of this process has found a database locked and waited.
#[must_use]
pub fn busy_waits() -> u64 {
    BUSY_WAITS.load(Ordering::Relaxed)
}

/// SQLite's own time-out does the same and does not count.
pub(super) fn wait_when_busy(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|tries| {
        BUSY_WAITS.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(10));
        tries < BUSY_TRIES
    }))
}

/// A SQLite file with one writer connection and pooled readers.
pub struct Database {
    path: PathBuf,
    disk: Arc<Disk>,
    // Microseconds that writers waited for each other, and how many wait now.
    waited: AtomicU64,
    waiting: AtomicUsize,
    // Fair: a load that takes the lock batch after batch must let an API write in between.
    writer: FairMutex<Connection>,
    readers: r2d2::Pool<SqliteConnectionManager>,
    /// Counts the transactions of [`Database::write`].
    writes: AtomicU64,
}

/// A pooled connection that can't write.
pub type Reader = r2d2::PooledConnection<SqliteConnectionManager>;

/// A reader that sees one state for as long as it lives: that of its first statement. It holds back the WAL for
/// as long, so it is for reading in one go.
pub struct Snapshot(Reader);

impl std::ops::Deref for Snapshot {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Err(error) = self.0.execute_batch("ROLLBACK") {
            log::error!("a reader could not end its transaction: {error}");
        }
    }
}

impl Database {
    /// Wraps an open, migrated writer connection and opens the readers of the same file.
    pub(super) fn new(writer: Connection, path: &Path, disk: Arc<Disk>) -> Result<Self> {
        writer.set_prepared_statement_cache_capacity(STATEMENTS);
        folded::register(&writer)?;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(|c| {
                c.set_prepared_statement_cache_capacity(STATEMENTS);
                wait_when_busy(c)?;
                folded::register(c)?;
                c.execute_batch("PRAGMA query_only=ON; PRAGMA foreign_keys=ON;")
            });
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(std::time::Duration::from_secs(20))
            .build(manager)
            .map_err(Error::from)?;
        Ok(Self {
            path: path.to_owned(),
            disk,
            waited: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            writes: AtomicU64::new(0),
            writer: FairMutex::new(writer),
            readers,
        })
    }

    /// A reader. It sees one state per statement; wrap several in a transaction when they must agree.
    pub fn reader(&self) -> Result<Reader> {
        Ok(self.readers.get()?)
    }

    /// A reader whose statements agree.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let reader = self.reader()?;
        reader.execute_batch("BEGIN")?;
        Ok(Snapshot(reader))
    }

    /// Runs `work` with a reader.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&*self.reader()?)
    }

    /// Runs `work` in one write transaction: committed when it answers `Ok`, rolled back otherwise. On a full
    /// disk it is refused.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        if self.disk.is_full() {
            return Err(disk::full());
        }
        let done = self.try_write(work);
        self.disk.notice(&done);
        done
    }

    /// The same without waiting for the disk: what is written survives the process, and a power cut once somebody's
    /// later commit has waited. For what nobody is told to be kept.
    pub fn write_unsynced<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        if self.disk.is_full() {
            return Err(disk::full());
        }
        let done =
            loading::prepare_unsynced(self.writer()).and_then(|mut writer| self.commit(&mut writer, work));
        self.disk.notice(&done);
        done
    }

    /// Writes what must be written on a full disk too, such as how a run ended: with the space of the reserve.
    pub fn write_last<T>(&self, work: impl Fn(&Transaction<'_>) -> Result<T>) -> Result<T> {
        match self.try_write(&work) {
            Err(error) if error.code == Code::DiskFull && self.disk.give_up_reserve() => {
                self.try_write(&work)
            }
            done => done,
        }
    }

    fn try_write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut writer = match context::patience() {
            Some(patience) => self.writer_within(patience)?,
            None => self.writer(),
        };
        self.commit(&mut writer, work)
    }

    fn commit<T>(
        &self,
        writer: &mut Connection,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let transaction = begin(writer)?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        self.writes.fetch_add(1, Ordering::Release);
        Ok(answer)
    }

    /// Differs from an earlier answer when [`Database::write`] of this process may have changed something
    /// since: what was read before is then to be read again. Other processes' writes are not seen.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// The writer itself, for a load that keeps prepared statements over its batch.
    pub fn writer(&self) -> FairMutexGuard<'_, Connection> {
        let began = Instant::now();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let writer = self.writer.lock();
        self.has_waited(began);
        writer
    }

    /// The writer, for somebody who does not wait for ever: what holds it may be an index that is made.
    fn writer_within(&self, patience: Duration) -> Result<FairMutexGuard<'_, Connection>> {
        let began = Instant::now();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let writer = self.writer.try_lock_for(patience);
        self.has_waited(began);
        writer.ok_or_else(|| {
            let waited = patience.as_secs();
            let detail =
                format!("Another change is being written and has not ended in {waited} s. Try again.");
            Error::new(Code::Busy, detail)
        })
    }

    fn has_waited(&self, began: Instant) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(waited, Ordering::Relaxed);
    }

    /// Whether somebody waits for the writer.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// The writer for one batch of a load, with a large page cache and rare checkpoints. On a full disk it
    /// is refused.
    ///
    /// Its commits don't wait for the disk unless `is_last`. Nothing is acknowledged by them: after a power cut
    /// the last batches may be gone, the ledger with them, and the run is interrupted where the file says. The
    /// commit that says how the run ended waits, for itself and for all before it.
    pub fn writer_for_load(&self, is_last: bool) -> Result<TunedWriter<'_>> {
        if self.disk.is_full() {
            return Err(disk::full());
        }
        loading::prepare(self.writer(), is_last)
    }

    /// The writer for an index that is made over a table that has its rows.
    pub fn writer_for_index(&self) -> Result<TunedWriter<'_>> {
        loading::prepare_index(self.writer())
    }

    /// To be kept while a load lasts; see [`Self::writer_for_load`].
    #[must_use]
    pub const fn loading(&self) -> Loading<'_> {
        Loading::new(self)
    }
}

impl Database {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long writers have waited for each other.
    #[must_use]
    pub fn writer_waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// Bytes of the file, of its write-ahead log, and of its pages that hold nothing.
    pub fn size(&self) -> Result<(u64, u64, u64)> {
        let free = self.read(|c| {
            let number = |name: &str| c.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            Ok(number("freelist_count")?.unsigned_abs() * number("page_size")?.unsigned_abs())
        })?;
        Ok((bytes(&self.path), self.log_bytes(), free))
    }

    /// Bytes of the write-ahead log's file, of which the last may be of commits that are in the database.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        bytes(&self.wal())
    }

    /// The write-ahead log.
    fn wal(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push("-wal");
        name.into()
    }

    /// Whether a write transaction can begin within `patience`. A load's batch may hold the writer for long;
    /// that is no fault.
    pub fn takes_writes(&self, patience: Duration) -> Result<()> {
        match self.writer.try_lock_for(patience) {
            None => Ok(()),
            Some(mut writer) => Ok(begin(&mut writer)?.rollback()?),
        }
    }

    /// Puts a log of more than `limit` bytes into the database and cuts it, as far as readers allow.
    pub fn bound_log(&self, limit: u64) -> Result<()> {
        if self.log_bytes() <= limit {
            return Ok(());
        }
        // First beside the writer, which is then held for the little that came in between.
        let beside = Connection::open(&self.path)?;
        if checkpoint(&beside, "PASSIVE")?.is_whole {
            let writer = self.writer();
            writer.busy_timeout(Duration::ZERO)?;
            let done = checkpoint(&writer, "TRUNCATE");
            wait_when_busy(&writer)?;
            done?;
        }
        Ok(())
    }

    /// Gives up to `bytes` of free pages back to the disk, when more than `keep` are free. Answers whether
    /// there may be more to give.
    pub fn give_back(&self, keep: u64, bytes: u64) -> Result<bool> {
        let (_, _, free) = self.size()?;
        if free <= keep || self.disk.is_full() {
            return Ok(false);
        }
        let writer = self.writer();
        let page: i64 = writer.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = bytes.min(free - keep) / page.unsigned_abs();
        // Every row of its answer is a page that was given back: all of them have to be asked for.
        let mut statement = writer.prepare(&format!("PRAGMA incremental_vacuum({})", pages.max(1)))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(free - keep > bytes)
    }
}

fn bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// What a checkpoint came to.
pub(super) struct Checkpoint {
    /// The whole log is in the database now.
    pub is_whole: bool,
    /// Pages in the log.
    pub pages: i64,
}

/// Puts what is in the write-ahead log into the database.
pub(super) fn checkpoint(connection: &Connection, mode: &str) -> Result<Checkpoint> {
    let (busy, log, done): (i64, i64, i64) =
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    Ok(Checkpoint { is_whole: busy == 0 && log == done, pages: log })
}

/// Begins a write transaction.
pub fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

#[cfg(test)]
mod tests {
    use crate::{clock::Clock, store::Store};

    #[test]
    fn a_long_log_is_cut_and_freed_pages_go_back_to_the_disk_in_steps() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        for (kind, database) in store.databases() {
            let run = |sql: &str| database.write(|tx| Ok(tx.execute_batch(sql)?)).unwrap();
            run("CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
                 SELECT randomblob(1000000) AS bytes FROM n");
            let (_, log, _) = database.size().unwrap();
            assert!(log > 20_000_000, "{kind:?}: {log}");
            database.bound_log(log).unwrap();
            assert_eq!(database.size().unwrap().1, log, "it is not too long");
            // A reader that holds the log is no reason to wait.
            let reader = database.reader().unwrap();
            reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema").unwrap();
            run("DELETE FROM big");
            database.bound_log(1_000_000).unwrap();
            assert!(database.size().unwrap().1 > 1_000_000);
            reader.execute_batch("COMMIT").unwrap();
            database.bound_log(1_000_000).unwrap();
            let (before, log, free) = database.size().unwrap();
            assert_eq!(log, 0, "{kind:?}");
            assert!(free >= 20_000_000, "{kind:?}: {free}");

            let mut steps = 1;
            while database.give_back(5_000_000, 2_000_000).unwrap() {
                steps += 1;
            }
            database.bound_log(0).unwrap();
            let (after, _, free) = database.size().unwrap();
            assert!(
                steps >= 7 && free <= 5_100_000 && after + 14_000_000 < before,
                "{kind:?}: {steps} {free}"
            );
        }
    }
}
