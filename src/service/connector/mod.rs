//! Connectors: what one may do with them.
//!
//! What a save decides is pure and lives in [`crate::connector`]. Here it is fetched for, decided inside
//! the transaction that writes it, and followed by what lives in other databases.

mod create;
mod detail;
mod duplicate;
mod export;
mod import;
mod index;
mod list;
mod patch;
mod reach;
mod remove;
mod schedule;
mod template;
mod warn;

pub use create::create;
pub use detail::{Detail, LastRun, ScriptView, SeedView, detail, view_script};
pub use duplicate::duplicate;
pub use export::export;
pub use import::{exists, import};
pub use list::{ListFilter, Summary, list};
pub use patch::patch;
pub use remove::remove;
pub use template::{make as make_template, open_input, reference_tables};

use crate::store::Connection;

use crate::{
    app::App,
    auth::{Caller, Role},
    connector::{
        Connector, ConnectorType, InputOptions, NotificationSettings, WebhookSettings,
        notification::{self, WrittenNotificationSettings},
        validate,
        webhook::{self, WrittenWebhookSettings},
    },
    error::{Error, Result},
    id::ObjectId,
    input,
    object::Object,
    script::{REFERENCE_VERSIONS, SQLITE},
    store,
    variable::Locale,
};

/// The connector that a path names, for a caller of at least this role. One that the key does not reach
/// is not there.
pub fn open(conn: &Connection, caller: &Caller, name: &str, role: Role) -> Result<Connector> {
    caller.needs(role)?;
    let connector = store::connector::named(conn, name)?;
    if caller.reaches(connector.id) { Ok(connector) } else { Err(Error::not_found("connector")) }
}

/// What the formats of variables leave open.
#[must_use]
pub fn locale(app: &App) -> Locale {
    Locale::of_workspace(app.workspace.timezone, &app.workspace.phone_region)
}

/// The engine that a script gets for the version that was asked for, and what to say about it.
pub fn engine_for(sql_version: &str) -> Result<(String, Option<String>)> {
    if sql_version == SQLITE {
        return Ok((SQLITE.to_owned(), None));
    }
    if REFERENCE_VERSIONS.contains(&sql_version) {
        let warning = format!(
            "sql_version {sql_version:?} is a ClickHouse version and this server has no ClickHouse engine: the script runs on {SQLITE}."
        );
        return Ok((SQLITE.to_owned(), Some(warning)));
    }
    let known = REFERENCE_VERSIONS.join(", ");
    Err(Error::invalid(format!("sql_version: found {sql_version:?}, expected {SQLITE}, or one of {known}"))
        .at("sql_version"))
}

/// Checks the plain settings of a connector that is made, or those that a save changes: what was saved under another
/// configuration stands in nobody's way.
fn check_settings(app: &App, before: Option<&Connector>, after: &Connector) -> Result<()> {
    let sets =
        |are_same: fn(&Connector, &Connector) -> bool| before.is_none_or(|before| !are_same(before, after));
    if sets(|a, b| a.sql_parameters == b.sql_parameters) {
        validate::sql_parameters(&after.sql_parameters)?;
    }
    if sets(|a, b| a.cadence == b.cadence) {
        check_webhook_cadence(app, after)?;
    }
    if sets(|a, b| a.input_options == b.input_options) {
        check_input_options(after)?;
    }
    if let Some(guard) = after.guard.filter(|_| sets(|a, b| a.guard == b.guard)) {
        guard.check()?;
    }
    if let Some(timeout) = after.timeout_s.filter(|_| sets(|a, b| a.timeout_s == b.timeout_s)) {
        validate::timeout(timeout, app.config.engine.timeout_s)?;
    }
    Ok(())
}

/// Whether the files of such a connector can be read with these options: those that the server makes of
/// webhooks and ticks are what they are.
fn check_input_options(connector: &Connector) -> Result<()> {
    let options = &connector.input_options;
    input::check_options(options)?;
    let of_files = InputOptions { null_values: options.null_values.clone(), ..InputOptions::default() };
    if connector.connector_type != ConnectorType::Spreadsheet && *options != of_files {
        let of = connector.connector_type.as_str();
        let detail = format!(
            "input_options: found how a file is written, expected null_values alone: the server makes the files of a {of} connector."
        );
        return Err(Error::invalid(detail).at("input_options"));
    }
    Ok(())
}

/// How long a webhook connector's requests may collect.
fn check_webhook_cadence(app: &App, connector: &Connector) -> Result<()> {
    match (connector.connector_type, connector.cadence) {
        (ConnectorType::Webhook, Some(cadence)) => {
            webhook::check_cadence(cadence, app.config.webhook.min_cadence_s)
        }
        _ => Ok(()),
    }
}

/// The webhook settings after a save, new secrets encrypted for this connector.
fn webhook_settings(
    app: &App,
    connector: &Connector,
    sent: WrittenWebhookSettings,
) -> Result<WebhookSettings> {
    if connector.connector_type != ConnectorType::Webhook {
        let detail = format!("webhook_settings: a {} connector has none", connector.connector_type.as_str());
        return Err(Error::invalid(detail).at("webhook_settings"));
    }
    let place = connector.id.to_string();
    webhook::merged(&connector.webhook_settings, sent, app.clock.now(), |secret| {
        app.store.secrets.seal(secret, &place)
    })
}

/// The notification settings after a save, a new secret encrypted for this connector.
fn notification_settings(
    app: &App,
    connector: &Connector,
    sent: WrittenNotificationSettings,
) -> Result<NotificationSettings> {
    let place = notification::place(connector.id);
    notification::merged(
        &connector.notification_settings,
        sent,
        app.clock.now(),
        |host| app.config.notify.allows(host),
        |secret| app.store.secrets.seal(secret, &place),
    )
}

/// Whether the secret that signs notifications is there; false too when the key file that encrypted it is gone.
#[must_use]
pub fn can_sign_notifications(app: &App, connector: &Connector) -> bool {
    let sealed = connector.notification_settings.signing_secret.as_ref();
    let place = notification::place(connector.id);
    sealed.is_some_and(|sealed| app.store.secrets.unseal(&sealed.sealed, &place).is_some())
}

/// The live objects among `ids` and those that their fields relate to.
fn objects(app: &App, ids: impl IntoIterator<Item = ObjectId>) -> Result<Vec<Object>> {
    app.store.records.read(|conn| {
        let mut objects: Vec<Object> = Vec::new();
        let add = |id: ObjectId, objects: &mut Vec<Object>| -> Result<()> {
            if objects.iter().all(|object| object.id != id)
                && let Some(object) = store::object::find(conn, id)?.filter(|o| o.archived.is_none())
            {
                objects.push(object);
            }
            Ok(())
        };
        for id in ids {
            add(id, &mut objects)?;
        }
        let related: Vec<ObjectId> = objects
            .iter()
            .flat_map(|object| &object.fields)
            .filter_map(|field| field.relation.as_ref().map(|relation| relation.object))
            .collect();
        for id in related {
            add(id, &mut objects)?;
        }
        Ok(objects)
    })
}
