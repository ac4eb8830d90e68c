//! The thread that closes windows.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use super::batch;
use crate::{
    config::Config,
    connector::webhook::DEFAULT_CADENCE_S,
    error::Result,
    runner::Shared,
    store::{
        self, Store,
        delivery::{self, Facts},
        inbox::Inbox,
    },
};

/// The longest sleep while a window is open: the wall clock may be set meanwhile.
const GLANCE: Duration = Duration::from_millis(500);
/// The longest sleep otherwise, and the pause after a failure (a full disk).
const NAP: Duration = Duration::from_secs(5);
/// Requests that are removed in one transaction: those that arrive wait for it.
const SWEEP: i64 = 5_000;
/// How often names of old requests are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Closes windows until the server stops.
pub(in crate::runner) fn work(shared: &Shared) {
    let mut windows = Windows::new();
    let mut is_settled = false;
    loop {
        let seen = *shared.inbox.signal.lock();
        if shared.is_stopping() {
            return;
        }
        let pass = if is_settled { Ok(()) } else { settle(shared) };
        is_settled = pass.is_ok();
        let wait = pass.and_then(|()| windows.pass(shared)).unwrap_or_else(|error| {
            log::error!("webhook windows: {error}");
            NAP
        });
        let mut signal = shared.inbox.signal.lock();
        if *signal == seen && !shared.is_stopping() {
            shared.inbox.wake.wait_for(&mut signal, wait);
        }
    }
}

/// The bytes of a batch.
pub(super) fn max_bytes(config: &Config) -> i64 {
    i64::from(config.webhook.max_batch_mb) * 1024 * 1024
}

/// At start: what executions hold is not delivered again, also where a restored `inbox.db` still has it; the
/// inboxes of connectors that are gone go.
pub(super) fn settle(shared: &Shared) -> Result<()> {
    for inbox in shared.store.inbox.read(store::inbox::all)? {
        let facts = shared.store.control.read(|conn| delivery::facts(conn, inbox.connector))?;
        let Some(facts) = facts else {
            forget(shared, &inbox)?;
            continue;
        };
        skip(&shared.store, &inbox, &facts)?;
        sweep(shared, &inbox)?;
    }
    Ok(())
}

/// What executions hold waits no more. Before the first request is accepted: in a restored `inbox.db` that is
/// older than `control.db`, or does not know the connector at all, it would get the number of one that was
/// delivered, or of one that was to be cancelled.
pub(in crate::runner) fn skip_delivered(store: &Store) -> Result<()> {
    for mark in store.control.read(delivery::marks)? {
        let inbox = store.inbox.read(|conn| store::inbox::find(conn, mark.connector))?;
        let last = match inbox {
            Some(inbox) if inbox.taken_seq >= mark.delivered => inbox.last_seq,
            _ => store.inbox.write(|tx| {
                let inbox = store::inbox::find_or_make(tx, mark.connector)?;
                store::inbox::skip_delivered(tx, &inbox, mark.delivered)?;
                Ok(inbox.last_seq.max(mark.delivered))
            })?,
        };
        if mark.cancelled > last {
            store.control.write(|tx| delivery::bound_cancelled(tx, mark.connector, last))?;
        }
    }
    Ok(())
}

fn skip(store: &Store, inbox: &Inbox, facts: &Facts) -> Result<()> {
    store.inbox.write(|tx| store::inbox::skip_delivered(tx, inbox, facts.delivered))
}

/// A deleted connector's requests go with it.
fn forget(shared: &Shared, inbox: &Inbox) -> Result<()> {
    if inbox.pending() > 0 {
        log::warn!("connector={} is gone: {} webhooks go with it", inbox.connector, inbox.pending());
    }
    for open in shared.store.inbox.read(store::inbox::open)?.iter().filter(|open| open.inbox == inbox.key) {
        batch::abandon(&shared.store, open)?;
    }
    while shared.store.inbox.write(|tx| store::inbox::forget(tx, inbox.key, SWEEP))? {}
    Ok(())
}

/// The inboxes of connectors that were deleted, also of those in which nothing waits.
fn forget_deleted(shared: &Shared) {
    let deleted = std::mem::take(&mut *shared.inbox.deleted.lock());
    for connector in deleted {
        let inbox = shared.store.inbox.read(|conn| store::inbox::find(conn, connector));
        let gone = inbox.and_then(|inbox| inbox.map_or(Ok(()), |inbox| forget(shared, &inbox)));
        if let Err(error) = gone {
            // Tried again; the windows of others are closed all the same.
            log::error!("connector={connector} the inbox of the deleted connector: {error}");
            shared.inbox.deleted.lock().push(connector);
        }
    }
}

/// Connectors that an earlier process deleted, and died before their inboxes were gone.
fn find_deleted(shared: &Shared) -> Result<()> {
    let inboxes = shared.store.inbox.read(store::inbox::all)?;
    let there = shared.store.control.read(store::connector::ids)?;
    let gone = inboxes.into_iter().map(|inbox| inbox.connector).filter(|id| !there.contains(id));
    shared.inbox.deleted.lock().extend(gone);
    Ok(())
}

