//! Choices: labels, codes, new options, lists.

use smartconnector::{
    connector::flow::{Conflict, NoMatch},
    object::{
        FieldType, Object,
        design::{NewField, NewOption},
    },
    variable::{DataType, Value},
};

use crate::support::{Design, World, counts, field, maps, matches, rows, t, unique};

fn sized(world: &World, field_type: FieldType) -> Object {
    let option = |name: &str, code: &str| NewOption { name: name.into(), code: Some(code.into()) };
    let options = vec![option("Small", "s"), option("Large", "l")];
    world.object(
        "shirt",
        vec![unique("code", FieldType::Text), NewField { options, ..field("size", field_type) }],
    )
}

fn flow(object: &Object, conflict: Conflict, creates: bool) -> Design {
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let size = flow.variable("s", "size", DataType::String);
    let step = flow.step("s", object);
    step.matching_rules = vec![matches(object, "code", code)];
    let mut rule = maps(object, "size", size, conflict);
    rule.can_create_field_options = creates;
    step.field_mapping_rules = vec![maps(object, "code", code, Conflict::Overwrite), rule];
    flow
}

const ONE: &str =
    "SELECT r.code, o.name FROM record_shirt r LEFT JOIN field_option o ON o.key = r.size ORDER BY r.id";

#[test]
fn labels_then_codes_in_any_case_and_unknown_ones_are_rejected() {
    let world = World::new();
    let object = sized(&world, FieldType::Dropdown);
    let flow = flow(&object, Conflict::Overwrite, false);
    let file = rows([
        [t("1"), t("sMALL")],
        [t("2"), t("L")],
        [t("3"), t("Huge")],
        [t("4"), t("-")],
        [t("5"), t("Huge")],
    ]);
    let ran = world.run(&flow, &[object], &[file]);
    assert_eq!(counts(ran.only()), [3, 0, 0, 0, 2]);
    assert_eq!(world.sql(ONE), ["1|Small", "2|Large", "4|-"]);
    assert_eq!(ran.messages()[0], "3 error: size: \"Huge\" is no option; expected one of Small, Large");
    assert_eq!(ran.uploads.iter().find(|row| row.row == 1).unwrap().cells[1].as_deref(), Some("Small"));
}

#[test]
fn a_new_option_is_made_once_and_only_for_a_row_that_is_written() {
    let world = World::new();
    let object = sized(&world, FieldType::Dropdown);
    let mut creating = flow(&object, Conflict::OnlyUpdateBlank, true);
    let file = rows([
        [t("1"), t("Huge")],
        [t("2"), t("huge")],
        [t("1"), t("Tiny")],  // held already: not written, so not made
        [t("-"), t("Never")], // rejected: the match value is blank
    ]);
    let ran = world.run(&creating, &[world.reload(object.id)], &[file]);
    assert_eq!(counts(ran.only()), [2, 0, 1, 0, 1]);
    assert_eq!(world.sql(ONE), ["1|Huge", "2|Huge"]);
    let options = "SELECT o.name, o.code FROM field_option o JOIN field f ON f.key = o.field_key
                   WHERE f.name = 'size' ORDER BY o.position";
    assert_eq!(world.sql(options), ["Small|s", "Large|l", "Huge|huge"]);

    // A unique clash leaves no option behind either.
    let code = creating.variables[0].id;
    let mut by_size = matches(&object, "size", creating.variables[1].id);
    by_size.no_match_action = NoMatch::CreateNew;
    creating.steps[0].matching_rules = vec![by_size];
    creating.steps[0].field_mapping_rules[0] = maps(&object, "code", code, Conflict::Overwrite);
    let ran = world.run(&creating, &[world.reload(object.id)], &[rows([[t("1"), t("Ghost")]])]);
    assert_eq!(counts(ran.only()), [0, 0, 0, 0, 1]);
    assert_eq!(world.sql(options).len(), 3);
}

