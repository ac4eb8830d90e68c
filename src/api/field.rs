//! `/api/custom-objects/{object}/fields`: fields.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
};
use crate::{
    app::App,
    error::{Error, Result},
    id::{FieldId, OptionId},
    object::{
        Cardinality, Field, FieldType,
        design::{Label, NewField, NewOption},
    },
    service::object::{self, FieldChange, FieldDesign, FieldEdit},
};

/// A field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldRow {
    /// Identity.
    pub id: Uuid,
    /// Api name.
    pub name: String,
    /// Label.
    pub display_name: String,
    /// Type.
    pub field_type: FieldType,
    /// Blank is refused.
    pub is_required: bool,
    /// Two live records can't share the value.
    pub is_unique: bool,
    /// Nobody can write it.
    pub is_read_only: bool,
    /// Of a choice field.
    pub options: Vec<OptionRow>,
    /// Of a relationship.
    #[schema(required)]
    pub relation: Option<RelationRow>,
    /// Always empty.
    #[schema(value_type = Object)]
    pub meta: serde_json::Map<String, serde_json::Value>,
    /// Only on deleted fields.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// An option.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OptionRow {
    /// Identity.
    pub id: Uuid,
    /// Label.
    pub name: String,
    /// Code.
    pub code: String,
    /// Position.
    pub order: i64,
}

/// Where a relationship leads.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RelationRow {
    /// The related object.
    pub object: Uuid,
    /// How many records this side holds.
    pub cardinality: Cardinality,
    /// The field on the other side.
    pub mirror: Uuid,
    /// Whether this field shows what the other side holds.
    pub is_mirror: bool,
}

impl From<Field> for FieldRow {
    fn from(field: Field) -> Self {
        let option = |option: crate::object::FieldOption| OptionRow {
            id: option.id.0,
            name: option.name,
            code: option.code,
            order: option.order,
        };
        Self {
            id: field.id.0,
            name: field.name,
            display_name: field.display_name,
            field_type: field.field_type,
            is_required: field.is_required,
            is_unique: field.is_unique,
            is_read_only: field.is_read_only,
            options: field.options.into_iter().map(option).collect(),
            relation: field.relation.map(|relation| RelationRow {
                object: relation.object.0,
                cardinality: relation.cardinality,
                mirror: relation.mirror.0,
                is_mirror: relation.is_mirror,
            }),
            meta: serde_json::Map::new(),
            deleted: field.deleted,
        }
    }
}

/// Query of the fields.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListFields {
    /// With deleted fields.
    #[serde(default)]
    pub include_deleted: bool,
}

/// List an object's fields in display order.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name"), ListFields),
    responses((status = 200, body = Vec<FieldRow>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/custom-objects/{object}/fields")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    query: Params<ListFields>,
) -> Result<web::Json<Vec<FieldRow>>, ApiError> {
    let all = query.0.include_deleted;
    let fields = blocking(app, move |app| object::fields(app, &caller.0, &path, all)).await?;
    Ok(web::Json(fields.into_iter().map(FieldRow::from).collect()))
}

/// A new field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateField {
    /// Label.
    #[schema(value_type = Label)]
    pub display_name: String,
    /// Type; `wysiwyg` is taken as `longtext`.
    #[schema(value_type = FieldType)]
    pub field_type: String,
    /// Api name; made from the label when left out.
    #[serde(default)]
    #[schema(pattern = "^[a-z_][a-z0-9_]{0,62}$")]
    pub name: Option<String>,
    /// Of a choice field.
    #[serde(default)]
    pub options: Option<Vec<CreateOption>>,
    /// Of a relationship.
    #[serde(default)]
    pub relation: Option<CreateRelation>,
    /// Refuse blank.
    #[serde(default)]
    pub is_required: bool,
    /// Let no two live records share a value.
    #[serde(default)]
    pub is_unique: bool,
    /// Taken from existing clients, without effect.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub category: Option<serde_json::Value>,
}

/// A new option.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOption {
    /// Label.
    #[schema(value_type = Label)]
    pub name: String,
    /// Code; made from the label when left out.
    #[serde(default)]
    pub code: Option<String>,
}

