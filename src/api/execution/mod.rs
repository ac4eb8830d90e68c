//! Executions: start, status, cancel, run again.

pub mod outcome;
pub mod progress;
pub mod row;

use actix_web::{
    HttpResponse, get,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    post, web,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use self::row::{ExecutionRow, row};
use super::{
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
    idempotency::{IdempotencyKey, answer, to_text},
    page::{Links, Page},
    script::ScriptRow,
    time::day_or_moment,
};
use crate::{
    app::App,
    auth::Role,
    error::{Error, Result},
    execution::{Execution, State, TriggerType},
    id::{ConnectorId, ExecutionId, FileId},
    service::{
        event::moment,
        execution::{self, Again, Filter, NewRun, ORDERINGS, Once},
        paging::{self, Paging},
    },
};

/// What to start.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// Do everything except write records.
    #[serde(default)]
    pub is_dry_run: bool,
    /// The file to read; left out: the reference file.
    #[serde(default)]
    pub source_file_id: Option<Uuid>,
    /// Over the connector's parameters.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub sql_parameters: Option<Map<String, Json>>,
    /// With a dry run: use the draft script.
    #[serde(default)]
    pub use_draft: bool,
    /// Load every row, also those equal to rows that an earlier run loaded.
    #[serde(default)]
    pub disable_diff_check: bool,
}

/// What was started.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Started {
    /// The execution.
    pub execution_id: Uuid,
    /// Where it is in its life.
    pub status: State,
    /// What started it.
    pub trigger_type: TriggerType,
    /// As asked.
    pub is_dry_run: bool,
    /// As asked, or the reference file.
    #[schema(required)]
    pub source_file_id: Option<Uuid>,
    /// As asked.
    #[schema(value_type = Object)]
    pub sql_parameters: Map<String, Json>,
    /// As asked.
    pub use_draft: bool,
    /// As asked.
    pub disable_diff_check: bool,
    /// Why it waits.
    #[schema(required)]
    pub warning: Option<String>,
}

impl From<Execution> for Started {
    fn from(execution: Execution) -> Self {
        Self {
            execution_id: execution.id.0,
            status: execution.state,
            trigger_type: execution.trigger,
            is_dry_run: execution.is_dry_run,
            source_file_id: execution.input_file.map(|id| id.0),
            sql_parameters: execution.sql_parameters,
            use_draft: execution.use_draft,
            disable_diff_check: execution.disable_diff_check,
            warning: execution.warning,
        }
    }
}

/// Start a run with the reference file or a file sent before.
///
/// A live run of a connector that is not operational is queued, and `warning` says so.
#[utoipa::path(tag = "File Upload (Trigger Run)", params(("connector" = String, Path, description = "Id or api name"),
    ("Idempotency-Key" = Option<String>, Header, max_length = 255,
        description = "The same key with the same request within 24 hours has the first answer and starts nothing; with another request: 409.")),
    request_body = StartRun, responses((status = 200, body = Started), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/start-connector-flow")]
pub async fn start(
    app: web::Data<App>,
    caller: Auth,
    key: IdempotencyKey,
    path: web::Path<String>,
    body: Body<StartRun>,
) -> Result<HttpResponse, ApiError> {
    let once = Once::new(key.0, &body.0)?;
    let new = NewRun {
        trigger: TriggerType::Fileupload,
        input_file: body.0.source_file_id.map(FileId),
        is_dry_run: body.0.is_dry_run,
        use_draft: body.0.use_draft,
        disable_diff_check: body.0.disable_diff_check,
        ignore_guard: false,
        sql_parameters: body.0.sql_parameters.unwrap_or_default(),
    };
    let text = blocking(app, move |app| {
        caller.0.needs(Role::Runner)?;
        let queued = execution::start(app, &caller.0, &path, &new, once)?;
        queued.answer(app, |execution| to_text(&Started::from(execution)))
    })
    .await?;
    Ok(answer(StatusCode::OK, text))
}

/// Which executions a list shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListExecutions {
    /// Only these; comma separated.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(,[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})*)?$"
    )]
    pub ids: Option<String>,
    /// Dry runs too.
    #[serde(default)]
    pub include_dry_run: bool,
    /// In this status.
    #[param(inline)]
    pub status: Option<State>,
    /// Started so.
    #[param(inline)]
    pub trigger_type: Option<TriggerType>,
    /// Part of the input's file name or of the error.
    pub search: Option<String>,
    /// Not before this time: a day or an RFC 3339 time.
    #[param(schema_with = day_or_moment)]
    pub created_after: Option<String>,
    /// Before this time: a day or an RFC 3339 time.
    #[param(schema_with = day_or_moment)]
    pub created_before: Option<String>,
    /// `created`, `started_at`, `ended_at`, `status` or `trigger_type`; `-` in front for descending.
    #[param(pattern = "^-?(created|started_at|ended_at|status|trigger_type)$")]
    pub ordering: Option<String>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

impl ListExecutions {
    fn filter(&self, app: &App) -> Result<Filter> {
        let ids = self.ids.as_deref().map(|ids| {
            ids.split(',')
                .map(str::trim)
                .filter(|id| !id.is_empty())
                .map(|id| {
                    id.parse::<ExecutionId>()
                        .map_err(|_| Error::invalid(format!("ids: {id:?} is not a UUID")).at("ids"))
                })
                .collect::<Result<Vec<_>>>()
        });
        Ok(Filter {
            ids: ids.transpose()?,
            include_dry_run: self.include_dry_run,
            state: self.status,
            trigger: self.trigger_type,
            search: self.search.clone(),
            created_after: self
                .created_after
                .as_deref()
                .map(|t| moment(app, "created_after", t))
                .transpose()?,
            created_before: self
                .created_before
                .as_deref()
                .map(|t| moment(app, "created_before", t))
                .transpose()?,
            ordering: self.ordering.as_deref().map(|text| paging::ordering(text, ORDERINGS)).transpose()?,
            ..Filter::default()
        })
    }
}

