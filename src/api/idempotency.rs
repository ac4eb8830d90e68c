//! `Idempotency-Key`: the same request sent again has the first answer and starts nothing.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::StatusCode};
use serde::Serialize;

use super::error::ApiError;
use crate::{
    error::{Error, Result},
    service::execution,
};

/// The key of a request, checked before anything of its body is read.
#[derive(Debug)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key(request).map(Self).map_err(ApiError))
    }
}

fn key(request: &HttpRequest) -> Result<Option<String>> {
    let Some(text) = visible(request, "Idempotency-Key")? else { return Ok(None) };
    execution::checked_key(text)?;
    Ok(Some(text.to_owned()))
}

/// A header that names the request. One that can't be read is no reason to take the request as new each time.
pub fn visible<'r>(request: &'r HttpRequest, name: &str) -> Result<Option<&'r str>> {
    let Some(value) = request.headers().get(name) else { return Ok(None) };
    let text = value
        .to_str()
        .map_err(|_| Error::invalid(format!("{name}: found other than visible ASCII characters")))?;
    Ok(Some(text))
}

/// The text that an answer is kept as.
pub fn to_text(answer: &impl Serialize) -> Result<String> {
    serde_json::to_string(answer).map_err(Error::internal)
}

/// An answer that is text already.
pub fn answer(status: StatusCode, text: String) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(text)
}
