//! The matching rules' questions, put to the records.

use super::matching::{Ask, Found, Pool};
use crate::{
    error::Result,
    object::FieldValue,
    store::lookup::{Finder, Question},
};

/// Answers what the rules ask for.
pub(super) fn look<'v>(
    matcher: &mut Finder<'_>,
    ask: Ask,
    key: impl Fn(usize) -> Option<&'v FieldValue>,
) -> Result<Found> {
    let mut keys = Vec::with_capacity(1 + ask.to - ask.from);
    for rule in ask.from..=ask.to {
        match key(rule) {
            Some(key) => keys.push(key),
            None => return Ok(Found::None),
        }
    }
    let pools: &[bool] = match ask.pool {
        Pool::All => &[false, true],
        Pool::Live => &[false],
        Pool::Archived => &[true],
    };
    let mut records = Vec::new();
    for archived in pools.iter().copied() {
        matcher.find(Question { from: ask.from, to: ask.to, archived }, &keys, &mut records)?;
        match records[..] {
            [] => {}
            [record] => return Ok(Found::One { record, archived }),
            _ => return Ok(Found::Several { records, archived }),
        }
    }
    Ok(Found::None)
}
