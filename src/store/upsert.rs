//! Writing records of one object, as often as a file has rows: insert, compare, update by id with the
//! changed columns only.
//!
//! An [`Upsert`] lives as long as one batch. Statements are prepared once, those of updates once per set
//! of changed columns.

use std::{collections::HashMap, fmt::Write as _};

use rusqlite::{Connection, Statement, types::ValueRef};

use super::{
    error::is_unique_violation,
    lookup::{Finder, Question, Term},
    table, value,
};
use crate::{
    error::Result,
    object::{Field, FieldValue, Object},
};

/// How what a record holds in a field stands to the value that a row brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The record holds nothing.
    Blank,
    /// It holds just that.
    Same,
    /// It holds something else.
    Other,
}

/// A unique index refused the write: the position of the field among the object's unique fields is not
/// known to SQLite's caller, so [`Upsert::clash`] looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// Where a field's values live.
enum Place<'c> {
    /// The n-th of the columns written.
    Column(usize),
    /// A link table.
    Links(Links<'c>),
}

struct Links<'c> {
    read: Statement<'c>,
    add: Statement<'c>,
    remove: Statement<'c>,
}

/// Whose writes these are, and when.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Milliseconds since 1970.
    pub now: i64,
    /// `run.key`.
    pub run: i64,
}

/// Writes records of one object. See the module.
pub struct Upsert<'c> {
    connection: &'c Connection,
    object: &'c Object,
    stamp: Stamp,
    fields: Vec<&'c Field>,
    places: Vec<Place<'c>>,
    next_id: i64,
    insert: Statement<'c>,
    current: Option<Statement<'c>>,
    updates: HashMap<Vec<usize>, Statement<'c>>,
    changed: Vec<usize>,
    unique: Finder<'c>,
    unique_fields: Vec<&'c Field>,
}

/// Update statements kept; files whose rows change ever other columns don't fill the memory.
const UPDATES: usize = 256;

impl<'c> Upsert<'c> {
    /// Prepares to write `fields` of `object`; values come in their order.
    pub fn new(
        connection: &'c Connection,
        object: &'c Object,
        fields: Vec<&'c Field>,
        stamp: Stamp,
        is_dry: bool,
    ) -> Result<Self> {
        let mut columns = Vec::new();
        let mut places = Vec::new();
        for field in &fields {
            if field.has_column() {
                places.push(Place::Column(columns.len()));
                columns.push(*field);
            } else {
                places.push(Place::Links(Links::new(connection, field)?));
            }
        }
        let unique_fields: Vec<_> = object.fields.iter().filter(|field| field.is_unique).collect();
        let terms = unique_fields.iter().map(|field| Term::Field(field)).collect();
        Ok(Self {
            connection,
            object,
            stamp,
            next_id: next_id(connection, object, is_dry)?,
            insert: connection.prepare(&insert_sql(object, &columns))?,
            current: if columns.is_empty() {
                None
            } else {
                Some(connection.prepare(&current_sql(object, &columns))?)
            },
            fields,
            places,
            updates: HashMap::new(),
            changed: Vec::new(),
            unique: Finder::new(connection, object, terms, is_dry)?,
            unique_fields,
        })
    }

    /// Whether the object's table was empty and still is.
    #[must_use]
    pub const fn finds_no_record(&self) -> bool {
        self.next_id == 1
    }

    /// Makes a record; answers its row, or that a unique index refused it and nothing was written.
    pub fn create(&mut self, values: &[FieldValue]) -> Result<std::result::Result<i64, Refused>> {
        let id = self.next_id;
        self.insert.raw_bind_parameter(1, id)?;
        self.insert.raw_bind_parameter(2, self.stamp.now)?;
        self.insert.raw_bind_parameter(3, self.stamp.run)?;
        for (place, value) in self.places.iter().zip(values) {
            if let Place::Column(n) = place {
                value::bind(&mut self.insert, n + 4, value)?;
            }
        }
        match self.insert.raw_execute() {
            Err(e) if is_unique_violation(&e) => return Ok(Err(Refused)),
            other => other?,
        };
        self.next_id += 1;
        for (place, value) in self.places.iter_mut().zip(values) {
            if let (Place::Links(links), FieldValue::Many(items)) = (place, value) {
                for item in items {
                    links.add.execute([id, *item])?;
                }
            }
        }
        Ok(Ok(id))
    }

