//! Scripts: one version of a connector's SQL, and what it expects as input.

pub mod headers;
pub mod metadata;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use headers::{Header, ScopeHeaders, column_letters};
pub use metadata::{ColumnMapping, ColumnType, ConfigMetadata, InputTable, SeedTable};

use crate::id::{ConnectorId, FileId, MemberId, ScriptId};

/// The engine of this server, as `sql_version` names it.
pub const SQLITE: &str = "sqlite-3";

/// Version names of the reference product: accepted, and mapped to [`SQLITE`] with a warning.
pub const REFERENCE_VERSIONS: [&str; 5] = ["1.3.x", "3.1.x", "3.4.x", "3.6.x", "4.1.x"];

/// The sentence before the first sample, as existing clients know it.
pub const NO_SAMPLE: &str = "Output sample file is not generated yet. Please run the script first.";

/// Draft or live. A connector has exactly one draft and at most one live script; earlier live ones are
/// history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScriptStatus {
    /// May be edited.
    Draft,
    /// What live runs use.
    Live,
    /// Published once, replaced since; answered by no scripts path.
    History,
}

impl ScriptStatus {
    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Live => "live",
            Self::History => "history",
        }
    }

    /// What it was to a run that used it: what has been replaced since was live then.
    #[must_use]
    pub const fn when_used(self) -> Self {
        match self {
            Self::Draft => Self::Draft,
            Self::Live | Self::History => Self::Live,
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Draft, Self::Live, Self::History].into_iter().find(|s| s.as_str() == word)
    }
}

/// How the script's output sample fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleState {
    /// Never run since the draft was made or its engine changed.
    Setup,
    /// Being generated.
    InProgress,
    /// `output_csv_file` is what the script gave.
    Success,
    /// `error` says why.
    Failed,
}

impl SampleState {
    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Setup, Self::InProgress, Self::Success, Self::Failed].into_iter().find(|s| s.as_str() == word)
    }
}

/// One version of a connector's SQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Identity; publishing keeps it.
    pub id: ScriptId,
    /// Whose it is.
    pub connector_id: ConnectorId,
    /// Draft, live or history.
    pub status: ScriptStatus,
    /// How its sample fares.
    pub state: SampleState,
    /// The engine.
    pub sql_version: String,
    /// The SQL, verbatim.
    pub user_script: String,
    /// The inputs and seeds that it expects.
    pub config_metadata: ConfigMetadata,
    /// The last good sample.
    pub output_file: Option<FileId>,
    /// Per scope the columns of the last good sample: what publishing writes to the connector.
    pub output_headers: Vec<ScopeHeaders>,
    /// Why the last sample failed.
    pub error: Option<String>,
    /// The script changed after its sample was started.
    pub sample_is_stale: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was last edited or sampled.
    pub updated: DateTime<Utc>,
    /// When it was published.
    pub published: Option<DateTime<Utc>>,
    /// Who published it.
    pub published_by: Option<MemberId>,
}

impl Script {
    /// Notes that the text or what it expects has changed: its sample no longer shows what it does.
    pub fn edited(&mut self, now: DateTime<Utc>) {
        self.sample_is_stale = self.state != SampleState::Setup;
        self.updated = now;
    }

    /// A new draft with the same SQL, engine and inputs, and no sample.
    #[must_use]
    pub fn fork(&self, now: DateTime<Utc>) -> Self {
        Self {
            id: ScriptId::new(),
            connector_id: self.connector_id,
            status: ScriptStatus::Draft,
            state: SampleState::Setup,
            sql_version: self.sql_version.clone(),
            user_script: self.user_script.clone(),
            config_metadata: self.config_metadata.clone(),
            output_file: None,
            output_headers: Vec::new(),
            error: None,
            sample_is_stale: false,
            created: now,
            updated: now,
            published: None,
            published_by: None,
        }
    }
}
