//! What moves: claims queued executions, runs them on a pool of threads, ends them.
//!
//! An execution is a row in `control.db`; this module owns the moves of that row. A worker thread
//! claims one in a single statement ([`queue`]), runs it ([`job`]), and writes its end. Watchers and
//! cancellers reach a running one through the table of what runs now: its cancel token and its
//! progress.
//!
//! | file | says |
//! |---|---|
//! | [`queue`] | an execution's row: claimed, ended |
//! | `pool` | the threads, and what becomes of one that dies |
//! | `prepare`, [`job`], `stage` | what a run needs, the run from start to end, its stages |
//! | [`meta`] | what a script may know of its run |
//! | `told` | stages and log lines, kept while a run works |
//! | [`recover`] | after a crash: what was running ends by the ledger of `records.db` |
//! | `timer` | the ticks of schedules become executions |
//! | [`inbox`] | webhook requests become executions |
//! | `notify` | tells others of ends |
//! | `sample`, `preview`, `trial` | a script tried on its file, outside of any execution |
//! | `matched` | which records a run would look up: those that a package takes along |
//! | `janitor`, [`retention`] | the data folder kept in bounds; runs and files that are no longer kept |

pub mod cancel;
pub mod inbox;
pub mod job;
pub mod meta;
pub mod queue;
pub mod recover;
pub mod retention;

mod janitor;
mod matched;
mod notify;
mod pool;
mod prepare;
mod preview;
mod sample;
mod stage;
mod timer;
mod told;
mod trial;

pub use matched::{Matched, Rehearsed, matched};
pub use notify::Tell;
pub use preview::{Preview, PreviewRow, PreviewTable, Shown};
pub use stage::{input::fill as fill_input, seed::SeedRecords};
pub use trial::input_of;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use self::cancel::Asked;
use crate::{
    auth::Workspace,
    cancel::CancelToken,
    config::Config,
    connector::Connector,
    error::{Error, Result},
    execution::Progress,
    id::{ConnectorId, ExecutionId, ScriptId},
    metrics::Metrics,
    script::Script,
    store::Store,
};

/// How long the place of a sample that has just ended may still be taken.
const PATIENCE: Duration = Duration::from_millis(250);

/// The workers and what they are doing. Dropping it cancels what runs and waits for the threads.
pub struct Runner {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the workers and the requests share.
struct Shared {
    store: Arc<Store>,
    config: Config,
    workspace: Workspace,
    metrics: Arc<Metrics>,
    running: Mutex<HashMap<ExecutionId, Running>>,
    samples: Mutex<HashMap<ScriptId, CancelToken>>,
    previews: Mutex<HashMap<uuid::Uuid, CancelToken>>,
    sample_queue: Mutex<std::collections::VecDeque<(ConnectorId, ScriptId)>>,
    // Counts what was queued: a worker that saw an older number looks again before it sleeps.
    signal: Mutex<u64>,
    wake: Condvar,
    stopping: CancelToken,
    inbox: inbox::Desk,
    /// Connectors that were deleted, with what is left of them.
    deleted: Mutex<Vec<ConnectorId>>,
    tell: OnceLock<Tell>,
}

/// Puts SQLite's sorters and temporary tables into the data folder, never on a small tmpfs. Once per
/// process, before the first [`Runner`]: SQLite keeps it in one variable.
///
/// # Errors
/// When the folder can't be written to, or another one was set before.
pub fn sort_in(store: &Store) -> Result<()> {
    let scratch = store.scratch_dir();
    std::fs::create_dir_all(&scratch)
        .map_err(|e| Error::internal(format!("scratch folder {}: {e}", scratch.display())))?;
    crate::engine::set_temp_dir(&scratch).map_err(|e| Error::internal(e.to_string()))
}

/// The place of a script's sample, from before its row says `in_progress` until after it does no more.
pub struct Place<'s> {
    shared: &'s Shared,
    script: ScriptId,
}

impl Place<'_> {
    /// The thread that generates it has the place from now on.
    fn leave(self) -> ScriptId {
        let script = self.script;
        std::mem::forget(self);
        script
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.samples.lock().remove(&self.script);
        self.shared.wake();
    }
}

/// One running execution, as others reach it.
#[derive(Clone)]
struct Running {
    token: CancelToken,
    progress: Progress,
    /// Who asked for its cancel.
    asked: Option<Asked>,
}

impl Runner {
    /// Ends what an earlier process left running, and starts the workers.
    pub fn start(
        store: Arc<Store>,
        config: &Config,
        workspace: &Workspace,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        store.disk.keep_reserve();
        let scratch = store.scratch_dir();
        recover::sweep_scratch(&scratch)?;
        recover::after_crash(&store)?;
        inbox::skip_delivered(&store)?;
        let shared = Arc::new(Shared {
            store,
            config: config.clone(),
            workspace: workspace.clone(),
            metrics,
            running: Mutex::default(),
            samples: Mutex::default(),
            previews: Mutex::default(),
            sample_queue: Mutex::default(),
            signal: Mutex::new(0),
            wake: Condvar::new(),
            stopping: CancelToken::new(),
            inbox: inbox::Desk::new(config),
            deleted: Mutex::default(),
            tell: OnceLock::new(),
        });
        let threads = pool::spawn(&shared)?;
        Ok(Self { shared, threads })
    }

    /// Something was queued, or may run now.
    pub fn wake(&self) {
        self.shared.wake();
        self.shared.inbox.wake();
    }

    /// Removes what is left of a deleted connector beside `control.db`, soon: its inbox, outcomes and files.
    pub fn forget_connector(&self, id: ConnectorId) {
        self.shared.deleted.lock().push(id);
        self.shared.inbox.forget(id);
        self.wake();
    }

