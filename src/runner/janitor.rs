//! Keeps the data folder in bounds while the server runs: write-ahead logs are put into their databases,
//! freed pages given back to the disk in small steps, and the reserve made anew once there is space.

use std::time::{Duration, Instant};

use super::Shared;
use crate::error::Result;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// A write-ahead log longer than this is put into its database when no reader is in the way. A load's own
/// checkpoints come at about twice of it.
const MAX_LOG: u64 = 64 * 1024 * 1024;
/// Freed pages that are kept, since the next run will want them.
const KEEP_FREE: u64 = 64 * 1024 * 1024;
/// Given back at a time: other writers wait for no more than this.
const STEP: u64 = 4 * 1024 * 1024;
/// Steps per round and database.
const STEPS: usize = 16;

/// Rounds until the server stops.
pub(super) fn run(shared: &Shared) {
    let mut next = Instant::now() + ROUND;
    loop {
        let mut signal = shared.signal.lock();
        while !shared.is_stopping() && Instant::now() < next {
            shared.wake.wait_until(&mut signal, next);
        }
        drop(signal);
        if shared.is_stopping() {
            return;
        }
        next = Instant::now() + ROUND;
        round(shared);
    }
}

fn round(shared: &Shared) {
    if shared.store.disk.is_full() {
        return;
    }
    shared.store.disk.keep_reserve();
    for (kind, database) in shared.store.databases() {
        let kept = database.bound_log(MAX_LOG).and_then(|()| give_back(shared, database));
        if let Err(error) = kept {
            log::warn!("{}: {error}", kind.file_name());
        }
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
