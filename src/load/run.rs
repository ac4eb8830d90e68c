//! The batches of a run: what is written together, and what is told about it.

use std::{cell::RefCell, path::Path};

use super::{
    Row, StepPlan,
    diff::Refused,
    end,
    fate::{Fate, message, rejected},
    keep,
    rows::Rows,
    write::Writer,
};
use crate::{
    breakpoint,
    cancel::CancelToken,
    error::{Code, Error, Result},
    execution::{Counters, Outcome, RowStatus, State, outcome::Message},
    id::{ConnectorId, ExecutionId, ObjectId, RecordId},
    store::{self, Connection, Loading, Store, pool, scratch, spool::Spool, upsert::Stamp},
    variable::Value,
};

/// From so many rows on a batch ends when somebody else waits to write: fewer cost too much on random keys.
const GIVE_WAY: usize = 50_000;

/// The limits of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `runner.batch_rows`: rows per transaction at most.
    pub batch_rows: usize,
    /// `runner.max_row_outcomes`: row outcomes kept per run.
    pub max_row_outcomes: u64,
    /// `report.max_rows`: rows spooled per step, of rejected and of other ones.
    pub max_report_rows: u64,
}

/// Why a step stopped before its last row. The batch under way is rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The token was set.
    Cancelled,
    /// Something failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What is committed. A batch works on a copy and hands it back with its commit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    counters: Counters,
    pub(super) run: Option<i64>,
    /// Outcomes that got a number, those that are kept, and those of them that only preview an update.
    pub(super) numbered: u64,
    pub(super) kept: u64,
    pub(super) previews: u64,
    /// The lowest number of a preview that was given up.
    pub(super) given_up: Option<u64>,
    pub(super) cut: u64,
    pub(super) is_finished: bool,
    /// Rows of the step that the diff check found unchanged, until a batch counts them.
    unchanged: u64,
    spooled_rejected: u64,
    spooled_others: u64,
}

/// The loading of one run: its steps one after another.
pub struct Load<'s> {
    pub(super) store: &'s Store,
    pub(super) execution: ExecutionId,
    pub(super) connector: ConnectorId,
    pub(super) settings: Settings,
    pub(super) cancel: CancelToken,
    /// Of a dry run.
    pub(super) scratch: Option<Connection>,
    /// Of a live run: gives back what the load took, whichever way it ends.
    pub(super) loading: Option<Loading<'s>>,
    /// Objects with indexes that are made at the end.
    pub(super) late: Vec<ObjectId>,
    pub(super) spool: Spool,
    pub(super) tally: Tally,
    totals: Counters,
    /// Of a run that writes a baseline: per scope, rows that a step rejected or skipped.
    pub(super) refused: Option<RefCell<Refused>>,
    /// What the diff check found missing.
    pub(super) missing: Option<u64>,
}

impl<'s> Load<'s> {
    /// A live run: it writes records.
    pub fn live(
        store: &'s Store,
        execution: ExecutionId,
        connector: ConnectorId,
        settings: Settings,
        cancel: CancelToken,
    ) -> Result<Self> {
        Ok(Self {
            loading: Some(store.records.loading()),
            ..Self::new(store, execution, connector, settings, cancel)?
        })
    }

    fn new(
        store: &'s Store,
        execution: ExecutionId,
        connector: ConnectorId,
        settings: Settings,
        cancel: CancelToken,
    ) -> Result<Self> {
        Ok(Self {
            store,
            execution,
            connector,
            settings,
            cancel,
            scratch: None,
            loading: None,
            late: Vec::new(),
            spool: Spool::create()?,
            tally: Tally::default(),
            totals: Counters::default(),
            refused: None,
            missing: None,
        })
    }

    /// A dry run of these steps: it writes no records. `dir` is the execution's scratch folder.
    pub fn dry(
        store: &'s Store,
        dir: &Path,
        execution: ExecutionId,
        connector: ConnectorId,
        settings: Settings,
        cancel: CancelToken,
        steps: &[StepPlan],
    ) -> Result<Self> {
        let objects: Vec<_> = steps.iter().flat_map(StepPlan::objects).collect();
        let scratch = scratch::create(store, dir, &objects)?;
        let load = Self::new(store, execution, connector, settings, cancel)?;
        Ok(Self { scratch: Some(scratch), ..load })
    }

