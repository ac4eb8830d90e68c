//! Who asks: the key in the headers, or the page's session cookie.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::Method, web};

use super::error::ApiError;
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
        let credentials = credentials(request);
        let app = request.app_data::<web::Data<App>>().cloned();
        Box::pin(async move {
            let app = app.ok_or_else(|| Error::internal("the router has no App"))?;
            let credentials = credentials?;
            super::blocking(app, move |app| session::recognise(app, &credentials)).await.map(Auth)
        })
    }
}

pub(super) fn credentials(request: &HttpRequest) -> Result<Credentials> {
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
        same_origin(request)?;
    }
    Ok(Credentials { key, session, business: header("x-business-id"), user: header("x-user-id") })
}

/// A cookie is sent by the browser on its own; what changes state must come from our own page.
fn same_origin(request: &HttpRequest) -> Result<()> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let origin = request.headers().get("origin").and_then(|value| value.to_str().ok());
    let host = request.headers().get("host").and_then(|value| value.to_str().ok());
    let own = origin.and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
    if own.is_some() && own == host {
        return Ok(());
    }
    Err(Error::new(
        Code::PermissionRequired,
        "A session may change things from this server's own page only. Use X-API-KEY.",
    ))
}
