//! Changing a connector: decided in full, then written in one transaction.

use super::{
    Detail, check_settings,
    detail::{self, queued_live},
    index, locale, notification_settings, objects, open, reach, reference_tables, schedule, warn,
    webhook_settings,
};
use crate::{
    app::App,
    auth::{Caller, Role},
    connector::{
        Connector, Guard, Status, seed, steps, validate, variables,
        written::{ConnectorPatch, WrittenSeed},
    },
    error::{Error, Result},
    execution::{Execution, State},
    id::{ExecutionId, FilterGroupId, ObjectId, VariableId},
    script::{InputTable, Script},
    service::file,
    store::{self, Connection, Transaction},
};

/// Changes a connector. Nothing is written unless everything is right.
pub fn patch(app: &App, caller: &Caller, name: &str, patch: ConnectorPatch) -> Result<Detail> {
    // A first decision on a reader: a refusal takes no lock, and the file is read outside of one.
    let before = app.store.control.read(|conn| open(conn, caller, name, Role::Editor))?;
    let reference = reference(app, caller, &before, &patch)?;
    app.store.control.read(|conn| {
        decide(app, caller, conn, before.clone(), patch.clone(), reference.as_deref()).map(drop)
    })?;
    let change = || {
        app.store.control.write(|tx| {
            let before = open(tx, caller, name, Role::Editor)?;
            let decided = decide(app, caller, tx, before, patch, reference.as_deref())?;
            write(app, caller, tx, decided)
        })
    };
    let (connector, answer) = match reference.as_ref().and_then(|tables| tables.first()?.file_id) {
        Some(file) => {
            app.store.files.write(|tx| store::file::attach(tx, file, before.id))?;
            // Retention or a caller may be deleting it: it is there until the connector names it.
            store::file::while_there(&app.store, file, change)?
                .ok_or_else(|| file::missing(file, "source_file_id"))?
        }
        None => change()?,
    };
    for execution in answer.cancelled {
        app.runner.cancel(execution);
    }
    // A change of status or of max_concurrency may let queued runs start.
    app.runner.wake();
    if connector.loads != before.loads {
        index::ensure(app, &connector);
    }
    let detail = app.store.control.read(|conn| detail::view(app, caller, conn, connector))?;
    let mut warnings = answer.warnings;
    warnings.extend(detail.warning.clone());
    let warning = (!warnings.is_empty()).then(|| warnings.join(" "));
    Ok(Detail { warning, queued: answer.queued, ..detail })
}

/// What a save comes to.
struct Decided {
    before: Connector,
    after: Connector,
    draft: Option<Script>,
    cancel_queued: bool,
    /// Whether the body named a status.
    status_named: bool,
    warnings: Vec<String>,
}

/// The new reference file as input tables, when there is one.
fn reference(
    app: &App,
    caller: &Caller,
    before: &Connector,
    patch: &ConnectorPatch,
) -> Result<Option<Vec<InputTable>>> {
    let Some(Some(id)) = patch.source_file_id else { return Ok(None) };
    let file = file::named(app, caller, id, "source_file_id")?;
    let options = patch.input_options.as_ref().unwrap_or(&before.input_options);
    reference_tables(app, &file, before.connector_type, options).map(Some)
}

fn decide(
    app: &App,
    caller: &Caller,
    conn: &Connection,
    before: Connector,
    patch: ConnectorPatch,
    reference: Option<&[InputTable]>,
) -> Result<Decided> {
    let mut after = before.clone();
    let status = patch.status.as_deref().map(validate::status).transpose()?;
    if patch.cancel_queued.is_some() && status.is_none() {
        return Err(Error::invalid("cancel_queued goes with status").at("cancel_queued"));
    }
    let cancel_queued = patch.cancel_queued.unwrap_or_default();
    let objects = objects(app, named_objects(&before, &patch))?;
    reach::check(app, conn, caller, &patch)?;
    let status_named = status.is_some();
    let mut warnings = Vec::new();
    settings(app, &before, &mut after, &patch)?;
    if let Some(sent) = patch.webhook_settings {
        after.webhook_settings = webhook_settings(app, &after, sent)?;
    }
    if let Some(sent) = patch.notification_settings {
        after.notification_settings = notification_settings(app, &after, sent)?;
    }
    if let Some(sent) = patch.execution_variables {
        after.variables = variables::merged(&before, sent, locale(app))?;
        warnings.extend(warn::of_variables(&before, &after));
    }
    // The rules of what goes in this save go first: what a flow in the same save leaves out stays without them.
    let gone = dropped(&before, &after);
    after.loads = steps::without_rules_of(before.loads.clone(), &gone);
    if let Some(sent) = patch.flow {
        let saved = Connector { loads: after.loads, ..before.clone() };
        after.loads = steps::merged(&saved, sent, &after.variables, &objects)?;
        warnings.extend(warn::of_steps(&before, &after));
    }
    warnings.extend(warn::of_lost_rules(&before, &after, &gone));
    if let Some(sent) = patch.kizen_data_seeds {
        let groups = groups(app, &sent)?;
        after.seeds = seed::merged(&before.seeds, sent, &objects, &groups)?;
    }
    let mut draft = None;
    if let Some(file) = patch.source_file_id {
        after.source_file = file;
        draft = reference.map(|tables| with_input(app, conn, &before, tables)).transpose()?.flatten();
    }
    if let Some(status) = status {
        if status == Status::Operational && before.status != status {
            validate::can_activate(&after, &objects)?;
        }
        after.status = status;
    }
    Ok(Decided { before, after, draft, cancel_queued, status_named, warnings })
}