async fn page_of(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    connector: Option<String>,
    query: ListExecutions,
) -> Result<web::Json<Page<ExecutionRow>>, ApiError> {
    let paging = Paging::new(query.page, query.page_size)?;
    let page = blocking(app, move |app| {
        let filter = query.filter(app)?;
        let (count, views) = execution::list(app, &caller.0, connector.as_deref(), filter, paging)?;
        let rows = views.into_iter().map(|view| row(app, &links, view)).collect();
        Ok(links.page(paging, count, rows))
    })
    .await?;
    Ok(web::Json(page))
}

/// The connector's executions, newest first. Dry runs are hidden unless asked for.
#[utoipa::path(tag = "Execution Status", params(("connector" = String, Path, description = "Id or api name"), ListExecutions),
    responses((status = 200, body = Page<ExecutionRow>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    query: Params<ListExecutions>,
) -> Result<web::Json<Page<ExecutionRow>>, ApiError> {
    page_of(app, caller, links, Some(path.into_inner()), query.0).await
}

/// Executions of all connectors, newest first.
#[utoipa::path(tag = "Execution Status", params(ListExecutions), responses((status = 200, body = Page<ExecutionRow>),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
#[get("/api/executions")]
pub async fn list_all(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<ListExecutions>,
) -> Result<web::Json<Page<ExecutionRow>>, ApiError> {
    page_of(app, caller, links, None, query.0).await
}

/// A path that names an execution of a connector.
pub fn parse_path(path: web::Path<(String, String)>) -> Result<(String, ExecutionId)> {
    let (connector, id) = path.into_inner();
    let id = id.parse().map_err(|_| Error::not_found("execution"))?;
    Ok((connector, id))
}

/// One execution.
#[utoipa::path(tag = "Execution Status", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = Uuid, Path)), responses((status = 200, body = ExecutionRow), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions/{id}")]
pub async fn get(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
) -> Result<web::Json<ExecutionRow>, ApiError> {
    let (connector, id) = parse_path(path)?;
    let row = blocking(app, move |app| {
        execution::get(app, &caller.0, &connector, id).map(|view| row(app, &links, view))
    })
    .await?;
    Ok(web::Json(row))
}

/// Cancel an execution.
///
/// A queued one is cancelled at once (202); a running one becomes `cancelling` and stops within a
/// second (202). Asked again, the answer is 200. One that ended otherwise: 409. Nothing is rolled back:
/// what was committed stays, and `totals` says how many records that is.
#[utoipa::path(tag = "Cancel Execution", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = Uuid, Path)), responses((status = 200, body = ExecutionRow), (status = 202, body = ExecutionRow),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/executions/{id}/cancel")]
pub async fn cancel(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (connector, id) = parse_path(path)?;
    let (asked, row) = blocking(app, move |app| {
        let (asked, view) = execution::cancel(app, &caller.0, &connector, id)?;
        Ok((asked, row(app, &links, view)))
    })
    .await?;
    let mut answer = if asked { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(answer.json(row))
}

/// How to run again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// Left out: as the earlier run.
    #[serde(default)]
    pub is_dry_run: Option<bool>,
    /// Load every row, also those equal to rows that an earlier run loaded; left out: as the earlier run.
    #[serde(default)]
    pub disable_diff_check: Option<bool>,
    /// Load it although the connector's guard would hold it.
    #[serde(default)]
    pub ignore_guard: bool,
}

/// Run the same input again, with today's live script and flow.
#[utoipa::path(tag = "File Upload (Trigger Run)", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, max_length = 255,
        description = "The same key with the same request within 24 hours has the first answer and starts nothing; with another request: 409.")), request_body = Rerun, responses(
    (status = 201, body = ExecutionRow, headers(("Location" = String, description = "Path of the execution"))),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/executions/{id}/rerun")]
pub async fn rerun(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    key: IdempotencyKey,
    path: web::Path<(String, String)>,
    body: Body<Rerun>,
) -> Result<HttpResponse, ApiError> {
    let (connector, id) = parse_path(path)?;
    let once = Once::new(key.0, &(id, &body.0))?;
    let Rerun { is_dry_run, disable_diff_check, ignore_guard } = body.0;
    let again = Again { is_dry_run, disable_diff_check, ignore_guard };
    let (location, text) = blocking(app, move |app| {
        let queued = execution::rerun(app, &caller.0, &connector, id, again, once)?;
        let location = location(queued.connector, queued.id);
        let text = queued.answer(app, |started| {
            let view = execution::get(app, &caller.0, &connector, started.id)?;
            to_text(&row(app, &links, view))
        })?;
        Ok((location, text))
    })
    .await?;
    let mut answer = answer(StatusCode::CREATED, text);
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}

/// The path of an execution.
pub fn location(connector: ConnectorId, id: ExecutionId) -> HeaderValue {
    let path = format!("/api/smart-connectors/{connector}/executions/{id}");
    HeaderValue::try_from(path).expect("ids are plain ASCII")
}

/// The script as this run used it, whatever was edited since.
#[utoipa::path(tag = "Execution Status", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = Uuid, Path)), responses((status = 200, body = ScriptRow), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions/{id}/sql-script")]
pub async fn script(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
) -> Result<web::Json<ScriptRow>, ApiError> {
    let (connector, id) = parse_path(path)?;
    let body = blocking(app, move |app| {
        let script = execution::script(app, &caller.0, &connector, id)?;
        Ok(ScriptRow::new(app, &links, script))
    })
    .await?;
    Ok(web::Json(body))
}
