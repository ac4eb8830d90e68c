//! Execution variables: a typed, named value read from one column of one scope, or a literal.
//!
//! A [`Variable`] is what the API reads and writes. A run compiles each one, once, into a [`Parser`],
//! which turns a cell into a [`Value`] or says in a [`Fault`] why the cell does not fit. Nothing is
//! guessed: type and formats are declared. The `auto` formats of dates read the whole column first
//! ([`AutoDate`]); those of numbers, booleans and phone numbers look at the one cell only.
//!
//! The same parsers serve record writes through the API and the `parse_*` functions of SQL (each file
//! has its `parse_…`), and the [`Suggester`], the only place where guessing is allowed. The enums in
//! [`mod@format`] are both what is checked and what the metadata catalogue prints.

pub mod api_time;
pub mod array;
mod auto;
pub mod boolean;
mod compile;
pub mod date;
pub mod email;
pub mod fault;
pub mod format;
pub mod number;
mod numbering;
mod parser;
mod pattern;
pub mod phone;
mod scanner;
mod suggest;

pub use auto::AutoDate;
pub use fault::{Fault, FaultCode, Warning, cut};
pub use parser::{Locale, Parsed, Parser, parse_uuid};
pub use pattern::{Pattern, output_items};
pub use suggest::{Suggester, Suggestion};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::id::VariableId;

/// The type of a variable. The words are the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// Byte-identical text.
    String,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// A moment.
    Datetime,
    /// An e-mail address.
    Email,
    /// An exact decimal.
    Number,
    /// A phone number.
    PhoneNumber,
    /// A UUID.
    Uuid,
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    /// A column of the scope, or a literal.
    #[default]
    DataSource,
    /// The id of the record that a load step matched or created.
    RelatedObjectUpload,
}

/// One execution variable, as the API reads and writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Variable {
    /// Identity; kept when the row is sent back with it.
    pub id: VariableId,
    /// Unique over the connector's variables and the steps' exposed ones.
    pub name: String,
    /// The type.
    pub data_type: DataType,
    /// The output table.
    pub scope: String,
    /// Where the value comes from.
    #[serde(rename = "type", default)]
    pub kind: VariableKind,
    /// The column read; `None`: `value` is the literal (or a step exposes it).
    #[serde(default)]
    pub data_source: Option<String>,
    /// The literal.
    #[serde(default)]
    pub value: Option<String>,
    /// Position in lists.
    #[serde(default)]
    pub display_order: i64,
    /// A blank value rejects the row.
    #[serde(default)]
    pub required: bool,
    /// The cell holds several values.
    #[serde(default)]
    pub is_array: bool,
    /// What separates them; see [`array::Delimiter`].
    #[serde(default)]
    pub array_delimiter: Option<String>,
    /// How the text is read; `None`: the type's default.
    #[serde(default)]
    pub input_format: Option<String>,
    /// How the value is written as text; `None`: the type's default.
    #[serde(default)]
    pub output_format: Option<String>,
}

impl Variable {
    /// Whether its column holds days as workbooks count them: from 1899-12-30, or from 1904-01-01.
    #[must_use]
    pub fn reads_days_of_workbooks(&self) -> bool {
        self.data_source.is_some() && self.input_format.as_deref() == Some(date::EXCEL_EPOCH)
    }
}

/// A typed value. Which type it has is its variable's: e-mail and phone are `Text` in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Blank.
    Null,
    /// `string`, `email` (domain lower-cased) and `phone_number` (E.164).
    Text(String),
    /// `boolean`.
    Boolean(bool),
    /// `date`.
    Date(NaiveDate),
    /// `datetime`, whole microseconds.
    Datetime(DateTime<Utc>),
    /// `number`.
    Number(Decimal),
    /// `uuid`, and the record ids that load steps expose.
    Uuid(Uuid),
    /// Several values of an array variable, blank items left out; never empty (that is `Null`).
    List(Vec<Self>),
}

impl Variable {
    /// A new one that reads a column, by its type's defaults.
    pub fn reading(name: &str, data_type: DataType, scope: &str, column: &str) -> Self {
        Self {
            id: VariableId::new(),
            name: name.to_owned(),
            data_type,
            scope: scope.to_owned(),
            kind: VariableKind::DataSource,
            data_source: Some(column.to_owned()),
            value: None,
            display_order: 0,
            required: false,
            is_array: false,
            array_delimiter: None,
            input_format: None,
            output_format: None,
        }
    }

    /// A new one that a load step over this scope exposes.
    pub fn exposed(name: &str, scope: &str) -> Self {
        Self {
            kind: VariableKind::RelatedObjectUpload,
            data_source: None,
            ..Self::reading(name, DataType::Uuid, scope, "")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A variable that reads the column `c` of the scope `s`.
    pub(super) fn variable(data_type: DataType, input_format: Option<&str>) -> Variable {
        Variable {
            input_format: input_format.map(str::to_owned),
            ..Variable::reading("v", data_type, "s", "c")
        }
    }
}
