//! The full set of load steps, made of what a caller sent and what is there.

use serde_json::Value as Json;

use super::{
    Connector, LoadStep, MappingRule, MatchingRule,
    rules::Flow,
    validate::unknown_id,
    variables::{is_held, name_exists, scope_is_known},
    written::{WrittenFlow, WrittenMapping, WrittenMatching, WrittenStep},
};
use crate::{
    error::{Error, Result},
    id::{LoadStepId, RuleId, VariableId},
    object::Object,
    variable::Variable,
};

/// The new flow, in `order`. `saved` is the connector as it is, `variables` what its variables will be,
/// `objects` all that the old and new steps write to and those related to them.
///
/// A step that is sent back as it was read is refused only for what this save changes: something that it
/// uses may have been changed before, and clients send such steps along while they repair another.
pub fn merged(
    saved: &Connector,
    sent: WrittenFlow,
    variables: &[Variable],
    objects: &[Object],
) -> Result<Vec<LoadStep>> {
    for (key, list) in
        [("additional_variables", &sent.additional_variables), ("transformations", &sent.transformations)]
    {
        if !list.is_empty() {
            let path = format!("flow.{key}");
            return Err(Error::invalid(format!("{path} is not available on this server")).at(&path));
        }
    }
    let Some(sent) = sent.loads else { return Ok(saved.loads.clone()) };
    let mut steps: Vec<LoadStep> = Vec::with_capacity(sent.len());
    for (n, row) in sent.into_iter().enumerate() {
        let path = format!("flow.loads[{n}]");
        let old = old_step(saved, row.id, &steps, &path)?;
        let step = row.into_step(old, &path)?;
        if steps.iter().any(|other| other.order == step.order) {
            return Err(
                Error::invalid("Load step display orders must be unique").at(&format!("{path}.order"))
            );
        }
        if old != Some(&step) {
            scope_is_known(saved, &step.scope, &format!("{path}.scope"))?;
        }
        check_exposed_name(saved, old, &step, variables, &steps, &path)?;
        steps.push(step);
    }
    check(saved, &steps, variables, objects)?;
    // Refusals name places as they were sent; what is kept is in the order that it works in.
    for step in &mut steps {
        step.matching_rules.sort_by_key(|rule| rule.order);
    }
    steps.sort_by_key(|step| step.order);
    Ok(steps)
}

fn old_step<'a>(
    saved: &'a Connector,
    id: Option<LoadStepId>,
    steps: &[LoadStep],
    path: &str,
) -> Result<Option<&'a LoadStep>> {
    let Some(id) = id else { return Ok(None) };
    let old = saved.loads.iter().find(|step| step.id == id);
    match old.filter(|_| steps.iter().all(|step| step.id != id)) {
        Some(old) => Ok(Some(old)),
        None => Err(unknown_id(&format!("{path}.id"))),
    }
}

fn check_exposed_name(
    saved: &Connector,
    old: Option<&LoadStep>,
    step: &LoadStep,
    variables: &[Variable],
    steps: &[LoadStep],
    path: &str,
) -> Result<()> {
    let Some(exposed) = &step.execution_variable else { return Ok(()) };
    let kept = old
        .and_then(|old| old.execution_variable.as_ref())
        .is_some_and(|old| old.id == exposed.id && old.name == exposed.name);
    let others = steps.iter().filter_map(|step| step.execution_variable.as_ref()).chain(variables);
    if others.into_iter().any(|other| other.name == exposed.name) || !kept && is_held(saved, exposed) {
        return Err(name_exists(&format!("{path}.execution_variable.name")));
    }
    Ok(())
}

fn check(saved: &Connector, steps: &[LoadStep], variables: &[Variable], objects: &[Object]) -> Result<()> {
    let before = Flow { steps: &saved.loads, variables: &saved.variables, objects };
    let after = Flow { steps, variables, objects };
    for (n, step) in steps.iter().enumerate() {
        if let Err(refusal) = after.check_step(n) {
            let was_so = saved.loads.iter().position(|old| old == step);
            if was_so.is_none_or(|n| before.check_step(n).is_ok()) {
                return Err(refusal);
            }
        }
    }
    Ok(())
}

/// Refuses a connector whose whole flow is new when any of it is wrong: the same rules as for one that is
/// saved.
pub fn check_new(connector: &Connector, objects: &[Object]) -> Result<()> {
    let (steps, variables) = (&connector.loads, &connector.variables);
    let nothing_saved = Connector { loads: Vec::new(), variables: Vec::new(), ..connector.clone() };
    for (n, step) in steps.iter().enumerate() {
        scope_is_known(connector, &step.scope, &format!("flow[{n}].scope"))?;
        check_exposed_name(&nothing_saved, None, step, variables, &steps[..n], &format!("flow[{n}]"))?;
    }
    Flow { steps, variables, objects }.check()
}

/// The flow without the rules that use a variable which is gone.
#[must_use]
pub fn without_rules_of(mut steps: Vec<LoadStep>, gone: &[VariableId]) -> Vec<LoadStep> {
    for step in &mut steps {
        step.matching_rules.retain(|rule| !gone.contains(&rule.variable));
        step.field_mapping_rules.retain(|rule| rule.variables.iter().all(|id| !gone.contains(id)));
    }
    steps
}

