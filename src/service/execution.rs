//! Executions: start, watch, cancel, run again.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use serde_json::{Map, Value as Json};

use super::{
    connector::{ScriptView, view_script},
    paging::Paging,
};
use crate::{
    app::App,
    auth::{Caller, Member, Role},
    connector::{Connector, ConnectorType, Status},
    engine::is_empty_script,
    error::{Code, Error, Result},
    execution::{Counters, Execution, Progress, RowOutcome, RowStatus, State, TriggerType},
    id::{ConnectorId, ExecutionId, FileId, MemberId, RecordId},
    script::Script,
    store::{self, Database, Transaction, file::StoredFile},
};

pub use crate::store::{
    execution::{Filter, ORDERINGS},
    log::Line,
    object::Named,
};

/// A run to be queued.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// What starts it.
    pub trigger: TriggerType,
    /// What it reads; `None`: the reference file.
    pub input_file: Option<FileId>,
    /// Does everything except write records.
    pub is_dry_run: bool,
    /// A dry run of the draft.
    pub use_draft: bool,
    /// Over the connector's.
    pub sql_parameters: Map<String, Json>,
}

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

/// The connector of a path, when the caller may see it at all.
pub fn connector(app: &App, caller: &Caller, name: &str) -> Result<Connector> {
    let connector = app.store.control.read(|conn| store::connector::named(conn, name))?;
    if caller.reaches(connector.id) { Ok(connector) } else { Err(Error::not_found("connector")) }
}

/// Checks, before any byte of an upload is read, that the caller may start a run of this connector.
/// `is_dry_run` is `None` while the form has not said it.
pub fn may_start(app: &App, caller: &Caller, name: &str, is_dry_run: Option<bool>) -> Result<Connector> {
    // A sender triggers and nothing else; a viewer reads and does not trigger.
    if is_dry_run == Some(true) || caller.role != Role::Sender {
        caller.needs(Role::Runner)?;
    }
    let connector = connector(app, caller, name)?;
    if is_dry_run == Some(false) {
        has_script(app, &connector)?;
    }
    if app.runner.is_stopping() {
        return Err(Error::new(Code::Busy, "The server is stopping."));
    }
    Ok(connector)
}

/// A live run needs a live script; without one an empty draft passes through.
fn has_script(app: &App, connector: &Connector) -> Result<()> {
    let found = app.store.control.read(|conn| {
        Ok(match store::script::live(conn, connector.id)? {
            Some(_) => true,
            None => {
                connector.connector_type == ConnectorType::Spreadsheet
                    && is_empty_script(&store::script::draft(conn, connector.id)?.user_script)
            }
        })
    })?;
    if found {
        return Ok(());
    }
    Err(Error::invalid("The connector has no published script. Publish one first."))
}

/// Queues a run. A live one of a connector that does not run waits, and says so.
pub fn start(app: &App, caller: &Caller, name: &str, new: &NewRun) -> Result<Execution> {
    let connector = may_start(app, caller, name, Some(new.is_dry_run))?;
    if new.use_draft && !new.is_dry_run {
        return Err(Error::invalid("use_draft: only a dry run can use the draft.").at("use_draft"));
    }
    check_parameters(&new.sql_parameters)?;
    let file = input_file(app, caller, &connector, new.input_file)?;
    app.store.files.write(|tx| store::file::attach(tx, file.id, connector.id))?;
    let execution = app.store.control.write(|tx| queue(app, tx, caller, &connector, new, &file))?;
    app.runner.wake();
    Ok(execution)
}

fn check_parameters(parameters: &Map<String, Json>) -> Result<()> {
    for (name, value) in parameters {
        if value.is_array() || value.is_object() {
            return Err(Error::invalid(format!(
                "sql_parameters.{name}: expected text, a number, true, false or null"
            ))
            .at("sql_parameters"));
        }
    }
    Ok(())
}

fn input_file(app: &App, caller: &Caller, connector: &Connector, id: Option<FileId>) -> Result<StoredFile> {
    let Some(id) = id.or(connector.source_file) else {
        return Err(Error::invalid(
            "The connector has no reference file. Send source_file_id, or attach a file first.",
        )
        .at("source_file_id"));
    };
    super::file::named(app, caller, id, "source_file_id")
}

fn queue(
    app: &App,
    tx: &Transaction<'_>,
    caller: &Caller,
    connector: &Connector,
    new: &NewRun,
    file: &StoredFile,
) -> Result<Execution> {
    if store::execution::queued(tx)? >= i64::from(app.config.runner.max_queued) {
        return Err(Error::new(
            Code::Busy,
            format!("{} executions wait already (runner.max_queued).", app.config.runner.max_queued),
        ));
    }
    let now = app.clock.now();
    // Read again inside the transaction: the status may have changed since.
    let status = store::connector::named(tx, &connector.id.to_string())?.status;
    let mut execution = Execution {
        id: ExecutionId::new(),
        connector_id: connector.id,
        number: store::connector::note_run(tx, connector.id, now)?,
        state: State::Queued,
        trigger: new.trigger,
        is_dry_run: new.is_dry_run,
        use_draft: new.use_draft,
        started_by: Some(caller.member.id),
        created: now,
        started_at: None,
        ended_at: None,
        error_details: None,
        warning: None,
        stages: Vec::new(),
        totals: Counters::default(),
        input_file: Some(file.id),
        final_report: None,
        sql_output_zip: None,
        sql_parameters: new.sql_parameters.clone(),
        cancelled_by: None,
        cancel_requested_at: None,
        script_id: None,
        sql_version: None,
        outcomes_cut: 0,
    };
    store::execution::insert(tx, &execution, &file.name)?;
    let what = if new.is_dry_run { "Dry run" } else { "Run" };
    let message = format!("{what} {} started with {}.", execution.number, file.name);
    let actor = Some(caller.member.id);
    store::event::add(tx, Some(connector.id), now, "run_started", &message, actor, Some(execution.id))?;
    execution.warning = why_it_waits(&execution, status);
    Ok(execution)
}

