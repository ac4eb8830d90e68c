//! What a load step may say: which variables fit which fields, and every other rule that needs no
//! database. Saving a flow and starting a run check the same.

use super::flow::{
    ArchiveMatch, Conflict, LoadStep, MappingRule, MatchingRule, MultipleMatch, NoMatch, SingleMatch,
};
use crate::{
    error::{Error, Result},
    id::VariableId,
    object::{Field, FieldType, Object},
    variable::{DataType, Variable},
};

/// The sentence for ids in a body that did not resolve, as existing clients know it.
const UNKNOWN_ID: &str = "Invalid pk - object does not exist.";

/// Everything that a flow refers to.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'a> {
    /// The steps, in any order.
    pub steps: &'a [LoadStep],
    /// The variables that read a column or a literal.
    pub variables: &'a [Variable],
    /// The objects written to and those related to them.
    pub objects: &'a [Object],
}

/// A variable that a step uses.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    /// The variable.
    pub variable: &'a Variable,
    /// The step that exposes it; `None`: it reads a column or a literal.
    pub exposed_by: Option<&'a LoadStep>,
}

/// Whether a field of the type takes the values of a variable of the type, by itself (not by
/// `lookup_field`). Texts take everything: as it is written.
#[must_use]
pub const fn fits(data_type: DataType, field_type: FieldType) -> bool {
    match field_type {
        FieldType::Text | FieldType::Longtext => true,
        FieldType::Email => matches!(data_type, DataType::Email),
        FieldType::Phonenumber => matches!(data_type, DataType::PhoneNumber),
        FieldType::Integer | FieldType::Decimal | FieldType::Money | FieldType::Rating => {
            matches!(data_type, DataType::Number)
        }
        FieldType::Date => matches!(data_type, DataType::Date),
        FieldType::Datetime => matches!(data_type, DataType::Datetime),
        FieldType::Checkbox => matches!(data_type, DataType::Boolean),
        FieldType::Yesnomaybe => matches!(data_type, DataType::String | DataType::Boolean),
        FieldType::Dropdown | FieldType::Radio | FieldType::Checkboxes | FieldType::Dynamictags => {
            matches!(data_type, DataType::String)
        }
        FieldType::Relationship | FieldType::Uuid => matches!(data_type, DataType::Uuid),
        FieldType::Timezone => matches!(data_type, DataType::String),
        FieldType::TeamSelector => matches!(data_type, DataType::Uuid | DataType::Email | DataType::String),
    }
}

const fn fits_text(field_type: FieldType) -> bool {
    matches!(field_type, FieldType::Text | FieldType::Longtext)
}

/// Whether a conflict resolution means something for a field: options are added to lists only.
#[must_use]
pub fn resolves(conflict: Conflict, field: &Field) -> bool {
    conflict != Conflict::OnlyAddOptions || field.is_many()
}

/// The step's place in the flow, from 1: what people call it. The order has gaps and may begin anywhere.
#[must_use]
pub fn number_of(steps: &[LoadStep], step: &LoadStep) -> usize {
    1 + steps.iter().filter(|other| other.order < step.order).count()
}

impl<'a> Flow<'a> {
    /// Checks every step.
    pub fn check(&self) -> Result<()> {
        for (n, step) in self.steps.iter().enumerate() {
            if self.steps[..n].iter().any(|other| other.order == step.order) {
                return Err(Error::invalid("Load step display orders must be unique")
                    .at(&format!("flow.loads[{n}].order")));
            }
        }
        (0..self.steps.len()).try_for_each(|n| self.check_step(n))
    }

    /// Checks the `n`-th step.
    pub fn check_step(&self, n: usize) -> Result<()> {
        let step = &self.steps[n];
        let path = format!("flow.loads[{n}]");
        let object = self
            .objects
            .iter()
            .find(|object| object.id == step.custom_object)
            .ok_or_else(|| Error::does_not_exist(UNKNOWN_ID).at(&format!("{path}.custom_object")))?;
        if let Some(exposed) = &step.execution_variable {
            self.check_exposed(step, exposed, &format!("{path}.execution_variable"))?;
        }
        let last = step.matching_rules.iter().map(|rule| rule.order).max();
        for (r, rule) in step.matching_rules.iter().enumerate() {
            let path = format!("{path}.matching_rules[{r}]");
            if step.matching_rules[..r].iter().any(|other| other.order == rule.order) {
                return Err(Error::invalid(format!(
                    "Two matching rules have the order {}; the order must be unique.",
                    rule.order
                ))
                .at(&format!("{path}.order")));
            }
            self.check_matching(step, object, rule, &path)?;
            if Some(rule.order) == last {
                check_last(rule, &path)?;
            }
        }
        for (m, rule) in step.field_mapping_rules.iter().enumerate() {
            let path = format!("{path}.field_mapping_rules[{m}]");
            if step.field_mapping_rules[..m].iter().any(|other| other.field == rule.field) {
                return Err(Error::invalid(
                    "This field is mapped twice; map it once, from several variables if need be.",
                )
                .at(&format!("{path}.field")));
            }
            self.check_mapping(step, object, rule, &path)?;
        }
        Ok(())
    }

