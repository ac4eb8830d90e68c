//! A connector as callers write it: every key optional, and the rows of its full sets.
//!
//! A variable, load step or seed with an `id` is the row that has it, one without is new, and one left
//! out goes. A row is sent whole, so what it leaves out gets its default, with three exceptions, which
//! keep what is there: a step's rules, its exposed variable and its automations, and a seed's fields.
//!
//! Rows are accepted as they were read. So the keys that only answers have (`stats`, a seed's `group`, a
//! suggestion's `note`) are known here and ignored; any other unknown key is refused by name.

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    ConnectorType, Guard, InputOptions,
    flow::{ArchiveMatch, Conflict, MultipleMatch, NoMatch, SingleMatch, StepType},
    notification::WrittenNotificationSettings,
    schedule::Schedule,
    webhook::WrittenWebhookSettings,
};
use crate::{
    id::{FieldId, FileId, FilterGroupId, LoadStepId, ObjectId, RuleId, SeedId, VariableId},
    object::design::Label,
    variable::{DataType, VariableKind},
};

/// Tells a key that is null from one that is left out.
#[expect(clippy::option_option, reason = "null and left out mean different things here")]
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What a connector is made of.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnector {
    /// The label; unique without regard to case.
    #[schema(required, nullable = false, value_type = Label)]
    pub name: Option<String>,
    /// Id or api name of its main object.
    #[schema(required, nullable = false)]
    pub custom_object: Option<String>,
    /// What triggers it.
    #[schema(required, nullable = false, value_type = ConnectorType)]
    pub connector_type: Option<String>,
    /// The name in paths; left out: made of the name.
    #[schema(pattern = "^[a-z_][a-z0-9_]{0,62}$")]
    pub api_name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The script's engine, one of the metadata's.
    #[schema(pattern = r"^(sqlite-3|1\.3\.x|3\.1\.x|3\.4\.x|3\.6\.x|4\.1\.x)$")]
    pub sql_version: Option<String>,
    /// Parameter name to scalar.
    pub sql_parameters: Option<Map<String, Json>>,
    /// Runs at a time; 0: nothing starts.
    pub max_concurrency: Option<u32>,
    /// How the input file is read.
    pub input_options: Option<InputOptions>,
    /// Seconds for the script, at most `engine.timeout_s`.
    pub timeout_s: Option<u32>,
    /// Of a schedule connector: seconds between two runs, one of the metadata's choices. Of a webhook
    /// connector: seconds that requests collect, 60 when left out.
    pub cadence: Option<u32>,
    /// Or the times of its runs.
    pub schedule: Option<Schedule>,
    /// Of a webhook connector: who may send without a key.
    pub webhook_settings: Option<WrittenWebhookSettings>,
    /// Of which runs who is told.
    pub notification_settings: Option<WrittenNotificationSettings>,
    /// Always empty.
    pub integration_secrets: Option<Vec<Json>>,
    /// Days that ended runs are kept with their files; 0: for ever.
    pub retention_days: Option<u32>,
    /// Ended runs that are kept at most; 0: any number. The last successful one always stays.
    pub retention_runs: Option<u32>,
    /// Skip rows equal to rows that an earlier run loaded.
    pub diff_check_enabled: Option<bool>,
    /// Holds a run whose dry run goes over a limit.
    pub guard: Option<Guard>,
    /// Of other connector types: known here so that the refusal is about the type.
    #[schema(ignore)]
    pub activity_object: Option<Json>,
}

/// What of a connector changes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorPatch {
    /// The label; unique without regard to case.
    #[schema(value_type = Option<Label>)]
    pub name: Option<String>,
    /// The name in paths.
    #[schema(pattern = "^[a-z_][a-z0-9_]{0,62}$")]
    pub api_name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// `operational` or `inactive`.
    #[schema(pattern = "^(operational|inactive)$")]
    pub status: Option<String>,
    /// With `status`: cancels the live runs that wait.
    pub cancel_queued: Option<bool>,
    /// Of a schedule connector: seconds between two runs; it takes the place of `schedule`. Of a webhook
    /// connector: seconds that requests collect; null: 60.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    pub cadence: Option<Option<u32>>,
    /// Of a schedule connector: the times of its runs. They take the place of `cadence`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Schedule>)]
    pub schedule: Option<Option<Schedule>>,
    /// Of a webhook connector: who may send without a key.
    pub webhook_settings: Option<WrittenWebhookSettings>,
    /// Of which runs who is told.
    pub notification_settings: Option<WrittenNotificationSettings>,
    /// The reference file. The draft's input tables are made of it at once.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<FileId>)]
    pub source_file_id: Option<Option<FileId>>,
    /// All variables but the exposed ones.
    pub execution_variables: Option<Vec<WrittenVariable>>,
    /// All load steps.
    pub flow: Option<WrittenFlow>,
    /// All seeds.
    pub kizen_data_seeds: Option<Vec<WrittenSeed>>,
    /// Parameter name to scalar.
    pub sql_parameters: Option<Map<String, Json>>,
    /// Always empty.
    pub integration_secrets: Option<Vec<Json>>,
    /// Runs at a time; 0: nothing starts.
    pub max_concurrency: Option<u32>,
    /// Days that ended runs are kept with their files; 0: for ever.
    pub retention_days: Option<u32>,
    /// Ended runs that are kept at most; 0: any number. The last successful one always stays.
    pub retention_runs: Option<u32>,
    /// How the input file is read.
    pub input_options: Option<InputOptions>,
    /// Seconds for the script, at most `engine.timeout_s`; null: that.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    pub timeout_s: Option<Option<u32>>,
    /// Skip rows equal to rows that an earlier run loaded. It compares with what this connector loaded, not
    /// with the records: edits made by hand are not undone for rows that did not change.
    pub diff_check_enabled: Option<bool>,
    /// Holds a live run whose dry run goes over a limit; null: off.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Guard>)]
    pub guard: Option<Option<Guard>>,
}