/// Told from the connector's status of now, never kept: it changes while the execution waits.
fn why_it_waits(execution: &Execution, status: Status) -> Option<String> {
    let waits = !execution.is_dry_run && !status.runs();
    waits
        .then(|| format!("The connector is {}; this execution starts when it is activated.", status.as_str()))
}

/// The execution of a path, when the caller may see it.
pub(super) fn of(app: &App, caller: &Caller, name: &str, id: ExecutionId) -> Result<(Connector, Execution)> {
    let connector = connector(app, caller, name)?;
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
        filter.connector = Some(connector(app, caller, name)?.id);
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
    let mut totals = Counters::default();
    for counters in execution.stages.iter().flat_map(|stage| &stage.steps).filter_map(|step| step.counters) {
        totals.add(&counters);
    }
    execution.totals = totals;
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

/// Runs the same input again, with today's live script and flow.
pub fn rerun(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
    is_dry_run: Option<bool>,
) -> Result<Execution> {
    caller.needs(Role::Runner)?;
    let (_, earlier) = of(app, caller, name, id)?;
    let new = NewRun {
        trigger: TriggerType::Rerun,
        input_file: earlier.input_file,
        is_dry_run: is_dry_run.unwrap_or(earlier.is_dry_run),
        use_draft: false,
        sql_parameters: earlier.sql_parameters,
    };
    start(app, caller, name, &new)
}

/// The script as a run used it; before it is claimed, today's.
pub fn script(app: &App, caller: &Caller, name: &str, id: ExecutionId) -> Result<ScriptView> {
    caller.needs(Role::Viewer)?;
    let (connector, execution) = of(app, caller, name, id)?;
    let script = app.store.control.read(|conn| {
        let Some(snapshot) = store::execution::snapshot(conn, id)? else {
            return store::script::of_run(conn, &execution);
        };
        // The row may have been edited or replaced since: what ran is in the snapshot.
        let row = store::script::version(conn, snapshot.script_id)?;
        let row = row.map_or_else(|| store::script::draft(conn, connector.id), Ok)?;
        Ok(Script {
            id: snapshot.script_id,
            sql_version: snapshot.sql_version,
            user_script: snapshot.user_script,
            config_metadata: snapshot.config_metadata,
            ..row
        })
    })?;
    view_script(app, script)
}

/// A kept row and the record that it is about.
pub type KeptRow = (RowOutcome, Option<RecordId>);

/// One page of a run's kept rows, each with the record that it is about.
pub fn rows(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
    which: (Option<&str>, Option<RowStatus>),
    paging: Paging,
) -> Result<(u64, Vec<KeptRow>)> {
    caller.needs(Role::Sender)?;
    let (_, execution) = of(app, caller, name, id)?;
    let (scope, status) = which;
    let (count, rows) = outcomes_in(app, &execution)
        .read(|conn| store::outcome::list(conn, id, scope, status, paging.limit(), paging.offset()))?;
    let snapshot = app.store.control.read(|conn| store::execution::snapshot(conn, id))?;
    let loads = snapshot.map(|snapshot| snapshot.loads).unwrap_or_default();
    let object = |step: i64| loads.iter().find(|load| load.order == step).map(|load| load.custom_object);
    let rows = rows
        .into_iter()
        .map(|row| {
            let record = row.record.and_then(|n| object(row.step).map(|object| RecordId::of(object, n)));
            (row, record)
        })
        .collect();
    Ok((count, rows))
}

/// Where a run's row outcomes are: a dry run never writes to `records.db`.
pub(super) fn outcomes_in<'a>(app: &'a App, execution: &Execution) -> &'a Database {
    if execution.is_dry_run { &app.store.control } else { &app.store.records }
}

/// One page of a run's log: of a running one what there is so far.
pub fn logs(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
    paging: Paging,
) -> Result<(u64, Vec<Line>)> {
    caller.needs(Role::Sender)?;
    let (_, execution) = of(app, caller, name, id)?;
    let Some(progress) = app.runner.progress(id).filter(|_| !execution.state.has_ended()) else {
        return app.store.control.read(|conn| store::log::list(conn, id, paging.limit(), paging.offset()));
    };
    let lines = progress.log_lines();
    let count = lines.len() as u64;
    let page = lines
        .into_iter()
        .zip(1..)
        .skip(usize::try_from(paging.offset()).unwrap_or(usize::MAX))
        .take(paging.size as usize)
        .map(|(line, n)| Line {
            n,
            at: line.at,
            level: line.level.to_owned(),
            stage: line.stage.map(|stage| stage.as_str().to_owned()),
            message: line.message,
        })
        .collect();
    Ok((count, page))
}
