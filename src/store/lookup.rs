//! Finding records of one object by the values of fields, as often as a file has rows.
//!
//! A [`Finder`] lives as long as one batch and keeps its statements prepared. In a dry run it works on
//! the scratch tables, and before it looks there it copies the live records that the same question finds
//! in `records.db` ([`super::scratch`]); so the code that loads needs no second way.

use rusqlite::{CachedStatement, Connection, Statement};

use super::{scratch, table, value};
use crate::{
    error::Result,
    object::{Field, FieldValue, Object},
};

/// A look-up that finds more than this many records says "more than".
pub const MANY: usize = 100;

/// What a look-up compares with a value.
#[derive(Debug, Clone, Copy)]
pub enum Term<'a> {
    /// The row number, of which the record's id is made.
    Id,
    /// A field; a many-valued one matches when it contains the value.
    Field(&'a Field),
}

/// Names a look-up among those that a step does: terms `from` to `to` of its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The first term.
    pub from: usize,
    /// The last term.
    pub to: usize,
    /// Archived records, or live ones.
    pub archived: bool,
}

struct Prepared<'c> {
    question: Question,
    find: Statement<'c>,
    /// In a dry run: what `records.db` has and the scratch tables don't.
    fetch: Option<Statement<'c>>,
}

/// Looks up records of one object. See the module.
pub struct Finder<'c> {
    connection: &'c Connection,
    object: &'c Object,
    terms: Vec<Term<'c>>,
    prepared: Vec<Prepared<'c>>,
    copy: Option<Copier<'c>>,
    /// Inside a batch nobody else writes, and loading archives nothing: asked once, when it matters.
    has_archived: Option<bool>,
}

impl<'c> Finder<'c> {
    /// Prepares to look up records of `object` by any run of `terms`.
    pub fn new(
        connection: &'c Connection,
        object: &'c Object,
        terms: Vec<Term<'c>>,
        is_dry: bool,
    ) -> Result<Self> {
        let copy = if is_dry { Some(Copier::new(connection, object)?) } else { None };
        Ok(Self { connection, object, terms, prepared: Vec::new(), copy, has_archived: None })
    }

    /// Whether archived records can be found at all.
    pub fn has_archived(&mut self) -> Result<bool> {
        if let Some(known) = self.has_archived {
            return Ok(known);
        }
        let has = |schema: &str| {
            let table = table::table(self.object);
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {schema}.{table} WHERE archived IS NOT NULL)");
            self.connection.query_row(&sql, [], |row| row.get::<_, bool>(0))
        };
        let found = has("main")? || (self.copy.is_some() && has("live")?);
        self.has_archived = Some(found);
        Ok(found)
    }

    /// Rows whose terms `question.from..=question.to` equal `keys`, in their order of creation, at most
    /// [`MANY`] and one.
    pub fn find(&mut self, question: Question, keys: &[&FieldValue], found: &mut Vec<i64>) -> Result<()> {
        found.clear();
        if question.archived && !self.has_archived()? {
            return Ok(());
        }
        let at = self.prepare(question)?;
        let prepared = &mut self.prepared[at];
        if let (Some(fetch), Some(copier)) = (&mut prepared.fetch, &mut self.copy) {
            bind(fetch, keys)?;
            collect(fetch, found)?;
            for id in found.drain(..) {
                copier.copy(id)?;
            }
        }
        bind(&mut prepared.find, keys)?;
        collect(&mut prepared.find, found)
    }

    /// Whether this row is there and live.
    pub fn is_live(&mut self, id: i64) -> Result<bool> {
        if let Some(copier) = &mut self.copy {
            copier.copy(id)?;
        }
        let sql =
            format!("SELECT 1 FROM main.{} WHERE id = ?1 AND archived IS NULL", table::table(self.object));
        let mut statement: CachedStatement<'_> = self.connection.prepare_cached(&sql)?;
        Ok(statement.exists([id])?)
    }

    fn prepare(&mut self, question: Question) -> Result<usize> {
        if let Some(at) = self.prepared.iter().position(|p| p.question == question) {
            return Ok(at);
        }
        let terms = &self.terms[question.from..=question.to];
        let table = table::table(self.object);
        let find = format!(
            "SELECT t.id FROM main.{table} AS t WHERE {} ORDER BY t.id LIMIT {}",
            condition("main", terms, question.archived, |_| Ok(false))?,
            MANY + 1
        );
        let with_lookup = |field: &Field| scratch::has_lookup(self.connection, field);
        let fetch = format!(
            "SELECT t.id FROM live.{table} AS t WHERE {}
             AND NOT EXISTS (SELECT 1 FROM main.{table} AS m WHERE m.id = t.id) LIMIT {}",
            condition("live", terms, question.archived, with_lookup)?,
            MANY + 1
        );
        let fetch = if self.copy.is_some() { Some(self.connection.prepare(&fetch)?) } else { None };
        self.prepared.push(Prepared { question, find: self.connection.prepare(&find)?, fetch });
        Ok(self.prepared.len() - 1)
    }
}

