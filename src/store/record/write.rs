//! Writing one record. Every check precedes the write.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::read;
use crate::{
    error::{Error, Result},
    id::RecordId,
    object::{
        Field, FieldType, FieldValue, Object, Record,
        design::label_fault,
        value::ValueFault,
        written::{RecordRef, Tag, Written, find_option},
    },
    store::{object, option, table, time, value},
};

/// A field and the value that it gets.
pub type Change<'f> = (&'f Field, FieldValue);

/// Settles what only the store knows about a written value: makes new tags, finds related records.
pub fn resolve(tx: &Transaction<'_>, field: &Field, written: Written) -> Result<FieldValue> {
    match written {
        Written::Value(value) => Ok(value),
        Written::Tags(tags) => {
            let keys = tags.into_iter().map(|tag| tag_key(tx, field, tag)).collect::<Result<_>>()?;
            Ok(FieldValue::many(keys))
        }
        Written::Records(records) => {
            let relation = field
                .relation
                .as_ref()
                .ok_or_else(|| Error::internal(format!("relationship {} has no relation", field.id)))?;
            let related = object::load(tx, relation.object)?;
            let rows = records
                .into_iter()
                .map(|record| related_row(tx, field, &related, record))
                .collect::<Result<Vec<_>>>()?;
            Ok(if field.is_many() {
                FieldValue::many(rows)
            } else {
                rows.first().map_or(FieldValue::Null, |row| FieldValue::Key(*row))
            })
        }
    }
}

fn tag_key(tx: &Transaction<'_>, field: &Field, tag: Tag) -> Result<i64> {
    match tag {
        Tag::Known(key) => Ok(key),
        Tag::New(label) => {
            // One list may name a new tag twice, and someone may have made it since.
            let now = Field { options: option::of_field(tx, field.key)?, ..field.clone() };
            match find_option(&now, &label) {
                Some(known) => Ok(known.key),
                None => match label_fault(label.trim()) {
                    Some(fault) => Err(Error::from_value(&field.name, &fault)),
                    None => Ok(option::add(tx, field, &label, None)?.key),
                },
            }
        }
    }
}

fn related_row(tx: &Transaction<'_>, field: &Field, related: &Object, record: RecordRef) -> Result<i64> {
    let missing = |what: String| Error::from_value(&field.name, &ValueFault::new("does_not_exist", what));
    match record {
        RecordRef::Id(id) => {
            let row = id.row_in(related.id);
            let found = row.map(|row| exists(tx, related, row)).transpose()?.unwrap_or(false);
            row.filter(|_| found)
                .ok_or_else(|| missing(format!("{} has no record {id}", related.object_name)))
        }
        RecordRef::Label(label) => read::find_by_label(tx, related, &label)?.map_err(|found| {
            let how_many = if found == 0 { "no record" } else { "several records" };
            missing(format!("{} has {how_many} named {label:?}", related.object_name))
        }),
    }
}

fn exists(connection: &Connection, object: &Object, row: i64) -> Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE id = ?)", table::table(object));
    Ok(connection.prepare_cached(&sql)?.query_row([row], |row| row.get(0))?)
}

