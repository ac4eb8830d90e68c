//! What goes by itself, in small steps: ended runs that their connectors no longer keep, files that nothing
//! uses, and what a crash left of a deletion.
//!
//! Each run goes in an order that may be cut off anywhere: its outcomes, its row, its files. Until its row is
//! gone the next round finds it again; after that its files are files that nothing uses.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    error::Result,
    id::{ConnectorId, FileId},
    store::{
        self, Store,
        execution::Expired,
        file::{Source, StoredFile},
    },
};

/// Runs deleted in one step.
const RUNS: usize = 50;
/// Files looked at in one step.
const FILES: i64 = 200;

/// Deletes some runs that are no longer kept. Answers whether there may be more.
pub fn forget_runs(store: &Store) -> Result<bool> {
    let now = store.clock.now();
    let expired = store.control.read(|conn| store::execution::expired(conn, now, RUNS))?;
    for run in &expired {
        forget_run(store, run)?;
    }
    Ok(expired.len() == RUNS)
}

fn forget_run(store: &Store, run: &Expired) -> Result<()> {
    let outcomes = if run.is_dry_run { &store.control } else { &store.records };
    outcomes.write(|tx| store::outcome::delete_of_run(tx, run.id))?;
    store.control.write(|tx| store::execution::delete(tx, run.id))?;
    delete_unused(store, &run.files)
}

/// Deletes those of these files that nothing uses.
pub(super) fn delete_unused(store: &Store, files: &[FileId]) -> Result<()> {
    // Most files of a sweep are used: those are told in one look.
    let used = store.control.read(|conn| store::file::used(conn, files))?;
    for file in files.iter().filter(|file| !used.contains(file)) {
        store::file::delete_unless_used(store, *file)?;
    }
    Ok(())
}

/// A walk over all files, some at a time.
#[derive(Debug)]
pub struct Sweep {
    after: String,
    /// What the server made before then, and nothing uses, never got its row: the process ended first. It is
    /// a day old at least: what was cut off is done again at the next start, with the same file.
    produced_before: DateTime<Utc>,
    /// What was sent before then and nothing uses is no longer kept; `None`: it is.
    sent_before: Option<DateTime<Utc>>,
}

impl Sweep {
    /// From the first file. `started` is when this process began: before that nothing of now was under way.
    #[must_use]
    pub fn new(store: &Store, started: DateTime<Utc>, unused_days: u32) -> Self {
        let days = TimeDelta::days(unused_days.into());
        let sent_before = (unused_days > 0).then(|| store.clock.now() - days);
        let produced_before = started.min(store.clock.now() - TimeDelta::days(1));
        Self { after: String::new(), produced_before, sent_before }
    }

    /// Looks at the next files. Answers whether there may be more.
    pub fn step(&mut self, store: &Store) -> Result<bool> {
        let files = store.files.read(|conn| store::file::page_after(conn, &self.after, FILES))?;
        let Some(last) = files.last() else { return Ok(false) };
        self.after = last.id.to_string();
        let connectors = store.control.read(store::connector::ids)?;
        let is_orphan = |file: &StoredFile| file.connector.is_some_and(|id| !connectors.contains(&id));
        let orphans: Vec<FileId> = files.iter().filter(|file| is_orphan(file)).map(|file| file.id).collect();
        adopt(store, &orphans)?;
        let goes = |file: &&StoredFile| is_orphan(file) || self.is_old(file);
        let candidates: Vec<FileId> = files.iter().filter(goes).map(|file| file.id).collect();
        delete_unused(store, &candidates)?;
        Ok(files.len() as i64 == FILES)
    }

    fn is_old(&self, file: &StoredFile) -> bool {
        match file.source {
            Source::Produced => file.created < self.produced_before,
            Source::SmartConnectorImport | Source::RecordImport | Source::Upload => {
                self.sent_before.is_some_and(|before| file.created < before)
            }
        }
    }
}

/// Files of a connector that is gone follow another one that reads them.
fn adopt(store: &Store, files: &[FileId]) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let users = store.control.read(|conn| store::connector::users_of_files(conn, files))?;
    for (file, user) in users {
        store.files.write(|tx| store::file::hand_over(tx, file, user))?;
    }
    Ok(())
}

/// Outcomes of connectors that are gone: their deletion was cut off.
pub fn forget_connectors(store: &Store) -> Result<()> {
    let there = store.control.read(store::connector::ids)?;
    for connector in store.records.read(store::run::connectors)? {
        if !there.contains(&connector) {
            forget_outcomes(store, connector)?;
        }
    }
    Ok(())
}

/// What a connector that was just deleted has left: its outcomes, and the files that nobody else reads.
pub fn forget_connector(store: &Store, connector: ConnectorId) -> Result<()> {
    forget_outcomes(store, connector)?;
    let files = store.files.read(|conn| store::file::of_connector(conn, connector))?;
    adopt(store, &files)?;
    delete_unused(store, &files)
}

fn forget_outcomes(store: &Store, connector: ConnectorId) -> Result<()> {
    store.records.write(|tx| {
        store::outcome::delete_of_connector(tx, connector)?;
        store::baseline::delete_of_connector(tx, connector)
    })
}