/// An execution variable, also the one that a load step exposes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenVariable {
    /// Of a row that is there.
    pub id: Option<VariableId>,
    /// Unique over all variables, the exposed ones too.
    #[schema(required, nullable = false)]
    pub name: Option<String>,
    /// The type.
    #[schema(required, nullable = false)]
    pub data_type: Option<DataType>,
    /// The output table.
    #[schema(required, nullable = false)]
    pub scope: Option<String>,
    /// `data_source`; of an exposed one `related_object_upload`.
    #[serde(rename = "type")]
    pub kind: Option<VariableKind>,
    /// The column read.
    pub data_source: Option<String>,
    /// Or a literal: text, number or boolean.
    pub value: Option<Json>,
    /// Position in lists.
    pub display_order: Option<i64>,
    /// A blank value rejects the row.
    pub required: Option<bool>,
    /// The cell holds several values.
    pub is_array: Option<bool>,
    /// What separates them.
    pub array_delimiter: Option<String>,
    /// How the text is read.
    pub input_format: Option<String>,
    /// How the value is written.
    pub output_format: Option<String>,
    /// Ignored.
    #[schema(ignore)]
    pub stats: Ignored,
    /// Ignored.
    #[schema(ignore)]
    pub confidence: Ignored,
    /// Ignored.
    #[schema(ignore)]
    pub sample_values: Ignored,
    /// Ignored.
    #[schema(ignore)]
    pub note: Ignored,
    /// Ignored.
    #[schema(ignore)]
    pub rows_read: Ignored,
}

/// A key that only answers have.
pub type Ignored = Option<IgnoredAny>;

/// The flow.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenFlow {
    /// Always empty.
    #[serde(default)]
    pub additional_variables: Vec<Json>,
    /// Always empty.
    #[serde(default)]
    pub transformations: Vec<Json>,
    /// All load steps; left out: they stay.
    pub loads: Option<Vec<WrittenStep>>,
}

/// A load step.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenStep {
    /// Of a step that is there.
    pub id: Option<LoadStepId>,
    /// The object written to.
    #[schema(required, nullable = false)]
    pub custom_object: Option<ObjectId>,
    /// The output table read from.
    #[schema(required, nullable = false)]
    pub scope: Option<String>,
    /// Always `csv_load`.
    #[serde(rename = "type")]
    pub kind: Option<StepType>,
    /// Position in the flow; unique.
    #[schema(required, nullable = false)]
    pub order: Option<i64>,
    /// All of the step's matching rules.
    pub matching_rules: Option<Vec<WrittenMatching>>,
    /// All of the step's mapping rules.
    pub field_mapping_rules: Option<Vec<WrittenMapping>>,
    /// The variable that holds the id of the record that a row matched or created; null: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<WrittenVariable>)]
    pub execution_variable: Option<Option<WrittenVariable>>,
    /// Kept and echoed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Json)]
    pub automation_trigger_config: Option<Option<Json>>,
    /// Kept and echoed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Json)]
    pub newly_created_records_automations: Option<Option<Json>>,
    /// Kept and echoed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Json)]
    pub other_matches_records_automations: Option<Option<Json>>,
    /// Ignored.
    #[schema(ignore)]
    pub stats: Ignored,
}

/// A matching rule.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenMatching {
    /// Of a rule that is there.
    pub id: Option<RuleId>,
    /// Position among the step's rules; left out: its place in the list.
    pub order: Option<i64>,
    /// The field compared.
    pub field: Option<FieldId>,
    /// Or the record's id.
    pub is_match_by_kizen_id: Option<bool>,
    /// The variable compared with.
    #[schema(required, nullable = false)]
    pub variable: Option<VariableId>,
    /// No candidate.
    pub no_match_action: Option<NoMatch>,
    /// Exactly one.
    pub single_match_action: Option<SingleMatch>,
    /// Several.
    pub multiple_match_action: Option<MultipleMatch>,
    /// Only archived ones.
    pub match_archive_action: Option<ArchiveMatch>,
    /// Ignored.
    #[schema(ignore)]
    pub stats: Ignored,
}

/// A mapping rule.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenMapping {
    /// Of a rule that is there.
    pub id: Option<RuleId>,
    /// The field written.
    #[schema(required, nullable = false)]
    pub field: Option<FieldId>,
    /// One, or several joined with one space.
    #[schema(required, nullable = false)]
    pub variables: Option<Vec<VariableId>>,
    /// Add unknown labels to the field's options.
    pub can_create_field_options: Option<bool>,
    /// Position in lists; left out: its place in the list.
    pub display_order: Option<i64>,
    /// What happens to a value that is there.
    pub conflict_resolution: Option<Conflict>,
    /// Of a relationship: the related object's field in which the value is looked up.
    pub lookup_field: Option<FieldId>,
    /// Ignored.
    #[schema(ignore)]
    pub stats: Ignored,
}

/// A seed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenSeed {
    /// Of a seed that is there.
    pub id: Option<SeedId>,
    /// The object; one seed each.
    #[schema(required, nullable = false)]
    pub custom_object_id: Option<ObjectId>,
    /// Which of its records; null: all.
    pub group_id: Option<FilterGroupId>,
    /// The fields exposed besides `kizen_id`; left out: none of a new seed, those of one that is there.
    pub fields_ids: Option<Vec<FieldId>>,
    /// Ignored.
    #[schema(ignore)]
    pub custom_object: Ignored,
    /// Ignored.
    #[schema(ignore)]
    pub group: Ignored,
    /// Ignored.
    #[schema(ignore)]
    pub stats: Ignored,
}
