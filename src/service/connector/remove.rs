//! Deleting a connector.
//!
//! One transaction forgets it and all that is told of it. What that leaves, however much it is, nobody waits for: the
//! outcomes of its runs and its files go in the background. From the first moment its files are there for nobody.

use super::open;
use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Error, Result},
    execution::State,
    id::ConnectorId,
    store,
};

/// Deletes a connector with its scripts, runs and files; records stay.
///
/// # Errors
/// `conflict` while a run is running.
pub fn remove(app: &App, caller: &Caller, name: &str) -> Result<()> {
    let now = app.clock.now();
    let (connector, draft) = app.store.control.write(|tx| {
        let connector = open(tx, caller, name, Role::Admin)?;
        let running =
            store::execution::in_states(tx, Some(connector.id), &[State::InProgress, State::Cancelling])?;
        if let Some(execution) = running.first() {
            return Err(Error::conflict(format!(
                "The connector has a running execution ({}). Cancel it, or wait until it has ended.",
                execution.id
            )));
        }
        let draft = store::script::draft(tx, connector.id)?;
        store::connector::delete(tx, connector.id)?;
        let message = format!("The connector {} ({}) was deleted.", connector.name, connector.api_name);
        store::event::add(tx, None, now, "deleted", &message, Some(caller.member.id), None)?;
        Ok((connector, draft))
    })?;
    app.runner.cancel_sample(draft.id);
    // It is deleted, whatever fails from here on: what is not done now the runner does.
    if let Err(error) = hand_over_files(app, connector.id) {
        log::warn!("connector={} its files are handed over later: {error}", connector.id);
    }
    // What waits in its inbox goes with it.
    app.runner.forget_connector(connector.id);
    Ok(())
}

/// The files that another connector reads too follow that one now.
fn hand_over_files(app: &App, connector: ConnectorId) -> Result<()> {
    let files = app.store.files.read(|conn| store::file::of_connector(conn, connector))?;
    let users = app.store.control.read(|conn| store::connector::users_of_files(conn, &files))?;
    if users.is_empty() {
        return Ok(());
    }
    app.store
        .files
        .write(|tx| users.iter().try_for_each(|(file, user)| store::file::hand_over(tx, *file, *user)))
}
