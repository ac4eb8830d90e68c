//! Webhooks: requests are accepted on one thread, and become executions on another.
//!
//! ```text
//! request ─► waiting ─► [inbox] one commit for all that wait ─► 201
//!                         inbox.db ─► [windows] closed window ─► file ─► queued execution
//! ```
//!
//! The inbox thread takes what is there, commits it in one transaction and answers everybody: the more
//! requests come together, the fewer commits they cost, and nobody waits for a timer. Closing a window takes
//! as long as its file, so that has a thread of its own (`windows`).
//!
//! A window is open from its first request on. It closes when its time is over by the wall clock or by the
//! time that this process has seen pass, whichever is first: a restart goes by the clock, and a clock that is
//! set back does not hold requests up. Closing early for a clock that is set forward loses nothing.

mod batch;
pub mod gate;
mod windows;

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use self::gate::Gate;
use super::Shared;
use crate::{
    config::Config,
    error::{Code, Error, Result},
    id::ConnectorId,
    store::{self, inbox::Kept},
};

pub(super) use self::windows::{skip_delivered, work as close_windows};
pub use crate::store::inbox::{NewRequest, Once};

/// Requests that may wait for the thread.
const MAX_WAITING: usize = 1024;
/// What they may hold, bytes: a body that is escaped for JSON may be several times `webhook.max_body_kb`. As much may
/// be on its way to the disk besides.
const MAX_WAITING_BYTES: u64 = 64 * 1024 * 1024;
/// How often the free space of the disk is asked for.
const SPACE_EVERY: Duration = Duration::from_secs(1);

/// Hears whether a request is kept, once it is on disk.
pub type Answer = Box<dyn FnOnce(Result<()>) + Send>;

/// Requests on their way into `inbox.db`, and who may send them.
pub(super) struct Desk {
    /// Who may send.
    pub gate: Gate,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// Connectors that were deleted, whose inboxes are still there.
    deleted: Mutex<Vec<ConnectorId>>,
    // Counts what may let a window close: the thread that saw an older number looks again.
    signal: Mutex<u64>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: Vec<(NewRequest, Answer)>,
    bytes: u64,
}

impl Waiting {
    /// Whether one more of so many bytes may wait. One alone may, however large.
    fn has_room(&self, bytes: u64) -> bool {
        self.requests.is_empty()
            || self.requests.len() < MAX_WAITING && self.bytes + bytes <= MAX_WAITING_BYTES
    }
}

impl Desk {
    pub fn new(config: &Config) -> Self {
        Self {
            gate: Gate::new(config.webhook.max_per_minute),
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            deleted: Mutex::default(),
            signal: Mutex::new(0),
            wake: Condvar::new(),
        }
    }

    /// A window may close now.
    pub fn wake(&self) {
        *self.signal.lock() += 1;
        self.wake.notify_all();
    }

    /// The connector is gone: so is its inbox, soon.
    pub fn forget(&self, connector: ConnectorId) {
        self.deleted.lock().push(connector);
        self.wake();
    }

    /// The server stops: both threads end when nothing waits.
    pub fn stop(&self) {
        drop(self.waiting.lock());
        self.arrived.notify_all();
        self.wake();
    }
}

/// Takes a request to keep.
///
/// # Errors
/// `busy` when the server stops, or when more requests arrive than the disk takes.
pub(super) fn add(shared: &Shared, request: NewRequest, answer: Answer) -> Result<()> {
    let desk = &shared.inbox;
    let mut waiting = desk.waiting.lock();
    // Under the lock that the thread ends with.
    if shared.is_stopping() {
        return Err(Error::new(Code::Busy, "The server is stopping."));
    }
    let bytes = request.bytes();
    if !waiting.has_room(bytes) {
        return Err(Error::new(Code::Busy, "More webhooks arrive than the disk takes. Send it again."));
    }
    waiting.bytes += bytes;
    waiting.requests.push((request, answer));
    drop(waiting);
    desk.arrived.notify_one();
    Ok(())
}

/// The inbox thread: commits what waits, until the server stops. Who waits for a commit that panicked hears
/// that it was dropped.
pub(super) fn accept(shared: &Shared) {
    let mut space = Space { seen: None };
    while let Some(taken) = next(shared) {
        let (requests, answers): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        match commit(shared, &mut space, &requests) {
            Ok(kept) => {
                for (answer, kept) in answers.into_iter().zip(kept) {
                    answer(said(kept, &shared.config));
                }
            }
            Err(error) => {
                for answer in answers {
                    answer(Err(error.clone()));
                }
            }
        }
    }
}

/// All that waits; `None` when the server stops and nothing does.
fn next(shared: &Shared) -> Option<Vec<(NewRequest, Answer)>> {
    let mut waiting = shared.inbox.waiting.lock();
    loop {
        if !waiting.requests.is_empty() {
            return Some(std::mem::take(&mut *waiting).requests);
        }
        if shared.is_stopping() {
            return None;
        }
        shared.inbox.arrived.wait(&mut waiting);
    }
}

fn commit(shared: &Shared, space: &mut Space, requests: &[NewRequest]) -> Result<Vec<Kept>> {
    if space.is_nearly_full(shared) {
        let least = shared.config.engine.min_free_mb;
        return Err(Error::new(
            Code::Busy,
            format!("The disk has less than {least} MB left (engine.min_free_mb)."),
        ));
    }
    crate::breakpoint::reach("inbox");
    let limits = &shared.config.webhook;
    let (kept, inboxes) =
        shared.store.inbox.write(|tx| store::inbox::add(tx, requests, limits.max_pending.into()))?;
    // A request into a window that is open already changes nothing about when it closes.
    let added = requests.len() as i64;
    let may_close = inboxes.iter().any(|inbox| {
        inbox.pending() <= added
            || inbox.pending() >= i64::from(limits.max_batch_rows)
            || inbox.bytes >= windows::max_bytes(&shared.config)
    });
    if may_close {
        shared.inbox.wake();
    }
    Ok(kept)
}

fn said(kept: Kept, config: &Config) -> Result<()> {
    match kept {
        Kept::Added | Kept::Seen => Ok(()),
        Kept::Differs => Err(Error::conflict("The Idempotency-Key was sent before, with another request.")),
        Kept::Full => Err(Error::new(
            Code::Busy,
            format!(
                "Too many webhooks wait for their batch (webhook.max_pending = {}, half of it for one connector).",
                config.webhook.max_pending
            ),
        )),
    }
}

/// The free space of the disk, asked for now and then.
struct Space {
    seen: Option<(Instant, bool)>,
}

impl Space {
    fn is_nearly_full(&mut self, shared: &Shared) -> bool {
        match self.seen {
            Some((at, full)) if at.elapsed() < SPACE_EVERY => full,
            _ => {
                let least = shared.config.engine.min_free_mb.saturating_mul(1024 * 1024);
                let full = shared.store.disk.space().is_some_and(|(free, _)| free < least);
                self.seen = Some((Instant::now(), full));
                full
            }
        }
    }
}