#[test]
fn lists_are_replaced_added_to_or_kept() {
    for (conflict, expected, counted) in [
        (Conflict::OnlyUpdateBlank, vec!["Small"], [1, 0, 2, 0, 0]),
        (Conflict::Overwrite, vec!["Large"], [1, 1, 1, 0, 0]),
        (Conflict::OnlyAddOptions, vec!["Small", "Large"], [1, 1, 1, 0, 0]),
    ] {
        let world = World::new();
        let object = sized(&world, FieldType::Checkboxes);
        let flow = flow(&object, conflict, false);
        let file = rows([[t("1"), t("Small")], [t("1"), t("Large")], [t("1"), t("Large")]]);
        let ran = world.run(&flow, std::slice::from_ref(&object), &[file]);
        assert_eq!(counts(ran.only()), counted, "{conflict:?}");
        let link = object.field_named("size").unwrap().key;
        let held = world.sql(&format!(
            "SELECT o.name FROM link_{link} JOIN field_option o ON o.key = value WHERE record = 1 ORDER BY o.key"
        ));
        assert_eq!(held, expected, "{conflict:?}");
    }
}

#[test]
fn a_list_matches_when_it_contains_the_value_and_tags_are_made_on_the_fly() {
    let world = World::new();
    let object = world.object("shirt", vec![field("tags", FieldType::Dynamictags)]);
    let mut flow = Design::default();
    let tag = flow.variable("s", "tag", DataType::String);
    let name = flow.variable("s", "name", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "tags", tag)];
    step.field_mapping_rules = vec![
        maps(&object, "tags", tag, Conflict::OnlyAddOptions),
        maps(&object, "name", name, Conflict::Overwrite),
    ];
    let file = rows([[t("red"), t("a")], [t("blue"), t("b")], [t("RED"), t("c")]]);
    let ran = world.run(&flow, &[object], &[file]);
    assert_eq!(counts(ran.only()), [2, 1, 0, 0, 0]);
    assert_eq!(world.sql("SELECT name FROM record_shirt ORDER BY id"), ["c", "b"]);
}

#[test]
fn options_of_a_batch_that_was_rolled_back_are_gone_and_can_be_made_again() {
    let mut world = World::new();
    world.settings.batch_rows = 2;
    let object = sized(&world, FieldType::Dropdown);
    let flow = flow(&object, Conflict::Overwrite, true);
    // The third row of the second batch cancels: see `ledger`. Here the rollback is by failure.
    world.execute(
        "CREATE TRIGGER boom BEFORE INSERT ON record_shirt WHEN new.code = 'boom'
                   BEGIN SELECT raise(ABORT, 'boom'); END",
    );
    let file = rows([[t("1"), t("A")], [t("2"), t("B")], [t("3"), t("C")], [t("boom"), t("D")]]);
    let ran = world.run(&flow, &[world.reload(object.id)], &[file]);
    assert!(ran.stop.is_some());
    assert_eq!(counts(ran.counters[0]), [2, 0, 0, 0, 0]);
    assert_eq!(world.sql(ONE), ["1|A", "2|B"]);
    world.execute("DROP TRIGGER boom");
    let ran = world.run(&flow, &[world.reload(object.id)], &[rows([[t("3"), t("C")]])]);
    assert_eq!(counts(ran.only()), [1, 0, 0, 0, 0]);
    assert_eq!(world.sql(ONE), ["1|A", "2|B", "3|C"]);
}

#[test]
fn yes_no_and_maybe_take_booleans() {
    let world = World::new();
    let object = world.object("shirt", vec![field("ok", FieldType::Yesnomaybe)]);
    let mut flow = Design::default();
    let ok = flow.variable("s", "ok", DataType::Boolean);
    flow.step("s", &object).field_mapping_rules = vec![maps(&object, "ok", ok, Conflict::Overwrite)];
    let ran = world.run(&flow, &[object], &[rows([[Value::Boolean(true)], [Value::Boolean(false)]])]);
    assert_eq!(counts(ran.only()), [2, 0, 0, 0, 0]);
    let held = world
        .sql("SELECT o.name FROM record_shirt JOIN field_option o ON o.key = ok ORDER BY record_shirt.id");
    assert_eq!(held, ["Yes", "No"]);
}
