//! The states of an execution and the only moves between them; the stages of a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::ObjectId;

/// Where an execution is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a worker, its turn, or an active connector.
    Queued,
    /// A worker has it.
    InProgress,
    /// Was asked to stop and has not yet.
    Cancelling,
    /// Every row was loaded, unchanged or deliberately skipped.
    Success,
    /// At least one row was rejected.
    PartialSuccess,
    /// Stopped on an error.
    Failed,
    /// Stopped because it was asked to.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::InProgress,
        Self::Cancelling,
        Self::Success,
        Self::PartialSuccess,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Cancelling => "cancelling",
            Self::Success => "success",
            Self::PartialSuccess => "partial_success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether it has ended; an ended execution never changes again.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Success | Self::PartialSuccess | Self::Failed | Self::Cancelled)
    }

    /// The legal moves. The statements that make a move hold only from the states that this allows.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::InProgress | Self::Cancelled),
            Self::InProgress => {
                matches!(next, Self::Cancelling | Self::Success | Self::PartialSuccess | Self::Failed)
            }
            Self::Cancelling => {
                matches!(next, Self::Cancelled | Self::Success | Self::PartialSuccess | Self::Failed)
            }
            _ => false,
        }
    }
}

/// The stages of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum StageKind {
    /// File into `input`.
    #[serde(rename = "smart_connector_input_read")]
    InputRead,
    /// The script.
    #[serde(rename = "smart_connector_sql_run")]
    SqlRun,
    /// Variables of every scope.
    #[serde(rename = "smart_connector_execution_variable_eval")]
    VariableEval,
    /// Indexes of large objects, in the runs that have to make some.
    #[serde(rename = "smart_connector_match_index")]
    MatchIndex,
    /// One load step.
    #[serde(rename = "smart_connector_load_step_run")]
    LoadStep,
    /// ZIP and workbook.
    #[serde(rename = "smart_connector_report")]
    Report,
}

impl StageKind {
    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InputRead => "smart_connector_input_read",
            Self::SqlRun => "smart_connector_sql_run",
            Self::VariableEval => "smart_connector_execution_variable_eval",
            Self::MatchIndex => "smart_connector_match_index",
            Self::LoadStep => "smart_connector_load_step_run",
            Self::Report => "smart_connector_report",
        }
    }
}

/// How a stage or step fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// Not yet.
    Pending,
    /// Now.
    InProgress,
    /// Done.
    Completed,
    /// The run ended here.
    Failed,
    /// The run was cancelled here.
    Cancelled,
    /// The run ended before it.
    Skipped,
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Which.
    #[serde(rename = "type")]
    pub kind: StageKind,
    /// How it fares.
    pub status: StageStatus,
    /// Its parts: one per scope, or the load step.
    pub steps: Vec<Step>,
}

/// One part of a stage, with its counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// How it fares.
    pub status: StageStatus,
    /// The scope that it is about.
    pub scope: Option<String>,
    /// The object that it writes to.
    pub custom_object: Option<ObjectId>,
    /// Rows read, loaded, unchanged or skipped.
    pub valid_records: u64,
    /// Rows rejected.
    pub invalid_records: u64,
    /// Rows in all, as far as known.
    pub total: u64,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Of a load step: the counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<super::Counters>,
}

impl Step {
    /// Sets the counters of a load step, and what follows from them.
    pub const fn set_counters(&mut self, counters: super::Counters) {
        self.valid_records = counters.processed() - counters.errors;
        self.invalid_records = counters.errors;
        self.total = counters.rows;
        self.counters = Some(counters);
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn these_are_the_only_moves() {
        use State::*;
        let moves = [
            (Queued, InProgress),
            (Queued, Cancelled),
            (InProgress, Cancelling),
            (InProgress, Success),
            (InProgress, PartialSuccess),
            (InProgress, Failed),
            (Cancelling, Success),
            (Cancelling, PartialSuccess),
            (Cancelling, Failed),
            (Cancelling, Cancelled),
        ];
        for from in State::ALL {
            for to in State::ALL {
                assert_eq!(from.may_become(to), moves.contains(&(from, to)), "{from:?} to {to:?}");
            }
        }
    }
}
