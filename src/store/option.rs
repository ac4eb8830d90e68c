//! How the options of choice fields are kept.

use rusqlite::{Connection, Row, Transaction, params};

use super::column;
use crate::{
    error::{Code, Error, Result},
    id::OptionId,
    object::{Field, FieldOption, design::free_name},
};

/// Adds an option to a choice field. A label that another option has (without regard to case) is
/// refused; a code is made from the label when none is given.
pub fn add(tx: &Transaction<'_>, field: &Field, name: &str, code: Option<&str>) -> Result<FieldOption> {
    let name = name.trim();
    let known = of_field(tx, field.key)?;
    if let Some(same) = known.iter().find(|option| option.name.to_lowercase() == name.to_lowercase()) {
        return Err(Error::new(
            Code::Unique,
            format!("options: {} has an option {:?} already.", field.name, same.name),
        )
        .at("options"));
    }
    let is_taken = |code: &str| known.iter().any(|option| option.code == code);
    let order = known.last().map_or(0, |last| last.order + 1);
    match code {
        Some(code) if is_taken(code) => Err(Error::new(
            Code::Unique,
            format!("options: {} has an option with the code {code:?} already.", field.name),
        )
        .at("options")),
        Some(code) => insert(tx, field.key, name, code.to_owned(), order),
        None => {
            let code = free_name(&FieldOption::wished_code(name), |code| Ok(is_taken(code)))?;
            insert(tx, field.key, name, code, order)
        }
    }
}

/// Adds an option whose label and code the caller knows to be new: loads keep the options in memory and
/// may add many.
pub fn insert(tx: &Connection, field_key: i64, name: &str, code: String, order: i64) -> Result<FieldOption> {
    let mut option = FieldOption { id: OptionId::new(), key: 0, name: name.to_owned(), code, order };
    tx.prepare_cached(
        "INSERT INTO field_option (id, field_key, name, code, position) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![option.id.to_string(), field_key, option.name, option.code, option.order])?;
    option.key = tx.last_insert_rowid();
    Ok(option)
}

/// The options of a field as they are now.
pub fn of_field(connection: &Connection, field_key: i64) -> Result<Vec<FieldOption>> {
    let options = connection
        .prepare_cached("SELECT * FROM field_option WHERE field_key = ?1 ORDER BY position, key")?
        .query_map([field_key], from_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(options)
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<FieldOption> {
    Ok(FieldOption {
        key: row.get("key")?,
        id: column::parsed(row, "id")?,
        name: row.get("name")?,
        code: row.get("code")?,
        order: row.get("position")?,
    })
}

/// Gives an option another label; records keep it. Its code stays.
///
/// # Errors
/// Another option of the field has the label (without regard to case).
pub fn rename(tx: &Transaction<'_>, field_key: i64, key: i64, name: &str) -> Result<()> {
    let known = of_field(tx, field_key)?;
    let lower = name.to_lowercase();
    if let Some(same) = known.iter().find(|option| option.key != key && option.name.to_lowercase() == lower) {
        return Err(Error::new(
            Code::Unique,
            format!("options: there is an option {:?} already.", same.name),
        )
        .at("options"));
    }
    tx.execute("UPDATE field_option SET name = ?2 WHERE key = ?1", params![key, name])?;
    Ok(())
}
