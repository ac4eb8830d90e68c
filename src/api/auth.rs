//! Who asks: the key in the headers, or the page's session cookie.
//!
//! `server` asks [`recognise`] before a request reaches its handler; [`Auth`] hands over what it found.

use std::{
    future::{Future, ready},
    pin::Pin,
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::Method, web};

use super::{address, error::ApiError};
use crate::{
    app::App,
    auth::Caller,
    error::{Code, Error, Result},
    service::session::{self, Credentials},
};

/// The session cookie's name.
pub const COOKIE: &str = "smartconnector_session";

/// A recognised caller; handlers that take it refuse everybody else with 401.
#[derive(Debug, Clone)]
pub struct Auth(pub Caller);

impl FromRequest for Auth {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(found) = request.extensions().get::<Self>() {
            return Box::pin(ready(Ok(found.clone())));
        }
        Box::pin(recognise(request))
    }
}

/// Finds out who asks.
pub fn recognise(request: &HttpRequest) -> impl Future<Output = Result<Auth, ApiError>> + use<> {
    let app = request.app_data::<web::Data<App>>().cloned();
    let app = app.ok_or_else(|| Error::internal("the router has no App"));
    let asked = app.and_then(|app| Ok((credentials(request, &app)?, app)));
    async move {
        let (credentials, app) = asked?;
        super::blocking(app, move |app| session::recognise(app, &credentials)).await.map(Auth)
    }
}

pub(in crate::api) fn credentials(request: &HttpRequest, app: &App) -> Result<Credentials> {
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).map(|value| value.trim().to_owned())
    };
    let bearer = header("authorization")
        .and_then(|value| {
            value.split_once(' ').map(|(scheme, key)| (scheme.to_owned(), key.trim().to_owned()))
        })
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key);
    let key = header("x-api-key").filter(|key| !key.is_empty()).or(bearer);
    let session = match key {
        Some(_) => None,
        None => request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()),
    };
    if session.is_some() {
        same_origin(request, app)?;
    }
    Ok(Credentials { key, session, business: header("x-business-id"), user: header("x-user-id") })
}

/// A cookie is sent by the browser on its own; what changes state must come from our own page.
fn same_origin(request: &HttpRequest, app: &App) -> Result<()> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let origin = request.headers().get("origin").and_then(|value| value.to_str().ok());
    if origin
        .is_some_and(|origin| own_origin(request, app).is_some_and(|own| own.eq_ignore_ascii_case(origin)))
    {
        return Ok(());
    }
    Err(Error::new(
        Code::PermissionRequired,
        "A session may change things from this server's own page only. Use X-API-KEY.",
    ))
}

/// The origin of this server's page, as a browser writes it: `server.public_url`, else the `Host` that it sent,
/// with the scheme that the connection has, or that a trusted proxy says it was asked by.
fn own_origin(request: &HttpRequest, app: &App) -> Option<String> {
    let public_url = &app.config.server.public_url;
    if let Some((scheme, rest)) = public_url.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        return Some(format!("{scheme}://{}", host.strip_suffix(default_port).unwrap_or(host)));
    }
    let host = request.headers().get("host")?.to_str().ok()?;
    Some(format!("{}://{host}", address::scheme(request, app)))
}
