//! A configuration by names made real, in a scratch workspace or on a server: objects with their fields,
//! and the flow with their ids.

use chrono::{DateTime, Utc};

use super::{
    document::{
        Document, NamedField, NamedMapping, NamedMatching, NamedObject, NamedOption, NamedSeed, NamedStep,
    },
    foreign::LocalConfig,
};
use crate::{
    connector::{ConnectorType, LoadStep, MappingRule, MatchingRule, Seed, expected_inputs, flow::StepType},
    error::{Error, Result},
    execution::Snapshot,
    id::{LoadStepId, RuleId, ScriptId, SeedId, VariableId},
    object::{
        Field, FieldType, Object,
        design::{NewField, NewObject, NewOption, NewRelation},
        filter::FilterGroup,
        written::find_option,
    },
    script::{ConfigMetadata, SQLITE},
    store::{self, Store, Transaction, field::Change},
    variable::Variable,
};

/// What becomes of a field that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It becomes what the document says: nobody else uses the workspace.
    Changed,
    /// It stays as it is, and gets the options that it lacks.
    Kept,
}

/// Makes the objects in a scratch workspace.
pub fn objects(store: &Store, document: Option<&Document>) -> Result<()> {
    let now = store.clock.now();
    store.records.write(|tx| {
        store::object::ensure_builtin(tx, now)?;
        make(tx, document.map_or(&[][..], |document| &document.objects), Existing::Changed, now)
    })
}

/// Makes the objects, fields and options that are not there.
pub fn make(
    tx: &Transaction<'_>,
    objects: &[NamedObject],
    existing: Existing,
    now: DateTime<Utc>,
) -> Result<()> {
    for named in objects {
        if store::object::find_named(tx, &named.name)?.is_none() {
            let new = NewObject {
                name: Some(named.name.clone()),
                object_name: named.object_name.clone(),
                entity_name: named.entity_name.clone(),
            };
            new.check()?;
            store::object::create(tx, &new, now)?;
        }
        for field in named.fields.iter().filter(|field| field.relation.is_none()) {
            make_field(tx, &named.name, field, existing)?;
        }
    }
    for (object, field) in relations(objects) {
        make_field(tx, object, field, existing)?;
    }
    Ok(())
}

/// Relationships in an order in which no mirror takes the name of one that is still to come: a mirror is
/// called after the object that relates.
fn relations(objects: &[NamedObject]) -> Vec<(&str, &NamedField)> {
    let mut pending: Vec<(&str, &NamedField)> = objects
        .iter()
        .flat_map(|object| object.fields.iter().map(|field| (object.name.as_str(), field)))
        .filter(|(_, field)| field.relation.is_some())
        .collect();
    let mut ordered = Vec::with_capacity(pending.len());
    while !pending.is_empty() {
        let is_free = |(object, field): &(&str, &NamedField)| {
            let related = field.relation.as_ref().map(|relation| relation.object.as_str());
            !pending.iter().any(|(other, later)| Some(*other) == related && later.name == *object)
        };
        let next = pending.iter().position(is_free).unwrap_or(0);
        ordered.push(pending.remove(next));
    }
    ordered
}

fn make_field(tx: &Transaction<'_>, object: &str, named: &NamedField, existing: Existing) -> Result<()> {
    let object = by_name(tx, object)?;
    let option =
        |option: &NamedOption| NewOption { name: option.name.clone(), code: Some(option.code.clone()) };
    if let Some(field) = object.field_named(&named.name) {
        let is_changed = existing == Existing::Changed;
        let has_options = is_changed || field.field_type == named.field_type;
        let lacked = named.options.iter().filter(|option| has_options && !has_option(field, option));
        let change = Change {
            display_name: is_changed.then(|| named.display_name.clone()),
            is_required: is_changed.then_some(named.is_required),
            is_unique: is_changed.then_some(named.is_unique),
            new_options: lacked.map(option).collect(),
        };
        if is_changed || !change.new_options.is_empty() {
            store::field::update(tx, &object, field, &change)?;
        }
        return Ok(());
    }
    let relation = match &named.relation {
        None => None,
        Some(relation) => {
            Some(NewRelation { object: by_name(tx, &relation.object)?.id, cardinality: relation.cardinality })
        }
    };
    // The options of this type are always the same three.
    let has_own_options = named.field_type != FieldType::Yesnomaybe;
    let new = NewField {
        name: Some(named.name.clone()),
        display_name: named.display_name.clone(),
        field_type: named.field_type,
        is_required: named.is_required,
        is_unique: named.is_unique,
        options: named.options.iter().filter(|_| has_own_options).map(option).collect(),
        relation,
    };
    new.check()?;
    store::field::create(tx, &object, &new)?;
    Ok(())
}

