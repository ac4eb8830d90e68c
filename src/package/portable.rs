//! What an export has besides a package's `connector.json`: the script, and what filter groups say.
//!
//! A group's clauses call fields by api name and options by label, which every search understands. Ids of
//! records, members and executions stand for nothing on another server: a clause that has one is carried
//! as it is, and an import that would have to make the group refuses it.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use crate::{
    id::FieldId,
    object::{Field, FieldType, Object, filter::FilterGroup},
    script::{InputTable, ScopeHeaders, Script, ScriptStatus, SeedTable},
};

/// The script and what it expects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedScript {
    /// The SQL.
    pub user_script: String,
    /// Whether it was published: then an import publishes it too.
    pub is_live: bool,
    /// The tables of `input`.
    #[serde(default)]
    pub input_tables: Vec<InputTable>,
    /// The tables of `kizen`.
    #[serde(default)]
    pub seed_tables: Vec<SeedTable>,
    /// Per scope the columns that the flow was configured with.
    pub headers: Vec<ScopeHeaders>,
}

impl NamedScript {
    /// A script without the files that it was made for.
    #[must_use]
    pub fn new(script: Script, headers: Vec<ScopeHeaders>) -> Self {
        let mut input_tables = script.config_metadata.input_tables;
        for table in &mut input_tables {
            (table.file_id, table.file_path) = (None, None);
        }
        Self {
            user_script: script.user_script,
            is_live: script.status == ScriptStatus::Live,
            input_tables,
            seed_tables: script.config_metadata.seed_tables,
            headers,
        }
    }
}

/// A filter group of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedGroup {
    /// The object.
    pub custom_object: String,
    /// The group.
    pub name: String,
    /// All of `query` must hold; else one is enough.
    pub and: bool,
    /// Groups of clauses, as a search has them.
    pub query: Json,
}

impl NamedGroup {
    /// The group by names.
    #[must_use]
    pub fn new(object: &Object, group: &FilterGroup) -> Self {
        let mut query = group.query.clone();
        clauses(&mut query).for_each(|clause| by_names(object, clause));
        Self { custom_object: object.name.clone(), name: group.name.clone(), and: group.and, query }
    }

    /// The first clause that means a record, a member or an execution by its id: what it looks at.
    #[must_use]
    pub fn bound_to_its_server(&self, object: &Object) -> Option<String> {
        let mut query = self.query.clone();
        clauses(&mut query).find_map(|clause| {
            let name = clause["field"].as_str()?;
            let kind = field_of(object, name).map(|field| field.field_type);
            let has_ids = match kind {
                Some(kind) => matches!(kind, FieldType::Relationship | FieldType::TeamSelector),
                None => name.ends_with("_by_execution"),
            };
            (has_ids && clause["condition"] != "is_blank").then(|| name.to_owned())
        })
    }
}

/// The fields that a group looks at.
#[must_use]
pub fn fields(object: &Object, group: &FilterGroup) -> Vec<FieldId> {
    let mut query = group.query.clone();
    clauses(&mut query).filter_map(|clause| Some(field_of(object, clause["field"].as_str()?)?.id)).collect()
}

fn clauses(query: &mut Json) -> impl Iterator<Item = &mut Json> {
    let groups = query.as_array_mut().into_iter().flatten();
    groups.flat_map(|group| group.get_mut("filters").and_then(Json::as_array_mut).into_iter().flatten())
}

/// The field that a clause names, by api name or as `"custom"::<id>`.
fn field_of<'o>(object: &'o Object, name: &str) -> Option<&'o Field> {
    match name.strip_prefix("\"custom\"::") {
        Some(id) => object.field(id.parse().ok()?),
        None => object.field_named(name),
    }
}

fn by_names(object: &Object, clause: &mut Json) {
    let Some(field) = clause["field"].as_str().and_then(|name| field_of(object, name)) else { return };
    clause["type"] = "fields".into();
    clause["subtype"] = "non_custom".into();
    clause["field"] = field.name.clone().into();
    if !field.options.is_empty()
        && let Some(value) = clause.get_mut("value")
    {
        match value {
            Json::Array(items) => items.iter_mut().for_each(|item| label(field, item)),
            value => label(field, value),
        }
    }
}

/// An option's id, or the object that has it, becomes its label.
fn label(field: &Field, value: &mut Json) {
    let id = value.get("id").unwrap_or(value).as_str();
    let option = id.and_then(|id| field.options.iter().find(|option| option.id.to_string() == id));
    if let Some(option) = option {
        *value = json!(option.name);
    }
}
