//! What must not grow with the file, as counts: they don't drift with the machine as times do.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use smartconnector::{connector::flow::Conflict, object::FieldType, variable::DataType};

use crate::support::{World, counts, maps, matches, rows, t, unique};

/// SQLite asks the authorizer while it compiles a statement, and never while it runs one.
#[test]
fn statements_are_compiled_per_batch_and_not_per_row() {
    let world = World::new();
    let object = world.object("thing", [unique("code", FieldType::Text)]);
    let mut flow = crate::support::Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let name = flow.variable("s", "name", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "code", code)];
    step.field_mapping_rules = vec![
        maps(&object, "code", code, Conflict::Overwrite),
        maps(&object, "name", name, Conflict::Overwrite),
    ];
    let compiled = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&compiled);
    let count = move |asked: AuthContext<'_>| {
        if matches!(asked.action, AuthAction::Select | AuthAction::Insert { .. } | AuthAction::Update { .. })
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Authorization::Allow
    };
    world.store.records.writer().authorizer(Some(count)).unwrap();
    let load = |from: usize, to: usize, name: &'static str| {
        let before = compiled.load(Ordering::Relaxed);
        let all = rows((from..to).map(|n| [t(&format!("K{n}")), t(name)]));
        let ran = world.run(&flow, std::slice::from_ref(&object), &[all]);
        (counts(ran.only()), compiled.load(Ordering::Relaxed) - before)
    };
    // The first run makes the index that later ones find, and the second compiles for a schema with it.
    load(0, 10, "a");
    load(5_000, 5_010, "a");
    let (few, few_compiled) = load(10, 20, "a");
    let (many, many_compiled) = load(20, 2_020, "a");
    assert_eq!((few[0], many[0]), (10, 2_000));
    assert_eq!(few_compiled, many_compiled, "creating");
    let (few, few_compiled) = load(10, 20, "c");
    let (many, many_compiled) = load(20, 2_020, "c");
    assert_eq!((few[1], many[1]), (10, 2_000));
    assert_eq!(few_compiled, many_compiled, "updating");
    assert!(few_compiled > 0, "the authorizer was asked");
}