/// The WHERE clause of a look-up, one parameter per term. `has_lookup` says for which fields a table in the
/// scratch database stands in for a missing index.
fn condition(
    schema: &str,
    terms: &[Term<'_>],
    archived: bool,
    has_lookup: impl Fn(&Field) -> Result<bool>,
) -> Result<String> {
    let mut sql = String::new();
    for (n, term) in terms.iter().enumerate() {
        let n = n + 1;
        let clause = match term {
            Term::Id => format!("t.id = ?{n}"),
            Term::Field(field) if field.is_many() => {
                format!(
                    "t.id IN (SELECT record FROM {schema}.{} WHERE value = ?{n})",
                    table::link_table(field)
                )
            }
            Term::Field(field) => {
                let comparable = table::comparable(field);
                let is_plain = comparable == table::column(field);
                let key = if is_plain { format!("?{n}") } else { format!("lower(?{n})") };
                let compared = format!("{comparable} = {key}");
                if has_lookup(field)? {
                    // What changed since the table was made is left out by the comparison itself.
                    let lookup = scratch::lookup_table(field);
                    format!("t.id IN (SELECT id FROM main.{lookup} WHERE value = {key}) AND +{compared}")
                } else {
                    compared
                }
            }
        };
        sql.push_str(&clause);
        sql.push_str(" AND ");
    }
    sql.push_str(if archived { "t.archived IS NOT NULL" } else { "t.archived IS NULL" });
    Ok(sql)
}

fn bind(statement: &mut Statement<'_>, keys: &[&FieldValue]) -> Result<()> {
    for (n, key) in keys.iter().enumerate() {
        value::bind(statement, n + 1, key)?;
    }
    Ok(())
}

fn collect(statement: &mut Statement<'_>, into: &mut Vec<i64>) -> Result<()> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        into.push(row.get(0)?);
    }
    Ok(())
}

/// Copies single records with their links from `records.db` into the scratch tables.
struct Copier<'c> {
    record: Statement<'c>,
    links: Vec<Statement<'c>>,
}

impl<'c> Copier<'c> {
    fn new(connection: &'c Connection, object: &Object) -> Result<Self> {
        let table = table::table(object);
        let columns = columns(connection, &format!("record_{}", object.name))?;
        let record = connection.prepare(&format!(
            "INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM live.{table} WHERE id = ?1"
        ))?;
        let links = object
            .fields
            .iter()
            .filter(|field| field.is_many() && field.has_storage())
            .map(|field| {
                let link = table::link_table(field);
                connection
                    .prepare(&format!("INSERT INTO main.{link} SELECT * FROM live.{link} WHERE record = ?1"))
            })
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self { record, links })
    }

    /// Copies the record unless it is there: what the run did to its copy must stay.
    fn copy(&mut self, id: i64) -> Result<()> {
        if self.record.execute([id])? == 1 {
            for links in &mut self.links {
                links.execute([id])?;
            }
        }
        Ok(())
    }
}

/// The columns of a scratch table: those that the live one had when the run began.
fn columns(connection: &Connection, table: &str) -> Result<String> {
    let names: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1, 'main')")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(names.iter().map(|name| table::quoted(name)).collect::<Vec<_>>().join(", "))
}
