//! `connector.json`: everything of a connector that no server's ids are needed for.
//!
//! Objects, fields, options and variables are called by their names, so that the same file describes
//! the connector in any workspace. An export is the same document with its script.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::portable::{NamedGroup, NamedScript};
use crate::{
    auth::webhook::SignatureRule,
    connector::{
        ConnectorType, Guard, InputOptions, NotificationFacts, Schedule,
        flow::{ArchiveMatch, Conflict, MultipleMatch, NoMatch, SingleMatch},
    },
    error::{Error, Result},
    id::VariableId,
    object::{Cardinality, FieldType},
    variable::{DataType, Variable, VariableKind},
};

/// The format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// `connector.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// 1: the format that this program writes and reads.
    #[schema(minimum = 1, maximum = 1)]
    pub format: u32,
    /// What surrounds the connector and shapes its values.
    pub workspace: WorkspaceFacts,
    /// The connector's settings.
    pub connector: ConnectorFacts,
    /// What the package's input is.
    #[serde(default)]
    pub input: Option<InputFile>,
    /// The variables, in display order.
    pub execution_variables: Vec<NamedVariable>,
    /// The load steps, in order.
    pub flow: Vec<NamedStep>,
    /// The seeds.
    pub seeds: Vec<NamedSeed>,
    /// The objects that the connector, its flow and its seeds use, with the fields used.
    pub objects: Vec<NamedObject>,
    /// The script; in a package it is a file of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<NamedScript>,
    /// What the seeds' filter groups say; a package has the records themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter_groups: Vec<NamedGroup>,
}

/// The workspace's settings that values depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceFacts {
    /// IANA name.
    pub timezone: String,
    /// Of money fields.
    pub currency: String,
    /// Of phone numbers without a country code.
    pub phone_region: String,
}

impl WorkspaceFacts {
    /// The time zone.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn zone(&self) -> Result<chrono_tz::Tz> {
        let unknown = || format!("connector.json: there is no time zone {:?}.", self.timezone);
        self.timezone.parse().map_err(|_| Error::invalid(unknown()))
    }
}

/// The connector's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorFacts {
    /// Names the package.
    pub api_name: String,
    /// The label.
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// What triggers it.
    pub connector_type: ConnectorType,
    /// The main object.
    pub custom_object: String,
    /// The script's engine.
    pub sql_version: String,
    /// Seconds between two runs, for the types that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadence: Option<u32>,
    /// Or the times of its runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How a webhook connector's senders sign. Their secrets never leave the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_signature: Option<SignatureRule>,
    /// Of which runs who is told; in a package nobody is. The secret never leaves the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_settings: Option<NotificationFacts>,
    /// Days that ended runs are kept; 0: for ever.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// Ended runs that are kept at most; 0: any number.
    #[serde(default)]
    pub retention_runs: Option<u32>,
    /// Bound as `:name` in the script.
    #[serde(default)]
    pub sql_parameters: Map<String, Json>,
    /// How the input file is read.
    #[serde(default)]
    pub input_options: InputOptions,
    /// Seconds for the script.
    #[serde(default)]
    pub timeout_s: Option<u32>,
    /// Runs at a time.
    #[serde(default)]
    pub max_concurrency: Option<u32>,
    /// Skip rows equal to rows that an earlier run loaded.
    #[serde(default)]
    pub diff_check_enabled: bool,
    /// What a live run is held by.
    #[serde(default)]
    pub guard: Option<Guard>,
}

/// The package's input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// The name as uploaded: what the script sees in `meta`.
    pub name: String,
    /// Where it is in the package.
    pub file_path: String,
}

/// A variable that reads a column or a literal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedVariable {
    /// Unique.
    pub name: String,
    /// The type.
    pub data_type: DataType,
    /// The output table.
    pub scope: String,
    /// The column read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source: Option<String>,
    /// The literal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// A blank value rejects the row.
    #[serde(default)]
    pub required: bool,
    /// The cell holds several values.
    #[serde(default)]
    pub is_array: bool,
    /// What separates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array_delimiter: Option<String>,
    /// How the text is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_format: Option<String>,
    /// How the value is written as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
}