/// Makes a record. Answers its row.
///
/// # Errors
/// A required field is blank, or another live record has the value of a unique field.
pub fn insert(
    tx: &Transaction<'_>,
    object: &Object,
    changes: &[Change<'_>],
    now: DateTime<Utc>,
) -> Result<i64> {
    for field in object.fields.iter().filter(|field| field.is_required) {
        let given = changes.iter().find(|(changed, _)| changed.id == field.id);
        if given.is_none_or(|(_, value)| value.is_blank()) {
            return Err(blank(field));
        }
    }
    check_unique(tx, object, changes, None)?;
    let columns: Vec<&Change<'_>> = changes.iter().filter(|(field, _)| field.has_column()).collect();
    let names: Vec<String> = columns.iter().map(|(field, _)| format!(", {}", table::column(field))).collect();
    let places: Vec<String> = (0..columns.len()).map(|n| format!(", ?{}", n + 2)).collect();
    let sql = format!(
        "INSERT INTO {} (created, updated{}) VALUES (?1, ?1{})",
        table::table(object),
        names.concat(),
        places.concat()
    );
    let mut statement = tx.prepare(&sql)?;
    statement.raw_bind_parameter(1, time::to_ms(now))?;
    for (n, (_, value)) in columns.iter().enumerate() {
        value::bind(&mut statement, n + 2, value)?;
    }
    statement.raw_execute()?;
    let row = tx.last_insert_rowid();
    for (field, value) in changes {
        if let FieldValue::Many(keys) = value {
            write_list(tx, field, row, keys)?;
        }
    }
    Ok(row)
}

/// Writes a record as it was read elsewhere, under its own row: nothing of it is checked again.
pub fn put(tx: &Transaction<'_>, object: &Object, fields: &[&Field], record: &Record) -> Result<()> {
    let values = || fields.iter().zip(&record.values);
    let columns: Vec<_> = values().filter(|(field, _)| field.has_column()).collect();
    let names: Vec<String> = columns.iter().map(|(field, _)| format!(", {}", table::column(field))).collect();
    let places: Vec<String> = (0..columns.len()).map(|n| format!(", ?{}", n + 5)).collect();
    let sql = format!(
        "INSERT INTO {} (id, created, updated, archived{}) VALUES (?1, ?2, ?3, ?4{})",
        table::table(object),
        names.concat(),
        places.concat()
    );
    let mut statement = tx.prepare_cached(&sql)?;
    statement.raw_bind_parameter(1, record.row)?;
    statement.raw_bind_parameter(2, time::to_ms(record.created))?;
    statement.raw_bind_parameter(3, time::to_ms(record.updated))?;
    statement.raw_bind_parameter(4, record.archived.map(time::to_ms))?;
    for (n, (_, value)) in columns.iter().enumerate() {
        value::bind(&mut statement, n + 5, value)?;
    }
    statement.raw_execute()?;
    for (field, value) in values() {
        if let FieldValue::Many(keys) = value {
            write_list(tx, field, record.row, keys)?;
        }
    }
    Ok(())
}

/// Changes the record in `row`. Answers whether anything was different: an update that changes nothing
/// leaves `updated` alone.
pub fn update(
    tx: &Transaction<'_>,
    object: &Object,
    row: i64,
    changes: &[Change<'_>],
    now: DateTime<Utc>,
) -> Result<bool> {
    let fields: Vec<&Field> = changes.iter().map(|(field, _)| *field).collect();
    let record = read::find(tx, object, &fields, row)?.ok_or_else(|| Error::not_found("record"))?;
    let different: Vec<&Change<'_>> = changes
        .iter()
        .zip(&record.values)
        .filter(|((_, new), old)| new != *old)
        .map(|(change, _)| change)
        .collect();
    if different.is_empty() {
        return Ok(false);
    }
    if let Some((field, _)) = different.iter().find(|(field, value)| field.is_required && value.is_blank()) {
        return Err(blank(field));
    }
    if record.archived.is_none() {
        check_unique(tx, object, changes, Some(row))?;
    }
    let columns: Vec<&&Change<'_>> = different.iter().filter(|(field, _)| field.has_column()).collect();
    let sets: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(n, (field, _))| format!(", {} = ?{}", table::column(field), n + 3))
        .collect();
    // A person's edit: no run touched the record last.
    let sql = format!(
        "UPDATE {} SET updated = ?2, updated_by_execution = NULL{} WHERE id = ?1",
        table::table(object),
        sets.concat()
    );
    let mut statement = tx.prepare(&sql)?;
    statement.raw_bind_parameter(1, row)?;
    statement.raw_bind_parameter(2, time::to_ms(now))?;
    for (n, (_, value)) in columns.iter().enumerate() {
        value::bind(&mut statement, n + 3, value)?;
    }
    statement.raw_execute()?;
    for (field, value) in different {
        if let FieldValue::Many(keys) = value {
            write_list(tx, field, row, keys)?;
        }
    }
    Ok(true)
}

/// Hides the record in `row`. Archiving again changes nothing.
pub fn archive(tx: &Transaction<'_>, object: &Object, row: i64, now: DateTime<Utc>) -> Result<()> {
    let sql = format!(
        "UPDATE {} SET archived = ?2, updated = ?2, updated_by_execution = NULL WHERE id = ?1 AND archived IS NULL",
        table::table(object)
    );
    tx.prepare_cached(&sql)?.execute(params![row, time::to_ms(now)])?;
    Ok(())
}

/// Shows the record in `row` again.
///
/// # Errors
/// A live record has taken the value of a unique field meanwhile.
pub fn unarchive(tx: &Transaction<'_>, object: &Object, row: i64, now: DateTime<Utc>) -> Result<()> {
    let fields: Vec<&Field> = object.fields.iter().filter(|field| field.is_unique).collect();
    let record = read::find(tx, object, &fields, row)?.ok_or_else(|| Error::not_found("record"))?;
    let kept: Vec<Change<'_>> = fields.into_iter().zip(record.values).collect();
    check_unique(tx, object, &kept, Some(row))?;
    let sql = format!(
        "UPDATE {} SET archived = NULL, updated = ?2, updated_by_execution = NULL
         WHERE id = ?1 AND archived IS NOT NULL",
        table::table(object)
    );
    tx.prepare_cached(&sql)?.execute(params![row, time::to_ms(now)])?;
    Ok(())
}

/// Another live record that has this value of a unique field.
pub fn clash(
    connection: &Connection,
    object: &Object,
    field: &Field,
    value: &FieldValue,
    but: Option<i64>,
) -> Result<Option<i64>> {
    let parameter = if field.field_type == FieldType::Email { "lower(?1)" } else { "?1" };
    let sql = format!(
        "SELECT id FROM {} WHERE {} = {parameter} AND archived IS NULL AND id IS NOT ?2 LIMIT 1",
        table::table(object),
        table::comparable(field)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    value::bind(&mut statement, 1, value)?;
    statement.raw_bind_parameter(2, but)?;
    let mut rows = statement.raw_query();
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

fn check_unique(
    tx: &Transaction<'_>,
    object: &Object,
    changes: &[Change<'_>],
    but: Option<i64>,
) -> Result<()> {
    for (field, value) in changes.iter().filter(|(field, value)| field.is_unique && !value.is_blank()) {
        if let Some(other) = clash(tx, object, field, value, but)? {
            let id = RecordId::of(object.id, other);
            let fault = ValueFault::new("unique", format!("the record {id} has this value already"));
            return Err(Error::from_value(&field.name, &fault));
        }
    }
    Ok(())
}

fn write_list(tx: &Transaction<'_>, field: &Field, row: i64, keys: &[i64]) -> Result<()> {
    let link = table::link_table(field);
    tx.prepare_cached(&format!("DELETE FROM {link} WHERE record = ?"))?.execute([row])?;
    let mut statement = tx.prepare_cached(&format!("INSERT INTO {link} (record, value) VALUES (?, ?)"))?;
    for key in keys {
        statement.execute([row, *key])?;
    }
    Ok(())
}

fn blank(field: &Field) -> Error {
    Error::from_value(&field.name, &ValueFault::new("required", "this field is required"))
}
