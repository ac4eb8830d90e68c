//! A load step made ready: ids resolved to variables, fields and objects, once per run.

use std::collections::HashMap;

use super::matching::Actions;
use crate::{
    connector::{
        Conflict, LoadStep, MappingRule, MatchingRule,
        flow::{NoMatch, SingleMatch},
        rules::{Flow, Used, number_of},
    },
    error::{Error, Result},
    id::{MemberId, ObjectId, VariableId},
    object::{Field, FieldType, FieldValue, Object},
    store::lookup::Term,
    variable::{DataType, Locale, Parser, Value},
};

/// The members that a `team_selector` field takes.
#[derive(Debug, Clone, Default)]
pub struct Members {
    by_email: HashMap<String, MemberId>,
    emails: HashMap<MemberId, String>,
}

impl Members {
    /// The live members with their e-mail addresses.
    pub fn new(members: impl IntoIterator<Item = (MemberId, String)>) -> Self {
        let mut known = Self::default();
        for (id, email) in members {
            known.by_email.insert(email.to_lowercase(), id);
            known.emails.insert(id, email);
        }
        known
    }

    /// The member with this address, in any case.
    #[must_use]
    pub fn with_email(&self, email: &str) -> Option<MemberId> {
        self.by_email.get(&email.to_lowercase()).copied()
    }

    /// The address of this member.
    #[must_use]
    pub fn email(&self, id: MemberId) -> Option<&str> {
        self.emails.get(&id).map(String::as_str)
    }
}

/// One of a row's values.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub id: VariableId,
    pub name: String,
    pub column: Option<String>,
    pub data_type: DataType,
    /// Writes its values as text.
    pub parser: Parser,
    /// The step whose records it holds.
    pub exposed_by: Option<Exposer>,
}

/// An earlier step that exposes its records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exposer {
    pub order: i64,
    /// Its place in the flow, from 1.
    pub number: usize,
    pub object: ObjectId,
}

impl Slot {
    /// The value as a text field takes it, by the variable's output format.
    pub(super) fn text(&self, value: Value) -> Value {
        match value {
            Value::Text(text) if self.data_type != DataType::PhoneNumber => Value::Text(text),
            Value::Null => Value::Null,
            value => {
                let mut text = String::new();
                self.parser.render(&value, &mut text);
                Value::Text(text)
            }
        }
    }
}

/// What a matching rule compares with.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// The value that this mapping makes of the same variable for the same field: not made twice.
    Mapped(usize),
    /// The value of this slot.
    Own(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub actions: Actions,
    /// `None`: the record's id.
    pub field: Option<Field>,
    pub key: Key,
}

#[derive(Debug, Clone)]
pub(super) struct Mapping {
    pub field: Field,
    pub slots: Vec<usize>,
    /// Nothing uses the one slot after this mapping: its text can be moved out.
    pub may_take: bool,
    pub conflict: Conflict,
    pub creates_options: bool,
    /// Of a relationship: the related object, by position in [`StepPlan::related`].
    pub related: Option<usize>,
    /// The related object's field in which the value is looked up.
    pub lookup: Option<Field>,
}

impl Mapping {
    /// Whether the field must hold something and this is nothing.
    pub(super) fn is_missing(&self, value: &FieldValue) -> bool {
        self.field.is_required && value.is_blank()
    }
}

/// A load step made ready.
#[derive(Debug, Clone)]
pub struct StepPlan {
    pub(super) order: i64,
    pub(super) scope: String,
    pub(super) object: Object,
    pub(super) related: Vec<Object>,
    pub(super) slots: Vec<Slot>,
    pub(super) rules: Vec<Rule>,
    pub(super) mappings: Vec<Mapping>,
    /// Required fields that nothing is mapped to: no record can be made.
    pub(super) unmapped_required: Vec<Field>,
    pub(super) is_used_later: bool,
    pub(super) members: Members,
    variables: Vec<VariableId>,
}

