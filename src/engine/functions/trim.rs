//! `trim`, `ltrim`, `rtrim` and `unhex` with a second argument: SQLite compares every character of the
//! text with every character of that set, in one call that nothing can interrupt. Here the watch can.

use std::{collections::HashSet, sync::Arc};

use rusqlite::{Connection, Error, functions::FunctionFlags};

use super::{
    STEPS_BETWEEN_POLLS, Watch,
    pattern::read,
    poll,
    text::{Text, Texts, until_nul},
};

pub(super) fn register(db: &Connection, watch: &Arc<Watch>, flags: FunctionFlags) -> Result<(), Error> {
    for (name, left, right) in [("trim", true, true), ("ltrim", true, false), ("rtrim", false, true)] {
        let (watch, texts) = (Arc::clone(watch), Texts::new()?);
        db.create_scalar_function(name, 2, flags, move |call| {
            let (Some(text), Some(set)) = (texts.of(call.get_raw(0))?, texts.of(call.get_raw(1))?) else {
                return Ok(Text(None));
            };
            let mut trim = Trim { text: &text, set: characters(until_nul(&set)), steps: 0, watch: &watch };
            if left {
                trim.left()?;
            }
            if right {
                trim.right()?;
            }
            Ok(Text(Some(trim.text.to_vec())))
        })?;
    }
    let (watch, texts) = (Arc::clone(watch), Texts::new()?);
    db.create_scalar_function("unhex", 2, flags, move |call| {
        let (Some(hex), Some(ignored)) = (texts.of(call.get_raw(0))?, texts.of(call.get_raw(1))?) else {
            return Ok(None);
        };
        unhex(until_nul(&hex), &ignored, &watch)
    })
}

/// A text that gets shorter. Which character of the set is tried first only matters to bytes that are
/// not UTF-8, and then the order is SQLite's.
struct Trim<'a> {
    text: &'a [u8],
    set: Vec<&'a [u8]>,
    steps: usize,
    watch: &'a Watch,
}

impl Trim<'_> {
    fn left(&mut self) -> Result<(), Error> {
        while let Some(length) = self.first_of_set(<[u8]>::starts_with)? {
            self.text = &self.text[length..];
        }
        Ok(())
    }

    fn right(&mut self) -> Result<(), Error> {
        while let Some(length) = self.first_of_set(<[u8]>::ends_with)? {
            self.text = &self.text[..self.text.len() - length];
        }
        Ok(())
    }

    fn first_of_set(&mut self, stands: fn(&[u8], &[u8]) -> bool) -> Result<Option<usize>, Error> {
        for character in &self.set {
            self.steps += 1;
            if self.steps.is_multiple_of(STEPS_BETWEEN_POLLS) {
                poll(self.watch)?;
            }
            if stands(self.text, character) {
                return Ok(Some(character.len()));
            }
        }
        Ok(None)
    }
}

fn characters(set: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < set.len() {
        let start = at;
        read(set, &mut at);
        found.push(&set[start..at]);
    }
    found
}

/// Pairs of hexadecimal digits, between which only ignored characters may stand.
fn unhex(hex: &[u8], ignored: &[u8], watch: &Watch) -> Result<Option<Vec<u8>>, Error> {
    let (mut set, mut at) = (HashSet::new(), 0);
    while at < ignored.len() {
        set.insert(read(ignored, &mut at));
        if set.len().is_multiple_of(STEPS_BETWEEN_POLLS) {
            poll(watch)?;
        }
    }
    poll(watch)?;
    let (mut bytes, mut at) = (Vec::with_capacity(hex.len() / 2), 0);
    while at < hex.len() {
        if let Some(high) = digit(hex[at]) {
            let Some(low) = hex.get(at + 1).copied().and_then(digit) else { return Ok(None) };
            bytes.push(high << 4 | low);
            at += 2;
        } else if !set.contains(&read(hex, &mut at)) {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
