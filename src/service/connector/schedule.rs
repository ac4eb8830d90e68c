//! The times of a schedule connector's runs, and the file that stands for a tick until one comes.

use std::io::Write as _;

use crate::{
    app::App,
    connector::{
        Connector, ConnectorType, Schedule,
        schedule::{self, Timing},
        written::ConnectorPatch,
    },
    error::{Error, Result},
    id::FileId,
    script::{ConfigMetadata, Script},
    store::file::{FileWriter, NewFile, Source},
};

/// A schedule as it is kept: its zone is named.
pub fn in_zone(app: &App, mut sent: Schedule) -> Schedule {
    if sent.timezone.is_empty() {
        app.workspace.timezone.name().clone_into(&mut sent.timezone);
    }
    sent
}

/// When the connector's ticks come; none for the types that have none.
///
/// # Errors
/// What is wrong with `cadence` and `schedule`.
pub fn timing(connector: &Connector) -> Result<Option<Timing>> {
    let (cadence, schedule) = (connector.cadence, connector.schedule.as_ref());
    let kind = connector.connector_type;
    if kind == ConnectorType::Schedule {
        let timing = Timing::of(cadence, schedule)?;
        return timing.map(Some).ok_or_else(|| Error::required("cadence"));
    }
    let none = |key: &str| Error::invalid(format!("{key}: a {} connector has none", kind.as_str())).at(key);
    match (cadence, schedule) {
        (_, Some(_)) => Err(none("schedule")),
        // Of a webhook connector it says how long requests collect.
        (Some(_), None) if kind == ConnectorType::Webhook => Ok(None),
        (Some(_), None) => Err(none("cadence")),
        (None, None) => Ok(None),
    }
}

/// The settings after a save: naming one of the two takes the other's place.
pub fn change(app: &App, after: &mut Connector, patch: &ConnectorPatch) -> Result<()> {
    let schedule = patch.schedule.clone().map(|sent| sent.map(|sent| in_zone(app, sent)));
    match (patch.cadence, schedule) {
        (None, None) => return Ok(()),
        (Some(cadence), Some(schedule)) => (after.cadence, after.schedule) = (cadence, schedule),
        (Some(cadence), None) => {
            after.cadence = cadence;
            if cadence.is_some() {
                after.schedule = None;
            }
        }
        (None, Some(schedule)) => {
            if schedule.is_some() {
                after.cadence = None;
            }
            after.schedule = schedule;
        }
    }
    timing(after).map(drop)
}

/// Gives a new connector a reference file with its first tick: template, sample and dry run need one, and
/// nobody has a file of a tick.
pub fn add_reference(
    app: &App,
    connector: &mut Connector,
    draft: &mut Script,
    timing: &Timing,
) -> Result<()> {
    let now = app.clock.now();
    let tick = timing.next_after(now).unwrap_or(now);
    let name = schedule::file_name(tick);
    let mut writer = FileWriter::create(
        &app.store,
        NewFile {
            id: FileId::new(),
            name: name.clone(),
            content_type: "text/csv".to_owned(),
            source: Source::Produced,
            owner: None,
            owner_key: None,
            connector: Some(connector.id),
        },
    );
    writer.write_all(schedule::file(tick).as_bytes()).map_err(Error::internal)?;
    let file = writer.finish()?;
    connector.source_file = Some(file.id);
    if draft.config_metadata.input_tables.is_empty() {
        draft.config_metadata = schedule::expected(ConnectorType::Schedule, ConfigMetadata::default());
    }
    for table in &mut draft.config_metadata.input_tables {
        table.file_id = Some(file.id);
        table.name.clone_from(&name);
    }
    Ok(())
}
