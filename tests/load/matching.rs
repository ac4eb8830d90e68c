//! The four outcomes of a matching rule, and what they lead to.

use smartconnector::{
    connector::flow::{ArchiveMatch, Conflict, MultipleMatch, NoMatch, SingleMatch},
    object::{FieldType, Object},
    variable::DataType,
};

use crate::support::{Design, World, counts, field, id, maps, matches, matches_id, rows, t, unique};

/// People with a unique e-mail and a name; a step that matches by e-mail and writes both.
fn people(world: &World) -> (Object, Design) {
    let object =
        world.object("person", vec![unique("email", FieldType::Email), field("city", FieldType::Text)]);
    let mut flow = Design::default();
    let email = flow.variable("s", "email", DataType::Email);
    let name = flow.variable("s", "name", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "email", email)];
    step.field_mapping_rules = vec![
        maps(&object, "email", email, Conflict::Overwrite),
        maps(&object, "name", name, Conflict::Overwrite),
    ];
    (object, flow)
}

const PEOPLE: &str = "SELECT id, email, name FROM record_person ORDER BY id";

#[test]
fn two_lines_with_one_key_make_one_record_created_then_updated() {
    let world = World::new();
    let (object, flow) = people(&world);
    let rows = rows([[t("a@x.org"), t("A")], [t("b@x.org"), t("B")], [t("A@x.org"), t("A2")]]);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows]);
    assert_eq!(counts(ran.only()), [2, 1, 0, 0, 0]);
    assert_eq!(world.sql(PEOPLE), ["1|A@x.org|A2", "2|b@x.org|B"]);
}

/// Rows after a new one are written without asking first; what is there already must be found all the same.
#[test]
fn known_and_archived_rows_between_new_ones_are_found() {
    let world = World::new();
    let (object, mut flow) = people(&world);
    flow.steps[0].matching_rules[0].match_archive_action = ArchiveMatch::DoNotUpload;
    let row = |n: usize, name: &'static str| [t(&format!("{n}@x.org")), t(name)];
    let new = |from| rows((from..from + 20).map(|n| row(n, "new")));
    let ran = world.run(&flow, std::slice::from_ref(&object), &[new(0)]);
    assert_eq!(counts(ran.only()), [20, 0, 0, 0, 0]);
    let mixed = || (10..40).map(|n| row(n, if n == 15 { "other" } else { "new" }));
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows(mixed())]);
    assert_eq!(counts(ran.only()), [20, 1, 9, 0, 0]);
    world.execute("UPDATE record_person SET archived = 9 WHERE email = '39@x.org'");
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows((38..42).map(|n| row(n, "new")))]);
    assert_eq!(counts(ran.only()), [2, 0, 1, 1, 0]);
    assert_eq!(world.sql("SELECT count(*), max(id) FROM record_person"), ["42|42"]);
}

#[test]
fn a_second_run_of_the_same_file_writes_nothing() {
    let world = World::new();
    let (object, flow) = people(&world);
    let rows = rows([[t("a@x.org"), t("A")], [t("b@x.org"), t("-")]]);
    world.run(&flow, std::slice::from_ref(&object), std::slice::from_ref(&rows));
    world.execute("UPDATE record_person SET updated = 7");
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows]);
    assert_eq!(counts(ran.only()), [0, 0, 2, 0, 0]);
    assert_eq!(world.sql("SELECT updated, updated_by_execution FROM record_person"), ["7|1", "7|1"]);
}

#[test]
fn a_blank_key_that_would_create_is_rejected() {
    let world = World::new();
    let (object, flow) = people(&world);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows([[t("-"), t("A")]])]);
    assert_eq!(counts(ran.only()), [0, 0, 0, 0, 1]);
    assert_eq!(ran.outcomes[0].messages[0].code, "match_value_blank");
    assert_eq!(ran.outcomes[0].line, Some(2));
    assert!(world.sql(PEOPLE).is_empty());
}

#[test]
fn a_blank_key_is_no_candidate_and_the_next_rule_decides() {
    let world = World::new();
    let (object, mut flow) = people(&world);
    let name = flow.variables[1].id;
    let step = &mut flow.steps[0];
    step.matching_rules[0].no_match_action = NoMatch::NextRuleIgnorePrevious;
    let mut by_name = matches(&object, "name", name);
    by_name.order = 1;
    step.matching_rules.push(by_name);
    let rows = rows([[t("a@x.org"), t("A")], [t("-"), t("A")], [t("-"), t("B")]]);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows]);
    // The second clears the e-mail of the first; the third tried a name, so it makes a record.
    assert_eq!(counts(ran.only()), [2, 1, 0, 0, 0]);
    assert_eq!(world.sql(PEOPLE), ["1|-|A", "2|-|B"]);
}

