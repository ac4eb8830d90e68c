//! The full set of execution variables, made of what a caller sent and what is there.

use serde_json::Value as Json;

use super::{Connector, validate::unknown_id, written::WrittenVariable};
use crate::{
    error::{Code, Error, Result},
    id::VariableId,
    variable::{DataType, Locale, Parser, Variable, VariableKind},
};

/// The new set. A row that is sent back as it was read is not checked again: a column may be gone from
/// the script since, and clients send such rows before they drop them.
pub fn merged(saved: &Connector, sent: Vec<WrittenVariable>, locale: Locale) -> Result<Vec<Variable>> {
    let mut rows: Vec<Variable> = Vec::with_capacity(sent.len());
    for (n, row) in sent.into_iter().enumerate() {
        let path = format!("execution_variables[{n}]");
        let old = match row.id {
            None => None,
            Some(id) => Some(
                saved
                    .variables
                    .iter()
                    .find(|v| v.id == id && rows.iter().all(|row| row.id != id))
                    .ok_or_else(|| unknown_id(&format!("{path}.id")))?,
            ),
        };
        let variable = row.into_variable(n, &path)?;
        if old != Some(&variable) {
            check(saved, &variable, locale, &path)?;
        }
        let taken = rows.iter().any(|row| row.name == variable.name);
        if taken || old.is_none_or(|old| old.name != variable.name) && is_held(saved, &variable) {
            return Err(name_exists(&format!("{path}.name")));
        }
        rows.push(variable);
    }
    Ok(rows)
}

/// Whether another variable of the saved connector has the name. It counts even when its holder goes in
/// the same save, as in the reference.
pub(super) fn is_held(saved: &Connector, variable: &Variable) -> bool {
    let exposed = saved.loads.iter().filter_map(|step| step.execution_variable.as_ref());
    saved.variables.iter().chain(exposed).any(|held| held.name == variable.name && held.id != variable.id)
}

pub(super) fn name_exists(path: &str) -> Error {
    Error::new(Code::Unique, "An execution variable with this name already exists").at(path)
}

pub(super) fn scope_is_known(saved: &Connector, scope: &str, path: &str) -> Result<()> {
    match saved.headers_of(scope) {
        Some(_) => Ok(()),
        None => Err(Error::invalid(format!("Scope {scope} is not found in headers")).at(path)),
    }
}

fn check(saved: &Connector, variable: &Variable, locale: Locale, path: &str) -> Result<()> {
    if variable.kind != VariableKind::DataSource {
        return Err(Error::invalid(format!(
            "The variable {}: type related_object_upload is for the variable that a load step exposes; it belongs there.",
            variable.name
        ))
        .at(&format!("{path}.type")));
    }
    scope_is_known(saved, &variable.scope, &format!("{path}.scope"))?;
    match (&variable.data_source, &variable.value) {
        (None, None) => return Err(Error::required(&format!("{path}.data_source"))),
        (Some(_), Some(_)) => {
            return Err(Error::invalid(format!(
                "The variable {} has a data_source and a value; it takes one of them.",
                variable.name
            ))
            .at(&format!("{path}.value")));
        }
        (Some(column), None) => {
            let columns = saved.headers_of(&variable.scope).unwrap_or_default();
            if columns.iter().all(|header| header.name != *column) {
                return Err(Error::invalid(format!(
                    "The variable {}: data_source {column} is not a column of scope {}.",
                    variable.name, variable.scope
                ))
                .at(&format!("{path}.data_source")));
            }
        }
        (None, Some(_)) => {}
    }
    Parser::compile(variable, locale).map(|_| ()).map_err(|e| e.at(path))
}

/// Dates of which nobody said how they are written: worth a warning, not a refusal.
#[must_use]
pub fn guesses_dates(variable: &Variable) -> bool {
    let is_date = matches!(variable.data_type, DataType::Date | DataType::Datetime);
    is_date
        && variable.data_source.is_some()
        && variable.input_format.as_deref().is_none_or(|format| matches!(format, "" | "auto"))
}

impl WrittenVariable {
    /// The row as a variable; `n` is its place in the list.
    fn into_variable(self, n: usize, path: &str) -> Result<Variable> {
        let required = |key: &str| Error::required(&format!("{path}.{key}"));
        let name = self.name.filter(|name| !name.trim().is_empty()).ok_or_else(|| required("name"))?;
        let value = match self.value {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text),
            Some(value @ (Json::Number(_) | Json::Bool(_))) => Some(value.to_string()),
            Some(_) => {
                return Err(Error::invalid(format!(
                    "The variable {name}: value is a list or object; expected a text, number or boolean"
                ))
                .at(&format!("{path}.value")));
            }
        };
        Ok(Variable {
            id: self.id.unwrap_or_else(VariableId::new),
            name,
            data_type: self.data_type.ok_or_else(|| required("data_type"))?,
            scope: self.scope.ok_or_else(|| required("scope"))?,
            kind: self.kind.unwrap_or_default(),
            data_source: self.data_source,
            value,
            display_order: self.display_order.unwrap_or_else(|| i64::try_from(n).unwrap_or(i64::MAX)),
            required: self.required.unwrap_or_default(),
            is_array: self.is_array.unwrap_or_default(),
            array_delimiter: self.array_delimiter,
            input_format: self.input_format,
            output_format: self.output_format,
        })
    }

    /// The row as the variable that a step exposes. What it leaves out is the step's, or what `old` has.
    pub(super) fn into_exposed(self, scope: &str, old: Option<&Variable>, path: &str) -> Result<Variable> {
        let old = match self.id {
            None => None,
            Some(id) => {
                Some(old.filter(|old| old.id == id).ok_or_else(|| unknown_id(&format!("{path}.id")))?)
            }
        };
        let mut row = self;
        row.name = row.name.or_else(|| old.map(|old| old.name.clone()));
        row.scope = row.scope.or_else(|| Some(scope.to_owned()));
        row.data_type = row.data_type.or(Some(DataType::Uuid));
        let kind = row.kind.replace(VariableKind::RelatedObjectUpload);
        if kind == Some(VariableKind::DataSource) || row.data_source.is_some() {
            return Err(Error::invalid(
                "A load step exposes the id of its record; its variable reads no column: type is related_object_upload.",
            )
            .at(&format!("{path}.type")));
        }
        row.into_variable(0, path)
    }
}
