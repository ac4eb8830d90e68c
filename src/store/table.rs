//! The tables that records live in: their names and their DDL.
//!
//! An object has one table, a field one column of it, so that any SQLite tool can read them. What a
//! column can't hold (several values) is in a link table of the field. Names are quoted everywhere: an
//! object may be called `order`.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use crate::{
    error::{Error, Result},
    object::{Field, FieldType, Object},
};

/// The table of the object with this api name, quoted.
#[must_use]
pub fn table_of(object: &str) -> String {
    quoted(&format!("record_{object}"))
}

/// The object's table, quoted.
#[must_use]
pub fn table(object: &Object) -> String {
    table_of(&object.name)
}

/// The field's column, quoted. Only for fields that have one.
#[must_use]
pub fn column(field: &Field) -> String {
    quoted(&field.name)
}

/// What equality of the field's values compares: the column, for e-mail without regard to case. The
/// indexes are on exactly this expression.
#[must_use]
pub fn comparable(field: &Field) -> String {
    match field.field_type {
        FieldType::Email => format!("lower({})", column(field)),
        _ => column(field),
    }
}

/// The link table of a many-valued field: `(record, value)`, both rows or option keys.
#[must_use]
pub fn link_table(field: &Field) -> String {
    format!("link_{}", field.key)
}

/// A name as SQL writes it.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The column of a deleted field, which no field's api name can be.
#[must_use]
pub fn deleted_column(key: i64) -> String {
    format!("_deleted_{key}")
}

/// The name of a partial unique index: what an error about it has to be led back from.
#[must_use]
pub fn unique_index(field: &Field) -> String {
    format!("unique_{}", field.key)
}

/// The name of the index that look-ups by the field use, besides the unique one.
#[must_use]
pub fn match_index(field: &Field) -> String {
    format!("match_{}", field.key)
}

/// Makes the empty table of an object.
pub(super) fn create(tx: &Transaction<'_>, object: &str) -> Result<()> {
    tx.execute_batch(&format!(
        "CREATE TABLE {} (
            id                   INTEGER PRIMARY KEY,
            created              INTEGER NOT NULL, -- milliseconds since 1970, as the next two
            updated              INTEGER NOT NULL,
            archived             INTEGER,
            created_by_execution INTEGER,          -- run.key
            updated_by_execution INTEGER
         ) STRICT;
         -- Nearly empty nearly always: tells at once that there is nothing archived to match.
         CREATE INDEX {} ON {} (archived) WHERE archived IS NOT NULL",
        table_of(object),
        quoted(&format!("archived_{object}")),
        table_of(object)
    ))?;
    Ok(())
}

/// Gives the field its column or link table, and the indexes that it needs at once.
pub(super) fn add(tx: &Transaction<'_>, object: &Object, field: &Field) -> Result<()> {
    if field.is_many() {
        if field.has_storage() {
            let link = link_table(field);
            tx.execute_batch(&format!(
                "CREATE TABLE {link} (record INTEGER NOT NULL, value INTEGER NOT NULL,
                                      PRIMARY KEY (record, value)) STRICT, WITHOUT ROWID;
                 CREATE INDEX {link}_value ON {link} (value);"
            ))?;
        }
        return Ok(());
    }
    tx.execute_batch(&format!(
        "ALTER TABLE {} ADD COLUMN {} {}",
        table(object),
        column(field),
        column_type(field.field_type)
    ))?;
    // The mirror side reads by it.
    if field.field_type == FieldType::Relationship {
        ensure_match_index(tx, object, field)?;
    }
    if field.is_unique {
        add_unique_index(tx, object, field)?;
    }
    Ok(())
}

/// Hides a deleted field's column under a name that no field can have. Its data stays.
pub(super) fn hide(tx: &Transaction<'_>, object: &Object, field: &Field) -> Result<()> {
    drop_unique_index(tx, field)?;
    tx.execute_batch(&format!("DROP INDEX IF EXISTS {}", match_index(field)))?;
    if field.has_column() {
        tx.execute_batch(&format!(
            "ALTER TABLE {} RENAME COLUMN {} TO {}",
            table(object),
            column(field),
            quoted(&deleted_column(field.key))
        ))?;
    } else if field.has_storage() {
        tx.execute_batch(&format!("DROP INDEX IF EXISTS {}_value", link_table(field)))?;
    }
    Ok(())
}

