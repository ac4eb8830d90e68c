//! One execution, start to end: the table of contents of the product.
//!
//! ```text
//! file ─► input.*  ─► script ─► output.<scope> ─► variables ─► load step 1 ─► load step 2 ─► … ─► report
//! ```
//!
//! A [`Job`] is plain values and a store for records: the server's worker fills it from the queue, a
//! dev package's run from a folder, and both get the same bytes. What it leaves are files in its
//! scratch folder, which the caller keeps or drops.

use std::{
    fs::File,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::{Map, Value as Json};

use super::{
    stage::{
        self, input, load,
        odd_lines::OddLines,
        output::{self, Output},
        report,
        scope::{self, Scope},
        script, seed, webhook,
    },
    told,
};
use crate::{
    cancel::CancelToken,
    config::{Config, EngineConfig},
    context,
    engine::{Engine, EngineLimits, Scalar},
    error::{Code, Error, Result},
    execution::{Counters, Execution, Progress, Snapshot, Stage, StageStatus, State},
    input::{Source, UnpackLimits},
    load::Members,
    object::Object,
    store::Store,
    variable::Locale,
};

/// Everything that one run needs.
pub struct Job<'j> {
    /// Where records are read and written.
    pub store: &'j Store,
    /// The configuration.
    pub config: &'j Config,
    /// Its row.
    pub execution: &'j Execution,
    /// The connector's label and api name.
    pub connector: (&'j str, &'j str),
    /// The scope of an empty script: the main object's api name.
    pub main_object: &'j str,
    /// What it runs with.
    pub snapshot: &'j Snapshot,
    /// Every object of the workspace that the flow may write or look up in.
    pub objects: &'j [Object],
    /// Whom `team_selector` fields may name.
    pub members: &'j Members,
    /// The workspace's zone and region.
    pub locale: Locale,
    /// Bound as `:name`.
    pub parameters: Vec<(String, Scalar)>,
    /// The row of `meta.current_execution`.
    pub meta: Map<String, Json>,
    /// The input file's name.
    pub input_name: &'j str,
    /// The input file's bytes.
    pub input: Box<dyn Fn() -> Result<Box<dyn Source>> + Sync + 'j>,
    /// How many rows of each input table are read; `None`: all.
    pub most_rows: Option<u64>,
    /// Where its seeds come from; `None`: from the records.
    pub seeds_from: Option<&'j Path>,
    /// The folder for the output tables as CSV files; `None`: into a ZIP in the scratch folder.
    pub tables_in: Option<&'j Path>,
    /// A folder of its own, empty.
    pub scratch: &'j Path,
    /// The produced files' names: ZIP and workbook.
    pub names: (&'j str, &'j str),
    /// Stops it.
    pub token: CancelToken,
    /// Hears of it.
    pub progress: Progress,
}

/// How a run ended and what it left.
#[derive(Debug)]
pub struct Done {
    /// One of the ended states.
    pub state: State,
    /// The whole run-level error.
    pub error: Option<String>,
    /// What is odd about it.
    pub warning: Option<String>,
    /// The stages with their final counters.
    pub stages: Vec<Stage>,
    /// The sum over the load steps.
    pub totals: Counters,
    /// Row outcomes that were counted and not kept.
    pub outcomes_cut: u64,
    /// Match values that the last run had and this one has not; `None`: not compared.
    pub missing_since_last_run: Option<u64>,
    /// The SQL output, in the scratch folder, when it was to be a ZIP.
    pub zip: Option<PathBuf>,
    /// The workbook, likewise.
    pub report: Option<PathBuf>,
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Its token was set.
    Cancelled,
    /// The sentence for `error_details`.
    Failed(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(match error.code {
            Code::Internal => "Something went wrong on the server. Its log has the details.".to_owned(),
            Code::DiskFull => format!("disk full: {}", error.detail),
            _ => error.detail,
        })
    }
}

