//! `/api/team`: members and their roles.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Auth,
    blocking,
    body::{Body, Params},
    error::{ApiError, ErrorBody},
    page::{Links, Page},
    people::{MemberRow, Typeahead},
    time::local,
};
use crate::{
    app::App,
    auth::{Member, Role},
    error::Error,
    id::MemberId,
    service::{
        paging::Paging,
        team::{self, MemberChange},
    },
};

/// A member with its role.
#[derive(Debug, Serialize, ToSchema)]
pub struct TeamRow {
    /// The member.
    #[serde(flatten)]
    pub member: MemberRow,
    /// The most that its keys may do.
    pub role: Role,
    /// When it was added.
    pub created: DateTime<FixedOffset>,
}

impl TeamRow {
    fn new(app: &App, member: Member) -> Self {
        Self { role: member.role, created: local(app, member.created), member: member.into() }
    }
}

/// List members with their roles.
#[utoipa::path(tag = "People", params(Typeahead), responses(
    (status = 200, body = Page<TeamRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[get("/api/team")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<Typeahead>,
) -> Result<web::Json<Page<TeamRow>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let (count, members) =
        blocking(app.clone(), move |app| team::list(app, &caller.0, &query.0.search, paging)).await?;
    let rows = members.into_iter().map(|member| TeamRow::new(&app, member));
    Ok(web::Json(links.page(paging, count, rows.collect())))
}

/// A new member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// Unique without regard to case.
    #[schema(min_length = 3)]
    pub email: String,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// The most that its keys may do.
    pub role: Role,
}

/// Add a member. It can do nothing until it has a key.
#[utoipa::path(tag = "People", request_body = NewMember, responses(
    (status = 201, body = TeamRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[post("/api/team")]
pub async fn add(app: web::Data<App>, caller: Auth, body: Body<NewMember>) -> Result<HttpResponse, ApiError> {
    let new = MemberChange {
        email: Some(body.0.email),
        first_name: Some(body.0.first_name),
        last_name: Some(body.0.last_name),
        role: Some(body.0.role),
    };
    let member = blocking(app.clone(), move |app| team::add(app, &caller.0, new)).await?;
    Ok(HttpResponse::Created().json(TeamRow::new(&app, member)))
}

/// What of a member changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMember {
    /// Unique without regard to case.
    #[schema(min_length = 3)]
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The most that its keys may do.
    pub role: Option<Role>,
}

/// Change a member. What its keys may do changes at once.
#[utoipa::path(tag = "People", params(("id" = Uuid, Path)), request_body = ChangeMember, responses(
    (status = 200, body = TeamRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "It is the last admin.")))]
#[patch("/api/team/{id}")]
pub async fn change(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
    body: Body<ChangeMember>,
) -> Result<web::Json<TeamRow>, ApiError> {
    let id = member_id(&path)?;
    let ChangeMember { email, first_name, last_name, role } = body.0;
    let change = MemberChange { email, first_name, last_name, role };
    let member = blocking(app.clone(), move |app| team::change(app, &caller.0, id, change)).await?;
    Ok(web::Json(TeamRow::new(&app, member)))
}

/// Remove a member. Its keys and sessions end at once.
#[utoipa::path(tag = "People", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It is the last admin.")))]
#[delete("/api/team/{id}")]
pub async fn remove(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = member_id(&path)?;
    blocking(app, move |app| team::remove(app, &caller.0, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn member_id(text: &str) -> Result<MemberId, Error> {
    text.parse().map_err(|_| Error::not_found("member"))
}
