//! What a key that is limited to connectors may name: the objects that those connectors use already. A
//! relationship shows or finds records of the object that it leads to, so that one counts as used too.

use std::collections::HashSet;

use crate::{
    app::App,
    auth::Caller,
    connector::{Connector, validate, written::ConnectorPatch},
    error::Result,
    id::{FieldId, ObjectId},
    store::{self, Connection},
};

/// Something that a connector names, and where a body names it.
type Named<T> = (T, String);

/// Refuses a body in which a limited key names an object that its connectors don't use.
pub(super) fn check(app: &App, control: &Connection, caller: &Caller, patch: &ConnectorPatch) -> Result<()> {
    let Some(reached) = &caller.connectors else { return Ok(()) };
    let mut known: HashSet<ObjectId> = HashSet::new();
    for id in reached {
        if let Some(connector) = store::connector::find(control, *id)? {
            known.extend(used_by(app, &connector)?);
        }
    }
    let (mut objects, fields) = named(patch);
    let ids: Vec<FieldId> = fields.iter().map(|(id, _)| *id).collect();
    for (field, object) in app.store.records.read(|conn| store::field::related_objects(conn, &ids))? {
        objects.extend(fields.iter().filter(|(id, _)| *id == field).map(|(_, path)| (object, path.clone())));
    }
    match objects.into_iter().find(|(id, _)| !known.contains(id)) {
        Some((_, path)) => Err(validate::unknown_id(&path)),
        None => Ok(()),
    }
}

fn used_by(app: &App, connector: &Connector) -> Result<Vec<ObjectId>> {
    let mut objects = vec![connector.custom_object];
    objects.extend(connector.loads.iter().map(|step| step.custom_object));
    objects.extend(connector.seeds.iter().map(|seed| seed.custom_object_id));
    let mapped = connector.loads.iter().flat_map(|step| &step.field_mapping_rules).map(|rule| rule.field);
    let seeded = connector.seeds.iter().flat_map(|seed| seed.fields_ids.iter().copied());
    let fields: Vec<FieldId> = mapped.chain(seeded).collect();
    let related = app.store.records.read(|conn| store::field::related_objects(conn, &fields))?;
    objects.extend(related.into_iter().map(|(_, object)| object));
    Ok(objects)
}

/// The objects and fields that the body names, each with its place.
pub(super) fn named(patch: &ConnectorPatch) -> (Vec<Named<ObjectId>>, Vec<Named<FieldId>>) {
    let (mut objects, mut fields) = (Vec::new(), Vec::new());
    let steps = patch.flow.as_ref().and_then(|flow| flow.loads.as_deref()).unwrap_or_default();
    for (n, step) in steps.iter().enumerate() {
        objects.extend(step.custom_object.map(|id| (id, format!("flow.loads[{n}].custom_object"))));
        for (m, rule) in step.field_mapping_rules.iter().flatten().enumerate() {
            let path = format!("flow.loads[{n}].field_mapping_rules[{m}].field");
            fields.extend(rule.field.map(|id| (id, path)));
        }
    }
    for (n, seed) in patch.kizen_data_seeds.iter().flatten().enumerate() {
        objects
            .extend(seed.custom_object_id.map(|id| (id, format!("kizen_data_seeds[{n}].custom_object_id"))));
        let path = format!("kizen_data_seeds[{n}].fields_ids");
        fields.extend(seed.fields_ids.iter().flatten().map(|id| (*id, path.clone())));
    }
    (objects, fields)
}
