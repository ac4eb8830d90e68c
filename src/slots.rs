//! At most so many at a time: a count that whoever takes a slot gives back by dropping it.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use parking_lot::Mutex;

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

/// So many slots, of which one holder may have half. Clones share them.
#[derive(Debug, Clone)]
pub struct Shares<K: Eq + Hash> {
    all: Slots,
    taken: Arc<Mutex<HashMap<K, u32>>>,
}

/// One that was taken by a holder.
#[derive(Debug)]
pub struct Share<K: Eq + Hash> {
    _slot: Slot,
    holder: K,
    taken: Arc<Mutex<HashMap<K, u32>>>,
}

/// Why none is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// The holder has half of them.
    Half,
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// All free.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { all: Slots::new(most), taken: Arc::default() }
    }

    /// How many there are.
    #[must_use]
    pub const fn most(&self) -> u32 {
        self.all.most()
    }

    /// How many one holder may have: half of them, but one at least.
    #[must_use]
    pub fn most_of_one(&self) -> u32 {
        (self.most() / 2).max(1)
    }

    /// Takes one. Nobody waits here.
    pub fn take(&self, holder: &K) -> Result<Share<K>, Full> {
        let slot = self.all.take().ok_or(Full::All)?;
        let mut taken = self.taken.lock();
        let own = taken.entry(holder.clone()).or_default();
        if *own >= self.most_of_one() {
            return Err(Full::Half);
        }
        *own += 1;
        drop(taken);
        Ok(Share { _slot: slot, holder: holder.clone(), taken: Arc::clone(&self.taken) })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(own) = taken.get_mut(&self.holder) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_has_half_and_leaves_nothing_behind() {
        let shares = Shares::new(5);
        let mut own: Vec<_> = (0..2).map(|_| shares.take(&"a").unwrap()).collect();
        assert_eq!(shares.take(&"a").unwrap_err(), Full::Half);
        let others = ["b", "b", "c"].map(|other| shares.take(&other).unwrap());
        assert_eq!(shares.take(&"d").unwrap_err(), Full::All);
        own.pop();
        own.push(shares.take(&"a").unwrap());
        drop((own, others));
        assert!(shares.taken.lock().is_empty());
        let alone = Shares::new(1);
        let _one = alone.take(&"a").unwrap();
        assert_eq!(alone.take(&"a").unwrap_err(), Full::All);
    }

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
