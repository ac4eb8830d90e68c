//! `/api/smart-connectors/{connector}/sql-scripts`: drafts, the live script and what was published before.

use actix_web::{HttpResponse, get, patch, post, web};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use utoipa::{IntoParams, ToSchema};

use super::{
    asked_state::AskedState,
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
    file::FileRef,
    page::{Links, Page},
    people::MemberRow,
    time::local,
};
use crate::{
    app::App,
    error::Error,
    id::{FileId, ScriptId},
    script::{ConfigMetadata, SampleState, ScriptStatus},
    service::{
        connector::ScriptView,
        paging::{self, Paging},
        script::{self, Sample, ScriptPatch, Version},
    },
};

/// A script.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScriptRow {
    /// Identity; publishing keeps it.
    pub id: ScriptId,
    /// Draft or live.
    pub status: ScriptStatus,
    /// How its output sample fares.
    pub state: SampleState,
    /// The engine.
    pub sql_version: String,
    /// The SQL.
    pub user_script: String,
    /// The inputs and seeds that it expects.
    pub config_metadata: ConfigMetadata,
    /// The last good output sample.
    #[schema(required)]
    pub output_csv_file: Option<FileRef>,
    /// Why the last sample failed.
    #[schema(required)]
    pub error: Option<String>,
    /// The script changed after its sample was started.
    pub sample_is_stale: bool,
    /// When it was made.
    pub created: DateTime<FixedOffset>,
    /// When it was last edited or sampled.
    pub updated: DateTime<FixedOffset>,
    /// What is odd about the change that this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl ScriptRow {
    /// The answer for a script.
    #[must_use]
    pub fn new(app: &App, links: &Links, view: ScriptView) -> Self {
        let ScriptView { script, output, warning } = view;
        Self {
            id: script.id,
            status: script.status,
            state: script.state,
            sql_version: script.sql_version,
            user_script: script.user_script,
            config_metadata: script.config_metadata,
            output_csv_file: output.map(|file| FileRef::new(file, links)),
            error: script.error,
            sample_is_stale: script.sample_is_stale,
            created: local(app, script.created),
            updated: local(app, script.updated),
            warning,
        }
    }
}

/// Query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScriptQuery {
    /// Whose sample is in this state.
    #[param(inline)]
    pub state: Option<AskedState>,
    /// `draft` or `live`.
    #[param(inline)]
    pub status: Option<ScriptStatus>,
    /// `created`, or `-created` (the default).
    #[param(pattern = "^-?created$")]
    pub ordering: Option<String>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List a connector's draft and live script.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."), ScriptQuery), responses(
    (status = 200, body = Page<ScriptRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/sql-scripts")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    query: Params<ScriptQuery>,
) -> Result<web::Json<Page<ScriptRow>>, ApiError> {
    let query = query.0;
    let paging = Paging::new(query.page, query.page_size)?;
    let ordering = paging::ordering(query.ordering.as_deref().unwrap_or("-created"), &["created"])?;
    let mut views =
        blocking(app.clone(), move |app| script::list(app, &caller.0, &path, !ordering.1)).await?;
    views.retain(|view| {
        query.state.is_none_or(|state| state.as_known() == Some(view.script.state))
            && query.status.is_none_or(|status| view.script.status == status)
    });
    let rows: Vec<_> = views.into_iter().map(|view| ScriptRow::new(&app, &links, view)).collect();
    Ok(web::Json(links.part(paging, rows)))
}

/// Get a draft or live script.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path)), responses(
    (status = 200, body = ScriptRow), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/sql-scripts/{id}")]
pub async fn get(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
) -> Result<web::Json<ScriptRow>, ApiError> {
    let view = blocking(app.clone(), move |app| script::get(app, &caller.0, &path.0, &path.1)).await?;
    Ok(web::Json(ScriptRow::new(&app, &links, view)))
}

/// What of a draft changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeScript {
    /// The SQL.
    pub user_script: Option<String>,
    /// The inputs and seeds that it expects.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub config_metadata: Option<ConfigMetadata>,
    /// The engine, one of the metadata's.
    #[schema(pattern = r"^(sqlite-3|1\.3\.x|3\.1\.x|3\.4\.x|3\.6\.x|4\.1\.x)$")]
    pub sql_version: Option<String>,
    /// Accepted and ignored.
    #[schema(ignore)]
    pub source_file_id: Option<IgnoredAny>,
}

/// Clients may send a JSON text here by mistake; null would be one too.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ConfigMetadata>, D::Error> {
    ConfigMetadata::deserialize(deserializer).map(Some)
}

