//! The moves of an execution's row: claimed with a frozen copy of all that it runs with, and ended.

use chrono::{DateTime, Utc};

use super::{Running, Shared, cancel, told};
use crate::{
    cancel::CancelToken,
    connector::{Connector, ConnectorType, Status},
    engine::is_empty_script,
    error::{Code, Error, Result},
    execution::{Execution, Progress, Snapshot, State},
    script::{Script, ScriptStatus},
    store::{
        self, Transaction,
        execution::{End, Head},
    },
};

/// The error of a run that can't be claimed.
const UNREADABLE: &str = "The run can't be read from the store. The server's log has the details.";

/// An execution that this process runs now.
pub(super) struct Claimed {
    /// Its row as claimed.
    pub execution: Execution,
    /// Its connector at that moment.
    pub connector: Connector,
    /// All that it runs with.
    pub snapshot: Snapshot,
    /// Stops it.
    pub token: CancelToken,
    /// Tells what it has done.
    pub progress: Progress,
}

/// Takes the next execution whose turn it is and freezes what it runs with, in one transaction.
pub(super) fn claim(shared: &Shared) -> Result<Option<Claimed>> {
    // The table of what runs is held over the commit: a cancel that sees the row `in_progress` finds
    // the token too.
    let mut running = shared.running.lock();
    if shared.is_stopping() {
        return Ok(None);
    }
    let now = shared.store.clock.now();
    let claimed = shared.store.control.write(|tx| {
        for head in store::execution::heads(tx)? {
            match take(tx, &head, now) {
                Ok(None) => {}
                Ok(claimed) => return Ok(claimed),
                Err(error) if error.code == Code::Internal => {
                    log::error!("execution={} can't be claimed: {error}", head.id);
                    store::execution::fail_unreadable(tx, &head, UNREADABLE, now)?;
                    let message = format!("A run ended: failed. {UNREADABLE}");
                    let id = head.id.parse().ok();
                    store::event::add(tx, Some(head.connector), now, "run_ended", &message, None, id)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    })?;
    let Some((execution, connector, snapshot)) = claimed else { return Ok(None) };
    let loads: Vec<_> = snapshot.loads.iter().map(|step| (step.scope.clone(), step.custom_object)).collect();
    let max_lines = shared.config.runner.max_log_lines as usize;
    let progress = Progress::new(&loads, max_lines, shared.store.clock.clone());
    let token = CancelToken::new();
    running.insert(execution.id, Running { token: token.clone(), progress: progress.clone(), asked: None });
    log::info!("execution={} connector={} claimed", execution.id, connector.api_name);
    Ok(Some(Claimed { execution, connector, snapshot, token, progress }))
}

/// Claims one; none when it waits for a script to be published. Everything is read before anything is
/// written.
fn take(
    tx: &Transaction<'_>,
    head: &Head,
    now: DateTime<Utc>,
) -> Result<Option<(Execution, Connector, Snapshot)>> {
    let id = head.id.parse().map_err(|_| Error::internal(format!("the id {:?} of an execution", head.id)))?;
    let Some(execution) = store::execution::find(tx, id)? else { return Ok(None) };
    let connector = store::connector::named(tx, &head.connector.to_string())?;
    let script = store::script::of_run(tx, &execution)?;
    if !may_run(&execution, &connector, &script) {
        return Ok(None);
    }
    let snapshot = Snapshot::new(&connector, script);
    let Some(execution) = store::execution::take(tx, &execution, now)? else { return Ok(None) };
    store::execution::set_snapshot(tx, execution.id, &snapshot)?;
    Ok(Some((execution, connector, snapshot)))
}

/// A live run uses the live script, or an empty draft, which passes the input through: never a draft that
/// was not published.
fn may_run(execution: &Execution, connector: &Connector, script: &Script) -> bool {
    let passes_through = match connector.connector_type {
        ConnectorType::Spreadsheet | ConnectorType::Schedule => is_empty_script(&script.user_script),
        ConnectorType::Webhook => false,
    };
    execution.is_dry_run || script.status == ScriptStatus::Live || passes_through
}

/// Writes how a run ended, the rest of its log, and what that means for the connector.
pub(super) fn end(shared: &Shared, claimed: &Claimed, mut end: End) -> Result<()> {
    let id = claimed.execution.id;
    let asked = shared.running.lock().get(&id).and_then(|running| running.asked);
    let may_be_stopped = end.state == State::Cancelled && shared.is_stopping() && asked.is_none();
    if may_be_stopped && end.error_details.is_none() {
        // Somebody may have asked for it before the server stopped.
        let row = shared.store.control.read(|conn| store::execution::find(conn, id))?;
        if row.is_some_and(|row| row.state == State::InProgress) {
            end.error_details = Some("server stopped".to_owned());
        }
    }
    let kept = claimed.progress.lines_kept();
    let lines = told::lines(claimed.progress.log_lines().get(kept..).unwrap_or_default(), kept + 1);
    let now = shared.store.clock.now();
    let is_first = shared.store.control.write_last(|tx| {
        if let Some(asked) = asked {
            cancel::write(tx, claimed.connector.id, id, asked)?;
        }
        if !store::execution::end(tx, id, &end, now)? {
            return Ok(false);
        }
        store::log::insert(tx, id, &lines)?;
        let message = format!("Run {} ended: {}.", claimed.execution.number, end.state.as_str());
        let connector = claimed.connector.id;
        store::event::add(tx, Some(connector), now, "run_ended", &message, None, Some(id))?;
        attention(tx, &claimed.execution, now)?;
        Ok(true)
    })?;
    if is_first {
        count(shared, &end);
    }
    log::info!("execution={id} ended: {}", end.state.as_str());
    Ok(())
}

fn count(shared: &Shared, end: &End) {
    let metrics = &shared.metrics;
    metrics.ended(end.state.as_str());
    for stage in &end.stages {
        let began = stage.steps.iter().filter_map(|step| step.started_at).min();
        let ended = stage.steps.iter().filter_map(|step| step.ended_at).max();
        if let (Some(began), Some(ended)) = (began, ended) {
            metrics.stage(stage.kind.as_str(), (ended - began).to_std().unwrap_or_default());
        }
    }
    let totals = &end.totals;
    for (outcome, rows) in [
        ("created", totals.created),
        ("updated", totals.updated),
        ("unchanged", totals.unchanged),
        ("skipped", totals.skipped),
        ("rejected", totals.errors),
    ] {
        metrics.rows(outcome, rows);
    }
}

/// Three failed live runs in a row need attention; a success heals.
pub(super) fn attention(tx: &Transaction<'_>, execution: &Execution, now: DateTime<Utc>) -> Result<()> {
    let id = execution.connector_id;
    let Some(connector) = store::connector::find(tx, id)?.filter(|_| !execution.is_dry_run) else {
        return Ok(());
    };
    let last = store::execution::last_live_ends(tx, id, 3)?;
    let failing = last.len() == 3 && last.iter().all(|state| *state == State::Failed);
    let healed = last.first().is_some_and(|state| *state != State::Failed);
    let (status, message) = match connector.status {
        Status::Operational if failing => (Status::NeedAttention, "The last three runs failed."),
        Status::NeedAttention if healed => (Status::Operational, "A run succeeded again."),
        _ => return Ok(()),
    };
    store::connector::set_status(tx, id, status)?;
    store::event::add(tx, Some(id), now, status.as_str(), message, None, Some(execution.id))
}
