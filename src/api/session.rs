//! `/api/session`: signing in and out for the page.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    delete, post, web,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    address,
    auth::{Auth, COOKIE},
    blocking,
    body::Body,
    error::{ApiError, ErrorBody},
};
use crate::{
    app::App,
    auth::Role,
    service::session::{self, Credentials},
};

/// A key to sign in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The API key.
    pub api_key: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// The workspace.
    pub business_id: Uuid,
    /// Its name.
    pub business_name: String,
    /// The member.
    pub user_id: Uuid,
    /// The member's name.
    pub display_name: String,
    /// What the session may do.
    pub role: Role,
}

/// Sign in with a key: sets a session cookie for the page.
#[utoipa::path(tag = "Session", security(()), request_body = SignIn, responses(
    (status = 200, body = Session), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 429, body = ErrorBody)))]
#[post("/api/session")]
pub async fn sign_in(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<SignIn>,
) -> Result<HttpResponse, ApiError> {
    app.tries.count(address::of(&request, &app))?;
    let credentials = Credentials { key: Some(body.0.api_key), ..Credentials::default() };
    let (session, token, lasts) = blocking(app.clone(), move |app| {
        let (caller, token, lasts) = session::start(app, &credentials)?;
        let session = Session {
            business_id: app.workspace.id.0,
            business_name: app.workspace.name.clone(),
            user_id: caller.member.id.0,
            display_name: caller.member.full_name(),
            role: caller.role,
        };
        Ok((session, token, lasts))
    })
    .await?;
    let secure =
        app.config.server.public_url.starts_with("https://") || address::scheme(&request, &app) == "https";
    let cookie = Cookie::build(COOKIE, token)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(secure)
        .max_age(Duration::seconds(lasts.num_seconds()))
        .finish();
    Ok(HttpResponse::Ok().cookie(cookie).json(session))
}

/// Sign out: ends the session of the cookie.
#[utoipa::path(tag = "Session", responses((status = 204), (status = 401, body = ErrorBody)))]
#[delete("/api/session")]
pub async fn sign_out(
    app: web::Data<App>,
    request: HttpRequest,
    _caller: Auth,
) -> Result<HttpResponse, ApiError> {
    if let Some(token) = request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()) {
        blocking(app, move |app| session::end(app, &token)).await?;
    }
    let mut gone = Cookie::build(COOKIE, "").path("/").finish();
    gone.make_removal();
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}
