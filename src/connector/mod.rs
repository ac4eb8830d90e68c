//! What a connector is: its settings, its variables, its flow and its seeds.
//!
//! Everything here is plain data with the rules that need no database. Variables, load steps and seeds
//! are kept as full sets inside the connector, so that a PATCH is one comparison and one write, and an
//! execution's snapshot is a copy.

pub mod flow;
pub mod guard;
pub mod notification;
pub mod rules;
pub mod schedule;
pub mod seed;
pub mod steps;
pub mod template;
pub mod validate;
pub mod variables;
pub mod webhook;
pub mod webhook_input;
pub mod written;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

pub use flow::{Conflict, LoadStep, MappingRule, MatchingRule};
pub use guard::Guard;
pub use notification::{NotificationFacts, NotificationSettings};
pub use schedule::Schedule;
pub use seed::Seed;
pub use webhook::WebhookSettings;

pub use crate::script::{Header, ScopeHeaders, column_letters};

use crate::{
    id::{ConnectorId, FileId, MemberId, ObjectId},
    script::ConfigMetadata,
    variable::Variable,
};

/// What triggers the connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorType {
    /// An uploaded file.
    Spreadsheet,
    /// A batch of requests.
    Webhook,
    /// A tick of a clock.
    Schedule,
}

impl ConnectorType {
    /// Every type that this server has.
    pub const ALL: [Self; 3] = [Self::Spreadsheet, Self::Webhook, Self::Schedule];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spreadsheet => "spreadsheet",
            Self::Webhook => "webhook",
            Self::Schedule => "schedule",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == word)
    }
}

/// Where a connector is in its life. `setup` → `operational` ⇄ `inactive`; `need_attention` is set by
/// the server after three failed live runs in a row, and still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being built: live runs wait.
    Setup,
    /// Runs.
    Operational,
    /// Runs, but the last three live runs failed.
    NeedAttention,
    /// Switched off: live runs wait.
    Inactive,
}

impl Status {
    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Operational => "operational",
            Self::NeedAttention => "need_attention",
            Self::Inactive => "inactive",
        }
    }

    /// Every status.
    pub const ALL: [Self; 4] = [Self::Setup, Self::Operational, Self::NeedAttention, Self::Inactive];

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether live runs start.
    #[must_use]
    pub const fn runs(self) -> bool {
        matches!(self, Self::Operational | Self::NeedAttention)
    }
}

/// How the input file is read, where the file itself does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InputOptions {
    /// An encoding by any of its names on the web; null: a byte order mark, then valid UTF-8, else
    /// detected.
    pub encoding: Option<String>,
    /// One character; null: sniffed among comma, tab, semicolon and pipe.
    pub delimiter: Option<String>,
    /// One character; null: `"`.
    pub quote: Option<String>,
    /// The line or row of the header, from 1: the first that may be it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
    /// Cells equal to one of these are NULL, besides empty ones.
    pub null_values: Vec<String>,
}

/// Days that ended runs are kept unless the connector says otherwise.
pub const RETENTION_DAYS: u32 = 90;
/// Ended runs that are kept unless the connector says otherwise.
pub const RETENTION_RUNS: u32 = 5_000;

/// A connector with all of its configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Connector {
    /// Identity.
    pub id: ConnectorId,
    /// The other name in paths; unique.
    pub api_name: String,
    /// The label; unique without regard to case.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What triggers it.
    pub connector_type: ConnectorType,
    /// Where it is in its life.
    pub status: Status,
    /// Seconds between two runs, for the types that have one; `None`: the type's default.
    pub cadence: Option<u32>,
    /// Or the times of a schedule connector's runs.
    pub schedule: Option<Schedule>,
    /// Its main object.
    pub custom_object: ObjectId,
    /// The reference file: what templates and samples are made of.
    pub source_file: Option<FileId>,
    /// Per scope the columns that the published script selects.
    pub headers: Vec<ScopeHeaders>,
    /// The variables that read a column or a literal.
    pub variables: Vec<Variable>,
    /// The flow, in `order`.
    pub loads: Vec<LoadStep>,
    /// Records exposed to the script.
    pub seeds: Vec<Seed>,
    /// Bound as `:name` in the script.
    pub sql_parameters: Map<String, Json>,
    /// How the input file is read.
    pub input_options: InputOptions,
    /// Lowers `engine.timeout_s`.
    pub timeout_s: Option<u32>,
    /// Runs at a time; 0: nothing starts.
    pub max_concurrency: u32,
    /// Who may send to a webhook connector without a key.
    pub webhook_settings: WebhookSettings,
    /// Of which runs who is told.
    pub notification_settings: NotificationSettings,
    /// Days that ended runs are kept; 0: for ever.
    pub retention_days: u32,
    /// Ended runs that are kept at most; 0: any number.
    pub retention_runs: u32,
    /// Skip rows equal to rows that an earlier run loaded.
    pub diff_check_enabled: bool,
    /// Holds a run whose dry run goes over a limit; `None`: off.
    pub guard: Option<Guard>,
    /// How many runs it had; written by the queue alone.
    pub used_count: i64,
    /// When the last one was queued; likewise.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was last edited.
    pub updated: DateTime<Utc>,
    /// Who made it.
    pub created_by: Option<MemberId>,
}

impl Connector {
    /// The columns of `scope`, when the script has it.
    #[must_use]
    pub fn headers_of(&self, scope: &str) -> Option<&[Header]> {
        self.headers.iter().find(|h| h.scope == scope).map(|h| h.columns.as_slice())
    }
}

/// The inputs that a script of a connector of this type expects.
#[must_use]
pub fn expected_inputs(connector_type: ConnectorType, metadata: ConfigMetadata) -> ConfigMetadata {
    webhook_input::expected(connector_type, schedule::expected(connector_type, metadata))
}
