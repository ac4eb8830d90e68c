//! The second table of a webhook connector's input.
//!
//! The file is read into `webhooks_raw`, cell by cell as it stands; `webhooks` is the same rows with the time
//! as a date and time. A cell that is no number of milliseconds stays: a file made by hand may hold times in
//! words.

use crate::{
    connector::ConnectorType,
    engine::Engine,
    runner::job::{Job, Stop},
    trigger::webhook::{RAW_TABLE, TABLE},
};

/// Its columns and how they are made.
const COLUMNS: [(&str, &str); 4] = [
    (
        "timestamp",
        "CASE WHEN timestamp <> '' AND timestamp NOT GLOB '*[^0-9]*'
              THEN strftime('%Y-%m-%dT%H:%M:%fZ', timestamp / 1000.0, 'unixepoch') ELSE timestamp END",
    ),
    ("employee_id", "employee_id"),
    ("querystring", "querystring"),
    ("body", "body"),
];

/// Makes `input.webhooks`, for the connectors that have it.
pub(in crate::runner) fn derive(job: &Job<'_>, engine: &mut Engine) -> Result<(), Stop> {
    if job.snapshot.connector_type != ConnectorType::Webhook {
        return Ok(());
    }
    Ok(engine.derive_input(RAW_TABLE, TABLE, 1, &COLUMNS)?)
}
