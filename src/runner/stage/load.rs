//! Rows of the scopes through their variables and into the load steps.
//!
//! One thread steps the script's output and parses the variables; a bounded channel of chunks; this
//! thread writes. The writer is the bottleneck, everything else hides behind it.

use std::{collections::HashMap, fmt::Write as _, fs, thread};

use super::{
    channel::channel,
    diff::{self, DiffCheck},
    evaluate::pass,
    extracted::{Extracted, SetAside},
    guard, index,
    scope::{self, Scope},
};
use crate::{
    connector::rules::Flow,
    context,
    engine::Engine,
    error::{Error, Result},
    execution::{Counters, RowStatus, StageKind, State},
    id::VariableId,
    load::{self, LateIndexes, Load, Settings, StepPlan},
    runner::{
        job::{Job, Left, Stop, keep_progress, state_of},
        matched::Matched,
    },
    store::{self, spool::Spool},
    variable::{Locale, Value},
};

/// The flow made ready.
pub(in crate::runner) struct FlowPlan {
    /// The steps, in order.
    pub steps: Vec<StepPlan>,
    /// Per scope (by position) what its variables made of the rows, once they have passed.
    pub set_aside: HashMap<usize, SetAside>,
    /// What the diff check knows, when the run has one.
    pub diff: Option<DiffCheck>,
    /// Per scope, rows that the diff check keeps from the steps: no upload sheet lists them.
    pub unchanged: HashMap<String, u64>,
}

/// Resolves the flow against objects and variables.
pub(in crate::runner) fn plan(job: &Job<'_>, locale: Locale) -> Result<FlowPlan, Stop> {
    incomplete(job)?;
    let flow = Flow { steps: &job.snapshot.loads, variables: &job.snapshot.variables, objects: job.objects };
    let steps = (0..flow.steps.len())
        .map(|n| StepPlan::new(&flow, n, job.members, locale))
        .collect::<Result<Vec<_>>>()?;
    Ok(FlowPlan { steps, set_aside: HashMap::new(), diff: None, unchanged: HashMap::new() })
}

/// Deleting a variable deletes the rules that use it, of an active connector too: a step that is left
/// without a matching rule would make every row a new record at every run.
fn incomplete(job: &Job<'_>) -> Result<(), Stop> {
    for (n, step) in job.snapshot.loads.iter().enumerate() {
        let lacks = match (step.matching_rules.is_empty(), step.field_mapping_rules.is_empty()) {
            (true, _) => "matching rule",
            (false, true) => "mapping rule",
            (false, false) => continue,
        };
        return Err(Stop::Failed(format!(
            "Load step {} ({}) has no {lacks}: configure it before it runs.",
            n + 1,
            step.scope
        )));
    }
    Ok(())
}

/// What the load steps came to.
pub(in crate::runner) struct Loaded<'j> {
    /// Why they stopped before their end; what was committed stays.
    pub stopped: Option<Stop>,
    /// The end that the ledger of a live run has: it decides, whatever comes later.
    pub finished: Option<State>,
    /// What they set aside for the report; `None`: there was nothing to load.
    pub spool: Option<Spool>,
    /// Indexes that are yet to be made.
    pub late: Option<LateIndexes<'j>>,
}

/// Compares with the last run, asks the guard, runs the load steps one after another, then reads the scopes that no step loads.
pub(in crate::runner) fn run<'j>(
    job: &Job<'j>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
    left: &mut Left,
) -> Result<Loaded<'j>, Stop> {
    for (n, step) in plan.steps.iter().enumerate() {
        let rows = scope::rows(scopes, step.scope());
        left.totals.rows += rows;
        job.progress.count_load(n, &Counters { rows, not_processed: rows, ..Default::default() });
    }
    left.totals.close();
    diff::check(job, engine, scopes, plan, left)?;
    guard::hold(job, engine, scopes, plan)?;
    keep_progress(job)?;
    let mut loaded = steps(job, engine, scopes, plan, left)?;
    if loaded.stopped.is_none() {
        loaded.stopped = rest(job, engine, scopes, plan).err();
        job.progress.complete(StageKind::VariableEval, 0);
    }
    Ok(loaded)
}

