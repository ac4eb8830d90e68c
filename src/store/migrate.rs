//! Opens a database file and brings it to today's schema.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::{
    disk::Disk,
    pool::{self, Database},
};
use crate::error::{Code, Error, Result};

/// The database files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `control.db`
    Control,
    /// `records.db`
    Records,
    /// `files.db`
    Files,
}

impl Kind {
    /// The file's name in the data folder.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Control => "control.db",
            Self::Records => "records.db",
            Self::Files => "files.db",
        }
    }

    /// Every file.
    pub const ALL: [Self; 3] = [Self::Control, Self::Records, Self::Files];

    /// Numbered SQL, oldest first. Only appended to after the first release.
    fn migrations(self) -> Vec<M<'static>> {
        match self {
            Self::Control => vec![M::up(include_str!("migrations/control/0001_first.sql"))],
            Self::Records => vec![M::up(include_str!("migrations/records/0001_first.sql"))],
            Self::Files => vec![M::up(include_str!("migrations/files/0001_first.sql"))],
        }
    }

    /// Today's schema.
    #[must_use]
    pub fn version(self) -> i64 {
        i64::try_from(self.migrations().len()).unwrap_or(i64::MAX)
    }

    /// Set before the first table: neither can change later without a rewrite.
    const fn first_pragmas(self) -> &'static str {
        match self {
            // 1 MiB chunks: fewer, larger overflow pages.
            Self::Files => "PRAGMA page_size=65536; PRAGMA auto_vacuum=INCREMENTAL;",
            // Random keys into large indexes: measured 0.84 of the time with 4 KB pages.
            Self::Records => "PRAGMA page_size=16384; PRAGMA auto_vacuum=INCREMENTAL;",
            Self::Control => "PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL;",
        }
    }
}

/// Opens the file of `kind` in `dir`, migrates it, and opens its readers.
///
/// # Errors
/// A database that a newer program wrote is refused and stays as it is.
pub(super) fn open(dir: &Path, kind: Kind, disk: &Arc<Disk>) -> Result<Database> {
    let path = dir.join(kind.file_name());
    make_private(&path)?;
    let mut writer = Connection::open(&path)?;
    pool::wait_when_busy(&writer)?;
    writer.execute_batch(kind.first_pragmas())?;
    writer.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
         PRAGMA journal_size_limit=67108864;",
    )?;
    migrate(&mut writer, &path, kind)?;
    Database::new(writer, &path, Arc::clone(disk))
}

/// The schema that a database has.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn migrate(writer: &mut Connection, path: &Path, kind: Kind) -> Result<()> {
    let migrations = kind.migrations();
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let found = version(writer)?;
    if found > known {
        return Err(Error::new(
            Code::Conflict,
            format!(
                "{} was written by a newer smartconnector (schema {found}; this one knows {known}). Use that version, or restore a backup.",
                path.display()
            ),
        ));
    }
    if found > 0 && found < known {
        back_up(writer, &backup_path(path, found))?;
    }
    Migrations::new(migrations)
        .to_latest(writer)
        .map_err(|e| Error::internal(format!("migrating {}: {e}", path.display())))
}

fn backup_path(path: &Path, version: i64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".schema-{version}.backup"));
    name.into()
}

fn back_up(writer: &Connection, to: &Path) -> Result<()> {
    writer.backup("main", to, None)?;
    Ok(())
}

/// Makes the file readable by its owner alone before anything is in it.
fn make_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop).map_err(|e| Error::internal(format!("{}: {e}", path.display())))
}
