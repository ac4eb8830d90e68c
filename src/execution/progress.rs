//! What a run has done so far, shared between the run and those who watch it.
//!
//! Counters change thousands of times a second; they live here. Now and then, and when the run ends, the
//! store [keeps] what is new, from which, with the ledger, a run is told after a crash. Watchers compare
//! [`version`] and read a copy.
//!
//! [keeps]: Progress::keep
//! [`version`]: Progress::version

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::{Counters, Stage, StageKind, StageStatus, Step};
use crate::{clock::Clock, id::ObjectId};

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: DateTime<Utc>,
    /// `info`, `warning` or `error`.
    pub level: &'static str,
    /// The stage that it is about.
    pub stage: Option<StageKind>,
    /// The sentence.
    pub message: String,
}

/// The shared progress of one run.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    version: AtomicU64,
    stages: Mutex<Vec<Stage>>,
    log: Mutex<Log>,
    kept: Mutex<Kept>,
    clock: Clock,
}

/// What the store has of it.
#[derive(Default)]
struct Kept {
    version: u64,
    lines: usize,
}

struct Log {
    lines: Vec<LogLine>,
    max: usize,
    cut: u64,
}

impl Progress {
    /// All stages of a run, pending: one load stage per `(scope, object)` of the flow.
    #[must_use]
    pub fn new(loads: &[(String, ObjectId)], max_log_lines: usize, clock: Clock) -> Self {
        let stage = |kind, steps| Stage { kind, status: StageStatus::Pending, steps };
        let mut stages = vec![
            stage(StageKind::InputRead, Vec::new()),
            stage(StageKind::SqlRun, Vec::new()),
            stage(StageKind::VariableEval, Vec::new()),
        ];
        for (scope, object) in loads {
            let step = Step { custom_object: Some(*object), ..pending(Some(scope.clone())) };
            stages.push(stage(StageKind::LoadStep, vec![step]));
        }
        stages.push(stage(StageKind::Report, Vec::new()));
        let log = Log { lines: Vec::new(), max: max_log_lines.max(1), cut: 0 };
        Self(Arc::new(Inner {
            version: AtomicU64::new(0),
            stages: Mutex::new(stages),
            log: Mutex::new(log),
            kept: Mutex::default(),
            clock,
        }))
    }

    /// Changes with every change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// A copy of the stages.
    #[must_use]
    pub fn stages(&self) -> Vec<Stage> {
        self.0.stages.lock().clone()
    }

    /// The index of the first stage of `kind`; the `n`-th load step is that many further.
    fn index(stages: &[Stage], kind: StageKind, n: usize) -> usize {
        stages.iter().position(|stage| stage.kind == kind).unwrap_or(0) + n
    }