/// Whether the field has an option of this code or label.
pub(super) fn has_option(field: &Field, option: &NamedOption) -> bool {
    field.options.iter().any(|known| known.code == option.code) || find_option(field, &option.name).is_some()
}

fn by_name(tx: &Transaction<'_>, name: &str) -> Result<Object> {
    store::object::find_named(tx, name)?.ok_or_else(|| unknown("object", name))
}

fn unknown(what: &str, name: &str) -> Error {
    Error::invalid(format!("connector.json names the {what} {name:?}, which it does not describe."))
}

/// What a run uses, with the ids of `objects`. Without a document the script alone.
pub fn snapshot(
    script: &str,
    config: &LocalConfig,
    document: Option<&Document>,
    objects: &[Object],
) -> Result<Snapshot> {
    let connector_type =
        document.map_or(ConnectorType::Spreadsheet, |document| document.connector.connector_type);
    let config_metadata = ConfigMetadata {
        input_tables: config.input_tables.clone(),
        seed_tables: config.seed_tables.clone(),
        ..ConfigMetadata::default()
    };
    let mut snapshot = Snapshot {
        connector_type,
        script_id: ScriptId::new(),
        sql_version: SQLITE.to_owned(),
        user_script: script.to_owned(),
        config_metadata: expected_inputs(connector_type, config_metadata),
        headers: Vec::new(),
        variables: Vec::new(),
        loads: Vec::new(),
        // A package's seeds are files.
        seeds: Vec::new(),
        input_options: document.map(|document| document.connector.input_options.clone()).unwrap_or_default(),
        timeout_s: document.and_then(|document| document.connector.timeout_s),
        sql_parameters: config.sql_parameters.clone(),
        // The workspace is made for this run: nothing was loaded before that could be compared with.
        diff_check_enabled: false,
        guard: document.and_then(|document| document.connector.guard),
    };
    let Some(document) = document else { return Ok(snapshot) };
    snapshot.variables =
        (0..).zip(&document.execution_variables).map(|(n, named)| named.to_variable(n)).collect();
    snapshot.loads = flow(document, objects, &snapshot.variables)?;
    Ok(snapshot)
}

/// The load steps, in order, with the ids of `objects` and `variables`.
///
/// # Errors
/// A name is none of theirs.
pub fn flow(document: &Document, objects: &[Object], variables: &[Variable]) -> Result<Vec<LoadStep>> {
    let exposed: Vec<Option<Variable>> = document.flow.iter().map(exposed).collect();
    let names = Names { objects, variables: variables.iter().chain(exposed.iter().flatten()).collect() };
    let pairs = document.flow.iter().zip(&exposed);
    let mut loads: Vec<LoadStep> =
        pairs.map(|(step, exposed)| names.step(step, exposed.as_ref())).collect::<Result<_>>()?;
    loads.sort_by_key(|step| step.order);
    Ok(loads)
}

/// The seeds, with the ids of `objects` and `groups`.
///
/// # Errors
/// A name is none of theirs.
pub fn seeds(document: &Document, objects: &[Object], groups: &[FilterGroup]) -> Result<Vec<Seed>> {
    let names = Names { objects, variables: Vec::new() };
    let seed = |named: &NamedSeed| {
        let object = names.object(&named.custom_object)?;
        let group = named.group.as_ref().map(|name| {
            let found = groups.iter().find(|group| group.object == object.id && group.name == *name);
            found.map(|group| group.id).ok_or_else(|| unknown("filter group", name))
        });
        let fields = named.fields.iter().map(|name| Ok(field(object, name)?.id));
        Ok(Seed {
            id: SeedId::new(),
            custom_object_id: object.id,
            group_id: group.transpose()?,
            fields_ids: fields.collect::<Result<_>>()?,
        })
    };
    document.seeds.iter().map(seed).collect()
}

/// The variable that a step exposes.
fn exposed(step: &NamedStep) -> Option<Variable> {
    step.execution_variable.as_deref().map(|name| Variable::exposed(name, &step.scope))
}

/// Finds ids by names.
struct Names<'n> {
    objects: &'n [Object],
    variables: Vec<&'n Variable>,
}

