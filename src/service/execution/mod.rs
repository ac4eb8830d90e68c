//! Executions: start, watch, cancel, run again.

mod start;
mod told;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

pub use start::{NewRun, may_start, rerun, start};
pub use told::{KeptRow, logs, rows, script};

use super::{connector::open, paging::Paging};
pub use crate::store::{
    execution::{Filter, ORDERINGS},
    log::Line,
    object::Named,
};
use crate::{
    app::App,
    auth::{Caller, Member, Role},
    connector::{Connector, Status},
    error::{Error, Result},
    execution::{Counters, Execution, Progress, State},
    id::{ConnectorId, ExecutionId, FileId, MemberId},
    store::{self, Database, file::StoredFile},
};

/// An execution with what its row shows besides.
#[derive(Debug, Clone)]
pub struct ExecutionView {
    /// The row.
    pub execution: Execution,
    /// Its connector.
    pub connector: Connector,
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

/// Told from the connector's status of now, never kept: it changes while the execution waits.
fn why_it_waits(execution: &Execution, status: Status) -> Option<String> {
    let waits = !execution.is_dry_run && !status.runs();
    waits
        .then(|| format!("The connector is {}; this execution starts when it is activated.", status.as_str()))
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
    if caller.role == Role::Sender && execution.started_by != Some(caller.member.id) {
        return Err(Error::not_found("execution"));
    }
    Ok((connector, execution))
}

/// One execution.
pub fn get(app: &App, caller: &Caller, name: &str, id: ExecutionId) -> Result<ExecutionView> {
    caller.needs(Role::Sender)?;
    let (connector, execution) = of(app, caller, name, id)?;
    view(app, execution, connector, objects(app)?)
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
        filter.started_by = Some(caller.member.id);
    }
    let (count, executions) = app
        .store
        .control
        .read(|conn| store::execution::list(conn, &filter, paging.limit(), paging.offset()))?;
    let objects = objects(app)?;
    let mut connectors: HashMap<ConnectorId, Connector> = HashMap::new();
    let mut views = Vec::with_capacity(executions.len());
    for execution in executions {
        let connector = match connectors.entry(execution.connector_id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                let id = execution.connector_id.to_string();
                unknown.insert(app.store.control.read(|conn| store::connector::named(conn, &id))?).clone()
            }
        };
        views.push(view(app, execution, connector, Arc::clone(&objects))?);
    }
    Ok((count, views))
}

fn objects(app: &App) -> Result<Arc<Vec<Named>>> {
    app.store.records.read(store::object::names).map(Arc::new)
}

fn view(
    app: &App,
    mut execution: Execution,
    connector: Connector,
    objects: Arc<Vec<Named>>,
) -> Result<ExecutionView> {
    if !execution.state.has_ended()
        && let Some(progress) = app.runner.progress(execution.id)
    {
        show_progress(&mut execution, &progress);
    }
    if execution.state == State::Queued {
        execution.warning = why_it_waits(&execution, connector.status);
    }
    let member = |id: Option<MemberId>| match id {
        Some(id) => app.store.control.read(|conn| store::member::find(conn, id)),
        None => Ok(None),
    };
    let file = |id: Option<FileId>| match id {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id)),
        None => Ok(None),
    };
    let queue_position = match execution.state {
        State::Queued => {
            Some(app.store.control.read(|conn| store::execution::queue_position(conn, execution.id))?)
        }
        _ => None,
    };
    Ok(ExecutionView {
        started_by: member(execution.started_by)?,
        cancelled_by: member(execution.cancelled_by)?,
        files: [file(execution.input_file)?, file(execution.final_report)?, file(execution.sql_output_zip)?],
        queue_position,
        execution,
        connector,
        objects,
    })
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
    let now = app.clock.now();
    // Before anything is written: a cancel never waits for a load. An execution that has ended sees
    // nothing of it.
    app.runner.cancel(id);
    let asked = app.store.control.write(|tx| {
        let asked = store::execution::request_cancel(tx, id, Some(caller.member.id), now)?;
        if asked {
            let actor = Some(caller.member.id);
            store::event::add(
                tx,
                Some(connector.id),
                now,
                "run_cancelled",
                "Cancel asked.",
                actor,
                Some(id),
            )?;
        }
        Ok(asked)
    })?;
    // It may have been claimed between the two.
    app.runner.cancel(id);
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
