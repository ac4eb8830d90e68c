//! Cancellation: one flag per execution, polled by everything that loops.
//!
//! The flag is set before anything is written about the cancel, so that it never waits for a lock.
//! A token may also have a time at which its work is too late: for work that somebody waits for.
//! Why a flag and not `sqlite3_interrupt`: an interrupt that lands between two statements is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The shared flag, and until when its holder may work. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
    until: Option<Instant>,
}

/// The work stopped because its token was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl CancelToken {
    /// A token that nobody has set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clone that also stops its work at `deadline`. Whether that was it tells the token that it was made of, which
    /// is not cancelled then.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self { flag: Arc::clone(&self.flag), until: Some(deadline) }
    }

    /// A token that is set by itself after so long: for work that somebody waits for.
    #[must_use]
    pub fn within(patience: Duration) -> Self {
        Self::new().until(Instant::now() + patience)
    }

    /// Asks the work to stop. Setting it twice is the same as once.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Release);
    }

    /// Whether the work was asked to stop, or its time is over.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Acquire) || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// For `?` in loops.
    ///
    /// # Errors
    /// [`Cancelled`] once the token is set.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_set_by_whoever_holds_it_or_by_time() {
        let token = CancelToken::within(Duration::from_hours(1));
        let other = token.clone();
        assert_eq!(token.check(), Ok(()));
        other.cancel();
        assert_eq!(token.check(), Err(Cancelled));
        assert!(CancelToken::within(Duration::ZERO).is_cancelled());
        assert!(!CancelToken::new().is_cancelled());
    }
}