    /// How the record stands to the values.
    pub fn compare(&mut self, id: i64, values: &[FieldValue], standings: &mut Vec<Standing>) -> Result<()> {
        standings.clear();
        let mut rows = match &mut self.current {
            Some(current) => {
                current.raw_bind_parameter(1, id)?;
                Some(current.raw_query())
            }
            None => None,
        };
        let row = match &mut rows {
            Some(rows) => rows.next()?,
            None => None,
        };
        for (place, value) in self.places.iter_mut().zip(values) {
            standings.push(match place {
                Place::Column(n) => match row {
                    Some(row) => standing(row.get_ref(*n)?, value)?,
                    None => Standing::Blank,
                },
                Place::Links(links) => {
                    let held = links.held(id)?;
                    match value {
                        _ if held.is_empty() => Standing::Blank,
                        FieldValue::Many(wanted) if *wanted == held => Standing::Same,
                        _ => Standing::Other,
                    }
                }
            });
        }
        Ok(())
    }

    /// What the record holds in the `n`-th field.
    pub fn held(&mut self, id: i64, n: usize) -> Result<FieldValue> {
        let field = self.fields[n];
        match &mut self.places[n] {
            Place::Links(links) => Ok(FieldValue::Many(links.held(id)?)),
            Place::Column(_) => {
                let sql = format!(
                    "SELECT {} FROM main.{} WHERE id = ?1",
                    table::column(field),
                    table::table(self.object)
                );
                let mut statement = self.connection.prepare_cached(&sql)?;
                let mut rows = statement.query([id])?;
                let Some(row) = rows.next()? else { return Ok(FieldValue::Null) };
                value::read(field.field_type, row.get_ref(0)?)
            }
        }
    }

    /// Writes the values at the positions `written` into the record, and brings it back when asked.
    pub fn update(
        &mut self,
        id: i64,
        values: &[FieldValue],
        written: &[usize],
        unarchive: bool,
    ) -> Result<std::result::Result<(), Refused>> {
        self.changed.clear();
        self.changed.extend(written.iter().filter(|n| matches!(self.places[**n], Place::Column(_))));
        if unarchive {
            self.changed.push(usize::MAX);
        }
        if !self.updates.contains_key(&self.changed) {
            if self.updates.len() == UPDATES {
                self.updates.clear();
            }
            let sql = update_sql(self.object, &self.fields, &self.changed);
            self.updates.insert(self.changed.clone(), self.connection.prepare(&sql)?);
        }
        let update = self.updates.get_mut(&self.changed).expect("it was put there above when it was missing");
        update.raw_bind_parameter(1, id)?;
        update.raw_bind_parameter(2, self.stamp.now)?;
        update.raw_bind_parameter(3, self.stamp.run)?;
        for (at, n) in self.changed.iter().filter(|n| **n != usize::MAX).enumerate() {
            value::bind(update, at + 4, &values[*n])?;
        }
        match update.raw_execute() {
            Err(e) if is_unique_violation(&e) => return Ok(Err(Refused)),
            other => other?,
        };
        for n in written {
            if let Place::Links(links) = &mut self.places[*n] {
                links.write(id, &values[*n])?;
            }
        }
        Ok(Ok(()))
    }

    /// The unique field and the live record, other than `me`, that already has its value: among the
    /// values at the positions `written`, and with `all` also among what the record `me` holds itself.
    ///
    /// In a dry run this also brings the records that would clash into the scratch tables.
    pub fn clash(
        &mut self,
        me: Option<i64>,
        values: &[FieldValue],
        written: &[usize],
        all: bool,
    ) -> Result<Option<(&'c Field, i64)>> {
        let mut found = Vec::new();
        for at in 0..self.unique_fields.len() {
            let field = self.unique_fields[at];
            let mapped = written.iter().find(|n| self.fields[**n].key == field.key);
            let own;
            let value = match (mapped, me) {
                (Some(n), _) => &values[*n],
                (None, Some(me)) if all => {
                    own = self.read_field(me, field)?;
                    &own
                }
                _ => continue,
            };
            if *value == FieldValue::Null {
                continue;
            }
            self.unique.find(Question { from: at, to: at, archived: false }, &[value], &mut found)?;
            if let Some(other) = found.iter().find(|id| Some(**id) != me) {
                return Ok(Some((field, *other)));
            }
        }
        Ok(None)
    }

    fn read_field(&self, id: i64, field: &Field) -> Result<FieldValue> {
        let sql =
            format!("SELECT {} FROM main.{} WHERE id = ?1", table::column(field), table::table(self.object));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else { return Ok(FieldValue::Null) };
        value::read(field.field_type, row.get_ref(0)?)
    }
}