/// Runs it.
pub fn run(job: &Job<'_>) -> Done {
    let mut left = Left::default();
    let outcome = stages(job, &mut left);
    let (state, error, status) = match outcome {
        Ok(state) => (state, None, StageStatus::Completed),
        Err(Stop::Cancelled) => (State::Cancelled, None, StageStatus::Cancelled),
        Err(Stop::Failed(sentence)) => {
            job.progress.log("error", None, &*sentence);
            (State::Failed, Some(sentence), StageStatus::Failed)
        }
    };
    job.progress.stop(status);
    Done {
        state,
        error,
        warning: left.warning,
        stages: job.progress.stages(),
        totals: left.totals,
        outcomes_cut: left.outcomes_cut,
        missing_since_last_run: left.missing_since_last_run,
        zip: left.zip,
        report: left.report,
    }
}

/// What a run leaves whichever way it ends.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// How the tables of the input count days.
    pub days: Days,
    /// Rows were left out: see [`Job::most_rows`].
    pub is_cut: bool,
    pub totals: Counters,
    pub outcomes_cut: u64,
    pub missing_since_last_run: Option<u64>,
    pub warning: Option<String>,
    pub zip: Option<PathBuf>,
    pub report: Option<PathBuf>,
}

/// Which table first counted days so, by its title.
#[derive(Debug, Default)]
pub(super) struct Days {
    /// From 1904-01-01, as some workbooks do.
    pub from_1904: Option<String>,
    /// From 1899-12-30, as other workbooks and all texts do.
    pub from_1899: Option<String>,
}

impl Left {
    /// Adds a sentence to the run's warning.
    pub fn warn(&mut self, sentence: String) {
        match &mut self.warning {
            Some(warning) => {
                warning.push(' ');
                warning.push_str(&sentence);
            }
            None => self.warning = Some(sentence),
        }
    }

    /// The workspace's, knowing how the workbook counts days.
    pub fn locale(&self, job: &Job<'_>) -> Locale {
        Locale { excel_1904: self.days.from_1904.is_some(), ..job.locale }
    }
}

/// The stages, in order.
fn stages(job: &Job<'_>, left: &mut Left) -> Result<State, Stop> {
    let (engine, odd_lines) = transform(job, left)?;
    let scopes = scope::compile(job, &engine, left.locale(job), &odd_lines)?;
    let mut plan = load::plan(job, left.locale(job))?;
    let reader = engine.output_reader().map_err(stage::engine_stop)?;
    let (loaded, output) = thread::scope(|threads| {
        // The tables' files need only the output: they are written beside the load, which waits for the disk.
        let output = threads.spawn({
            let scopes = &scopes;
            context::carried(move || output::write(job, &reader, scopes))
        });
        let loaded = load::run(job, &engine, &scopes, &mut plan, left);
        (loaded, output.join())
    });
    let mut loaded = loaded?;
    let output = output.unwrap_or_else(|_| Err(Stop::Failed("writing the SQL output failed".to_owned())));
    let late = loaded.late.take();
    let reported = thread::scope(|threads| {
        let late = late.map(|late| threads.spawn(context::carried(move || late.make())));
        let reported = report(job, &scopes, &plan, &loaded, output, left);
        if late.is_some_and(|late| late.join().is_err()) {
            log::error!("execution={} an index is made later: making it panicked", job.execution.id);
        }
        reported
    });
    let stop = loaded.stopped.or(reported.err());
    match (loaded.finished, stop) {
        (_, None) => Ok(state_of(None, &left.totals)),
        (None, Some(stop)) => Err(stop),
        (Some(state), Some(stop)) => {
            tell_late(job, left, &stop);
            Ok(state)
        }
    }
}

