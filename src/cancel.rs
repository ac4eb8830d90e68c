//! Cancellation: one flag per execution, polled by everything that loops.
//!
//! The flag is set before anything is written about the cancel, so that it never waits for a lock.
//! Why a flag and not `sqlite3_interrupt`: an interrupt that lands between two statements is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The shared flag. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

/// The work stopped because its token was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl CancelToken {
    /// A token that nobody has set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop. Setting it twice is the same as once.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the work was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// For `?` in loops.
    ///
    /// # Errors
    /// [`Cancelled`] once the token is set.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}
