//! What this thread works for, as log lines name it: `execution=<id>` or `request=<id>`.
//!
//! A log line that tells of a defect is written far below the place that knows for whom the work was done.
//! So the place that knows enters it here, and whoever writes the lines asks for it. The same holds for how long it
//! may wait: somebody waits for a request, and nobody for a load.

use std::{
    cell::{Cell, RefCell},
    marker::PhantomData,
    sync::Arc,
    time::{Duration, Instant},
};

thread_local! {
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
    static PATIENCE: Cell<Option<Patience>> = const { Cell::new(None) };
}

/// A wait is never cut shorter than this because of work that went before it.
const LEAST: Duration = Duration::from_secs(5);

/// How long this thread's work may wait for others.
#[derive(Debug, Clone, Copy)]
struct Patience {
    began: Instant,
    at_most: Duration,
}

/// Dropping it gives the thread all the time of the world again.
#[must_use]
pub struct Awaited {
    before: Option<Patience>,
    _here: PhantomData<*const ()>,
}

/// From now on somebody waits for what this thread does, who has asked at `began` and goes on waiting for
/// `at_most`.
pub fn awaited(began: Instant, at_most: Duration) -> Awaited {
    Awaited { before: PATIENCE.replace(Some(Patience { began, at_most })), _here: PhantomData }
}

/// How long this thread may wait for somebody else now; `None`: as long as it takes.
#[must_use]
pub fn patience() -> Option<Duration> {
    let Patience { began, at_most } = PATIENCE.get()?;
    Some(at_most.saturating_sub(began.elapsed()).max(LEAST.min(at_most)))
}

impl Drop for Awaited {
    fn drop(&mut self) {
        PATIENCE.set(self.before.take());
    }
}

/// Dropping it goes back to what was before. It stays on its thread.
#[must_use]
pub struct Entered {
    before: Option<Arc<str>>,
    _here: PhantomData<*const ()>,
}

/// From now on this thread works for `words`.
pub fn enter(words: Option<Arc<str>>) -> Entered {
    Entered { before: CURRENT.replace(words), _here: PhantomData }
}

/// What this thread works for.
#[must_use]
pub fn current() -> Option<Arc<str>> {
    CURRENT.with_borrow(Clone::clone)
}

/// The work, made to run elsewhere for what this thread works for.
pub fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let words = current();
    move || {
        let _entered = enter(words);
        work()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_that_of_whoever_waits() {
        assert_eq!(patience(), None);
        let now = Instant::now();
        let asked = awaited(now, Duration::from_hours(1));
        assert!(patience().unwrap() > Duration::from_mins(59));
        {
            let _second = awaited(now, Duration::ZERO);
            assert_eq!(patience(), Some(Duration::ZERO));
        }
        assert!(patience().unwrap() > Duration::from_mins(59));
        drop(asked);
        assert_eq!(patience(), None);
    }

    #[test]
    fn work_that_is_carried_elsewhere_still_knows_for_whom() {
        assert_eq!(current(), None);
        let outer = enter(Some("request=1".into()));
        let carried = carried(|| current().unwrap());
        {
            let _inner = enter(Some("execution=2".into()));
            assert_eq!(current().as_deref(), Some("execution=2"));
        }
        assert_eq!(current().as_deref(), Some("request=1"));
        assert_eq!(&*std::thread::spawn(carried).join().unwrap(), "request=1");
        drop(outer);
        assert_eq!(current(), None);
    }
}