#[test]
fn several_matches_skip_the_row_and_name_them() {
    let world = World::new();
    let (object, mut flow) = people(&world);
    let name = flow.variables[1].id;
    flow.steps[0].matching_rules = vec![matches(&object, "name", name)];
    world.execute(
        "INSERT INTO record_person (id, created, updated, name) VALUES (1, 0, 0, 'A'), (2, 0, 0, 'A'), (3, 0, 0, 'B')",
    );
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows([[t("a@x.org"), t("A")]])]);
    assert_eq!(counts(ran.only()), [0, 0, 0, 1, 0]);
    let ids = [1, 2].map(|row| smartconnector::id::RecordId::of(object.id, row).to_string());
    assert_eq!(ran.messages(), [format!("1 skipped: several records match (2): {}, {}", ids[0], ids[1])]);
}

#[test]
fn next_rule_narrows_and_ignore_previous_starts_over() {
    let world = World::new();
    let object = world.object("person", vec![field("city", FieldType::Text), field("note", FieldType::Text)]);
    world.execute(
        "INSERT INTO record_person (id, created, updated, name, city) VALUES
         (1, 0, 0, 'A', 'Rome'), (2, 0, 0, 'A', 'Oslo'), (3, 0, 0, 'B', 'Oslo')",
    );
    let mut flow = Design::default();
    let name = flow.variable("s", "name", DataType::String);
    let city = flow.variable("s", "city", DataType::String);
    let note = flow.variable("s", "note", DataType::String);
    let step = flow.step("s", &object);
    let mut first = matches(&object, "name", name);
    first.multiple_match_action = MultipleMatch::NextRule;
    first.no_match_action = NoMatch::NextRuleIgnorePrevious;
    first.single_match_action = SingleMatch::NextRule;
    let mut second = matches(&object, "city", city);
    second.order = 1;
    second.no_match_action = NoMatch::DoNotUpload;
    step.matching_rules = vec![second, first]; // tried by order, not as listed
    step.field_mapping_rules = vec![maps(&object, "note", note, Conflict::Overwrite)];
    let rows = rows([
        [t("A"), t("Oslo"), t("narrowed")],
        [t("C"), t("Rome"), t("started over")],
        [t("C"), t("Oslo"), t("several")],
        [t("B"), t("Rome"), t("narrowed to none")],
    ]);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows]);
    assert_eq!(counts(ran.only()), [0, 2, 0, 2, 0]);
    assert_eq!(
        world.sql("SELECT id, note FROM record_person ORDER BY id"),
        ["1|started over", "2|narrowed", "3|-"]
    );
    assert_eq!(ran.messages()[1], "4 skipped: no record matches");
}

#[test]
fn archived_records_are_matched_as_the_rule_says() {
    for (action, expected, people) in [
        (ArchiveMatch::CreateNew, [1, 0, 0, 0, 0], vec!["1|old|9", "2|new|-"]),
        (ArchiveMatch::UnarchiveAndUpdate, [0, 1, 0, 0, 0], vec!["1|new|-"]),
        (ArchiveMatch::UnarchiveOnly, [0, 1, 0, 0, 0], vec!["1|old|-"]),
        (ArchiveMatch::DoNotUpload, [0, 0, 0, 1, 0], vec!["1|old|9"]),
    ] {
        let world = World::new();
        let (object, mut flow) = people_with_archived(&world);
        flow.steps[0].matching_rules[0].match_archive_action = action;
        let ran = world.run(&flow, std::slice::from_ref(&object), &[rows([[t("a@x.org"), t("new")]])]);
        assert_eq!(counts(ran.only()), expected, "{action:?}");
        assert_eq!(world.sql("SELECT id, name, archived FROM record_person"), people, "{action:?}");
    }
}

fn people_with_archived(world: &World) -> (Object, Design) {
    let made = people(world);
    world.execute(
        "INSERT INTO record_person (id, created, updated, archived, name, email)
         VALUES (1, 0, 0, 9, 'old', 'a@x.org')",
    );
    made
}

#[test]
fn a_live_record_wins_over_an_archived_one() {
    let world = World::new();
    let (object, mut flow) = people_with_archived(&world);
    flow.steps[0].matching_rules[0].match_archive_action = ArchiveMatch::UnarchiveAndUpdate;
    world.execute(
        "INSERT INTO record_person (id, created, updated, name, email) VALUES (2, 0, 0, 'live', 'a@x.org')",
    );
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows([[t("a@x.org"), t("new")]])]);
    assert_eq!(counts(ran.only()), [0, 1, 0, 0, 0]);
    assert_eq!(world.sql("SELECT id, name, archived FROM record_person"), ["1|old|9", "2|new|-"]);
}

