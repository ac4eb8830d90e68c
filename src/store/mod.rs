//! How everything is kept: four SQLite files in the data folder, split by how they are written.
//!
//! | file | holds | why it is alone |
//! |---|---|---|
//! | `control.db` | workspace, members, keys, connectors, scripts, executions, events, notifications | small writes that must never wait for a load |
//! | `records.db` | objects, fields, options, filter groups, one table per object, row outcomes, the runs' ledger | a load's large transactions |
//! | `files.db` | uploaded and produced files, in chunks | large sequential writes |
//! | `inbox.db` | webhook requests that wait for their batch | thousands of small commits a second |
//!
//! Commits are not atomic across files, so what must be true together lives in one file, and what
//! crosses files is a sequence of idempotent steps keyed by a stored id, finished or undone at the next
//! start (`runner`'s `recover`). Each file has one writer connection, handed out fairly, and a pool of
//! readers that can't write.

pub mod backup;
pub mod baseline;
pub mod check;
pub mod column;
mod condition;
pub mod connector;
pub mod delivery;
pub mod disk;
pub mod error;
pub mod event;
pub mod execution;
pub mod field;
pub mod file;
pub mod filter;
pub mod filter_group;
mod folded;
pub mod idempotency;
pub mod inbox;
pub mod key;
pub mod late_index;
mod link;
mod loading;
pub mod log;
pub mod lookup;
pub mod member;
pub mod migrate;
pub mod notification;
pub mod object;
pub mod option;
pub mod outcome;
pub mod pool;
mod private;
pub mod record;
pub mod run;
pub mod schedule;
pub mod scratch;
pub mod script;
pub mod secret;
pub mod seed;
pub mod spool;
pub mod table;
pub mod time;
pub mod upsert;
pub mod vacuum;
pub mod value;
pub mod words;
pub mod workspace;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

pub use loading::{Loading, TunedWriter};
pub use pool::{Database, Snapshot};
pub use rusqlite::{Connection, Transaction};
pub use secret::Secrets;

use crate::{
    clock::Clock,
    error::{Code, Error, Result},
};

/// The key that secrets of connectors are encrypted with, outside of the databases.
pub const KEY_FILE: &str = "secrets.key";

/// The store of one data folder. One per process; a second process on the same folder is refused.
pub struct Store {
    /// Workspace, members, connectors, scripts, executions.
    pub control: Database,
    /// Objects, records, row outcomes, ledger.
    pub records: Database,
    /// Files in chunks.
    pub files: Database,
    /// Webhook requests that wait for their batch.
    pub inbox: Database,
    /// Encrypts what is secret.
    pub secrets: Secrets,
    /// The folder itself.
    pub dir: PathBuf,
    /// The disk under it.
    pub disk: Arc<disk::Disk>,
    /// Stamps what is written.
    pub clock: Clock,
    /// Whether a backup is being taken by this process.
    taking: AtomicBool,
    /// Contents of files that broke off and could not be removed then.
    torn: Mutex<Vec<i64>>,
    /// Held while the process lives.
    _lock: Option<fs::File>,
}

