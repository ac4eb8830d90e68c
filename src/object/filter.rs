//! Filters: which records of an object are meant. A search, a filter group and a seed say it the same
//! way: clauses in groups, each joined by "and" or "or".
//!
//! Text conditions look for exactly the text, e-mail ones without regard to case. A negative condition is
//! the plain negation of its positive one, so blanks are included. `store` makes one SQL statement of a
//! [`Filter`]; nothing that a caller wrote becomes SQL text.

use serde_json::{Map, Value};

use super::{
    Field, Object,
    condition::{self, Test},
    written::Reading,
};
use crate::{
    error::{Error, Result},
    id::{FilterGroupId, ObjectId},
};

/// At most this many clauses in a filter: an expression of SQLite is at most 1,000 deep.
pub const MAX_CLAUSES: usize = 500;

/// A filter: groups joined by `and` or `or`. Without groups it means every record.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// All groups must hold; else one is enough.
    pub and: bool,
    /// The groups.
    pub groups: Vec<Group>,
}

/// Clauses joined by `and` or `or`. Without clauses it holds for every record.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// All clauses must hold; else one is enough.
    pub and: bool,
    /// The clauses.
    pub clauses: Vec<Clause>,
}

/// One condition on one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// What is looked at.
    pub target: Target,
    /// What must hold for it.
    pub test: Test,
    /// Or must not hold.
    pub negated: bool,
}

/// What a clause looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A field of the object.
    Field(Box<Field>),
    /// A moment that every record has.
    Time(Moment),
    /// A run that touched the record.
    Run(Touch),
}

/// The moments that every record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When it was made.
    Created,
    /// When it was last changed.
    Updated,
}

/// How a run touched a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Made it.
    Created,
    /// Changed it last.
    Updated,
}

/// A filter that has a name and is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterGroup {
    /// Identity.
    pub id: FilterGroupId,
    /// Whose records it means.
    pub object: ObjectId,
    /// What people call it.
    pub name: String,
    /// `and` of the config.
    pub and: bool,
    /// `query` of the config, as it was saved.
    pub query: Value,
}

impl FilterGroup {
    /// What it means today.
    ///
    /// # Errors
    /// When a field that it looks at is gone since.
    pub fn filter(&self, object: &Object, reading: Reading<'_>) -> Result<Filter> {
        Filter::parse(object, self.and, &self.query, reading)
    }
}

impl Filter {
    /// The filter that means every record.
    #[must_use]
    pub const fn all() -> Self {
        Self { and: true, groups: Vec::new() }
    }

    /// Reads `{and, query}` of a search or a filter group's config, checked against the object.
    pub fn parse(object: &Object, and: bool, query: &Value, reading: Reading<'_>) -> Result<Self> {
        let groups = array(query, "query")?;
        let groups = groups
            .iter()
            .enumerate()
            .map(|(n, group)| parse_group(object, group, &format!("query[{n}]"), reading))
            .collect::<Result<Vec<_>>>()?;
        let clauses: usize = groups.iter().map(|group| group.clauses.len()).sum();
        if clauses.max(groups.len()) > MAX_CLAUSES {
            return Err(refused("query", &format!("more than {MAX_CLAUSES} clauses or groups")));
        }
        Ok(Self { and, groups })
    }
}

fn parse_group(object: &Object, json: &Value, path: &str, reading: Reading<'_>) -> Result<Group> {
    let group = keys(json, path, &["id", "and", "filters"])?;
    let and = match group.get("and") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(and)) => *and,
        Some(other) => return Err(refused(&format!("{path}.and"), &format!("{other} is not true or false"))),
    };
    let filters_path = format!("{path}.filters");
    let filters = group.get("filters").ok_or_else(|| Error::required(&filters_path))?;
    let clauses = array(filters, &filters_path)?
        .iter()
        .enumerate()
        .map(|(n, clause)| parse_clause(object, clause, &format!("{filters_path}[{n}]"), reading))
        .collect::<Result<_>>()?;
    Ok(Group { and, clauses })
}

fn parse_clause(object: &Object, json: &Value, path: &str, reading: Reading<'_>) -> Result<Clause> {
    let clause = keys(json, path, &["id", "type", "subtype", "field", "condition", "value"])?;
    let target = target(object, clause, path)?;
    let condition = text(clause, "condition", path)?;
    let value = clause.get("value").unwrap_or(&Value::Null);
    let parsed = condition::parse(&target, condition, value, reading);
    let (test, negated) = parsed.map_err(|fault| {
        let key = if fault.code == condition::UNKNOWN { "condition" } else { "value" };
        refused(&format!("{path}.{key}"), &fault.message)
    })?;
    Ok(Clause { target, test, negated })
}

/// `fields_v2` and `custom` name a field by `"custom"::<uuid>`, `fields` and `non_custom` by api name.
fn target(object: &Object, clause: &Map<String, Value>, path: &str) -> Result<Target> {
    let name = text(clause, "field", path)?;
    let field_path = format!("{path}.field");
    let kind = (text(clause, "type", path)?, text(clause, "subtype", path)?);
    let field = match kind {
        ("fields_v2", "custom") => {
            let id = name.strip_prefix("\"custom\"::").and_then(|id| id.parse().ok());
            let id = id.ok_or_else(|| {
                refused(&field_path, &format!("{name:?} is not of the form \"custom\"::<field id>"))
            })?;
            object.field(id)
        }
        ("fields", "non_custom") => match name {
            "created" => return Ok(Target::Time(Moment::Created)),
            "updated" => return Ok(Target::Time(Moment::Updated)),
            "created_by_execution" => return Ok(Target::Run(Touch::Created)),
            "updated_by_execution" => return Ok(Target::Run(Touch::Updated)),
            name => object.field_named(name),
        },
        (found, subtype) => {
            return Err(refused(
                &format!("{path}.type"),
                &format!(
                    "type {found:?} with subtype {subtype:?}; \"fields_v2\" with \"custom\" and \"fields\" with \"non_custom\" exist"
                ),
            ));
        }
    };
    let field = field.ok_or_else(|| {
        Error::does_not_exist(format!("{field_path}: {} has no field {name}.", object.name)).at(&field_path)
    })?;
    Ok(Target::Field(Box::new(field.clone())))
}

fn keys<'j>(json: &'j Value, path: &str, known: &[&str]) -> Result<&'j Map<String, Value>> {
    let object = json.as_object().ok_or_else(|| refused(path, "not an object"))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(object),
        Some(key) => {
            let path = format!("{path}.{key}");
            Err(refused(&path, &format!("unknown key; {} are known", known.join(", "))))
        }
    }
}

fn text<'j>(clause: &'j Map<String, Value>, key: &str, path: &str) -> Result<&'j str> {
    let path = format!("{path}.{key}");
    let value = clause.get(key).ok_or_else(|| Error::required(&path))?;
    value.as_str().ok_or_else(|| refused(&path, &format!("{value} is not text")))
}

fn array<'j>(json: &'j Value, path: &str) -> Result<&'j [Value]> {
    match json {
        Value::Array(items) => Ok(items),
        _ => Err(refused(path, "not a list")),
    }
}

fn refused(path: &str, why: &str) -> Error {
    Error::invalid(format!("{path}: {why}.")).at(path)
}
