//! Whether rows may be left out at all: only where rows about one record are sure to share a key.
//!
//! A row that is equal to one of the last run is left out as if it were alone with its record. Where a changed row
//! may reach the same record by another rule, another step or a look-up, the order of both counts, and everything
//! is loaded. So every step of the flow that writes the object must find its records by the same one field, and
//! write to that field what it matched.

use crate::{
    id::{FieldId, ObjectId},
    load::plan::{Key, Rule, StepPlan},
};

/// By what a flow knows an object's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// By the record's id.
    Record,
    /// By the value of a field, which stays what it was matched by.
    Field(FieldId),
}

/// Why no row of the scope may be left out; `None`: they may.
pub(super) fn unfit(steps: &[StepPlan], scope: &str) -> Option<String> {
    steps.iter().filter(|step| step.scope() == scope).find_map(|step| {
        if identity(steps, step.object.id).is_none() {
            return Some(format!(
                "{} is not matched by one field that its steps also write: rows may be about one record without showing it",
                step.object.object_name
            ));
        }
        let looked_up = step.mappings.iter().find_map(|mapping| {
            let (object, field) = (&step.related[mapping.related?], mapping.lookup.as_ref()?);
            let is_written = steps.iter().any(|other| other.object.id == object.id);
            let is_known = identity(steps, object.id) == Some(Identity::Field(field.id));
            (is_written && !is_known).then_some((object, field))
        });
        looked_up.map(|(object, field)| {
            format!("{}.{}, by which it is related, is changed by the same flow", object.name, field.name)
        })
    })
}

/// What all steps that write the object find its records by, if that is one thing.
fn identity(steps: &[StepPlan], object: ObjectId) -> Option<Identity> {
    let writing = || steps.iter().filter(|step| step.object.id == object);
    // A step for the record that an earlier step exposes is about that step's record.
    let mut known = writing().filter(|step| !follows(step)).map(own);
    let first = known.next()??;
    let agree = known.all(|own| own == Some(first));
    let keep = writing()
        .filter(|step| follows(step))
        .all(|step| !step.mappings.iter().any(|mapping| Identity::Field(mapping.field.id) == first));
    (agree && keep).then_some(first)
}

fn follows(step: &StepPlan) -> bool {
    only_rule(step)
        .is_some_and(|rule| rule.field.is_none() && step.slots[step.slot_of(rule)].exposed_by.is_some())
}

fn own(step: &StepPlan) -> Option<Identity> {
    let rule = only_rule(step)?;
    match (&rule.field, &rule.key) {
        (None, _) => Some(Identity::Record),
        (Some(field), Key::Mapped(_)) if !field.is_many() => Some(Identity::Field(field.id)),
        (Some(_), _) => None,
    }
}

fn only_rule(step: &StepPlan) -> Option<&Rule> {
    let [rule] = &step.rules[..] else { return None };
    Some(rule)
}
