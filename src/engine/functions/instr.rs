//! `instr(X, Y)` in linear time.

use std::sync::Arc;

use memchr::memmem::Finder;
use rusqlite::{Connection, Error, functions::FunctionFlags, types::ValueRef};

use super::{Watch, search::find, text::Texts};

pub(super) fn register(db: &Connection, watch: &Arc<Watch>, flags: FunctionFlags) -> Result<(), Error> {
    let (watch, texts) = (Arc::clone(watch), Texts::new()?);
    db.create_scalar_function("instr", 2, flags, move |call| {
        let (haystack, needle) = (call.get_raw(0), call.get_raw(1));
        let bytes = matches!((haystack, needle), (ValueRef::Blob(_), ValueRef::Blob(_)));
        let (Some(haystack), Some(needle)) = (texts.of(haystack)?, texts.of(needle)?) else {
            return Ok(None);
        };
        let position = if needle.is_empty() {
            1
        } else if bytes {
            find(&Finder::new(&needle), &haystack, 0, &watch)?.map_or(0, |at| at + 1)
        } else {
            character_position(&haystack, &needle, &watch)?
        };
        Ok(Some(i64::try_from(position).unwrap_or(i64::MAX)))
    })
}

/// The position in characters from 1; 0 when it is not there. Matches start where a character starts.
fn character_position(haystack: &[u8], needle: &[u8], watch: &Watch) -> Result<usize, Error> {
    if is_continuation(needle[0]) {
        // Not UTF-8: no character starts so, only the very first byte is looked at anyway.
        return Ok(usize::from(haystack.starts_with(needle)));
    }
    let Some(at) = find(&Finder::new(needle), haystack, 0, watch)? else { return Ok(0) };
    // The first byte counts as a character whatever it is.
    Ok(1 + haystack[1.min(at)..at].iter().filter(|byte| !is_continuation(**byte)).count()
        + usize::from(at > 0))
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
