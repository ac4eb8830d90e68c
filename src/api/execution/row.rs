//! An execution as answers show it.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{file::FileRef, page::Links, time::local},
    app::App,
    auth::Member,
    error::{Error, Result},
    execution::{Counters, Stage, StageKind, StageStatus, State, TriggerType},
    id::ExecutionId,
    service::execution::{self, ExecutionView, Named},
};

/// Who started or cancelled a run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Identity.
    pub id: Uuid,
    /// Name.
    pub display_name: String,
    /// E-mail address.
    pub email: String,
}

impl From<Member> for Person {
    fn from(member: Member) -> Self {
        Self { id: member.id.0, display_name: member.full_name(), email: member.email }
    }
}

/// An object, by name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ObjectRef {
    /// Identity.
    pub id: Uuid,
    /// Api name.
    pub name: String,
    /// Plural label.
    pub object_name: String,
}

/// The connector of a run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectorRef {
    /// Identity.
    pub id: Uuid,
    /// Api name.
    pub api_name: String,
    /// Label.
    pub name: String,
}

/// One part of a stage.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StepRow {
    /// How it fares.
    pub status: StageStatus,
    /// The scope that it is about.
    #[schema(required)]
    pub scope: Option<String>,
    /// The object that it writes to.
    #[schema(required)]
    pub custom_object: Option<ObjectRef>,
    /// Rows read, loaded, unchanged or skipped.
    pub valid_records: u64,
    /// Rows rejected.
    pub invalid_records: u64,
    /// Rows in all, as far as known.
    pub total: u64,
    /// When it began.
    #[schema(required)]
    pub started_at: Option<DateTime<FixedOffset>>,
    /// When it ended.
    #[schema(required)]
    pub ended_at: Option<DateTime<FixedOffset>>,
    /// Of a load step: what became of its rows. `rows` is the sum of all but `warnings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counters: Option<Counters>,
}

/// What became of the rows of a run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// The sum over the load steps.
    #[serde(flatten)]
    pub counters: Counters,
    /// With diff check: match values that the last run had and this one has not; null: not compared.
    #[schema(required)]
    pub missing_since_last_run: Option<u64>,
}

/// One stage of a run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StageRow {
    /// Which.
    #[serde(rename = "type")]
    pub kind: StageKind,
    /// How it fares.
    pub status: StageStatus,
    /// Its parts.
    pub steps: Vec<StepRow>,
}

/// One execution.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ExecutionRow {
    /// Identity.
    pub id: Uuid,
    /// Its connector.
    pub connector: ConnectorRef,
    /// Counts the connector's runs from 1.
    pub number: i64,
    /// Where it is in its life.
    pub status: State,
    /// What started it.
    pub trigger_type: TriggerType,
    /// Does everything except write records.
    pub is_dry_run: bool,
    /// Loads every row, also those equal to rows that an earlier run loaded.
    pub disable_diff_check: bool,
    /// Is not held by the connector's guard.
    pub ignore_guard: bool,
    /// Who started it.
    #[schema(required)]
    pub started_by: Option<Person>,
    /// When it was queued.
    pub created: DateTime<FixedOffset>,
    /// When it began.
    #[schema(required)]
    pub started_at: Option<DateTime<FixedOffset>>,
    /// When it ended.
    #[schema(required)]
    pub ended_at: Option<DateTime<FixedOffset>>,
    /// How long it ran, milliseconds.
    #[schema(required)]
    pub duration_ms: Option<i64>,
    /// While it waits: how many wait before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<i64>,
    /// The whole run-level error.
    #[schema(required)]
    pub error_details: Option<String>,
    /// Why it waits, or what is odd about it.
    #[schema(required)]
    pub warning: Option<String>,
    /// Stage by stage.
    pub step_progress: Vec<StageRow>,
    /// The sum over the load steps.
    pub totals: Totals,
    /// What it reads.
    #[schema(required)]
    pub input_file: Option<FileRef>,
    /// The workbook.
    #[schema(required)]
    pub final_report: Option<FileRef>,
    /// The output tables as CSV.
    #[schema(required)]
    pub sql_output_zip: Option<FileRef>,
    /// The script that it runs; null until it begins.
    #[schema(required)]
    pub script_id: Option<Uuid>,
    /// That script's engine.
    #[schema(required)]
    pub sql_version: Option<String>,
    /// Parameters of this run, over the connector's.
    #[schema(value_type = Object)]
    pub sql_parameters: Map<String, Json>,
    /// Who asked to cancel it.
    #[schema(required)]
    pub cancelled_by: Option<Person>,
    /// When that was.
    #[schema(required)]
    pub cancel_requested_at: Option<DateTime<FixedOffset>>,
    /// Rejected, skipped and warned rows, in a dry run also updated ones, that were counted and not kept
    /// (`runner.max_row_outcomes`).
    pub rows_not_kept: u64,
}

