//! Mapping rules through the real interface.

mod conflicts;
mod options;
mod refusals;
mod relations;
mod values;

use serde_json::{Value as Json, json};

use crate::{
    matching::{People, add},
    support::{
        configure::{maps, variable},
        journey::{object_id, records},
    },
};

/// A UUID that is nobody's.
pub const ID: &str = "123e4567-e89b-12d3-a456-426614174000";

/// Adds a field to the object of [`People`].
pub fn field(people: &People, name: &str, field: &Json) {
    let mut field = field.clone();
    field["name"] = json!(name);
    field["display_name"] = json!(name);
    people.client.post(&format!("/api/custom-objects/{}/fields", people.object), &field).created();
}

/// The sizes that a field of this type may have.
pub fn sizes(field_type: &str) -> Json {
    let options = json!([{"name": "Large", "code": "l"}, {"name": "Small", "code": "s"}, {"name": "Medium"}]);
    json!({"field_type": field_type, "options": options})
}

/// The value of a field in the record with this name.
#[track_caller]
pub fn value(people: &People, record: &str, field: &str) -> Json {
    let found = records(&people.client, "people", &["name", field]);
    let row = found.iter().find(|row| row[0] == record);
    row.unwrap_or_else(|| panic!("no record {record}: {found:?}"))[1].clone()
}

/// Names of options or records.
pub fn names(value: &Json) -> Vec<String> {
    let one = |value: &Json| {
        let name = if value["display_name"].is_string() { &value["display_name"] } else { &value["name"] };
        name.as_str().unwrap_or_default().to_owned()
    };
    let mut names = match value {
        Json::Array(list) => list.iter().map(one).collect(),
        Json::Null => Vec::new(),
        value => vec![one(value)],
    };
    names.sort();
    names
}

/// Makes records of another object by name.
pub fn others(people: &People, object: &str, names: &[&str]) -> Vec<String> {
    let object = object_id(&people.client, object);
    names.iter().map(|name| add(&people.client, &object, &json!({ "name": name }))).collect()
}

/// A step that matches by the column `n` and maps `f` from `V`, a variable of this type over the column `v`.
pub fn loads(people: &People, data_type: &str, mapping: &Json) {
    let variables = [variable("Name", "string", "people", "n"), variable("V", data_type, "people", "v")];
    let rules = json!([crate::matching::rule("name", "Name", &json!({}))]);
    people.configure(&variables, &rules, &json!([maps("name", "Name"), mapping]));
    people.activate();
}

/// The first message of each row that something is said of, with its line.
pub fn said(people: &People, run: &Json) -> Vec<(u64, Json)> {
    let rows = people.rows(run);
    let rows = rows.as_array().unwrap().iter();
    let mut said: Vec<_> =
        rows.map(|row| (row["line"].as_u64().unwrap(), row["messages"][0].clone())).collect();
    said.sort_by_key(|(line, _)| *line);
    said
}
