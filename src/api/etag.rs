//! Whether the asker has what it asks for already.

use actix_web::{
    HttpRequest,
    http::header::{self, EntityTag, Header as _, IfNoneMatch},
};

/// Whether `If-None-Match` names this tag.
#[must_use]
pub fn is_known(request: &HttpRequest, etag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|tag| tag.weak_eq(etag)),
        Err(_) => false,
    }
}
