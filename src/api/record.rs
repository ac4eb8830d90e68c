//! `/api/records/{object}`: records.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, delete, get, patch, post, web};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
    page::{Links, Page},
    spooled,
};
use crate::{
    app::App,
    error::{Error, Result},
    id::{FieldId, RecordId},
    object::{Field, FieldType, FieldValue, shown::shown},
    service::{
        paging::Paging,
        record::{self, Assignment, Search, Shown},
        record_export,
    },
};

/// A record.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordRow {
    /// Identity.
    pub id: Uuid,
    /// When it was made.
    pub created: DateTime<FixedOffset>,
    /// When it was last changed.
    pub updated: DateTime<FixedOffset>,
    /// When it was archived.
    #[schema(required)]
    pub archived: Option<DateTime<FixedOffset>>,
    /// Its values, by field id.
    pub fields: BTreeMap<String, Cell>,
}

/// The value of a field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Cell {
    /// The field.
    pub id: Uuid,
    /// Its api name.
    pub name: String,
    /// Its type.
    pub field_type: FieldType,
    /// Its label.
    pub display_name: String,
    /// Text, number or boolean; choice `{id, name, code}`, related record `{id, name, display_name}`, a list of
    /// those, money `{currency, symbol, amount}`, member `{id, first_name, last_name, email, deleted}`.
    #[schema(required)]
    pub value: serde_json::Value,
    /// Of the mirror of a relationship: how many records there are; at most 100 of them are in `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
}

fn rows(found: &Shown) -> Vec<RecordRow> {
    let zone = found.labels.zone;
    let row = |record: &crate::object::Record| {
        let local = |time: DateTime<chrono::Utc>| time.with_timezone(&zone).fixed_offset();
        let cells = found.fields.iter().zip(&record.values).map(|(field, value)| {
            let cell = Cell {
                id: field.id.0,
                name: field.name.clone(),
                field_type: field.field_type,
                display_name: field.display_name.clone(),
                value: shown(field, value, &found.labels),
                count: mirrored(found, record.row, field, value),
            };
            (field.id.to_string(), cell)
        });
        RecordRow {
            id: RecordId::of(found.object.id, record.row).uuid(),
            created: local(record.created),
            updated: local(record.updated),
            archived: record.archived.map(local),
            fields: cells.collect(),
        }
    };
    found.records.iter().map(row).collect()
}

fn mirrored(found: &Shown, row: i64, field: &Field, value: &FieldValue) -> Option<i64> {
    match value {
        FieldValue::Many(rows) if !field.has_storage() => {
            let counted = found.mirrored.get(&(row, field.id)).copied();
            Some(counted.unwrap_or_else(|| i64::try_from(rows.len()).unwrap_or(i64::MAX)))
        }
        _ => None,
    }
}

/// The one record of an answer.
fn only(found: &Shown) -> Result<RecordRow> {
    rows(found).pop().ok_or_else(|| Error::internal("a record was read and is not there"))
}

/// Page and order of a search.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// `created`, `updated` or a field's api name, `-` in front for descending; in the order made when left out.
    pub ordering: Option<String>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// What to search for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchBody {
    /// As in the config of a filter group; left out or empty: every record.
    #[serde(default = "no_groups")]
    #[schema(value_type = Vec<Object>)]
    pub query: serde_json::Value,
    /// All groups of the query must hold (when left out); else one is enough.
    #[serde(default)]
    pub and: Option<bool>,
    /// Api names of the fields to answer; left out: all.
    #[serde(default)]
    pub field_names: Option<Vec<String>>,
}

fn no_groups() -> serde_json::Value {
    serde_json::Value::Array(Vec::new())
}

/// Search live records.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name"), SearchParams),
    request_body = SearchBody, responses(
    (status = 200, body = Page<RecordRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[post("/api/records/{object}/search")]
pub async fn search(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    query: Params<SearchParams>,
    body: Body<SearchBody>,
) -> Result<web::Json<Page<RecordRow>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let search = Search {
        and: body.0.and.unwrap_or(true),
        query: body.0.query,
        field_names: body.0.field_names,
        ordering: query.0.ordering,
    };
    let (count, rows) = blocking(app, move |app| {
        let (count, found) = record::search(app, &caller.0, &path, &search, paging)?;
        Ok((count, rows(&found)))
    })
    .await?;
    Ok(web::Json(links.page(paging, count, rows)))
}

/// Values to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteRecord {
    /// The fields, each once.
    pub fields: Vec<WriteCell>,
}

/// A value to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteCell {
    /// The field by id.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// The field by api name.
    #[serde(default)]
    pub name: Option<String>,
    /// As it is read; a bare id or label does too. Null clears the field.
    #[schema(required)]
    pub value: serde_json::Value,
    /// As it was read; without effect.
    #[serde(default)]
    pub field_type: Option<String>,
    /// As it was read; without effect.
    #[serde(default)]
    pub display_name: Option<String>,
}

