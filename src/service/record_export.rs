//! The records of an object as a CSV for people.
//!
//! Made in a temporary file before the first byte is sent, page by page: a slow client holds no reader,
//! and memory does not grow with the object. A record that is changed meanwhile is there as one of its
//! versions.

use std::io::BufWriter;

use serde_json::Value as Json;

use super::{
    event,
    exporting::{self, Export},
    object::addressed,
};
use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Error, Result},
    id::RecordId,
    object::{
        Field, Object, Record,
        filter::Filter,
        shown::{Labels, shown},
    },
    report::csv::{guard_formula, writer},
    store::{self, words::Words},
};

/// Records read at once.
const PAGE: i64 = 1_000;
/// Between the values of a field that holds several.
const SEPARATOR: &str = "; ";

/// Writes the live records. Answers it with the object's api name.
pub fn csv(app: &App, caller: &Caller, object: &str) -> Result<(Export, String)> {
    caller.needs(Role::Viewer)?;
    caller.needs_unlimited()?;
    let words = Words::of(&app.store)?;
    let object = app.store.records.read(|conn| addressed(conn, object))?;
    let slot = exporting::begin(app)?;
    // A mirror says nothing that the other side does not say.
    let fields: Vec<&Field> = object.fields.iter().filter(|field| field.has_storage()).collect();
    let file = tempfile::tempfile_in(app.store.scratch_dir()).map_err(Error::internal)?;
    let mut out = writer(BufWriter::new(file));
    let header =
        ["id", "created", "updated"].into_iter().chain(fields.iter().map(|field| field.name.as_str()));
    out.write_record(header).map_err(Error::internal)?;
    let mut last = 0;
    loop {
        let (records, labels) = app.store.records.read(|conn| {
            let records = store::record::after(conn, &object, &fields, &Filter::all(), last, PAGE)?;
            let labels = words.labels(&app.store, conn, &fields, &records)?;
            Ok((records, labels))
        })?;
        let Some(record) = records.last() else { break };
        last = record.row;
        for record in &records {
            out.write_record(cells(&object, &fields, record, &labels)).map_err(Error::internal)?;
        }
    }
    let file = out.into_inner().map_err(|e| Error::internal(e.error()))?;
    let file = file.into_inner().map_err(|e| Error::internal(e.into_error()))?;
    let export = Export::of(file, slot)?;
    let message = format!("The records of {} were exported.", object.object_name);
    event::tell(app, caller, "records_exported", &message)?;
    Ok((export, object.name))
}

fn cells(object: &Object, fields: &[&Field], record: &Record, labels: &Labels) -> Vec<String> {
    let moment = |time: chrono::DateTime<chrono::Utc>| time.with_timezone(&labels.zone).to_rfc3339();
    let mut cells =
        vec![RecordId::of(object.id, record.row).to_string(), moment(record.created), moment(record.updated)];
    cells.extend(fields.iter().zip(&record.values).map(|(field, value)| cell(&shown(field, value, labels))));
    cells
}

/// A value as a person reads it. Numbers are numbers also when they begin with a minus; every text that a
/// spreadsheet would run is guarded.
fn cell(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => guard_formula(text).into_owned(),
        Json::Array(items) => {
            let labels: Vec<String> = items.iter().map(label).collect();
            guard_formula(&labels.join(SEPARATOR)).into_owned()
        }
        Json::Object(money) if money.contains_key("amount") => match &money["amount"] {
            Json::String(exact) => exact.clone(),
            amount => amount.to_string(),
        },
        Json::Object(_) => guard_formula(&label(value)).into_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}

/// An option's or a related record's label; a member's e-mail address; the id where there is none.
fn label(value: &Json) -> String {
    let keys = ["display_name", "email", "name", "id"];
    let found = keys.iter().find_map(|key| value[*key].as_str().filter(|text| !text.is_empty()));
    found.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_guarded_and_numbers_are_not() {
        for (value, expected) in [
            (json!(null), ""),
            (json!("=1+1"), "'=1+1"),
            (json!("plain"), "plain"),
            (json!(-3), "-3"),
            (json!(true), "true"),
            (json!({"currency": "EUR", "symbol": "€", "amount": "-0.1"}), "-0.1"),
            (json!({"id": "1", "name": "@x", "code": "c"}), "'@x"),
            (json!({"id": "1", "first_name": "", "last_name": "", "email": "", "deleted": true}), "1"),
            (json!([{"id": "1", "name": "a"}, {"id": "2", "name": "=b"}]), "a; =b"),
            (json!([{"id": "2", "name": "=b"}, {"id": "1", "name": "a"}]), "'=b; a"),
        ] {
            assert_eq!(cell(&value), expected, "{value}");
        }
    }
}
