//! How the loading of a run ends: what the ledger says of it, and what it leaves for the next run.

use std::cell::RefCell;

use super::{
    Load, StepPlan,
    diff::{Next, Refused, RowSet},
    index::LateIndexes,
};
use crate::{
    error::{Error, Result},
    execution::State,
    id::ObjectId,
    store::{self, Connection, scratch, spool::Spool},
};

impl<'s> Load<'s> {
    /// The run shall leave a baseline: its end is written by [`Self::end_with_baseline`] alone.
    pub fn leave_baseline(&mut self) {
        self.refused = Some(RefCell::default());
    }

    /// What the diff check found missing; told with the run's end.
    pub fn set_missing(&mut self, missing: Option<u64>) {
        self.missing = missing;
    }

    /// Ends the loading, indexes included; see [`Self::end_but_indexes`].
    pub fn end(self, outcome: State, error: Option<&str>) -> Result<Spool> {
        let (spool, late) = self.end_but_indexes(outcome, error)?;
        late.make();
        Ok(spool)
    }

    /// Ends the loading; answers the spool for the report, and the indexes that are yet to be made. A live run that
    /// did not come to its last step gets `outcome` into its ledger; a dry run hands over its row outcomes.
    pub fn end_but_indexes(self, outcome: State, error: Option<&str>) -> Result<(Spool, LateIndexes<'s>)> {
        // What the ledger says must not hang on a scratch file.
        if let Err(error) = self.spool.rollback() {
            log::warn!("execution={} its spool: {error}", self.execution);
        }
        if let Some(scratch) = &self.scratch {
            scratch::deliver_outcomes(scratch, self.store, self.execution)?;
        } else if self.tally.run.is_some() && !self.tally.is_finished {
            self.store.records.write_last(|tx| self.finish(tx, false, outcome, error))?;
        }
        let late =
            LateIndexes { store: self.store, objects: self.late, cancel: self.cancel, loading: self.loading };
        Ok((self.spool, late))
    }

    /// The records that the steps of a dry run have looked up so far, by object.
    pub fn looked_up(&self, steps: &[StepPlan]) -> Result<Vec<(ObjectId, Vec<i64>)>> {
        let Some(scratch) = &self.scratch else { return Ok(Vec::new()) };
        let mut found: Vec<(ObjectId, Vec<i64>)> = Vec::new();
        for object in steps.iter().flat_map(StepPlan::objects) {
            if found.iter().all(|(id, _)| *id != object.id) {
                found.push((object.id, scratch::looked_up(scratch, object)?));
            }
        }
        Ok(found)
    }

    /// As [`Self::end_but_indexes`], of a run whose steps all came to their end: the ledger's `finished` and the next
    /// baseline, in one transaction. Without the baseline, which then can't be had, the run ends all the same; `lost` hears why.
    pub fn end_with_baseline(
        mut self,
        outcome: State,
        next: Next,
        lost: impl FnOnce(&Error),
    ) -> Result<(Spool, LateIndexes<'s>)> {
        let refused = self.refused.take().map(RefCell::into_inner).unwrap_or_default();
        let finished = self.finished(outcome, None);
        let written = next.stage(self.store, self.connector, &refused).and_then(|mut staged| {
            self.store.records.write(|tx| {
                staged.finish(tx)?;
                store::run::finish(tx, self.execution, &finished)
            })
        });
        match written {
            Ok(is_finished) => self.tally.is_finished = is_finished,
            Err(error) => lost(&error),
        }
        self.end_but_indexes(outcome, None)
    }

    /// Writes into the ledger how the run ended. It leaves no baseline, and none of an earlier run is worth
    /// anything after it; a dry run's scratch database has none.
    pub(super) fn finish(
        &self,
        tx: &Connection,
        is_dry: bool,
        outcome: State,
        error: Option<&str>,
    ) -> Result<bool> {
        if !is_dry {
            store::baseline::sweep(tx, self.connector)?;
        }
        store::run::finish(tx, self.execution, &self.finished(outcome, error))
    }

    fn finished(&self, outcome: State, error: Option<&str>) -> store::run::Finished {
        store::run::Finished {
            at: self.now(),
            outcome,
            error: error.map(str::to_owned),
            missing_since_last_run: self.missing,
        }
    }
}

/// Notes that a step rejected or skipped a row.
pub(super) fn refuse(refused: &mut Refused, scope: &str, row: u64) {
    let at = refused.iter().position(|(name, _)| name == scope).unwrap_or_else(|| {
        refused.push((scope.to_owned(), RowSet::default()));
        refused.len() - 1
    });
    refused[at].1.insert(row);
}
