//! The files that other clients read and write too, as any of them writes them: what it puts beside the keys that
//! are known is its own.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value as Json};

use crate::script::{ColumnMapping, InputTable, SeedTable};

/// `__config.json`. Keys of other clients are left alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LocalConfig {
    /// The tables of `input`.
    #[serde(default, deserialize_with = "input_tables")]
    pub input_tables: Vec<InputTable>,
    /// The tables of `kizen`.
    #[serde(default, deserialize_with = "seed_tables")]
    pub seed_tables: Vec<SeedTable>,
    /// Always empty here.
    #[serde(default)]
    pub integration_secrets: Vec<Json>,
    /// Bound as `:name` in the script.
    #[serde(default)]
    pub sql_parameters: Map<String, Json>,
    /// Always empty here.
    #[serde(default)]
    pub integration_secret_filenames: Vec<Json>,
}

/// `.kizen-connector.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The connector.
    pub connector_id: String,
    /// Its name in paths.
    pub connector_api_name: String,
    /// Its label.
    pub connector_name: String,
    /// The script.
    pub script_id: String,
    /// `draft` or `live`.
    pub script_status: String,
    /// The profile of the client that made the package; a server has none.
    #[serde(default)]
    pub env: Option<String>,
    /// The workspace.
    #[serde(default)]
    pub business_id: Option<String>,
}

/// Those of `input`.
fn input_tables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<InputTable>, D::Error> {
    tables(deserializer, InputTable::KEYS)
}

/// Those of `kizen`.
fn seed_tables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SeedTable>, D::Error> {
    tables(deserializer, SeedTable::KEYS)
}

fn tables<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
    known: &[&str],
) -> Result<Vec<T>, D::Error> {
    let tables = Vec::<Map<String, Json>>::deserialize(deserializer)?;
    let read = |(n, mut table): (usize, Map<String, Json>)| {
        table.retain(|key, _| known.contains(&key.as_str()));
        for column in table.get_mut("columns_mapping").and_then(Json::as_array_mut).into_iter().flatten() {
            if let Json::Object(column) = column {
                column.retain(|key, _| ColumnMapping::KEYS.contains(&key.as_str()));
            }
        }
        serde_json::from_value(Json::Object(table)).map_err(|e| D::Error::custom(format!("[{n}]: {e}")))
    };
    tables.into_iter().enumerate().map(read).collect()
}
