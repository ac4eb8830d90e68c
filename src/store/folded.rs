//! `folded(text)`: a text in lower case, whatever its letters; SQLite's own `lower` knows those of ASCII only. It is
//! for searches: no index and no constraint uses it, so any SQLite tool can open the files.

use rusqlite::{Connection, functions::FunctionFlags, types::ValueRef};

/// Makes the function known to a connection.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("folded", 1, flags, |context| match context.get_raw(0) {
        ValueRef::Text(text) => Ok(Some(String::from_utf8_lossy(text).to_lowercase())),
        _ => Ok(None),
    })
}
