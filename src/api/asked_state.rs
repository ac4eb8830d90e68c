//! `?state=` of the scripts: the words of the reference, one of which is never true here.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::script::SampleState;

/// States that existing clients ask for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskedState {
    /// No sample was made since the draft was made or its engine changed.
    Setup,
    /// Of no script: a sample begins when it is asked for.
    Queued,
    /// The sample is being generated.
    InProgress,
    /// There is a sample.
    Success,
    /// The last sample failed.
    Failed,
}

impl AskedState {
    /// The state of those that are meant; `None`: of none.
    #[must_use]
    pub const fn as_known(self) -> Option<SampleState> {
        match self {
            Self::Setup => Some(SampleState::Setup),
            Self::Queued => None,
            Self::InProgress => Some(SampleState::InProgress),
            Self::Success => Some(SampleState::Success),
            Self::Failed => Some(SampleState::Failed),
        }
    }
}