impl StepPlan {
    /// Makes the `n`-th step of `flow` ready, with all checks that saving the flow makes.
    pub fn new(flow: &Flow<'_>, n: usize, members: &Members, locale: Locale) -> Result<Self> {
        flow.check_step(n)?;
        let step = &flow.steps[n];
        let object = flow
            .objects
            .iter()
            .find(|object| object.id == step.custom_object)
            .ok_or_else(|| Error::not_found("object"))?;
        let mut plan = Self {
            order: step.order,
            scope: step.scope.clone(),
            object: object.clone(),
            related: Vec::new(),
            slots: slots(flow, step, locale)?,
            rules: Vec::new(),
            mappings: Vec::new(),
            unmapped_required: Vec::new(),
            is_used_later: is_used_later(flow, step),
            members: members.clone(),
            variables: Vec::new(),
        };
        plan.variables =
            plan.slots.iter().filter(|slot| slot.exposed_by.is_none()).map(|slot| slot.id).collect();
        for rule in &step.field_mapping_rules {
            let mapping = plan.mapping(flow, rule)?;
            plan.mappings.push(mapping);
        }
        let mut rules: Vec<&MatchingRule> = step.matching_rules.iter().collect();
        rules.sort_by_key(|rule| rule.order);
        plan.rules = rules.into_iter().map(|rule| plan.rule(rule)).collect::<Result<_>>()?;
        plan.mark_last_uses();
        plan.unmapped_required = plan
            .object
            .fields
            .iter()
            .filter(|field| field.is_required && !plan.mappings.iter().any(|m| m.field.id == field.id))
            .cloned()
            .collect();
        Ok(plan)
    }

    /// The step's order in the flow.
    #[must_use]
    pub const fn order(&self) -> i64 {
        self.order
    }

    /// The output table that it reads.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The object that it writes.
    #[must_use]
    pub const fn object(&self) -> &Object {
        &self.object
    }

