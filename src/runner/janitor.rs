//! Keeps the data folder in bounds while the server runs: write-ahead logs are put into their databases,
//! freed pages given back to the disk in small steps, the reserve made anew once there is space, unfinished files
//! removed that a full disk kept, indexes made that loads left, what deleted connectors left removed, and the keys
//! of requests forgotten after a day.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Shared,
    retention::{self, Sweep},
};
use crate::{
    error::Result,
    load,
    store::{self, idempotency},
};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// A write-ahead log longer than this is put into its database when no reader is in the way. That of a load may grow
/// to four times of it.
const MAX_LOG: u64 = 64 * 1024 * 1024;
/// Freed pages that are kept, since the next run will want them.
const KEEP_FREE: u64 = 64 * 1024 * 1024;
/// Given back at a time: other writers wait for no more than this.
const STEP: u64 = 4 * 1024 * 1024;
/// Steps per round and database.
const STEPS: usize = 16;

/// Rounds between two looks for what is no longer kept: a minute, and an hour for files.
const RUNS_EVERY: u32 = 12;
const FILES_EVERY: u32 = 720;
/// The first walk over files: what a crash cut off has been done again by then.
const FILES_FIRST: u32 = 60;
/// An upload that was complete so long ago is not about to be queued any more.
const UNSETTLED: TimeDelta = TimeDelta::hours(1);

/// Rounds until the server stops.
pub(super) fn run(shared: &Shared) {
    let mut next = Instant::now() + ROUND;
    let mut forgets = Forgets::new(shared);
    loop {
        let mut signal = shared.signal.lock();
        while !shared.is_stopping() && Instant::now() < next && shared.deleted.lock().is_empty() {
            shared.wake.wait_until(&mut signal, next);
        }
        drop(signal);
        if shared.is_stopping() {
            return;
        }
        forget_deleted(shared);
        if Instant::now() < next {
            continue;
        }
        next = Instant::now() + ROUND;
        round(shared);
        if let Err(error) = forgets.round(shared) {
            log::warn!("what is no longer kept: {error}");
        }
    }
}

/// What is not done now, because the server stops or something fails, is done by the next walk over all files.
fn forget_deleted(shared: &Shared) {
    let deleted = std::mem::take(&mut *shared.deleted.lock());
    for connector in deleted {
        if let Err(error) = retention::forget_connector(&shared.store, connector) {
            log::warn!("what is left of the deleted connector {connector}: {error}");
        }
    }
}

/// Where it is in forgetting what is no longer kept: one step per round, however much there is.
struct Forgets {
    started: DateTime<Utc>,
    rounds: u32,
    runs: bool,
    sweep: Option<Sweep>,
}

impl Forgets {
    fn new(shared: &Shared) -> Self {
        Self { started: shared.store.clock.now(), rounds: 0, runs: true, sweep: None }
    }

    fn round(&mut self, shared: &Shared) -> Result<()> {
        let store = &shared.store;
        if self.rounds == 0 {
            retention::forget_connectors(store)?;
        }
        if self.rounds % FILES_EVERY == FILES_FIRST {
            self.sweep = Some(Sweep::new(store, self.started, shared.config.files.unused_days));
            store::file::settle_uploads(store, Some(store.clock.now() - UNSETTLED))?;
        }
        self.runs |= self.rounds.is_multiple_of(RUNS_EVERY);
        self.rounds = self.rounds.wrapping_add(1);
        if self.runs {
            self.runs = retention::forget_runs(store)?;
        }
        if let Some(sweep) = &mut self.sweep
            && !sweep.step(store)?
        {
            self.sweep = None;
        }
        Ok(())
    }
}

fn round(shared: &Shared) {
    crate::breakpoint::reach("janitor");
    if shared.store.disk.is_full() {
        return;
    }
    shared.store.disk.keep_reserve();
    if let Err(error) = store::file::remove_torn(&shared.store) {
        log::warn!("unfinished files: {error}");
    }
    for (kind, database) in shared.store.databases() {
        let kept = database.bound_log(MAX_LOG).and_then(|()| give_back(shared, database));
        if let Err(error) = kept {
            log::warn!("{}: {error}", kind.file_name());
        }
    }
    late_indexes(shared);
    if let Err(error) = idempotency::sweep(&shared.store) {
        log::warn!("forgetting idempotency keys: {error}");
    }
}

/// What first loads left: by a run's end it is nearly always done. Not while anything runs, since a load that is
/// under way has its reasons.
fn late_indexes(shared: &Shared) {
    if !shared.running.lock().is_empty() {
        return;
    }
    match load::make_late(&shared.store, None, &shared.stopping) {
        Ok(()) | Err(load::Stop::Cancelled) => {}
        Err(load::Stop::Failed(error)) => log::warn!("indexes that loads left: {error}"),
    }
}

fn give_back(shared: &Shared, database: &crate::store::Database) -> Result<()> {
    for _ in 0..STEPS {
        if shared.is_stopping() || !database.give_back(KEEP_FREE, STEP)? {
            break;
        }
    }
    Ok(())
}
