//! After a crash: ends what was running by the ledger, and sweeps scratch space.

use std::{fs, path::Path};

use chrono::{DateTime, Utc};

use super::Shared;
use crate::{
    connector::LoadStep,
    error::{Error, Result},
    execution::{Counters, Execution, Progress, Stage, StageKind, StageStatus, State, progress::settle},
    id::ExecutionId,
    store::{self, Store, Transaction, execution::End, run::Ledger},
};

/// What the row of an interrupted run says.
pub const INTERRUPTED: &str = "interrupted by a restart";

/// What its log says last.
const LOG_ENDS: &str = "The run was interrupted by a restart. What it said within the last second before, or \
                        beyond runner.max_log_lines, is not kept.";

/// Removes the scratch folders that earlier processes left.
pub(super) fn sweep_scratch(dir: &Path) -> Result<()> {
    let failed = |e| Error::internal(format!("scratch folder {}: {e}", dir.display()));
    match fs::remove_dir_all(dir) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(failed(e)),
    }
    fs::create_dir_all(dir).map_err(failed)
}

/// Ends executions and samples that were running when the process died. What was queued stays queued.
pub fn after_crash(store: &Store) -> Result<()> {
    let torn = store.files.write(store::file::sweep)? + store::file::settle_uploads(store, None)?;
    if torn > 0 {
        log::warn!("{torn} uploads were under way when the server stopped; nothing of them is kept");
    }
    close_orphans(store)?;
    end_queued(store)?;
    store.records.write(|tx| store::baseline::sweep_all(tx))?;
    for execution in open(store)? {
        let (end, _) = close(store, &execution)?;
        log::warn!("execution={} was running when the server stopped: {}", execution.id, end.state.as_str());
    }
    let samples = store.control.write(|tx| store::script::fail_running_samples(tx, INTERRUPTED))?;
    if samples > 0 {
        log::warn!("{samples} samples were being generated when the server stopped");
    }
    Ok(())
}

/// Ends what a thread that died was running: rows that say so, and nobody has them.
pub(super) fn abandoned(shared: &Shared) -> Result<()> {
    let runs = abandoned_runs(shared);
    runs.and(abandoned_samples(shared))
}

fn abandoned_samples(shared: &Shared) -> Result<()> {
    // As below: a script has its place for as long as its row says that a sample is under way.
    let places = shared.samples.lock();
    let mut abandoned = shared.store.control.read(store::script::sampled)?;
    abandoned.retain(|script| !places.contains_key(script));
    drop(places);
    for script in abandoned {
        let lost = Err(Error::internal(format!("script={script} the thread that sampled it died")));
        super::sample::end(shared, script, &lost)?;
    }
    Ok(())
}

fn abandoned_runs(shared: &Shared) -> Result<()> {
    // Held while the rows are read: whoever claims is in both or in neither.
    let running = shared.running.lock();
    let abandoned: Vec<_> =
        open(&shared.store)?.into_iter().filter(|execution| !running.contains_key(&execution.id)).collect();
    drop(running);
    for execution in abandoned {
        if let (end, true) = close(&shared.store, &execution)? {
            shared.metrics.ended(end.state.as_str());
            log::error!("execution={} its worker died: {}", execution.id, end.state.as_str());
        }
    }
    Ok(())
}

fn open(store: &Store) -> Result<Vec<Execution>> {
    let states = [State::InProgress, State::Cancelling];
    store.control.read(|conn| store::execution::in_states(conn, None, &states))
}

/// The end of a run that the server's stop interrupted. What its row says already stands.
fn end_of(store: &Store, id: ExecutionId, known: Option<&Execution>, ledger: Option<&Ledger>) -> Result<End> {
    let snapshot = store.control.read(|conn| store::execution::snapshot(conn, id))?;
    let loads = snapshot.map(|snapshot| snapshot.loads).unwrap_or_default();
    let (state, error) = match known {
        Some(ended) if ended.state.has_ended() => (ended.state, ended.error_details.as_deref()),
        Some(asked) if asked.state == State::Cancelling => (State::Cancelled, Some(INTERRUPTED)),
        _ => (State::Failed, Some(INTERRUPTED)),
    };
    let lost = Lost { state, error, unreported: "The server restarted before the report was written." };
    let stages = known.map(|execution| execution.stages.clone()).unwrap_or_default();
    Ok(end_by_ledger(stages, &loads, ledger, &lost, store))
}

/// What is said of a run that can't say itself how it ended.
pub(super) struct Lost<'w> {
    /// Its end, when the ledger has none.
    pub state: State,
    /// Its error then.
    pub error: Option<&'w str>,
    /// Its warning, when the ledger has an end.
    pub unreported: &'w str,
}

/// `finished` in the ledger decides; batches without it are an interrupted run with their counts. `known`
/// are its stages as far as it had told them.
pub(super) fn end_by_ledger(
    known: Vec<Stage>,
    loads: &[LoadStep],
    ledger: Option<&Ledger>,
    lost: &Lost<'_>,
    store: &Store,
) -> End {
    let finished = ledger.and_then(|ledger| ledger.finished.as_ref());
    let (state, error_details) = match finished {
        Some(finished) => (finished.outcome, finished.error.clone()),
        None => (lost.state, lost.error.map(str::to_owned)),
    };
    let mut stages = known;
    if stages.is_empty() {
        let loads: Vec<_> = loads.iter().map(|step| (step.scope.clone(), step.custom_object)).collect();
        stages = Progress::new(&loads, 1, store.clock.clone()).stages();
    }
    follow(&mut stages, loads, ledger);
    let status = if state == State::Cancelled { StageStatus::Cancelled } else { StageStatus::Failed };
    settle(&mut stages, status, None);
    End {
        state,
        error_details,
        warning: finished.map(|_| lost.unreported.to_owned()),
        totals: Counters::of_stages(&stages),
        stages,
        final_report: None,
        sql_output_zip: None,
        outcomes_cut: ledger.map_or(0, |ledger| ledger.outcomes_cut),
        missing_since_last_run: finished.and_then(|finished| finished.missing_since_last_run),
    }
}

