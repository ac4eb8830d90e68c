//! Executions: start, watch, cancel, run again.

mod once;
mod start;
mod told;

use std::{collections::HashMap, sync::Arc};

pub use once::{Once, Queued, checked_key};
pub use start::{Again, NewRun, may_start, rerun, start, start_and_then};
pub use told::{KeptRow, logs, rows, script};

use super::{connector::open, paging::Paging};
pub use crate::store::{
    connector::Owner,
    execution::{Filter, ORDERINGS},
    log::Line,
    object::Named,
};
use crate::{
    app::App,
    auth::{Caller, Member, Role},
    breakpoint,
    connector::Connector,
    engine::is_empty_script,
    error::{Error, Result},
    execution::{Counters, Execution, Progress, State},
    id::{ExecutionId, FileId, MemberId},
    runner::{self, cancel::Asked},
    store::{self, Connection, Database, file::StoredFile},
};

/// Why a live run is refused, or waits.
const NO_SCRIPT: &str = "The connector has no published script. Publish one first.";

/// An execution with what its row shows besides.
#[derive(Debug, Clone)]
pub struct ExecutionView {
    /// The row.
    pub execution: Execution,
    /// Its connector.
    pub connector: Owner,
    /// Who started it.
    pub started_by: Option<Member>,
    /// Who asked to cancel it.
    pub cancelled_by: Option<Member>,
    /// Its input, report and ZIP.
    pub files: [Option<StoredFile>; 3],
    /// While it waits: how many wait before it.
    pub queue_position: Option<i64>,
    /// The objects that it may mention.
    pub objects: Arc<Vec<Named>>,
}

/// Told from the connector of now, never kept: it changes while the execution waits.
fn why_it_waits(execution: &Execution, connector: &Owner) -> Option<String> {
    if execution.is_dry_run {
        return None;
    }
    if !connector.status.runs() {
        let status = connector.status.as_str();
        return Some(format!("The connector is {status}; this execution starts when it is activated."));
    }
    (!connector.has_script).then(|| NO_SCRIPT.to_owned())
}

/// What a queued execution waits for, else its own warning.
fn warning(conn: &Connection, execution: &Execution) -> Result<Option<String>> {
    if execution.state != State::Queued {
        return Ok(execution.warning.clone());
    }
    let owners = store::connector::owners(conn, &[execution.connector_id], is_empty_script)?;
    Ok(owners.get(&execution.connector_id).and_then(|owner| why_it_waits(execution, owner)))
}

/// The execution of a path, when the caller may see it.
pub(in crate::service) fn of(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
) -> Result<(Connector, Execution)> {
    let connector = app.store.control.read(|conn| open(conn, caller, name, Role::Sender))?;
    let execution = app.store.control.read(|conn| store::execution::of_connector(conn, connector.id, id))?;
    if caller.role == Role::Sender && execution.started_by_key != Some(caller.key) {
        return Err(Error::not_found("execution"));
    }
    Ok((connector, execution))
}

/// One execution.
pub fn get(app: &App, caller: &Caller, name: &str, id: ExecutionId) -> Result<ExecutionView> {
    caller.needs(Role::Sender)?;
    let (_, execution) = of(app, caller, name, id)?;
    views(app, Some(caller), vec![execution])?.pop().ok_or_else(|| Error::not_found("execution"))
}

/// One execution, for the server's own use.
pub fn view(app: &App, id: ExecutionId) -> Result<Option<ExecutionView>> {
    let execution = app.store.control.read(|conn| store::execution::find(conn, id))?;
    Ok(views(app, None, execution.into_iter().collect())?.pop())
}

/// One page of executions, of one connector or of all.
pub fn list(
    app: &App,
    caller: &Caller,
    name: Option<&str>,
    mut filter: Filter,
    paging: Paging,
) -> Result<(u64, Vec<ExecutionView>)> {
    caller.needs(Role::Sender)?;
    if let Some(name) = name {
        filter.connector = Some(app.store.control.read(|conn| open(conn, caller, name, Role::Sender))?.id);
    }
    filter.connectors.clone_from(&caller.connectors);
    if caller.role == Role::Sender {
        filter.started_by_key = Some(caller.key);
    }
    let (count, executions) = app
        .store
        .control
        .read(|conn| store::execution::list(conn, &filter, paging.limit(), paging.offset()))?;
    Ok((count, views(app, Some(caller), executions)?))
}

