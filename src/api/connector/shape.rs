//! Connectors as answers show them.

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    notification::NotificationSettingsRow,
    webhook::{InboxRow, WebhookSettingsRow},
};
use crate::{
    api::{file::FileRef, page::Links, people::MemberRow, script::ScriptRow, time::local},
    app::App,
    connector::{ConnectorType, Guard, Header, InputOptions, LoadStep, Schedule, Status},
    execution::{Counters, TriggerType},
    id::{ConnectorId, ExecutionId, FieldId, FilterGroupId, ObjectId, SeedId},
    object::Object,
    service::connector::{Detail, LastRun, SeedView, Summary},
    variable::Variable,
};

/// An object by its names.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectLabel {
    /// Identity.
    pub id: ObjectId,
    /// The api name.
    pub name: String,
    /// The plural label.
    pub object_name: String,
}

impl From<Object> for ObjectLabel {
    fn from(object: Object) -> Self {
        Self { id: object.id, name: object.name, object_name: object.object_name }
    }
}

/// How much a connector is used.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    /// Its runs.
    pub used_count: i64,
}

/// A connector in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectorRow {
    /// Identity.
    pub id: ConnectorId,
    /// The other name in paths.
    pub api_name: String,
    /// The label.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What triggers it.
    pub connector_type: ConnectorType,
    /// Where it is in its life.
    pub status: Status,
    /// Its main object.
    #[schema(required)]
    pub custom_object: Option<ObjectLabel>,
    /// How much it is used.
    pub stats: Stats,
    /// When its last run was queued.
    #[schema(required)]
    pub last_used_at: Option<DateTime<FixedOffset>>,
    /// When it was made.
    pub created: DateTime<FixedOffset>,
    /// When it was last edited.
    pub updated: DateTime<FixedOffset>,
}

impl ConnectorRow {
    /// The row of a connector.
    #[must_use]
    pub fn new(app: &App, connector: Summary, object: Option<Object>) -> Self {
        Self {
            id: connector.id,
            api_name: connector.api_name,
            name: connector.name,
            description: connector.description,
            connector_type: connector.connector_type,
            status: connector.status,
            custom_object: object.map(ObjectLabel::from),
            stats: Stats { used_count: connector.used_count },
            last_used_at: connector.last_used_at.map(|time| local(app, time)),
            created: local(app, connector.created),
            updated: local(app, connector.updated),
        }
    }
}

/// The flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct Flow {
    /// Always empty.
    pub additional_variables: Vec<Json>,
    /// Always empty.
    pub transformations: Vec<Json>,
    /// The load steps, in order.
    pub loads: Vec<LoadRow>,
}

/// A load step.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoadRow {
    /// What is configured.
    #[serde(flatten)]
    pub step: LoadStep,
    /// How it fares. Read-only.
    pub stats: StepStats,
}

/// How a load step fares.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepStats {
    /// What became of its rows in the last live run that has ended; null: the step was not there, or the run did not
    /// come to it.
    #[schema(required)]
    pub last_run: Option<StepRun>,
}

/// What became of a load step's rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepRun {
    /// The run.
    pub execution_id: ExecutionId,
    /// When it ended.
    #[schema(required)]
    pub ended_at: Option<DateTime<FixedOffset>>,
    /// The counts.
    #[serde(flatten)]
    pub counters: Counters,
}

impl LoadRow {
    fn new(app: &App, step: LoadStep, last: Option<&LastRun>) -> Self {
        let run = last.and_then(|last| Some((last, last.steps.get(&step.id)?)));
        let last_run = run.map(|(last, counters)| StepRun {
            execution_id: last.execution,
            ended_at: last.ended_at.map(|time| local(app, time)),
            counters: *counters,
        });
        Self { step, stats: StepStats { last_run } }
    }
}

/// Something by its id and name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Named {
    /// Identity.
    pub id: Uuid,
    /// The name.
    pub name: String,
}

/// A seed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeedRow {
    /// Identity.
    pub id: SeedId,
    /// The object.
    pub custom_object_id: ObjectId,
    /// The object by its names.
    #[schema(required)]
    pub custom_object: Option<Named>,
    /// Which of its records; null: all.
    #[schema(required)]
    pub group_id: Option<FilterGroupId>,
    /// The filter group by its name.
    #[schema(required)]
    pub group: Option<Named>,
    /// The fields exposed besides `kizen_id`.
    pub fields_ids: Vec<FieldId>,
}

impl From<SeedView> for SeedRow {
    fn from(view: SeedView) -> Self {
        let SeedView { seed, object, group } = view;
        Self {
            id: seed.id,
            custom_object_id: seed.custom_object_id,
            custom_object: object.map(|object| Named { id: object.id.0, name: object.name }),
            group_id: seed.group_id,
            group: group.map(|group| Named { id: group.id.0, name: group.name }),
            fields_ids: seed.fields_ids,
        }
    }
}

/// A live run that waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedRow {
    /// The execution.
    pub id: ExecutionId,
    /// When it was queued.
    pub created: DateTime<FixedOffset>,
    /// What started it.
    pub trigger_type: TriggerType,
}

