//! What a document names that a workspace lacks.

use super::{
    document::{Document, NamedField},
    recreate::has_option,
};
use crate::{
    error::{Code, Error, FieldError, Result},
    object::{Field, FieldType, Object},
};

/// Something that did not resolve: its place in the document, and the sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Path in the document.
    pub path: String,
    /// What is not there, or not what the document says.
    pub what: String,
}

/// Everything of the document's objects that is not among `objects`, or is something else there.
#[must_use]
pub fn missing(document: &Document, objects: &[Object]) -> Vec<Missing> {
    let mut found = Vec::new();
    for (n, named) in document.objects.iter().enumerate() {
        let path = format!("objects[{n}]");
        let Some(object) = objects.iter().find(|object| object.name == named.name) else {
            found.push(Missing { path, what: format!("there is no object {:?}", named.name) });
            continue;
        };
        for (m, field) in named.fields.iter().enumerate() {
            let path = format!("{path}.fields[{m}]");
            let whats = missing_of_field(objects, object, field);
            found.extend(whats.into_iter().map(|what| Missing { path: path.clone(), what }));
        }
    }
    found
}

fn missing_of_field(objects: &[Object], object: &Object, named: &NamedField) -> Vec<String> {
    let name = format!("{}.{}", object.name, named.name);
    let Some(field) = object.field_named(&named.name) else {
        return vec![format!("there is no field {name}")];
    };
    if field.field_type != named.field_type {
        let (here, there) = (field.field_type.as_str(), named.field_type.as_str());
        return vec![format!("the field {name} is a {here}, the document's is a {there}")];
    }
    if let Some(what) = other_relation(objects, field, named) {
        return vec![format!("the field {name} {what}")];
    }
    // Tags are made as they come.
    let options = named.options.iter().filter(|_| field.field_type != FieldType::Dynamictags);
    let lacked = options.filter(|option| !has_option(field, option));
    lacked.map(|option| format!("the field {name} has no option {:?}", option.name)).collect()
}

fn other_relation(objects: &[Object], field: &Field, named: &NamedField) -> Option<String> {
    let (here, there) = (field.relation.as_ref()?, named.relation.as_ref()?);
    let related = objects.iter().find(|object| object.id == here.object)?;
    if related.name != there.object {
        return Some(format!("relates to {}, the document's to {}", related.name, there.object));
    }
    let same = here.cardinality == there.cardinality;
    (!same).then(|| "holds another number of records than the document's".to_owned())
}

/// Refuses what is missing, all of it, when anything is.
///
/// # Errors
/// `does_not_exist`.
pub fn refuse(missing: &[Missing], can_create: bool) -> Result<()> {
    let Some(first) = missing.first() else { return Ok(()) };
    let more = match missing.len() {
        1 => String::new(),
        n => format!(" and {} more, see errors", n - 1),
    };
    let hint = if can_create { " ?create_objects=true makes objects, fields and options." } else { "" };
    let detail = format!("{}: {}{more}. Nothing was written.{hint}", first.path, first.what);
    let fields = missing.iter().map(|missing| FieldError {
        path: missing.path.clone(),
        message: format!("{}: {}", missing.path, missing.what),
        code: Code::DoesNotExist,
    });
    Err(Error { fields: fields.collect(), ..Error::does_not_exist(detail) })
}
