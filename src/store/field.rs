//! How fields and their options are kept, and the DDL that goes with each change.

use std::collections::HashMap;

use rusqlite::{Connection, Row, Transaction, params};

use super::{column, object, option, table, time};
use crate::{
    error::{Code, Error, Result},
    id::{FieldId, ObjectId},
    object::{
        Cardinality, Field, FieldOption, FieldType, Object, Relation,
        design::{MAX_FIELDS, NewField, NewOption, NewRelation, check_can_be_unique, free_name},
    },
};

/// Makes a field of `object` (read in this transaction) with its column, link table, options and, for
/// a relationship, the mirror field of the other object.
pub fn create(tx: &Transaction<'_>, object: &Object, new: &NewField) -> Result<Field> {
    new.check()?;
    check_room(tx, object.id)?;
    let related = new.relation.map(|relation| related_object(tx, relation)).transpose()?;
    let name = name_for(tx, object, new)?;
    let relation = new.relation.map(|relation| Relation {
        object: relation.object,
        cardinality: relation.cardinality,
        mirror: FieldId::new(),
        is_mirror: false,
    });
    let mut field = insert(tx, object, new, name, relation)?;
    table::add(tx, object, &field)?;
    for option in new.first_options() {
        let made = option::add(tx, &field, &option.name, option.code.as_deref())?;
        field.options.push(made);
    }
    if let Some(related) = related {
        create_mirror(tx, object, &field, &related)?;
    }
    Ok(field)
}

fn related_object(tx: &Transaction<'_>, relation: NewRelation) -> Result<Object> {
    object::find(tx, relation.object)?.filter(|object| object.archived.is_none()).ok_or_else(|| {
        Error::does_not_exist(format!("relation: there is no object {}.", relation.object)).at("relation")
    })
}

fn create_mirror(tx: &Transaction<'_>, object: &Object, field: &Field, related: &Object) -> Result<()> {
    check_room(tx, related.id)?;
    let relation = field.relation.as_ref().map(|relation| (relation.mirror, object.id));
    let Some((id, back_to)) = relation else { return Ok(()) };
    let new = NewField {
        name: None,
        ..NewField::plain(&object.name, &object.object_name, FieldType::Relationship)
    };
    let name = name_for(tx, related, &new)?;
    let relation =
        Relation { object: back_to, cardinality: Cardinality::Many, mirror: field.id, is_mirror: true };
    insert_as(tx, related, &new, id, name, Some(relation))?;
    Ok(())
}

fn check_room(tx: &Transaction<'_>, object: ObjectId) -> Result<()> {
    let fields: i64 = tx
        .prepare_cached("SELECT count(*) FROM field WHERE object_id = ?1")?
        .query_row([object.to_string()], |row| row.get(0))?;
    if fields < MAX_FIELDS {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The object has {fields} fields, the deleted ones included; {MAX_FIELDS} is the limit."
    )))
}

fn name_for(tx: &Transaction<'_>, object: &Object, new: &NewField) -> Result<String> {
    let taken = |name: &str| -> Result<bool> {
        Ok(tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM field WHERE object_id = ?1 AND name = ?2 AND deleted IS NULL)",
            )?
            .query_row(params![object.id.to_string(), name], |row| row.get(0))?)
    };
    let name = new.wished_name();
    if new.name.is_some() && taken(&name)? {
        return Err(
            Error::new(Code::Unique, format!("name: {} has a field {name} already.", object.name)).at("name")
        );
    }
    free_name(&name, taken)
}

fn insert(
    tx: &Transaction<'_>,
    object: &Object,
    new: &NewField,
    name: String,
    relation: Option<Relation>,
) -> Result<Field> {
    insert_as(tx, object, new, FieldId::new(), name, relation)
}

fn insert_as(
    tx: &Transaction<'_>,
    object: &Object,
    new: &NewField,
    id: FieldId,
    name: String,
    relation: Option<Relation>,
) -> Result<Field> {
    let order: i64 = tx.query_row(
        "SELECT coalesce(max(position) + 1, 0) FROM field WHERE object_id = ?1",
        [object.id.to_string()],
        |row| row.get(0),
    )?;
    let mut field = Field {
        id,
        key: 0,
        name,
        display_name: new.display_name.trim().to_owned(),
        field_type: new.field_type,
        is_required: new.is_required,
        is_unique: new.is_unique,
        is_read_only: relation.as_ref().is_some_and(|relation| relation.is_mirror),
        order,
        options: Vec::new(),
        relation,
        deleted: false,
    };
    let relation = field.relation.as_ref();
    tx.execute(
        "INSERT INTO field (id, object_id, name, display_name, field_type, is_required, is_unique, position,
                            related_object, cardinality, mirror, is_mirror)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            field.id.to_string(),
            object.id.to_string(),
            field.name,
            field.display_name,
            field.field_type.as_str(),
            field.is_required,
            field.is_unique,
            field.order,
            relation.map(|r| r.object.to_string()),
            relation.map(|r| word(r.cardinality)),
            relation.map(|r| r.mirror.to_string()),
            relation.is_some_and(|r| r.is_mirror),
        ],
    )?;
    field.key = tx.last_insert_rowid();
    Ok(field)
}

