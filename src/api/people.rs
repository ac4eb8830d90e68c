//! `/api/team` and `/api/api-keys`: members and their keys.

use actix_web::{HttpResponse, delete, get, post, web};
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
    page::{Links, Page},
    time::local,
};
use crate::{
    app::App,
    auth::{ApiKey, Member, Role},
    id::{ConnectorId, KeyId, MemberId},
    service::{
        paging::Paging,
        people::{self, NewKey},
    },
};

/// A member.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberRow {
    /// Identity (`X-USER-ID`).
    pub id: Uuid,
    /// E-mail address.
    pub email: String,
    /// First and last name.
    pub full_name: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

impl From<Member> for MemberRow {
    fn from(member: Member) -> Self {
        Self {
            id: member.id.0,
            full_name: member.full_name(),
            email: member.email,
            first_name: member.first_name,
            last_name: member.last_name,
        }
    }
}

/// Query of the member search.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Typeahead {
    /// Part of a name or e-mail address.
    #[serde(default)]
    pub search: String,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// Find members by part of a name or e-mail address.
#[utoipa::path(tag = "People", params(Typeahead), responses(
    (status = 200, body = Page<MemberRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[get("/api/team/typeahead")]
pub async fn typeahead(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<Typeahead>,
) -> Result<web::Json<Page<MemberRow>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let (count, members) =
        blocking(app, move |app| people::search(app, &caller.0, &query.0.search, paging)).await?;
    Ok(web::Json(links.page(paging, count, members.into_iter().map(MemberRow::from).collect())))
}

/// A key, without its secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyRow {
    /// Identity.
    pub id: Uuid,
    /// The member that it belongs to.
    pub member_id: Uuid,
    /// What it is for.
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// The connectors that it reaches; null: all.
    #[schema(required)]
    pub connectors: Option<Vec<Uuid>>,
    /// When it was made.
    pub created: DateTime<FixedOffset>,
    /// When it was last used, to the minute.
    #[schema(required)]
    pub last_used_at: Option<DateTime<FixedOffset>>,
    /// From when on it is refused.
    #[schema(required)]
    pub expires_at: Option<DateTime<FixedOffset>>,
    /// The secret; only in the answer that made the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl KeyRow {
    fn new(app: &App, key: ApiKey) -> Self {
        Self {
            id: key.id.0,
            member_id: key.member.0,
            name: key.name,
            role: key.role,
            connectors: key.connectors.map(|ids| ids.into_iter().map(|id| id.0).collect()),
            created: local(app, key.created),
            last_used_at: key.last_used_at.map(|time| local(app, time)),
            expires_at: key.expires_at.map(|time| local(app, time)),
            secret: None,
        }
    }
}

/// Query of the keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct KeyQuery {
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List the keys that were not revoked.
#[utoipa::path(tag = "People", params(KeyQuery), responses(
    (status = 200, body = Page<KeyRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
#[get("/api/api-keys")]
pub async fn keys(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<KeyQuery>,
) -> Result<web::Json<Page<KeyRow>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let keys = blocking(app.clone(), move |app| people::keys(app, &caller.0)).await?;
    let rows: Vec<KeyRow> = keys.into_iter().map(|key| KeyRow::new(&app, key)).collect();
    Ok(web::Json(links.part(paging, rows)))
}

/// What a new key may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// What it is for.
    #[schema(pattern = r"\S")]
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// Whose it is; yours when left out.
    #[serde(default)]
    pub member_id: Option<Uuid>,
    /// The connectors that it reaches; left out: all.
    #[serde(default)]
    pub connectors: Option<Vec<Uuid>>,
    /// From when on it is refused; left out: never.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Make a key. The secret is in this answer and nowhere else.
#[utoipa::path(tag = "People", request_body = CreateKey, responses(
    (status = 201, body = KeyRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[post("/api/api-keys")]
pub async fn create_key(
    app: web::Data<App>,
    caller: Auth,
    body: Body<CreateKey>,
) -> Result<HttpResponse, ApiError> {
    let new = NewKey {
        name: body.0.name,
        role: body.0.role,
        member: body.0.member_id.map(MemberId),
        connectors: body.0.connectors.map(|ids| ids.into_iter().map(ConnectorId).collect()),
        expires_at: body.0.expires_at,
    };
    let (key, secret) = blocking(app.clone(), move |app| people::create_key(app, &caller.0, new)).await?;
    Ok(HttpResponse::Created().json(KeyRow { secret: Some(secret), ..KeyRow::new(&app, key) }))
}

/// Revoke a key and end its sessions, at once.
#[utoipa::path(tag = "People", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[delete("/api/api-keys/{id}")]
pub async fn revoke_key(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = path.parse::<KeyId>().map_err(|_| crate::error::Error::not_found("key"))?;
    blocking(app, move |app| people::revoke_key(app, &caller.0, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
