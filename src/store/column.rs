//! Ids, words and JSON in text columns.

use std::str::FromStr;

use rusqlite::Row;
use serde::{Serialize, de::DeserializeOwned};

use super::time::corrupt;
use crate::error::{Error, Result};

/// An id (or anything else that is parsed) in column `name`.
pub fn parsed<T: FromStr>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    let text: String = row.get(name)?;
    text.parse().map_err(|_| corrupt(name, &text))
}

/// An id in column `name`, if there is one.
pub fn parsed_optional<T: FromStr>(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(name)?;
    text.map(|text| text.parse().map_err(|_| corrupt(name, &text))).transpose()
}

/// A word of one of our enums in column `name`.
pub fn word<T>(row: &Row<'_>, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(name)?;
    parse(&text).ok_or_else(|| corrupt(name, &text))
}

/// A JSON document in column `name`.
pub fn json<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    let text: String = row.get(name)?;
    serde_json::from_str(&text).map_err(|e| corrupt(name, &e.to_string()))
}

/// A JSON document in column `name`, if there is one.
pub fn json_optional<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(name)?;
    text.map(|text| serde_json::from_str(&text).map_err(|e| corrupt(name, &e.to_string()))).transpose()
}

/// A value as the JSON text of a column.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}