    /// The variable `id`, when `step` may use it.
    pub fn variable(&self, step: &LoadStep, id: VariableId) -> Result<Used<'a>> {
        if let Some(variable) = self.variables.iter().find(|variable| variable.id == id) {
            self.same_scope(step, variable)?;
            return Ok(Used { variable, exposed_by: None });
        }
        let exposer = self
            .steps
            .iter()
            .find_map(|other| Some((other, other.execution_variable.as_ref().filter(|v| v.id == id)?)));
        let Some((exposer, variable)) = exposer else {
            return Err(Error::does_not_exist(UNKNOWN_ID));
        };
        if exposer.id == step.id || exposer.order >= step.order {
            return Err(Error::invalid(format!(
                "Step {} can't use the variable {}: step {} exposes it, and only later steps can use it.",
                number_of(self.steps, step),
                variable.name,
                number_of(self.steps, exposer)
            )));
        }
        self.same_scope(step, variable)?;
        Ok(Used { variable, exposed_by: Some(exposer) })
    }

    fn same_scope(&self, step: &LoadStep, variable: &Variable) -> Result<()> {
        if variable.scope == step.scope {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Step {} reads the scope {} and can't use the variable {} of the scope {}.",
            number_of(self.steps, step),
            step.scope,
            variable.name,
            variable.scope
        )))
    }

    fn check_exposed(&self, step: &LoadStep, exposed: &Variable, path: &str) -> Result<()> {
        if exposed.data_type != DataType::Uuid {
            return Err(Error::invalid(format!(
                "The variable {} holds a record's id: its data_type is uuid, not {}.",
                exposed.name,
                exposed.data_type.as_str()
            ))
            .at(&format!("{path}.data_type")));
        }
        self.same_scope(step, exposed).map_err(|e| e.at(&format!("{path}.scope")))
    }

    fn check_matching(
        &self,
        step: &LoadStep,
        object: &Object,
        rule: &MatchingRule,
        path: &str,
    ) -> Result<()> {
        let at_variable = format!("{path}.variable");
        let variable = self.variable(step, rule.variable).map_err(|e| e.at(&at_variable))?.variable;
        if variable.is_array {
            return Err(Error::invalid(format!(
                "The variable {} holds several values; a rule matches by one.",
                variable.name
            ))
            .at(&at_variable));
        }
        let field = match (rule.field, rule.is_match_by_kizen_id) {
            (None, false) => return Err(Error::required(&format!("{path}.field"))),
            (Some(_), true) => {
                return Err(Error::invalid("A rule matches by a field or by the record's id, not by both.")
                    .at(&format!("{path}.field")));
            }
            (None, true) if variable.data_type == DataType::Uuid => return Ok(()),
            (None, true) => {
                return Err(Error::invalid(format!(
                    "The variable {} is a {} and a record's id is a uuid: they can't match.",
                    variable.name,
                    variable.data_type.as_str()
                ))
                .at(&at_variable));
            }
            (Some(id), false) => field_of(object, id).map_err(|e| e.at(&format!("{path}.field")))?,
        };
        if !field.has_column() && !field.is_many() || field.is_read_only {
            return Err(Error::invalid(format!(
                "The field {} shows what the other side of the relationship holds; match by a field of {}'s own.",
                field.name, object.name
            ))
            .at(&format!("{path}.field")));
        }
        if fits(variable.data_type, field.field_type) {
            return Ok(());
        }
        Err(unfit(variable, field).at(&at_variable))
    }

    fn check_mapping(&self, step: &LoadStep, object: &Object, rule: &MappingRule, path: &str) -> Result<()> {
        let at_field = format!("{path}.field");
        let field = field_of(object, rule.field).map_err(|e| e.at(&at_field))?;
        if field.is_read_only {
            return Err(Error::invalid(format!("The field {} is read-only.", field.name)).at(&at_field));
        }
        if !resolves(rule.conflict_resolution, field) {
            return Err(Error::invalid(format!(
                "{} is not valid for this field type: {} is a {} and holds one value.",
                rule.conflict_resolution.as_str(),
                field.name,
                field.field_type.as_str()
            ))
            .at(&format!("{path}.conflict_resolution")));
        }
        if rule.variables.is_empty() {
            return Err(Error::required(&format!("{path}.variables")));
        }
        let target = self.target(field, rule).map_err(|e| e.at(&format!("{path}.lookup_field")))?;
        for (v, id) in rule.variables.iter().enumerate() {
            let path = format!("{path}.variables[{v}]");
            let variable = self.variable(step, *id).map_err(|e| e.at(&path))?.variable;
            if variable.is_array && !field.is_many() && !fits_text(field.field_type) {
                return Err(Error::invalid(format!(
                    "The variable {} holds several values and does not fit the field {}, which holds one {}.",
                    variable.name,
                    field.name,
                    field.field_type.as_str()
                ))
                .at(&path));
            }
            // Several values are joined to a text, so the field must take a text.
            let data_type = if rule.variables.len() > 1 { DataType::String } else { variable.data_type };
            if !fits(data_type, target.field_type) {
                let error = if rule.variables.len() > 1 {
                    Error::invalid(format!(
                        "Several variables are joined to a text, and the field {} is a {}: map one variable.",
                        target.name,
                        target.field_type.as_str()
                    ))
                } else {
                    unfit(variable, target)
                };
                return Err(error.at(&path));
            }
        }
        Ok(())
    }

    /// The field that the variable's value has to fit: the one mapped, or that of the related object in
    /// which it is looked up.
    fn target(&self, field: &'a Field, rule: &MappingRule) -> Result<&'a Field>
    where
        Self: 'a,
    {
        let Some(lookup) = rule.lookup_field else { return Ok(field) };
        let Some(relation) = &field.relation else {
            return Err(Error::invalid(format!(
                "The field {} is a {}; lookup_field is for relationships.",
                field.name,
                field.field_type.as_str()
            )));
        };
        let related = self
            .objects
            .iter()
            .find(|object| object.id == relation.object)
            .ok_or_else(|| Error::does_not_exist(UNKNOWN_ID))?;
        let target = related.field(lookup).ok_or_else(|| {
            Error::invalid(format!(
                "lookup_field is no field of {}, which {} relates to.",
                related.name, field.name
            ))
        })?;
        if !target.has_column() {
            return Err(Error::invalid(format!(
                "The field {} of {} holds several values; records can't be looked up by it.",
                target.name, related.name
            )));
        }
        Ok(target)
    }
}

