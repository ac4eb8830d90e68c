//! Checks of a connector's own settings, and of what it needs before it may be activated. The full sets
//! have their checks where they are made: [`super::variables`], [`super::steps`], [`super::seed`].

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{Connector, ConnectorType, Status, rules::Flow};
use crate::{
    error::{Error, Result},
    object::{Object, is_api_name},
};

/// The sentence for ids in a body that did not resolve, as existing clients know it.
const UNKNOWN_ID: &str = "Invalid pk - object does not exist.";
/// Words that paths use.
const RESERVED: [&str; 2] = ["metadata", "import"];
/// Longest name, in characters.
const MAX_NAME: usize = 255;

/// The refusal of an id that did not resolve, at its place in the body.
pub fn unknown_id(path: &str) -> Error {
    Error::does_not_exist(UNKNOWN_ID).at(path)
}

/// The type, when this server has it.
pub fn connector_type(word: &str) -> Result<ConnectorType> {
    ConnectorType::parse(word).ok_or_else(|| {
        Error::invalid(format!("connector_type {word:?} is not available on this server"))
            .at("connector_type")
    })
}

/// The name, trimmed.
pub fn name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("name: control characters are not kept").at("name"));
    }
    match name.chars().count() {
        0 => Err(Error::required("name")),
        1..=MAX_NAME => Ok(name.to_owned()),
        n => {
            Err(Error::invalid(format!("name: found {n} characters, expected at most {MAX_NAME}")).at("name"))
        }
    }
}

/// Whether a connector may have this api name: paths take ids and api names alike.
#[must_use]
pub fn is_free_for_paths(name: &str) -> bool {
    is_api_name(name) && !RESERVED.contains(&name) && Uuid::parse_str(name).is_err()
}

/// An api name that a caller chose.
pub fn api_name(name: &str) -> Result<()> {
    if is_free_for_paths(name) {
        return Ok(());
    }
    let expected =
        "a lower case letter or _, then letters, digits or _, at most 63, no UUID, not metadata or import";
    Err(Error::invalid(format!("api_name: found {name:?}, expected {expected}")).at("api_name"))
}

/// The status that a caller may set.
pub fn status(word: &str) -> Result<Status> {
    match Status::parse(word) {
        Some(status @ (Status::Operational | Status::Inactive)) => Ok(status),
        _ => Err(Error::invalid("Status can only be set to 'Operational' or 'Inactive' on an update.")
            .at("status")),
    }
}

/// Parameters are bound as `:name`; a value is one SQL value.
pub fn sql_parameters(parameters: &Map<String, Json>) -> Result<()> {
    for (name, value) in parameters {
        let path = format!("sql_parameters.{name}");
        let mut bytes = name.bytes();
        let is_name = bytes.next().is_some_and(|b| b == b'_' || b.is_ascii_alphabetic())
            && bytes.all(|b| b == b'_' || b.is_ascii_alphanumeric());
        if !is_name {
            return Err(Error::invalid(format!(
                "sql_parameters: {name:?} is no parameter name; expected a letter or _, then letters, digits or _"
            ))
            .at("sql_parameters"));
        }
        if value.is_object() || value.is_array() {
            return Err(Error::invalid(format!("{path}: expected a text, number, boolean or null")).at(&path));
        }
    }
    Ok(())
}

/// The connector's time limit lowers the server's.
pub fn timeout(seconds: u32, at_most: u32) -> Result<()> {
    if (1..=at_most).contains(&seconds) {
        return Ok(());
    }
    let found = format!("timeout_s: found {seconds}, expected 1 to {at_most} (engine.timeout_s)");
    Err(Error::invalid(found).at("timeout_s"))
}

/// Secrets are the reference product's; scripts reach nothing outside here.
pub fn integration_secrets(secrets: &[Json]) -> Result<()> {
    if secrets.is_empty() {
        return Ok(());
    }
    Err(Error::invalid("integration secrets are not available on this server").at("integration_secrets"))
}

/// What a connector needs before live runs may start. `objects` are those that its steps write to and
/// those related to them.
pub fn can_activate(connector: &Connector, objects: &[Object]) -> Result<()> {
    if connector.variables.is_empty() {
        return Err(Error::invalid("Can't activate the SmartConnector flow without execution variables.")
            .at("status"));
    }
    let complete = connector.loads.iter().all(|step| {
        let label = objects.iter().find(|o| o.id == step.custom_object).and_then(Object::label_field);
        !step.matching_rules.is_empty()
            && label.is_some_and(|label| step.field_mapping_rules.iter().any(|rule| rule.field == label.id))
    });
    if connector.loads.is_empty() || !complete {
        return Err(Error::invalid(
            "Can't activate the SmartConnector flow without fully configuring each load step.",
        )
        .at("status"));
    }
    // Saved sets were checked as they were saved; objects and variables may have changed since.
    Flow { steps: &connector.loads, variables: &connector.variables, objects }.check()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_paths_could_take_for_something_else_are_refused() {
        for bad in ["metadata", "import", "Orders", "", "0123456789abcdef0123456789abcdef", "a-b"] {
            assert!(api_name(bad).is_err(), "{bad}");
        }
        // A UUID without hyphens that begins with a letter is an api name to the eye only.
        assert!(api_name("a123456789abcdef0123456789abcdef").is_err());
        assert_eq!(api_name("orders_2026"), Ok(()));
    }

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(name("  Orders ").unwrap(), "Orders");
        assert_eq!(name(" \t").unwrap_err().code, crate::error::Code::Required);
        assert!(name(&"ä".repeat(255)).is_ok());
        assert!(name(&"ä".repeat(256)).is_err());
    }

    #[test]
    fn parameters_are_names_with_one_value_each() {
        let check = |value: Json| sql_parameters(value.as_object().unwrap());
        assert_eq!(check(json!({"min_total": 1.5, "_x": null, "flag": true, "t": "a"})), Ok(()));
        assert!(check(json!({"2x": 1})).unwrap_err().detail.contains("2x"));
        assert_eq!(check(json!({"x": [1]})).unwrap_err().fields[0].path, "sql_parameters.x");
    }
}
