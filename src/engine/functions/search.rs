//! One way to look for bytes in bytes: linear, and stopped by the watch.

use memchr::memmem::Finder;
use rusqlite::Error;

use super::{Watch, poll};

/// The least part of a text that is searched between two looks at the watch.
const WINDOW: usize = 1024 * 1024;

/// The first place at or after `start` where `finder`'s needle stands. The needle is not empty.
pub(super) fn find(
    finder: &Finder<'_>,
    haystack: &[u8],
    mut start: usize,
    watch: &Watch,
) -> Result<Option<usize>, Error> {
    let needle = finder.needle().len();
    // Windows overlap by the needle, so they are at least twice its length: still linear in all.
    let window = WINDOW.max(needle * 2);
    while start + needle <= haystack.len() {
        let end = haystack.len().min(start + window);
        if let Some(at) = finder.find(&haystack[start..end]) {
            return Ok(Some(start + at));
        }
        if end == haystack.len() {
            break;
        }
        poll(watch)?;
        start = end - needle + 1;
    }
    Ok(None)
}
