//! Files: who may read which.
//!
//! A file follows the connector that it is attached to, and every other that uses it; one that is not attached
//! yet belongs to who sent it: a member, or a key where that is limited. What a caller may not read does not exist for it: `not_found` where a path names the file,
//! `does_not_exist` where a body does. A file that is not registered yet exists for nobody; only one that
//! was sent straight to a connector is its sender's at once, who is about to queue the execution.

mod form;
mod incoming;
mod outgoing;
mod run;

pub use form::{Form, Sent, accept, give_form, register};
pub use incoming::{Incoming, keep, limit, too_large};
pub use outgoing::Outgoing;
pub use run::{RunOptions, UploadedRun, run};

use super::{event, paging::Paging};
pub use crate::store::file::{FileReader, Source, StoredFile};
use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Error, Result},
    id::FileId,
    store::{
        self,
        file::{Filter, Whose},
    },
};

/// Whether the caller may download the file.
///
/// A sender's key sees the executions that were started with it, so of a connector's files it may read what those read
/// and made, and what it sent itself.
pub fn may_read(app: &App, caller: &Caller, file: &StoredFile) -> Result<bool> {
    let own = owns(caller, file);
    if !(file.registered || own && file.source == Source::Upload) {
        return Ok(false);
    }
    let Some(connector) = file.connector else {
        return Ok(own || (caller.role >= Role::Admin && caller.connectors.is_none()));
    };
    // Files of one that is deleted go soon, and are gone for everybody until then.
    if !app.store.control.read(|conn| store::connector::is_there(conn, connector))? {
        return Ok(false);
    }
    let reaches = caller.reaches(connector);
    if reaches && (own || caller.role >= Role::Viewer) {
        return Ok(true);
    }
    app.store.control.read(|conn| match &caller.connectors {
        _ if caller.role < Role::Viewer => store::file::is_of_run_with(conn, file.id, caller.key),
        // A run of its connector reads it: what it may see of that run it may see here.
        Some(reached) => store::file::is_used_by(conn, file.id, reached),
        None => Ok(false),
    })
}

/// Whether the caller sent the file. The keys of a member share what it sent, but for those that do less than
/// the member: a sender's, and one that is limited to connectors.
fn owns(caller: &Caller, file: &StoredFile) -> bool {
    if caller.role >= Role::Viewer && caller.connectors.is_none() {
        return file.owner == Some(caller.member.id);
    }
    file.owner_key == Some(caller.key)
}

fn readable(app: &App, caller: &Caller, id: FileId) -> Result<Option<StoredFile>> {
    match app.store.files.read(|conn| store::file::find(conn, id))? {
        Some(file) if may_read(app, caller, &file)? => Ok(Some(file)),
        _ => Ok(None),
    }
}

/// The file that a path names.
///
/// # Errors
/// `not_found`, also for a file that the caller may not download.
pub fn find_readable(app: &App, caller: &Caller, id: FileId) -> Result<StoredFile> {
    readable(app, caller, id)?.ok_or_else(|| Error::not_found("file"))
}

/// The file that a body or query names at `path`.
///
/// # Errors
/// `does_not_exist`, also for a file that the caller may not download.
pub fn named(app: &App, caller: &Caller, id: FileId, path: &str) -> Result<StoredFile> {
    readable(app, caller, id)?.ok_or_else(|| missing(id, path))
}

/// The file that a body or query names at `path` is not there, or not for the caller.
#[must_use]
pub fn missing(id: FileId, path: &str) -> Error {
    Error::does_not_exist(format!("{path}: No such file: {id}.")).at(path)
}

/// The files that the caller may download, by part of their name.
pub fn list(app: &App, caller: &Caller, search: &str, paging: Paging) -> Result<(u64, Vec<StoredFile>)> {
    caller.needs(Role::Viewer)?;
    let whose = match &caller.connectors {
        Some(reached) => app.store.control.read(|conn| {
            let there = store::connector::ids(conn)?;
            let connectors = reached.iter().filter(|id| there.contains(id)).copied().collect();
            Ok(Whose::Key { key: caller.key, connectors, used: store::file::used_by(conn, reached)? })
        })?,
        None if caller.role >= Role::Admin => Whose::All,
        None => Whose::Member(caller.member.id),
    };
    let filter = Filter { search: search.to_owned(), whose };
    app.store.files.read(|conn| store::file::list(conn, &filter, paging.limit(), paging.offset()))
}

/// A file's bytes, to be read from any place.
pub fn open(app: &App, caller: &Caller, id: FileId) -> Result<(StoredFile, FileReader)> {
    let file = find_readable(app, caller, id)?;
    let reader = FileReader::open(&app.store, &file);
    Ok((file, reader))
}

/// Removes a file.
///
/// # Errors
/// `conflict` while a connector, a script or an execution names it; `permission_required` for what is
/// not the caller's own, unless it is an admin.
pub fn delete(app: &App, caller: &Caller, id: FileId) -> Result<()> {
    let file = find_readable(app, caller, id)?;
    if file.connector.is_some() || !owns(caller, &file) {
        caller.needs(Role::Admin)?;
    }
    if let Some(user) = store::file::delete_unless_used(&app.store, id)? {
        return Err(Error::conflict(format!("The file {:?} is used by {user}.", file.name)));
    }
    event::tell(app, caller, "deleted", &format!("The file {:?} was deleted.", file.name))
}