/// Edit a draft. A live script stays as it is.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path)), request_body = ChangeScript, responses(
    (status = 200, body = ScriptRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[patch("/api/smart-connectors/{connector}/sql-scripts/{id}")]
pub async fn change(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
    body: Body<ChangeScript>,
) -> Result<web::Json<ScriptRow>, ApiError> {
    let patch = ScriptPatch {
        user_script: body.0.user_script,
        config_metadata: body.0.config_metadata,
        sql_version: body.0.sql_version,
    };
    let view =
        blocking(app.clone(), move |app| script::patch(app, &caller.0, &path.0, &path.1, &patch)).await?;
    Ok(web::Json(ScriptRow::new(&app, &links, view)))
}

/// The file that a sample is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSample {
    /// Left out: the file of the last time, else the reference file.
    pub source_file_id: Option<FileId>,
}

/// Start generating the output sample of a draft, in the background.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path)), request_body = StartSample, responses(
    (status = 202, body = ScriptRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/sql-scripts/{id}/start")]
pub async fn start(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
    body: Body<StartSample>,
) -> Result<HttpResponse, ApiError> {
    let file = body.0.source_file_id;
    let view =
        blocking(app.clone(), move |app| script::start(app, &caller.0, &path.0, &path.1, file)).await?;
    Ok(HttpResponse::Accepted().json(ScriptRow::new(&app, &links, view)))
}

/// Stop a sample being generated.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path)), responses(
    (status = 200, body = ScriptRow), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/sql-scripts/{id}/cancel")]
pub async fn cancel(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
) -> Result<web::Json<ScriptRow>, ApiError> {
    let view = blocking(app.clone(), move |app| script::cancel(app, &caller.0, &path.0, &path.1)).await?;
    Ok(web::Json(ScriptRow::new(&app, &links, view)))
}

/// The id of what was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct Published {
    /// The script, now live.
    pub id: ScriptId,
}

/// Make a sampled draft live, and fork the next draft from it.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path)), responses(
    (status = 200, body = Published), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/sql-scripts/{id}/publish")]
pub async fn publish(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
) -> Result<web::Json<Published>, ApiError> {
    let id = blocking(app, move |app| script::publish(app, &caller.0, &path.0, &path.1)).await?;
    Ok(web::Json(Published { id }))
}

/// Which output sample.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleRequest {
    /// Which.
    #[serde(rename = "type")]
    pub kind: SampleKind,
}

/// Which output sample.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleKind {
    /// Made of the reference file.
    Reference,
    /// What the last execution of this script left.
    LastRun,
}

/// Where an output sample is downloaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampleAnswer {
    /// The URL.
    pub output_csv_file_url: String,
}

/// Get the address of an output sample.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path)), request_body = SampleRequest, responses(
    (status = 200, body = SampleAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/sql-scripts/{id}/download-output-sample")]
pub async fn download_output_sample(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
    body: Body<SampleRequest>,
) -> Result<web::Json<SampleAnswer>, ApiError> {
    let which = match body.0.kind {
        SampleKind::Reference => Sample::Reference,
        SampleKind::LastRun => Sample::LastRun,
    };
    let file = blocking(app, move |app| script::sample(app, &caller.0, &path.0, &path.1, which)).await?;
    Ok(web::Json(SampleAnswer { output_csv_file_url: FileRef::new(file, &links).url }))
}

/// One published version.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionRow {
    /// Counts from 1, the oldest.
    pub n: u64,
    /// The script.
    pub id: ScriptId,
    /// Live, or history.
    pub status: ScriptStatus,
    /// When it was published.
    #[schema(required)]
    pub published: Option<DateTime<FixedOffset>>,
    /// Who published it.
    #[schema(required)]
    pub published_by: Option<MemberRow>,
    /// The engine.
    pub sql_version: String,
    /// The SQL.
    pub user_script: String,
}

/// Query of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionQuery {
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List every version that was published, newest first.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."), VersionQuery), responses(
    (status = 200, body = Page<VersionRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/sql-scripts/history")]
pub async fn history(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    query: Params<VersionQuery>,
) -> Result<web::Json<Page<VersionRow>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let versions = blocking(app.clone(), move |app| script::history(app, &caller.0, &path)).await?;
    let rows = versions.into_iter().map(|Version { n, script, author }| VersionRow {
        n: n as u64,
        id: script.id,
        status: script.status,
        published: script.published.map(|time| local(&app, time)),
        published_by: author.map(MemberRow::from),
        sql_version: script.sql_version,
        user_script: script.user_script,
    });
    Ok(web::Json(links.part(paging, rows.collect())))
}

/// Write the text of a published version into the draft.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("n" = u64, Path, description = "Number of the version.")), responses(
    (status = 200, body = ScriptRow), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/sql-scripts/history/{n}/restore")]
pub async fn restore(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
) -> Result<web::Json<ScriptRow>, ApiError> {
    let n = path.1.parse::<usize>().map_err(|_| Error::not_found("published version"))?;
    let view = blocking(app.clone(), move |app| script::restore(app, &caller.0, &path.0, n)).await?;
    Ok(web::Json(ScriptRow::new(&app, &links, view)))
}