#[test]
fn bringing_back_a_record_whose_unique_value_is_taken_is_rejected() {
    let world = World::new();
    let (object, mut flow) = people_with_archived(&world);
    world.execute(
        "INSERT INTO record_person (id, created, updated, name, email) VALUES (2, 0, 0, 'live', 'A@X.org')",
    );
    let name = flow.variables[1].id;
    let mut rule = matches(&object, "name", name);
    rule.match_archive_action = ArchiveMatch::UnarchiveOnly;
    flow.steps[0].matching_rules = vec![rule];
    flow.steps[0].field_mapping_rules.remove(0);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows([[t("-"), t("old")]])]);
    assert_eq!(counts(ran.only()), [0, 0, 0, 0, 1]);
    assert_eq!(ran.outcomes[0].messages[0].code, "unique");
    assert_eq!(world.sql("SELECT id, archived FROM record_person"), ["1|9", "2|-"]);
}

#[test]
fn a_record_is_matched_by_its_id() {
    let world = World::new();
    let (object, mut flow) = people_with_archived(&world);
    let other = world.object("other", []);
    world.execute("INSERT INTO record_person (id, created, updated, name) VALUES (2, 0, 0, 'two')");
    let variable = flow.variable("s", "id", DataType::Uuid);
    let mut rule = matches_id(variable);
    rule.is_match_by_kizen_id = true;
    rule.no_match_action = NoMatch::DoNotUpload;
    flow.steps[0].matching_rules = vec![rule];
    flow.steps[0].field_mapping_rules.remove(0);
    let rows = rows([
        [t("-"), t("changed"), id(&object, 2)],
        [t("-"), t("no such record"), id(&object, 3)],
        [t("-"), t("of another object"), id(&other, 2)],
        [t("-"), t("blank"), t("-")],
    ]);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows]);
    assert_eq!(counts(ran.only()), [0, 1, 0, 3, 0]);
    assert_eq!(world.sql("SELECT id, name FROM record_person"), ["1|old", "2|changed"]);
}

#[test]
fn a_unique_clash_names_the_other_record_and_leaves_nothing() {
    let world = World::new();
    let object = world.object(
        "person",
        vec![
            unique("email", FieldType::Email),
            unique("code", FieldType::Text),
            field("n", FieldType::Integer),
        ],
    );
    let mut flow = Design::default();
    let email = flow.variable("s", "email", DataType::Email);
    let code = flow.variable("s", "code", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "email", email)];
    step.field_mapping_rules = vec![
        maps(&object, "email", email, Conflict::Overwrite),
        maps(&object, "code", code, Conflict::Overwrite),
    ];
    let rows = rows([
        [t("a@x.org"), t("1")],
        [t("b@x.org"), t("1")], // create clashes
        [t("b@x.org"), t("2")],
        [t("b@x.org"), t("1")], // update clashes
        [t("a@x.org"), t("3")],
        [t("b@x.org"), t("1")], // free by now
    ]);
    let ran = world.run(&flow, std::slice::from_ref(&object), &[rows]);
    assert_eq!(counts(ran.only()), [2, 2, 0, 0, 2]);
    let first = smartconnector::id::RecordId::of(object.id, 1);
    let clash = format!("code must be unique: the record {first} has this value");
    assert_eq!(ran.messages(), [format!("2 error: {clash}"), format!("4 error: {clash}")]);
    assert_eq!(world.sql("SELECT email, code FROM record_person"), ["a@x.org|3", "b@x.org|1"]);
}

#[test]
fn values_are_compared_by_type() {
    let world = World::new();
    let object = world.object(
        "thing",
        vec![
            field("price", FieldType::Decimal),
            field("day", FieldType::Date),
            field("mark", FieldType::Uuid),
            field("hit", FieldType::Integer),
        ],
    );
    let uuid = uuid::Uuid::new_v4();
    let day = chrono::NaiveDate::from_ymd_opt(2026, 2, 3).unwrap();
    world.execute(&format!(
        "INSERT INTO record_thing (id, created, updated, price, day, mark)
         VALUES (1, 0, 0, 0.1, '2026-02-03', '{uuid}')"
    ));
    for (name, data_type, value) in [
        ("price", DataType::Number, crate::support::n("0.100")),
        ("day", DataType::Date, smartconnector::variable::Value::Date(day)),
        ("mark", DataType::Uuid, smartconnector::variable::Value::Uuid(uuid)),
    ] {
        let mut flow = Design::default();
        let key = flow.variable("s", name, data_type);
        let step = flow.step("s", &object);
        let mut rule = matches(&object, name, key);
        rule.no_match_action = NoMatch::DoNotUpload;
        step.matching_rules = vec![rule];
        let ran = world.run(&flow, std::slice::from_ref(&object), &[rows([[value]])]);
        assert_eq!(counts(ran.only()), [0, 0, 1, 0, 0], "{name}");
    }
}
