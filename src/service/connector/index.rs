//! Indexes for what a flow looks records up by.

use super::objects;
use crate::{
    app::App,
    connector::{Connector, LoadStep},
    error::Result,
    object::{Field, Object},
    store,
};

/// From this many records on an index takes long enough to be made in a run, where it is watched.
const SMALL: i64 = 100_000;

/// Makes the missing indexes of small objects. Those that are left, the next run makes: so a failure
/// here is no failure of the save.
pub(super) fn ensure(app: &App, connector: &Connector) {
    if let Err(error) = try_ensure(app, connector) {
        log::warn!("indexes for the flow of {}: {error}", connector.api_name);
    }
}

fn try_ensure(app: &App, connector: &Connector) -> Result<()> {
    let objects = objects(app, connector.loads.iter().map(|step| step.custom_object))?;
    for (object, field) in connector.loads.iter().flat_map(|step| looked_up(step, &objects)) {
        let missing = app.store.records.read(|conn| {
            Ok(!store::table::has_match_index(conn, field)?
                && store::table::has_fewer_than(conn, object, SMALL)?)
        })?;
        if missing {
            app.store.records.write(|tx| store::table::ensure_match_index(tx, object, field))?;
        }
    }
    Ok(())
}

/// The fields by which a step finds records: of its own object to match, of related ones to relate.
fn looked_up<'a>(step: &LoadStep, objects: &'a [Object]) -> Vec<(&'a Object, &'a Field)> {
    let Some(own) = objects.iter().find(|object| object.id == step.custom_object) else { return Vec::new() };
    let matched = step.matching_rules.iter().filter_map(|rule| Some((own, own.field(rule.field?)?)));
    let related = step.field_mapping_rules.iter().filter_map(|rule| {
        let relation = own.field(rule.field)?.relation.as_ref()?;
        let object = objects.iter().find(|object| object.id == relation.object)?;
        Some((object, object.field(rule.lookup_field?)?))
    });
    matched.chain(related).collect()
}
