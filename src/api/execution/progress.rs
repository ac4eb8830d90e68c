//! A run as it goes on: a stream of events.
//!
//! The row is looked up again when the run's counters have changed, and once a second besides: its status
//! is in the database. So a watcher costs little while nothing happens, and sees a change within a fifth of
//! a second while much does. The streams that are open are bounded, and end when the server stops. With each
//! look-up it is asked again who watches: a key that was revoked or has expired, a session that has ended, a
//! member that was removed or may see less, ends the stream within about a second.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, get, http::header, rt::time::sleep, web};
use futures_util::{Stream, stream};
use utoipa::ToSchema;

use super::{
    parse_path,
    row::{ExecutionRow, row},
};
use crate::{
    api::{
        auth::{self, Auth},
        blocking,
        error::{ApiError, ErrorBody},
        page::Links,
    },
    app::App,
    error::{Code, Error, Result},
    id::ExecutionId,
    service::{
        execution,
        session::{self, Credentials},
    },
};

/// One event of the stream, as a reader of event streams has it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "what it describes is written as lines")]
pub struct ProgressEvent {
    /// `execution` while the run goes on, `end` once it has ended.
    event: String,
    /// JSON: the execution as in its list, or `{}` at the end.
    data: String,
}

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// Looks between two look-ups of a row whose counters stand still.
const LOOKS: u32 = 5;
/// Looks without an event after which a comment tells the connection's ends that it lives.
const HEARTBEAT: u32 = 75;

/// Watch a run.
///
/// An event `execution` carries the row each time it has changed, at most five times a second; the last one
/// is followed by an event `end`. A stream that ends without it was cut off, by the network, by the server's
/// stop, or because the caller may not see the run any more: ask again, or for the row.
#[utoipa::path(tag = "Execution Status", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = ProgressEvent, content_type = "text/event-stream"), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions/{id}/progress")]
pub async fn open(
    app: web::Data<App>,
    _caller: Auth,
    request: HttpRequest,
    links: Links,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (connector, id) = parse_path(path)?;
    let credentials = auth::credentials(&request, &app)?;
    let place = Open::count(&app)?;
    let watch =
        Watch { app, credentials, links, connector, id, _open: place, sent: None, quiet: 0, version: None };
    let first = watch.look_up().await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        // Not compressed: events would wait for one another.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(events(watch, first)))
}

/// One open stream, as long as it lives.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn count(app: &App) -> Result<Self> {
        let max = app.config.server.max_streams as usize;
        let before = app.streams.fetch_add(1, Ordering::AcqRel);
        let place = Self(Arc::clone(&app.streams));
        if before < max {
            return Ok(place);
        }
        Err(Error::new(Code::Busy, format!("{max} progress streams are open already (server.max_streams).")))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A run that is watched.
struct Watch {
    app: web::Data<App>,
    credentials: Credentials,
    links: Links,
    connector: String,
    id: ExecutionId,
    _open: Open,
    /// The last row sent, its clock left out.
    sent: Option<String>,
    /// Looks since then.
    quiet: u32,
    /// The counters' version then.
    version: Option<u64>,
}

impl Watch {
    async fn look_up(&self) -> Result<ExecutionRow, ApiError> {
        let (credentials, links) = (self.credentials.clone(), self.links.clone());
        let (connector, id) = (self.connector.clone(), self.id);
        blocking(self.app.clone(), move |app| {
            let caller = session::recognise(app, &credentials)?;
            execution::get(app, &caller, &connector, id).map(|view| row(app, &links, view))
        })
        .await
    }

    /// The event of a row that differs from the last one sent.
    fn event(&mut self, mut row: ExecutionRow) -> Option<String> {
        let text = serde_json::to_string(&row).ok()?;
        // While it runs this counts on by itself.
        row.duration_ms = None;
        let compared = serde_json::to_string(&row).ok()?;
        if self.sent.as_ref() == Some(&compared) {
            return None;
        }
        self.sent = Some(compared);
        self.quiet = 0;
        Some(format!("event: execution\ndata: {text}\n\n"))
    }

    /// Waits for the next thing to send; none when the stream is to end.
    async fn next(&mut self) -> Option<(String, bool)> {
        loop {
            sleep(LOOK).await;
            if self.app.runner.is_stopping() {
                return None;
            }
            self.quiet += 1;
            let version = self.app.runner.progress(self.id).map(|progress| progress.version());
            if version != self.version || self.quiet.is_multiple_of(LOOKS) {
                self.version = version;
                // One that was deleted, a caller that may not see it any more, a store that fails: whoever
                // watches asks again and is told.
                let row = self.look_up().await.ok()?;
                let ended = row.status.has_ended();
                if let Some(event) = self.event(row) {
                    return Some((event, ended));
                }
            }
            if self.quiet.is_multiple_of(HEARTBEAT) {
                return Some((": still here\n\n".to_owned(), false));
            }
        }
    }
}

/// Where a stream is.
enum At {
    First(Box<ExecutionRow>),
    Running,
    Ended,
    Over,
}

fn events(
    watch: Watch,
    first: ExecutionRow,
) -> impl Stream<Item = Result<web::Bytes, std::convert::Infallible>> {
    stream::unfold((watch, At::First(Box::new(first))), |(mut watch, at)| async move {
        let after = |ended| if ended { At::Ended } else { At::Running };
        let (text, at) = match at {
            At::First(row) => {
                let ended = row.status.has_ended();
                (watch.event(*row)?, after(ended))
            }
            At::Running => {
                let (text, ended) = watch.next().await?;
                (text, after(ended))
            }
            At::Ended => ("event: end\ndata: {}\n\n".to_owned(), At::Over),
            At::Over => return None,
        };
        Some((Ok(web::Bytes::from(text)), (watch, at)))
    })
}