/// Puts what the ledger says over what the run had told. Steps that it does not have left nothing.
fn follow(stages: &mut [Stage], loads: &[LoadStep], ledger: Option<&Ledger>) {
    let steps = ledger.map(|ledger| &ledger.steps[..]).unwrap_or_default();
    let has_loaded_all = ledger
        .and_then(|ledger| ledger.finished.as_ref())
        .is_some_and(|finished| matches!(finished.outcome, State::Success | State::PartialSuccess));
    let mut nth_load = 0..;
    for stage in stages {
        let is_done = match stage.kind {
            StageKind::InputRead | StageKind::SqlRun | StageKind::MatchIndex => !steps.is_empty(),
            StageKind::VariableEval => has_loaded_all,
            StageKind::LoadStep => {
                let order = nth_load.next().and_then(|n| loads.get(n)).map(|load: &LoadStep| load.order);
                let Some(step) = stage.steps.first_mut() else { continue };
                if let Some(committed) = steps.iter().find(|committed| Some(committed.step) == order) {
                    step.set_counters(committed.counters);
                    stage.status = StageStatus::InProgress;
                    step.status = StageStatus::InProgress;
                    committed.counters.not_processed == 0
                } else {
                    if let Some(Counters { rows, .. }) = step.counters {
                        step.set_counters(Counters { rows, not_processed: rows, ..Counters::default() });
                    }
                    false
                }
            }
            StageKind::Report => false,
        };
        if is_done && matches!(stage.status, StageStatus::Pending | StageStatus::InProgress) {
            stage.status = StageStatus::Completed;
            stage.steps.iter_mut().for_each(|step| step.status = StageStatus::Completed);
        }
    }
}

/// Ends one that is running by the ledger. Answers how, and whether nobody else has ended it before.
fn close(store: &Store, execution: &Execution) -> Result<(End, bool)> {
    let ledger = store.records.read(|conn| store::run::read(conn, execution.id))?;
    let end = end_of(store, execution.id, Some(execution), ledger.as_ref())?;
    let now = store.clock.now();
    let is_first = store.control.write_last(|tx| {
        if !store::execution::end(tx, execution.id, &end, now)? {
            return Ok(false);
        }
        end_log(tx, execution.id, &end, now)?;
        let message = format!("Run {} ended: {} ({INTERRUPTED}).", execution.number, end.state.as_str());
        store::event::add(
            tx,
            Some(execution.connector_id),
            now,
            "run_ended",
            &message,
            None,
            Some(execution.id),
        )?;
        super::queue::attention(tx, execution, now)?;
        Ok(true)
    })?;
    close_ledger(store, execution.id, &end)?;
    Ok((end, is_first))
}

/// Its last line, after those that were kept while it ran.
fn end_log(tx: &Transaction<'_>, id: ExecutionId, end: &End, now: DateTime<Utc>) -> Result<()> {
    let level = if end.state == State::Failed { "error" } else { "warning" };
    store::log::append(tx, id, now, level, LOG_ENDS)
}

/// Ends one that is queued, when that is what control.db says.
fn end_interrupted(store: &Store, id: ExecutionId, end: &End) -> Result<()> {
    let now = store.clock.now();
    store.control.write_last(|tx| {
        if store::execution::interrupt_queued(tx, id, end, now)? {
            end_log(tx, id, end, now)?;
        }
        Ok(())
    })
}

/// The ledger's own row is closed last: until then the next start does all of this again.
pub(super) fn close_ledger(store: &Store, id: ExecutionId, end: &End) -> Result<()> {
    let finished = store::run::Finished {
        outcome: end.state,
        error: end.error_details.clone(),
        missing_since_last_run: end.missing_since_last_run,
        at: store.clock.now().timestamp_millis(),
    };
    store.records.write_last(|tx| store::run::finish(tx, id, &finished).map(drop))
}

/// Ledger rows that `control.db` knows nothing running about: a restored backup, or an execution
/// whose end was written just before the crash.
fn close_orphans(store: &Store) -> Result<()> {
    for id in store.records.read(store::run::open_runs)? {
        let known = store.control.read(|conn| store::execution::find(conn, id))?;
        let running = known.as_ref().is_some_and(|e| !e.state.has_ended() && e.state != State::Queued);
        if running {
            continue;
        }
        let ledger = store.records.read(|conn| store::run::read(conn, id))?;
        let end = end_of(store, id, known.as_ref(), ledger.as_ref())?;
        // A backup of control.db may be older than that of records.db: the batches are real, so an
        // execution that it calls queued was interrupted. One that it does not know stays unknown.
        end_interrupted(store, id, &end)?;
        close_ledger(store, id, &end)?;
    }
    Ok(())
}

/// Queued executions that the ledger has finished: `control.db` comes from an older backup than
/// `records.db`. They must not run again.
fn end_queued(store: &Store) -> Result<()> {
    let queued = store.control.read(|conn| store::execution::in_states(conn, None, &[State::Queued]))?;
    for execution in queued {
        let Some(ledger) = store.records.read(|conn| store::run::read(conn, execution.id))? else { continue };
        let end = end_of(store, execution.id, Some(&execution), Some(&ledger))?;
        end_interrupted(store, execution.id, &end)?;
        log::warn!("execution={} was queued, and had run: {}", execution.id, end.state.as_str());
    }
    Ok(())
}
