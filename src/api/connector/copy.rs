//! Connectors copied: beside the original, or to another server.

use actix_web::{HttpResponse, get, http::header::CONTENT_DISPOSITION, post, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::ConnectorDetail;
use crate::{
    api::{
        auth::Auth,
        blocking,
        body::{Body, Params},
        disposition,
        error::{ApiError, ErrorBody},
        page::Links,
    },
    app::App,
    object::design::Label,
    package::document::Document,
    service::connector,
};

/// What a copy is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateRequest {
    /// Its label; unique without regard to case.
    #[schema(value_type = Label)]
    pub name: String,
}

/// Copy a connector with script, variables, flow, seeds and settings. The copy is in status `setup`;
/// secrets and executions stay behind.
#[utoipa::path(tag = "Connectors", params(("connector" = String, Path, description = "Id or api name.")),
    request_body = DuplicateRequest, responses(
    (status = 201, body = ConnectorDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/duplicate")]
pub async fn duplicate(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    body: Body<DuplicateRequest>,
) -> Result<HttpResponse, ApiError> {
    let detail =
        blocking(app.clone(), move |app| connector::duplicate(app, &caller.0, &path, &body.0.name)).await?;
    Ok(HttpResponse::Created().json(ConnectorDetail::new(&app, &links, detail)))
}

/// Export a connector as one document that calls everything by name, with its live script, else its
/// draft. No secrets are in it.
#[utoipa::path(tag = "Connectors", params(("connector" = String, Path, description = "Id or api name.")), responses(
    (status = 200, body = Document), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It names what is gone.")))]
#[get("/api/smart-connectors/{connector}/export")]
pub async fn export(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let document = blocking(app, move |app| connector::export(app, &caller.0, &path)).await?;
    let name = disposition::attachment(&format!("{}.json", document.connector.api_name));
    Ok(HttpResponse::Ok().insert_header((CONTENT_DISPOSITION, name)).json(document))
}

/// Query of an import.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Make the objects, fields, options and filter groups that are not there.
    pub create_objects: Option<bool>,
}

/// Recreate an exported connector, in status `setup`; its script is published when it was. Nothing is
/// written unless everything that the document names is there or may be made.
#[utoipa::path(tag = "Connectors", params(ImportQuery), request_body = Document, responses(
    (status = 201, body = ConnectorDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[post("/api/smart-connectors/import")]
pub async fn import(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<ImportQuery>,
    body: Body<Document>,
) -> Result<HttpResponse, ApiError> {
    let create = query.0.create_objects.unwrap_or_default();
    let detail = blocking(app.clone(), move |app| connector::import(app, &caller.0, &body.0, create)).await?;
    Ok(HttpResponse::Created().json(ConnectorDetail::new(&app, &links, detail)))
}
