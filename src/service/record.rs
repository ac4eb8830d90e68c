//! Records, one at a time and searched.
//!
//! Archiving a record is editing it: it is there as before when it is unarchived. So it is an editor's, while deletion
//! is an admin's.

use std::collections::HashMap;

use serde_json::Value;

use super::{event, object::addressed, paging::Paging};
use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Code, Error, Result},
    id::{FieldId, RecordId},
    object::{Field, FieldValue, Object, Record, filter::Filter, shown::Labels, written::written},
    store::{
        self, Connection, Transaction,
        record::{Change, MIRROR_SHOWN, Order},
        words::Words,
    },
};

/// Records with all that it takes to show them.
pub struct Shown {
    /// The object.
    pub object: Object,
    /// The fields that were asked for.
    pub fields: Vec<Field>,
    /// The records, with the values of those fields.
    pub records: Vec<Record>,
    /// What their values are shown by.
    pub labels: Labels,
    /// Of mirrors that hold more records than are shown: how many.
    pub mirrored: HashMap<(i64, FieldId), i64>,
}

/// What to search for.
#[derive(Debug, Clone)]
pub struct Search {
    /// How the groups of the query are joined.
    pub and: bool,
    /// The query.
    pub query: Value,
    /// Api names of the fields to answer; `None`: all.
    pub field_names: Option<Vec<String>>,
    /// `ordering`.
    pub ordering: Option<String>,
}

/// Live records: how many there are, and one page of them.
pub fn search(
    app: &App,
    caller: &Caller,
    object: &str,
    search: &Search,
    paging: Paging,
) -> Result<(u64, Shown)> {
    may(caller, Role::Viewer)?;
    let words = Words::of(&app.store)?;
    app.store.records.read(|c| {
        let object = addressed(c, object)?;
        let filter = Filter::parse(&object, search.and, &search.query, words.reading())?;
        let order =
            search.ordering.as_deref().map_or(Ok(Order::made()), |text| Order::parse(&object, text))?;
        let fields = chosen(&object, search.field_names.as_deref())?;
        let refs: Vec<&Field> = fields.iter().collect();
        let count = store::record::count(c, &object, &filter)?;
        let records =
            store::record::page(c, &object, &refs, &filter, &order, paging.limit(), paging.offset())?;
        let labels = words.labels(&app.store, c, &refs, &records)?;
        let mirrored = mirrored(c, &refs, &records)?;
        Ok((count.unsigned_abs(), Shown { object, fields, records, labels, mirrored }))
    })
}

fn chosen(object: &Object, names: Option<&[String]>) -> Result<Vec<Field>> {
    let Some(names) = names else { return Ok(object.fields.clone()) };
    let unknown = names.iter().find(|name| object.field_named(name).is_none());
    if let Some(name) = unknown {
        return Err(Error::does_not_exist(format!("field_names: {} has no field {name:?}.", object.name))
            .at("field_names"));
    }
    Ok(object.fields.iter().filter(|field| names.contains(&field.name)).cloned().collect())
}

/// One record, archived or not.
pub fn get(app: &App, caller: &Caller, object: &str, id: RecordId) -> Result<Shown> {
    may(caller, Role::Viewer)?;
    let words = Words::of(&app.store)?;
    app.store.records.read(|c| {
        let object = addressed(c, object)?;
        let row = row_of(&object, id)?;
        show(app, &words, c, object, row)
    })
}

/// A field of a write, and the JSON that it gets.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The field by id.
    pub id: Option<FieldId>,
    /// The field by api name.
    pub name: Option<String>,
    /// The value.
    pub value: Value,
}

/// Makes a record.
pub fn add(app: &App, caller: &Caller, object: &str, assignments: &[Assignment]) -> Result<Shown> {
    may(caller, Role::Editor)?;
    let words = Words::of(&app.store)?;
    app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let changes = changes(tx, &words, &object, assignments)?;
        let row = store::record::insert(tx, &object, &changes, app.clock.now())?;
        reread(app, &words, tx, &object, row)
    })
}

