//! How objects are kept: a row here, and a table of their own for the records.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{column, field, table, time};
use crate::{
    error::{Code, Error, Result},
    id::ObjectId,
    object::{
        CONTACTS, FieldType, Object,
        design::{CONTACT_FIELDS, NewField, NewObject, free_name},
    },
};

const COLUMNS: &str = "id, name, object_name, entity_name, is_custom, created, archived";

/// Makes an object with its table and the fields that every object has: `name` and `owner`.
pub fn create(tx: &Transaction<'_>, new: &NewObject, now: DateTime<Utc>) -> Result<Object> {
    new.check()?;
    let mut object = insert(tx, new, true, now)?;
    for (name, label, field_type) in
        [("name", "Name", FieldType::Text), ("owner", "Owner", FieldType::TeamSelector)]
    {
        object.fields.push(field::create(tx, &object, &NewField::plain(name, label, field_type))?);
    }
    Ok(object)
}

/// Makes Contacts, which existing clients count on, unless it is there.
pub fn ensure_builtin(tx: &Transaction<'_>, now: DateTime<Utc>) -> Result<()> {
    if find_named(tx, CONTACTS)?.is_some() {
        return Ok(());
    }
    let new = NewObject {
        name: Some(CONTACTS.to_owned()),
        object_name: "Contacts".to_owned(),
        entity_name: "Contact".to_owned(),
    };
    let mut object = insert(tx, &new, false, now)?;
    for (name, label, field_type) in CONTACT_FIELDS {
        let new = NewField {
            is_unique: field_type == FieldType::Email,
            ..NewField::plain(name, label, field_type)
        };
        object.fields.push(field::create(tx, &object, &new)?);
    }
    Ok(())
}

fn insert(tx: &Transaction<'_>, new: &NewObject, is_custom: bool, now: DateTime<Utc>) -> Result<Object> {
    let taken = |name: &str| -> Result<bool> {
        // An archived object keeps its name: its table is still there.
        Ok(tx.query_row("SELECT EXISTS (SELECT 1 FROM object WHERE name = ?1)", [name], |row| row.get(0))?)
    };
    let name = new.wished_name();
    if new.name.is_some() && taken(&name)? {
        return Err(
            Error::new(Code::Unique, format!("name: an object named {name} exists already.")).at("name")
        );
    }
    let object = Object {
        id: ObjectId::new(),
        name: free_name(&name, taken)?,
        object_name: new.object_name.trim().to_owned(),
        entity_name: new.entity_name.trim().to_owned(),
        is_custom,
        created: now,
        archived: None,
        fields: Vec::new(),
    };
    tx.execute(
        &format!("INSERT INTO object ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)"),
        params![
            object.id.to_string(),
            object.name,
            object.object_name,
            object.entity_name,
            object.is_custom,
            time::to_ms(now)
        ],
    )?;
    table::create(tx, &object.name)?;
    Ok(object)
}

/// Gives an object another id: the one that it has elsewhere, which its records' ids are made of.
pub fn set_id(tx: &Transaction<'_>, from: ObjectId, to: ObjectId) -> Result<()> {
    tx.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    for statement in [
        "UPDATE object SET id = ?2 WHERE id = ?1",
        "UPDATE field SET object_id = ?2 WHERE object_id = ?1",
        "UPDATE field SET related_object = ?2 WHERE related_object = ?1",
        "UPDATE filter_group SET object_id = ?2 WHERE object_id = ?1",
        "UPDATE late_index SET object_id = ?2 WHERE object_id = ?1",
    ] {
        tx.execute(statement, [from.to_string(), to.to_string()])?;
    }
    Ok(())
}

/// The object with this id, archived or not.
pub fn find(connection: &Connection, id: ObjectId) -> Result<Option<Object>> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM object WHERE id = ?1"))?
        .query_row([id.to_string()], from_row)
        .optional()?;
    found.map(|object| with_fields(connection, object)).transpose()
}

/// The object with this api name, archived or not.
pub fn find_named(connection: &Connection, name: &str) -> Result<Option<Object>> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM object WHERE name = ?1"))?
        .query_row([name], from_row)
        .optional()?;
    found.map(|object| with_fields(connection, object)).transpose()
}

/// The live object that a path or body names by id or api name.
pub fn find_live(connection: &Connection, id_or_name: &str) -> Result<Option<Object>> {
    let found = match id_or_name.parse() {
        Ok(id) => find(connection, id)?,
        Err(_) => find_named(connection, id_or_name)?,
    };
    Ok(found.filter(|object| object.archived.is_none()))
}

/// The object with this id, archived or not; a missing one is `not_found`.
pub fn load(connection: &Connection, id: ObjectId) -> Result<Object> {
    find(connection, id)?.ok_or_else(|| Error::not_found("object"))
}

/// Which objects a list shows.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Without the built-in ones.
    pub custom_only: bool,
    /// Occurs in the api name or one of the labels, without regard to case.
    pub search: Option<String>,
}

