//! What was compiled from arguments, and how much of it stays in memory.
//!
//! Constants are held by their statement, whose text may have very many of them; arguments that vary from
//! row to row share one store. Both are bounded in bytes. What has no room is compiled again at the next
//! call: slower, and never wrong.

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What all statements of a connection may hold for their constants, in bytes.
const MAX_HELD: usize = 128 * 1024 * 1024;

/// What is kept for arguments that vary, in bytes.
const MAX_KEPT: usize = 32 * 1024 * 1024;

/// Longer texts are not kept: they are seldom the same twice.
const MAX_TEXT: usize = 1024;

/// What one entry costs beside its text and what was compiled: its places in tables, the allocator's own.
const OVERHEAD: usize = 256;

/// What each byte of a text may become: formats are lists of items.
const PER_BYTE: usize = 64;

/// What a text and that which was compiled from it take in memory, at most.
pub(super) fn bytes(compiled: usize, text: &str) -> usize {
    OVERHEAD + compiled + PER_BYTE * text.len()
}

/// What was compiled, and its size.
type Entry = (Arc<dyn Any + Send + Sync>, usize);

/// The store: by what an argument is, and its text.
#[derive(Debug, Default)]
pub(super) struct Kept {
    ready: HashMap<&'static str, HashMap<String, Entry>>,
    bytes: usize,
}

impl Kept {
    /// What was compiled from `text`, and its size.
    pub(super) fn get<T: Send + Sync + 'static>(&self, what: &str, text: &str) -> Option<(Arc<T>, usize)> {
        let (kept, bytes) = self.ready.get(what)?.get(text)?;
        Arc::clone(kept).downcast().ok().map(|ready| (ready, *bytes))
    }

    /// Keeps it, for which all others may have to go.
    pub(super) fn keep<T: Send + Sync + 'static>(
        &mut self,
        what: &'static str,
        text: &str,
        ready: &Arc<T>,
        bytes: usize,
    ) {
        if text.len() > MAX_TEXT || bytes > MAX_KEPT {
            return;
        }
        if self.bytes + bytes > MAX_KEPT {
            self.ready.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        let before =
            self.ready.entry(what).or_default().insert(text.to_owned(), (Arc::clone(ready) as _, bytes));
        self.bytes -= before.map_or(0, |(_, bytes)| bytes);
    }
}

/// How much of [`MAX_HELD`] is taken.
#[derive(Debug, Default)]
pub(super) struct Room(Arc<AtomicUsize>);

/// What a statement holds; its room is given back with it.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) ready: Arc<T>,
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Room {
    /// Takes the room for it; `None` when there is none.
    pub(super) fn hold<T>(&self, ready: &Arc<T>, bytes: usize) -> Option<Held<T>> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= MAX_HELD);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Held { ready: Arc::clone(ready), bytes, taken: Arc::clone(&self.0) })
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_bounded_in_bytes() {
        let mut kept = Kept::default();
        let ready = Arc::new(7_u8);
        for n in 0..10 {
            kept.keep("pattern", &n.to_string(), &ready, MAX_KEPT / 4);
            assert!(kept.bytes <= MAX_KEPT);
            assert!(kept.get::<u8>("pattern", &n.to_string()).is_some(), "the newest is there");
        }
        assert!(kept.get::<u8>("pattern", "0").is_none());
        assert!(kept.get::<u8>("format", "9").is_none());
        let before = kept.bytes;
        kept.keep("pattern", "9", &ready, MAX_KEPT / 4);
        assert_eq!(kept.bytes, before, "the same again takes its own room");
    }

    #[test]
    fn what_is_large_is_not_kept() {
        let mut kept = Kept::default();
        let ready = Arc::new(7_u8);
        let (long, longest) = ("x".repeat(MAX_TEXT + 1), "x".repeat(MAX_TEXT));
        kept.keep("pattern", &long, &ready, 1);
        kept.keep("pattern", "large", &ready, MAX_KEPT + 1);
        assert_eq!(kept.bytes, 0);
        kept.keep("pattern", &longest, &ready, 1);
        assert!(kept.get::<u8>("pattern", &longest).is_some());
    }

    #[test]
    fn statements_give_back_their_room() {
        let room = Room::default();
        let ready = Arc::new(7_u8);
        let first = room.hold(&ready, MAX_HELD - 1).unwrap();
        assert!(room.hold(&ready, 2).is_none());
        drop(first);
        assert!(room.hold(&ready, MAX_HELD).is_some());
    }
}