fn steps<'j>(
    job: &Job<'j>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
    left: &mut Left,
) -> Result<Loaded<'j>, Stop> {
    if plan.steps.is_empty() {
        return Ok(Loaded { stopped: None, finished: None, spool: None, late: None });
    }
    let mut load = begin(job, &plan.steps)?;
    load.set_missing(left.missing_since_last_run);
    if plan.diff.is_some() && !job.execution.is_dry_run {
        load.leave_baseline();
    }
    let mut stopped = index::make(job, &plan.steps, &load).err();
    if stopped.is_none() {
        stopped = index::set_aside(job, &plan.steps, scopes, &mut load).err();
    }
    let steps = if stopped.is_none() { plan.steps.len() } else { 0 };
    for n in 0..steps {
        job.progress.begin(StageKind::LoadStep, n, &[]);
        // The first one begins where all has just been kept.
        if n > 0
            && let Err(error) = keep_progress(job)
        {
            stopped = Some(error.into());
            break;
        }
        let told = |counters: &Counters| job.progress.count_load(n, counters);
        if let Err(stop) = one_step((job, engine, scopes), plan, &mut load, n, told) {
            stopped = Some(stop);
            break;
        }
        job.progress.complete(StageKind::LoadStep, n);
    }
    let rows = left.totals.rows;
    left.totals = *load.totals();
    left.totals.rows = rows;
    left.totals.close();
    left.outcomes_cut = load.outcomes_cut();
    let (state, error) = match &stopped {
        None => (state_of(None, &left.totals), None),
        Some(Stop::Cancelled) => (State::Cancelled, None),
        Some(Stop::Failed(sentence)) => (State::Failed, Some(sentence.as_str())),
    };
    let next =
        plan.diff.take().filter(|_| stopped.is_none() && !job.execution.is_dry_run).map(DiffCheck::next);
    let finished = (load.is_finished() || next.is_some()).then(|| state_of(None, &left.totals));
    let (spool, late) = match next {
        Some(next) => load.end_with_baseline(state, next, |error| {
            log::error!("execution={} its baseline could not be written: {error}", job.execution.id);
            let sentence =
                "What was loaded could not be kept for the next diff check: the next run loads every row.";
            job.progress.log("warning", Some(StageKind::LoadStep), sentence);
        })?,
        None => load.end_but_indexes(state, error)?,
    };
    if let Err(error) = tell_cut(job, left) {
        log::warn!("execution={} how many rows are only counted: {error}", job.execution.id);
    }
    Ok(Loaded { stopped, finished, spool: Some(spool), late: Some(late) })
}

/// Rows that are only counted must not pass for rows that nothing is said about.
fn tell_cut(job: &Job<'_>, left: &mut Left) -> Result<()> {
    if left.outcomes_cut == 0 {
        return Ok(());
    }
    let database = if job.execution.is_dry_run { &job.store.control } else { &job.store.records };
    let kept = database.read(|conn| store::outcome::count(conn, job.execution.id, Some(RowStatus::Error)))?;
    let mut sentence = format!(
        "{} rows are only counted: a run keeps what is said about {} rows (runner.max_row_outcomes).",
        left.outcomes_cut, job.config.runner.max_row_outcomes
    );
    let lacking = left.totals.errors.saturating_sub(kept);
    if lacking > 0 {
        let _ = write!(sentence, " rejected.csv lacks {lacking} of {} rejected rows.", left.totals.errors);
    }
    job.progress.log("warning", None, &*sentence);
    left.warn(sentence);
    Ok(())
}

/// The steps as a dry run, in a folder of its own, for what the live run after it would come to. Nobody is told but the
/// log: nothing is kept of it.
pub(in crate::runner) fn rehearse(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
) -> Result<Counters, Stop> {
    rehearsed(job, engine, scopes, plan, |load, _| Ok(*load.totals()))
}

/// The records that the steps look up, by object: what a rehearsal of them copies.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method's path is of one lifetime only")]
pub(in crate::runner) fn looked_up(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
) -> Result<Matched, Stop> {
    rehearsed(job, engine, scopes, plan, |load, steps| load.looked_up(steps))
}

fn rehearsed<T>(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
    answer: impl FnOnce(&Load<'_>, &[StepPlan]) -> Result<T>,
) -> Result<T, Stop> {
    let dir = job.scratch.join("rehearsal");
    let failed = |e| Error::internal(format!("{}: {e}", dir.display()));
    fs::create_dir(&dir).map_err(failed)?;
    let (execution, connector) = (job.execution.id, job.execution.connector_id);
    let mut load =
        Load::dry(job.store, &dir, execution, connector, settings(job), job.token.clone(), &plan.steps)?;
    index::make_quietly(&plan.steps, &load)?;
    for n in 0..plan.steps.len() {
        one_step((job, engine, scopes), plan, &mut load, n, |_| {})?;
    }
    let answer = answer(&load, &plan.steps)?;
    drop(load);
    fs::remove_dir_all(&dir).map_err(failed)?;
    Ok(answer)
}

fn settings(job: &Job<'_>) -> Settings {
    let config = &job.config.runner;
    Settings {
        batch_rows: config.batch_rows as usize,
        max_row_outcomes: config.max_row_outcomes.into(),
        max_report_rows: job.config.report.max_rows.into(),
    }
}

fn begin<'j>(job: &Job<'j>, steps: &[StepPlan]) -> Result<Load<'j>> {
    let settings = settings(job);
    let (execution, connector) = (job.execution.id, job.execution.connector_id);
    let token = job.token.clone();
    if job.execution.is_dry_run {
        Load::dry(job.store, job.scratch, execution, connector, settings, token, steps)
    } else {
        Load::live(job.store, execution, connector, settings, token)
    }
}

