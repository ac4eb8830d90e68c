//! Indexes for what a flow looks records up by.

use super::objects;
use crate::{
    app::App,
    connector::{Connector, LoadStep},
    error::Result,
    object::{Field, Object},
    store::table,
};

/// Makes the missing indexes of small objects. Those that are left, the next run makes: so a failure
/// here is no failure of the save.
pub(super) fn ensure(app: &App, connector: &Connector) {
    let made = each_missing(app, connector, |object, field, is_large| {
        if !is_large {
            app.store.records.write(|tx| table::ensure_match_index(tx, object, field))?;
        }
        Ok(())
    });
    if let Err(error) = made {
        log::warn!("indexes for the flow of {}: {error}", connector.api_name);
    }
}

/// What there is to say about indexes that the next run makes.
pub(super) fn left(app: &App, connector: &Connector) -> Result<Option<String>> {
    let mut names: Vec<String> = Vec::new();
    each_missing(app, connector, |object, field, is_large| {
        let name = format!("{}.{}", object.name, field.name);
        if is_large && !names.contains(&name) {
            names.push(name);
        }
        Ok(())
    })?;
    Ok((!names.is_empty()).then(|| {
        let names = names.join(", ");
        format!("The next live run first makes an index on {names}; other writes to records wait for it.")
    }))
}

/// Each field that the flow looks records up by without an index, and whether its object is large.
fn each_missing(
    app: &App,
    connector: &Connector,
    mut each: impl FnMut(&Object, &Field, bool) -> Result<()>,
) -> Result<()> {
    let objects = objects(app, connector.loads.iter().map(|step| step.custom_object))?;
    for (object, field) in connector.loads.iter().flat_map(|step| looked_up(step, &objects)) {
        let large = app.store.records.read(|conn| {
            let is_missing = !table::has_match_index(conn, field)?;
            is_missing.then(|| table::is_large(conn, object)).transpose()
        })?;
        if let Some(is_large) = large {
            each(object, field, is_large)?;
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
