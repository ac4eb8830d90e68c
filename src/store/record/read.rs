//! Reading records.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter, types::Value};

use crate::{
    error::{Error, Result},
    object::{CONTACTS, Field, FieldType, FieldValue, Object, Record, filter::Filter},
    store::{filter, link::Link, table, time, value},
};

/// At most this many records of the other side are shown in a mirror: there, everyone's orders may meet.
pub const MIRROR_SHOWN: usize = 100;

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Up,
    /// Largest first.
    Down,
}

/// What a list of records is ordered by; records that are equal there are in the order they were made.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    by: String,
    direction: Direction,
}

impl Order {
    /// The order in which the records were made.
    #[must_use]
    pub fn made() -> Self {
        Self { by: "r.id".to_owned(), direction: Direction::Up }
    }

    /// Reads `ordering`: `created`, `updated` or a field's api name, `-` in front for descending.
    pub fn parse(object: &Object, text: &str) -> Result<Self> {
        let (name, direction) = match text.strip_prefix('-') {
            Some(name) => (name, Direction::Down),
            None => (text, Direction::Up),
        };
        let by = match name {
            "created" | "updated" => format!("r.{name}"),
            name => match object.field_named(name) {
                Some(field) if field.has_column() && field.field_type != FieldType::Relationship => {
                    sort_key(field)
                }
                Some(_) => {
                    return Err(Error::invalid(format!(
                        "ordering: {name} is a field with several values or related records; records can't be ordered by it."
                    ))
                    .at("ordering"));
                }
                None => {
                    return Err(Error::invalid(format!("ordering: {} has no field {name:?}.", object.name))
                        .at("ordering"));
                }
            },
        };
        Ok(Self { by, direction })
    }

    fn sql(&self) -> String {
        match self.direction {
            Direction::Up => format!("{}, r.id", self.by),
            Direction::Down => format!("{} DESC, r.id DESC", self.by),
        }
    }
}

/// Options sort by their position.
fn sort_key(field: &Field) -> String {
    let column = format!("r.{}", table::column(field));
    if field.field_type.has_options() {
        return format!("(SELECT position FROM field_option WHERE key = {column})");
    }
    column
}

/// Live records that the filter means: one page, with the values of `fields`.
pub fn page(
    connection: &Connection,
    object: &Object,
    fields: &[&Field],
    filter: &Filter,
    order: &Order,
    limit: i64,
    offset: i64,
) -> Result<Vec<Record>> {
    let mut expression = filter::compile(connection, filter)?;
    let sql = format!(
        "SELECT {} FROM {} r WHERE r.archived IS NULL AND {} ORDER BY {} LIMIT ? OFFSET ?",
        columns(fields),
        table::table(object),
        expression.sql,
        order.sql(),
    );
    expression.parameters.extend([Value::Integer(limit), Value::Integer(offset)]);
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(expression.parameters))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(from_row(row, fields)?);
    }
    fill_lists(connection, fields, &mut records, Some(MIRROR_SHOWN))?;
    Ok(records)
}

/// The next live records in the order they were made, whole lists included: pages that take the same
/// time however far one has read.
pub fn after(
    connection: &Connection,
    object: &Object,
    fields: &[&Field],
    filter: &Filter,
    row: i64,
    limit: i64,
) -> Result<Vec<Record>> {
    let expression = filter::compile(connection, filter)?;
    let sql = format!(
        "SELECT {} FROM {} r WHERE r.id > ? AND r.archived IS NULL AND {} ORDER BY r.id LIMIT ?",
        columns(fields),
        table::table(object),
        expression.sql,
    );
    let mut parameters = vec![Value::Integer(row)];
    parameters.extend(expression.parameters);
    parameters.push(Value::Integer(limit));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(from_row(row, fields)?);
    }
    fill_lists(connection, fields, &mut records, None)?;
    Ok(records)
}

/// How many live records the filter means.
pub fn count(connection: &Connection, object: &Object, filter: &Filter) -> Result<i64> {
    let expression = filter::compile(connection, filter)?;
    let sql = format!(
        "SELECT count(*) FROM {} r WHERE r.archived IS NULL AND {}",
        table::table(object),
        expression.sql
    );
    let mut statement = connection.prepare(&sql)?;
    Ok(statement.query_row(params_from_iter(expression.parameters), |row| row.get(0))?)
}

/// The record in this row, archived or not, with the values of `fields`.
pub fn find(connection: &Connection, object: &Object, fields: &[&Field], row: i64) -> Result<Option<Record>> {
    let sql = format!("SELECT {} FROM {} r WHERE r.id = ?", columns(fields), table::table(object));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([row])?;
    let Some(found) = rows.next()? else { return Ok(None) };
    let mut records = vec![from_row(found, fields)?];
    fill_lists(connection, fields, &mut records, Some(MIRROR_SHOWN))?;
    Ok(records.pop())
}

