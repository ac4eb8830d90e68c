//! A cancel that somebody asks for.
//!
//! The run is told before anything is written: a cancel never waits for a lock. So the run may end before its row says
//! who asked. Until then the table of what runs knows, and whoever is first writes it: the request, or the run's end.

use chrono::{DateTime, Utc};

use crate::{
    error::Result,
    id::{ConnectorId, ExecutionId, MemberId},
    store::{self, Transaction},
};

/// Who asked, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Who.
    pub by: MemberId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes it to the run's row and to the connector's events. Answers whether this was the first to ask.
pub fn write(tx: &Transaction<'_>, connector: ConnectorId, id: ExecutionId, asked: Asked) -> Result<bool> {
    let is_first = store::execution::request_cancel(tx, id, Some(asked.by), asked.at)?;
    if is_first {
        let (by, at) = (Some(asked.by), asked.at);
        store::event::add(tx, Some(connector), at, "run_cancelled", "Cancel asked.", by, Some(id))?;
    }
    Ok(is_first)
}
