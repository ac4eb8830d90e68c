//! Objects and their fields.
//!
//! Making and editing them is an editor's. Deleting them is an admin's, like all deletion that nobody can take back
//! over the API: an object's and a field's data stay on disk, but not in reach.

use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Error, Result},
    id::{FieldId, OptionId},
    object::{
        Field, Object,
        design::{NewField, NewObject, NewOption, check_label, is_built_in},
    },
    service::{event, paging::Paging},
    store::{self, Transaction},
};

pub use store::{field::Change as FieldChange, object::ListFilter as ObjectFilter};

/// Live objects.
pub fn list(app: &App, caller: &Caller, filter: &ObjectFilter, paging: Paging) -> Result<(u64, Vec<Object>)> {
    caller.needs(Role::Viewer)?;
    let (count, objects) =
        app.store.records.read(|c| store::object::list(c, filter, paging.limit(), paging.offset()))?;
    Ok((count.unsigned_abs(), objects))
}

/// Every live object with its fields.
pub fn all(app: &App, caller: &Caller) -> Result<Vec<Object>> {
    caller.needs(Role::Viewer)?;
    app.store.records.read(store::object::all)
}

/// One live object by id or api name.
pub fn get(app: &App, caller: &Caller, object: &str) -> Result<Object> {
    caller.needs(Role::Viewer)?;
    app.store.records.read(|c| addressed(c, object))
}

/// The object that a path names.
pub(super) fn addressed(connection: &store::Connection, object: &str) -> Result<Object> {
    store::object::find_live(connection, object)?.ok_or_else(|| Error::not_found("object"))
}

/// Makes an object.
pub fn create(app: &App, caller: &Caller, new: &NewObject) -> Result<Object> {
    may_edit(caller)?;
    let made = app.store.records.write(|tx| store::object::create(tx, new, app.clock.now()))?;
    event::tell(
        app,
        caller,
        "created",
        &format!("The object {} ({}) was made.", made.object_name, made.name),
    )?;
    Ok(made)
}

/// What may change of an object.
#[derive(Debug, Clone, Default)]
pub struct ObjectChange {
    /// The plural label.
    pub object_name: Option<String>,
    /// The singular label.
    pub entity_name: Option<String>,
}

/// Changes an object's labels.
pub fn update(app: &App, caller: &Caller, object: &str, change: ObjectChange) -> Result<Object> {
    may_edit(caller)?;
    let changed = app.store.records.write(|tx| {
        let mut object = addressed(tx, object)?;
        if let Some(label) = change.object_name {
            check_label("object_name", &label)?;
            label.trim().clone_into(&mut object.object_name);
        }
        if let Some(label) = change.entity_name {
            check_label("entity_name", &label)?;
            label.trim().clone_into(&mut object.entity_name);
        }
        store::object::rename(tx, &object)?;
        Ok(object)
    })?;
    let message = format!("The object {} ({}) was edited.", changed.object_name, changed.name);
    event::tell(app, caller, "edited", &message)?;
    Ok(changed)
}

/// Archives an object; its records stay.
///
/// # Errors
/// It is built in, or a connector loads into it.
pub fn archive(app: &App, caller: &Caller, object: &str) -> Result<()> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()?;
    let archived = app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        if !object.is_custom {
            return Err(Error::conflict(format!("{} is built in and can't be deleted.", object.object_name)));
        }
        let users = app.store.control.read(|c| store::connector::users_of_object(c, object.id))?;
        if users > 0 {
            return Err(Error::conflict(format!(
                "{} is used by {users} connectors. Delete them first.",
                object.object_name
            )));
        }
        store::object::archive(tx, object.id, app.clock.now())?;
        Ok(object)
    })?;
    let message = format!("The object {} ({}) was deleted.", archived.object_name, archived.name);
    event::tell(app, caller, "deleted", &message)
}

/// An object's fields, with the deleted ones on demand.
pub fn fields(app: &App, caller: &Caller, object: &str, with_deleted: bool) -> Result<Vec<Field>> {
    caller.needs(Role::Viewer)?;
    app.store.records.read(|c| {
        let object = addressed(c, object)?;
        let mut fields = object.fields;
        if with_deleted {
            fields.extend(store::field::deleted_of(c, object.id)?);
        }
        Ok(fields)
    })
}