/// Where a new relationship leads.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRelation {
    /// The related object, by id or api name.
    pub object: String,
    /// How many records this side holds.
    pub cardinality: Cardinality,
}

/// Make a field. A relationship's mirror is made with it.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name")),
    request_body = CreateField, responses(
    (status = 201, body = FieldRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[post("/api/custom-objects/{object}/fields")]
pub async fn create(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    body: Body<CreateField>,
) -> Result<HttpResponse, ApiError> {
    let design = design(body.0)?;
    let made = blocking(app, move |app| object::create_field(app, &caller.0, &path, design)).await?;
    Ok(HttpResponse::Created().json(FieldRow::from(made)))
}

fn design(body: CreateField) -> Result<FieldDesign> {
    let field_type = FieldType::parse(&body.field_type).ok_or_else(|| {
        Error::invalid(format!("field_type {:?} is not available on this server", body.field_type))
            .at("field_type")
    })?;
    let option = |option: CreateOption| NewOption { name: option.name, code: option.code };
    Ok(FieldDesign {
        field: NewField {
            name: body.name,
            display_name: body.display_name,
            field_type,
            is_required: body.is_required,
            is_unique: body.is_unique,
            options: body.options.unwrap_or_default().into_iter().map(option).collect(),
            relation: None,
        },
        relation: body.relation.map(|relation| (relation.object, relation.cardinality)),
    })
}

/// What changes of a field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateField {
    /// Label.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    pub display_name: Option<String>,
    /// Refuse blank from now on.
    #[serde(default)]
    pub is_required: Option<bool>,
    /// Let no two live records share a value; refused when some do.
    #[serde(default)]
    pub is_unique: Option<bool>,
    /// With id: gets this label. Without: is added. Options that are left out stay.
    #[serde(default)]
    pub options: Option<Vec<UpdateOption>>,
    /// Taken from existing clients, without effect.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub category: Option<serde_json::Value>,
}

/// An option to add or rename.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateOption {
    /// Of an option that is there.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Label.
    pub name: String,
    /// Code of a new option; that of one that is there stays.
    #[serde(default)]
    pub code: Option<String>,
    /// As it was read; without effect.
    #[serde(default)]
    pub order: Option<i64>,
}

/// Change a field. Api name and type never change.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name"),
    ("field" = Uuid, Path)), request_body = UpdateField, responses(
    (status = 200, body = FieldRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[patch("/api/custom-objects/{object}/fields/{field}")]
pub async fn update(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    body: Body<UpdateField>,
) -> Result<web::Json<FieldRow>, ApiError> {
    let (object_name, field) = path.into_inner();
    let field = field_id(&field)?;
    let edit = edit(body.0);
    let changed =
        blocking(app, move |app| object::update_field(app, &caller.0, &object_name, field, &edit)).await?;
    Ok(web::Json(changed.into()))
}

fn edit(body: UpdateField) -> FieldEdit {
    let mut edit = FieldEdit {
        change: FieldChange {
            display_name: body.display_name,
            is_required: body.is_required,
            is_unique: body.is_unique,
            new_options: Vec::new(),
        },
        renamed_options: Vec::new(),
    };
    for option in body.options.unwrap_or_default() {
        match option.id {
            Some(id) => edit.renamed_options.push((OptionId(id), option.name)),
            None => edit.change.new_options.push(NewOption { name: option.name, code: option.code }),
        }
    }
    edit
}

/// Delete a field. Its data stays until it is vacuumed.
#[utoipa::path(tag = "Objects", params(("object" = String, Path, description = "Id or api name"),
    ("field" = Uuid, Path)), responses(
    (status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
#[delete("/api/custom-objects/{object}/fields/{field}")]
pub async fn delete(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (object_name, field) = path.into_inner();
    let field = field_id(&field)?;
    blocking(app, move |app| object::delete_field(app, &caller.0, &object_name, field)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn field_id(text: &str) -> Result<FieldId> {
    text.parse().map_err(|_| Error::not_found("field"))
}
