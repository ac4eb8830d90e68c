//! Aggregates: many rows, one answer, in bounded memory.

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use rusqlite::{
    Connection, Error,
    functions::{Aggregate, Context, FunctionFlags},
};

use super::call::{Answer, Call, Host};

/// One aggregate over one group of rows.
pub(super) trait Fold: UnwindSafe + RefUnwindSafe {
    /// Takes a row. Whatever it keeps it takes from the budget first.
    fn step(&mut self, call: &Call<'_>, budget: &mut Budget) -> Result<(), Error>;

    /// What the rows amount to; there may have been none.
    fn answer(self: Box<Self>) -> Result<Answer, Error>;
}

/// What one aggregate may still keep in memory (`engine.max_aggregate_mb`).
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    /// Takes `bytes`, or says that they are not there.
    pub(super) fn take(&mut self, bytes: usize, call: &Call<'_>) -> Result<(), Error> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(|| call.out_of_budget())?;
        Ok(())
    }

    /// Gives back what is no longer kept.
    pub(super) const fn give_back(&mut self, bytes: usize) {
        self.0 += bytes;
    }
}

/// An aggregate as `rusqlite` calls it.
struct Folding {
    name: &'static str,
    host: Arc<Host>,
    new: fn() -> Box<dyn Fold>,
}

/// A group that is being read.
struct Group {
    fold: Box<dyn Fold>,
    budget: Budget,
}

impl Aggregate<Group, (Answer, Option<u32>)> for Folding {
    fn init(&self, _: &mut Context<'_>) -> Result<Group, Error> {
        let budget = Budget(self.host.watch.limits().max_aggregate());
        Ok(Group { fold: (self.new)(), budget })
    }

    fn step(&self, arguments: &mut Context<'_>, group: &mut Group) -> Result<(), Error> {
        let call = Call::new(self.name, arguments, &self.host);
        call.poll_if_large()?;
        group.fold.step(&call, &mut group.budget)
    }

    fn finalize(&self, _: &mut Context<'_>, group: Option<Group>) -> Result<(Answer, Option<u32>), Error> {
        let fold = group.map_or_else(self.new, |group| group.fold);
        fold.answer().map(Answer::typed)
    }
}

pub(super) fn register(
    db: &Connection,
    host: &Arc<Host>,
    name: &'static str,
    count: i32,
    flags: FunctionFlags,
    new: fn() -> Box<dyn Fold>,
) -> Result<(), Error> {
    db.create_aggregate_function(name, count, flags, Folding { name, host: Arc::clone(host), new })
}