    /// The object written and those that it relates to: what a dry run needs tables of.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        std::iter::once(&self.object).chain(&self.related)
    }

    /// The variables whose values a [`super::Row`] brings, in this order.
    #[must_use]
    pub fn variables(&self) -> &[VariableId] {
        &self.variables
    }

    /// The fields mapped, in the order of the cells that the spool keeps for the report.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.mappings.iter().map(|mapping| &mapping.field)
    }

    /// The fields of other objects and of this one that it looks records up by: they want their index.
    pub fn looked_up(&self) -> impl Iterator<Item = (&Object, &Field)> {
        let rules = self.rules.iter().filter_map(|rule| Some((&self.object, rule.field.as_ref()?)));
        let lookups = self
            .mappings
            .iter()
            .filter_map(|mapping| Some((&self.related[mapping.related?], mapping.lookup.as_ref()?)));
        rules.chain(lookups)
    }

    /// The mapping of the unique field that the first rule matches by, where no match means a new record:
    /// then the unique index alone tells whether a row is new.
    pub(super) fn creates_by_unique(&self) -> Option<usize> {
        self.first_is_unique().filter(|_| self.rules[0].actions.none == NoMatch::CreateNew)
    }

    /// The same, where one match means an update: then the live record that the unique index has is the one.
    pub(super) fn updates_by_unique(&self) -> Option<usize> {
        self.first_is_unique().filter(|_| self.rules[0].actions.single == SingleMatch::UpdateCurrent)
    }

    fn first_is_unique(&self) -> Option<usize> {
        match self.rules.first()?.key {
            Key::Mapped(at) if self.mappings[at].field.is_unique => Some(at),
            _ => None,
        }
    }

    /// The slot of the variable that a rule compares with.
    pub(super) fn slot_of(&self, rule: &Rule) -> usize {
        match rule.key {
            Key::Mapped(at) => self.mappings[at].slots[0],
            Key::Own(slot) => slot,
        }
    }

    pub(super) fn terms(&self) -> Vec<Term<'_>> {
        self.rules.iter().map(|rule| rule.field.as_ref().map_or(Term::Id, Term::Field)).collect()
    }

    fn slot(&self, id: VariableId) -> Result<usize> {
        self.slots
            .iter()
            .position(|slot| slot.id == id)
            .ok_or_else(|| Error::does_not_exist(format!("variable {id}")))
    }

    fn mapping(&mut self, flow: &Flow<'_>, rule: &MappingRule) -> Result<Mapping> {
        let unknown = || Error::does_not_exist(format!("field {}", rule.field));
        let field = self.object.field(rule.field).ok_or_else(unknown)?.clone();
        let related = match &field.relation {
            Some(relation) => {
                let object =
                    flow.objects.iter().find(|object| object.id == relation.object).ok_or_else(unknown)?;
                let at = self.related.iter().position(|known| known.id == object.id);
                Some(at.unwrap_or_else(|| {
                    self.related.push(object.clone());
                    self.related.len() - 1
                }))
            }
            None => None,
        };
        let lookup = match (rule.lookup_field, related) {
            (Some(id), Some(at)) => Some(self.related[at].field(id).ok_or_else(unknown)?.clone()),
            _ => None,
        };
        Ok(Mapping {
            slots: rule.variables.iter().map(|id| self.slot(*id)).collect::<Result<_>>()?,
            may_take: false,
            conflict: rule.conflict_resolution,
            // The three options of yesnomaybe are fixed; tags are there to be made.
            creates_options: match field.field_type {
                FieldType::Dynamictags => true,
                FieldType::Dropdown | FieldType::Radio | FieldType::Checkboxes => {
                    rule.can_create_field_options
                }
                _ => false,
            },
            related,
            lookup,
            field,
        })
    }

    fn rule(&self, rule: &MatchingRule) -> Result<Rule> {
        let slot = self.slot(rule.variable)?;
        let field = rule.field.and_then(|id| self.object.field(id)).cloned();
        let mapped = self.mappings.iter().position(|mapping| {
            Some(mapping.field.id) == rule.field
                && mapping.slots == [slot]
                && mapping.lookup.is_none()
                && !mapping.field.is_many()
        });
        Ok(Rule {
            actions: Actions {
                none: rule.no_match_action,
                single: rule.single_match_action,
                several: rule.multiple_match_action,
                archived: rule.match_archive_action,
            },
            field,
            key: mapped.map_or(Key::Own(slot), Key::Mapped),
        })
    }

    fn mark_last_uses(&mut self) {
        let mut seen = vec![false; self.slots.len()];
        for mapping in self.mappings.iter_mut().rev() {
            mapping.may_take = matches!(mapping.slots[..], [slot] if !seen[slot]);
            mapping.slots.iter().for_each(|slot| seen[*slot] = true);
        }
    }
}

/// Every variable that the step uses once: those that read the scope first, then exposed ones.
fn slots(flow: &Flow<'_>, step: &LoadStep, locale: Locale) -> Result<Vec<Slot>> {
    let matched = step.matching_rules.iter().map(|rule| rule.variable);
    let mapped = step.field_mapping_rules.iter().flat_map(|rule| rule.variables.iter().copied());
    let mut slots: Vec<Slot> = Vec::new();
    for id in matched.chain(mapped) {
        if slots.iter().any(|slot| slot.id == id) {
            continue;
        }
        let Used { variable, exposed_by } = flow.variable(step, id)?;
        slots.push(Slot {
            id,
            name: variable.name.clone(),
            column: variable.data_source.clone(),
            data_type: variable.data_type,
            parser: Parser::compile(variable, locale)?,
            exposed_by: exposed_by.map(|step| Exposer {
                order: step.order,
                number: number_of(flow.steps, step),
                object: step.custom_object,
            }),
        });
    }
    slots.sort_by_key(|slot| slot.exposed_by.is_some());
    Ok(slots)
}

fn is_used_later(flow: &Flow<'_>, step: &LoadStep) -> bool {
    let Some(exposed) = &step.execution_variable else { return false };
    flow.steps.iter().any(|later| {
        later.matching_rules.iter().any(|rule| rule.variable == exposed.id)
            || later.field_mapping_rules.iter().any(|rule| rule.variables.contains(&exposed.id))
    })
}
