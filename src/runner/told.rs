//! What a running execution tells, its stages and its log, is kept while it runs: after a crash there is
//! nobody to ask.
//!
//! It is written where a stage begins, and every second for all that runs: one commit however many lines
//! there are, and none when nothing is new. So a crash costs what was said within the last second, and a power cut
//! perhaps what was said since somebody waited for the disk: a small run is not made of waiting to say how far it is.

use std::time::{Duration, Instant};

use super::Shared;
use crate::{
    error::Result,
    execution::{LogLine, Progress},
    id::ExecutionId,
    store::{self, Store, log::Line},
};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);

/// Keeps what is told until the server has stopped: also of runs that have their grace.
pub(super) fn run(shared: &Shared) {
    let mut next = Instant::now() + ROUND;
    loop {
        let mut signal = shared.signal.lock();
        while !has_stopped(shared) && Instant::now() < next {
            shared.wake.wait_until(&mut signal, next);
        }
        drop(signal);
        if has_stopped(shared) {
            return;
        }
        next = Instant::now() + ROUND;
        round(shared);
    }
}

fn has_stopped(shared: &Shared) -> bool {
    shared.is_stopping() && shared.is_idle()
}

fn round(shared: &Shared) {
    if shared.store.disk.is_full() {
        return;
    }
    let running: Vec<_> =
        shared.running.lock().iter().map(|(id, running)| (*id, running.progress.clone())).collect();
    for (id, progress) in running {
        if let Err(error) = keep(&shared.store, id, &progress) {
            log::warn!("execution={id} what it tells could not be kept: {error}");
        }
    }
}

/// Keeps what a run has told since the last time.
pub(super) fn keep(store: &Store, id: ExecutionId, progress: &Progress) -> Result<()> {
    progress.keep(|stages, first, told| {
        store.control.write_unsynced(|tx| {
            store::execution::set_stages(tx, id, stages)?;
            store::log::insert(tx, id, &lines(told, first))
        })
    })
}

/// Lines as the store has them; `first` is the number of the first.
pub(super) fn lines(told: &[LogLine], first: usize) -> Vec<Line> {
    let line = |(line, n): (&LogLine, i64)| Line {
        n,
        at: line.at,
        level: line.level.to_owned(),
        stage: line.stage.map(|stage| stage.as_str().to_owned()),
        message: line.message.clone(),
    };
    told.iter().zip(first as i64..).map(line).collect()
}
