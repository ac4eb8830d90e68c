//! `config_metadata`: which tables a script expects, and how their columns are read.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::{
    id::FileId,
    object::{Field, Object},
};

/// The inputs and seeds that a script expects. Unknown keys beside the tables are kept; in a table or column they are
/// refused, since they would be lost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct ConfigMetadata {
    /// The tables of `input`, in order of `page_idx`.
    #[serde(default)]
    pub input_tables: Vec<InputTable>,
    /// The tables of `kizen`.
    #[serde(default)]
    pub seed_tables: Vec<SeedTable>,
    /// What the last trigger was (16 keys of `meta.current_execution`, each optional).
    #[serde(default)]
    #[schema(value_type = Object)]
    pub triggered: Map<String, Json>,
    /// Keys of other servers.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ConfigMetadata {
    /// The file that the last sample read, when its start named one.
    #[must_use]
    pub fn fileupload_file_id(&self) -> Option<FileId> {
        self.triggered.get("fileupload_file_id").and_then(Json::as_str).and_then(|id| id.parse().ok())
    }

    /// Notes the file that the next sample reads.
    pub fn stamp(&mut self, file: FileId, name: &str, size: u64) {
        self.triggered.insert("fileupload_file_id".to_owned(), file.to_string().into());
        self.triggered.insert("fileupload_file_name".to_owned(), name.into());
        self.triggered.insert("fileupload_file_size_bytes".to_owned(), size.into());
    }
}

/// One table of `input`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InputTable {
    /// The file, sheet or member that it came from.
    pub name: String,
    /// The file.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub file_id: Option<FileId>,
    /// Always `input`.
    #[serde(default = "input_database")]
    pub database: String,
    /// Position among the file's tables.
    #[serde(default)]
    pub page_idx: u32,
    /// In a dev package: where the file is.
    #[serde(default)]
    pub file_path: Option<String>,
    /// The table's name in `input`.
    pub table_name: String,
    /// Its columns.
    #[serde(default)]
    pub columns_mapping: Vec<ColumnMapping>,
}

impl InputTable {
    /// What is known of one.
    pub const KEYS: &[&str] =
        &["name", "file_id", "database", "page_idx", "file_path", "table_name", "columns_mapping"];

    /// That of a file which the server itself writes when `trigger` fires.
    #[must_use]
    pub fn of_trigger(trigger: &str, columns_mapping: Vec<ColumnMapping>) -> Self {
        Self {
            name: format!("{trigger}.csv"),
            file_id: None,
            database: input_database(),
            page_idx: 0,
            file_path: None,
            table_name: String::new(),
            columns_mapping,
        }
    }
}

fn input_database() -> String {
    "input".to_owned()
}

/// One table of `kizen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedTable {
    /// The CSV's name in a dev package.
    pub name: String,
    /// Always `kizen`.
    #[serde(default = "seed_database")]
    pub database: String,
    /// The object's api name.
    pub table_name: String,
    /// `kizen_id` and the chosen fields.
    #[serde(default)]
    pub columns_mapping: Vec<ColumnMapping>,
}

impl SeedTable {
    /// What is known of one.
    pub const KEYS: &[&str] = &["name", "database", "table_name", "columns_mapping"];

    /// The table that a script sees of these fields of `object`. The columns beside options and related
    /// records (`<field>__id`) are there too, and not listed.
    #[must_use]
    pub fn of(object: &Object, fields: &[&Field]) -> Self {
        let column = |col: &str, kind| ColumnMapping { col: col.to_owned(), kind, original: None };
        let chosen = fields.iter().map(|field| {
            column(&field.name, if field.is_many() { ColumnType::ArrayString } else { ColumnType::Str })
        });
        Self {
            name: format!("{}.csv", object.name),
            database: seed_database(),
            table_name: object.name.clone(),
            columns_mapping: std::iter::once(column("kizen_id", ColumnType::Str)).chain(chosen).collect(),
        }
    }
}

fn seed_database() -> String {
    "kizen".to_owned()
}

/// One column and how its cells are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnMapping {
    /// The normalised name.
    pub col: String,
    /// The type that the reader converts to.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// The header as it stood in the file, when normalising changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
}

impl ColumnMapping {
    /// What is known of one.
    pub const KEYS: &[&str] = &["col", "type", "original"];
}

/// What the reader converts a cell to; a cell that does not convert becomes NULL with a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// As it stands.
    #[default]
    Str,
    /// A 64 bit integer.
    Int,
    /// A float.
    Float,
    /// 0 or 1.
    Bool,
    /// An ISO date.
    Date,
    /// An ISO date and time.
    Datetime,
    /// A lower case UUID.
    Uuid,
    /// JSON text.
    Json,
    /// A JSON array of the comma separated items.
    #[serde(rename = "array[string]")]
    ArrayString,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(value: &impl Serialize) -> Vec<String> {
        let json = serde_json::to_value(value).unwrap();
        json.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_known_keys_are_those_that_are_written() {
        let column = ColumnMapping { col: "a".into(), kind: ColumnType::Str, original: Some("A".into()) };
        let sorted = |keys: &[&str]| {
            let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            keys.sort();
            keys
        };
        let mut written = keys(&column);
        written.sort();
        assert_eq!(written, sorted(ColumnMapping::KEYS));
        let mut written = keys(&InputTable::of_trigger("x", vec![column.clone()]));
        written.sort();
        assert_eq!(written, sorted(InputTable::KEYS));
        let seed = SeedTable {
            name: "x.csv".into(),
            database: seed_database(),
            table_name: "x".into(),
            columns_mapping: vec![column],
        };
        let mut written = keys(&seed);
        written.sort();
        assert_eq!(written, sorted(SeedTable::KEYS));
    }
}