/// The plain keys.
fn settings(app: &App, before: &Connector, after: &mut Connector, patch: &ConnectorPatch) -> Result<()> {
    if let Some(name) = &patch.name {
        after.name = validate::name(name)?;
    }
    if let Some(api_name) = &patch.api_name
        && *api_name != after.api_name
    {
        validate::api_name(api_name)?;
        after.api_name.clone_from(api_name);
    }
    if let Some(description) = &patch.description {
        after.description.clone_from(description);
    }
    if let Some(parameters) = &patch.sql_parameters {
        after.sql_parameters.clone_from(parameters);
    }
    validate::integration_secrets(patch.integration_secrets.as_deref().unwrap_or_default())?;
    schedule::change(app, after, patch)?;
    after.retention_days = patch.retention_days.unwrap_or(after.retention_days);
    after.retention_runs = patch.retention_runs.unwrap_or(after.retention_runs);
    after.max_concurrency = patch.max_concurrency.unwrap_or(after.max_concurrency);
    if let Some(options) = &patch.input_options {
        after.input_options.clone_from(options);
    }
    after.diff_check_enabled = patch.diff_check_enabled.unwrap_or(after.diff_check_enabled);
    if let Some(guard) = patch.guard {
        after.guard = guard.filter(Guard::limits);
    }
    if let Some(timeout) = patch.timeout_s {
        after.timeout_s = timeout;
    }
    check_settings(app, Some(before), after)
}

/// The objects that the saved and the sent configuration are about.
fn named_objects(before: &Connector, patch: &ConnectorPatch) -> Vec<ObjectId> {
    let saved = before.loads.iter().map(|step| step.custom_object);
    saved.chain(reach::named(patch).0.into_iter().map(|(id, _)| id)).collect()
}

/// The filter groups that the sent seeds name, each with its object.
fn groups(app: &App, sent: &[WrittenSeed]) -> Result<Vec<(FilterGroupId, ObjectId)>> {
    let named = sent.iter().filter_map(|seed| Some((seed.group_id?, seed.custom_object_id?)));
    app.store.records.read(|conn| {
        let mut groups = Vec::new();
        for (group, object) in named {
            groups.extend(store::filter_group::find(conn, object, group)?.map(|_| (group, object)));
        }
        Ok(groups)
    })
}

/// The variables that go.
fn dropped(before: &Connector, after: &Connector) -> Vec<VariableId> {
    let stays = |id: VariableId| after.variables.iter().any(|variable| variable.id == id);
    before.variables.iter().map(|variable| variable.id).filter(|id| !stays(*id)).collect()
}

/// The draft with the new input tables; `None`: it has them already, and its sample still shows what it does.
fn with_input(
    app: &App,
    conn: &Connection,
    connector: &Connector,
    tables: &[InputTable],
) -> Result<Option<Script>> {
    let mut draft = store::script::draft(conn, connector.id)?;
    if draft.config_metadata.input_tables == tables {
        return Ok(None);
    }
    draft.config_metadata.input_tables = tables.to_vec();
    draft.edited(app.clock.now());
    Ok(Some(draft))
}

/// What the answer tells besides the connector.
struct Answer {
    warnings: Vec<String>,
    queued: Option<Vec<Execution>>,
    /// The running ones that are to stop.
    cancelled: Vec<ExecutionId>,
}

