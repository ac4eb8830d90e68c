//! Queues runs.

use serde_json::{Map, Value as Json};

use super::{
    NO_SCRIPT, of,
    once::{Once, Queued},
    warning,
};
use crate::{
    app::App,
    auth::{Caller, Role},
    breakpoint,
    connector::{Connector, ConnectorType},
    engine::is_empty_script,
    error::{Code, Error, Result},
    execution::{Execution, TriggerType},
    id::{ExecutionId, FileId},
    service::{connector::open, file},
    store::{self, Transaction, file::StoredFile},
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
    /// Loads every row, whatever earlier runs loaded.
    pub disable_diff_check: bool,
    /// Is not held by the connector's guard.
    pub ignore_guard: bool,
    /// Over the connector's.
    pub sql_parameters: Map<String, Json>,
}

/// Checks, before any byte of an upload is read, that the caller may start a run of this connector.
/// `is_dry_run` is `None` while the form has not said it.
pub fn may_start(app: &App, caller: &Caller, name: &str, is_dry_run: Option<bool>) -> Result<Connector> {
    caller.may_trigger()?;
    if is_dry_run == Some(true) {
        caller.needs(Role::Runner)?;
    }
    let connector = app.store.control.read(|conn| open(conn, caller, name, Role::Sender))?;
    if is_dry_run == Some(false) && !has_script(app, &connector)? {
        return Err(Error::invalid(NO_SCRIPT));
    }
    if app.runner.is_stopping() {
        return Err(Error::new(Code::Busy, "The server is stopping."));
    }
    Ok(connector)
}

/// A live run needs a live script; without one an empty draft passes through.
fn has_script(app: &App, connector: &Connector) -> Result<bool> {
    app.store.control.read(|conn| {
        Ok(match store::script::live(conn, connector.id)? {
            Some(_) => true,
            None => match connector.connector_type {
                ConnectorType::Spreadsheet | ConnectorType::Schedule => {
                    is_empty_script(&store::script::draft(conn, connector.id)?.user_script)
                }
                ConnectorType::Webhook => false,
            },
        })
    })
}

/// Queues a run, unless the same request has queued one before. A live one of a connector that does not run
/// waits, and says so.
pub fn start(app: &App, caller: &Caller, name: &str, new: &NewRun, once: Option<Once>) -> Result<Queued> {
    start_and_then(app, caller, name, new, once, |_, _| Ok(()))
}

/// The same, and what follows for the file from that; see [`store::file::while_there_and_then`].
pub fn start_and_then(
    app: &App,
    caller: &Caller,
    name: &str,
    new: &NewRun,
    once: Option<Once>,
    then: impl FnOnce(&Transaction<'_>, &Queued) -> Result<()>,
) -> Result<Queued> {
    let connector = may_start(app, caller, name, Some(new.is_dry_run))?;
    let request = once.map(|once| once.by(caller, connector.id, new.trigger));
    if let Some(earlier) = app.store.control.read(|conn| Queued::earlier(app, conn, request.as_ref()))? {
        return Ok(earlier);
    }
    if new.use_draft && !new.is_dry_run {
        return Err(Error::invalid("use_draft: only a dry run can use the draft.").at("use_draft"));
    }
    check_parameters(&new.sql_parameters)?;
    let file = input_file(app, caller, &connector, new.input_file)?;
    if file.connector.is_none() {
        app.store.files.write(|tx| store::file::attach(tx, file.id, connector.id))?;
    }
    let insert = |tx: &Transaction<'_>| {
        // The same request may have come in between.
        if let Some(earlier) = Queued::earlier(app, tx, request.as_ref())? {
            return Ok(earlier);
        }
        let execution = queue(app, tx, caller, &connector, new, &file)?;
        if let Some(request) = &request {
            store::idempotency::note(tx, request, execution.id, execution.created)?;
        }
        Ok(Queued::new(execution, request.clone()))
    };
    let queue = || {
        let queued = app.store.control.write(insert)?;
        breakpoint::reach("queued");
        Ok(queued)
    };
    // Retention or a caller may be deleting the file: it is there until the execution names it.
    let queued = store::file::while_there_and_then(&app.store, file.id, queue, then)?
        .ok_or_else(|| file::missing(file.id, "source_file_id"))?;
    app.runner.wake();
    Ok(queued)
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
    file::named(app, caller, id, "source_file_id")
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
    let number = store::connector::note_run(tx, connector.id, now)?;
    let mut execution = Execution {
        is_dry_run: new.is_dry_run,
        use_draft: new.use_draft,
        disable_diff_check: new.disable_diff_check,
        ignore_guard: new.ignore_guard,
        started_by: Some(caller.member.id),
        started_by_key: Some(caller.key),
        input_file: Some(file.id),
        sql_parameters: new.sql_parameters.clone(),
        ..Execution::queued(connector.id, number, new.trigger, now)
    };
    store::execution::insert(tx, &execution, &file.name)?;
    let what = if new.is_dry_run { "Dry run" } else { "Run" };
    let message = format!("{what} {} started with {}.", execution.number, file.name);
    let actor = Some(caller.member.id);
    store::event::add(tx, Some(connector.id), now, "run_started", &message, actor, Some(execution.id))?;
    // Read inside the transaction: the status may have changed since.
    execution.warning = warning(tx, &execution)?;
    Ok(execution)
}

/// How an earlier run's input runs again; `None`: as it did then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Again {
    /// Does everything except write records.
    pub is_dry_run: Option<bool>,
    /// Loads every row, whatever earlier runs loaded.
    pub disable_diff_check: Option<bool>,
    /// Is not held by the connector's guard.
    pub ignore_guard: bool,
}

/// Runs the same input again, with today's live script and flow.
///
/// # Errors
/// `conflict` when the input file is gone.
pub fn rerun(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
    again: Again,
    once: Option<Once>,
) -> Result<Queued> {
    caller.needs(Role::Runner)?;
    let (connector, earlier) = of(app, caller, name, id)?;
    let request = once.clone().map(|once| once.by(caller, connector.id, TriggerType::Rerun));
    if let Some(earlier) = app.store.control.read(|conn| Queued::earlier(app, conn, request.as_ref()))? {
        return Ok(earlier);
    }
    let found = match earlier.input_file {
        Some(file) => app.store.files.read(|conn| store::file::find(conn, file))?,
        None => None,
    };
    if found.is_none() {
        return Err(Error::conflict("The input file of this run is not in the store any more."));
    }
    let new = NewRun {
        trigger: TriggerType::Rerun,
        input_file: earlier.input_file,
        is_dry_run: again.is_dry_run.unwrap_or(earlier.is_dry_run),
        use_draft: false,
        disable_diff_check: again.disable_diff_check.unwrap_or(earlier.disable_diff_check),
        ignore_guard: again.ignore_guard,
        sql_parameters: earlier.sql_parameters,
    };
    start(app, caller, name, &new, once)
}