    fn change(&self, kind: StageKind, n: usize, work: impl FnOnce(&mut Stage, DateTime<Utc>)) {
        let now = self.0.clock.now();
        let mut stages = self.0.stages.lock();
        let index = Self::index(&stages, kind, n);
        if let Some(stage) = stages.get_mut(index) {
            work(stage, now);
        }
        drop(stages);
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// A stage begins, with one part per scope (none: one part for the whole stage).
    pub fn begin(&self, kind: StageKind, n: usize, scopes: &[&str]) {
        let named = if scopes.is_empty() { String::new() } else { format!(" with {}", scopes.join(", ")) };
        self.log("info", Some(kind), format!("Begins{named}."));
        self.change(kind, n, |stage, now| {
            stage.status = StageStatus::InProgress;
            if stage.steps.is_empty() {
                stage.steps = if scopes.is_empty() {
                    vec![pending(None)]
                } else {
                    scopes.iter().map(|scope| pending(Some((*scope).to_owned()))).collect()
                };
            }
            for step in &mut stage.steps {
                step.status = StageStatus::InProgress;
                step.started_at = Some(now);
            }
        });
    }

    /// Sets the counters of a stage's part (the only part when `scope` is `None`).
    pub fn count(
        &self,
        kind: StageKind,
        n: usize,
        scope: Option<&str>,
        valid: u64,
        invalid: u64,
        total: u64,
    ) {
        self.change(kind, n, |stage, _| {
            if let Some(step) =
                stage.steps.iter_mut().find(|s| scope.is_none() || s.scope.as_deref() == scope)
            {
                (step.valid_records, step.invalid_records, step.total) = (valid, invalid, total);
            }
        });
    }

    /// Sets the counters of the `n`-th load step.
    pub fn count_load(&self, n: usize, counters: &Counters) {
        self.change(StageKind::LoadStep, n, |stage, _| {
            if let Some(step) = stage.steps.first_mut() {
                step.set_counters(*counters);
            }
        });
    }

    /// The stage that makes indexes begins: it stands before the load steps, in the runs that have to make
    /// some. One part per index, of an object with so many records.
    pub fn begin_indexes(&self, parts: &[(ObjectId, u64)]) {
        let part = |(object, total): &(ObjectId, u64)| Step {
            custom_object: Some(*object),
            total: *total,
            ..pending(None)
        };
        let stage = Stage {
            kind: StageKind::MatchIndex,
            status: StageStatus::InProgress,
            steps: parts.iter().map(part).collect(),
        };
        let mut stages = self.0.stages.lock();
        let before = Self::index(&stages, StageKind::LoadStep, 0);
        stages.insert(before, stage);
        drop(stages);
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// The `part`-th index is being made.
    pub fn begin_index(&self, part: usize) {
        self.change(StageKind::MatchIndex, 0, |stage, now| {
            if let Some(step) = stage.steps.get_mut(part) {
                (step.status, step.started_at) = (StageStatus::InProgress, Some(now));
            }
        });
    }

    /// The `part`-th index is made.
    pub fn complete_index(&self, part: usize) {
        self.change(StageKind::MatchIndex, 0, |stage, now| {
            if let Some(step) = stage.steps.get_mut(part) {
                (step.status, step.ended_at) = (StageStatus::Completed, Some(now));
                step.valid_records = step.total;
            }
            if stage.steps.iter().all(|step| step.status == StageStatus::Completed) {
                stage.status = StageStatus::Completed;
            }
        });
    }

    /// A stage is done.
    pub fn complete(&self, kind: StageKind, n: usize) {
        let mut told = Vec::new();
        self.change(kind, n, |stage, now| {
            end(stage, StageStatus::Completed, Some(now));
            told = stage.steps.iter().map(completed).collect();
        });
        for sentence in told {
            self.log("info", Some(kind), sentence);
        }
    }

    /// The run ended: what was in progress ended as `status`, what was pending never came.
    pub fn stop(&self, status: StageStatus) {
        let now = self.0.clock.now();
        settle(&mut self.0.stages.lock(), status, Some(now));
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// Adds a log line. Beyond the limit lines are only counted, and the last kept line says so.
    pub fn log(&self, level: &'static str, stage: Option<StageKind>, message: impl Into<String>) {
        let at = self.0.clock.now();
        let mut log = self.0.log.lock();
        if log.lines.len() + 1 < log.max {
            log.lines.push(LogLine { at, level, stage, message: message.into() });
        } else {
            log.cut += 1;
        }
    }

    /// Hands what is new since the last time to `write`: the stages, and the log's new lines with the number
    /// (from 1) of the first. It is not called when nothing is, and is called again for all of it when it fails.
    pub fn keep<E>(&self, write: impl FnOnce(&[Stage], usize, &[LogLine]) -> Result<(), E>) -> Result<(), E> {
        // Held over the writing: two that keep at a time would put older stages over newer ones.
        let mut kept = self.0.kept.lock();
        let version = self.version();
        let stages = self.stages();
        let lines = self.0.log.lock().lines[kept.lines..].to_vec();
        if version == kept.version && lines.is_empty() {
            return Ok(());
        }
        write(&stages, kept.lines + 1, &lines)?;
        *kept = Kept { version, lines: kept.lines + lines.len() };
        Ok(())
    }

    /// How many of the log's lines the store has.
    #[must_use]
    pub fn lines_kept(&self) -> usize {
        self.0.kept.lock().lines
    }

    /// The log's lines so far, and of those beyond the limit how many.
    #[must_use]
    pub fn log_lines(&self) -> Vec<LogLine> {
        let log = self.0.log.lock();
        let mut lines = log.lines.clone();
        if log.cut > 0 {
            lines.push(LogLine {
                at: self.0.clock.now(),
                level: "warning",
                stage: None,
                message: format!(
                    "{} more lines were not kept (runner.max_log_lines = {}).",
                    log.cut, log.max
                ),
            });
        }
        lines
    }
}

/// Ends the stages of a run: what was in progress ended as `status`, what was pending never came. `at`:
/// when, if that is known.
pub fn settle(stages: &mut [Stage], status: StageStatus, at: Option<DateTime<Utc>>) {
    for stage in stages {
        match stage.status {
            StageStatus::InProgress => {
                end(stage, status, at);
                for step in stage.steps.iter_mut().filter(|step| step.status == StageStatus::Pending) {
                    step.status = StageStatus::Skipped;
                }
            }
            StageStatus::Pending => {
                stage.status = StageStatus::Skipped;
                for step in &mut stage.steps {
                    step.status = StageStatus::Skipped;
                }
            }
            _ => {}
        }
    }
}

/// What the log says of a part that is done.
fn completed(step: &Step) -> String {
    let scope = step.scope.as_deref().map(|scope| format!("{scope}: ")).unwrap_or_default();
    let took = step.started_at.zip(step.ended_at).map(|(from, to)| (to - from).num_milliseconds().max(0));
    let took = took.map(|ms| format!(" in {ms} ms")).unwrap_or_default();
    let Some(counters) = &step.counters else {
        let (total, invalid) = (step.total, step.invalid_records);
        return format!("{scope}Done{took}: {total} rows, {invalid} rejected.");
    };
    let Counters { rows, created, updated, unchanged, skipped, errors, not_processed, .. } = counters;
    format!(
        "{scope}Done{took}: {rows} rows, {created} created, {updated} updated, {unchanged} unchanged, \
         {skipped} skipped, {errors} rejected, {not_processed} not processed."
    )
}

fn pending(scope: Option<String>) -> Step {
    Step {
        status: StageStatus::Pending,
        scope,
        custom_object: None,
        valid_records: 0,
        invalid_records: 0,
        total: 0,
        started_at: None,
        ended_at: None,
        counters: None,
    }
}

fn end(stage: &mut Stage, status: StageStatus, at: Option<DateTime<Utc>>) {
    stage.status = status;
    for step in &mut stage.steps {
        if step.status == StageStatus::InProgress {
            step.status = status;
            step.ended_at = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        StageStatus::{Completed, Failed, Skipped},
        *,
    };

    #[test]
    fn a_stopped_run_says_where_it_stopped() {
        let progress = Progress::new(&[("orders".into(), ObjectId::new())], 3, Clock::system());
        let before = progress.version();
        progress.begin(StageKind::InputRead, 0, &[]);
        progress.count(StageKind::InputRead, 0, None, 5, 0, 5);
        progress.complete(StageKind::InputRead, 0);
        progress.begin(StageKind::SqlRun, 0, &[]);
        progress.stop(Failed);
        let states: Vec<_> = progress.stages().iter().map(|s| s.status).collect();
        assert_eq!(states, [Completed, Failed, Skipped, Skipped, Skipped]);
        assert_eq!(progress.stages()[0].steps[0].valid_records, 5);
        assert!(progress.version() > before);
    }

    #[test]
    fn what_is_new_is_kept_once_and_again_when_that_failed() {
        let progress = Progress::new(&[], 10, Clock::system());
        let keep = |outcome: Result<(), ()>| {
            let mut seen = None;
            let answer = progress.keep(|stages, first, lines| {
                let said: Vec<_> = lines.iter().map(|line| line.message.clone()).collect();
                seen = Some((stages[0].status, first, said));
                outcome
            });
            assert_eq!(answer.is_err(), seen.is_some() && outcome.is_err());
            seen
        };
        assert_eq!(keep(Ok(())), None);
        progress.begin(StageKind::InputRead, 0, &[]);
        let first = Some((StageStatus::InProgress, 1, vec!["Begins.".to_owned()]));
        assert_eq!(keep(Err(())), first);
        assert_eq!(keep(Ok(())), first);
        assert_eq!(keep(Ok(())), None);
        progress.log("info", None, "more");
        assert_eq!(keep(Ok(())), Some((StageStatus::InProgress, 2, vec!["more".to_owned()])));
        assert_eq!(progress.lines_kept(), 2);
        progress.count(StageKind::InputRead, 0, None, 1, 0, 1);
        assert_eq!(keep(Ok(())), Some((StageStatus::InProgress, 3, Vec::new())));
    }

    #[test]
    fn a_long_log_is_cut_and_says_so() {
        let progress = Progress::new(&[], 3, Clock::system());
        for n in 0..5 {
            progress.log("info", None, format!("line {n}"));
        }
        let lines: Vec<_> = progress.log_lines().into_iter().map(|l| l.message).collect();
        assert_eq!(lines, ["line 0", "line 1", "3 more lines were not kept (runner.max_log_lines = 3)."]);
    }
}
