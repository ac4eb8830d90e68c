//! What a script of a webhook connector reads: the tables of a batch's file, and the template for them.
//!
//! The file's own table is `webhooks_raw`, whatever the file is called; `webhooks`, which the runner makes of
//! it, has the time as a date and time. The template selects the members of the bodies in the reference file,
//! so that a connector starts with columns and not with JSON.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::{
    ConnectorType, Header, ScopeHeaders, column_letters,
    template::{Template, quoted},
};
use crate::{
    error::{Error, Result},
    object::{api_name_of, is_api_name},
    script::{ColumnMapping, ColumnType, ConfigMetadata, InputTable},
    trigger::webhook::{COLUMNS, RAW_TABLE, TABLE},
};

/// Members that a template selects: a body of a thousand is no table.
pub const MAX_MEMBERS: usize = 200;

fn column(name: &str) -> ColumnMapping {
    ColumnMapping { col: name.to_owned(), kind: ColumnType::Str, original: None }
}

/// The table that a reference file makes.
///
/// # Errors
/// The file has not the columns of a batch.
pub fn as_input(table: InputTable) -> Result<InputTable> {
    let missing = COLUMNS.iter().find(|name| table.columns_mapping.iter().all(|column| column.col != **name));
    if let Some(missing) = missing {
        return Err(Error::invalid(format!(
            "The file has no column {missing:?}; the file of a webhook connector has the columns {}.",
            COLUMNS.join(", ")
        ))
        .at("source_file_id"));
    }
    Ok(raw(table))
}

fn raw(table: InputTable) -> InputTable {
    InputTable {
        page_idx: 0,
        table_name: RAW_TABLE.to_owned(),
        columns_mapping: COLUMNS.iter().map(|name| column(name)).collect(),
        ..table
    }
}

/// The inputs that a script expects: a webhook connector's has one file of one shape, whatever its
/// configuration says.
#[must_use]
pub fn expected(connector_type: ConnectorType, mut metadata: ConfigMetadata) -> ConfigMetadata {
    if connector_type == ConnectorType::Webhook {
        let first = metadata.input_tables.drain(..).next();
        metadata.input_tables.push(raw(first.unwrap_or_else(|| InputTable::of_trigger(TABLE, Vec::new()))));
    }
    metadata
}

/// The members of some bodies, in the order of their first appearance.
#[derive(Debug, Default)]
pub struct Members {
    names: Vec<String>,
    seen: HashSet<String>,
}

impl Members {
    /// Notes the members of a body that is an object.
    pub fn add(&mut self, body: &str) {
        let Ok(object) = serde_json::from_str::<Map<String, Json>>(body) else { return };
        for name in object.into_iter().map(|(name, _)| name) {
            // What a JSON path can't name in double quotes, or a client would take for the end of a statement.
            let is_plain = !name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\' | ';'));
            if is_plain && self.names.len() < MAX_MEMBERS && self.seen.insert(name.clone()) {
                self.names.push(name);
            }
        }
    }
}

/// The template that writes `webhooks` with the bodies' members to the scope of the connector's object.
#[must_use]
pub fn template(scope: &str, members: &Members) -> Template {
    let mut names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let mut lines: Vec<String> = vec!["rowid AS _line".to_owned()];
    lines.extend(names.iter().cloned());
    for member in &members.names {
        let made = api_name_of(member);
        let name = free(if is_api_name(&made) { &made } else { "member" }, &names);
        let path = format!("$.\"{member}\"").replace('\'', "''");
        lines.push(format!("json_extract(body, '{path}') AS {}", quoted(&name)));
        names.push(name);
    }
    let user_script = format!(
        "CREATE TABLE output.{} AS\nSELECT\n    {}\nFROM input.{TABLE};\n",
        quoted(scope),
        lines.join(",\n    ")
    );
    let columns = names.into_iter().enumerate();
    let columns = columns.map(|(n, name)| Header { name, index: column_letters(n) }).collect();
    Template { user_script, headers: vec![ScopeHeaders { scope: scope.to_owned(), columns }] }
}

/// The name, with a number behind it until it is free. `_line` and `_table` are provenance.
fn free(name: &str, taken: &[String]) -> String {
    let is_taken = |name: &str| matches!(name, "_line" | "_table") || taken.iter().any(|other| other == name);
    if !is_taken(name) {
        return name.to_owned();
    }
    let numbered = |n: usize| format!("{name}_{n}");
    // One more candidate than there are names.
    (2..taken.len() + 4)
        .map(numbered)
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| numbered(taken.len() + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_selects_the_members_of_the_bodies() {
        let mut members = Members::default();
        for body in [
            r#"{"email": "a", "Full Name": 1, "body": {}}"#,
            r#"{"email": "b", "it's": 1, "order": 2, "full name": 3, "a;b": 4, "ü": 5}"#,
            "[1]",
            "\"text\"",
            "",
        ] {
            members.add(body);
        }
        let template = template("orders", &members);
        assert_eq!(
            template.user_script,
            "CREATE TABLE output.orders AS\nSELECT\n    rowid AS _line,\n    timestamp,\n    employee_id,\n    \
             querystring,\n    body,\n    json_extract(body, '$.\"email\"') AS email,\n    \
             json_extract(body, '$.\"Full Name\"') AS full_name,\n    json_extract(body, '$.\"body\"') AS body_2,\n    \
             json_extract(body, '$.\"it''s\"') AS it_s,\n    json_extract(body, '$.\"order\"') AS \"order\",\n    \
             json_extract(body, '$.\"full name\"') AS full_name_2,\n    json_extract(body, '$.\"ü\"') AS member\n\
             FROM input.webhooks;\n"
        );
        assert_eq!(template.headers[0].columns.len(), 11);
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        let table = |names: &[&str]| InputTable {
            name: "x.csv".to_owned(),
            file_id: None,
            database: "input".to_owned(),
            page_idx: 3,
            file_path: None,
            table_name: "x_csv".to_owned(),
            columns_mapping: names.iter().map(|name| column(name)).collect(),
        };
        let refusal = as_input(table(&["timestamp", "querystring", "body"])).unwrap_err();
        assert!(refusal.detail.contains("\"employee_id\""), "{refusal}");
        let made = as_input(table(&["body", "querystring", "employee_id", "timestamp", "more"])).unwrap();
        assert_eq!((made.table_name.as_str(), made.columns_mapping.len()), (RAW_TABLE, 4));
        let expected = expected(ConnectorType::Webhook, ConfigMetadata::default());
        assert_eq!(expected.input_tables[0].table_name, RAW_TABLE);
    }
}