/// One load step: the producer on a thread of its own, the writer here. `told` hears what became of its rows.
fn one_step(
    (job, engine, scopes): (&Job<'_>, &Engine, &[Scope<'_>]),
    plan: &mut FlowPlan,
    load: &mut Load<'_>,
    n: usize,
    told: impl FnMut(&Counters),
) -> Result<(), Stop> {
    let FlowPlan { steps, set_aside, diff, .. } = plan;
    let step = &steps[n];
    let position = scopes
        .iter()
        .position(|scope| scope.table.scope == step.scope())
        .ok_or_else(|| Stop::Failed(format!("The script gave no table {}.", step.scope())))?;
    let scope = &scopes[position];
    let is_first_pass = !set_aside.contains_key(&position);
    let extracted = if is_first_pass { Some(Extracted::create(job, position)?) } else { None };
    let reader = engine.output_reader()?;
    let wanted: Vec<usize> = places(scope, step.variables())?;
    let is_last = n + 1 == steps.len();
    let (verdict, mut hashes) = diff.as_mut().map_or((None, None), |diff| diff.of_scope(step.scope()));
    let unchanged = verdict.map_or(0, |verdict| verdict.count);
    let (mut chunks, arrivals) = channel();
    let (outcome, kept) = thread::scope(|threads| {
        let (wanted, hashes) = (&wanted, &mut hashes);
        let producer = threads.spawn(context::carried(move || {
            if unchanged == scope.table.rows && extracted.is_none() {
                return chunks.end(Ok(None));
            }
            let skip = verdict.map(|verdict| &verdict.unchanged);
            let pass = pass(job, &reader, scope, extracted, skip, |row, values, warnings| {
                if let Some(hashes) = hashes {
                    hashes.add(step.scope(), row.number(), values)?;
                }
                let values = wanted.iter().map(|n| take(&mut values[*n])).collect();
                chunks.add(row, values, warnings)
            });
            chunks.end(pass)
        }));
        let outcome = load.step_with_unchanged(step, (scope.table.rows, unchanged), is_last, arrivals, told);
        // When the writer stopped first, the producer finds the channel closed and stops too.
        (outcome, producer.join())
    });
    let kept = kept.map_err(|_| Error::internal("reading the script's output panicked"))?;
    match outcome {
        Ok(_) => {}
        Err(load::Stop::Cancelled) => return Err(Stop::Cancelled),
        Err(load::Stop::Failed(error)) => return Err(error.into()),
    }
    if let Some(kept) = kept? {
        set_aside.insert(position, kept);
    }
    if let Some(hashes) = hashes {
        hashes.complete(step.scope());
    }
    Ok(())
}

/// Scopes with variables that no step loads are read too: their counts and sheets are part of the run.
fn rest(job: &Job<'_>, engine: &Engine, scopes: &[Scope<'_>], plan: &mut FlowPlan) -> Result<(), Stop> {
    for (position, scope) in scopes.iter().enumerate() {
        if scope.variables.is_empty() || plan.set_aside.contains_key(&position) {
            continue;
        }
        let extracted = Extracted::create(job, position)?;
        let reader = engine.output_reader()?;
        if let Some(kept) = pass(job, &reader, scope, Some(extracted), None, |_, _, _| Ok(()))? {
            plan.set_aside.insert(position, kept);
        }
    }
    Ok(())
}

fn places(scope: &Scope<'_>, variables: &[VariableId]) -> Result<Vec<usize>, Stop> {
    variables
        .iter()
        .map(|id| {
            scope
                .variables
                .iter()
                .position(|compiled| compiled.variable.id == *id)
                .ok_or_else(|| Stop::Failed(format!("The scope {} has no variable {id}.", scope.table.scope)))
        })
        .collect()
}

fn take(cell: &mut load::Cell) -> load::Cell {
    std::mem::replace(cell, Ok(Value::Null))
}
