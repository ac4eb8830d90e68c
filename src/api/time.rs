//! Times in answers: RFC 3339 with the offset that the workspace's time zone has then.

use chrono::{DateTime, FixedOffset, Utc};

use crate::app::App;

/// A moment as the workspace writes it.
#[must_use]
pub fn local(app: &App, time: DateTime<Utc>) -> DateTime<FixedOffset> {
    time.with_timezone(&app.workspace.timezone).fixed_offset()
}
