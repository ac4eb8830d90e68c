//! Dev packages: a connector or a run as a ZIP that runs anywhere.

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    auth::Auth,
    blocking,
    body::Params,
    error::{ApiError, ErrorBody},
    execution::parse_path,
    spooled,
};
use crate::{
    app::App,
    auth::Caller,
    id::{FileId, ScriptId},
    script::ScriptStatus,
    service::package::{self, Package, Records},
};

/// Which script a package holds.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackageScript {
    /// The one that may be edited.
    Draft,
    /// The one that live runs use.
    Live,
}

/// Which records a package holds besides those that seeds show.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackageRecords {
    /// None.
    None,
    /// Those that the input matches or looks up: a local run updates what the server would update. The input is run
    /// for it, without writing anything. It takes the right to read records.
    Matched,
}

fn records(asked: Option<PackageRecords>) -> Records {
    match asked {
        None | Some(PackageRecords::None) => Records::None,
        Some(PackageRecords::Matched) => Records::Matched,
    }
}

/// What a connector's package holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PackageQuery {
    /// The input of an execution of this connector; left out: the reference file.
    pub source_file_id: Option<Uuid>,
    /// Left out: the live script, else the draft.
    #[param(inline)]
    pub script: Option<PackageScript>,
    /// Left out: none.
    #[param(inline)]
    pub records: Option<PackageRecords>,
}

/// Which input a script's package holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScriptPackageQuery {
    /// The input of an execution of this connector; left out: the reference file.
    pub source_file_id: Option<Uuid>,
    /// Left out: none.
    #[param(inline)]
    pub records: Option<PackageRecords>,
}

/// What a run's package holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunPackageQuery {
    /// Left out: none.
    #[param(inline)]
    pub records: Option<PackageRecords>,
}

fn answer(package: Package) -> Result<HttpResponse, ApiError> {
    Ok(spooled::attachment(package.file, "application/zip", &format!("{}.zip", package.name))?)
}

/// Download a connector's dev package.
#[utoipa::path(tag = "Dev Package", params(("connector" = String, Path, description = "Id or api name."), PackageQuery),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/dev-package")]
pub async fn of_connector(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    query: Params<PackageQuery>,
) -> Result<HttpResponse, ApiError> {
    let script = query.0.script.map(|script| match script {
        PackageScript::Draft => ScriptStatus::Draft,
        PackageScript::Live => ScriptStatus::Live,
    });
    let file = query.0.source_file_id.map(FileId);
    let records = records(query.0.records);
    let work = move |app: &App| package::of_connector(app, &caller.0, &path, script, file, records);
    let made = blocking(app, work).await?;
    answer(made)
}

/// Download the dev package of a draft or live script.
#[utoipa::path(tag = "Dev Package", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path), ScriptPackageQuery),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/sql-scripts/{id}/dev-package")]
pub async fn of_script(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    query: Params<ScriptPackageQuery>,
) -> Result<HttpResponse, ApiError> {
    script_package(app, caller, path, query).await
}

/// Download the dev package of a draft or live script, under the name that existing clients know.
#[utoipa::path(tag = "Dev Package", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path), ScriptPackageQuery),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/sql-scripts/{id}/connector-local-dev-package")]
pub async fn of_script_too(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    query: Params<ScriptPackageQuery>,
) -> Result<HttpResponse, ApiError> {
    script_package(app, caller, path, query).await
}

async fn script_package(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    query: Params<ScriptPackageQuery>,
) -> Result<HttpResponse, ApiError> {
    let file = query.0.source_file_id.map(FileId);
    let records = records(query.0.records);
    let work = move |app: &App| {
        let caller: &Caller = &caller.0;
        package::of_script(app, caller, &path.0, &path.1, file, records)
    };
    answer(blocking(app, work).await?)
}

/// Download the dev package of exactly one run: its script, variables, flow, parameters and input.
///
/// Seeds are as of now.
#[utoipa::path(tag = "Dev Package", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = Uuid, Path), RunPackageQuery),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions/{id}/dev-package")]
pub async fn of_execution(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    query: Params<RunPackageQuery>,
) -> Result<HttpResponse, ApiError> {
    let (connector, id) = parse_path(path)?;
    let records = records(query.0.records);
    let work = move |app: &App| package::of_execution(app, &caller.0, &connector, id, records);
    answer(blocking(app, work).await?)
}