/// A field to be made, its related object by id or api name.
#[derive(Debug, Clone)]
pub struct FieldDesign {
    /// Everything but the relation.
    pub field: NewField,
    /// Where a relationship leads.
    pub relation: Option<(String, crate::object::Cardinality)>,
}

/// Makes a field.
pub fn create_field(app: &App, caller: &Caller, object: &str, design: FieldDesign) -> Result<Field> {
    may_edit(caller)?;
    let (name, made) = app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let mut new = design.field;
        if let Some((related, cardinality)) = design.relation {
            let related = store::object::find_live(tx, &related)?.ok_or_else(|| {
                Error::does_not_exist(format!("relation.object: there is no object {related}."))
                    .at("relation.object")
            })?;
            new.relation = Some(crate::object::design::NewRelation { object: related.id, cardinality });
        }
        let made = store::field::create(tx, &object, &new)?;
        Ok((format!("{}.{}", object.name, made.name), made))
    })?;
    event::tell(app, caller, "created", &format!("The field {name} was made."))?;
    Ok(made)
}

/// What may change of a field.
#[derive(Debug, Clone, Default)]
pub struct FieldEdit {
    /// Label, required, unique.
    pub change: FieldChange,
    /// Options by id that get another label.
    pub renamed_options: Vec<(OptionId, String)>,
}

/// Changes a field.
pub fn update_field(
    app: &App,
    caller: &Caller,
    object: &str,
    id: FieldId,
    edit: &FieldEdit,
) -> Result<Field> {
    may_edit(caller)?;
    let (name, changed) = app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let mut field = addressed_field(&object, id)?.clone();
        check_options(&field, &edit.change.new_options, !edit.renamed_options.is_empty())?;
        for (option, name) in &edit.renamed_options {
            rename_option(tx, &mut field, *option, name)?;
        }
        let changed = store::field::update(tx, &object, &field, &edit.change)?;
        Ok((format!("{}.{}", object.name, changed.name), changed))
    })?;
    event::tell(app, caller, "edited", &format!("The field {name} was edited."))?;
    Ok(changed)
}

fn check_options(field: &Field, new: &[NewOption], renames: bool) -> Result<()> {
    let fixed = field.field_type == crate::object::FieldType::Yesnomaybe;
    if (!new.is_empty() || renames) && (!field.field_type.has_options() || fixed) {
        return Err(Error::invalid(format!(
            "options: those of a field of type {} can't be changed.",
            field.field_type.as_str()
        ))
        .at("options"));
    }
    new.iter().try_for_each(|option| check_label("options", &option.name))
}

fn rename_option(tx: &Transaction<'_>, field: &mut Field, id: OptionId, name: &str) -> Result<()> {
    check_label("options", name)?;
    let Some(option) = field.options.iter_mut().find(|option| option.id == id) else {
        return Err(
            Error::does_not_exist(format!("options: {} has no option {id}.", field.name)).at("options")
        );
    };
    if option.name != name.trim() {
        store::option::rename(tx, field.key, option.key, name.trim())?;
        name.trim().clone_into(&mut option.name);
    }
    Ok(())
}

/// Hides a field; its data stays.
pub fn delete_field(app: &App, caller: &Caller, object: &str, id: FieldId) -> Result<()> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()?;
    let name = app.store.records.write(|tx| {
        let object = addressed(tx, object)?;
        let field = addressed_field(&object, id)?;
        if is_built_in(&object, field) {
            return Err(Error::conflict(format!(
                "Every record of {} has {}; it can't be deleted.",
                object.object_name, field.name
            )));
        }
        store::field::delete(tx, &object, field, app.clock.now())?;
        Ok(format!("{}.{}", object.name, field.name))
    })?;
    event::tell(app, caller, "deleted", &format!("The field {name} was deleted."))
}

fn addressed_field(object: &Object, id: FieldId) -> Result<&Field> {
    object.field(id).ok_or_else(|| Error::not_found("field"))
}

fn may_edit(caller: &Caller) -> Result<()> {
    caller.needs(Role::Editor)?;
    caller.needs_unlimited()
}