/// The live record with this id, or with this label: the e-mail address of Contacts, the name of
/// everything else.
///
/// # Errors
/// `not_found`; `conflict` when several records have the label.
pub fn lookup(app: &App, caller: &Caller, object: &str, identifier: &str) -> Result<Shown> {
    may(caller, Role::Viewer)?;
    let words = Words::of(&app.store)?;
    app.store.records.read(|c| {
        let object = addressed(c, object)?;
        let row = match identifier.trim().parse::<RecordId>() {
            Ok(id) => live(c, &object, row_of(&object, id)?)?,
            Err(_) => labelled(c, &object, identifier.trim())?,
        };
        let row = row.ok_or_else(|| Error::not_found("record"))?;
        show(app, &words, c, object, row)
    })
}

/// Changes the one live record with the label that the write has, or makes it. Answers it, and whether it
/// was made.
///
/// # Errors
/// `required` without a label; `conflict` when several records have it.
pub fn upsert(app: &App, caller: &Caller, object: &str, assignments: &[Assignment]) -> Result<(Shown, bool)> {
    may(caller, Role::Editor)?;
    let words = Words::of(&app.store)?;
    app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let changes = changes(tx, &words, &object, assignments)?;
        let label = label_of(&object, &changes)?;
        let now = app.clock.now();
        if let Some(row) = labelled(tx, &object, label)? {
            store::record::update(tx, &object, row, &changes, now)?;
            return Ok((reread(app, &words, tx, &object, row)?, false));
        }
        let row = store::record::insert(tx, &object, &changes, now)?;
        Ok((reread(app, &words, tx, &object, row)?, true))
    })
}

fn label_of<'c>(object: &Object, changes: &'c [Change<'_>]) -> Result<&'c str> {
    let field = object.label_field();
    let field = field.ok_or_else(|| Error::invalid(format!("{} has no label field.", object.name)))?;
    let change = changes.iter().find(|(changed, _)| changed.id == field.id);
    if let Some((_, FieldValue::Text(label))) = change {
        return Ok(label);
    }
    let detail = format!("fields: {} is required: it says which record is meant.", field.name);
    Err(Error::new(Code::Required, detail).at("fields"))
}

fn labelled(connection: &Connection, object: &Object, label: &str) -> Result<Option<i64>> {
    match store::record::find_by_label(connection, object, label)? {
        Ok(row) => Ok(Some(row)),
        Err(0) => Ok(None),
        Err(_) => Err(Error::conflict(format!("Several records of {} are called {label:?}.", object.name))),
    }
}

fn live(connection: &Connection, object: &Object, row: i64) -> Result<Option<i64>> {
    let record = store::record::find(connection, object, &[], row)?;
    Ok(record.filter(|record| record.archived.is_none()).map(|_| row))
}

/// Changes a record.
pub fn edit(
    app: &App,
    caller: &Caller,
    object: &str,
    id: RecordId,
    assignments: &[Assignment],
) -> Result<Shown> {
    may(caller, Role::Editor)?;
    let words = Words::of(&app.store)?;
    app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let row = row_of(&object, id)?;
        let changes = changes(tx, &words, &object, assignments)?;
        store::record::update(tx, &object, row, &changes, app.clock.now())?;
        reread(app, &words, tx, &object, row)
    })
}

/// Hides a record.
pub fn archive(app: &App, caller: &Caller, object: &str, id: RecordId) -> Result<()> {
    may(caller, Role::Editor)?;
    let name = app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let row = row_of(&object, id)?;
        if store::record::find(tx, &object, &[], row)?.is_none() {
            return Err(Error::not_found("record"));
        }
        store::record::archive(tx, &object, row, app.clock.now())?;
        Ok(object.name)
    })?;
    event::tell(app, caller, "deleted", &format!("The record {id} of {name} was archived."))
}

