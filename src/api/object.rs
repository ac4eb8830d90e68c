//! `/api/custom-objects`: objects.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
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
    error::Error,
    object::{
        Object,
        design::{Label, NewObject},
    },
    service::{
        object::{self, ObjectChange, ObjectFilter},
        paging::Paging,
    },
};

/// The only type of object that this server has.
const STANDARD: &str = "standard";

/// An object.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ObjectRow {
    /// Identity.
    pub id: Uuid,
    /// Api name.
    pub name: String,
    /// Plural label.
    pub object_name: String,
    /// Singular label.
    pub entity_name: String,
    /// False for built-in objects.
    pub is_custom: bool,
    /// Always `standard`.
    pub object_type: String,
}

impl From<Object> for ObjectRow {
    fn from(object: Object) -> Self {
        Self {
            id: object.id.0,
            name: object.name,
            object_name: object.object_name,
            entity_name: object.entity_name,
            is_custom: object.is_custom,
            object_type: STANDARD.to_owned(),
        }
    }
}

/// Query of the objects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListObjects {
    /// Without built-in objects; true when left out.
    pub custom_only: Option<bool>,
    /// Part of the api name or a label.
    pub search: Option<String>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List objects by api name.
#[utoipa::path(tag = "Objects", params(ListObjects), responses(
    (status = 200, body = Page<ObjectRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[get("/api/custom-objects")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<ListObjects>,
) -> Result<web::Json<Page<ObjectRow>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let filter = ObjectFilter {
        custom_only: query.0.custom_only.unwrap_or(true),
        search: query.0.search.filter(|text| !text.is_empty()),
    };
    let (count, objects) = blocking(app, move |app| object::list(app, &caller.0, &filter, paging)).await?;
    Ok(web::Json(links.page(paging, count, objects.into_iter().map(ObjectRow::from).collect())))
}

/// A new object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateObject {
    /// Plural label.
    #[schema(value_type = Label)]
    pub object_name: String,
    /// Singular label.
    #[schema(value_type = Label)]
    pub entity_name: String,
    /// Api name; made from the plural label when left out.
    #[serde(default)]
    #[schema(pattern = "^[a-z_][a-z0-9_]{0,62}$")]
    pub name: Option<String>,
    /// Only `standard` is available.
    #[serde(default)]
    #[schema(pattern = "^standard$")]
    pub object_type: Option<String>,
    /// Taken from existing clients, without effect.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub default_on_activities: Option<serde_json::Value>,
}

/// There is one type of object.
fn check_type(object_type: Option<&str>) -> Result<(), Error> {
    let other = object_type.filter(|word| *word != STANDARD);
    other.map_or(Ok(()), |other| {
        let detail = format!("object_type {other:?} is not available on this server");
        Err(Error::invalid(detail).at("object_type"))
    })
}

/// Make an object.
#[utoipa::path(tag = "Objects", request_body = CreateObject, responses(
    (status = 201, body = ObjectRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[post("/api/custom-objects")]
pub async fn create(
    app: web::Data<App>,
    caller: Auth,
    body: Body<CreateObject>,
) -> Result<HttpResponse, ApiError> {
    let body = body.0;
    check_type(body.object_type.as_deref())?;
    let new = NewObject { name: body.name, object_name: body.object_name, entity_name: body.entity_name };
    let made = blocking(app, move |app| object::create(app, &caller.0, &new)).await?;
    Ok(HttpResponse::Created().json(ObjectRow::from(made)))
}

/// Read an object by id or api name.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name")), responses(
    (status = 200, body = ObjectRow), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[get("/api/custom-objects/{object}")]
pub async fn read(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<web::Json<ObjectRow>, ApiError> {
    let found = blocking(app, move |app| object::get(app, &caller.0, &path)).await?;
    Ok(web::Json(found.into()))
}

/// New labels of an object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateObject {
    /// Plural label.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    pub object_name: Option<String>,
    /// Singular label.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    pub entity_name: Option<String>,
    /// Only `standard` is available.
    #[serde(default)]
    #[schema(pattern = "^standard$")]
    pub object_type: Option<String>,
    /// Taken from existing clients, without effect.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub default_on_activities: Option<serde_json::Value>,
}

/// Change an object's labels.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name")),
    request_body = UpdateObject, responses(
    (status = 200, body = ObjectRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[patch("/api/custom-objects/{object}")]
pub async fn update(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    body: Body<UpdateObject>,
) -> Result<web::Json<ObjectRow>, ApiError> {
    check_type(body.0.object_type.as_deref())?;
    let change = ObjectChange { object_name: body.0.object_name, entity_name: body.0.entity_name };
    let changed = blocking(app, move |app| object::update(app, &caller.0, &path, change)).await?;
    Ok(web::Json(changed.into()))
}

/// Archive an object. Its records stay.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name")), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
#[delete("/api/custom-objects/{object}")]
pub async fn archive(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    blocking(app, move |app| object::archive(app, &caller.0, &path)).await?;
    Ok(HttpResponse::NoContent().finish())
}
