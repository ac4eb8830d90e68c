//! A file's bytes on their way out, a piece at a time, from any place.

use std::{collections::BTreeMap, str::FromStr as _};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    get,
    http::{
        StatusCode,
        header::{self, ContentEncoding, EntityTag, Range},
    },
    web,
    web::Bytes,
};
use futures_util::{Stream, stream};

use super::id;
use crate::{
    api::{
        auth::Auth,
        blocking, disposition,
        error::{ApiError, ErrorBody},
        etag::is_known,
    },
    app::App,
    error::{Code, Result},
    service::file::{self, Outgoing},
};

/// Bytes of a piece, at most: a client that takes its time has one waiting.
const PIECE: u64 = 256 * 1024;

/// Download a file, or a range of it.
#[utoipa::path(tag = "Files", params(("id" = Uuid, Path), ("Range" = Option<String>, Header),
    ("If-None-Match" = Option<String>, Header)), responses(
    (status = 200, content_type = "*/*", body = Vec<u8>, headers(
        ("Content-Disposition" = String), ("ETag" = String, description = "The file's SHA-256, in quotes"))),
    (status = 206, content_type = "*/*", body = Vec<u8>, headers(("Content-Range" = String))),
    (status = 304, description = "It is the file that If-None-Match names"),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 416, body = ErrorBody, headers(("Content-Range" = String)))))]
#[get("/api/files/{id}/download")]
pub async fn download(
    app: web::Data<App>,
    caller: Auth,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = id(&path)?;
    let key = caller.0.key;
    let (file, reader) = blocking(app.clone(), move |app| file::open(app, &caller.0, id)).await?;
    let tag = EntityTag::new_strong(file.sha256.clone());
    let etag = tag.to_string();
    if is_known(&request, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish());
    }
    let (from, to) = match wanted(&request, &etag, file.size) {
        Wanted::All => (0, file.size),
        Wanted::Part(first, last) => (first, last + 1),
        Wanted::Nothing => return Ok(unsatisfiable(file.size)),
    };
    let outgoing = Outgoing::begin(&app, key, reader)?;
    let mut response = HttpResponse::Ok();
    if to - from < file.size {
        response.status(StatusCode::PARTIAL_CONTENT);
        response.insert_header((header::CONTENT_RANGE, format!("bytes {from}-{}/{}", to - 1, file.size)));
    }
    response
        .insert_header((header::CONTENT_TYPE, file.content_type.as_str()))
        .insert_header((header::CONTENT_DISPOSITION, disposition::attachment(&file.name)))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::ETAG, etag))
        // Sent as it is stored, so that its length is known and a range is one of the file's.
        .insert_header(ContentEncoding::Identity);
    Ok(response.body(SizedStream::new(to - from, pieces(outgoing, from, to))))
}

/// The part of a file that a request asks for, first and last byte.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(u64, u64),
    Nothing,
}

/// A range is taken when it is one and of this very file; anything else asks for all (RFC 9110 §14.2).
fn wanted(request: &HttpRequest, etag: &str, size: u64) -> Wanted {
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Wanted::All };
    if text(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Wanted::All;
    }
    match Range::from_str(range) {
        Ok(Range::Bytes(specs)) if specs.len() == 1 => match specs[0].to_satisfiable_range(size) {
            Some((first, last)) => Wanted::Part(first, last),
            None => Wanted::Nothing,
        },
        _ => Wanted::All,
    }
}

fn unsatisfiable(size: u64) -> HttpResponse {
    HttpResponse::RangeNotSatisfiable()
        .insert_header((header::CONTENT_RANGE, format!("bytes */{size}")))
        .json(ErrorBody {
            detail: format!("Range: the file has {size} bytes."),
            code: Code::Invalid.as_str().to_owned(),
            errors: BTreeMap::new(),
        })
}

/// Reads on the blocking pool, each piece when the one before it is on its way.
fn pieces(outgoing: Outgoing, from: u64, to: u64) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((outgoing, from), move |(mut outgoing, at)| async move {
        if at >= to {
            return Ok(None);
        }
        let size = usize::try_from((to - at).min(PIECE)).unwrap_or_default();
        let read = web::block(move || outgoing.piece(at, size).map(|piece| (outgoing, piece)));
        let (outgoing, piece) = read.await.map_err(std::io::Error::other)??;
        let next = at + piece.len() as u64;
        Ok(Some((Bytes::from(piece), (outgoing, next))))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn one_range_of_this_file_is_a_part() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0, 0)),
            ("bytes=2-", Wanted::Part(2, 9)),
            ("bytes=5-100", Wanted::Part(5, 9)),
            ("bytes=-3", Wanted::Part(7, 9)),
            ("bytes=-30", Wanted::Part(0, 9)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=0-1,4-5", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=x", Wanted::All),
        ] {
            let request = TestRequest::default().insert_header((header::RANGE, range)).to_http_request();
            assert_eq!(wanted(&request, "\"e\"", 10), expected, "{range}");
        }
        for (known, expected) in [("\"e\"", Wanted::Part(1, 9)), ("\"f\"", Wanted::All)] {
            let request = TestRequest::default()
                .insert_header((header::RANGE, "bytes=1-"))
                .insert_header((header::IF_RANGE, known))
                .to_http_request();
            assert_eq!(wanted(&request, "\"e\"", 10), expected, "{known}");
        }
    }
}
