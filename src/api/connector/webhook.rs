//! What the detail of a webhook connector shows besides.

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::time::local,
    app::App,
    auth::webhook::SignatureRule,
    connector::Connector,
    service::webhook::{self, InboxView},
};

/// Who may send without a key. Secrets are never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSettingsRow {
    /// Any of them may have signed.
    pub signing_secrets: Vec<SecretRow>,
    /// How.
    pub signature: SignatureRule,
}

/// A secret without its text. Sent back as it is, it stays.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretRow {
    /// Names it.
    pub id: Uuid,
    /// When it was entered.
    pub created: DateTime<FixedOffset>,
    /// False: the key file that encrypted it is gone; enter the secret again.
    pub is_readable: bool,
}

impl WebhookSettingsRow {
    /// The settings of a connector.
    #[must_use]
    pub fn new(app: &App, connector: &Connector) -> Self {
        let secrets = connector.webhook_settings.signing_secrets.iter().map(|secret| SecretRow {
            id: secret.id,
            created: local(app, secret.created),
            is_readable: webhook::secret(app, connector.id, secret).is_some(),
        });
        Self { signing_secrets: secrets.collect(), signature: connector.webhook_settings.signature.clone() }
    }
}

/// The requests that wait for their batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxRow {
    /// How many.
    pub pending: u64,
    /// When the first of them came.
    #[schema(required)]
    pub oldest: Option<DateTime<FixedOffset>>,
    /// When they become an execution; null while the connector does not run, and when none wait.
    #[schema(required)]
    pub window_ends_at: Option<DateTime<FixedOffset>>,
}

impl InboxRow {
    /// The row of an inbox.
    #[must_use]
    pub fn new(app: &App, inbox: InboxView) -> Self {
        Self {
            pending: inbox.pending,
            oldest: inbox.oldest.map(|time| local(app, time)),
            window_ends_at: inbox.window_ends_at.map(|time| local(app, time)),
        }
    }
}
