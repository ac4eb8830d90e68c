//! How often each of many may do something.

use std::{
    hash::Hash,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::HashMapStateStore};
use parking_lot::Mutex;

/// How often those are forgotten that come no more.
const TIDY_EVERY: Duration = Duration::from_mins(1);

/// Counts per minute, for each.
pub struct Rate<K: Hash + Eq + Clone>(Option<Counted<K>>);

struct Counted<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    tidied: Mutex<Instant>,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    /// So many in a minute; 0: any number.
    #[must_use]
    pub fn per_minute(most: u32) -> Self {
        Self(NonZeroU32::new(most).map(|most| Counted {
            limiter: RateLimiter::hashmap(Quota::per_minute(most)),
            tidied: Mutex::new(Instant::now()),
        }))
    }

    /// Counts one more. Answers whether it is not too many.
    #[must_use]
    pub fn takes(&self, who: &K) -> bool {
        let Some(counted) = &self.0 else { return true };
        let mut tidied = counted.tidied.lock();
        if tidied.elapsed() > TIDY_EVERY {
            *tidied = Instant::now();
            counted.limiter.retain_recent();
        }
        drop(tidied);
        counted.limiter.check_key(who).is_ok()
    }
}
