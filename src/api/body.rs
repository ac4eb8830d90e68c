//! Bodies and query strings as typed values, refused in the API's own error shape.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest, dev::Payload, error::PayloadError, http::header, rt, web, web::Bytes,
};
use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;

use super::{error::ApiError, sound};
use crate::{
    app::App,
    error::{Code, Error, Result},
};

/// A JSON body. An empty one reads as `{}`, whatever its content type: clients send
/// `Content-Type: application/json` on POSTs without a body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let most_mb =
            request.app_data::<web::Data<App>>().map_or(0, |app| app.config.server.max_json_mb as usize);
        let limits = Limits::of(request, most_mb * MB, format!("{most_mb} MB (server.max_json_mb)"));
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = read(&mut payload, &limits).await?;
            Ok(Self(parse(&bytes)?))
        })
    }
}

const MB: usize = 1024 * 1024;

/// What a body may be that is read as a whole.
pub(super) struct Limits {
    most: usize,
    shown: String,
    announced: usize,
    idle: Duration,
}

impl Limits {
    /// At most so many bytes, as `shown` says it.
    pub fn of(request: &HttpRequest, most: usize, shown: String) -> Self {
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let idle = request.app_data::<web::Data<App>>().map_or(1, |app| app.config.server.idle_timeout_s);
        Self {
            most,
            shown,
            announced: length.and_then(|length| length.parse().ok()).unwrap_or(0),
            idle: Duration::from_secs(idle.into()),
        }
    }

    fn refuse(&self, size: usize) -> Result<()> {
        if size <= self.most {
            return Ok(());
        }
        Err(Error::new(Code::TooLarge, format!("The body is larger than {}.", self.shown)))
    }
}

/// Reads a body as a whole. One that says itself that it is too large is refused before any byte of it.
pub(super) async fn read(
    payload: &mut (impl Stream<Item = Result<Bytes, PayloadError>> + Unpin),
    limits: &Limits,
) -> Result<Vec<u8>> {
    limits.refuse(limits.announced)?;
    // What is announced may never come.
    let mut bytes = Vec::with_capacity(limits.announced.min(64 * 1024));
    loop {
        let next = rt::time::timeout(limits.idle, payload.next()).await.map_err(|_| {
            let idle = limits.idle.as_secs();
            Error::invalid(format!("No byte came for {idle} s (server.idle_timeout_s)."))
        })?;
        let Some(piece) = next else { return Ok(bytes) };
        let piece = piece.map_err(|e| Error::invalid(format!("The body broke off: {e}")))?;
        limits.refuse(bytes.len() + piece.len())?;
        bytes.extend_from_slice(&piece);
    }
}

/// Reads a JSON text; an empty one is `{}`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let text = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    // serde would take a list for an object's fields in order.
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Error::invalid("The body is a list, expected an object."));
    }
    sound::check(text)?;
    let mut reader = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|e| refused(&e))
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let path = error.path().to_string();
    let reason = error.inner().to_string();
    if !error.inner().is_data() {
        return Error::invalid(format!("The body is not valid JSON: {reason}"));
    }
    // serde says where in the text; the path says it better.
    let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
    if let Some(name) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Error::required(&if path == "." { name.to_owned() } else { format!("{path}.{name}") });
    }
    if path == "." { Error::invalid(reason) } else { Error::invalid(format!("{path}: {reason}")).at(&path) }
}

/// A query string. Unknown names are refused: a misspelt filter must not silently select everything.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let value = pairs("query string", request.query_string().as_bytes());
        std::future::ready(value.map(Self).map_err(ApiError))
    }
}

/// A form-encoded body. Unknown names are refused, as in a query string.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // Names and ids: a megabyte is plenty.
        let limits = Limits::of(request, MB, "1 MB".to_owned());
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = read(&mut payload, &limits).await?;
            Ok(Self(pairs("form", &bytes)?))
        })
    }
}

/// Reads `name=value&…`. A refusal names the parameter.
fn pairs<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes));
    serde_path_to_error::deserialize(reader).map_err(|e| {
        let (path, reason) = (e.path().to_string(), e.inner().to_string());
        match reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            Some(name) => Error::required(name),
            None if path == "." => Error::invalid(format!("The {what} is wrong: {reason}")),
            None => Error::invalid(format!("{path}: {reason}")).at(&path),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        #[serde(default)]
        items: Vec<Item>,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Item {
        size: u8,
    }

    #[test]
    fn refusals_name_the_field() {
        assert_eq!(parse::<Thing>(b"  ").unwrap(), Thing { items: vec![] });
        for (body, detail) in [
            (
                r#"{"items": [{"size": 1}, {"size": "x"}]}"#,
                r#"items[1].size: invalid type: string "x", expected u8"#,
            ),
            (r#"{"items": [{}]}"#, "items[0].size: This field is required."),
            (r#"{"itemz": []}"#, "itemz: unknown field `itemz`, expected `items`"),
        ] {
            assert_eq!(parse::<Thing>(body.as_bytes()).unwrap_err().detail, detail);
        }
        let refusal = parse::<Thing>(br#"{"items": ["#).unwrap_err();
        assert!(refusal.detail.starts_with("The body is not valid JSON"), "{refusal}");
        assert!(parse::<Thing>(br"{} {}").is_err());
    }
}
