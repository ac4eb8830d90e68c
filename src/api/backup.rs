//! `GET /api/backup`: everything in one file.

use std::io::{self, Write};

use actix_web::{HttpResponse, get, http::header, web, web::Bytes};
use futures_util::stream;
use tokio::sync::mpsc;

use super::{
    auth::Auth,
    blocking, disposition,
    error::{ApiError, ErrorBody},
};
use crate::{app::App, context, error::Error, service::backup};

/// Bytes of a piece, at most.
const PIECE: usize = 256 * 1024;
/// Pieces on their way to the socket. The writer waits for a slow client: it holds a copy and no transaction.
const PIECES: usize = 4;

type Piece = io::Result<Bytes>;

/// Download a backup of everything but the secrets' key file, taken while the server works. `smartconnector
/// restore` puts it back.
#[utoipa::path(tag = "Server", responses(
    (status = 200, content_type = "application/zip", body = Vec<u8>, headers(("Content-Disposition" = String))),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
#[get("/api/backup")]
pub async fn download(app: web::Data<App>, caller: Auth) -> Result<HttpResponse, ApiError> {
    let name = format!("smartconnector-{}.backup", app.clock.now().format("%Y%m%d-%H%M%S"));
    let backup = blocking(app, move |app| backup::begin(app, &caller.0)).await?;
    let (send, receive) = mpsc::channel(PIECES);
    // A thread of its own: it lasts as long as the download.
    let work = context::carried(move || write(backup, &send));
    std::thread::Builder::new().name("backup".to_owned()).spawn(work).map_err(Error::internal)?;
    let pieces = stream::unfold(receive, |mut receive: mpsc::Receiver<Piece>| async move {
        receive.recv().await.map(|piece| (piece, receive))
    });
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CONTENT_DISPOSITION, disposition::attachment(&name)))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(pieces))
}

fn write(backup: backup::Backup, send: &mpsc::Sender<Piece>) {
    let out = io::BufWriter::with_capacity(PIECE, Pieces(send.clone()));
    if let Err(error) = backup.write(out) {
        log::warn!("a backup was not completed: {error}");
        // The answer has begun: cut off, it can't be taken for a whole one.
        let _ = send.blocking_send(Err(io::Error::other(error.detail)));
    }
}

struct Pieces(mpsc::Sender<Piece>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
