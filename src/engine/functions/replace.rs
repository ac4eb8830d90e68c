//! `replace(X, Y, Z)` in linear time, bounded by the value limit while it grows.

use std::sync::Arc;

use memchr::memmem::Finder;
use rusqlite::{Connection, Error, functions::FunctionFlags};

use super::{
    Watch, poll,
    search::find,
    text::{Text, Texts},
    too_big,
};

/// Replacements between two looks at the watch.
const HITS_BETWEEN_POLLS: usize = 16 * 1024;

pub(super) fn register(
    db: &Connection,
    watch: &Arc<Watch>,
    flags: FunctionFlags,
    max_value: usize,
) -> Result<(), Error> {
    let (watch, texts) = (Arc::clone(watch), Texts::new()?);
    db.create_scalar_function("replace", 3, flags, move |call| {
        let (Some(text), Some(from)) = (texts.of(call.get_raw(0))?, texts.of(call.get_raw(1))?) else {
            return Ok(Text(None));
        };
        // A first byte NUL is an empty text to C.
        if from.first().is_none_or(|byte| *byte == 0) {
            return Ok(Text(Some(text.into_owned())));
        }
        let Some(to) = texts.of(call.get_raw(2))? else { return Ok(Text(None)) };
        replace(&text, &from, &to, max_value, &watch).map(|done| Text(Some(done)))
    })
}

fn replace(text: &[u8], from: &[u8], to: &[u8], max: usize, watch: &Watch) -> Result<Vec<u8>, Error> {
    let finder = Finder::new(from);
    let mut done = Vec::with_capacity(text.len());
    let (mut copied, mut hits) = (0, 0_usize);
    while let Some(at) = find(&finder, text, copied, watch)? {
        done.extend_from_slice(&text[copied..at]);
        done.extend_from_slice(to);
        copied = at + from.len();
        if done.len() > max {
            return Err(too_big());
        }
        hits += 1;
        if hits.is_multiple_of(HITS_BETWEEN_POLLS) {
            poll(watch)?;
        }
    }
    done.extend_from_slice(&text[copied..]);
    Ok(done)
}
