//! What became of rows: the counters of a load step and the outcomes kept per row.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Stage;
use crate::variable::{Fault, Variable, Warning, cut};

/// Counters of one load step, or of a run. Unit: rows of a scope, each counted once per step.
///
/// `rows` = `created + updated + unchanged + skipped + errors + not_processed`, always; warnings are
/// counted beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Counters {
    /// Rows in scope.
    pub rows: u64,
    /// Made a record.
    pub created: u64,
    /// Changed a record.
    pub updated: u64,
    /// Matched a record that already held the values.
    pub unchanged: u64,
    /// Deliberately not loaded.
    pub skipped: u64,
    /// Loaded with a warning (counted under its outcome too).
    pub warnings: u64,
    /// Rejected.
    pub errors: u64,
    /// The run ended before them.
    pub not_processed: u64,
}

impl Counters {
    /// Rows that have an outcome.
    #[must_use]
    pub const fn processed(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.skipped + self.errors
    }

    /// Counts one row's outcome.
    pub const fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Rejected => self.errors += 1,
        }
    }

    /// Adds another step's counters.
    pub const fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.warnings += other.warnings;
        self.errors += other.errors;
        self.not_processed += other.not_processed;
    }

    /// The sum over the load steps among these stages.
    #[must_use]
    pub fn of_stages(stages: &[Stage]) -> Self {
        let mut totals = Self::default();
        for counters in stages.iter().flat_map(|stage| &stage.steps).filter_map(|step| step.counters) {
            totals.add(&counters);
        }
        totals
    }

    /// Declares that nothing more comes: what has no outcome was not processed.
    pub const fn close(&mut self) {
        self.not_processed = self.rows.saturating_sub(self.processed());
    }
}

/// What became of one row in one load step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Made a record.
    Created,
    /// Changed a record.
    Updated,
    /// Matched a record that already held the values.
    Unchanged,
    /// Deliberately not loaded.
    Skipped,
    /// An error kept it out.
    Rejected,
}

/// The kinds of rows kept with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// Rejected.
    Error,
    /// Loaded, but something was odd.
    Warning,
    /// Deliberately not loaded.
    Skipped,
    /// In a dry run: would be updated.
    Updated,
}

impl RowStatus {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Skipped, Self::Updated];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
            Self::Updated => "updated",
        }
    }
}

/// One thing said about a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// The sentence.
    pub message: String,
    /// Its code (`not_a_number`, `match_value_blank`, …).
    pub code: String,
    /// The variable that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// The output column read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The field written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The value as found, cut at 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

impl Message {
    /// Says why a cell does not fit its variable.
    #[must_use]
    pub fn fault(fault: &Fault, variable: &Variable, cell: Option<&str>) -> Self {
        Self {
            message: fault.sentence(&variable.name, cell),
            code: fault.code.as_str().to_owned(),
            variable: Some(variable.name.clone()),
            column: variable.data_source.clone(),
            field: None,
            value: cell.map(|cell| cut(cell).to_owned()),
            expected: (!fault.expected.is_empty()).then(|| fault.expected.clone().into_owned()),
        }
    }

    /// Says what is odd about a cell that was taken.
    #[must_use]
    pub fn warning(warning: Warning, variable: &Variable, cell: &str) -> Self {
        Self {
            message: warning.sentence(&variable.name, cell),
            code: warning.as_str().to_owned(),
            variable: Some(variable.name.clone()),
            column: variable.data_source.clone(),
            field: None,
            value: Some(cut(cell).to_owned()),
            expected: None,
        }
    }
}

/// In a dry run: what an update would change, as text; `None` is blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// The field's api name.
    pub field: String,
    /// What the record holds.
    pub old: Option<String>,
    /// What it would hold.
    pub new: Option<String>,
}

/// One row that is kept with its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowOutcome {
    /// The load step's position in the flow.
    pub step: i64,
    /// The output table.
    pub scope: String,
    /// The row's number in the scope, from 1.
    pub row: u64,
    /// The source line, where the script selected `_line`.
    pub line: Option<i64>,
    /// The input table, where the script selected `_table`.
    pub table: Option<String>,
    /// What kind of outcome.
    pub status: RowStatus,
    /// The record that it matched or made.
    pub record: Option<i64>,
    /// What there is to say.
    pub messages: Vec<Message>,
    /// Of an updated row of a dry run.
    #[serde(default)]
    pub changes: Vec<Change>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_becomes_a_message_with_variable_column_value_and_expectation() {
        let number = crate::variable::DataType::Number;
        let price = Variable {
            required: true,
            input_format: Some("plain".to_owned()),
            ..Variable::reading("price", number, "orders", "amount")
        };
        let parser = crate::variable::Parser::compile(&price, crate::variable::Locale::default()).unwrap();
        let cell = "x".repeat(300);
        let message = Message::fault(&parser.parse(Some(&cell)).unwrap_err(), &price, Some(&cell));
        assert_eq!(message.code, "not_a_number");
        assert_eq!((message.variable.as_deref(), message.column.as_deref()), (Some("price"), Some("amount")));
        assert_eq!(message.value.as_deref(), Some(&cell[..200]));
        assert!(message.expected.is_some() && message.message.starts_with("price: \"xxx"));
        let message = Message::fault(&parser.parse(None).unwrap_err(), &price, None);
        assert_eq!((message.code.as_str(), message.message.as_str()), ("required", "price is required"));
        assert_eq!((message.value, message.expected.as_deref()), (None, Some("a value")));
    }
}