fn write(app: &App, caller: &Caller, tx: &Transaction<'_>, decided: Decided) -> Result<(Connector, Answer)> {
    let Decided { before, mut after, draft, cancel_queued, status_named, mut warnings } = decided;
    let (now, by) = (app.clock.now(), Some(caller.member.id));
    let event =
        |kind: &str, message: &str| store::event::add(tx, Some(before.id), now, kind, message, by, None);
    let keys = edited_keys(&before, &after);
    if after != before {
        after.updated = now;
        store::connector::update(tx, &after)?;
    }
    if (after.cadence, &after.schedule) != (before.cadence, &before.schedule)
        && let Some(timing) = schedule::timing(&after)?
    {
        store::schedule::set(tx, after.id, timing.next_after(now))?;
    }
    if let Some(draft) = draft {
        store::script::update(tx, &draft)?;
    }
    if !keys.is_empty() {
        event("edited", &format!("Edited: {}.", keys.join(", ")))?;
    }
    for warning in &warnings {
        event("warning", warning)?;
    }
    let mut queued = None;
    let mut cancelled = Vec::new();
    if status_named {
        let (said, stopped) = status_set(app, tx, &before, &after, cancel_queued, &event, by)?;
        warnings.extend(said);
        cancelled = stopped;
        queued = Some(queued_live(tx, &after)?);
    }
    Ok((after, Answer { warnings, queued, cancelled }))
}

/// What a change of status does to runs. Answers what to say about it, and which runs are to stop.
fn status_set(
    app: &App,
    tx: &Transaction<'_>,
    before: &Connector,
    after: &Connector,
    cancel_queued: bool,
    event: &impl Fn(&str, &str) -> Result<()>,
    by: Option<crate::id::MemberId>,
) -> Result<(Vec<String>, Vec<ExecutionId>)> {
    let mut said = Vec::new();
    let now = app.clock.now();
    if before.status != after.status {
        match after.status {
            Status::Inactive => event("deactivated", "The connector was deactivated.")?,
            _ => event("activated", "The connector was activated.")?,
        }
    }
    let waiting = queued_live(tx, after)?;
    if cancel_queued {
        for execution in &waiting {
            store::execution::request_cancel(tx, execution.id, by, now)?;
            cancelled(tx, execution, "Cancelled before it started.", by, now)?;
        }
        said.extend(cancel_inbox(app, tx, after, by)?);
    } else if !waiting.is_empty() && before.status.runs() != after.status.runs() {
        let when = if after.status.runs() { "now" } else { "when the connector is activated" };
        said.push(format!("{} queued executions start {when}.", waiting.len()));
    }
    let mut stopped = Vec::new();
    if after.status == Status::Inactive {
        let running = store::execution::in_states(tx, Some(after.id), &[State::InProgress])?;
        for execution in &running {
            store::execution::request_cancel(tx, execution.id, by, now)?;
            cancelled(tx, execution, "Cancel asked: the connector was deactivated.", by, now)?;
        }
        if !running.is_empty() {
            said.push(format!("{} running executions are being cancelled.", running.len()));
        }
        stopped = running.into_iter().map(|execution| execution.id).collect();
    }
    Ok((said, stopped))
}

fn cancelled(
    tx: &Transaction<'_>,
    execution: &Execution,
    message: &str,
    by: Option<crate::id::MemberId>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<()> {
    let (connector, id) = (Some(execution.connector_id), Some(execution.id));
    store::event::add(tx, connector, now, "run_cancelled", message, by, id)
}

/// The webhooks that wait become the input of cancelled executions: the mark is set here, with the status,
/// and the runner goes by it.
fn cancel_inbox(
    app: &App,
    tx: &Transaction<'_>,
    connector: &Connector,
    by: Option<crate::id::MemberId>,
) -> Result<Option<String>> {
    let inbox = app.store.inbox.read(|conn| store::inbox::find(conn, connector.id))?;
    let Some(inbox) = inbox.filter(|inbox| inbox.pending() > 0) else { return Ok(None) };
    store::delivery::cancel(tx, connector.id, inbox.last_seq, by)?;
    Ok(Some(format!("{} waiting webhooks become the input of cancelled executions.", inbox.pending())))
}

/// The keys of the detail that differ.
fn edited_keys(before: &Connector, after: &Connector) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("api_name", before.api_name != after.api_name),
        ("description", before.description != after.description),
        ("source_file_id", before.source_file != after.source_file),
        ("execution_variables", before.variables != after.variables),
        ("flow", before.loads != after.loads),
        ("kizen_data_seeds", before.seeds != after.seeds),
        ("sql_parameters", before.sql_parameters != after.sql_parameters),
        ("cadence", before.cadence != after.cadence),
        ("schedule", before.schedule != after.schedule),
        ("retention_days", before.retention_days != after.retention_days),
        ("retention_runs", before.retention_runs != after.retention_runs),
        ("max_concurrency", before.max_concurrency != after.max_concurrency),
        ("input_options", before.input_options != after.input_options),
        ("webhook_settings", before.webhook_settings != after.webhook_settings),
        ("notification_settings", before.notification_settings != after.notification_settings),
        ("timeout_s", before.timeout_s != after.timeout_s),
        ("diff_check_enabled", before.diff_check_enabled != after.diff_check_enabled),
        ("guard", before.guard != after.guard),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}