/// A connector with everything that is configured.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectorDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub row: ConnectorRow,
    /// Of a schedule connector: seconds between two runs. Of a webhook connector: seconds that requests collect;
    /// null: 60.
    #[schema(required)]
    pub cadence: Option<u32>,
    /// Or the times of its runs.
    #[schema(required)]
    pub schedule: Option<Schedule>,
    /// When its next run is queued; null while it does not run.
    #[schema(required)]
    pub next_run_at: Option<DateTime<FixedOffset>>,
    /// The next five ticks of a schedule connector, whether or not it runs.
    pub next_runs: Vec<DateTime<FixedOffset>>,
    /// Ticks that started no run: the connector was not active, an earlier run had not ended, or they were
    /// missed and `missed` said so. Null for other types.
    #[schema(required)]
    pub skipped_ticks: Option<u64>,
    /// The reference file.
    #[schema(required)]
    pub source_file: Option<FileRef>,
    /// The draft.
    pub last_draft_script: ScriptRow,
    /// The script that live runs use.
    #[schema(required)]
    pub live_script: Option<ScriptRow>,
    /// Scope to its columns.
    #[schema(value_type = BTreeMap<String, Vec<Header>>)]
    pub headers: Map<String, Json>,
    /// The variables that read a column or a literal.
    pub execution_variables: Vec<Variable>,
    /// The flow.
    pub flow: Flow,
    /// The seeds.
    pub kizen_data_seeds: Vec<SeedRow>,
    /// Parameter name to scalar.
    pub sql_parameters: Map<String, Json>,
    /// Always empty.
    pub integration_secrets: Vec<String>,
    /// How the input file is read.
    pub input_options: InputOptions,
    /// Seconds for the script; null: `engine.timeout_s`.
    #[schema(required)]
    pub timeout_s: Option<u32>,
    /// Runs at a time.
    pub max_concurrency: u32,
    /// Of a webhook connector: who may send without a key; null for other types.
    #[schema(required)]
    pub webhook_settings: Option<WebhookSettingsRow>,
    /// Of a webhook connector: the requests that wait for their batch; null for other types.
    #[schema(required)]
    pub webhook_inbox: Option<InboxRow>,
    /// Of which runs who is told.
    pub notification_settings: NotificationSettingsRow,
    /// Days that ended runs are kept with their files; 0: for ever.
    pub retention_days: u32,
    /// Ended runs that are kept at most; 0: any number.
    pub retention_runs: u32,
    /// Skip rows equal to rows that an earlier run loaded.
    pub diff_check_enabled: bool,
    /// What a live run is held by; null: off.
    #[schema(required)]
    pub guard: Option<Guard>,
    /// Who made it.
    #[schema(required)]
    pub created_by: Option<MemberRow>,
    /// What is odd about it, and about the change that this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// In the answer to a change of status: the live runs that wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_executions: Option<Vec<QueuedRow>>,
}

impl ConnectorDetail {
    /// The answer for a connector.
    #[must_use]
    pub fn new(app: &App, links: &Links, detail: Detail) -> Self {
        let mut connector = detail.connector;
        let headers = std::mem::take(&mut connector.headers).into_iter().map(|scope| {
            let columns = scope
                .columns
                .into_iter()
                .map(|header| serde_json::json!({ "name": header.name, "index": header.index }));
            (scope.scope, Json::Array(columns.collect()))
        });
        let mut input_options = std::mem::take(&mut connector.input_options);
        input_options.header_row.get_or_insert(1);
        let queued = detail.queued.map(|queued| {
            let row = |execution: crate::execution::Execution| QueuedRow {
                id: execution.id,
                created: local(app, execution.created),
                trigger_type: execution.trigger,
            };
            queued.into_iter().map(row).collect()
        });
        let (ticks, skipped_ticks) = detail.ticks.map(|ticks| (ticks.ahead, ticks.skipped)).unzip();
        let next_runs: Vec<_> = ticks.unwrap_or_default().into_iter().map(|time| local(app, time)).collect();
        let webhook_settings = (connector.connector_type == ConnectorType::Webhook)
            .then(|| WebhookSettingsRow::new(app, &connector));
        Self {
            webhook_settings,
            notification_settings: NotificationSettingsRow::new(app, &connector),
            webhook_inbox: detail.inbox.map(|inbox| InboxRow::new(app, inbox)),
            cadence: connector.cadence,
            schedule: connector.schedule.take(),
            next_run_at: next_runs.first().copied().filter(|_| connector.status.runs()),
            next_runs,
            skipped_ticks,
            source_file: detail.source_file.map(|file| FileRef::new(file, links)),
            last_draft_script: ScriptRow::new(app, links, detail.draft),
            live_script: detail.live.map(|live| ScriptRow::new(app, links, live)),
            headers: headers.collect(),
            execution_variables: std::mem::take(&mut connector.variables),
            flow: Flow {
                additional_variables: Vec::new(),
                transformations: Vec::new(),
                loads: std::mem::take(&mut connector.loads)
                    .into_iter()
                    .map(|step| LoadRow::new(app, step, detail.last_run.as_ref()))
                    .collect(),
            },
            kizen_data_seeds: detail.seeds.into_iter().map(SeedRow::from).collect(),
            sql_parameters: std::mem::take(&mut connector.sql_parameters),
            integration_secrets: Vec::new(),
            input_options,
            timeout_s: connector.timeout_s,
            max_concurrency: connector.max_concurrency,
            retention_days: connector.retention_days,
            retention_runs: connector.retention_runs,
            diff_check_enabled: connector.diff_check_enabled,
            guard: connector.guard,
            created_by: detail.created_by.map(MemberRow::from),
            warning: detail.warning,
            queued_executions: queued,
            row: ConnectorRow::new(app, connector.into(), detail.object),
        }
    }
}