/// Live objects by api name, and how many there are in all.
pub fn list(
    connection: &Connection,
    filter: &ListFilter,
    limit: i64,
    offset: i64,
) -> Result<(i64, Vec<Object>)> {
    const WHICH: &str = "FROM object WHERE archived IS NULL AND (is_custom OR NOT ?1)
        AND (?2 IS NULL OR instr(folded(name || char(10) || object_name || char(10) || entity_name), folded(?2)))";
    let count = connection
        .prepare_cached(&format!("SELECT count(*) {WHICH}"))?
        .query_row(params![filter.custom_only, filter.search], |row| row.get(0))?;
    let mut objects = connection
        .prepare_cached(&format!("SELECT {COLUMNS} {WHICH} ORDER BY name LIMIT ?3 OFFSET ?4"))?
        .query_map(params![filter.custom_only, filter.search, limit, offset], from_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for object in &mut objects {
        object.fields = field::of_object(connection, object.id)?;
    }
    Ok((count, objects))
}

/// An object's names, for those who only mention it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Identity.
    pub id: ObjectId,
    /// The api name.
    pub name: String,
    /// The plural label.
    pub object_name: String,
}

/// The names of every object, archived ones too: old runs mention them.
pub fn names(connection: &Connection) -> Result<Vec<Named>> {
    let mut statement = connection.prepare_cached("SELECT id, name, object_name FROM object")?;
    let rows = statement.query_map([], |row| {
        Ok(Named {
            id: super::column::parsed(row, "id")?,
            name: row.get("name")?,
            object_name: row.get("object_name")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Every live object.
pub fn all(connection: &Connection) -> Result<Vec<Object>> {
    Ok(list(connection, &ListFilter::default(), i64::MAX, 0)?.1)
}

/// Writes the two labels.
pub fn rename(tx: &Transaction<'_>, object: &Object) -> Result<()> {
    tx.execute(
        "UPDATE object SET object_name = ?2, entity_name = ?3 WHERE id = ?1",
        params![object.id.to_string(), object.object_name, object.entity_name],
    )?;
    Ok(())
}

/// Hides the object. Its table and records stay.
pub fn archive(tx: &Transaction<'_>, id: ObjectId, now: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "UPDATE object SET archived = coalesce(archived, ?2) WHERE id = ?1",
        params![id.to_string(), time::to_ms(now)],
    )?;
    Ok(())
}

fn with_fields(connection: &Connection, mut object: Object) -> Result<Object> {
    object.fields = field::of_object(connection, object.id)?;
    Ok(object)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Object> {
    Ok(Object {
        id: column::parsed(row, "id")?,
        name: row.get("name")?,
        object_name: row.get("object_name")?,
        entity_name: row.get("entity_name")?,
        is_custom: row.get("is_custom")?,
        created: time::get(row, "created")?,
        archived: time::get_optional(row, "archived")?,
        fields: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, store::Store};

    fn orders() -> NewObject {
        NewObject { name: None, object_name: "Orders".into(), entity_name: "Order".into() }
    }

    #[test]
    fn a_new_object_is_a_table_with_name_and_owner() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let made = store.records.write(|tx| create(tx, &orders(), store.clock.now())).unwrap();
        let read = store.records.read(|c| load(c, made.id)).unwrap();
        assert_eq!(read, made);
        assert_eq!(read.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["name", "owner"]);
        store
            .records
            .read(
                |c| {
                    Ok(c.query_row("SELECT count(name) + count(owner) FROM record_orders", [], |_| Ok(()))?)
                },
            )
            .unwrap();
    }

    #[test]
    fn a_derived_name_evades_and_a_given_one_that_is_taken_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let now = store.clock.now();
        let names = store
            .records
            .write(|tx| Ok([create(tx, &orders(), now)?.name, create(tx, &orders(), now)?.name]))
            .unwrap();
        assert_eq!(names, ["orders", "orders_2"]);
        let given = NewObject { name: Some("orders".into()), ..orders() };
        let refusal = store.records.write(|tx| create(tx, &given, now)).unwrap_err();
        assert_eq!(refusal.code, Code::Unique);
    }

    #[test]
    fn contacts_are_there_once_and_have_no_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let now = store.clock.now();
        store.records.write(|tx| ensure_builtin(tx, now)).unwrap();
        store.records.write(|tx| ensure_builtin(tx, now)).unwrap();
        let contacts = store.records.read(|c| find_live(c, CONTACTS)).unwrap().unwrap();
        assert!(!contacts.is_custom);
        assert!(contacts.field_named("name").is_none());
        assert!(contacts.field_named("email").unwrap().is_unique);
        let listed = |custom_only| {
            store
                .records
                .read(|c| list(c, &ListFilter { custom_only, search: Some("cont".into()) }, 10, 0))
                .unwrap()
                .0
        };
        assert_eq!((listed(true), listed(false)), (0, 1));
    }

    #[test]
    fn an_archived_object_is_no_longer_found_by_those_who_would_use_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let now = store.clock.now();
        let made = store.records.write(|tx| create(tx, &orders(), now)).unwrap();
        store.records.write(|tx| archive(tx, made.id, now)).unwrap();
        store
            .records
            .read(|c| {
                assert!(find_live(c, "orders")?.is_none());
                assert_eq!(load(c, made.id)?.archived, Some(now));
                Ok(())
            })
            .unwrap();
    }
}