impl Store {
    /// Opens (or makes) the data folder and brings its databases to today's schema.
    ///
    /// # Errors
    /// When another process holds the folder, a database is newer than this program, or the disk fails.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self> {
        make_private(dir)?;
        let lock = lock(dir)?;
        Self::open_with(dir, clock, Some(lock), migrate::Older::Migrate)
    }

    /// Opens a data folder that exists, beside a server that may be running: for small reads and writes
    /// by whoever may read and write the folder.
    ///
    /// # Errors
    /// When there is no data folder.
    pub fn open_shared(dir: &Path, clock: Clock) -> Result<Self> {
        if !dir.join(migrate::Kind::Control.file_name()).exists() {
            return Err(Error::invalid(format!(
                "{} is no data folder. Name one with --data, or start a server there first.",
                dir.display()
            )));
        }
        Self::open_with(dir, clock, None, migrate::Older::Refuse)
    }

    fn open_with(dir: &Path, clock: Clock, lock: Option<fs::File>, older: migrate::Older) -> Result<Self> {
        if backup::is_unfinished(dir) {
            return Err(Error::conflict(format!(
                "A restore into {} was cut off. Empty the folder and restore again.",
                dir.display()
            )));
        }
        let disk = Arc::new(disk::Disk::of(dir));
        let open = |kind: migrate::Kind| migrate::open(dir, kind, &disk, older);
        Ok(Self {
            control: open(migrate::Kind::Control)?,
            records: open(migrate::Kind::Records)?,
            files: open(migrate::Kind::Files)?,
            inbox: open(migrate::Kind::Inbox)?,
            secrets: Secrets::open(dir)?,
            dir: dir.to_owned(),
            disk: Arc::clone(&disk),
            clock,
            taking: AtomicBool::new(false),
            torn: Mutex::default(),
            _lock: lock,
        })
    }

    /// The databases, in the order of [`migrate::Kind::ALL`].
    pub fn databases(&self) -> impl Iterator<Item = (migrate::Kind, &Database)> {
        migrate::Kind::ALL.into_iter().map(|kind| (kind, self.database(kind)))
    }

    /// One database.
    #[must_use]
    pub const fn database(&self, kind: migrate::Kind) -> &Database {
        match kind {
            migrate::Kind::Control => &self.control,
            migrate::Kind::Records => &self.records,
            migrate::Kind::Files => &self.files,
            migrate::Kind::Inbox => &self.inbox,
        }
    }

    /// Whether a file of some bytes can be written here now.
    pub fn takes_files(&self) -> Result<()> {
        use std::io::Write as _;
        tempfile::tempfile_in(&self.dir)
            .and_then(|mut file| file.write_all(&[1; 4096]))
            .map_err(|e| Error::new(Code::Busy, format!("The data folder can't be written to: {e}.")))
    }

    /// Whether every database has the schema of this program.
    pub fn has_current_schema(&self) -> Result<bool> {
        for (kind, database) in self.databases() {
            if database.read(migrate::version)? != kind.version() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The right to take a backup, which one at a time has; `None` while another has it.
    #[must_use]
    pub fn take_backup(store: &Arc<Self>) -> Option<Taking> {
        (!store.taking.swap(true, Ordering::AcqRel)).then(|| Taking(Arc::clone(store)))
    }

    /// Where executions keep their scratch databases; swept at start.
    #[must_use]
    pub fn scratch_dir(&self) -> PathBuf {
        self.dir.join("scratch")
    }
}

/// The right to take a backup, until it is dropped.
pub struct Taking(Arc<Store>);

impl Drop for Taking {
    fn drop(&mut self) {
        self.0.taking.store(false, Ordering::Release);
    }
}

fn make_private(dir: &Path) -> Result<()> {
    private::folder(dir).map_err(|e| Error::internal(format!("data folder {}: {e}", dir.display())))
}

/// Takes the lock file. Its text is the holder's process id, for the person who looks.
fn lock(dir: &Path) -> Result<fs::File> {
    use std::io::Write as _;
    let path = dir.join("server.lock");
    let failed = |e| Error::internal(format!("lock file {}: {e}", path.display()));
    let mut file = private::options().create(true).read(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).unwrap_or_default();
            return Err(Error::new(
                Code::Conflict,
                format!(
                    "Another smartconnector (process {}) uses the data folder {}. Stop it, or choose another folder with --data.",
                    pid.trim(),
                    dir.display()
                ),
            ));
        }
        // A file system without locks: two servers would write the same databases.
        Err(fs::TryLockError::Error(e)) => {
            return Err(Error::invalid(format!(
                "The data folder {} can't be locked: {e}. Choose a folder on a local disk with --data.",
                dir.display()
            )));
        }
    }
    file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod plan;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_opens_again_with_what_was_written_and_only_once_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        store
            .control
            .write(|tx| {
                tx.execute(
                    "INSERT INTO member VALUES ('m', 'a@example.org', 'A', 'B', 'admin', 1, NULL)",
                    [],
                )?;
                Ok(())
            })
            .unwrap();
        let refusal = Store::open(dir.path(), Clock::system()).err().unwrap();
        assert_eq!(refusal.code, Code::Conflict);
        assert!(refusal.detail.contains(&std::process::id().to_string()), "{refusal}");
        drop(store);
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let members: i64 = store
            .control
            .read(|c| Ok(c.query_row("SELECT count(*) FROM member", [], |r| r.get(0))?))
            .unwrap();
        assert_eq!(members, 1);
    }

    #[test]
    fn a_reader_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let outcome = store.records.reader().unwrap().execute("DELETE FROM object", []);
        assert!(outcome.is_err());
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path(), Clock::system()).unwrap());
        let path = dir.path().join("control.db");
        rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let refusal = Store::open(dir.path(), Clock::system()).err().unwrap();
        assert!(refusal.detail.contains("schema 99"), "{refusal}");
    }
}
