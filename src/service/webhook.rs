//! Webhooks: who may send, what is kept, and what waits.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    connector::open,
    session::{self, Credentials},
};
pub use crate::runner::inbox::{Answer, NewRequest, Once, gate::Sender};
use crate::{
    app::App,
    auth::{Caller, Role, key},
    connector::{
        Connector, ConnectorType, Status,
        webhook::{DEFAULT_CADENCE_S, SealedSecret},
    },
    error::{Code, Error, Result},
    id::ConnectorId,
    runner::inbox::gate::Target,
    store,
};

/// A sender at the door of a connector.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who it is, when it came with a key.
    pub caller: Option<Arc<Caller>>,
    /// Where it wants to.
    pub target: Arc<Target>,
}

/// The visitor, when key and connector are remembered. Takes no lock that anybody holds for long, and reads
/// nothing: it may be asked on the threads that accept requests.
#[must_use]
pub fn known_visitor(app: &App, credentials: &Credentials, name: &str) -> Option<Result<Visitor>> {
    if credentials.key.is_none() && credentials.session.is_some() {
        return None;
    }
    let hash = credentials.key.as_deref().map(key::hash);
    let (caller, target) = app.runner.gate().recall(app.store.control.version(), hash.as_ref(), name);
    let target = target?;
    match (caller, hash) {
        (Some(caller), _) => {
            let agreed = session::agree(app, credentials, caller.member.id);
            Some(agreed.and_then(|()| admit(Some(caller), target)))
        }
        (None, Some(_)) => None,
        (None, None) => Some(admit(None, target)),
    }
}

/// The visitor, looked up.
pub fn visitor(app: &App, credentials: &Credentials, name: &str) -> Result<Visitor> {
    // Before anything is read: what changes meanwhile makes this a memory of the past.
    let version = app.store.control.version();
    let caller = match (&credentials.key, &credentials.session) {
        (None, None) => None,
        _ => Some(Arc::new(session::recognise(app, credentials)?)),
    };
    if let Some(caller) = &caller {
        caller.may_trigger()?;
    }
    let connector = app.store.control.read(|conn| match &caller {
        Some(caller) => open(conn, caller, name, Role::Sender),
        // Nobody learns which connectors there are that take no signatures.
        None => store::connector::named(conn, name).map_err(|error| match error.code {
            Code::NotFound => unproven(),
            _ => error,
        }),
    })?;
    let secrets = &connector.webhook_settings.signing_secrets;
    let readable: Vec<_> = secrets.iter().filter_map(|sealed| secret(app, connector.id, sealed)).collect();
    let has_lost_secrets = readable.len() < secrets.len();
    let target = Arc::new(Target {
        connector: connector.id,
        connector_type: connector.connector_type,
        status: connector.status,
        signature: connector.webhook_settings.signature.clone(),
        secrets: readable,
        has_lost_secrets,
    });
    let hash = credentials.key.as_deref().map(key::hash);
    let remembered = hash.zip(caller.clone());
    app.runner.gate().remember(version, remembered, name, Arc::clone(&target));
    admit(caller, target)
}

fn admit(caller: Option<Arc<Caller>>, target: Arc<Target>) -> Result<Visitor> {
    match &caller {
        Some(caller) if !caller.reaches(target.connector) => Err(Error::not_found("connector")),
        None if target.secrets.is_empty() && !target.has_lost_secrets => Err(unproven()),
        _ => Ok(Visitor { caller, target }),
    }
}

fn unproven() -> Error {
    Error::new(
        Code::MissingCredentials,
        "No credentials were sent. Send a key in X-API-KEY or as a bearer token, or sign the request.",
    )
}

/// A signing secret in clear; `None`: the key file that encrypted it is gone.
#[must_use]
pub fn secret(app: &App, connector: ConnectorId, sealed: &SealedSecret) -> Option<String> {
    app.store.secrets.unseal(&sealed.sealed, &connector.to_string())
}

