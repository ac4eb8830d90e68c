//! Compression: gzip, for whoever asks, of texts that are long enough to gain by it.
//!
//! A stream of events is never compressed: its events would wait for one another. Neither are downloads: their
//! length is known, and a range is one of the file's. Those say so by a `Content-Encoding: identity` that does
//! not leave the server.

use actix_web::{
    Error as ActixError,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, AcceptEncoding, Encoding, Header as _, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};

/// Shorter bodies fit a packet or two however they are sent.
const WORTH_IT: u64 = 1024;
const NAME: HeaderName = header::ACCEPT_ENCODING;

/// Leaves of what the caller takes what there is: gzip, or nothing. Whoever takes neither gzip nor plain text gets
/// the answer plain all the same (RFC 9110 §12.5.3), not a refusal of what was done already.
pub fn settle(request: &mut ServiceRequest) {
    let ours = [Encoding::identity(), Encoding::gzip()];
    let best = AcceptEncoding::parse(&*request).ok().and_then(|accepted| accepted.negotiate(ours.iter()));
    let gzip = best == Some(Encoding::gzip());
    let headers = request.headers_mut();
    headers.remove(NAME);
    if gzip {
        headers.insert(NAME, HeaderValue::from_static("gzip"));
    }
}

/// Marks what is to stay as it is, for the compression around it.
pub async fn only_what_gains(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, ActixError> {
    let is_asked = request.headers().contains_key(NAME);
    let mut response = next.call(request).await?;
    let gains = gains(response.headers(), response.response().body().size());
    let headers = response.headers_mut();
    if gains && !is_asked {
        // The compressed one says so itself.
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    } else if !gains && !headers.contains_key(header::CONTENT_ENCODING) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(response)
}

fn gains(headers: &HeaderMap, size: BodySize) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_text = ["application/json", "text/", "image/svg"].iter().any(|text| kind.starts_with(text));
    let is_long = matches!(size, BodySize::Sized(size) if size >= WORTH_IT);
    is_text && is_long && !headers.contains_key(header::CONTENT_ENCODING)
}
