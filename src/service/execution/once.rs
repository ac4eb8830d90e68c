//! A run is queued once, however often the request for it comes.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::warning;
use crate::{
    app::App,
    auth::Caller,
    error::{Error, Result},
    execution::{Execution, TriggerType},
    id::{ConnectorId, ExecutionId},
    store::{
        self, Connection,
        idempotency::{self, Request},
    },
};

/// Longest key, in characters.
const MAX_KEY: usize = 255;

/// Refuses a key that is empty or too long.
pub fn checked_key(key: &str) -> Result<()> {
    let length = key.chars().count();
    if (1..=MAX_KEY).contains(&length) {
        return Ok(());
    }
    Err(Error::invalid(format!("Idempotency-Key: found {length} characters, expected 1 to {MAX_KEY}")))
}

/// What makes a request the same when it comes again: its key, and what it asks.
#[derive(Debug, Clone)]
pub struct Once {
    key: String,
    hash: [u8; 32],
}

impl Once {
    /// Of a request with a key. Whatever decides what is run belongs into `asked`.
    pub fn new(key: Option<String>, asked: &impl Serialize) -> Result<Option<Self>> {
        let Some(key) = key else { return Ok(None) };
        let mut asked = serde_json::to_value(asked).map_err(Error::internal)?;
        // The same parameters in another order are the same.
        asked.sort_all_objects();
        Ok(Some(Self { key, hash: Sha256::digest(asked.to_string()).into() }))
    }

    pub(super) fn by(self, caller: &Caller, connector: ConnectorId, route: TriggerType) -> Request {
        Request { connector, route, member: caller.member.id, key: self.key, hash: self.hash }
    }
}

/// A run that a request has queued, now or when it came first.
#[derive(Debug)]
pub struct Queued {
    /// The run.
    pub id: ExecutionId,
    /// Its connector.
    pub connector: ConnectorId,
    /// Whether it was queued when the request came first.
    pub is_earlier: bool,
    /// Its row; `None`: it is kept no more.
    pub execution: Option<Execution>,
    request: Option<Request>,
    answer: Option<String>,
}

impl Queued {
    pub(super) fn new(execution: Execution, request: Option<Request>) -> Self {
        Self {
            id: execution.id,
            connector: execution.connector_id,
            is_earlier: false,
            execution: Some(execution),
            request,
            answer: None,
        }
    }

    /// What the same request has queued before.
    ///
    /// # Errors
    /// `conflict` when the key was sent with another request.
    pub(super) fn earlier(app: &App, conn: &Connection, request: Option<&Request>) -> Result<Option<Self>> {
        let Some(request) = request else { return Ok(None) };
        let Some(earlier) = idempotency::find(conn, request, app.clock.now())? else { return Ok(None) };
        if earlier.hash != request.hash {
            return Err(Error::conflict(
                "Idempotency-Key: this key was sent with another request within 24 hours. Send a new key.",
            ));
        }
        let mut execution = store::execution::find(conn, earlier.execution)?;
        if let Some(execution) = execution.as_mut().filter(|_| earlier.answer.is_none()) {
            execution.warning = warning(conn, execution)?;
        }
        Ok(Some(Self {
            id: earlier.execution,
            connector: request.connector,
            is_earlier: true,
            execution,
            request: Some(request.clone()),
            answer: earlier.answer,
        }))
    }

    /// The body of the answer: the first one where the request had one, else what `shape` makes of the run.
    /// Of requests that race, all have the answer of the one that got here first.
    pub fn answer(self, app: &App, shape: impl FnOnce(Execution) -> Result<String>) -> Result<String> {
        if let Some(answer) = self.answer {
            return Ok(answer);
        }
        let execution = self.execution.ok_or_else(|| {
            Error::conflict("Idempotency-Key: the execution of this key is not kept any more.")
        })?;
        let answer = shape(execution)?;
        let Some(request) = self.request else { return Ok(answer) };
        match app.store.control.write(|tx| idempotency::settle(tx, &request, &answer)) {
            Ok(kept) => Ok(kept.unwrap_or(answer)),
            Err(error) => {
                // The run is queued: that is what the caller has to know.
                log::warn!("execution={} its answer is not kept: {error}", self.id);
                Ok(answer)
            }
        }
    }
}
