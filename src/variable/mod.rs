//! Execution variables: a typed, named value read from one column of one scope, or a literal.

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How the text is read; `None`: the type's default.
    #[serde(default)]
    pub input_format: Option<String>,
    /// How the value is written as text; `None`: the type's default.
    #[serde(default)]
    pub output_format: Option<String>,
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
    /// `datetime`.
    Datetime(DateTime<Utc>),
    /// `number`.
    Number(Decimal),
    /// `uuid`, and the record ids that load steps expose.
    Uuid(Uuid),
}
