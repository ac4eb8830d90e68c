//! Conflict resolutions, required fields and value checks on real records.

use smartconnector::{
    connector::flow::Conflict,
    execution::{Outcome, outcome::Message},
    load::{Members, Row},
    object::{FieldType, design::NewField},
    variable::DataType,
};

use crate::support::{Design, World, counts, field, maps, matches, n, rows, t, unique};

#[test]
fn each_resolution_on_a_held_value_and_on_a_blank() {
    for (conflict, expected, counted) in [
        (Conflict::OnlyUpdateBlank, ["a|old", "b|new", "c|old"], [0, 1, 2, 0, 0]),
        (Conflict::Overwrite, ["a|new", "b|new", "c|-"], [0, 3, 0, 0, 0]),
        (Conflict::OverwriteExceptNull, ["a|new", "b|new", "c|old"], [0, 2, 1, 0, 0]),
    ] {
        let world = World::new();
        let object =
            world.object("thing", vec![unique("code", FieldType::Text), field("x", FieldType::Text)]);
        world.execute(
            "INSERT INTO record_thing (id, created, updated, code, x) VALUES
             (1, 0, 0, 'a', 'old'), (2, 0, 0, 'b', NULL), (3, 0, 0, 'c', 'old')",
        );
        let mut flow = Design::default();
        let code = flow.variable("s", "code", DataType::String);
        let x = flow.variable("s", "x", DataType::String);
        let step = flow.step("s", &object);
        step.matching_rules = vec![matches(&object, "code", code)];
        step.field_mapping_rules = vec![maps(&object, "x", x, conflict)];
        let file = rows([[t("a"), t("new")], [t("b"), t("new")], [t("c"), t("-")]]);
        let ran = world.run(&flow, &[object], &[file]);
        assert_eq!(counts(ran.only()), counted, "{conflict:?}");
        assert_eq!(world.sql("SELECT code, x FROM record_thing"), expected, "{conflict:?}");
        // What changed nothing was not touched.
        let touched = world.sql("SELECT count(*) FROM record_thing WHERE updated > 0");
        assert_eq!(touched, [counted[1].to_string()], "{conflict:?}");
    }
}

#[test]
fn a_required_field_is_asked_on_create_and_when_it_would_be_cleared() {
    let world = World::new();
    let required = NewField { is_required: true, ..field("x", FieldType::Text) };
    let object = world.object("thing", vec![unique("code", FieldType::Text), required]);
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let x = flow.variable("s", "x", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "code", code)];
    step.field_mapping_rules =
        vec![maps(&object, "code", code, Conflict::Overwrite), maps(&object, "x", x, Conflict::Overwrite)];
    let file = rows([[t("a"), t("-")], [t("a"), t("x")], [t("a"), t("-")], [t("a"), t("y")]]);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[file]);
    assert_eq!(counts(ran.only()), [1, 1, 0, 0, 2]);
    assert_eq!(ran.messages(), ["1 error: x is required", "3 error: x is required"]);
    assert_eq!(world.sql("SELECT id, x FROM record_thing"), ["1|y"]);

    flow.steps[0].field_mapping_rules.pop();
    let ran = world.run(&flow, &[object], &[rows([[t("a"), t("-")], [t("b"), t("z")]])]);
    assert_eq!(counts(ran.only()), [0, 0, 1, 0, 1], "a new record needs the field that nothing fills");
}

#[test]
fn several_variables_are_joined_and_blanks_left_out() {
    let world = World::new();
    let object = world.object("thing", []);
    let mut flow = Design::default();
    let first = flow.variable("s", "first", DataType::String);
    let middle = flow.variable("s", "middle", DataType::String);
    let last = flow.variable("s", "last", DataType::Number);
    let mut rule = maps(&object, "name", first, Conflict::Overwrite);
    rule.variables = vec![first, middle, last];
    flow.step("s", &object).field_mapping_rules = vec![rule];
    let file = rows([[t("Ada"), t("-"), n("7")], [t("Ada"), t("King"), t("-")], [t("-"), t("-"), t("-")]]);
    let ran = world.run(&flow, &[object], &[file]);
    assert_eq!(counts(ran.only()), [3, 0, 0, 0, 0]);
    assert_eq!(world.sql("SELECT name FROM record_thing"), ["Ada 7", "Ada King", "-"]);
}

