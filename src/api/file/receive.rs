//! Bodies of any size on their way to the store, a piece at a time.
//!
//! At most two pieces are in memory: one that is being written on the blocking pool, and the next one
//! that arrives meanwhile. No thread waits for bytes.

use std::time::Duration;

use actix_web::{HttpRequest, http::header, rt, web, web::Bytes};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, future, stream};

use super::form::refused;
use crate::{
    api::error::ApiError,
    app::App,
    error::{Error, Result},
    service::file::{self, Incoming},
};

/// Bytes of a piece, about.
const PIECE: usize = 1024 * 1024;
/// The most that a form adds to its file: names, short fields, boundaries.
pub(super) const AROUND: u64 = 1024 * 1024;

/// Refuses a body that says of itself that it is too large.
pub fn refuse_long(app: &App, request: &HttpRequest) -> Result<()> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|text| text.parse::<u64>().ok()) {
        Some(length) if length > file::limit(app) + AROUND => {
            Err(file::too_large(app.config.files.max_upload_mb))
        }
        _ => Ok(()),
    }
}

/// A request's body as a stream that may leave its thread, which the parser of forms demands. It ends
/// with an error when no byte comes for too long.
pub fn body(
    app: &App,
    mut payload: web::Payload,
) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + use<> {
    let idle = Duration::from_secs(app.config.files.idle_timeout_s.into());
    let (send, mut receive) = tokio::sync::mpsc::channel(1);
    rt::spawn(async move {
        loop {
            let next = match rt::time::timeout(idle, payload.next()).await {
                Ok(None) => return,
                Ok(Some(Ok(bytes))) => Ok(bytes),
                Ok(Some(Err(e))) => Err(Error::invalid(format!("The body broke off: {e}"))),
                Err(_) => Err(Error::invalid(format!(
                    "No byte came for {} s (files.idle_timeout_s).",
                    idle.as_secs()
                ))),
            };
            let is_last = next.is_err();
            if send.send(next).await.is_err() || is_last {
                return;
            }
        }
    });
    stream::poll_fn(move |cx| receive.poll_recv(cx))
}

/// Whether the body is a form.
pub fn is_form(request: &HttpRequest) -> bool {
    content_type(request).to_ascii_lowercase().starts_with("multipart/form-data")
}

/// The body's content type as sent.
pub fn content_type(request: &HttpRequest) -> &str {
    request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A file between two pieces.
pub struct Received(Option<Incoming>);

impl Received {
    /// Takes a form's file.
    pub async fn field(incoming: Incoming, field: multer::Field<'static>) -> Result<Self, ApiError> {
        Self(Some(incoming)).take(field.map_err(refused)).await
    }

    /// Takes a whole body.
    pub async fn body(
        incoming: Incoming,
        body: impl Stream<Item = Result<Bytes>> + Unpin,
    ) -> Result<Self, ApiError> {
        Self(Some(incoming)).take(body).await
    }

    async fn take(self, mut bytes: impl Stream<Item = Result<Bytes>> + Unpin) -> Result<Self, ApiError> {
        let mut received = self;
        let mut piece = gather(&mut bytes).await?;
        while !piece.is_empty() {
            let (written, next) = future::join(received.append(piece), gather(&mut bytes)).await;
            received = written?;
            piece = next?;
        }
        Ok(received)
    }

    async fn append(mut self, piece: Vec<Bytes>) -> Result<Self, ApiError> {
        let incoming = self.0.take();
        let written = web::block(move || {
            let mut incoming = incoming.ok_or_else(|| Error::internal("an upload lost its file"))?;
            for bytes in piece {
                incoming.append(&bytes)?;
            }
            Ok::<_, Error>(incoming)
        });
        let incoming = written.await.map_err(Error::internal)??;
        Ok(Self(Some(incoming)))
    }

    /// The file, of which all bytes are there: to be completed on the blocking pool.
    pub fn whole(mut self) -> Result<Incoming> {
        self.0.take().ok_or_else(|| Error::internal("an upload lost its file"))
    }
}

/// Removing what is stored of an upload waits for the disk, so it must not happen on a thread that
/// accepts requests; and the runtime's own threads may be gone when a stopping server drops its requests.
impl Drop for Received {
    fn drop(&mut self) {
        if let Some(incoming) = self.0.take() {
            std::thread::spawn(move || drop(incoming));
        }
    }
}

async fn gather(bytes: &mut (impl Stream<Item = Result<Bytes>> + Unpin)) -> Result<Vec<Bytes>> {
    let mut piece = Vec::new();
    let mut size = 0;
    while size < PIECE {
        let Some(next) = bytes.next().await.transpose()? else { break };
        size += next.len();
        // A field's end is an empty chunk or none: only bytes make a piece.
        if !next.is_empty() {
            piece.push(next);
        }
    }
    Ok(piece)
}
