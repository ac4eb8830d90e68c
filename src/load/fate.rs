//! What became of a row, and the sentences for it.

use super::{
    convert::{counted, named},
    matching::Skip,
    plan::{Mapping, Slot, StepPlan},
};
use crate::{
    execution::{
        Outcome,
        outcome::{Change, Message},
    },
    id::{ObjectId, RecordId},
    object::Field,
};

/// What became of a row.
pub(super) struct Fate {
    pub outcome: Outcome,
    /// The record that it matched or made.
    pub record: Option<i64>,
    /// Why it was rejected or skipped.
    pub messages: Vec<Message>,
    /// In a dry run, of an update.
    pub changes: Vec<Change>,
}

pub(super) fn rejected(messages: Vec<Message>) -> Fate {
    Fate { outcome: Outcome::Rejected, record: None, messages, changes: Vec::new() }
}

pub(super) fn done(outcome: Outcome, record: i64) -> Fate {
    Fate { outcome, record: Some(record), messages: Vec::new(), changes: Vec::new() }
}

pub(super) fn skipped(object: ObjectId, skip: &Skip) -> Fate {
    let (code, text) = match skip {
        Skip::None => ("no_match", "no record matches".to_owned()),
        Skip::Single(record) => {
            ("single_match", format!("a record matches: {}", RecordId::of(object, *record)))
        }
        Skip::Archived(record) => {
            ("archived_match", format!("only an archived record matches: {}", RecordId::of(object, *record)))
        }
        Skip::Several(records) => (
            "several_match",
            format!("several records match ({}): {}", counted(records), named(object, records)),
        ),
    };
    Fate {
        outcome: Outcome::Skipped,
        record: None,
        messages: vec![Message { message: text, ..message(code) }],
        changes: Vec::new(),
    }
}

/// Of a row without a value to match by.
pub(super) fn blank_message(plan: &StepPlan) -> Message {
    let slots: Vec<&Slot> = plan.rules.iter().map(|rule| &plan.slots[plan.slot_of(rule)]).collect();
    let names: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
    Message {
        message: format!(
            "{} is blank: without a value to match by, every run would make a new record",
            names.join(", ")
        ),
        variable: slots.first().map(|slot| slot.name.clone()),
        column: slots.first().and_then(|slot| slot.column.clone()),
        expected: Some("a value to match by".to_owned()),
        ..message("match_value_blank")
    }
}

/// Of a required field that nothing is mapped to.
pub(super) fn unmapped_message(field: &Field) -> Message {
    Message {
        message: format!("{} is required", field.display_name),
        field: Some(field.name.clone()),
        expected: Some("a value".to_owned()),
        ..message("required")
    }
}

/// Of a required field to which the row brings nothing.
pub(super) fn required_message(plan: &StepPlan, mapping: &Mapping) -> Message {
    let slot = &plan.slots[mapping.slots[0]];
    Message {
        variable: Some(slot.name.clone()),
        column: slot.column.clone(),
        ..unmapped_message(&mapping.field)
    }
}

/// A message about no value in particular.
pub(super) fn message(code: &str) -> Message {
    Message {
        message: String::new(),
        code: code.to_owned(),
        variable: None,
        column: None,
        field: None,
        value: None,
        expected: None,
    }
}
