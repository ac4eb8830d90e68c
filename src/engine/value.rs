//! Values on their way into SQL.

use std::fmt::Write as _;

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use serde_json::Value as Json;

/// One cell of an input table or seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// An empty cell.
    Null,
    /// Text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
}

/// A value that is bound by name or shown in `meta`.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
}

impl From<&Json> for Scalar {
    /// Booleans become 1 and 0, as SQLite has none; lists and objects become their JSON text.
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(yes) => Self::Integer(i64::from(*yes)),
            Json::String(text) => Self::Text(text.clone()),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Integer(whole),
                (None, Some(real)) => Self::Real(real),
                (None, None) => Self::Text(number.to_string()),
            },
            Json::Array(_) | Json::Object(_) => Self::Text(json.to_string()),
        }
    }
}

/// Appends the shortest decimal that reads back, without an exponent between 1e-7 and 1e21 (spec: sql §2).
pub(super) fn push_real(to: &mut String, number: f64) {
    let size = number.abs();
    // Writing to a String never fails.
    _ = if size == 0.0 {
        write!(to, "0")
    } else if (1e-7..1e21).contains(&size) {
        write!(to, "{number}")
    } else {
        write!(to, "{number:e}")
    };
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Real(number) => ValueRef::Real(number),
        }))
    }
}

impl ToSql for Scalar {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Real(number) => ToSqlOutput::Owned(Value::Real(*number)),
        })
    }
}