impl<'c> Links<'c> {
    fn new(connection: &'c Connection, field: &Field) -> Result<Self> {
        let link = table::link_table(field);
        Ok(Self {
            read: connection
                .prepare(&format!("SELECT value FROM main.{link} WHERE record = ?1 ORDER BY value"))?,
            add: connection.prepare(&format!("INSERT OR IGNORE INTO main.{link} VALUES (?1, ?2)"))?,
            remove: connection
                .prepare(&format!("DELETE FROM main.{link} WHERE record = ?1 AND value = ?2"))?,
        })
    }

    fn held(&mut self, id: i64) -> Result<Vec<i64>> {
        Ok(self.read.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    }

    /// Makes the record hold exactly these.
    fn write(&mut self, id: i64, wanted: &FieldValue) -> Result<()> {
        let wanted: &[i64] = if let FieldValue::Many(items) = wanted { items } else { &[] };
        for gone in self.held(id)?.iter().filter(|item| !wanted.contains(item)) {
            self.remove.execute([id, *gone])?;
        }
        for item in wanted {
            self.add.execute([id, *item])?;
        }
        Ok(())
    }
}

/// Ids are given out here and not by SQLite, so that a dry run's are above those of `records.db`.
fn next_id(connection: &Connection, object: &Object, is_dry: bool) -> Result<i64> {
    let table = table::table(object);
    let highest = |schema: &str| {
        connection.query_row(&format!("SELECT ifnull(max(id), 0) FROM {schema}.{table}"), [], |row| {
            row.get::<_, i64>(0)
        })
    };
    let live = if is_dry { highest("live")? } else { 0 };
    Ok(highest("main")?.max(live) + 1)
}

fn insert_sql(object: &Object, columns: &[&Field]) -> String {
    let mut names = String::new();
    let mut places = String::new();
    for (n, field) in columns.iter().enumerate() {
        names.push_str(", ");
        names.push_str(&table::column(field));
        let _ = write!(places, ", ?{}", n + 4);
    }
    format!(
        "INSERT INTO main.{} (id, created, updated, created_by_execution, updated_by_execution{names})
         VALUES (?1, ?2, ?2, ?3, ?3{places})",
        table::table(object)
    )
}

fn current_sql(object: &Object, columns: &[&Field]) -> String {
    let names: Vec<String> = columns.iter().map(|field| table::column(field)).collect();
    format!("SELECT {} FROM main.{} WHERE id = ?1", names.join(", "), table::table(object))
}

fn update_sql(object: &Object, fields: &[&Field], changed: &[usize]) -> String {
    let mut sql = format!("UPDATE main.{} SET updated = ?2, updated_by_execution = ?3", table::table(object));
    for (at, n) in changed.iter().filter(|n| **n != usize::MAX).enumerate() {
        let _ = write!(sql, ", {} = ?{}", table::column(fields[*n]), at + 4);
    }
    if changed.contains(&usize::MAX) {
        sql.push_str(", archived = NULL");
    }
    sql.push_str(" WHERE id = ?1");
    sql
}

/// How a column's content stands to a value, without building a value of it.
fn standing(held: ValueRef<'_>, value: &FieldValue) -> Result<Standing> {
    let same = match (held, value) {
        (ValueRef::Null, _) => return Ok(Standing::Blank),
        (ValueRef::Text(held), FieldValue::Text(text)) => held == text.as_bytes(),
        (ValueRef::Text(held), FieldValue::Date(day)) => {
            held == value::DateText::of(*day)?.as_str().as_bytes()
        }
        (ValueRef::Text(held), FieldValue::Datetime(time)) => {
            held == value::DatetimeText::of(*time)?.as_str().as_bytes()
        }
        (ValueRef::Text(held), FieldValue::Uuid(id)) => {
            let mut buffer = uuid::Uuid::encode_buffer();
            held == id.hyphenated().encode_lower(&mut buffer).as_bytes()
        }
        (ValueRef::Integer(held), FieldValue::Integer(n) | FieldValue::Key(n)) => held == *n,
        (ValueRef::Integer(held), FieldValue::Bool(yes)) => held == i64::from(*yes),
        #[expect(clippy::float_cmp, reason = "the nearest double of the same decimal is the same double")]
        (ValueRef::Real(held), FieldValue::Decimal(n)) => held == value::real(*n),
        _ => false,
    };
    Ok(if same { Standing::Same } else { Standing::Other })
}
