//! What this thread works for, as log lines name it: `execution=<id>` or `request=<id>`.
//!
//! A log line that tells of a defect is written far below the place that knows for whom the work was done.
//! So the place that knows enters it here, and whoever writes the lines asks for it.

use std::{cell::RefCell, marker::PhantomData, sync::Arc};

thread_local! {
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
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