/// What may change of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The label.
    pub display_name: Option<String>,
    /// Blank is refused from now on; records that are blank stay so until they are edited.
    pub is_required: Option<bool>,
    /// Enforced from now on; refused when records clash today.
    pub is_unique: Option<bool>,
    /// Options to add; those that are there stay.
    pub new_options: Vec<NewOption>,
}

/// Changes a field.
pub fn update(tx: &Transaction<'_>, object: &Object, field: &Field, change: &Change) -> Result<Field> {
    let mut field = field.clone();
    if let Some(label) = &change.display_name {
        crate::object::design::check_label("display_name", label)?;
        label.trim().clone_into(&mut field.display_name);
    }
    field.is_required = change.is_required.unwrap_or(field.is_required);
    match change.is_unique {
        Some(true) if !field.is_unique => {
            check_can_be_unique(field.field_type)?;
            table::add_unique_index(tx, object, &field)?;
            field.is_unique = true;
            table::remake_match_index(tx, object, &field)?;
        }
        Some(false) if field.is_unique => {
            table::drop_unique_index(tx, &field)?;
            field.is_unique = false;
            table::remake_match_index(tx, object, &field)?;
        }
        _ => {}
    }
    tx.execute(
        "UPDATE field SET display_name = ?2, is_required = ?3, is_unique = ?4 WHERE key = ?1",
        params![field.key, field.display_name, field.is_required, field.is_unique],
    )?;
    for option in &change.new_options {
        let made = option::add(tx, &field, &option.name, option.code.as_deref())?;
        field.options.push(made);
    }
    Ok(field)
}

/// Hides a field and, of a relationship, its mirror. The data stays under another name.
pub fn delete(
    tx: &Transaction<'_>,
    object: &Object,
    field: &Field,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<()> {
    if let Some(relation) = &field.relation {
        if relation.is_mirror {
            return Err(Error::invalid(format!(
                "{} shows the other side of a relationship. Delete the field on the other side.",
                field.name
            )));
        }
        mark_deleted(tx, relation.mirror, now)?;
    }
    table::hide(tx, object, field)?;
    mark_deleted(tx, field.id, now)
}

fn mark_deleted(tx: &Transaction<'_>, id: FieldId, now: chrono::DateTime<chrono::Utc>) -> Result<()> {
    tx.execute("UPDATE field SET deleted = ?2 WHERE id = ?1", params![id.to_string(), time::to_ms(now)])?;
    Ok(())
}

/// The live fields of an object in display order, with their options.
pub fn of_object(connection: &Connection, object: ObjectId) -> Result<Vec<Field>> {
    fields_where(connection, object, "deleted IS NULL")
}

/// The deleted fields of an object.
pub fn deleted_of(connection: &Connection, object: ObjectId) -> Result<Vec<Field>> {
    fields_where(connection, object, "deleted IS NOT NULL")
}

fn fields_where(connection: &Connection, object: ObjectId, which: &str) -> Result<Vec<Field>> {
    let mut fields = connection
        .prepare_cached(&format!(
            "SELECT * FROM field WHERE object_id = ?1 AND {which} ORDER BY position, key"
        ))?
        .query_map([object.to_string()], from_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut options: HashMap<i64, Vec<FieldOption>> = HashMap::new();
    let mut statement = connection.prepare_cached(
        "SELECT o.* FROM field_option o JOIN field f ON f.key = o.field_key WHERE f.object_id = ?1
         ORDER BY o.position, o.key",
    )?;
    let mut rows = statement.query([object.to_string()])?;
    while let Some(row) = rows.next()? {
        options.entry(row.get("field_key")?).or_default().push(option::from_row(row)?);
    }
    for field in &mut fields {
        field.options = options.remove(&field.key).unwrap_or_default();
    }
    Ok(fields)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Field> {
    let relation = match column::parsed_optional(row, "related_object")? {
        None => None,
        Some(object) => Some(Relation {
            object,
            cardinality: column::word(row, "cardinality", cardinality)?,
            mirror: column::parsed(row, "mirror")?,
            is_mirror: row.get("is_mirror")?,
        }),
    };
    Ok(Field {
        key: row.get("key")?,
        id: column::parsed(row, "id")?,
        name: row.get("name")?,
        display_name: row.get("display_name")?,
        field_type: column::word(row, "field_type", FieldType::parse)?,
        is_required: row.get("is_required")?,
        is_unique: row.get("is_unique")?,
        is_read_only: relation.as_ref().is_some_and(|relation| relation.is_mirror),
        order: row.get("position")?,
        options: Vec::new(),
        relation,
        deleted: time::get_optional(row, "deleted")?.is_some(),
    })
}

fn cardinality(text: &str) -> Option<Cardinality> {
    [Cardinality::One, Cardinality::Many].into_iter().find(|cardinality| word(*cardinality) == text)
}

const fn word(cardinality: Cardinality) -> &'static str {
    match cardinality {
        Cardinality::One => "one",
        Cardinality::Many => "many",
    }
}

/// Of these fields, those that lead to an object, with it.
pub fn related_objects(connection: &Connection, fields: &[FieldId]) -> Result<Vec<(FieldId, ObjectId)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, related_object FROM field
         WHERE related_object IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
    )?;
    let rows = statement.query_map([column::to_json(&fields)?], |row| {
        Ok((column::parsed(row, "id")?, column::parsed(row, "related_object")?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests;
