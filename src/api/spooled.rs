//! Answers that were made in a temporary file first, so that a slow client holds nothing but the file
//! and its place.

use std::io::Read as _;

use actix_web::{HttpResponse, http::header, web, web::Bytes};
use futures_util::stream;

use super::disposition;
use crate::{
    error::{Error, Result},
    service::exporting::Export,
};

/// Bytes of a piece, at most.
const PIECE: usize = 256 * 1024;

/// Streams `file` under `name`. It goes, and its place is free, when the last piece is on its way or the client is gone.
pub fn attachment(file: Export, content_type: &str, name: &str) -> Result<HttpResponse> {
    let size = file.size().map_err(Error::internal)?;
    let pieces = stream::try_unfold(file, |mut file| async {
        let read = web::block(move || {
            let mut piece = vec![0; PIECE];
            let count = file.read(&mut piece)?;
            piece.truncate(count);
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    });
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_DISPOSITION, disposition::attachment(name)))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .no_chunking(size)
        .streaming(pieces))
}