#[test]
fn a_value_that_does_not_fit_rejects_its_row_alone_and_all_faults_are_named() {
    let world = World::new();
    let object = world.object("thing", vec![field("n", FieldType::Integer), field("r", FieldType::Rating)]);
    let mut flow = Design::default();
    let name = flow.variable("s", "name", DataType::String);
    let whole = flow.variable("s", "n", DataType::Number);
    let rating = flow.variable("s", "r", DataType::Number);
    flow.step("s", &object).field_mapping_rules = vec![
        maps(&object, "name", name, Conflict::Overwrite),
        maps(&object, "n", whole, Conflict::Overwrite),
        maps(&object, "r", rating, Conflict::Overwrite),
    ];
    let file = rows([
        [t("ok"), n("1"), n("10")],
        [t("bad"), n("1.5"), n("11")],
        [t(&"x".repeat(256)), n("1"), n("1")],
        [t("ok too"), n("-9223372036854775808"), t("-")],
    ]);
    let ran = world.run(&flow, &[object], &[file]);
    assert_eq!(counts(ran.only()), [2, 0, 0, 0, 2]);
    let codes = |at: usize| ran.outcomes[at].messages.iter().map(|m| m.code.clone()).collect::<Vec<_>>();
    assert_eq!(codes(0), ["out_of_range", "out_of_range"]);
    assert_eq!(codes(1), ["too_long"]);
    assert_eq!(world.sql("SELECT n, r FROM record_thing"), ["1|10", "-9223372036854775808|-"]);
    // Rejected rows come first in the spool, the mapped values as far as there are any.
    let order: Vec<_> = ran.uploads.iter().map(|row| (row.row, row.outcome)).collect();
    assert_eq!(
        order,
        [(2, Outcome::Rejected), (3, Outcome::Rejected), (1, Outcome::Created), (4, Outcome::Created)]
    );
    assert_eq!(ran.uploads[2].cells, [Some("ok".to_owned()), Some("1".to_owned()), Some("10".to_owned())]);
    assert_eq!(ran.uploads[2].record, Some(1));
}

#[test]
fn a_variable_that_did_not_parse_rejects_the_row_and_a_warning_does_not() {
    let world = World::new();
    let object = world.object("thing", []);
    let mut flow = Design::default();
    let name = flow.variable("s", "name", DataType::String);
    flow.step("s", &object).field_mapping_rules = vec![maps(&object, "name", name, Conflict::Overwrite)];
    let said = |code: &str| Message {
        message: format!("it is {code}"),
        code: code.to_owned(),
        variable: None,
        column: None,
        field: None,
        value: None,
        expected: None,
    };
    let mut file: Vec<Row> = rows([[t("a")], [t("b")], [t("c")]]);
    file[0].values[0] = Err(Box::new(said("not_a_number")));
    file[1].warnings = vec![said("time_dropped")];
    let ran = world.run(&flow, &[object], &[file]);
    assert_eq!(counts(ran.only()), [2, 0, 0, 0, 1]);
    assert_eq!(ran.only().warnings, 1);
    assert_eq!(ran.messages(), ["1 error: it is not_a_number", "2 warning: it is time_dropped"]);
}

#[test]
fn owners_are_members() {
    let mut world = World::new();
    let id = smartconnector::id::MemberId::new();
    world.members = Members::new([(id, "ada@example.org".to_owned())]);
    let object = world.object("thing", []);
    let mut flow = Design::default();
    let owner = flow.variable("s", "owner", DataType::Email);
    flow.step("s", &object).field_mapping_rules = vec![maps(&object, "owner", owner, Conflict::Overwrite)];
    let file = rows([[t("ADA@example.org")], [t("bob@example.org")]]);
    let ran = world.run(&flow, &[object], &[file]);
    assert_eq!(counts(ran.only()), [1, 0, 0, 0, 1]);
    assert_eq!(world.sql("SELECT owner FROM record_thing"), [id.to_string()]);
    assert_eq!(ran.outcomes[0].messages[0].code, "does_not_exist");
}
