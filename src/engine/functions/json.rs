//! `json_patch` and `jsonb_patch`, bounded.
//!
//! SQLite looks for every key of the patch among all keys of the target, in one call that nothing can
//! interrupt. Up to a product of both sizes that takes well under a second SQLite's own function
//! answers; above it the call is refused.

use rusqlite::{
    Connection, Error,
    functions::FunctionFlags,
    types::{Value, ValueRef},
};

use super::refused;

/// The largest product of the bytes of target and patch.
const MAX_WORK: usize = 1 << 32;

/// What SQLite calls a text that is known to be JSON.
const JSON_SUBTYPE: u32 = b'J' as u32;

pub(super) fn register(db: &Connection, flags: FunctionFlags) -> Result<(), Error> {
    let flags = flags | FunctionFlags::SQLITE_RESULT_SUBTYPE;
    for (name, subtype) in [("json_patch", Some(JSON_SUBTYPE)), ("jsonb_patch", None)] {
        // The connection of the script has our function only: another one has SQLite's.
        let sqlite = Connection::open_in_memory()?;
        let sql = format!("SELECT {name}(?1, ?2)");
        db.create_scalar_function(name, 2, flags, move |call| {
            let (target, patch) = (call.get_raw(0), call.get_raw(1));
            if size(target).saturating_mul(size(patch)) > MAX_WORK {
                return Err(refused("the arguments of json_patch are too large for one call"));
            }
            let mut own = sqlite.prepare_cached(&sql)?;
            let (target, patch) = (Value::try_from(target)?, Value::try_from(patch)?);
            let answer: Value = own.query_row((target, patch), |row| row.get(0)).map_err(in_its_words)?;
            Ok((answer, subtype))
        })?;
    }
    Ok(())
}

fn size(value: ValueRef<'_>) -> usize {
    value.as_bytes().map_or(0, <[u8]>::len)
}

/// Keeps the sentence and drops what is about the other connection.
fn in_its_words(error: Error) -> Error {
    match error {
        Error::SqliteFailure(_, Some(sentence)) => refused(&sentence),
        other => other,
    }
}
