//! Making a connector.

use crate::store::Connection;

use super::{Detail, check_settings, detail, engine_for, notification_settings, schedule, webhook_settings};
use crate::{
    app::App,
    auth::{Caller, Role},
    connector::{
        Connector, Guard, NotificationSettings, RETENTION_DAYS, RETENTION_RUNS, Status, WebhookSettings,
        validate, written::NewConnector,
    },
    error::{Error, Result},
    id::{ConnectorId, ObjectId, ScriptId},
    object::{api_name_of, design},
    script::{ConfigMetadata, SQLITE, SampleState, Script, ScriptStatus},
    store,
};

/// A connector that is not written yet.
pub(super) struct Made {
    /// Without its api name.
    pub connector: Connector,
    /// Its api name; `None`: made of the name.
    pub api_name: Option<String>,
    /// The draft.
    pub draft: Script,
    /// The published script.
    pub live: Option<Script>,
    /// What to say about it.
    pub warning: Option<String>,
}

/// Makes a connector in `setup`, with an empty draft.
pub fn create(app: &App, caller: &Caller, new: NewConnector) -> Result<Detail> {
    caller.needs(Role::Editor)?;
    caller.needs_unlimited()?;
    let (_, object, _) = required(&new)?;
    let object = app
        .store
        .records
        .read(|conn| store::object::find_live(conn, object))?
        .ok_or_else(|| validate::unknown_id("custom_object"))?;
    let made = made(app, caller, new, object.id)?;
    let warning = made.warning.clone();
    let connector = insert(app, caller, made)?;
    let detail = app.store.control.read(|conn| detail::view(app, caller, conn, connector))?;
    Ok(Detail { warning, ..detail })
}

/// Decides what the connector is, its main object found.
pub(super) fn made(app: &App, caller: &Caller, new: NewConnector, object: ObjectId) -> Result<Made> {
    let (name, _, connector_type) = required(&new)?;
    let connector_type = validate::connector_type(connector_type)?;
    let name = validate::name(name)?;
    if new.activity_object.as_ref().is_some_and(|value| !value.is_null()) {
        let detail = format!("activity_object: a {} connector has none", connector_type.as_str());
        return Err(Error::invalid(detail).at("activity_object"));
    }
    let (sql_version, warning) = engine_for(new.sql_version.as_deref().unwrap_or(SQLITE))?;
    let now = app.clock.now();
    let mut connector = Connector {
        id: ConnectorId::new(),
        api_name: String::new(),
        name,
        description: new.description.unwrap_or_default(),
        connector_type,
        status: Status::Setup,
        cadence: new.cadence,
        schedule: new.schedule.map(|sent| schedule::in_zone(app, sent)),
        custom_object: object,
        source_file: None,
        headers: Vec::new(),
        variables: Vec::new(),
        loads: Vec::new(),
        seeds: Vec::new(),
        sql_parameters: new.sql_parameters.unwrap_or_default(),
        input_options: new.input_options.unwrap_or_default(),
        timeout_s: new.timeout_s,
        max_concurrency: new.max_concurrency.unwrap_or(1),
        webhook_settings: WebhookSettings::default(),
        notification_settings: NotificationSettings::default(),
        retention_days: new.retention_days.unwrap_or(RETENTION_DAYS),
        retention_runs: new.retention_runs.unwrap_or(RETENTION_RUNS),
        diff_check_enabled: new.diff_check_enabled.unwrap_or_default(),
        guard: new.guard.filter(Guard::limits),
        used_count: 0,
        last_used_at: None,
        created: now,
        updated: now,
        created_by: Some(caller.member.id),
    };
    validate::integration_secrets(new.integration_secrets.as_deref().unwrap_or_default())?;
    check_settings(app, None, &connector)?;
    if let Some(sent) = new.webhook_settings {
        connector.webhook_settings = webhook_settings(app, &connector, sent)?;
    }
    if let Some(sent) = new.notification_settings {
        connector.notification_settings = notification_settings(app, &connector, sent)?;
    }
    schedule::timing(&connector)?;
    let draft = Script {
        id: ScriptId::new(),
        connector_id: connector.id,
        status: ScriptStatus::Draft,
        state: SampleState::Setup,
        sql_version,
        user_script: String::new(),
        config_metadata: ConfigMetadata::default(),
        output_file: None,
        output_headers: Vec::new(),
        error: None,
        sample_is_stale: false,
        created: now,
        updated: now,
        published: None,
        published_by: None,
    };
    Ok(Made { connector, api_name: new.api_name, draft, live: None, warning })
}

/// Writes a new connector with its scripts and, where it has one, its first tick.
pub(super) fn insert(app: &App, caller: &Caller, made: Made) -> Result<Connector> {
    let Made { mut connector, api_name: chosen, mut draft, live, warning: _ } = made;
    let timing = schedule::timing(&connector)?;
    if let Some(timing) = &timing {
        schedule::add_reference(app, &mut connector, &mut draft, timing)?;
    }
    let now = connector.created;
    let inserted = app.store.control.write(|tx| {
        connector.api_name = api_name(tx, chosen.as_deref(), &connector.name)?;
        store::connector::insert(tx, &connector)?;
        for script in live.iter().chain([&draft]) {
            store::script::insert(tx, script)?;
        }
        if let Some(timing) = &timing {
            store::schedule::set(tx, connector.id, timing.next_after(now))?;
        }
        let message = format!("{} was created.", connector.name);
        store::event::add(tx, Some(connector.id), now, "created", &message, Some(caller.member.id), None)?;
        Ok(())
    });
    if let (Err(_), Some(file), Some(_)) = (&inserted, connector.source_file, &timing) {
        app.store.files.write(|tx| store::file::delete(tx, file))?;
    }
    inserted?;
    Ok(connector)
}

/// The three keys that a connector can't be without; every missing one is named.
fn required(new: &NewConnector) -> Result<(&str, &str, &str)> {
    let keys =
        [("name", &new.name), ("custom_object", &new.custom_object), ("connector_type", &new.connector_type)];
    let mut missing = keys.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| Error::required(key));
    if let Some(mut first) = missing.next() {
        first.fields.extend(missing.flat_map(|other| other.fields));
        return Err(first);
    }
    let [name, object, kind] = keys.map(|(_, value)| value.as_deref().unwrap_or_default());
    Ok((name, object, kind))
}

/// The chosen api name, or one made of the name with a number behind it until it is free.
fn api_name(conn: &Connection, chosen: Option<&str>, name: &str) -> Result<String> {
    if let Some(chosen) = chosen {
        validate::api_name(chosen)?;
        return Ok(chosen.to_owned());
    }
    let made = api_name_of(name);
    let made = if made.is_empty() { "connector".to_owned() } else { made };
    design::free_name(&made, |name| {
        Ok(!validate::is_free_for_paths(name) || store::connector::has_api_name(conn, name)?)
    })
}
