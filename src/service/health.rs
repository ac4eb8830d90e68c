//! Whether the server can work, and what it counts.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    app::App,
    auth::{Caller, Role},
    error::Result,
    metrics::{Measured, MeasuredDatabase},
    store,
};

/// How long a check waits for a writer.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a check found: `None` when all is well, else a sentence.
pub type Found = Option<String>;

/// Whether requests can be answered as they should be: each check with what it found.
#[must_use]
pub fn readiness(app: &App) -> [(&'static str, Found); 4] {
    let server = app.runner.is_stopping().then(|| "The server is stopping.".to_owned());
    let migrations = match app.store.has_current_schema() {
        Ok(true) => None,
        Ok(false) => Some("A database has another schema than this program.".to_owned()),
        Err(error) => Some(error.detail),
    };
    let disk = app.store.disk.is_full().then(|| "The disk is full: writing is refused.".to_owned());
    let writes = || -> Result<()> {
        for (_, database) in app.store.databases() {
            database.takes_writes(PATIENCE)?;
        }
        app.store.takes_files()
    };
    let store = writes().err().map(|error| error.detail);
    [("server", server), ("migrations", migrations), ("disk", disk), ("store", store)]
}

/// Everything that is counted and measured, as Prometheus text. `caller` is `None` when the configuration
/// opens it to everybody.
pub fn metrics(app: &App, caller: Option<&Caller>) -> Result<String> {
    if let Some(caller) = caller {
        caller.needs(Role::Viewer)?;
        caller.needs_unlimited()?;
    }
    app.metrics.text(&measured(app)?)
}

fn measured(app: &App) -> Result<Measured> {
    let (queued, oldest) = app
        .store
        .control
        .read(|conn| Ok((store::execution::queued(conn)?, store::execution::oldest_queued(conn)?)))?;
    let age = |since: Option<DateTime<Utc>>| {
        since.and_then(|since| (app.clock.now() - since).to_std().ok()).unwrap_or_default()
    };
    let (inbox, inbox_oldest) = app.store.inbox.read(store::inbox::load)?;
    let mut databases = Vec::new();
    for (kind, database) in app.store.databases() {
        let (bytes, wal_bytes, free_bytes) = database.size()?;
        databases.push(MeasuredDatabase {
            file: kind.file_name(),
            bytes,
            wal_bytes,
            free_bytes,
            writer_waited: database.writer_waited(),
        });
    }
    Ok(Measured {
        queued,
        queue_age: age(oldest),
        inbox,
        inbox_age: age(inbox_oldest),
        running: i64::try_from(app.runner.running()).unwrap_or(i64::MAX),
        workers: app.config.runner.workers.into(),
        disk: app.store.disk.space(),
        disk_full: app.store.disk.is_full(),
        busy_waits: store::pool::busy_waits(),
        databases,
    })
}
