//! Of which runs a connector tells somebody, as answers show it.

use serde::Serialize;
use utoipa::ToSchema;

use super::webhook::SecretRow;
use crate::{
    api::time::local,
    app::App,
    connector::{Connector, notification::Ending},
    service::connector::can_sign_notifications,
};

/// Of which runs who is told. The secret is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationSettingsRow {
    /// Ways to end; empty: off.
    pub on: Vec<Ending>,
    /// Where to.
    #[schema(required)]
    pub webhook_url: Option<String>,
    /// What signs.
    #[schema(required)]
    pub signing_secret: Option<SecretRow>,
}

impl NotificationSettingsRow {
    /// The settings of a connector.
    #[must_use]
    pub fn new(app: &App, connector: &Connector) -> Self {
        let settings = &connector.notification_settings;
        let secret = settings.signing_secret.as_ref().map(|secret| SecretRow {
            id: secret.id,
            created: local(app, secret.created),
            is_readable: can_sign_notifications(app, connector),
        });
        Self { on: settings.on.clone(), webhook_url: settings.webhook_url.clone(), signing_secret: secret }
    }
}
