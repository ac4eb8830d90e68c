//! The indexes by which a run looks records up, where saving the flow left them to it.
//!
//! A live run makes them in `records.db`, one transaction each, and writers wait for it. A dry run must not
//! be felt by others: its scratch database gets a sorted copy of the column instead.

use super::{Load, StepPlan, Stop};
use crate::{
    error::{Error, Result},
    object::{Field, Object},
    store::{Connection, pool, scratch::make_lookup, table},
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
            return self.stoppable(scratch, || make_lookup(scratch, index.object, index.field));
        }
        let mut writer = self.store.records.writer();
        let tx = pool::begin(&mut writer)?;
        self.stoppable(&tx, || table::ensure_match_index(&tx, index.object, index.field).map(drop))?;
        tx.commit().map_err(|e| Stop::Failed(Error::from(e)))
    }

    /// Runs statements that the token interrupts.
    fn stoppable(
        &self,
        connection: &Connection,
        work: impl FnOnce() -> Result<()>,
    ) -> std::result::Result<(), Stop> {
        let token = self.cancel.clone();
        let watch = move || token.is_cancelled();
        connection.progress_handler(OPS_BETWEEN_LOOKS, Some(watch)).map_err(Error::from)?;
        let done = work();
        connection.progress_handler(0, None::<fn() -> bool>).map_err(Error::from)?;
        match done {
            Err(_) if self.cancel.is_cancelled() => Err(Stop::Cancelled),
            other => Ok(other?),
        }
    }
}
