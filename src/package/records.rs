//! Records that go along in a package (`records=matched`): those that its input matches or looks up, so that a local
//! run updates what the server would update.
//!
//! `records/objects.json` says which id each object has on its server, and `records/<object>.jsonl` has one record per
//! line, with the fields that the connector uses. Records keep their ids: an input that names one by its id finds it.
//! Fields of members are left out, as members are.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead as _, BufReader, Write},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::document::{Document, NamedObject};
use crate::{
    error::{Error, Result},
    id::{ObjectId, RecordId},
    object::{Field, FieldType, FieldValue, Object, Record, shown::shown, written::written},
    store::{self, Store, Transaction, words::Words},
};

/// The folder in a package.
pub const FOLDER: &str = "records";
/// The ids of the objects, in [`FOLDER`].
pub const OBJECTS: &str = "objects.json";

/// Records read at once.
const PAGE: usize = 1_000;

/// One record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: uuid::Uuid,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    archived: Option<DateTime<Utc>>,
    fields: Map<String, Json>,
}

/// The name of an object's file.
#[must_use]
pub fn file_of(object: &str) -> String {
    format!("{FOLDER}/{object}.jsonl")
}

/// The records to take along.
pub struct Taken<'r> {
    /// Where they are.
    pub store: &'r Store,
    /// The objects of the workspace.
    pub objects: &'r [Object],
    /// Their rows by object.
    pub rows: Vec<(ObjectId, Vec<i64>)>,
}

impl<'r> Taken<'r> {
    /// The ids of the document's objects, by name.
    #[must_use]
    pub fn ids(&self, document: &Document) -> BTreeMap<String, ObjectId> {
        let named =
            document.objects.iter().filter_map(|named| Some((named.name.clone(), self.object(named)?.id)));
        named.collect()
    }

    fn object(&self, named: &NamedObject) -> Option<&'r Object> {
        self.objects.iter().find(|object| object.name == named.name)
    }

    /// Writes an object's records, one a line. Answers how many there are.
    pub fn write(&self, named: &NamedObject, mut out: impl Write) -> Result<usize> {
        let Some(object) = self.object(named) else { return Ok(0) };
        let rows = self.rows.iter().find(|(id, _)| *id == object.id).map_or(&[][..], |(_, rows)| rows);
        let fields: Vec<&Field> =
            named.fields.iter().filter_map(|field| object.field_named(&field.name)).collect();
        let fields: Vec<&Field> = fields.into_iter().filter(|field| goes_along(field)).collect();
        let words = Words::of(self.store)?;
        for page in rows.chunks(PAGE) {
            let (records, labels) = self.store.records.read(|conn| {
                let records = store::record::in_rows(conn, object, &fields, page)?;
                let labels = words.labels(self.store, conn, &fields, &records)?;
                Ok((records, labels))
            })?;
            for record in records {
                let values = fields.iter().zip(&record.values);
                let line = Line {
                    id: RecordId::of(object.id, record.row).uuid(),
                    created: record.created,
                    updated: record.updated,
                    archived: record.archived,
                    fields: values
                        .map(|(field, value)| (field.name.clone(), shown(field, value, &labels)))
                        .collect(),
                };
                serde_json::to_writer(&mut out, &line).map_err(Error::internal)?;
                out.write_all(b"\n").map_err(Error::internal)?;
            }
        }
        out.flush().map_err(Error::internal)?;
        Ok(rows.len())
    }
}

fn goes_along(field: &Field) -> bool {
    field.has_storage() && field.field_type != FieldType::TeamSelector
}

