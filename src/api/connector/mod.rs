//! `/api/smart-connectors`: connectors and their configuration.

pub mod copy;
mod notification;
mod shape;
mod webhook;

use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use shape::{ConnectorDetail, ConnectorRow, Named, ObjectLabel};
pub use webhook::InboxRow;

use super::{
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
    page::{Links, Page},
};
use crate::{
    app::App,
    connector::{
        ConnectorType, Status,
        written::{ConnectorPatch, NewConnector},
    },
    id::FileId,
    script::ConfigMetadata,
    service::{
        connector::{self, ListFilter},
        paging::Paging,
    },
};

/// Query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConnectorQuery {
    /// Part of name, api name or description.
    pub search: Option<String>,
    /// `true`: status `operational` or `need_attention`; `false`: the others.
    pub active: Option<bool>,
    /// Of this type.
    #[param(inline, value_type = Option<ConnectorType>)]
    pub connector_type: Option<String>,
    /// Id or api name of the main object.
    pub custom_object: Option<String>,
    /// In this status.
    #[param(inline, value_type = Option<Status>)]
    pub status: Option<String>,
    /// `name`, `api_name`, `connector_type`, `status`, `created`, `updated` or `last_used_at`; `-` in
    /// front for descending.
    #[param(pattern = "^-?(name|api_name|connector_type|status|created|updated|last_used_at)$")]
    pub ordering: Option<String>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List connectors.
#[utoipa::path(tag = "Connectors", params(ConnectorQuery), responses(
    (status = 200, body = Page<ConnectorRow>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
#[get("/api/smart-connectors")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<ConnectorQuery>,
) -> Result<web::Json<Page<ConnectorRow>>, ApiError> {
    let query = query.0;
    let paging = Paging::new(query.page, query.page_size)?;
    let filter = ListFilter {
        search: query.search,
        active: query.active,
        connector_type: query.connector_type,
        custom_object: query.custom_object,
        status: query.status,
        ordering: query.ordering,
    };
    let (count, rows) =
        blocking(app.clone(), move |app| connector::list(app, &caller.0, filter, paging)).await?;
    let rows = rows.into_iter().map(|(connector, object)| ConnectorRow::new(&app, connector, object));
    Ok(web::Json(links.page(paging, count, rows.collect())))
}

/// Make a connector, in status `setup` and with an empty draft script.
#[utoipa::path(tag = "Connectors", request_body = NewConnector, responses(
    (status = 201, body = ConnectorDetail), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
#[post("/api/smart-connectors")]
pub async fn create(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    body: Body<NewConnector>,
) -> Result<HttpResponse, ApiError> {
    let detail = blocking(app.clone(), move |app| connector::create(app, &caller.0, body.0)).await?;
    Ok(HttpResponse::Created().json(ConnectorDetail::new(&app, &links, detail)))
}

/// Get a connector with everything that is configured.
#[utoipa::path(tag = "Connectors", params(("connector" = String, Path, description = "Id or api name.")), responses(
    (status = 200, body = ConnectorDetail), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}")]
pub async fn show(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
) -> Result<web::Json<ConnectorDetail>, ApiError> {
    let detail = blocking(app.clone(), move |app| connector::detail(app, &caller.0, &path)).await?;
    Ok(web::Json(ConnectorDetail::new(&app, &links, detail)))
}

/// Change a connector. The body is checked in full before anything is written.
#[utoipa::path(tag = "Connectors", params(("connector" = String, Path, description = "Id or api name.")),
    request_body = ConnectorPatch, responses(
    (status = 200, body = ConnectorDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[patch("/api/smart-connectors/{connector}")]
pub async fn change(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    body: Body<ConnectorPatch>,
) -> Result<web::Json<ConnectorDetail>, ApiError> {
    let detail = blocking(app.clone(), move |app| connector::patch(app, &caller.0, &path, body.0)).await?;
    Ok(web::Json(ConnectorDetail::new(&app, &links, detail)))
}

/// Delete a connector with its scripts, runs and files. Records stay.
#[utoipa::path(tag = "Connectors", params(("connector" = String, Path, description = "Id or api name.")), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
#[delete("/api/smart-connectors/{connector}")]
pub async fn remove(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    blocking(app, move |app| connector::remove(app, &caller.0, &path)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The file that a template is made for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateRequest {
    /// Left out: nothing is made, and the answer is empty.
    pub source_file_id: Option<FileId>,
}

/// A script for a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateAnswer {
    /// The SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_script: Option<String>,
    /// The inputs and seeds that it expects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_metadata: Option<ConfigMetadata>,
}

/// Make a working script for a file. It becomes the new draft; the old one is gone.
#[utoipa::path(tag = "Connectors", params(("connector" = String, Path, description = "Id or api name.")),
    request_body = TemplateRequest, responses(
    (status = 200, body = TemplateAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/get-file-template")]
pub async fn file_template(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    body: Body<TemplateRequest>,
) -> Result<web::Json<TemplateAnswer>, ApiError> {
    let made =
        blocking(app, move |app| connector::make_template(app, &caller.0, &path, body.0.source_file_id))
            .await?;
    let (user_script, config_metadata) = made.unzip();
    Ok(web::Json(TemplateAnswer { user_script, config_metadata }))
}
