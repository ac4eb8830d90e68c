//! Related records: by the id that an earlier step exposed, and by look-up.

use smartconnector::{
    connector::flow::{Conflict, NoMatch},
    object::{Cardinality, FieldType},
    variable::DataType,
};

use crate::support::{Design, World, counts, field, id, maps, matches, relation, rows, t, unique};

#[test]
fn a_later_step_of_the_scope_uses_the_record_that_an_earlier_one_exposed() {
    let world = World::new();
    let customer = world.object("customer", vec![unique("email", FieldType::Email)]);
    let order = world.object(
        "order",
        vec![unique("number", FieldType::Text), relation("buyer", &customer, Cardinality::One)],
    );
    let customer = world.reload(customer.id);
    let mut flow = Design::default();
    let email = flow.variable("s", "email", DataType::Email);
    let number = flow.variable("s", "number", DataType::String);
    let step = flow.step("s", &customer);
    step.matching_rules = vec![matches(&customer, "email", email)];
    step.field_mapping_rules = vec![maps(&customer, "email", email, Conflict::Overwrite)];
    let exposed = step.execution_variable.as_ref().unwrap().id;
    let step = flow.step("s", &order);
    step.matching_rules = vec![matches(&order, "number", number)];
    step.field_mapping_rules = vec![
        maps(&order, "number", number, Conflict::Overwrite),
        maps(&order, "buyer", exposed, Conflict::Overwrite),
    ];
    let file =
        rows([[t("a@x.org"), t("1")], [t("b@x.org"), t("2")], [t("a@x.org"), t("3")], [t("-"), t("4")]]);
    let ran = world.run(&flow, &[customer, order], &[file.clone(), file]);
    assert_eq!(counts(ran.counters[0]), [2, 0, 1, 0, 1]);
    assert_eq!(counts(ran.counters[1]), [3, 0, 0, 0, 1]);
    assert_eq!(world.sql("SELECT number, buyer FROM record_order ORDER BY id"), ["1|1", "2|2", "3|1"]);
    let last = ran.messages().pop().unwrap();
    assert!(
        last.starts_with("4 error: depends on a row that was not loaded (step 1: email is blank"),
        "{last}"
    );
}

#[test]
fn scopes_are_related_by_look_up() {
    let world = World::new();
    let customer = world.object("customer", vec![field("code", FieldType::Text)]);
    let order = world.object(
        "order",
        vec![
            relation("buyer", &customer, Cardinality::One),
            relation("watchers", &customer, Cardinality::Many),
        ],
    );
    world.execute(
        "INSERT INTO record_customer (id, created, updated, archived, code) VALUES
         (1, 0, 0, NULL, 'a'), (2, 0, 0, NULL, 'b'), (3, 0, 0, NULL, 'b'), (4, 0, 0, 9, 'gone')",
    );
    let customer = world.reload(customer.id);
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let step = flow.step("s", &order);
    let lookup = Some(customer.field_named("code").unwrap().id);
    let mut buyer = maps(&order, "buyer", code, Conflict::Overwrite);
    buyer.lookup_field = lookup;
    let mut watchers = maps(&order, "watchers", code, Conflict::OnlyAddOptions);
    watchers.lookup_field = lookup;
    step.field_mapping_rules = vec![maps(&order, "name", code, Conflict::Overwrite), buyer, watchers];
    let link = order.field_named("watchers").unwrap().key;
    let file = rows([[t("a")], [t("b")], [t("c")], [t("gone")], [t("-")]]);
    let ran = world.run(&flow, &[customer.clone(), order], &[file]);
    assert_eq!(counts(ran.only()), [2, 0, 0, 0, 3]);
    assert_eq!(world.sql("SELECT name, buyer FROM record_order"), ["a|1", "-|-"]);
    assert_eq!(world.sql(&format!("SELECT record, value FROM link_{link}")), ["1|1"]);
    let ids = [2, 3].map(|row| smartconnector::id::RecordId::of(customer.id, row).to_string());
    let said = &ran.outcomes[0].messages[0].message;
    assert_eq!(
        *said,
        format!("buyer: there are several records (2) of customer with code \"b\": {}, {}", ids[0], ids[1])
    );
    assert_eq!(ran.outcomes[1].messages[0].message, "buyer: there is no record of customer with code \"c\"");
}

#[test]
fn a_record_id_that_does_not_exist_is_rejected() {
    let world = World::new();
    let customer = world.object("customer", []);
    let order = world.object("order", vec![relation("buyer", &customer, Cardinality::One)]);
    world.execute(
        "INSERT INTO record_customer (id, created, updated, archived) VALUES (1, 0, 0, NULL), (2, 0, 0, 9)",
    );
    let mut flow = Design::default();
    let buyer = flow.variable("s", "buyer", DataType::Uuid);
    let step = flow.step("s", &order);
    let mut rule = matches(&order, "buyer", buyer);
    rule.no_match_action = NoMatch::CreateNew;
    step.matching_rules = vec![rule];
    step.field_mapping_rules = vec![maps(&order, "buyer", buyer, Conflict::Overwrite)];
    let file = rows([
        [id(&customer, 1)],
        [id(&customer, 2)],
        [id(&customer, 9)],
        [id(&order, 1)],
        [id(&customer, 1)],
    ]);
    let ran = world.run(&flow, &[customer, order], &[file]);
    assert_eq!(counts(ran.only()), [1, 0, 1, 0, 3]);
    assert_eq!(world.sql("SELECT buyer FROM record_order"), ["1"]);
}
