//! The time, as a value that tests can fix.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use parking_lot::Mutex;

/// Tells the time: the system's, or a fixed one that a test moves.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<Mutex<DateTime<Utc>>>>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands still at `time` until [`Clock::set`].
    #[must_use]
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self { fixed: Some(Arc::new(Mutex::new(time))) }
    }

    /// Now, in whole milliseconds: what the store keeps, so that a value read back equals the one written.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let now = self.fixed.as_ref().map_or_else(Utc::now, |time| *time.lock());
        now.trunc_subsecs(3)
    }

    /// Moves a fixed clock; the system's can't be moved.
    pub fn set(&self, time: DateTime<Utc>) {
        if let Some(fixed) = &self.fixed {
            *fixed.lock() = time;
        }
    }
}
