//! What batches mean for others: they get in between, and what a load logs goes to the database.

use std::{
    cell::RefCell,
    thread,
    time::{Duration, Instant},
};

use smartconnector::{
    connector::flow::Conflict, execution::State, load::Row, object::FieldType, variable::DataType,
};

use crate::support::{Design, World, maps, matches, rows, t, unique};

/// More than this many rows are in a batch before it gives way.
const GIVES_WAY: usize = 50_000;

/// Asks again and again until it is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < end, "not in time: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn a_large_batch_ends_early_for_a_writer_that_waits() {
    let mut world = World::new();
    world.settings.batch_rows = 1_000_000;
    let object = world.object("thing", vec![unique("code", FieldType::Text)]);
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "code", code)];
    step.field_mapping_rules = vec![maps(&object, "code", code, Conflict::Overwrite)];
    let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
    let (_, mut load) = world.begin();
    let all: Vec<Row> = rows((0..GIVES_WAY + 2_000).map(|i| [t(&format!("k{i}"))]));
    let records = &world.store.records;
    let counted =
        || records.read(|c| Ok(c.query_row("SELECT count(*) FROM record_thing", [], |r| r.get(0))?));
    thread::scope(|threads| {
        let other = RefCell::new(None);
        let chunks = all.chunks(1_000).enumerate().map(|(n, chunk)| {
            if n == 1 {
                assert_eq!(counted(), Ok(0), "nothing is committed yet");
                let mut other = other.borrow_mut();
                *other =
                    Some(threads.spawn(|| records.write(|tx| Ok(tx.execute_batch("CREATE TABLE x (y)")?))));
                until("the other one waits", || records.is_wanted());
            }
            if n == GIVES_WAY / 1_000 + 1 {
                let other = other.borrow_mut().take().unwrap();
                other.join().unwrap().unwrap();
                assert_eq!(counted(), Ok(GIVES_WAY as i64));
            }
            Ok(chunk.to_vec())
        });
        load.step(&plans[0], all.len() as u64, true, chunks, |_| {}).unwrap();
    });
    load.end(State::Success, None).unwrap();
    assert_eq!(counted(), Ok(all.len() as i64));
}

#[test]
fn what_a_load_logged_is_put_into_the_database_while_it_goes_on() {
    let world = World::new();
    let records = &world.store.records;
    let size = || records.path().metadata().unwrap().len();
    let pages = || -> u64 {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        records.read(|c| Ok(c.query_row(sql, [], |row| row.get::<_, i64>(0))?)).unwrap().unsigned_abs()
    };
    let mut loading = records.loading();
    for n in 1..=3 {
        let before = size();
        {
            let writer = records.writer_for_load(false).unwrap();
            writer.execute_batch(&format!("CREATE TABLE x{n} AS SELECT randomblob(3000000) AS y")).unwrap();
        }
        assert_eq!(size(), before, "it is in the log alone");
        loading.committed();
        until("the database has it", || size() == pages());
        assert!(size() >= before + 3_000_000);
    }
}