/// Enforces uniqueness among live records. A clash of today's records is a refusal that says so.
pub(super) fn add_unique_index(tx: &Transaction<'_>, object: &Object, field: &Field) -> Result<()> {
    let made = tx.execute_batch(&format!(
        "CREATE UNIQUE INDEX {} ON {} ({}) WHERE archived IS NULL",
        unique_index(field),
        table(object),
        comparable(field)
    ));
    match made {
        Err(e) if super::error::is_unique_violation(&e) => Err(Error::new(
            crate::error::Code::Unique,
            format!(
                "{} can't be made unique: several records of {} have the same value.",
                field.name, object.name
            ),
        )
        .at("is_unique")),
        other => Ok(other?),
    }
}

/// Stops enforcing uniqueness.
pub(super) fn drop_unique_index(tx: &Transaction<'_>, field: &Field) -> Result<()> {
    tx.execute_batch(&format!("DROP INDEX IF EXISTS {}", unique_index(field)))?;
    Ok(())
}

/// Makes the index that matching and look-ups by `field` use, unless it is there. Answers whether it
/// had to be made. A many-valued field has its own from the start.
///
/// Matching looks at archived records too, which a unique index leaves out. So beside a unique index this
/// one has the archived records alone, and a new record costs one index entry and not two.
pub fn ensure_match_index(tx: &Transaction<'_>, object: &Object, field: &Field) -> Result<bool> {
    if !field.has_column() || has_match_index(tx, field)? {
        return Ok(false);
    }
    tx.execute_batch(&format!(
        "CREATE INDEX {} ON {} ({}){}",
        match_index(field),
        table(object),
        comparable(field),
        if field.is_unique { " WHERE archived IS NOT NULL" } else { "" }
    ))?;
    Ok(true)
}

/// From this many records on an index takes long enough to be made in a run, where it is watched.
pub const LARGE: u64 = 100_000;

/// Whether an index on the object takes long: by its number of records, archived ones included.
pub fn is_large(connection: &Connection, object: &Object) -> Result<bool> {
    let count: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT ?1)", table(object)))?
        .query_row([LARGE.cast_signed()], |row| row.get(0))?;
    Ok(count.unsigned_abs() == LARGE)
}

/// How many records the object has, archived ones included.
pub fn count(connection: &Connection, object: &Object) -> Result<u64> {
    let count: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM {}", table(object)))?
        .query_row([], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Makes the index for look-ups again, where there is one: the field became unique or is no longer.
pub(super) fn remake_match_index(tx: &Transaction<'_>, object: &Object, field: &Field) -> Result<()> {
    if field.has_column() && has_match_index(tx, field)? {
        tx.execute_batch(&format!("DROP INDEX {}", match_index(field)))?;
        ensure_match_index(tx, object, field)?;
    }
    Ok(())
}

/// Whether look-ups by `field` have their index. True for fields that need none of their own.
pub fn has_match_index(connection: &Connection, field: &Field) -> Result<bool> {
    if !field.has_column() {
        return Ok(true);
    }
    let found: Option<i64> = connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1")?
        .query_row([match_index(field)], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

const fn column_type(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text
        | FieldType::Longtext
        | FieldType::Email
        | FieldType::Phonenumber
        | FieldType::Date
        | FieldType::Datetime
        | FieldType::Timezone
        | FieldType::Uuid
        | FieldType::TeamSelector => "TEXT",
        FieldType::Decimal | FieldType::Money => "REAL",
        FieldType::Integer
        | FieldType::Rating
        | FieldType::Checkbox
        | FieldType::Yesnomaybe
        | FieldType::Dropdown
        | FieldType::Radio
        | FieldType::Checkboxes
        | FieldType::Dynamictags
        | FieldType::Relationship => "INTEGER",
    }
}
