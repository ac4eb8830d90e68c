//! The flow: load steps with their matching and mapping rules (meaning: `load`).

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::{
    id::{FieldId, LoadStepId, ObjectId, RuleId, VariableId},
    variable::Variable,
};

/// Writes one scope's rows into one object.
///
/// Serialised as the API reads and writes it: ids of objects, fields and variables are bare strings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoadStep {
    /// Identity; kept when the step is sent back with it.
    pub id: LoadStepId,
    /// The object written to.
    pub custom_object: ObjectId,
    /// The output table read from.
    pub scope: String,
    /// Always `csv_load`.
    #[serde(rename = "type")]
    pub kind: StepType,
    /// Position in the flow; unique.
    pub order: i64,
    /// Tried in `order`.
    pub matching_rules: Vec<MatchingRule>,
    /// What is written where.
    pub field_mapping_rules: Vec<MappingRule>,
    /// The variable that holds the id of the record that a row matched or created.
    pub execution_variable: Option<Variable>,
    /// Kept and echoed; there are no automations here.
    #[serde(default)]
    pub automation_trigger_config: Json,
    /// Kept and echoed.
    #[serde(default)]
    pub newly_created_records_automations: Json,
    /// Kept and echoed.
    #[serde(default)]
    pub other_matches_records_automations: Json,
}

/// The only kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepType {
    /// Rows of a scope into records.
    #[default]
    CsvLoad,
}

/// Compares a field, or the record's id, with a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatchingRule {
    /// Identity.
    pub id: RuleId,
    /// Position among the step's rules.
    pub order: i64,
    /// The field compared; absent when matching by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldId>,
    /// Compare the record's id instead of a field.
    #[serde(default)]
    pub is_match_by_kizen_id: bool,
    /// The variable compared with.
    pub variable: VariableId,
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

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
        // Not `rename = $word`: the document's derive does not see through the macro. A test compares the two.
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order that the metadata lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as the API spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    )+};
}

actions! {
    /// What to do when a rule finds no candidate. The first value is the default.
    NoMatch {
        /// Make a record.
        #[default]
        CreateNew = "create_new",
        /// Try the next rule over all records.
        NextRuleIgnorePrevious = "next_rule_ignore_previous",
        /// Skip the row.
        DoNotUpload = "do_not_upload",
    }
    /// What to do when a rule finds exactly one.
    SingleMatch {
        /// Update it.
        #[default]
        UpdateCurrent = "update_current",
        /// Try the next rule over this one.
        NextRule = "next_rule",
        /// Try the next rule over all records.
        NextRuleIgnorePrevious = "next_rule_ignore_previous",
        /// Skip the row.
        DoNotUpload = "do_not_upload",
    }
    /// What to do when a rule finds several.
    MultipleMatch {
        /// Skip the row, naming them.
        #[default]
        DoNotUpload = "do_not_upload",
        /// Try the next rule over these.
        NextRule = "next_rule",
        /// Try the next rule over all records.
        NextRuleIgnorePrevious = "next_rule_ignore_previous",
    }
    /// What to do when a rule finds archived records only.
    ArchiveMatch {
        /// Make a record beside the archived one.
        #[default]
        CreateNew = "create_new",
        /// Bring it back and update it.
        UnarchiveAndUpdate = "unarchive_and_update",
        /// Bring it back as it is.
        UnarchiveOnly = "unarchive_only",
        /// Try the next rule over these.
        NextRule = "next_rule",
        /// Try the next rule over all records.
        NextRuleIgnorePrevious = "next_rule_ignore_previous",
        /// Skip the row.
        DoNotUpload = "do_not_upload",
    }
    /// How a value that is already there is treated on update.
    Conflict {
        /// Write only where the field is blank.
        #[default]
        OnlyUpdateBlank = "only_update_blank",
        /// Write always; a blank clears the field.
        Overwrite = "overwrite",
        /// Write always, but a blank leaves the field.
        OverwriteExceptNull = "overwrite_except_null",
        /// Many-valued fields: add, never remove.
        OnlyAddOptions = "only_add_options",
    }
}

/// Writes variables into a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MappingRule {
    /// Identity.
    pub id: RuleId,
    /// The field written.
    pub field: FieldId,
    /// One, or several joined with one space, blanks left out.
    pub variables: Vec<VariableId>,
    /// Add unknown labels to the field's options.
    #[serde(default)]
    pub can_create_field_options: bool,
    /// Position in lists.
    #[serde(default)]
    pub display_order: i64,
    /// What happens to a value that is there.
    #[serde(default)]
    pub conflict_resolution: Conflict,
    /// Of a relationship: the related object's field in which the value is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup_field: Option<FieldId>,
}