impl From<&Variable> for NamedVariable {
    fn from(variable: &Variable) -> Self {
        Self {
            name: variable.name.clone(),
            data_type: variable.data_type,
            scope: variable.scope.clone(),
            data_source: variable.data_source.clone(),
            value: variable.value.clone(),
            required: variable.required,
            is_array: variable.is_array,
            array_delimiter: variable.array_delimiter.clone(),
            input_format: variable.input_format.clone(),
            output_format: variable.output_format.clone(),
        }
    }
}

impl NamedVariable {
    /// The variable with a fresh id, at this place of the list.
    #[must_use]
    pub fn to_variable(&self, display_order: i64) -> Variable {
        let Self { name, data_type, scope, data_source, value, required, .. } = self.clone();
        Variable {
            id: VariableId::new(),
            name,
            data_type,
            scope,
            kind: VariableKind::DataSource,
            data_source,
            value,
            display_order,
            required,
            is_array: self.is_array,
            array_delimiter: self.array_delimiter.clone(),
            input_format: self.input_format.clone(),
            output_format: self.output_format.clone(),
        }
    }
}

/// A load step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedStep {
    /// Position in the flow.
    pub order: i64,
    /// The object written to.
    pub custom_object: String,
    /// The output table read from.
    pub scope: String,
    /// Tried in order.
    pub matching_rules: Vec<NamedMatching>,
    /// What is written where.
    pub field_mapping_rules: Vec<NamedMapping>,
    /// The name of the variable that holds the id of the record that a row matched or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_variable: Option<String>,
    /// Kept and echoed; there are no automations here.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub automation_trigger_config: Json,
    /// Kept and echoed.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub newly_created_records_automations: Json,
    /// Kept and echoed.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub other_matches_records_automations: Json,
}

/// A matching rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedMatching {
    /// The field compared; absent when matching by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Compare the record's id instead of a field.
    #[serde(default)]
    pub is_match_by_kizen_id: bool,
    /// The variable compared with.
    pub variable: String,
    /// No candidate.
    #[serde(default)]
    pub no_match_action: NoMatch,
    /// Exactly one.
    #[serde(default)]
    pub single_match_action: SingleMatch,
    /// Several.
    #[serde(default)]
    pub multiple_match_action: MultipleMatch,
    /// Only archived ones.
    #[serde(default)]
    pub match_archive_action: ArchiveMatch,
}

/// A mapping rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedMapping {
    /// The field written.
    pub field: String,
    /// One variable, or several joined.
    pub variables: Vec<String>,
    /// Add unknown labels to the field's options.
    #[serde(default)]
    pub can_create_field_options: bool,
    /// What happens to a value that is there.
    #[serde(default)]
    pub conflict_resolution: Conflict,
    /// Of a relationship: the related object's field in which the value is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup_field: Option<String>,
}

/// A seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedSeed {
    /// The object.
    pub custom_object: String,
    /// The filter group; `None`: all live records.
    #[serde(default)]
    pub group: Option<String>,
    /// The fields exposed besides `kizen_id`.
    pub fields: Vec<String>,
}

/// An object with the fields used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedObject {
    /// The api name.
    pub name: String,
    /// The plural label.
    pub object_name: String,
    /// The singular label.
    pub entity_name: String,
    /// In display order.
    pub fields: Vec<NamedField>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedField {
    /// The api name.
    pub name: String,
    /// The label.
    pub display_name: String,
    /// The type.
    pub field_type: FieldType,
    /// Blank is refused.
    #[serde(default)]
    pub is_required: bool,
    /// Two live records can't share the value.
    #[serde(default)]
    pub is_unique: bool,
    /// Of a choice field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<NamedOption>,
    /// Of a relationship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<NamedRelation>,
}

/// An option of a choice field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedOption {
    /// The label.
    pub name: String,
    /// The code.
    pub code: String,
}

/// Where a relationship leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedRelation {
    /// The related object's api name.
    pub object: String,
    /// How many records this side holds.
    pub cardinality: Cardinality,
}
