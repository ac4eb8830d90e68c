//! Writing records of one object, as often as a file has rows: insert, compare, update by id with the
//! changed columns only.
//!
//! An [`Upsert`] lives as long as one batch. Statements are prepared once, those of updates once per set
//! of changed columns.

mod sql;

use std::collections::HashMap;

use rusqlite::{Connection, Row, Statement, types::ValueRef};

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
    /// The field by which records are known, and what finds the live one by it: its id, then as `current`.
    known: Option<(usize, Statement<'c>)>,
    updates: HashMap<Vec<usize>, Statement<'c>>,
    changed: Vec<usize>,
    unique: Finder<'c>,
    unique_fields: Vec<&'c Field>,
}

/// Update statements kept; files whose rows change ever other columns don't fill the memory.
const UPDATES: usize = 256;

impl<'c> Upsert<'c> {
    /// Prepares to write `fields` of `object`; values come in their order. The unique field at position `known_by` is
    /// what [`Self::compare_known`] goes by.
    pub fn new(
        connection: &'c Connection,
        object: &'c Object,
        fields: Vec<&'c Field>,
        known_by: Option<usize>,
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
        let known = match known_by {
            Some(at) => Some((at, connection.prepare(&sql::known(object, &columns, fields[at]))?)),
            None => None,
        };
        Ok(Self {
            connection,
            object,
            stamp,
            known,
            next_id: sql::next_id(connection, object, is_dry)?,
            insert: connection.prepare(&sql::insert(object, &columns))?,
            current: if columns.is_empty() {
                None
            } else {
                Some(connection.prepare(&sql::current(object, &columns))?)
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
        compare_row(&mut self.places, id, row.map(|row| (row, 0)), values, standings)
    }

    /// The live record that has the value of the field by which records are known, and how it stands to the values.
    pub fn compare_known(
        &mut self,
        values: &[FieldValue],
        standings: &mut Vec<Standing>,
    ) -> Result<Option<i64>> {
        let Some((at, find)) = &mut self.known else { return Ok(None) };
        value::bind(find, 1, &values[*at])?;
        let mut rows = find.raw_query();
        let Some(row) = rows.next()? else { return Ok(None) };
        let id = row.get(0)?;
        compare_row(&mut self.places, id, Some((row, 1)), values, standings)?;
        Ok(Some(id))
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
            let sql = sql::update(self.object, &self.fields, &self.changed);
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

/// How a record stands to the values; in its row the columns written begin at a position.
fn compare_row(
    places: &mut [Place<'_>],
    id: i64,
    row: Option<(&Row<'_>, usize)>,
    values: &[FieldValue],
    standings: &mut Vec<Standing>,
) -> Result<()> {
    standings.clear();
    for (place, value) in places.iter_mut().zip(values) {
        standings.push(match place {
            Place::Column(n) => match row {
                Some((row, first)) => standing(row.get_ref(first + *n)?, value)?,
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
