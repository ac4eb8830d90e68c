//! A dry run counts as the live run after it, says what it would change, and writes nothing.

use smartconnector::{
    connector::flow::{ArchiveMatch, Conflict, MultipleMatch, NoMatch},
    execution::RowStatus,
    object::{Cardinality, FieldType},
    variable::DataType,
};

use crate::support::{Design, World, counts, field, maps, matches, relation, rows, t, unique};

#[test]
fn counts_and_messages_equal_those_of_the_live_run_and_nothing_is_written() {
    let mut world = World::new();
    world.settings.batch_rows = 3;
    let customer = world
        .object("customer", vec![unique("email", FieldType::Email), field("tags", FieldType::Dynamictags)]);
    let order = world.object(
        "order",
        vec![unique("number", FieldType::Text), relation("buyer", &customer, Cardinality::One)],
    );
    let customer = world.reload(customer.id);
    let tags = customer.field_named("tags").unwrap().key;
    world.execute(&format!(
        "INSERT INTO record_customer (id, created, updated, archived, name, email) VALUES
         (1, 0, 0, NULL, 'A', 'a@x.org'), (2, 0, 0, NULL, 'B', 'b@x.org'), (3, 0, 0, NULL, 'B', 'b2@x.org'),
         (4, 0, 0, 9, 'D', 'd@x.org');
         INSERT INTO record_order (id, created, updated, number) VALUES (7, 0, 0, 'taken');
         INSERT INTO field_option (id, field_key, name, code, position) VALUES ('00000000-0000-4000-8000-000000000001', {tags}, 'Old', 'old', 0);
         INSERT INTO link_{tags} SELECT 1, key FROM field_option WHERE code = 'old' AND field_key = {tags};"
    ));
    let mut flow = Design::default();
    let email = flow.variable("s", "email", DataType::Email);
    let name = flow.variable("s", "name", DataType::String);
    let tag = flow.variable("s", "tag", DataType::String);
    let number = flow.variable("s", "number", DataType::String);
    let step = flow.step("s", &customer);
    let mut by_email = matches(&customer, "email", email);
    by_email.no_match_action = NoMatch::NextRuleIgnorePrevious;
    by_email.match_archive_action = ArchiveMatch::UnarchiveAndUpdate;
    let mut by_name = matches(&customer, "name", name);
    by_name.order = 1;
    by_name.multiple_match_action = MultipleMatch::DoNotUpload;
    step.matching_rules = vec![by_email, by_name];
    step.field_mapping_rules = vec![
        maps(&customer, "email", email, Conflict::Overwrite),
        maps(&customer, "name", name, Conflict::Overwrite),
        maps(&customer, "tags", tag, Conflict::OnlyAddOptions),
    ];
    let exposed = step.execution_variable.as_ref().unwrap().id;
    let step = flow.step("s", &order);
    step.field_mapping_rules = vec![
        maps(&order, "number", number, Conflict::Overwrite),
        maps(&order, "buyer", exposed, Conflict::Overwrite),
    ];
    let file = rows([
        [t("a@x.org"), t("A2"), t("old"), t("1")],  // update
        [t("new@x.org"), t("N"), t("New"), t("2")], // create, with a new option
        [t("z@x.org"), t("B"), t("-"), t("3")],     // several by name: skipped
        [t("d@x.org"), t("D"), t("new"), t("4")],   // brought back
        [t("NEW@x.org"), t("N"), t("New"), t("5")], // the second of one key: e-mail in new case
        [t("b@x.org"), t("B"), t("-"), t("taken")], // unchanged; its order clashes
        [t("c@x.org"), t("A2"), t("-"), t("6")],    // found by the name that row 1 gave
        [t("a@x.org"), t("Z"), t("-"), t("7")],     // the address that row 7 took away: a new one
        [t("-"), t("-"), t("-"), t("8")],           // all blank: rejected
    ]);
    let objects = [customer, order];
    let files = [file.clone(), file];
    let all =
        "SELECT 'c', count(*), sum(updated) FROM record_customer UNION ALL SELECT 'o', count(*), sum(updated)
               FROM record_order UNION ALL SELECT 'f', count(*), 0 FROM field_option
               UNION ALL SELECT 'r', count(*), 0 FROM run UNION ALL SELECT 'x', count(*), 0 FROM row_outcome";
    let before = world.sql(all);
    let dry = world.dry_run(&flow, &objects, &files);
    assert_eq!(world.sql(all), before, "a dry run writes nothing to records.db");
    let live = world.run(&flow, &objects, &files);
    assert_eq!(dry.stop, None);
    assert_eq!(dry.counters, live.counters);
    assert_eq!(counts(live.counters[0]), [2, 4, 1, 1, 1]);
    assert_eq!(counts(live.counters[1]), [6, 0, 0, 0, 3]);
    let without_updated: Vec<String> =
        dry.messages().into_iter().filter(|text| !text.contains(" updated:")).collect();
    assert_eq!(without_updated, live.messages());
    let records = |ran: &crate::support::Ran| ran.uploads.iter().map(|row| row.record).collect::<Vec<_>>();
    assert_eq!(records(&dry), records(&live), "new records get the ids that they will get");
}

#[test]
fn updates_are_kept_with_old_and_new_values() {
    let world = World::new();
    let object = world.object("thing", vec![unique("code", FieldType::Text), field("n", FieldType::Integer)]);
    world.execute("INSERT INTO record_thing (id, created, updated, code, name) VALUES (1, 0, 0, 'a', 'old')");
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let name = flow.variable("s", "name", DataType::String);
    let n = flow.variable("s", "n", DataType::Number);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "code", code)];
    step.field_mapping_rules = vec![
        maps(&object, "code", code, Conflict::Overwrite),
        maps(&object, "name", name, Conflict::Overwrite),
        maps(&object, "n", n, Conflict::Overwrite),
    ];
    let ran = world.dry_run(&flow, &[object], &[rows([[t("a"), t("new"), crate::support::n("5")]])]);
    assert_eq!(counts(ran.only()), [0, 1, 0, 0, 0]);
    assert_eq!(ran.outcomes[0].status, RowStatus::Updated);
    let changes: Vec<_> =
        ran.outcomes[0].changes.iter().map(|c| format!("{} {:?} {:?}", c.field, c.old, c.new)).collect();
    assert_eq!(changes, ["name Some(\"old\") Some(\"new\")", "n None Some(\"5\")"]);
}

#[test]
fn a_dry_run_goes_on_while_somebody_holds_the_writer() {
    let world = World::new();
    let object = world.object("thing", []);
    let mut flow = Design::default();
    let name = flow.variable("s", "name", DataType::String);
    flow.step("s", &object).field_mapping_rules = vec![maps(&object, "name", name, Conflict::Overwrite)];
    let mut writer = world.store.records.writer();
    let tx = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let ran = world.dry_run(&flow, &[object], &[rows([[t("a")]])]);
    assert_eq!(counts(ran.only()), [1, 0, 0, 0, 0]);
    drop(tx);
}