impl Visitor {
    /// Whether the request of a visitor without a key is signed.
    ///
    /// # Errors
    /// `busy` where it may be, with a secret that can't be read: the sender is right to send it again.
    pub fn has_signed<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let target = &self.target;
        target.signature.verify(&target.secrets, header, body, now).map_err(|error| {
            if error.code != Code::InvalidCredentials || !target.has_lost_secrets {
                return error;
            }
            let detail = format!(
                "The signature can't be checked: {} is not the file that encrypted a signing secret of this connector. Its secrets have to be entered again.",
                store::KEY_FILE
            );
            Error::new(Code::Busy, detail)
        })
    }

    /// Whether the connector takes webhooks now.
    pub fn may_send(&self) -> Result<()> {
        match (self.target.connector_type, self.target.status) {
            (ConnectorType::Webhook, Status::Setup) => Err(Error::conflict(
                "The connector is in setup: it takes webhooks once it has been activated.",
            )),
            (ConnectorType::Webhook, _) => Ok(()),
            (other, _) => Err(Error::invalid(format!(
                "The connector's type is {}; only a webhook connector takes webhooks.",
                other.as_str()
            ))),
        }
    }

    /// What makes the request the same when it comes again: its `webhook-id` or its `Idempotency-Key`, within what
    /// its sender's member sent. All that sign are one sender.
    pub fn once(
        &self,
        webhook_id: Option<&str>,
        idempotency_key: Option<&str>,
        hash: [u8; 32],
    ) -> Result<Option<Once>> {
        let checked = |header: &str, value: &str| {
            if (1..=MAX_NAME).contains(&value.len()) {
                return Ok(());
            }
            let detail = format!("{header}: found {} characters, expected 1 to {MAX_NAME}", value.len());
            Err(Error::invalid(detail))
        };
        let member = self.caller.as_ref().map(|caller| caller.member.id.to_string());
        if let Some(id) = webhook_id {
            checked("webhook-id", id)?;
            let name = match member {
                Some(member) => format!("of {member} {id}"),
                None => format!("id {id}"),
            };
            return Ok(Some(Once { name, hash, must_match: false }));
        }
        let Some(key) = idempotency_key else { return Ok(None) };
        checked("Idempotency-Key", key)?;
        let member = member.unwrap_or_default();
        Ok(Some(Once { name: format!("key {member} {key}"), hash, must_match: true }))
    }
}

/// Longest name of a request.
const MAX_NAME: usize = 255;

/// What waits for a connector's next window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InboxView {
    /// How many requests.
    pub pending: u64,
    /// When the first of them came.
    pub oldest: Option<DateTime<Utc>>,
    /// When they become an execution; `None` while the connector does not run.
    pub window_ends_at: Option<DateTime<Utc>>,
}

/// The inbox of a webhook connector; other types have none.
pub fn inbox(app: &App, connector: &Connector) -> Result<Option<InboxView>> {
    if connector.connector_type != ConnectorType::Webhook {
        return Ok(None);
    }
    app.store.inbox.read(|conn| {
        let found = store::inbox::find(conn, connector.id)?.filter(|inbox| inbox.pending() > 0);
        let Some(inbox) = found else { return Ok(Some(InboxView::default())) };
        let oldest = store::inbox::oldest(conn, &inbox)?;
        let cadence = TimeDelta::seconds(connector.cadence.unwrap_or(DEFAULT_CADENCE_S).into());
        let window_ends_at = oldest.filter(|_| connector.status.runs()).map(|oldest| oldest + cadence);
        Ok(Some(InboxView { pending: inbox.pending().unsigned_abs(), oldest, window_ends_at }))
    })
}

/// Closes the connector's window now. Answers what it holds.
///
/// # Errors
/// `conflict` while the connector does not run: then no window closes.
pub fn flush(app: &App, caller: &Caller, name: &str) -> Result<InboxView> {
    let connector = app.store.control.read(|conn| open(conn, caller, name, Role::Runner))?;
    let Some(waiting) = inbox(app, &connector)? else {
        return Err(Error::invalid(format!(
            "The connector's type is {}; only a webhook connector has a window.",
            connector.connector_type.as_str()
        )));
    };
    if !connector.status.runs() {
        return Err(Error::conflict(format!(
            "The connector is {}; its webhooks wait until it is activated.",
            connector.status.as_str()
        )));
    }
    app.store.inbox.write(|tx| store::inbox::flush(tx, connector.id))?;
    app.runner.wake();
    Ok(waiting)
}