    /// Loads the rows of one step of which the diff check found `unchanged` unchanged: they do not come, and are
    /// counted with the first batch. See [`Self::step`].
    pub fn step_with_unchanged(
        &mut self,
        plan: &StepPlan,
        (total, unchanged): (u64, u64),
        is_last: bool,
        chunks: impl IntoIterator<Item = Result<Vec<Row>>>,
        progress: impl FnMut(&Counters),
    ) -> std::result::Result<Counters, Stop> {
        self.tally.unchanged = unchanged;
        self.step(plan, total, is_last, chunks, progress)
    }

    /// Loads the rows of one step, `total` of them; they come in chunks of any size. With `is_last` the
    /// run's end is written in the step's last transaction. `progress` hears of every chunk.
    pub fn step(
        &mut self,
        plan: &StepPlan,
        total: u64,
        is_last: bool,
        chunks: impl IntoIterator<Item = Result<Vec<Row>>>,
        mut progress: impl FnMut(&Counters),
    ) -> std::result::Result<Counters, Stop> {
        self.tally = Tally {
            counters: Counters { rows: total, ..Counters::default() },
            spooled_rejected: 0,
            spooled_others: 0,
            ..self.tally
        };
        let mut rows = Rows::new(chunks.into_iter());
        let outcome = loop {
            match self.batch(plan, is_last, &mut rows, &mut progress) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(stop) => break Err(stop),
            }
        };
        let mut counters = self.tally.counters;
        counters.close();
        self.totals.add(&counters);
        progress(&counters);
        outcome.map(|()| counters)
    }

    /// The sum over the steps so far, as committed.
    #[must_use]
    pub const fn totals(&self) -> &Counters {
        &self.totals
    }

    /// The counters of the step at hand, as committed.
    #[must_use]
    pub fn committed(&self) -> Counters {
        let mut counters = self.tally.counters;
        counters.close();
        counters
    }

    /// Row outcomes that were counted and not kept.
    #[must_use]
    pub const fn outcomes_cut(&self) -> u64 {
        self.tally.cut
    }

    /// Whether the run's end is in its ledger. That decides how it ended, whatever comes later.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.tally.is_finished
    }

    /// One transaction; answers whether there may be more rows.
    fn batch(
        &mut self,
        plan: &StepPlan,
        is_last: bool,
        rows: &mut Rows<impl Iterator<Item = Result<Vec<Row>>>>,
        progress: &mut impl FnMut(&Counters),
    ) -> std::result::Result<bool, Stop> {
        let mut scratch = self.scratch.take();
        let done = if let Some(scratch) = &mut scratch {
            self.batch_on(scratch, true, plan, is_last, rows, progress)
        } else {
            let left = self.tally.counters.rows.saturating_sub(self.tally.counters.processed());
            let ends_run = is_last && self.refused.is_none() && left <= self.settings.batch_rows as u64;
            let mut writer = self.store.records.writer_for_load(ends_run)?;
            self.batch_on(&mut writer, false, plan, is_last, rows, progress)
        };
        self.scratch = scratch;
        if done.is_err() {
            self.spool.rollback()?;
        }
        if let Err(Stop::Failed(error)) = &done
            && error.code == Code::DiskFull
        {
            self.store.disk.found_full();
        }
        let (tally, more) = done?;
        // The batch is committed and counts, also when its spool can't be kept and the run stops here.
        self.tally = tally;
        self.spool.commit()?;
        if more && let Some(loading) = &mut self.loading {
            loading.committed();
        }
        Ok(more)
    }

    fn batch_on(
        &self,
        connection: &mut Connection,
        is_dry: bool,
        plan: &StepPlan,
        is_last: bool,
        rows: &mut Rows<impl Iterator<Item = Result<Vec<Row>>>>,
        progress: &mut impl FnMut(&Counters),
    ) -> std::result::Result<(Tally, bool), Stop> {
        let mut tally = self.tally;
        let tx = pool::begin(connection)?;
        self.spool.begin()?;
        let now = self.now();
        let run = if let Some(run) = tally.run {
            run
        } else {
            // A dry run's scratch database has no baselines.
            if !is_dry {
                store::baseline::invalidate(&tx, self.connector)?;
            }
            store::run::begin(&tx, self.execution, self.connector, now)?
        };
        tally.run = Some(run);
        tally.counters.unchanged += std::mem::take(&mut tally.unchanged);
        if !is_dry {
            self.restore_indexes(&tx, plan)?;
        }
        let mut writer = Writer::new(&tx, plan, Stamp { now, run }, is_dry)?;
        let mut more = false;
        let mut count = 0;
        while let Some(mut row) = rows.next(|| progress(&tally.counters))? {
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            self.row(&tx, plan, &mut writer, &mut row, &mut tally)?;
            count += 1;
            let gives_way = count >= GIVE_WAY && !is_dry && self.store.records.is_wanted();
            if count >= self.settings.batch_rows || gives_way {
                more = true;
                break;
            }
        }
        drop(writer);
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        store::run::save_step(&tx, run, plan.order, &plan.scope, &tally.counters)?;
        store::run::save_cut(&tx, run, tally.cut)?;
        if is_last && !more && self.refused.is_none() {
            let rejected = self.totals.errors + tally.counters.errors;
            let outcome = if rejected == 0 { State::Success } else { State::PartialSuccess };
            tally.is_finished = self.finish(&tx, is_dry, outcome, None)?;
        }
        tx.commit().map_err(Error::from)?;
        breakpoint::reach("batch_committed");
        Ok((tally, more))
    }

    fn row(
        &self,
        tx: &Connection,
        plan: &StepPlan,
        writer: &mut Writer<'_>,
        row: &mut Row,
        tally: &mut Tally,
    ) -> Result<()> {
        let fate = match self.resolve_exposed(plan, row)? {
            Some(fate) => {
                writer.pass_over();
                fate
            }
            None => writer.load(row)?,
        };
        tally.counters.count(fate.outcome);
        let is_loaded = !matches!(fate.outcome, Outcome::Rejected | Outcome::Skipped);
        if let Some(refused) = self.refused.as_ref().filter(|_| !is_loaded) {
            end::refuse(&mut refused.borrow_mut(), &plan.scope, row.row);
        }
        if is_loaded && !row.warnings.is_empty() {
            tally.counters.warnings += 1;
        }
        if plan.is_used_later {
            let reason = fate.messages.first().map_or("", |message| message.message.as_str());
            self.spool.expose(plan.order, row.row, fate.record.filter(|_| is_loaded).ok_or(reason))?;
        }
        let status = match fate.outcome {
            Outcome::Rejected => Some(RowStatus::Error),
            Outcome::Skipped => Some(RowStatus::Skipped),
            // As in the live run, which says nothing of other updates.
            _ if !row.warnings.is_empty() => Some(RowStatus::Warning),
            Outcome::Updated if !fate.changes.is_empty() => Some(RowStatus::Updated),
            _ => None,
        };
        let spooled = match fate.outcome {
            Outcome::Rejected => &mut tally.spooled_rejected,
            _ => &mut tally.spooled_others,
        };
        if *spooled < self.settings.max_report_rows {
            *spooled += 1;
            self.spool.keep_upload(plan.order, keep::upload_row(row, &fate, writer.cells(row)))?;
        }
        if let Some(status) = status {
            self.keep(tx, plan, row, fate, status, tally)?;
        }
        Ok(())
    }

    /// Puts the records that earlier steps exposed for this row to its values; answers the rejection
    /// when one has none.
    fn resolve_exposed(&self, plan: &StepPlan, row: &mut Row) -> Result<Option<Fate>> {
        for slot in &plan.slots[plan.variables().len()..] {
            let Some(exposer) = slot.exposed_by else { continue };
            let exposed = self.spool.exposed(exposer.order, row.row)?;
            let record = match exposed {
                Some(Ok(record)) => record,
                other => {
                    let reason = other.and_then(Result::err).unwrap_or_else(|| "not processed".to_owned());
                    let step = exposer.number;
                    return Ok(Some(rejected(vec![Message {
                        message: format!("depends on a row that was not loaded (step {step}: {reason})"),
                        variable: Some(slot.name.clone()),
                        ..message("not_loaded")
                    }])));
                }
            };
            row.values.push(Ok(Value::Uuid(RecordId::of(exposer.object, record).uuid())));
        }
        Ok(None)
    }

    pub(super) fn now(&self) -> i64 {
        self.store.clock.now().timestamp_millis()
    }
}
