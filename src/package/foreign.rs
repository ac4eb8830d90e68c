//! The tables of `__config.json` as any client writes them: what it puts beside the keys that are known is its own.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value as Json};

use crate::script::{ColumnMapping, InputTable, SeedTable};

/// Those of `input`.
pub fn input_tables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<InputTable>, D::Error> {
    tables(deserializer, InputTable::KEYS)
}

/// Those of `kizen`.
pub fn seed_tables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SeedTable>, D::Error> {
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
