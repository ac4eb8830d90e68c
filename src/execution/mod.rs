//! Executions: one end to end run of a connector, its states, stages and counters.

pub mod outcome;
pub mod progress;
pub mod state;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

pub use outcome::{Counters, Outcome, RowOutcome, RowStatus};
pub use progress::{LogLine, Progress};
pub use state::{Stage, StageKind, StageStatus, State, Step};

use crate::{
    connector::{
        Connector, ConnectorType, Guard, InputOptions, LoadStep, ScopeHeaders, Seed, expected_inputs,
    },
    id::{ConnectorId, ExecutionId, FileId, KeyId, MemberId, ScriptId},
    script::{ConfigMetadata, Script},
    variable::{Variable, date::EXCEL_EPOCH},
};

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TriggerType {
    /// `start-connector-flow`.
    Fileupload,
    /// `upload`.
    Api,
    /// A batch of requests.
    Webhook,
    /// A tick of the connector's schedule.
    Schedule,
    /// An earlier run's input again.
    Rerun,
}

impl TriggerType {
    /// Every trigger.
    pub const ALL: [Self; 5] = [Self::Fileupload, Self::Api, Self::Webhook, Self::Schedule, Self::Rerun];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fileupload => "fileupload",
            Self::Api => "api",
            Self::Webhook => "webhook",
            Self::Schedule => "schedule",
            Self::Rerun => "rerun",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == word)
    }
}

/// Everything of the connector that a run uses, frozen when it is claimed: what a run did can always
/// be explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What triggers the connector: it decides how the input is read.
    pub connector_type: ConnectorType,
    /// The script that ran.
    pub script_id: ScriptId,
    /// Its engine.
    pub sql_version: String,
    /// Its text.
    pub user_script: String,
    /// Its inputs and seeds.
    pub config_metadata: ConfigMetadata,
    /// The columns that the flow was configured with.
    pub headers: Vec<ScopeHeaders>,
    /// The variables.
    pub variables: Vec<Variable>,
    /// The flow, in `order`.
    pub loads: Vec<LoadStep>,
    /// The seeds' definition.
    pub seeds: Vec<Seed>,
    /// How the file is read.
    pub input_options: InputOptions,
    /// The connector's own time limit for the script.
    pub timeout_s: Option<u32>,
    /// The connector's parameters; those of the run go over them.
    #[serde(default)]
    pub sql_parameters: Map<String, Json>,
    /// Rows equal to rows that an earlier run loaded are skipped.
    #[serde(default)]
    pub diff_check_enabled: bool,
    /// What a live run is held by.
    #[serde(default)]
    pub guard: Option<Guard>,
}

impl Snapshot {
    /// What reads days as workbooks count them, as a sentence names it: a variable, else the script.
    #[must_use]
    pub fn reads_days_of_workbooks(&self) -> Option<String> {
        let variable = self.variables.iter().find(|variable| variable.reads_days_of_workbooks());
        variable
            .map(|variable| format!("variable {}", variable.name))
            .or_else(|| self.user_script.contains(EXCEL_EPOCH).then(|| "script".to_owned()))
    }

    /// What a run of `script` uses now.
    #[must_use]
    pub fn new(connector: &Connector, script: Script) -> Self {
        let mut loads = connector.loads.clone();
        loads.sort_by_key(|step| step.order);
        Self {
            connector_type: connector.connector_type,
            script_id: script.id,
            sql_version: script.sql_version,
            user_script: script.user_script,
            config_metadata: expected_inputs(connector.connector_type, script.config_metadata),
            headers: connector.headers.clone(),
            variables: connector.variables.clone(),
            loads,
            seeds: connector.seeds.clone(),
            input_options: connector.input_options.clone(),
            timeout_s: connector.timeout_s,
            sql_parameters: connector.sql_parameters.clone(),
            diff_check_enabled: connector.diff_check_enabled,
            guard: connector.guard,
        }
    }
}

/// One execution, as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Identity.
    pub id: ExecutionId,
    /// Whose run it is.
    pub connector_id: ConnectorId,
    /// Counts the connector's runs from 1; names the produced files.
    pub number: i64,
    /// Where it is in its life.
    pub state: State,
    /// What started it.
    pub trigger: TriggerType,
    /// Does everything except write records.
    pub is_dry_run: bool,
    /// A dry run of the draft.
    pub use_draft: bool,
    /// Loads every row, whatever earlier runs loaded.
    pub disable_diff_check: bool,
    /// Is not held by the connector's guard.
    pub ignore_guard: bool,
    /// Who started it; `None`: the server.
    pub started_by: Option<MemberId>,
    /// The key that they started it with.
    pub started_by_key: Option<KeyId>,
    /// The tick that started it. A connector has one run per tick.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Seconds between two of its triggers, when there is such a time.
    pub cadence: Option<u32>,
    /// From when on it covers what happened.
    pub timeframe_start: Option<DateTime<Utc>>,
    /// When it was queued.
    pub created: DateTime<Utc>,
    /// When it was claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended; set exactly then.
    pub ended_at: Option<DateTime<Utc>>,
    /// The whole run-level error.
    pub error_details: Option<String>,
    /// Why it waits, or what is odd about it.
    pub warning: Option<String>,
    /// The stages with their counters, final once it ended.
    pub stages: Vec<Stage>,
    /// The sum over the load steps.
    pub totals: Counters,
    /// What it reads.
    pub input_file: Option<FileId>,
    /// The workbook.
    pub final_report: Option<FileId>,
    /// The output tables as CSV.
    pub sql_output_zip: Option<FileId>,
    /// Parameters of this run, over the connector's.
    pub sql_parameters: Map<String, Json>,
    /// Who asked to cancel it.
    pub cancelled_by: Option<MemberId>,
    /// When that was.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// The script that it runs; `None` until it is claimed, when all that it runs with is frozen in a
    /// [`Snapshot`].
    pub script_id: Option<ScriptId>,
    /// That script's engine.
    pub sql_version: Option<String>,
    /// Row outcomes that were counted and not kept.
    pub outcomes_cut: u64,
    /// Match values of the last run that this run's rows don't have any more; `None`: not compared.
    pub missing_since_last_run: Option<u64>,
}

impl Execution {
    /// One that waits, of which nothing more is said.
    #[must_use]
    pub fn queued(connector_id: ConnectorId, number: i64, trigger: TriggerType, now: DateTime<Utc>) -> Self {
        Self {
            id: ExecutionId::new(),
            connector_id,
            number,
            state: State::Queued,
            trigger,
            is_dry_run: false,
            use_draft: false,
            disable_diff_check: false,
            ignore_guard: false,
            started_by: None,
            started_by_key: None,
            scheduled_for: None,
            cadence: None,
            timeframe_start: None,
            created: now,
            started_at: None,
            ended_at: None,
            error_details: None,
            warning: None,
            stages: Vec::new(),
            totals: Counters::default(),
            input_file: None,
            final_report: None,
            sql_output_zip: None,
            sql_parameters: Map::new(),
            cancelled_by: None,
            cancel_requested_at: None,
            script_id: None,
            sql_version: None,
            outcomes_cut: 0,
            missing_since_last_run: None,
        }
    }
}
