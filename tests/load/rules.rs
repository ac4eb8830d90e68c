//! What a flow is refused for when it is saved, and a run is not started with.

use smartconnector::{
    connector::{
        flow::{Conflict, LoadStep, MultipleMatch, NoMatch},
        rules::Flow,
    },
    error::Code,
    id::{FieldId, VariableId},
    object::{Cardinality, FieldType, Object},
    variable::DataType,
};

use crate::support::{Design, World, field, maps, matches, relation};

/// Orders with a number, a buyer and tags; the flow is sound until `spoil` has changed it.
fn refusal(spoil: impl FnOnce(&mut Design, &Object, &Object)) -> Option<(Code, String, String)> {
    let world = World::new();
    let customer = world.object("customer", [field("code", FieldType::Text)]);
    let order = world.object(
        "order",
        [
            field("number", FieldType::Text),
            field("total", FieldType::Money),
            relation("buyer", &customer, Cardinality::One),
            field("tags", FieldType::Dynamictags),
        ],
    );
    let customer = world.reload(customer.id);
    let mut flow = Design::default();
    let number = flow.variable("s", "number", DataType::String);
    flow.variable("other", "elsewhere", DataType::String);
    for object in [&customer, &order] {
        let step = flow.step("s", object);
        step.field_mapping_rules = vec![maps(object, "name", number, Conflict::Overwrite)];
    }
    flow.steps[1].matching_rules = vec![matches(&order, "number", number)];
    let check = |flow: &Design| {
        let objects = [customer.clone(), order.clone()];
        Flow { steps: &flow.steps, variables: &flow.variables, objects: &objects }.check()
    };
    assert_eq!(check(&flow), Ok(()), "sound before it is spoilt");
    spoil(&mut flow, &customer, &order);
    let error = check(&flow).err()?;
    let field = error.fields.first().expect("it names its place");
    assert!(error.detail.contains(&field.path), "{error}");
    Some((error.code, field.message.clone(), field.path.clone()))
}

fn order_step(flow: &mut Design) -> &mut LoadStep {
    &mut flow.steps[1]
}

/// Expects this sentence about this part of the second step.
fn refused(path: &str, sentence: &str, spoil: impl FnOnce(&mut Design, &Object, &Object)) {
    let (_, detail, at) = refusal(spoil).expect("it is refused");
    assert_eq!((at.as_str(), detail.as_str()), (format!("flow.loads[1].{path}").as_str(), sentence));
}

#[test]
fn orders_and_ids() {
    refused("order", "Load step display orders must be unique", |flow, _, _| order_step(flow).order = 1);
    let unknown = "Invalid pk - object does not exist.";
    refused("matching_rules[0].variable", unknown, |flow, _, _| {
        order_step(flow).matching_rules[0].variable = VariableId::new();
    });
    refused("field_mapping_rules[0].field", unknown, |flow, _, _| {
        order_step(flow).field_mapping_rules[0].field = FieldId::new();
    });
}

#[test]
fn types_and_scopes_are_named() {
    refused(
        "matching_rules[0].variable",
        "The variable number is a string and does not fit the field total, which is a money.",
        |flow, _, order| {
            order_step(flow).matching_rules[0].field = Some(order.field_named("total").unwrap().id);
        },
    );
    refused(
        "field_mapping_rules[0].variables[0]",
        "Step 2 reads the scope s and can't use the variable elsewhere of the scope other.",
        |flow, _, _| {
            let elsewhere = flow.variables[1].id;
            order_step(flow).field_mapping_rules[0].variables = vec![elsewhere];
        },
    );
}

#[test]
fn an_exposed_variable_serves_later_steps_only() {
    let itself =
        "Step 2 can't use the variable step_2_id: step 2 exposes it, and only later steps can use it.";
    refused("field_mapping_rules[0].variables[0]", itself, |flow, _, order| {
        let own = order_step(flow).execution_variable.as_ref().unwrap().id;
        order_step(flow).field_mapping_rules = vec![maps(order, "buyer", own, Conflict::Overwrite)];
    });
    let fine = refusal(|flow, _, order| {
        let earlier = flow.steps[0].execution_variable.as_ref().unwrap().id;
        order_step(flow).field_mapping_rules = vec![maps(order, "buyer", earlier, Conflict::Overwrite)];
    });
    assert_eq!(fine, None);
}

#[test]
fn the_last_rule_hands_on_to_no_other() {
    refused(
        "matching_rules[0].multiple_match_action",
        "multiple_match_action: the last matching rule can't be next_rule, there is no next one.",
        |flow, _, _| order_step(flow).matching_rules[0].multiple_match_action = MultipleMatch::NextRule,
    );
    refused(
        "matching_rules[0].no_match_action",
        "no_match_action: the last matching rule can't be next_rule_ignore_previous, there is no next one.",
        |flow, _, _| order_step(flow).matching_rules[0].no_match_action = NoMatch::NextRuleIgnorePrevious,
    );
}

#[test]
fn resolutions_and_look_ups_fit_their_fields() {
    refused(
        "field_mapping_rules[0].conflict_resolution",
        "only_add_options is not valid for this field type: name is a text and holds one value.",
        |flow, _, _| order_step(flow).field_mapping_rules[0].conflict_resolution = Conflict::OnlyAddOptions,
    );
    refused(
        "field_mapping_rules[0].lookup_field",
        "lookup_field is no field of customer, which buyer relates to.",
        |flow, _, order| {
            let rule = &mut order_step(flow).field_mapping_rules[0];
            rule.field = order.field_named("buyer").unwrap().id;
            rule.lookup_field = Some(order.field_named("number").unwrap().id);
        },
    );
    refused("field_mapping_rules[0].field", "The field order_s is read-only.", |flow, customer, _| {
        // The second step writes customers now: their mirror of the relationship is read-only.
        let mirror = customer.fields.iter().find(|field| field.is_read_only).unwrap().id;
        let id = customer.id;
        let step = order_step(flow);
        step.custom_object = id;
        step.matching_rules.clear();
        step.field_mapping_rules[0].field = mirror;
    });
}