/// Puts a package's records into a workspace that was made for it, its objects under the ids that they have on their
/// server. Answers how many there are.
///
/// # Errors
/// A file is not what it should be.
pub fn put(store: &Store, root: &Path, document: &Document) -> Result<u64> {
    let path = root.join(FOLDER).join(OBJECTS);
    if !path.exists() {
        return Ok(0);
    }
    let text = std::fs::read_to_string(&path).map_err(|e| unreadable(OBJECTS, &e))?;
    let ids: BTreeMap<String, ObjectId> =
        serde_json::from_str(&text).map_err(|e| Error::invalid(format!("{FOLDER}/{OBJECTS}: {e}")))?;
    let words = words(document)?;
    store.records.write(|tx| {
        for (name, id) in &ids {
            let object = by_name(tx, name)?;
            store::object::set_id(tx, object.id, *id)?;
        }
        let mut count = 0;
        for named in document.objects.iter().filter(|named| ids.contains_key(&named.name)) {
            count += put_object(tx, &words, root, &by_name(tx, &named.name)?)?;
        }
        Ok(count)
    })
}

fn words(document: &Document) -> Result<Words> {
    let facts = &document.workspace;
    Ok(Words::without_members(facts.zone()?, facts.currency.clone(), &facts.phone_region))
}

fn by_name(tx: &Transaction<'_>, name: &str) -> Result<Object> {
    store::object::find_named(tx, name)?.ok_or_else(|| {
        Error::invalid(format!(
            "{FOLDER}/{OBJECTS} names the object {name:?}, which connector.json does not describe."
        ))
    })
}

fn put_object(tx: &Transaction<'_>, words: &Words, root: &Path, object: &Object) -> Result<u64> {
    let name = file_of(&object.name);
    let file = match File::open(root.join(&name)) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(unreadable(&name, &e)),
    };
    let mut count = 0;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|e| unreadable(&name, &e))?;
        count += 1;
        let wrong = |why: &dyn std::fmt::Display| Error::invalid(format!("{name}, line {count}: {why}"));
        let line: Line = serde_json::from_str(&line).map_err(|e| wrong(&e))?;
        let row = RecordId::from(line.id)
            .row_in(object.id)
            .ok_or_else(|| wrong(&"the id is none of the object's"))?;
        // A label may have made an option.
        let current = store::object::load(tx, object.id)?;
        let mut fields = Vec::with_capacity(line.fields.len());
        let mut values = Vec::with_capacity(line.fields.len());
        for (key, json) in &line.fields {
            let field =
                current.field_named(key).ok_or_else(|| wrong(&format!("there is no field {key:?}")))?;
            values.push(value(tx, words, field, json).map_err(|e| wrong(&e))?);
            fields.push(field);
        }
        let record =
            Record { row, created: line.created, updated: line.updated, archived: line.archived, values };
        store::record::put(tx, &current, &fields, &record)?;
    }
    Ok(count)
}

fn value(tx: &Transaction<'_>, words: &Words, field: &Field, json: &Json) -> Result<FieldValue> {
    if let Some(relation) = &field.relation {
        let row = |one: &Json| -> Option<i64> {
            let id: uuid::Uuid = one["id"].as_str()?.parse().ok()?;
            RecordId::from(id).row_in(relation.object)
        };
        let rows = items(json).iter().map(row).collect::<Option<Vec<_>>>();
        let rows =
            rows.ok_or_else(|| Error::invalid(format!("{}: no record of the related object", field.name)))?;
        if field.is_many() {
            return Ok(FieldValue::many(rows));
        }
        return Ok(rows.first().map_or(FieldValue::Null, |row| FieldValue::Key(*row)));
    }
    // Options have other ids here, and the same labels.
    let labels = field.field_type.has_options().then(|| {
        let labels: Vec<Json> = items(json).iter().map(|one| one["name"].clone()).collect();
        if field.is_many() { Json::Array(labels) } else { labels.into_iter().next().unwrap_or_default() }
    });
    let read = written(field, labels.as_ref().unwrap_or(json), words.reading())
        .map_err(|fault| Error::from_value(&field.name, &fault))?;
    store::record::resolve(tx, field, read)
}

fn items(json: &Json) -> &[Json] {
    match json {
        Json::Null => &[],
        Json::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

fn unreadable(name: &str, error: &io::Error) -> Error {
    Error::invalid(format!("{name}: {error}"))
}