/// Makes the row of an execution.
pub fn row(app: &App, links: &Links, view: ExecutionView) -> ExecutionRow {
    let ExecutionView { execution, connector, started_by, cancelled_by, files, queue_position, objects } =
        view;
    let [input, report, zip] = files;
    let file = |file| FileRef::new(file, links);
    let at = |time| local(app, time);
    let duration =
        execution.started_at.map(|start| execution.ended_at.unwrap_or_else(|| app.clock.now()) - start);
    ExecutionRow {
        id: execution.id.0,
        connector: ConnectorRef { id: connector.id.0, api_name: connector.api_name, name: connector.name },
        number: execution.number,
        status: execution.state,
        trigger_type: execution.trigger,
        is_dry_run: execution.is_dry_run,
        disable_diff_check: execution.disable_diff_check,
        ignore_guard: execution.ignore_guard,
        started_by: started_by.map(Person::from),
        created: at(execution.created),
        started_at: execution.started_at.map(at),
        ended_at: execution.ended_at.map(at),
        duration_ms: duration.map(|d| d.num_milliseconds().max(0)),
        queue_position,
        error_details: execution.error_details,
        warning: execution.warning,
        step_progress: execution.stages.into_iter().map(|stage| stage_row(app, stage, &objects)).collect(),
        totals: Totals {
            counters: execution.totals,
            missing_since_last_run: execution.missing_since_last_run,
        },
        input_file: input.map(file),
        final_report: report.map(file),
        sql_output_zip: zip.map(file),
        script_id: execution.script_id.map(|id| id.0),
        sql_version: execution.sql_version,
        sql_parameters: execution.sql_parameters,
        cancelled_by: cancelled_by.map(Person::from),
        cancel_requested_at: execution.cancel_requested_at.map(at),
        rows_not_kept: execution.outcomes_cut,
    }
}

/// What is told of a run that has ended: its row, as its address answers it; `None`: it is gone.
pub fn told(app: &App, links: &Links, id: ExecutionId) -> Result<Option<Vec<u8>>> {
    let view = execution::view(app, id)?;
    view.map(|view| serde_json::to_vec(&row(app, links, view)).map_err(Error::internal)).transpose()
}

fn stage_row(app: &App, stage: Stage, objects: &[Named]) -> StageRow {
    let steps = stage
        .steps
        .into_iter()
        .map(|step| StepRow {
            status: step.status,
            scope: step.scope,
            custom_object: step.custom_object.and_then(|id| {
                let object = objects.iter().find(|object| object.id == id)?;
                Some(ObjectRef {
                    id: id.0,
                    name: object.name.clone(),
                    object_name: object.object_name.clone(),
                })
            }),
            valid_records: step.valid_records,
            invalid_records: step.invalid_records,
            total: step.total,
            started_at: step.started_at.map(|time| local(app, time)),
            ended_at: step.ended_at.map(|time| local(app, time)),
            counters: step.counters,
        })
        .collect();
    StageRow { kind: stage.kind, status: stage.status, steps }
}
