//! What a save is warned of: it is taken all the same.

use crate::{
    connector::{Connector, LoadStep, rules::number_of, steps, variables},
    id::VariableId,
};

/// Dates of which nobody said how they are written.
pub(super) fn of_variables(before: &Connector, after: &Connector) -> Vec<String> {
    let changed = after.variables.iter().filter(|variable| !before.variables.contains(variable));
    changed
        .filter(|variable| variables::guesses_dates(variable))
        .map(|variable| {
            format!("The variable {} reads dates in the format \"auto\". Name the format.", variable.name)
        })
        .collect()
}

/// Automations, which this server does not have.
pub(super) fn of_steps(before: &Connector, after: &Connector) -> Vec<String> {
    let changed = after.loads.iter().filter(|step| !before.loads.contains(step));
    changed
        .filter(|step| steps::asks_for_automations(step))
        .map(|step| {
            let number = number_of(&after.loads, step);
            format!("Load step {number} asks for automations; there are none on this server.")
        })
        .collect()
}

/// Rules go with the variables that they use: said, since a step without them does not run.
pub(super) fn of_lost_rules(before: &Connector, after: &Connector, gone: &[VariableId]) -> Vec<String> {
    let counted = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what} rule")),
        n => Some(format!("{n} {what} rules")),
    };
    let stays = |step: &&LoadStep| after.loads.iter().any(|kept| kept.id == step.id);
    let steps = before.loads.iter().filter(stays);
    steps
        .filter_map(|old| {
            let matching = old.matching_rules.iter().filter(|rule| gone.contains(&rule.variable)).count();
            let mapping = old
                .field_mapping_rules
                .iter()
                .filter(|rule| rule.variables.iter().any(|id| gone.contains(id)))
                .count();
            let (matching, mapping) = (counted(matching, "matching"), counted(mapping, "mapping"));
            let lost: Vec<String> = matching.into_iter().chain(mapping).collect();
            (!lost.is_empty()).then(|| {
                let (number, lost) = (number_of(&before.loads, old), lost.join(" and "));
                format!("Load step {number} lost {lost}, which used variables that are gone.")
            })
        })
        .collect()
}