/// The object's field, when it has it.
fn field_of(object: &Object, id: crate::id::FieldId) -> Result<&Field> {
    object.field(id).ok_or_else(|| Error::does_not_exist(UNKNOWN_ID))
}

fn unfit(variable: &Variable, field: &Field) -> Error {
    Error::invalid(format!(
        "The variable {} is a {} and does not fit the field {}, which is a {}.",
        variable.name,
        variable.data_type.as_str(),
        field.name,
        field.field_type.as_str()
    ))
}

/// After the last rule there is no next one.
fn check_last(rule: &MatchingRule, path: &str) -> Result<()> {
    let next: [(&str, &str, bool); 4] = [
        (
            "no_match_action",
            rule.no_match_action.as_str(),
            rule.no_match_action == NoMatch::NextRuleIgnorePrevious,
        ),
        (
            "single_match_action",
            rule.single_match_action.as_str(),
            matches!(rule.single_match_action, SingleMatch::NextRule | SingleMatch::NextRuleIgnorePrevious),
        ),
        (
            "multiple_match_action",
            rule.multiple_match_action.as_str(),
            matches!(
                rule.multiple_match_action,
                MultipleMatch::NextRule | MultipleMatch::NextRuleIgnorePrevious
            ),
        ),
        (
            "match_archive_action",
            rule.match_archive_action.as_str(),
            matches!(
                rule.match_archive_action,
                ArchiveMatch::NextRule | ArchiveMatch::NextRuleIgnorePrevious
            ),
        ),
    ];
    match next.iter().find(|(_, _, is_next)| *is_next) {
        Some((key, word, _)) => Err(Error::invalid(format!(
            "{key}: the last matching rule can't be {word}, there is no next one."
        ))
        .at(&format!("{path}.{key}"))),
        None => Ok(()),
    }
}
