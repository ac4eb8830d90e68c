//! Pages of other origins (`server.cors_origins`, none by default). They come with a key: a session's cookie is
//! never sent along from elsewhere.

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    web,
};

use super::methods::Methods;
use crate::app::App;

/// What a page may send besides what every page may.
const MAY_SEND: &str = "authorization, content-type, idempotency-key, if-none-match, if-range, range, \
    x-api-key, x-business-id, x-request-id, x-user-id";
/// What a page may read besides what every page may.
const MAY_READ: &str = "accept-ranges, allow, content-disposition, content-range, etag, location, \
    retry-after, x-request-id";
/// How long a browser may remember the answer to its question, seconds.
const REMEMBERED: u32 = 600;

/// The origin that the answer is for, as its header says it; `None`: no other origin's page may read it.
pub fn origin(app: &App, headers: &HeaderMap) -> Option<HeaderValue> {
    let sent = headers.get(header::ORIGIN)?;
    let known = |origin: &String| origin == "*" || sent.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    app.config.server.cors_origins.iter().any(known).then(|| sent.clone())
}

/// The answer to a browser that asks before it sends; `None`: it does not ask.
pub fn preflight(request: &ServiceRequest) -> Option<HttpResponse> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let allow = request.app_data::<web::Data<Methods>>().filter(|_| asks)?.of(request.path())?;
    Some(
        HttpResponse::NoContent()
            .insert_header((header::ALLOW, allow.as_str()))
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, allow.as_str()))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, MAY_SEND))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, REMEMBERED))
            .finish(),
    )
}

/// Tells the browser who may read the answer.
pub fn mark(app: &App, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    if app.config.server.cors_origins.is_empty() {
        return;
    }
    // A cache must not give one origin's answer to another.
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(MAY_READ));
    }
}
