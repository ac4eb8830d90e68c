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
    private,
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
    /// `inbox.db`
    Inbox,
}

impl Kind {
    /// The file's name in the data folder.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Control => "control.db",
            Self::Records => "records.db",
            Self::Files => "files.db",
            Self::Inbox => "inbox.db",
        }
    }

    /// Every file.
    pub const ALL: [Self; 4] = [Self::Inbox, Self::Control, Self::Records, Self::Files];

    /// Numbered SQL, oldest first. Only appended to after the first release.
    fn migrations(self) -> Vec<M<'static>> {
        match self {
            Self::Control => vec![M::up(include_str!("migrations/control/0001_first.sql"))],
            Self::Records => vec![M::up(include_str!("migrations/records/0001_first.sql"))],
            Self::Files => vec![M::up(include_str!("migrations/files/0001_first.sql"))],
            Self::Inbox => vec![M::up(include_str!("migrations/inbox/0001_first.sql"))],
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
            Self::Control | Self::Inbox => "PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL;",
        }
    }
}

/// What happens to a database of an older program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Older {
    /// It is brought to today's schema, after a copy was made.
    Migrate,
    /// It is left alone: the older program may be running.
    Refuse,
}

/// Opens the file of `kind` in `dir`, migrates it, and opens its readers.
///
/// # Errors
/// A database that a newer program wrote is refused and stays as it is.
pub(super) fn open(dir: &Path, kind: Kind, disk: &Arc<Disk>, older: Older) -> Result<Database> {
    let path = dir.join(kind.file_name());
    make_private(&path)?;
    let mut writer = Connection::open(&path)?;
    pool::wait_when_busy(&writer)?;
    writer.execute_batch(kind.first_pragmas())?;
    writer.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
         PRAGMA journal_size_limit=67108864;",
    )?;
    migrate(&mut writer, &path, kind.migrations(), older)?;
    Database::new(writer, &path, Arc::clone(disk))
}

/// The schema that a database has.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn migrate(writer: &mut Connection, path: &Path, migrations: Vec<M<'static>>, older: Older) -> Result<()> {
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
    if found < known && older == Older::Refuse {
        return Err(Error::conflict(format!(
            "{} has an older schema ({found}; this program's is {known}). Start a server of this version on it once.",
            path.display()
        )));
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
    make_private(to)?;
    writer.backup("main", to, None)?;
    Ok(())
}

/// Makes the file readable by its owner alone before anything is in it.
fn make_private(path: &Path) -> Result<()> {
    let made = private::options().create(true).truncate(false).open(path);
    made.map(drop).map_err(|e| Error::internal(format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Vec<M<'static>> {
        vec![M::up("CREATE TABLE first (a)"), M::up("CREATE TABLE second (a)")]
    }

    #[test]
    fn a_copy_is_made_before_a_migration_and_stays_when_it_fails() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let mut writer = Connection::open(&path).unwrap();
        migrate(&mut writer, &path, schemas()[..1].to_vec(), Older::Migrate).unwrap();
        assert!(!backup_path(&path, 1).exists(), "a new file has nothing to lose");
        writer.execute_batch("INSERT INTO first VALUES (7)").unwrap();

        let refusal = migrate(&mut writer, &path, schemas(), Older::Refuse).unwrap_err();
        assert!(refusal.detail.contains("older schema (1; this program's is 2)"), "{refusal}");
        let broken = vec![schemas().remove(0), M::up("CREATE TABLE second (a); DELETE FROM first; NO SQL")];
        migrate(&mut writer, &path, broken, Older::Migrate).unwrap_err();
        let count =
            |c: &Connection| c.query_row("SELECT count(*) FROM first", [], |r| r.get::<_, i64>(0)).unwrap();
        assert_eq!(
            (version(&writer).unwrap(), count(&writer)),
            (1, 1),
            "a migration is done whole or not at all"
        );

        migrate(&mut writer, &path, schemas(), Older::Migrate).unwrap();
        assert_eq!(version(&writer).unwrap(), 2);
        let copy = Connection::open(backup_path(&path, 1)).unwrap();
        assert_eq!((version(&copy).unwrap(), count(&copy)), (1, 1));
    }
}