impl From<WriteRecord> for Vec<Assignment> {
    fn from(body: WriteRecord) -> Self {
        let assignment =
            |cell: WriteCell| Assignment { id: cell.id.map(FieldId), name: cell.name, value: cell.value };
        body.fields.into_iter().map(assignment).collect()
    }
}

/// Make a record.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name")),
    request_body = WriteRecord, responses(
    (status = 201, body = RecordRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[post("/api/records/{object}/add")]
pub async fn add(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    body: Body<WriteRecord>,
) -> Result<HttpResponse, ApiError> {
    let assignments: Vec<Assignment> = body.0.into();
    let row = blocking(app, move |app| only(&record::add(app, &caller.0, &path, &assignments)?)).await?;
    Ok(HttpResponse::Created().json(row))
}

/// Query of a look-up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LookupParams {
    /// A record's id, or its label: the e-mail address of Contacts, the name of everything else.
    pub identifier: String,
}

/// Find the live record with an id or label.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name"), LookupParams),
    responses((status = 200, body = RecordRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "Several records have the label.")))]
#[get("/api/records/{object}/lookup")]
pub async fn lookup(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    query: Params<LookupParams>,
) -> Result<web::Json<RecordRow>, ApiError> {
    let row = blocking(app, move |app| only(&record::lookup(app, &caller.0, &path, &query.0.identifier)?));
    Ok(web::Json(row.await?))
}

/// Change the one live record with the label that the body has (the e-mail address of Contacts, the name
/// of everything else), or make it.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name")),
    request_body = WriteRecord, responses(
    (status = 200, body = RecordRow, description = "It was there."), (status = 201, body = RecordRow),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "Several records have the label."),
    (status = 413, body = ErrorBody)))]
#[post("/api/records/{object}/upsert")]
pub async fn upsert(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    body: Body<WriteRecord>,
) -> Result<HttpResponse, ApiError> {
    let assignments: Vec<Assignment> = body.0.into();
    let (row, is_new) = blocking(app, move |app| {
        let (found, is_new) = record::upsert(app, &caller.0, &path, &assignments)?;
        Ok((only(&found)?, is_new))
    })
    .await?;
    let mut answer = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(row))
}

/// Download the live records as CSV for a spreadsheet: labels instead of ids, several values joined by
/// `; `, and a `'` in front of text that a spreadsheet would run as a formula.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name")), responses(
    (status = 200, content_type = "text/csv", body = String), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/records/{object}/export")]
pub async fn export(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (file, name) = blocking(app, move |app| record_export::csv(app, &caller.0, &path)).await?;
    Ok(spooled::attachment(file, "text/csv; charset=utf-8", &format!("{name}.csv"))?)
}

/// Read a record, archived or not.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name"),
    ("record" = Uuid, Path)), responses(
    (status = 200, body = RecordRow), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[get("/api/records/{object}/{record}")]
pub async fn read(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
) -> Result<web::Json<RecordRow>, ApiError> {
    let (object, id) = path.into_inner();
    let id = record_id(&id)?;
    let row = blocking(app, move |app| only(&record::get(app, &caller.0, &object, id)?)).await?;
    Ok(web::Json(row))
}

/// Change a record. Fields that are left out stay as they are.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name"),
    ("record" = Uuid, Path)), request_body = WriteRecord, responses(
    (status = 200, body = RecordRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[patch("/api/records/{object}/{record}")]
pub async fn update(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    body: Body<WriteRecord>,
) -> Result<web::Json<RecordRow>, ApiError> {
    let (object, id) = path.into_inner();
    let id = record_id(&id)?;
    let assignments: Vec<Assignment> = body.0.into();
    let row =
        blocking(app, move |app| only(&record::edit(app, &caller.0, &object, id, &assignments)?)).await?;
    Ok(web::Json(row))
}

/// Archive a record. It is no longer found, and load steps may still match it.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name"),
    ("record" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[delete("/api/records/{object}/{record}")]
pub async fn archive(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (object, id) = path.into_inner();
    let id = record_id(&id)?;
    blocking(app, move |app| record::archive(app, &caller.0, &object, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Bring an archived record back.
#[utoipa::path(tag = "Records", params(("object" = String, Path, description = "Id or api name"),
    ("record" = Uuid, Path)), responses(
    (status = 200, body = RecordRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[patch("/api/records/{object}/{record}/unarchive")]
pub async fn unarchive(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
) -> Result<web::Json<RecordRow>, ApiError> {
    let (object, id) = path.into_inner();
    let id = record_id(&id)?;
    let row = blocking(app, move |app| only(&record::unarchive(app, &caller.0, &object, id)?)).await?;
    Ok(web::Json(row))
}

fn record_id(text: &str) -> Result<RecordId> {
    text.parse().map_err(|_| Error::not_found("record"))
}
