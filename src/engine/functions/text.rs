//! Arguments and answers as SQLite's functions see them.

use std::borrow::Cow;

use rusqlite::{
    Connection, Error,
    types::{ToSql, ToSqlOutput, ValueRef},
};

/// Turns arguments into the bytes of their text, the way `sqlite3_value_text` does.
///
/// SQLite's text of a floating point number is SQLite's business, and its C function is out of reach
/// without unsafe code: a small connection is asked for it, which only happens to REAL arguments.
#[derive(Debug)]
pub(super) struct Texts(Connection);

impl Texts {
    pub(super) fn new() -> Result<Self, Error> {
        Connection::open_in_memory().map(Self)
    }

    /// The text of `value`, which need not be UTF-8. `None` for NULL.
    pub(super) fn of<'a>(&self, value: ValueRef<'a>) -> Result<Option<Cow<'a, [u8]>>, Error> {
        Ok(match value {
            ValueRef::Null => None,
            ValueRef::Text(text) | ValueRef::Blob(text) => Some(Cow::Borrowed(text)),
            ValueRef::Integer(number) => Some(Cow::Owned(number.to_string().into_bytes())),
            ValueRef::Real(number) => {
                let mut cast = self.0.prepare_cached("SELECT CAST(?1 AS TEXT)")?;
                Some(Cow::Owned(cast.query_row([number], |row| row.get::<_, String>(0))?.into_bytes()))
            }
        })
    }
}

/// The answer: text that need not be UTF-8, as the argument need not be.
pub(super) struct Text(pub(super) Option<Vec<u8>>);

impl ToSql for Text {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0.as_deref().map_or(ValueRef::Null, ValueRef::Text)))
    }
}

/// The part of a text that C sees: up to its first NUL.
pub(super) fn until_nul(text: &[u8]) -> &[u8] {
    memchr::memchr(0, text).map_or(text, |end| &text[..end])
}