impl Names<'_> {
    fn object(&self, name: &str) -> Result<&Object> {
        self.objects.iter().find(|object| object.name == name).ok_or_else(|| unknown("object", name))
    }

    fn variable(&self, name: &str) -> Result<VariableId> {
        let found = self.variables.iter().find(|variable| variable.name == name);
        found.map(|variable| variable.id).ok_or_else(|| unknown("variable", name))
    }

    fn step(&self, step: &NamedStep, exposed: Option<&Variable>) -> Result<LoadStep> {
        let object = self.object(&step.custom_object)?;
        let matching = (1..).zip(&step.matching_rules).map(|(n, rule)| self.matching(object, rule, n));
        let mapping = (1..).zip(&step.field_mapping_rules).map(|(n, rule)| self.mapping(object, rule, n));
        Ok(LoadStep {
            id: LoadStepId::new(),
            custom_object: object.id,
            scope: step.scope.clone(),
            kind: StepType::CsvLoad,
            order: step.order,
            matching_rules: matching.collect::<Result<_>>()?,
            field_mapping_rules: mapping.collect::<Result<_>>()?,
            execution_variable: exposed.cloned(),
            automation_trigger_config: step.automation_trigger_config.clone(),
            newly_created_records_automations: step.newly_created_records_automations.clone(),
            other_matches_records_automations: step.other_matches_records_automations.clone(),
        })
    }

    fn matching(&self, object: &Object, rule: &NamedMatching, order: i64) -> Result<MatchingRule> {
        let field = rule.field.as_deref().map(|name| field(object, name)).transpose()?;
        Ok(MatchingRule {
            id: RuleId::new(),
            order,
            field: field.map(|field| field.id),
            is_match_by_kizen_id: rule.is_match_by_kizen_id,
            variable: self.variable(&rule.variable)?,
            no_match_action: rule.no_match_action,
            single_match_action: rule.single_match_action,
            multiple_match_action: rule.multiple_match_action,
            match_archive_action: rule.match_archive_action,
        })
    }

    fn mapping(&self, object: &Object, rule: &NamedMapping, display_order: i64) -> Result<MappingRule> {
        let mapped = field(object, &rule.field)?;
        let lookup_field = match (&rule.lookup_field, &mapped.relation) {
            (None, _) => None,
            (Some(name), Some(relation)) => {
                let related = self.objects.iter().find(|object| object.id == relation.object);
                Some(field(related.ok_or_else(|| unknown("object behind", &mapped.name))?, name)?.id)
            }
            (Some(_), None) => {
                return Err(Error::invalid(format!(
                    "connector.json looks up a record in {}.{}, which is no relationship.",
                    object.name, mapped.name
                )));
            }
        };
        Ok(MappingRule {
            id: RuleId::new(),
            field: mapped.id,
            variables: rule.variables.iter().map(|name| self.variable(name)).collect::<Result<_>>()?,
            can_create_field_options: rule.can_create_field_options,
            display_order,
            conflict_resolution: rule.conflict_resolution,
            lookup_field,
        })
    }
}

fn field<'o>(object: &'o Object, name: &str) -> Result<&'o Field> {
    object.field_named(name).ok_or_else(|| unknown(&format!("field of {}", object.name), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, object::Cardinality, package::document::NamedRelation};

    fn relation(name: &str, object: &str) -> NamedField {
        NamedField {
            name: name.to_owned(),
            display_name: name.to_owned(),
            field_type: FieldType::Relationship,
            is_required: false,
            is_unique: false,
            options: Vec::new(),
            relation: Some(NamedRelation { object: object.to_owned(), cardinality: Cardinality::One }),
        }
    }

    fn object(name: &str, fields: Vec<NamedField>) -> NamedObject {
        NamedObject {
            name: name.to_owned(),
            object_name: name.to_owned(),
            entity_name: name.to_owned(),
            fields,
        }
    }

    /// On the server `customers.orders` was there before `orders.customer` made its mirror.
    #[test]
    fn a_mirror_takes_no_name_of_a_field_that_is_still_to_come() {
        let objects = [
            object("orders", vec![relation("customer", "customers")]),
            object("customers", vec![relation("orders", "places")]),
            object("places", vec![]),
        ];
        let order: Vec<_> = relations(&objects).into_iter().map(|(object, _)| object).collect();
        assert_eq!(order, ["customers", "orders"]);

        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let now = store.clock.now();
        store
            .records
            .write(|tx| {
                for named in &objects {
                    let new = NewObject {
                        name: Some(named.name.clone()),
                        object_name: named.object_name.clone(),
                        entity_name: named.entity_name.clone(),
                    };
                    store::object::create(tx, &new, now)?;
                }
                for (object, field) in relations(&objects) {
                    make_field(tx, object, field, Existing::Changed)?;
                }
                let customers = by_name(tx, "customers")?;
                assert!(!customers.field_named("orders").unwrap().is_read_only);
                assert!(customers.field_named("orders_2").unwrap().is_read_only);
                Ok(())
            })
            .unwrap();
    }
}
