//! A backup over the API.

use std::{io::Write, sync::Arc};

use tempfile::TempDir;

use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Error, Result},
    store::{self, Store, Taking},
};

/// A backup that is about to be written.
pub struct Backup {
    store: Arc<Store>,
    scratch: TempDir,
    /// One at a time: each copies whole databases.
    _taking: Taking,
}

/// Begins a backup, and tells who took it.
pub fn begin(app: &App, caller: &Caller) -> Result<Backup> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()?;
    let taking = Store::take_backup(&app.store)
        .ok_or_else(|| Error::conflict("Another backup is being taken. Try again when it is done."))?;
    let scratch = tempfile::Builder::new()
        .prefix("backup-")
        .tempdir_in(app.store.scratch_dir())
        .map_err(|e| Error::internal(format!("a folder for the backup: {e}")))?;
    let now = app.clock.now();
    app.store.control.write(|tx| {
        store::event::add(tx, None, now, "backup", "A backup was downloaded.", Some(caller.member.id), None)
    })?;
    Ok(Backup { store: Arc::clone(&app.store), scratch, _taking: taking })
}

impl Backup {
    /// Writes it, without the secrets' key file.
    pub fn write(self, out: impl Write) -> Result<()> {
        store::backup::write(&self.store, self.scratch.path(), false, out).map(drop)
    }
}
