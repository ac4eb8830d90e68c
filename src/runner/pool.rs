//! The threads. Each loops: claim, run, end, until the server stops. A panic in the work ends that
//! execution as failed; the thread goes on. A panic outside of the work ends the loop: what it held is ended
//! by the ledger, and another loop takes its place. So it is with the threads beside them.

use std::{
    panic,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Place, Shared, inbox, janitor, notify, prepare, queue, recover, sample, timer, told};
use crate::{
    breakpoint, context,
    error::{Code, Error, Result},
    execution::State,
    id::ExecutionId,
};

/// How long a worker sleeps when nobody wakes it. Everything that makes work wakes the workers; this
/// bounds the damage if one path ever forgets.
const NAP: Duration = Duration::from_secs(5);

/// Before a loop that died is replaced: one that dies at once must not fill the log.
const PAUSE: Duration = Duration::from_millis(500);

/// Starts the workers for executions, the one for samples, and the threads beside them.
pub(super) fn spawn(shared: &Arc<Shared>) -> Result<Vec<thread::JoinHandle<()>>> {
    let spawn = |name: String, work: fn(&Shared)| {
        let shared = Arc::clone(shared);
        thread::Builder::new()
            .name(name.clone())
            .spawn(move || supervised(&shared, &name, work))
            .map_err(|e| Error::internal(format!("starting a worker: {e}")))
    };
    let mut threads = Vec::new();
    for n in 0..shared.config.runner.workers {
        threads.push(spawn(format!("worker-{n}"), |shared| work_loop(shared, execution))?);
    }
    threads.push(spawn("sample".to_owned(), |shared| work_loop(shared, one_sample))?);
    threads.push(spawn("told".to_owned(), told::run)?);
    threads.push(spawn("janitor".to_owned(), janitor::run)?);
    threads.push(spawn("inbox".to_owned(), inbox::accept)?);
    threads.push(spawn("windows".to_owned(), inbox::close_windows)?);
    threads.push(spawn("notify".to_owned(), notify::run)?);
    threads.push(spawn("timer".to_owned(), timer::run)?);
    Ok(threads)
}

/// Runs the loop, and another one when it dies.
fn supervised(shared: &Shared, name: &str, work: fn(&Shared)) {
    while let Err(panic) = panic::catch_unwind(panic::AssertUnwindSafe(|| work(shared))) {
        log::error!("the thread {name} died and is replaced: {}", words(panic.as_ref()));
        shared.metrics.panicked("thread");
        if let Err(error) = recover::abandoned(shared) {
            log::error!("what the thread {name} was running could not be ended: {error}");
        }
        shared.wake();
        let until = Instant::now() + PAUSE;
        let mut signal = shared.signal.lock();
        while !shared.is_stopping() && Instant::now() < until {
            shared.wake.wait_until(&mut signal, until);
        }
    }
}

fn work_loop(shared: &Shared, work: fn(&Shared) -> bool) {
    loop {
        let seen = *shared.signal.lock();
        if !shared.is_stopping() && work(shared) {
            continue;
        }
        let mut signal = shared.signal.lock();
        if shared.is_stopping() {
            return;
        }
        if *signal == seen {
            shared.wake.wait_for(&mut signal, NAP);
        }
    }
}

/// Claims and runs one execution. Answers whether there was one.
fn execution(shared: &Shared) -> bool {
    let claimed = match queue::claim(shared) {
        Ok(Some(claimed)) => claimed,
        Ok(None) => return false,
        Err(error) => {
            log::error!("claiming an execution: {error}");
            return false;
        }
    };
    let id = claimed.execution.id;
    let held = Held { shared, id };
    let _entered = context::enter(Some(format!("execution={id}").into()));
    breakpoint::reach("claimed");
    let mut scratch = None;
    let ran = panic::catch_unwind(panic::AssertUnwindSafe(|| prepare::run(shared, &claimed, &mut scratch)));
    let has_panicked = ran.is_err();
    let ended = ran.unwrap_or_else(|panic| prepare::panicked(shared, &claimed, &words(panic.as_ref())));
    if ended.state == State::Failed {
        // Perhaps because the disk is full: that makes room for the row of its end.
        scratch = None;
    }
    breakpoint::reach("before_end");
    until_written(shared, &format!("execution={id}"), || {
        let written = queue::end(shared, &claimed, ended.clone());
        if written.is_err() {
            scratch = None;
        }
        written
    });
    if has_panicked && let Err(error) = recover::close_ledger(&shared.store, id, &ended) {
        // The next start closes it.
        log::error!("execution={id} its ledger could not be closed: {error}");
    }
    breakpoint::reach("after_end");
    drop(held);
    // There may be room for another of the same connector now, or `stop` can return.
    shared.wake();
    // Hundreds of megabytes, for which none of them needs to wait.
    drop(scratch);
    true
}

/// An execution is in the table of what runs for as long as its worker has it, however that ends.
struct Held<'s> {
    shared: &'s Shared,
    id: ExecutionId,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.shared.running.lock().remove(&self.id);
    }
}

/// An end that can't be written (a full disk) is written when it can: the row must not say for ever that it
/// runs, and a notification must not be sent again and again. Given up only when the server stops: the next start ends it by the ledger.
pub(super) fn until_written(shared: &Shared, what: &str, mut write: impl FnMut() -> Result<()>) {
    let mut wait = Duration::from_millis(100);
    while let Err(error) = write() {
        log::error!("{what} its end could not be written: {error}");
        let may_pass = matches!(error.code, Code::Busy | Code::DiskFull | Code::Internal);
        if !may_pass || shared.is_stopping() {
            return;
        }
        let mut signal = shared.signal.lock();
        shared.wake.wait_for(&mut signal, wait);
        wait = (wait * 2).min(NAP);
    }
}

/// Generates one sample. Answers whether there was one.
fn one_sample(shared: &Shared) -> bool {
    let next = shared.sample_queue.lock().pop_front();
    let Some((connector, script)) = next else { return false };
    let token = shared.samples.lock().get(&script).cloned().unwrap_or_default();
    // However that ends: a script that has its place for ever could never be sampled again.
    let place = Place { shared, script };
    let _entered = context::enter(Some(format!("script={script}").into()));
    let outcome =
        panic::catch_unwind(panic::AssertUnwindSafe(|| sample::generate(shared, connector, script, &token)))
            .unwrap_or_else(|panic| {
                shared.metrics.panicked("sample");
                Err(Error::internal(format!("sample of script {script} panicked: {}", words(panic.as_ref()))))
            });
    until_written(shared, &format!("script={script}"), || sample::end(shared, script, &outcome));
    drop(place);
    shared.wake();
    true
}

pub(super) fn words(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
