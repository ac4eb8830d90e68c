//! The indexes by which a run looks records up, where saving the flow left them to it.
//!
//! And the other way round: indexes that a large first load does not use are made at its end
//! ([`late_index`]).
//!
//! A live run makes them in `records.db`, one transaction each, and writers wait for it. A dry run must not
//! be felt by others: its scratch database gets a sorted copy of the column instead.

use super::{Load, StepPlan, Stop};
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
    id::{FieldId, ObjectId},
    object::{Field, Object},
    store::{Connection, Loading, Store, Transaction, late_index, pool, scratch::make_lookup, table},
};

/// Instructions of SQLite's machine between two looks at the token: some milliseconds.
const OPS_BETWEEN_LOOKS: i32 = 100_000;

/// An index that is not there yet.
#[derive(Debug, Clone, Copy)]
pub struct MissingIndex<'p> {
    /// The object.
    pub object: &'p Object,
    /// Its field that records are looked up by.
    pub field: &'p Field,
    /// How many records the object has.
    pub records: u64,
    /// Whether it takes long enough to be watched.
    pub is_large: bool,
}

impl Load<'_> {
    /// What the steps look records up by without an index: every row would read the whole table.
    pub fn missing_indexes<'p>(&self, plans: &'p [StepPlan]) -> Result<Vec<MissingIndex<'p>>> {
        self.store.records.read(|conn| {
            let mut missing: Vec<MissingIndex<'p>> = Vec::new();
            for (object, field) in plans.iter().flat_map(StepPlan::looked_up) {
                let is_known = missing.iter().any(|index| index.field.key == field.key);
                if !is_known && !table::has_match_index(conn, field)? {
                    let is_large = table::is_large(conn, object)?;
                    missing.push(MissingIndex {
                        object,
                        field,
                        records: table::count(conn, object)?,
                        is_large,
                    });
                }
            }
            Ok(missing)
        })
    }

    /// Makes one of them. Cancelled, nothing of it is left.
    pub fn make_index(&self, index: &MissingIndex<'_>) -> std::result::Result<(), Stop> {
        if let Some(scratch) = &self.scratch {
            return stoppable(scratch, &self.cancel, || make_lookup(scratch, index.object, index.field));
        }
        let mut writer = self.store.records.writer_for_index()?;
        let tx = pool::begin(&mut writer)?;
        stoppable(&tx, &self.cancel, || table::ensure_match_index(&tx, index.object, index.field).map(drop))?;
        tx.commit().map_err(|e| Stop::Failed(Error::from(e)))
    }

    /// Leaves indexes that this run does not use to its end, where a step's `rows` are many and its object
    /// is empty. Answers how many.
    pub fn set_indexes_aside(
        &mut self,
        plans: &[StepPlan],
        rows: impl Fn(&StepPlan) -> u64,
    ) -> Result<usize> {
        if self.scratch.is_some() {
            return Ok(0);
        }
        let needed: Vec<FieldId> =
            plans.iter().flat_map(StepPlan::looked_up).map(|(_, field)| field.id).collect();
        let mut left = 0;
        for plan in plans.iter().filter(|plan| rows(plan) >= table::LARGE) {
            let object = plan.object();
            left += self.store.records.write(|tx| late_index::set_aside(tx, object, &needed))?;
            self.late.push(object.id);
        }
        Ok(left)
    }

    /// What the batch looks records up by may have been set aside by another run after this one began.
    pub(super) fn restore_indexes(
        &self,
        tx: &Transaction<'_>,
        plan: &StepPlan,
    ) -> std::result::Result<(), Stop> {
        for (object, field) in plan.looked_up() {
            if !table::has_match_index(tx, field)? {
                stoppable(tx, &self.cancel, || table::ensure_match_index(tx, object, field).map(drop))?;
            }
        }
        Ok(())
    }
}

/// The indexes that a run set aside: nothing that comes after its load step needs them.
#[must_use = "they are to be made"]
pub struct LateIndexes<'s> {
    pub(super) store: &'s Store,
    pub(super) objects: Vec<ObjectId>,
    pub(super) cancel: CancelToken,
    /// They are made with a load's memory.
    pub(super) loading: Option<Loading<'s>>,
}

impl LateIndexes<'_> {
    /// Makes them. What can't be made now is made when nothing runs: the records are there, and the run has ended as
    /// its ledger says.
    pub fn make(self) {
        let Self { store, objects, cancel, loading: _loading } = self;
        for object in objects {
            match make_late(store, Some(object), &cancel) {
                Ok(()) => {}
                Err(Stop::Cancelled) => return,
                Err(Stop::Failed(error)) => log::warn!("an index is made later: {error}"),
            }
        }
    }
}

/// Makes the indexes that first loads of `of`, or of all objects, left until later; each in a transaction of its
/// own, which the token ends.
pub fn make_late(store: &Store, of: Option<ObjectId>, token: &CancelToken) -> std::result::Result<(), Stop> {
    for late in store.records.read(|conn| late_index::pending(conn, of))? {
        if store.disk.is_full() {
            break;
        }
        let mut writer = store.records.writer_for_index()?;
        let tx = pool::begin(&mut writer)?;
        stoppable(&tx, token, || late_index::make(&tx, late))?;
        tx.commit().map_err(Error::from)?;
    }
    Ok(())
}

/// Runs statements that the token interrupts.
fn stoppable(
    connection: &Connection,
    token: &CancelToken,
    work: impl FnOnce() -> Result<()>,
) -> std::result::Result<(), Stop> {
    token.check().map_err(|_| Stop::Cancelled)?;
    let polled = token.clone();
    let watch = move || polled.is_cancelled();
    connection.progress_handler(OPS_BETWEEN_LOOKS, Some(watch)).map_err(Error::from)?;
    let done = work();
    connection.progress_handler(0, None::<fn() -> bool>).map_err(Error::from)?;
    match done {
        Err(_) if token.is_cancelled() => Err(Stop::Cancelled),
        other => Ok(other?),
    }
}
