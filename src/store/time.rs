//! Times as the databases keep them: milliseconds since 1970 (UTC).

use chrono::{DateTime, Utc};
use rusqlite::{Row, types::Type};

/// What is kept.
#[must_use]
pub fn to_ms(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

/// What was kept in column `index`.
pub fn get(row: &Row<'_>, index: &str) -> rusqlite::Result<DateTime<Utc>> {
    from_ms(row.get(index)?)
}

/// What was kept in column `index`, if anything.
pub fn get_optional(row: &Row<'_>, index: &str) -> rusqlite::Result<Option<DateTime<Utc>>> {
    row.get::<_, Option<i64>>(index)?.map(from_ms).transpose()
}

fn from_ms(ms: i64) -> rusqlite::Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, ms))
}

/// A word, id or JSON text that this program did not write.
pub fn corrupt(what: &str, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("{what}: {text:?}").into())
}
