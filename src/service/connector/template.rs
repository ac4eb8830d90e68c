//! The template: a new draft made of a file.

use super::open;
use crate::{
    app::App,
    auth::{Caller, Role},
    cancel::CancelToken,
    connector::{Connector, ConnectorType, InputOptions, Seed, schedule::as_input, template},
    error::Result,
    id::FileId,
    input::{self, DelimitedReader},
    script::{ConfigMetadata, InputTable, SeedTable},
    service::file,
    store::{
        self,
        file::{FileReader, StoredFile},
    },
};

/// A file as the input table that it makes: its header is read.
pub fn reference_table(app: &App, file: &StoredFile, options: &InputOptions) -> Result<InputTable> {
    let source = FileReader::open(&app.store, file);
    let reader = DelimitedReader::open(source, options, &CancelToken::new())?;
    Ok(input::describe(&file.name, Some(file.id), &reader.header))
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
    let table = reference_table(app, &file, &before.input_options)?;
    let table = if before.connector_type == ConnectorType::Schedule { as_input(table) } else { table };
    let object = app.store.records.read(|conn| store::object::load(conn, before.custom_object))?;
    let template = template::script(&object.name, &table);
    app.store.files.write(|tx| store::file::attach(tx, file.id, before.id))?;
    let now = app.clock.now();
    let (old, made) = app.store.control.write(|tx| {
        let before = open(tx, caller, name, Role::Editor)?;
        let config = ConfigMetadata {
            input_tables: vec![table],
            seed_tables: seed_tables(app, &before.seeds)?,
            ..ConfigMetadata::default()
        };
        let old = store::script::draft(tx, before.id)?;
        let mut draft = old.fork(now);
        draft.user_script.clone_from(&template.user_script);
        draft.config_metadata = config.clone();
        store::script::delete_draft(tx, before.id)?;
        store::script::insert(tx, &draft)?;
        let after = Connector { headers: vec![template.headers], updated: now, ..before };
        store::connector::update(tx, &after)?;
        let message = format!("The draft was made anew from the template for {}.", file.name);
        store::event::add(tx, Some(after.id), now, "template_made", &message, Some(caller.member.id), None)?;
        Ok((old.id, (template.user_script, config)))
    })?;
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