    /// Says how runs are told of. Notifications wait for it; a second one changes nothing.
    pub fn tell_with(&self, tell: Tell) {
        if self.shared.tell.set(tell).is_ok() {
            self.shared.wake();
        }
    }

    /// Keeps a webhook request. `answer` hears of it once it is on disk.
    ///
    /// # Errors
    /// `busy` when it can't even wait for that.
    pub fn keep(&self, request: inbox::NewRequest, answer: inbox::Answer) -> Result<()> {
        inbox::add(&self.shared, request, answer)
    }

    /// Who may send webhooks, as it is remembered.
    #[must_use]
    pub fn gate(&self) -> &inbox::gate::Gate {
        &self.shared.inbox.gate
    }

    /// Tells a running execution to stop because somebody asks for it; its end says who, if the row does not. Answers
    /// whether it runs and had not been told before.
    pub fn ask_to_cancel(&self, id: ExecutionId, asked: Asked) -> bool {
        let mut running = self.shared.running.lock();
        let Some(running) = running.get_mut(&id).filter(|running| !running.token.is_cancelled()) else {
            return false;
        };
        running.asked = Some(asked);
        running.token.cancel();
        true
    }

    /// Tells a running execution to stop, of which the row says so already.
    pub fn cancel(&self, id: ExecutionId) {
        if let Some(running) = self.shared.running.lock().get(&id) {
            running.token.cancel();
        }
    }

    /// What a running execution has done so far.
    #[must_use]
    pub fn progress(&self, id: ExecutionId) -> Option<Progress> {
        self.shared.running.lock().get(&id).map(|running| running.progress.clone())
    }

    /// How many executions run in this process.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.running.lock().len()
    }

    /// Whether the execution's row says that it has ended; false also when it can't be read.
    #[must_use]
    pub fn has_ended(&self, id: ExecutionId) -> bool {
        let found = self.shared.store.control.read(|conn| crate::store::execution::find(conn, id));
        matches!(found, Ok(Some(execution)) if execution.state.has_ended())
    }

    /// Takes the place of a script's sample, before its row says `in_progress`: of a row that says so and has
    /// none, nobody makes a sample any more. `None`: it is taken, and does not get free in a moment.
    #[must_use]
    pub fn sample_place(&self, script: ScriptId) -> Option<Place<'_>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = *self.shared.signal.lock();
            if let Entry::Vacant(free) = self.shared.samples.lock().entry(script) {
                free.insert(CancelToken::new());
                return Some(Place { shared: &self.shared, script });
            }
            let mut signal = self.shared.signal.lock();
            if *signal == seen && self.shared.wake.wait_until(&mut signal, until).timed_out() {
                return None;
            }
            if Instant::now() >= until {
                return None;
            }
        }
    }

    /// Generates the output sample of the script whose place that is, and whose row says `in_progress`.
    pub fn sample(&self, connector: ConnectorId, place: Place<'_>) {
        let mut waiting = self.shared.sample_queue.lock();
        if self.shared.is_stopping() {
            // The next start says that it was interrupted.
            drop(waiting);
            return;
        }
        waiting.push_back((connector, place.leave()));
        drop(waiting);
        self.shared.wake();
    }

    /// Stops a script's sample: one that waits is forgotten, one being generated is told to stop.
    pub fn cancel_sample(&self, script: ScriptId) {
        let mut queue = self.shared.sample_queue.lock();
        let mut samples = self.shared.samples.lock();
        if let Some(n) = queue.iter().position(|(_, waiting)| *waiting == script) {
            queue.remove(n);
            samples.remove(&script);
        } else if let Some(token) = samples.get(&script) {
            token.cancel();
        }
    }

    /// Shows what a script gives for the first rows of its file, on this thread.
    ///
    /// # Errors
    /// What is wrong with the file or the script; `busy` when too many are being made already.
    pub fn preview(&self, connector: &Connector, script: &Script, shown: Shown<'_>) -> Result<Preview> {
        preview::make(&self.shared, connector, script, shown)
    }

    /// Whether the server is stopping and takes no new work.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    /// Starts nothing more, lets what runs go on for `grace`, then cancels it. Returns when all has ended.
    pub fn stop(&self, grace: Duration) {
        self.shared.take_nothing_more();
        let deadline = Instant::now() + grace;
        let mut signal = self.shared.signal.lock();
        while !self.shared.is_idle() && Instant::now() < deadline {
            self.shared.wake.wait_until(&mut signal, deadline);
        }
        drop(signal);
        for running in self.shared.running.lock().values() {
            running.token.cancel();
        }
        for token in self.shared.samples.lock().values() {
            token.cancel();
        }
        for token in self.shared.previews.lock().values() {
            token.cancel();
        }
        let mut signal = self.shared.signal.lock();
        while !self.shared.is_idle() {
            self.shared.wake.wait_for(&mut signal, Duration::from_millis(100));
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
        let here = thread::current().id();
        // The thread that tells of runs has the whole for a moment, and may be the last that has it.
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != here) {
            // A worker catches what its work does; there is nothing to learn from its end.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Under the locks that a worker claims with: whoever claimed before is seen as running, whoever
    /// comes after sees that the server stops. Samples that wait are left to the next start.
    fn take_nothing_more(&self) {
        let running = self.running.lock();
        let mut waiting = self.sample_queue.lock();
        self.stopping.cancel();
        let mut samples = self.samples.lock();
        for (_, script) in waiting.drain(..) {
            samples.remove(&script);
        }
        drop((running, samples));
        drop(waiting);
        self.wake();
        self.inbox.stop();
    }

    fn wake(&self) {
        *self.signal.lock() += 1;
        self.wake.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    fn is_idle(&self) -> bool {
        self.running.lock().is_empty() && self.samples.lock().is_empty() && self.previews.lock().is_empty()
    }
}