/// Executions with what their rows show besides: one look-up per kind, however many they are. Without a caller
/// they are for the server's own use, with everybody in them.
fn views(app: &App, caller: Option<&Caller>, mut executions: Vec<Execution>) -> Result<Vec<ExecutionView>> {
    for execution in executions.iter_mut().filter(|execution| !execution.state.has_ended()) {
        if let Some(progress) = app.runner.progress(execution.id) {
            show_progress(execution, &progress);
        }
    }
    let objects = app.store.records.read(store::object::names).map(Arc::new)?;
    let waiting: Vec<_> = executions.iter().filter(|e| e.state == State::Queued).map(|e| e.id).collect();
    let named: Vec<_> = executions.iter().flat_map(|e| [e.started_by, e.cancelled_by]).flatten().collect();
    let of: Vec<_> = executions.iter().map(|execution| execution.connector_id).collect();
    let (positions, members, owners) = app.store.control.read(|conn| {
        let positions = if waiting.is_empty() {
            HashMap::new()
        } else {
            store::execution::queue_positions(conn, &waiting)?
        };
        Ok((
            positions,
            store::member::with_ids(conn, &named)?,
            store::connector::owners(conn, &of, is_empty_script)?,
        ))
    })?;
    let ids: Vec<_> = executions.iter().flat_map(files_of).flatten().collect();
    let files = app.store.files.read(|conn| store::file::with_ids(conn, &ids))?;
    let view = |mut execution: Execution| {
        // One that was deleted since the page was read is no longer shown.
        let connector = owners.get(&execution.connector_id)?.clone();
        if execution.state == State::Queued {
            execution.warning = why_it_waits(&execution, &connector);
        }
        let member = |id: Option<MemberId>| {
            let found = id.and_then(|id| members.get(&id).cloned());
            caller.map_or(found.clone(), |caller| caller.sees(found))
        };
        Some(ExecutionView {
            started_by: member(execution.started_by),
            cancelled_by: member(execution.cancelled_by),
            files: files_of(&execution).map(|id| id.and_then(|id| files.get(&id).cloned())),
            queue_position: positions.get(&execution.id).copied(),
            objects: Arc::clone(&objects),
            execution,
            connector,
        })
    };
    Ok(executions.into_iter().filter_map(view).collect())
}

/// Its input, report and ZIP.
fn files_of(execution: &Execution) -> [Option<FileId>; 3] {
    [execution.input_file, execution.final_report, execution.sql_output_zip]
}

/// A running execution's row in the database is as it was claimed; its progress is in memory.
fn show_progress(execution: &mut Execution, progress: &Progress) {
    execution.stages = progress.stages();
    execution.totals = Counters::of_stages(&execution.stages);
}

/// Asks to cancel. Answers whether this call asked (202) or it was asked before (200).
pub fn cancel(app: &App, caller: &Caller, name: &str, id: ExecutionId) -> Result<(bool, ExecutionView)> {
    caller.needs(Role::Runner)?;
    let (connector, _) = of(app, caller, name, id)?;
    let by = Asked { by: caller.member.id, at: app.clock.now() };
    let was_told = app.runner.ask_to_cancel(id, by);
    breakpoint::reach("cancel_told");
    let written = app.store.control.write(|tx| runner::cancel::write(tx, connector.id, id, by));
    // It may have been claimed between the two.
    let was_told = app.runner.ask_to_cancel(id, by) || was_told;
    let asked = written? || was_told;
    let view = get(app, caller, name, id)?;
    let state = view.execution.state;
    let was_cancelled = matches!(state, State::Cancelling | State::Cancelled);
    if !asked && !was_cancelled {
        return Err(Error::conflict(format!("The execution has ended already: {}.", state.as_str())));
    }
    Ok((asked, view))
}

/// Where a run's row outcomes are: a dry run never writes to `records.db`.
pub(in crate::service) fn outcomes_in<'a>(app: &'a App, execution: &Execution) -> &'a Database {
    if execution.is_dry_run { &app.store.control } else { &app.store.records }
}
