//! At most so many at a time: a count that whoever takes a slot gives back by dropping it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// So many slots. Clones share them.
#[derive(Debug, Clone)]
pub struct Slots {
    most: u32,
    taken: Arc<AtomicU32>,
}

/// One that was taken.
#[derive(Debug)]
pub struct Slot(Arc<AtomicU32>);

impl Slots {
    /// All free.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// How many there are.
    #[must_use]
    pub const fn most(&self) -> u32 {
        self.most
    }

    /// Takes one; `None`: all are taken. Nobody waits here.
    #[must_use]
    pub fn take(&self) -> Option<Slot> {
        let before = self.taken.fetch_add(1, Ordering::AcqRel);
        let slot = Slot(Arc::clone(&self.taken));
        (before < self.most).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let slots = Slots::new(2);
        let taken = [slots.take(), slots.clone().take()];
        assert!(taken.iter().all(Option::is_some));
        assert!(slots.take().is_none());
        drop(taken);
        assert!(slots.take().is_some());
        assert!(Slots::new(0).take().is_none());
    }
}
