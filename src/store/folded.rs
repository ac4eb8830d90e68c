//! `folded(text)`: a text in lower case, whatever its letters; SQLite's own `lower` knows those of ASCII only. It is
//! for searches: no index and no constraint uses it, so any SQLite tool can open the files.
//!
//! A sigma is the same letter at the end of a word and before it: part of a word finds the word.

use rusqlite::{Connection, functions::FunctionFlags, types::ValueRef};

/// Makes the function known to a connection.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("folded", 1, flags, |context| match context.get_raw(0) {
        ValueRef::Text(text) => Ok(Some(fold(&String::from_utf8_lossy(text)))),
        _ => Ok(None),
    })
}

/// The same of what is searched for.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_a_word_is_found_in_it_whatever_its_letters() {
        for (word, part) in [("STRASSE", "rasse"), ("ΟΔΟΣΑ", "ΟΔΟΣ"), ("Οδός", "ΔΌΣ"), ("İstanbul", "İSTAN")]
        {
            assert!(fold(word).contains(&fold(part)), "{part} in {word}");
        }
    }
}