/// Files for people, where there is something to tell.
fn report(
    job: &Job<'_>,
    scopes: &[Scope<'_>],
    plan: &load::FlowPlan,
    loaded: &load::Loaded<'_>,
    output: Result<Output, Stop>,
    left: &mut Left,
) -> Result<(), Stop> {
    match &loaded.stopped {
        // A cancelled run ends at once: its counters and row outcomes say what was loaded.
        Some(Stop::Cancelled) => return Ok(()),
        // What was committed stays, and the report tells which rows that is.
        Some(Stop::Failed(_)) if left.totals.processed() == 0 => return Ok(()),
        _ => {}
    }
    let output = output?;
    left.zip = output.zip;
    left.report = Some(report::write(job, output.book?, scopes, plan, loaded, left)?);
    Ok(())
}

/// The ledger has the run's end, and records.db can't take it back: what stops the run after that costs
/// its report and is told.
fn tell_late(job: &Job<'_>, left: &mut Left, stop: &Stop) {
    let (status, sentence) = match stop {
        Stop::Cancelled => (
            StageStatus::Cancelled,
            "All rows had been loaded when the run was asked to stop; its report was not written.".to_owned(),
        ),
        Stop::Failed(why) => {
            (StageStatus::Failed, format!("All rows are loaded, but the report could not be written: {why}"))
        }
    };
    job.progress.log("warning", None, &*sentence);
    job.progress.stop(status);
    left.warn(sentence);
}

/// The first half of a run, which an output sample is made by too: file, seeds, script.
pub(super) fn transform(job: &Job<'_>, left: &mut Left) -> Result<(Engine, OddLines), Stop> {
    let file = input::open(job, left)?;
    let mut engine = Engine::open(job.scratch, limits_of(job), left.locale(job), job.token.clone())
        .map_err(stage::engine_stop)?;
    let odd_lines = input::read(job, file, &mut engine, left)?;
    webhook::derive(job, &mut engine)?;
    seed::read(job, &mut engine)?;
    script::run(job, &mut engine)?;
    Ok((engine, odd_lines))
}

/// Keeps how far the run has come: after a crash there is nobody to ask.
pub(super) fn keep_progress(job: &Job<'_>) -> Result<()> {
    told::keep(job.store, job.execution.id, &job.progress)
}

pub(super) fn state_of(stopped: Option<&Stop>, totals: &Counters) -> State {
    match stopped {
        Some(_) => State::Failed,
        None if totals.errors > 0 => State::PartialSuccess,
        None => State::Success,
    }
}

/// What a script may use, as configured.
#[must_use]
pub fn limits(config: &EngineConfig) -> EngineLimits {
    EngineLimits {
        max_scratch_mb: config.max_scratch_mb,
        min_free_mb: config.min_free_mb,
        max_rows: config.max_rows,
        timeout: Duration::from_secs(config.timeout_s.into()),
        is_own_timeout: false,
        max_value_mb: config.max_value_mb,
        max_aggregate_mb: config.max_aggregate_mb,
    }
}

/// How much an archive or workbook may be when it is unpacked, as configured.
#[must_use]
pub const fn unpack_limits(config: &Config) -> UnpackLimits {
    let files = &config.files;
    UnpackLimits {
        max_archive_files: files.max_archive_files,
        max_unpacked_mb: files.max_unpacked_mb,
        max_unpack_ratio: files.max_unpack_ratio,
        max_workbook_memory_mb: files.max_workbook_memory_mb,
        min_free_mb: config.engine.min_free_mb,
    }
}

/// A connector may lower the time.
fn limits_of(job: &Job<'_>) -> EngineLimits {
    let limits = limits(&job.config.engine);
    match job.snapshot.timeout_s.map(|seconds| Duration::from_secs(seconds.into())) {
        Some(own) if own < limits.timeout => EngineLimits { timeout: own, is_own_timeout: true, ..limits },
        _ => limits,
    }
}

/// A file in the job's scratch folder.
pub(super) fn scratch_file(job: &Job<'_>, name: &str) -> Result<(PathBuf, File), Stop> {
    let path = job.scratch.join(name);
    let file = File::create(&path).map_err(|e| Error::internal(format!("{}: {e}", path.display())))?;
    Ok((path, file))
}
