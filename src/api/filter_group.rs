//! `/api/custom-objects/{object}/filter-groups`: filter groups.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
    page::{Links, Page},
};
use crate::{
    app::App,
    error::{Error, Result},
    id::FilterGroupId,
    service::{
        filter_group::{self, Checked, GroupChange},
        paging::Paging,
    },
};

/// A filter group.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupRow {
    /// Identity.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// What it means.
    pub config: GroupConfig,
}

/// What a filter group means.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// All groups of the query must hold; else one is enough.
    #[serde(default = "yes")]
    pub and: bool,
    /// `[{id?, and, filters: [{type, subtype, field, condition, value}]}]`; empty: every record.
    #[schema(value_type = Vec<Object>)]
    pub query: serde_json::Value,
    /// A field that it looks at is gone. Read-only.
    #[serde(default)]
    pub invalid: bool,
}

const fn yes() -> bool {
    true
}

impl From<Checked> for GroupRow {
    fn from(checked: Checked) -> Self {
        let Checked { group, invalid } = checked;
        Self {
            id: group.id.0,
            name: group.name,
            config: GroupConfig { and: group.and, query: group.query, invalid },
        }
    }
}

/// Query of the filter groups.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListGroups {
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List an object's filter groups by name.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name"), ListGroups),
    responses((status = 200, body = Page<GroupRow>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/custom-objects/{object}/filter-groups")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    query: Params<ListGroups>,
) -> Result<web::Json<Page<GroupRow>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let (count, groups) = blocking(app, move |app| filter_group::list(app, &caller.0, &path, paging)).await?;
    Ok(web::Json(links.page(paging, count, groups.into_iter().map(GroupRow::from).collect())))
}

/// A new filter group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Name.
    #[serde(default)]
    #[schema(required, nullable = false)]
    pub name: Option<String>,
    /// What it means.
    #[serde(default)]
    #[schema(required, nullable = false)]
    pub config: Option<GroupConfig>,
    /// Taken from existing clients, without effect.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub sharing_settings: Option<serde_json::Value>,
}

impl From<NewGroup> for GroupChange {
    fn from(body: NewGroup) -> Self {
        Self { name: body.name, config: body.config.map(|config| (config.and, config.query)) }
    }
}

/// What of a filter group changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteGroup {
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// What it means.
    #[serde(default)]
    pub config: Option<GroupConfig>,
    /// Taken from existing clients, without effect.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub sharing_settings: Option<serde_json::Value>,
    /// As it was read; without effect.
    #[serde(default)]
    #[schema(ignore)]
    pub id: Option<IgnoredAny>,
}

impl From<WriteGroup> for GroupChange {
    fn from(body: WriteGroup) -> Self {
        Self { name: body.name, config: body.config.map(|config| (config.and, config.query)) }
    }
}

/// Make a filter group.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name")),
    request_body = NewGroup, responses(
    (status = 201, body = GroupRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[post("/api/custom-objects/{object}/filter-groups")]
pub async fn create(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    body: Body<NewGroup>,
) -> Result<HttpResponse, ApiError> {
    let new = body.0.into();
    let made = blocking(app, move |app| filter_group::create(app, &caller.0, &path, new)).await?;
    Ok(HttpResponse::Created().json(GroupRow::from(made)))
}

/// Read a filter group.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name"),
    ("group" = Uuid, Path)), responses(
    (status = 200, body = GroupRow), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[get("/api/custom-objects/{object}/filter-groups/{group}")]
pub async fn read(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
) -> Result<web::Json<GroupRow>, ApiError> {
    let (object, group) = path.into_inner();
    let group = group_id(&group)?;
    let found = blocking(app, move |app| filter_group::get(app, &caller.0, &object, group)).await?;
    Ok(web::Json(found.into()))
}

/// Change a filter group.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name"),
    ("group" = Uuid, Path)), request_body = WriteGroup, responses(
    (status = 200, body = GroupRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[patch("/api/custom-objects/{object}/filter-groups/{group}")]
pub async fn update(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    body: Body<WriteGroup>,
) -> Result<web::Json<GroupRow>, ApiError> {
    let (object, group) = path.into_inner();
    let group = group_id(&group)?;
    let change = body.0.into();
    let changed =
        blocking(app, move |app| filter_group::update(app, &caller.0, &object, group, &change)).await?;
    Ok(web::Json(changed.into()))
}

/// Delete a filter group.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name"),
    ("group" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[delete("/api/custom-objects/{object}/filter-groups/{group}")]
pub async fn delete(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (object, group) = path.into_inner();
    let group = group_id(&group)?;
    blocking(app, move |app| filter_group::delete(app, &caller.0, &object, group)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn group_id(text: &str) -> Result<FilterGroupId> {
    text.parse().map_err(|_| Error::not_found("filter group"))
}
