//! Indexes that a large first load leaves to its end are there afterwards, whatever happened in between.

use std::cell::RefCell;

use smartconnector::{
    cancel::CancelToken,
    connector::flow::Conflict,
    execution::State,
    load::{StepPlan, Stop, make_late},
    object::{FieldType, Object},
    store::{late_index, table},
    variable::DataType,
};

use crate::support::{Design, World, arranged, field, maps, matches, rows, t, unique};

/// People known by `code`; another connector matches them by `email`.
fn people(world: &World) -> (Object, Design) {
    let object = world.object("person", [unique("code", FieldType::Text), field("email", FieldType::Email)]);
    let email = object.field_named("email").unwrap();
    world.store.records.write(|tx| table::ensure_match_index(tx, &object, email)).unwrap();
    let flow = by(&object, "code");
    (object, flow)
}

fn by(object: &Object, key: &str) -> Design {
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let email = flow.variable("s", "email", DataType::Email);
    let step = flow.step("s", object);
    step.matching_rules = vec![matches(object, key, if key == "code" { code } else { email })];
    step.field_mapping_rules = vec![
        maps(object, "code", code, Conflict::Overwrite),
        maps(object, "email", email, Conflict::Overwrite),
    ];
    flow
}

fn indexes(world: &World) -> Vec<String> {
    world.sql(
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name LIKE 'match_%' AND sql LIKE '%mail%'",
    )
}

fn file(n: usize) -> Vec<smartconnector::load::Row> {
    rows((0..n).map(|i| [t(&format!("k{i}")), t(&format!("{i}@x.org"))]))
}

const MANY: fn(&StepPlan) -> u64 = |_| 100_000;

#[test]
fn it_is_gone_while_the_load_lasts_and_back_at_its_end() {
    let world = World::new();
    let (object, flow) = people(&world);
    assert_eq!(indexes(&world).len(), 1);
    let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
    let (_, mut load) = world.begin();
    assert_eq!(
        load.set_indexes_aside(&plans, |_| 99_999).unwrap(),
        0,
        "a small file pays more than it gains"
    );
    assert_eq!(load.set_indexes_aside(&plans, MANY).unwrap(), 1);
    let during = RefCell::new(None);
    let chunks = file(20).chunks(5).map(|chunk| Ok(arranged(&flow, &plans[0], chunk))).collect::<Vec<_>>();
    load.step(&plans[0], 20, true, chunks, |_| *during.borrow_mut() = Some(indexes(&world))).unwrap();
    assert_eq!(during.into_inner(), Some(Vec::new()));
    load.end(State::Success, None).unwrap();
    assert_eq!(indexes(&world).len(), 1);
    assert_eq!(world.sql("SELECT count(*) FROM late_index"), ["0"]);
    assert_eq!(world.sql("SELECT count(*) FROM record_person WHERE lower(email) = '7@x.org'"), ["1"]);
    assert_eq!(world.sql("PRAGMA integrity_check"), ["ok"]);
    // There are records now: nothing is set aside.
    assert_eq!(world.begin().1.set_indexes_aside(&plans, MANY).unwrap(), 0);
}

/// Cancelled, the run ends at once; what it left is made when nothing runs.
#[test]
fn what_a_cancel_or_a_crash_left_is_known_and_made() {
    for is_crash in [false, true] {
        let world = World::new();
        let (object, flow) = people(&world);
        let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
        let (_, mut load) = world.begin();
        load.set_indexes_aside(&plans, MANY).unwrap();
        if is_crash {
            drop(load);
        } else {
            world.cancel.cancel();
            let chunks = [Ok(arranged(&flow, &plans[0], &file(3)))];
            load.step(&plans[0], 3, true, chunks, |_| {}).unwrap_err();
            load.end(State::Cancelled, None).unwrap();
        }
        let pending = || world.store.records.read(|conn| late_index::pending(conn, None)).unwrap().len();
        assert_eq!((pending(), indexes(&world).len()), (1, 0));
        let token = CancelToken::new();
        token.cancel();
        assert_eq!(make_late(&world.store, None, &token), Err(Stop::Cancelled));
        assert_eq!((pending(), indexes(&world).len()), (1, 0));
        make_late(&world.store, None, &CancelToken::new()).unwrap();
        assert_eq!((pending(), indexes(&world).len()), (0, 1));
    }
}

/// Its rules were checked for indexes before the other run dropped one.
#[test]
fn another_run_that_matches_by_it_makes_it_earlier() {
    let world = World::new();
    let (object, flow) = people(&world);
    let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
    let (_, mut load) = world.begin();
    load.set_indexes_aside(&plans, MANY).unwrap();
    let other = by(&object, "email");
    world.run(&other, std::slice::from_ref(&object), &[file(3)]);
    assert_eq!(indexes(&world).len(), 1);
    load.end(State::Success, None).unwrap();
    assert_eq!(indexes(&world).len(), 1);
}