/// Shows a record again.
pub fn unarchive(app: &App, caller: &Caller, object: &str, id: RecordId) -> Result<Shown> {
    may(caller, Role::Editor)?;
    let words = Words::of(&app.store)?;
    app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let row = row_of(&object, id)?;
        store::record::unarchive(tx, &object, row, app.clock.now())?;
        show(app, &words, tx, object, row)
    })
}

/// Reads what a caller wrote. A field may stand there once.
fn changes<'o>(
    tx: &Transaction<'_>,
    words: &Words,
    object: &'o Object,
    assignments: &[Assignment],
) -> Result<Vec<Change<'o>>> {
    let mut changes: Vec<(&Field, FieldValue)> = Vec::with_capacity(assignments.len());
    for (n, assignment) in assignments.iter().enumerate() {
        let field = assigned(object, assignment, &format!("fields[{n}]"))?;
        if changes.iter().any(|(other, _)| other.id == field.id) {
            return Err(Error::invalid(format!("fields[{n}]: {} stands there twice.", field.name))
                .at(&format!("fields[{n}]")));
        }
        let value = written(field, &assignment.value, words.reading())
            .map_err(|fault| Error::from_value(&field.name, &fault))?;
        changes.push((field, store::record::resolve(tx, field, value)?));
    }
    Ok(changes)
}

fn assigned<'o>(object: &'o Object, assignment: &Assignment, path: &str) -> Result<&'o Field> {
    let field = match (assignment.id, &assignment.name) {
        (Some(id), _) => object.field(id),
        (None, Some(name)) => object.field_named(name),
        (None, None) => return Err(Error::required(&format!("{path}.name"))),
    };
    let field = field.ok_or_else(|| {
        let found = assignment.id.map(|id| id.to_string()).or_else(|| assignment.name.clone());
        let found = found.unwrap_or_default();
        Error::does_not_exist(format!("{path}: {} has no field {found:?}.", object.name)).at(path)
    })?;
    if field.is_read_only {
        return Err(Error::invalid(format!("{path}: {} is read-only.", field.name)).at(path));
    }
    Ok(field)
}

fn row_of(object: &Object, id: RecordId) -> Result<i64> {
    id.row_in(object.id).ok_or_else(|| Error::not_found("record"))
}

/// A write may have made options: the object is read anew.
fn reread(app: &App, words: &Words, tx: &Transaction<'_>, object: &Object, row: i64) -> Result<Shown> {
    let object = store::object::load(tx, object.id)?;
    show(app, words, tx, object, row)
}

fn show(app: &App, words: &Words, connection: &Connection, object: Object, row: i64) -> Result<Shown> {
    let fields = object.fields.clone();
    let refs: Vec<&Field> = fields.iter().collect();
    let record = store::record::find(connection, &object, &refs, row)?;
    let records = vec![record.ok_or_else(|| Error::not_found("record"))?];
    let labels = words.labels(&app.store, connection, &refs, &records)?;
    let mirrored = mirrored(connection, &refs, &records)?;
    Ok(Shown { object, fields, records, labels, mirrored })
}

fn mirrored(
    connection: &Connection,
    fields: &[&Field],
    records: &[Record],
) -> Result<HashMap<(i64, FieldId), i64>> {
    let mut counts = HashMap::new();
    for (n, field) in fields.iter().enumerate().filter(|(_, field)| !field.has_storage()) {
        for record in records {
            let is_full = matches!(&record.values[n], FieldValue::Many(rows) if rows.len() >= MIRROR_SHOWN);
            if is_full {
                counts
                    .insert((record.row, field.id), store::record::mirrored(connection, field, record.row)?);
            }
        }
    }
    Ok(counts)
}

fn may(caller: &Caller, role: Role) -> Result<()> {
    caller.needs(role)?;
    caller.needs_unlimited()
}