/// Requests that were taken go in pieces, so that those that arrive get in between.
fn sweep(shared: &Shared, inbox: &Inbox) -> Result<()> {
    while shared.store.inbox.write(|tx| store::inbox::sweep_taken(tx, inbox.key, SWEEP))? {}
    Ok(())
}

pub(super) struct Windows {
    /// Since when this process has seen the oldest request wait, by inbox.
    opened: HashMap<i64, (i64, Instant)>,
    forgotten: Option<Instant>,
    /// For what an earlier process left.
    has_looked: bool,
}

impl Windows {
    pub fn new() -> Self {
        Self { opened: HashMap::new(), forgotten: None, has_looked: false }
    }

    /// Closes every window that is due. Answers how long nothing else can be.
    pub fn pass(&mut self, shared: &Shared) -> Result<Duration> {
        if !self.has_looked {
            find_deleted(shared)?;
            self.has_looked = true;
        }
        forget_deleted(shared);
        let mut stuck = Vec::new();
        for open in shared.store.inbox.read(store::inbox::open)? {
            if let Err(error) = self.finish(shared, &open) {
                log::error!("connector={} its closed webhook window: {error}", open.connector);
                stuck.push(open.inbox);
            }
        }
        if self.forgotten.is_none_or(|at| at.elapsed() > FORGET_EVERY) {
            let now = shared.store.clock.now();
            while shared.store.inbox.write(|tx| store::inbox::sweep_seen(tx, now, SWEEP))? {}
            self.forgotten = Some(Instant::now());
        }
        let waiting = shared.store.inbox.read(store::inbox::waiting)?;
        self.opened.retain(|key, _| waiting.iter().any(|inbox| inbox.key == *key));
        let mut wait = NAP;
        for inbox in waiting.into_iter().filter(|inbox| !stuck.contains(&inbox.key)) {
            let connector = inbox.connector;
            match self.close_due(shared, &inbox) {
                Ok(left) => wait = wait.min(left),
                // One connector's trouble must not hold up the others.
                Err(error) => log::error!("connector={connector} closing its webhook window: {error}"),
            }
        }
        Ok(wait)
    }

    /// Closes the connector's window if it is due. Answers when to look again: at once where more waits, after
    /// the other connectors have had their turn.
    fn close_due(&mut self, shared: &Shared, inbox: &Inbox) -> Result<Duration> {
        if shared.is_stopping() {
            return Ok(NAP);
        }
        let facts = shared.store.control.read(|conn| delivery::facts(conn, inbox.connector))?;
        let Some(facts) = facts else {
            forget(shared, inbox)?;
            return Ok(NAP);
        };
        let Some(until) = self.due(shared, inbox, &facts)? else {
            return Ok(if facts.status.runs() { GLANCE } else { NAP });
        };
        let queued = shared.store.control.read(store::execution::queued)?;
        if queued >= i64::from(shared.config.runner.max_queued) {
            // The requests wait where they are: no execution could be queued.
            return Ok(NAP);
        }
        let batch = batch::take(shared, inbox, &facts, until)?;
        self.finish(shared, &batch)?;
        let left = shared.store.inbox.read(|conn| store::inbox::find(conn, batch.connector))?;
        Ok(if left.is_some_and(|inbox| inbox.pending() > 0) { Duration::ZERO } else { NAP })
    }

    fn finish(&mut self, shared: &Shared, batch: &store::inbox::Batch) -> Result<()> {
        batch::finish(shared, batch)?;
        self.opened.remove(&batch.inbox);
        let inbox = shared.store.inbox.read(|conn| store::inbox::find(conn, batch.connector))?;
        inbox.map_or(Ok(()), |inbox| sweep(shared, &inbox))
    }

    /// The last request of the window that is to close now; `None`: it stays open.
    fn due(&mut self, shared: &Shared, inbox: &Inbox, facts: &Facts) -> Result<Option<i64>> {
        if facts.cancelled > inbox.taken_seq {
            return Ok(Some(facts.cancelled.min(inbox.last_seq)));
        }
        if !facts.status.runs() {
            self.opened.remove(&inbox.key);
            return Ok(None);
        }
        let is_full = inbox.pending() >= i64::from(shared.config.webhook.max_batch_rows)
            || inbox.bytes >= max_bytes(&shared.config);
        let is_due = is_full || inbox.flush_seq > inbox.taken_seq || self.is_over(shared, inbox, facts)?;
        Ok(is_due.then_some(inbox.last_seq))
    }

    /// Whether the window's time is over, by the wall clock or by the time seen to pass.
    fn is_over(&mut self, shared: &Shared, inbox: &Inbox, facts: &Facts) -> Result<bool> {
        let first = inbox.taken_seq + 1;
        let opened = self.opened.entry(inbox.key).or_insert_with(|| (first, Instant::now()));
        if opened.0 != first {
            *opened = (first, Instant::now());
        }
        let cadence = facts.cadence.unwrap_or(DEFAULT_CADENCE_S);
        if opened.1.elapsed() >= Duration::from_secs(cadence.into()) {
            return Ok(true);
        }
        let oldest = shared.store.inbox.read(|conn| store::inbox::oldest(conn, inbox))?;
        let now = shared.store.clock.now();
        Ok(oldest.is_some_and(|oldest| now >= oldest + TimeDelta::seconds(cadence.into())))
    }
}