/// The records in these rows, archived or not, whole lists included.
pub fn in_rows(
    connection: &Connection,
    object: &Object,
    fields: &[&Field],
    rows: &[i64],
) -> Result<Vec<Record>> {
    let sql = format!(
        "SELECT {} FROM {} r WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id",
        columns(fields),
        table::table(object)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query([json_rows(rows)])?;
    let mut records = Vec::with_capacity(rows.len());
    while let Some(row) = found.next()? {
        records.push(from_row(row, fields)?);
    }
    fill_lists(connection, fields, &mut records, None)?;
    Ok(records)
}

/// What people know the records in these rows by.
pub fn labels(connection: &Connection, object: &Object, rows: &[i64]) -> Result<HashMap<i64, String>> {
    let sql = format!(
        "SELECT r.id, coalesce({}, '') FROM {} r WHERE r.id IN (SELECT value FROM json_each(?))",
        label(object),
        table::table(object)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map([json_rows(rows)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The one live record with this label, as written in relationship values.
///
/// # Errors
/// Says how many there are, when it isn't one.
pub fn find_by_label(connection: &Connection, object: &Object, text: &str) -> Result<Result<i64, usize>> {
    let Some(field) = object.label_field() else { return Ok(Err(0)) };
    let parameter = if field.field_type == FieldType::Email { "lower(?)" } else { "?" };
    let sql = format!(
        "SELECT id FROM {} WHERE archived IS NULL AND {} = {parameter} LIMIT 2",
        table::table(object),
        table::comparable(field)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([text], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    Ok(match rows.as_slice() {
        [one] => Ok(*one),
        other => Err(other.len()),
    })
}

/// The label as SQL: a person's name, else the e-mail address; the name of everything else.
fn label(object: &Object) -> String {
    let column = |name: &str| object.field_named(name).map(|field| format!("r.{}", table::column(field)));
    let name = if object.name == CONTACTS {
        let part = |name| column(name).unwrap_or_else(|| "NULL".to_owned());
        Some(format!(
            "coalesce(nullif(trim(coalesce({}, '') || ' ' || coalesce({}, '')), ''), {})",
            part("first_name"),
            part("last_name"),
            part("email")
        ))
    } else {
        column("name")
    };
    name.unwrap_or_else(|| "NULL".to_owned())
}

/// The four columns of every record, then one per field; lists are filled in afterwards.
fn columns(fields: &[&Field]) -> String {
    let mut sql = "r.id, r.created, r.updated, r.archived".to_owned();
    for field in fields {
        sql.push_str(", ");
        if field.has_column() {
            sql.push_str("r.");
            sql.push_str(&table::column(field));
        } else {
            sql.push_str("NULL");
        }
    }
    sql
}

fn from_row(row: &Row<'_>, fields: &[&Field]) -> Result<Record> {
    let values = fields.iter().enumerate().map(|(n, field)| {
        if field.is_many() {
            return Ok(FieldValue::Many(Vec::new()));
        }
        value::read(field.field_type, row.get_ref(4 + n)?)
    });
    Ok(Record {
        row: row.get(0)?,
        created: time::get(row, "created")?,
        updated: time::get(row, "updated")?,
        archived: time::get_optional(row, "archived")?,
        values: values.collect::<Result<_>>()?,
    })
}

/// One statement per many-valued field, however many records there are.
fn fill_lists(
    connection: &Connection,
    fields: &[&Field],
    records: &mut [Record],
    mirrored: Option<usize>,
) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let rows: Vec<i64> = records.iter().map(|record| record.row).collect();
    for (n, field) in fields.iter().enumerate().filter(|(_, field)| field.is_many()) {
        let mut found = lists(connection, field, &rows, mirrored)?;
        for record in &mut *records {
            if let Some(keys) = found.remove(&record.row) {
                record.values[n] = FieldValue::Many(keys);
            }
        }
    }
    Ok(())
}

/// The lists that these records hold in a many-valued field; of a mirror at most `mirrored` records each.
fn lists(
    connection: &Connection,
    field: &Field,
    rows: &[i64],
    mirrored: Option<usize>,
) -> Result<HashMap<i64, Vec<i64>>> {
    let Link { table, owner, value, and } = Link::of(connection, field)?;
    let mut lists: HashMap<i64, Vec<i64>> = HashMap::new();
    let Some(limit) = mirrored.filter(|_| !field.has_storage()) else {
        let sql = format!(
            "SELECT {owner}, {value} FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?)){and}
             ORDER BY {owner}, {value}"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query([json_rows(rows)])?;
        while let Some(row) = found.next()? {
            lists.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        return Ok(lists);
    };
    let sql = format!("SELECT {value} FROM {table} WHERE {owner} = ?{and} ORDER BY {value} LIMIT {limit}");
    let mut statement = connection.prepare_cached(&sql)?;
    for row in rows {
        let keys = statement.query_map([row], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        if !keys.is_empty() {
            lists.insert(*row, keys);
        }
    }
    Ok(lists)
}

/// How many live records of the other side a mirror holds: more than are shown, perhaps.
pub fn mirrored(connection: &Connection, field: &Field, row: i64) -> Result<i64> {
    let Link { table, owner, and, .. } = Link::of(connection, field)?;
    let sql = format!("SELECT count(*) FROM {table} WHERE {owner} = ?{and}");
    Ok(connection.prepare_cached(&sql)?.query_row([row], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn json_rows(rows: &[i64]) -> String {
    serde_json::Value::from(rows).to_string()
}
