//! What identifies the record that a row is about, as far as the row itself tells: the values of its matching rules.
//!
//! Two rows with the same key may be about one record. Where that can't be told exactly, the key is coarser, never
//! finer: rows are loaded needlessly then, which costs time and changes nothing.
//!
//! - A key is made for each rule that may decide, of its value and those that narrow down to it by `next_rule`.
//! - Values are compared as the field compares them. Options and members are known by several names, so they
//!   are left out of a key.
//! - The record that an earlier step exposes is left out too: that step's own keys tell it.

use super::hash;
use crate::{
    connector::flow::{ArchiveMatch, MultipleMatch, NoMatch, SingleMatch},
    id::{ObjectId, VariableId},
    load::{
        Cell,
        matching::Actions,
        plan::{Rule, StepPlan},
    },
    object::FieldType,
    variable::{DataType, Parser, Value},
};

/// A matching rule's value.
#[derive(Clone)]
struct Part {
    /// Its place among the scope's variables.
    at: usize,
    /// The field compared, or none: the record's id.
    field: Option<crate::id::FieldId>,
    compared: Compared,
}

/// How a field compares values.
#[derive(Clone)]
enum Compared {
    /// By the value.
    Value,
    /// As text, as it is written; a text is what it is.
    Text(Option<Box<Parser>>),
    /// As text in any case.
    AnyCase,
}

/// The values that identify a record together.
pub(super) struct RecordKey {
    object: ObjectId,
    parts: Vec<Part>,
}

/// The keys of a scope: those of all steps that load it.
pub(super) struct Keys {
    /// Those that may decide.
    pub deciding: Vec<RecordKey>,
    /// All match values, also those that are left out of keys.
    matched: Vec<usize>,
}

impl Keys {
    /// `variables` are the scope's, in order.
    pub(super) fn new<'p>(steps: impl Iterator<Item = &'p StepPlan>, variables: &[VariableId]) -> Self {
        let mut keys = Self { deciding: Vec::new(), matched: Vec::new() };
        for step in steps {
            keys.add(step, variables);
        }
        keys
    }

    fn add(&mut self, step: &StepPlan, variables: &[VariableId]) {
        let mut narrowed: Vec<Part> = Vec::new();
        let mut goes_on_narrowing = false;
        let mut is_exposed = false;
        for rule in &step.rules {
            if !goes_on_narrowing {
                narrowed.clear();
                is_exposed = false;
            }
            goes_on_narrowing = !ignores_previous(rule.actions);
            let slot = &step.slots[step.slot_of(rule)];
            let place = variables.iter().position(|id| *id == slot.id);
            is_exposed |= place.is_none();
            if let Some(at) = place {
                self.matched.push(at);
                narrowed.extend(compared(step, rule).map(|compared| Part {
                    at,
                    field: rule.field.as_ref().map(|field| field.id),
                    compared,
                }));
            }
            // A key of nothing but an exposed record is that of the step that exposes it.
            if decides(rule.actions) && !(is_exposed && narrowed.is_empty()) {
                self.deciding.push(RecordKey { object: step.object.id, parts: narrowed.clone() });
            }
        }
    }

    /// Whether the one key tells as much as all match values.
    pub(super) fn is_one(&self) -> bool {
        matches!(&self.deciding[..], [key] if key.parts.len() == self.matched.len())
    }

    /// All match values as bytes.
    pub(super) fn push_matched(&self, to: &mut Vec<u8>, values: &[Cell]) {
        self.matched.iter().for_each(|at| hash::push_cell(to, &values[*at]));
    }
}

impl RecordKey {
    /// The key's bytes. False when a value is blank or faulty: the rule finds nothing then.
    pub(super) fn push(&self, to: &mut Vec<u8>, values: &[Cell]) -> bool {
        to.extend(self.object.0.as_bytes());
        self.parts.iter().all(|part| {
            to.extend(part.field.map_or([0; 16], |field| field.0.into_bytes()));
            match &values[part.at] {
                Ok(value) if *value != Value::Null => {
                    part.compared.push(to, value);
                    true
                }
                _ => false,
            }
        })
    }
}

impl Compared {
    fn push(&self, to: &mut Vec<u8>, value: &Value) {
        match (self, value) {
            (Self::AnyCase, Value::Text(text)) => hash::push_bytes(to, text.to_lowercase().as_bytes()),
            (Self::Text(None), Value::Text(text)) => hash::push_bytes(to, text.as_bytes()),
            (Self::Text(Some(parser)), value) => {
                let mut text = String::new();
                parser.render(value, &mut text);
                hash::push_bytes(to, text.as_bytes());
            }
            (_, Value::Number(number)) => hash::push(to, &Value::Number(number.normalize())),
            (_, value) => hash::push(to, value),
        }
    }
}

fn compared(step: &StepPlan, rule: &Rule) -> Option<Compared> {
    let Some(field) = &rule.field else { return Some(Compared::Value) };
    let slot = &step.slots[step.slot_of(rule)];
    match field.field_type {
        FieldType::Text | FieldType::Longtext => {
            let is_written = slot.data_type != DataType::String;
            Some(Compared::Text(is_written.then(|| Box::new(slot.parser.clone()))))
        }
        FieldType::Email => Some(Compared::AnyCase),
        FieldType::TeamSelector => None,
        of_options if of_options.has_options() => None,
        _ => Some(Compared::Value),
    }
}

/// Whether the rule may be what makes, changes or brings back a record.
fn decides(actions: Actions) -> bool {
    actions.none == NoMatch::CreateNew
        || actions.single == SingleMatch::UpdateCurrent
        || matches!(
            actions.archived,
            ArchiveMatch::CreateNew | ArchiveMatch::UnarchiveAndUpdate | ArchiveMatch::UnarchiveOnly
        )
}

/// Whether the next rule may be tried over all records.
fn ignores_previous(actions: Actions) -> bool {
    actions.none == NoMatch::NextRuleIgnorePrevious
        || actions.single == SingleMatch::NextRuleIgnorePrevious
        || actions.several == MultipleMatch::NextRuleIgnorePrevious
        || actions.archived == ArchiveMatch::NextRuleIgnorePrevious
}
