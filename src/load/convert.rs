//! A row's values made into field values, with what needs the store: options and related records.

use std::collections::HashMap;

use super::{
    Cell,
    choice::Choices,
    mapping,
    plan::{Mapping, StepPlan},
};
use crate::{
    error::Result,
    execution::outcome::Message,
    id::{MemberId, RecordId},
    object::{Field, FieldType, FieldValue, design::label_fault, value::ValueFault},
    store::{
        Connection,
        lookup::{Finder, MANY, Question, Term},
    },
    variable::{Value, fault::cut},
};

/// How many of several records are named.
const NAMED: usize = 5;

/// Makes field values while one batch lasts.
pub(super) struct Converter<'c> {
    connection: &'c Connection,
    plan: &'c StepPlan,
    /// By field key.
    choices: HashMap<i64, Choices>,
    /// Per mapping that refers to related records.
    finders: Vec<Option<Finder<'c>>>,
    found: Vec<i64>,
    /// Of the row at hand: labels that are yet to become options. Until then the n-th stands in values
    /// as the key `-n`.
    labels: Vec<String>,
}

/// A match value.
#[derive(Debug, PartialEq)]
pub(super) enum MatchValue {
    /// Matches nothing, and does not count as tried.
    Blank,
    /// No record can hold it.
    Nothing,
    /// What is looked up.
    Value(FieldValue),
}

impl<'c> Converter<'c> {
    pub(super) fn new(connection: &'c Connection, plan: &'c StepPlan, is_dry: bool) -> Result<Self> {
        let mut choices = HashMap::new();
        let matched = plan.rules.iter().filter_map(|rule| rule.field.as_ref());
        for field in plan.fields().chain(matched).filter(|field| field.field_type.has_options()) {
            choices.insert(field.key, Choices::read(connection, field)?);
        }
        let mut finders = Vec::with_capacity(plan.mappings.len());
        for mapping in &plan.mappings {
            finders.push(match mapping.related {
                Some(related) => {
                    let terms = mapping.lookup.iter().map(Term::Field).collect();
                    Some(Finder::new(connection, &plan.related[related], terms, is_dry)?)
                }
                None => None,
            });
        }
        Ok(Self { connection, plan, choices, finders, found: Vec::new(), labels: Vec::new() })
    }

    /// Forgets the row before.
    pub(super) fn begin_row(&mut self) {
        self.labels.clear();
    }