/// Whether a step asks for automations, which this server does not have.
#[must_use]
pub fn asks_for_automations(step: &LoadStep) -> bool {
    [
        &step.automation_trigger_config,
        &step.newly_created_records_automations,
        &step.other_matches_records_automations,
    ]
    .into_iter()
    .any(|value| match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(list) => !list.is_empty(),
        Json::Object(map) => !map.is_empty(),
        Json::Bool(_) | Json::Number(_) => true,
    })
}

impl WrittenStep {
    fn into_step(self, old: Option<&LoadStep>, path: &str) -> Result<LoadStep> {
        let required = |key: &str| Error::required(&format!("{path}.{key}"));
        let scope = self.scope.ok_or_else(|| required("scope"))?;
        let kept = old.and_then(|old| old.execution_variable.as_ref());
        let execution_variable = match self.execution_variable {
            // Kept; it moves along when its step reads another scope.
            None => kept.map(|kept| Variable { scope: scope.clone(), ..kept.clone() }),
            Some(None) => None,
            Some(Some(row)) => Some(row.into_exposed(&scope, kept, &format!("{path}.execution_variable"))?),
        };
        let kept_or = |sent: Option<Option<Json>>, kept: fn(&LoadStep) -> &Json| match sent {
            Some(value) => value.unwrap_or(Json::Null),
            None => old.map_or(Json::Null, |old| kept(old).clone()),
        };
        Ok(LoadStep {
            id: self.id.unwrap_or_else(LoadStepId::new),
            custom_object: self.custom_object.ok_or_else(|| required("custom_object"))?,
            kind: self.kind.unwrap_or_default(),
            order: self.order.ok_or_else(|| required("order"))?,
            matching_rules: matching_rules(self.matching_rules, old, path)?,
            field_mapping_rules: mapping_rules(self.field_mapping_rules, old, path)?,
            execution_variable,
            automation_trigger_config: kept_or(self.automation_trigger_config, |s| {
                &s.automation_trigger_config
            }),
            newly_created_records_automations: kept_or(self.newly_created_records_automations, |s| {
                &s.newly_created_records_automations
            }),
            other_matches_records_automations: kept_or(self.other_matches_records_automations, |s| {
                &s.other_matches_records_automations
            }),
            scope,
        })
    }
}

fn matching_rules(
    sent: Option<Vec<WrittenMatching>>,
    old: Option<&LoadStep>,
    path: &str,
) -> Result<Vec<MatchingRule>> {
    let kept = old.map(|old| old.matching_rules.as_slice()).unwrap_or_default();
    let Some(sent) = sent else { return Ok(kept.to_vec()) };
    let mut rules: Vec<MatchingRule> = Vec::with_capacity(sent.len());
    for (n, row) in sent.into_iter().enumerate() {
        let path = format!("{path}.matching_rules[{n}]");
        let known = |id| kept.iter().any(|r| r.id == id) && rules.iter().all(|r| r.id != id);
        let id = rule_id(row.id, known, &path)?;
        rules.push(MatchingRule {
            id,
            order: row.order.unwrap_or_else(|| place(n)),
            field: row.field,
            is_match_by_kizen_id: row.is_match_by_kizen_id.unwrap_or_default(),
            variable: row.variable.ok_or_else(|| Error::required(&format!("{path}.variable")))?,
            no_match_action: row.no_match_action.unwrap_or_default(),
            single_match_action: row.single_match_action.unwrap_or_default(),
            multiple_match_action: row.multiple_match_action.unwrap_or_default(),
            match_archive_action: row.match_archive_action.unwrap_or_default(),
        });
    }
    Ok(rules)
}

fn mapping_rules(
    sent: Option<Vec<WrittenMapping>>,
    old: Option<&LoadStep>,
    path: &str,
) -> Result<Vec<MappingRule>> {
    let kept = old.map(|old| old.field_mapping_rules.as_slice()).unwrap_or_default();
    let Some(sent) = sent else { return Ok(kept.to_vec()) };
    let mut rules: Vec<MappingRule> = Vec::with_capacity(sent.len());
    for (n, row) in sent.into_iter().enumerate() {
        let path = format!("{path}.field_mapping_rules[{n}]");
        let required = |key: &str| Error::required(&format!("{path}.{key}"));
        let known = |id| kept.iter().any(|r| r.id == id) && rules.iter().all(|r| r.id != id);
        let id = rule_id(row.id, known, &path)?;
        rules.push(MappingRule {
            id,
            field: row.field.ok_or_else(|| required("field"))?,
            variables: row.variables.ok_or_else(|| required("variables"))?,
            can_create_field_options: row.can_create_field_options.unwrap_or_default(),
            display_order: row.display_order.unwrap_or_else(|| place(n)),
            conflict_resolution: row.conflict_resolution.unwrap_or_default(),
            lookup_field: row.lookup_field,
        });
    }
    Ok(rules)
}

fn rule_id(sent: Option<RuleId>, known: impl Fn(RuleId) -> bool, path: &str) -> Result<RuleId> {
    match sent {
        None => Ok(RuleId::new()),
        Some(id) if known(id) => Ok(id),
        Some(_) => Err(unknown_id(&format!("{path}.id"))),
    }
}

fn place(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
