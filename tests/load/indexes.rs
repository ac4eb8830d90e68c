//! Indexes that a run makes for its look-ups.

use smartconnector::{load::Stop, object::FieldType, variable::DataType};

use crate::support::{Design, World, field, maps, matches};

#[test]
fn a_cancelled_index_leaves_nothing_and_blocks_nobody() {
    let world = World::new();
    let object = world.object("person", [field("code", FieldType::Text)]);
    world.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
         INSERT INTO record_person (created, updated, code) SELECT 0, 0, 'x' || i FROM n",
    );
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "code", code)];
    step.field_mapping_rules =
        vec![maps(&object, "code", code, smartconnector::connector::Conflict::Overwrite)];
    let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
    let made = "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'match_*' AND sql LIKE '%\"code\"%'";
    world.cancel.cancel();
    for is_dry in [true, false] {
        let (_, load) = if is_dry { world.begin_dry(&plans) } else { world.begin() };
        let missing = load.missing_indexes(&plans).unwrap();
        assert_eq!((missing.len(), missing[0].records, missing[0].is_large), (1, 30_000, false));
        assert_eq!(load.make_index(&missing[0]), Err(Stop::Cancelled), "dry: {is_dry}");
        assert_eq!(world.sql(made), ["0"]);
        world.execute("UPDATE record_person SET updated = 1 WHERE id = 1");
    }
}