    /// The value of the `at`-th mapping.
    pub(super) fn mapped(
        &mut self,
        at: usize,
        cells: &mut [Cell],
    ) -> Result<std::result::Result<FieldValue, ValueFault>> {
        let mapping = &self.plan.mappings[at];
        let value = gather(self.plan, mapping, cells);
        let field = &mapping.field;
        if !field.field_type.has_options() && mapping.related.is_none() {
            return Ok(mapping::plain(field.field_type, value, &self.plan.members));
        }
        let items = match value {
            Value::List(items) => items,
            value => vec![value],
        };
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let key = if mapping.related.is_some() {
                self.related(at, mapping, item)?
            } else {
                self.option(mapping, item)
            };
            match key {
                Ok(key) => keys.extend(key),
                Err(fault) => return Ok(Err(fault)),
            }
        }
        Ok(Ok(match keys[..] {
            [] => FieldValue::Null,
            [key] if !field.is_many() => FieldValue::Key(key),
            _ => FieldValue::many(keys),
        }))
    }

    /// What a rule on `field` looks up for this value; no option is made and no record asked for.
    pub(super) fn match_value(&mut self, field: Option<&Field>, slot: usize, value: &Value) -> MatchValue {
        let Some(field) = field else {
            return match value {
                Value::Null => MatchValue::Blank,
                value => row_of(value, self.plan.object.id),
            };
        };
        if *value == Value::Null {
            return MatchValue::Blank;
        }
        if field.field_type.has_options() {
            let label = label(value.clone());
            if label.is_empty() {
                return MatchValue::Blank;
            }
            let key = self.choices.get_mut(&field.key).and_then(|choices| choices.find(&label));
            return key.map_or(MatchValue::Nothing, |key| MatchValue::Value(FieldValue::Key(key)));
        }
        if let Some(relation) = &field.relation {
            return row_of(value, relation.object);
        }
        let value = match field.field_type {
            FieldType::Text | FieldType::Longtext => self.plan.slots[slot].text(value.clone()),
            _ => value.clone(),
        };
        match mapping::plain(field.field_type, value, &self.plan.members) {
            Ok(FieldValue::Null) => MatchValue::Blank,
            Ok(value) => MatchValue::Value(value),
            Err(_) => MatchValue::Nothing,
        }
    }

    /// Whether the mapped value has a label that no option has yet.
    pub(super) fn has_new_option(&self, at: usize, value: &FieldValue) -> bool {
        !self.labels.is_empty()
            && self.plan.mappings[at].field.field_type.has_options()
            && match value {
                FieldValue::Key(key) => *key < 0,
                FieldValue::Many(keys) => keys.iter().any(|key| *key < 0),
                _ => false,
            }
    }

    /// Makes the options that the mapped value has labels of.
    pub(super) fn create_options(&mut self, at: usize, value: &mut FieldValue) -> Result<()> {
        let Self { plan, choices, labels, connection, .. } = self;
        let Some(choices) = choices.get_mut(&plan.mappings[at].field.key) else { return Ok(()) };
        let mut settle = |key: &mut i64| -> Result<()> {
            if let Some(label) = new_label(labels, *key) {
                // A list may have the label twice.
                *key = match choices.find(label) {
                    Some(key) => key,
                    None => choices.create(connection, label)?,
                };
            }
            Ok(())
        };
        match value {
            FieldValue::Key(key) => settle(key),
            FieldValue::Many(keys) => {
                // In order, the last label comes first.
                keys.iter_mut().rev().try_for_each(settle)?;
                *value = FieldValue::many(std::mem::take(keys));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The mapped value as a person reads it; `None` is blank.
    pub(super) fn text(&self, at: usize, value: &FieldValue) -> Option<String> {
        let mapping = &self.plan.mappings[at];
        let one = |key: i64| match mapping.related {
            Some(related) => RecordId::of(self.plan.related[related].id, key).to_string(),
            None => new_label(&self.labels, key)
                .or_else(|| self.choices.get(&mapping.field.key)?.name(key))
                .unwrap_or_default()
                .to_owned(),
        };
        Some(match value {
            FieldValue::Null => return None,
            FieldValue::Many(keys) if keys.is_empty() => return None,
            FieldValue::Text(text) => text.clone(),
            FieldValue::Integer(n) => n.to_string(),
            FieldValue::Decimal(n) => n.to_string(),
            FieldValue::Date(day) => day.to_string(),
            FieldValue::Datetime(time) => time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            FieldValue::Bool(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
            FieldValue::Uuid(id) => match self.plan.members.email(MemberId(*id)) {
                Some(email) if mapping.field.field_type == FieldType::TeamSelector => email.to_owned(),
                _ => id.to_string(),
            },
            FieldValue::Key(key) => one(*key),
            FieldValue::Many(keys) => keys.iter().map(|key| one(*key)).collect::<Vec<_>>().join(", "),
        })
    }

    /// The key of an option; that of one to be made is negative.
    fn option(&mut self, mapping: &Mapping, value: Value) -> std::result::Result<Option<i64>, ValueFault> {
        let label = label(value);
        if label.trim().is_empty() {
            return Ok(None);
        }
        let choices = self.choices.get_mut(&mapping.field.key).expect("read for every mapped choice field");
        if let Some(key) = choices.find(&label) {
            return Ok(Some(key));
        }
        if mapping.creates_options {
            if let Some(fault) = label_fault(label.trim()) {
                return Err(fault.about(label));
            }
            self.labels.push(label);
            return Ok(Some(-(self.labels.len() as i64)));
        }
        let expected = choices.listed();
        let message = format!("\"{}\" is no option; expected {expected}", cut(&label));
        Err(ValueFault::new("unknown_option", message).about(label).expecting(expected))
    }

    /// The row of the related record.
    fn related(
        &mut self,
        at: usize,
        mapping: &Mapping,
        value: Value,
    ) -> Result<std::result::Result<Option<i64>, ValueFault>> {
        let related = &self.plan.related[mapping.related.expect("asked for relationships only")];
        let finder = self.finders[at].as_mut().expect("made for every relationship");
        if value == Value::Null {
            return Ok(Ok(None));
        }
        let Some(lookup) = &mapping.lookup else {
            if let MatchValue::Value(FieldValue::Key(row)) = row_of(&value, related.id)
                && finder.is_live(row)?
            {
                return Ok(Ok(Some(row)));
            }
            let found = mapping::quoted(&value);
            let message = format!("there is no record {found} of {}", related.name);
            let expected = format!("the id of a record of {}", related.name);
            return Ok(Err(ValueFault::new("does_not_exist", message).about(found).expecting(expected)));
        };
        let key = match mapping::plain(lookup.field_type, value, &self.plan.members) {
            Ok(FieldValue::Null) => return Ok(Ok(None)),
            Ok(key) => key,
            Err(fault) => return Ok(Err(fault)),
        };
        finder.find(Question { from: 0, to: 0, archived: false }, &[&key], &mut self.found)?;
        if let [row] = self.found[..] {
            return Ok(Ok(Some(row)));
        }
        let value = mapping::shown(&key);
        let what = format!("of {} with {} \"{}\"", related.name, lookup.name, cut(&value));
        let (code, message) = if self.found.is_empty() {
            ("does_not_exist", format!("there is no record {what}"))
        } else {
            let (many, some) = (counted(&self.found), named(related.id, &self.found));
            ("several_records", format!("there are several records ({many}) {what}: {some}"))
        };
        let expected = format!("the {} of one record of {}", lookup.name, related.name);
        Ok(Err(ValueFault::new(code, message).about(value).expecting(expected)))
    }
}

/// How many, as far as was counted.
pub(super) fn counted(found: &[i64]) -> String {
    if found.len() > MANY { format!("more than {MANY}") } else { found.len().to_string() }
}

/// Some of the records by id.
pub(super) fn named(object: crate::id::ObjectId, found: &[i64]) -> String {
    let ids: Vec<String> =
        found.iter().take(NAMED).map(|row| RecordId::of(object, *row).to_string()).collect();
    if found.len() > NAMED { format!("{}, …", ids.join(", ")) } else { ids.join(", ") }
}

/// What is said about a value that a field does not take.
pub(super) fn fault_message(plan: &StepPlan, at: usize, fault: &ValueFault) -> Message {
    let mapping = &plan.mappings[at];
    let slot = &plan.slots[mapping.slots[0]];
    Message {
        message: format!("{}: {}", mapping.field.display_name, fault.message),
        code: fault.code.to_owned(),
        variable: Some(slot.name.clone()),
        column: slot.column.clone(),
        field: Some(mapping.field.name.clone()),
        value: fault.found.as_deref().map(|found| cut(found).to_owned()),
        expected: fault.expected.clone(),
    }
}

/// The one value, or several as texts joined with one space, blanks left out. What a text field takes
/// comes as text.
fn gather(plan: &StepPlan, mapping: &Mapping, cells: &mut [Cell]) -> Value {
    if let [slot] = mapping.slots[..] {
        let value = match &mut cells[slot] {
            Ok(value) if mapping.may_take => std::mem::replace(value, Value::Null),
            Ok(value) => value.clone(),
            Err(_) => Value::Null,
        };
        let target = mapping.lookup.as_ref().unwrap_or(&mapping.field).field_type;
        let takes_text = matches!(target, FieldType::Text | FieldType::Longtext);
        return match value {
            // Each item is looked up by itself.
            Value::List(items) if mapping.field.is_many() && takes_text => {
                Value::List(items.into_iter().map(|item| plan.slots[slot].text(item)).collect())
            }
            Value::List(items) if mapping.field.is_many() => Value::List(items),
            value if takes_text => plan.slots[slot].text(value),
            value => value,
        };
    }
    let mut joined = String::new();
    for slot in &mapping.slots {
        let Ok(value) = &cells[*slot] else { continue };
        let before = joined.len();
        if before > 0 {
            joined.push(' ');
        }
        let start = joined.len();
        plan.slots[*slot].parser.render(value, &mut joined);
        if joined[start..].trim().is_empty() {
            joined.truncate(before);
        }
    }
    if joined.is_empty() { Value::Null } else { Value::Text(joined) }
}

/// The label that the stand-in `key` is of.
fn new_label(labels: &[String], key: i64) -> Option<&str> {
    let at = usize::try_from(-key).ok()?.checked_sub(1)?;
    labels.get(at).map(String::as_str)
}

fn label(value: Value) -> String {
    match value {
        Value::Boolean(true) => "Yes".to_owned(),
        Value::Boolean(false) => "No".to_owned(),
        Value::Text(text) => text,
        value => mapping::quoted(&value),
    }
}

fn row_of(value: &Value, object: crate::id::ObjectId) -> MatchValue {
    let Value::Uuid(id) = value else { return MatchValue::Nothing };
    match RecordId::from(*id).row_in(object) {
        Some(row) => MatchValue::Value(FieldValue::Key(row)),
        None => MatchValue::Nothing,
    }
}
