//! Whether what is kept is whole: the databases, the bytes of every file, the state of every execution, and
//! what the runs counted against what is in the records.
//!
//! It reads beside a server that works. What such a server is in the middle of is no fault: uploads under way,
//! executions that run.

mod files;
mod inbox;
mod runs;

use rusqlite::Connection;
use serde::Serialize;

use super::{Store, migrate::Kind};
use crate::error::Result;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where: a database, a file, an execution.
    pub place: String,
    /// What is wrong with it.
    pub wrong: String,
}

/// How much was looked at, and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Checked {
    /// Databases.
    pub databases: u64,
    /// Contents of files whose hashes were computed.
    pub contents: u64,
    /// Uploads that are under way, or were when a server died.
    pub unfinished_uploads: u64,
    /// Executions.
    pub executions: u64,
    /// Ledgers of live runs.
    pub ledgers: u64,
    /// Webhooks that wait.
    pub webhooks: u64,
    /// Records that a run made.
    pub records: u64,
    /// What is wrong; empty when all is well.
    pub findings: Vec<Finding>,
}

impl Checked {
    fn found(&mut self, place: impl Into<String>, wrong: impl Into<String>) {
        self.findings.push(Finding { place: place.into(), wrong: wrong.into() });
    }
}

/// Checks everything.
///
/// # Errors
/// When it can't be read at all. A damaged database is a finding.
pub fn check(store: &Store) -> Result<Checked> {
    let mut checked = Checked::default();
    for (kind, database) in store.databases() {
        let reader = database.reader()?;
        checked.databases += 1;
        if let Err(error) = whole(&reader, kind, &mut checked) {
            checked.found(kind.file_name(), error.to_string());
        }
    }
    if let Err(error) = files::check(store, &mut checked) {
        checked.found(Kind::Files.file_name(), error.detail);
    }
    if let Err(error) = inbox::check(store, &mut checked) {
        checked.found(Kind::Inbox.file_name(), error.detail);
    }
    if let Err(error) = runs::check(store, &mut checked) {
        checked.found("executions", error.detail);
    }
    Ok(checked)
}

/// The structure of a database, its indexes and its foreign keys.
fn whole(connection: &Connection, kind: Kind, checked: &mut Checked) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        if said != "ok" {
            checked.found(kind.file_name(), said);
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        checked.found(
            kind.file_name(),
            format!("a row of {table} refers to a row of {parent} that is not there"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
