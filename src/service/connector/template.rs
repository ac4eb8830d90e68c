//! The template: a new draft made of a file.

use std::io::Read as _;

use super::open;
use crate::{
    app::App,
    auth::{Caller, Role},
    cancel::CancelToken,
    connector::{
        Connector, ConnectorType, InputOptions, Seed, schedule, template,
        webhook_input::{self, Members},
    },
    error::{Error, Result},
    id::FileId,
    input::{self, InputFile, Opening},
    runner::job,
    script::{ConfigMetadata, InputTable, SeedTable},
    service::file,
    store::{
        self, Transaction,
        file::{FileReader, StoredFile},
    },
};

/// How much of a reference file the template of a webhook connector looks at: bytes, and rows.
const LOOKED_AT: u64 = 4 * 1024 * 1024;
const LOOKED_AT_ROWS: usize = 1_000;

/// A file as the input tables that it makes for a connector of this type: their headers are read.
///
/// # Errors
/// It can't be read, or not while somebody waits: an archive has to be unpacked first.
pub fn reference_tables(
    app: &App,
    file: &StoredFile,
    connector_type: ConnectorType,
    options: &InputOptions,
) -> Result<Vec<InputTable>> {
    let token = CancelToken::within(app.config.server.busy_after());
    read_tables(app, file, connector_type, options, &token).map_err(|error| {
        if !token.is_cancelled() {
            return error;
        }
        let limit = app.config.server.busy_after_s;
        let name = &file.name;
        Error::invalid(format!(
            "source_file_id: reading the columns of {name:?} took longer than {limit} s (server.busy_after_s). Send a smaller file with the same columns as the reference file."
        ))
        .at("source_file_id")
    })
}

fn read_tables(
    app: &App,
    file: &StoredFile,
    connector_type: ConnectorType,
    options: &InputOptions,
    token: &CancelToken,
) -> Result<Vec<InputTable>> {
    let mut opened = open_input(app, file, options, token)?;
    let mut tables = Vec::with_capacity(opened.tables().len());
    for n in 0..opened.tables().len() {
        let described = opened.tables()[n].clone();
        let reader = opened.read(n)?;
        let table = input::describe(&described, n, Some(file.id), reader.header());
        tables.push(match connector_type {
            ConnectorType::Schedule if n == 0 => schedule::as_input(table),
            ConnectorType::Webhook if n == 0 => webhook_input::as_input(table)?,
            _ => table,
        });
    }
    Ok(tables)
}

/// A stored file as a run opens it.
pub fn open_input(
    app: &App,
    file: &StoredFile,
    options: &InputOptions,
    token: &CancelToken,
) -> Result<InputFile> {
    let scratch = app.store.scratch_dir();
    let opening = Opening {
        name: &file.name,
        options,
        limits: job::unpack_limits(&app.config),
        scratch: &scratch,
        cancel: token,
    };
    Ok(InputFile::open(Box::new(FileReader::open(&app.store, file)), &opening)?)
}

/// The members of the first bodies of a batch's file. A file that is no CSV has none: then the template
/// selects the bodies alone.
fn members(app: &App, file: &StoredFile) -> Members {
    let mut members = Members::default();
    let mut csv = csv::Reader::from_reader(FileReader::open(&app.store, file).take(LOOKED_AT));
    let body = csv.headers().ok().and_then(|names| names.iter().position(|name| name == "body"));
    for row in csv.into_records().map_while(std::result::Result::ok).take(LOOKED_AT_ROWS) {
        if let Some(text) = body.and_then(|body| row.get(body)) {
            members.add(text);
        }
    }
    members
}

/// Makes a script for a file and forks a draft that carries it; the old draft is gone. Without a file
/// nothing is made.
pub fn make(
    app: &App,
    caller: &Caller,
    name: &str,
    file: Option<FileId>,
) -> Result<Option<(String, ConfigMetadata)>> {
    let before = app.store.control.read(|conn| open(conn, caller, name, Role::Editor))?;
    let Some(file) = file else { return Ok(None) };
    let file = file::named(app, caller, file, "source_file_id")?;
    let tables = reference_tables(app, &file, before.connector_type, &before.input_options)?;
    let object = app.store.records.read(|conn| store::object::load(conn, before.custom_object))?;
    let template = match before.connector_type {
        ConnectorType::Webhook => webhook_input::template(&object.name, &members(app, &file)),
        ConnectorType::Spreadsheet | ConnectorType::Schedule => template::script(&object.name, &tables),
    };
    app.store.files.write(|tx| store::file::attach(tx, file.id, before.id))?;
    let now = app.clock.now();
    let fork = |tx: &Transaction<'_>| {
        let before = open(tx, caller, name, Role::Editor)?;
        let config = ConfigMetadata {
            input_tables: tables,
            seed_tables: seed_tables(app, &before.seeds)?,
            ..ConfigMetadata::default()
        };
        let old = store::script::draft(tx, before.id)?;
        let mut draft = old.fork(now);
        draft.user_script.clone_from(&template.user_script);
        draft.config_metadata = config.clone();
        store::script::delete_draft(tx, before.id)?;
        store::script::insert(tx, &draft)?;
        let after = Connector { headers: template.headers, updated: now, ..before };
        store::connector::update(tx, &after)?;
        let message = format!("The draft was made anew from the template for {}.", file.name);
        store::event::add(tx, Some(after.id), now, "template_made", &message, Some(caller.member.id), None)?;
        Ok((old.id, (template.user_script, config)))
    };
    // Retention or a caller may be deleting it: it is there until the draft names it.
    let (old, made) = store::file::while_there(&app.store, file.id, || app.store.control.write(fork))?
        .ok_or_else(|| file::missing(file.id, "source_file_id"))?;
    // Nobody can ask for its sample any more.
    app.runner.cancel_sample(old);
    Ok(Some(made))
}

/// The tables of the saved seeds whose objects are there.
fn seed_tables(app: &App, seeds: &[Seed]) -> Result<Vec<SeedTable>> {
    app.store.records.read(|conn| {
        let mut tables = Vec::with_capacity(seeds.len());
        for seed in seeds {
            let object = store::object::find(conn, seed.custom_object_id)?;
            let live = object.filter(|object| object.archived.is_none());
            tables.extend(live.map(|object| template::seed_table(&object, &seed.fields_ids)));
        }
        Ok(tables)
    })
}
