//! The ledger equals the records, whatever ends the run.

use smartconnector::{
    connector::flow::Conflict,
    execution::State,
    load::{Row, Stop},
    object::{FieldType, Object},
    store,
    variable::DataType,
};

use crate::support::{Design, Ran, World, counts, maps, matches, rows, t, unique};

fn simple(world: &World) -> (Object, Design) {
    let object = world.object("thing", vec![unique("code", FieldType::Text)]);
    let mut flow = Design::default();
    let code = flow.variable("s", "code", DataType::String);
    let step = flow.step("s", &object);
    step.matching_rules = vec![matches(&object, "code", code)];
    step.field_mapping_rules = vec![maps(&object, "code", code, Conflict::Overwrite)];
    (object, flow)
}

fn file(n: usize) -> Vec<Row> {
    rows((0..n).map(|i| [t(&format!("k{i}"))]))
}

fn ledger(world: &World, ran: &Ran) -> store::run::Ledger {
    world.store.records.read(|c| store::run::read(c, ran.execution)).unwrap().unwrap()
}

#[test]
fn a_run_that_ends_says_how_in_its_last_transaction() {
    let mut world = World::new();
    world.settings.batch_rows = 2;
    let (object, flow) = simple(&world);
    for (rows, outcome) in [(file(4), State::Success), (file(5), State::Success)] {
        let ran = world.run(&flow, std::slice::from_ref(&object), &[rows]);
        let ledger = ledger(&world, &ran);
        assert_eq!(ledger.finished.as_ref().unwrap().outcome, outcome);
        assert_eq!(ledger.totals(), ran.only());
    }
    let ran = world.run(&flow, std::slice::from_ref(&object), &[Vec::new()]);
    assert_eq!(ledger(&world, &ran).finished.unwrap().outcome, State::Success, "an empty scope ends too");
    let ran = world.run(&flow, &[object], &[rows([[t("-")]])]);
    assert_eq!(ledger(&world, &ran).finished.unwrap().outcome, State::PartialSuccess);
    assert!(world.store.records.read(store::run::open_runs).unwrap().is_empty());
}

#[test]
fn a_cancelled_batch_leaves_nothing_and_the_ledger_counts_what_is_there() {
    let mut world = World::new();
    world.settings.batch_rows = 10;
    let (object, flow) = simple(&world);
    let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
    let (execution, mut load) = world.begin();
    // The token is set while the third batch is under way.
    let all = file(100);
    let cancel = world.cancel.clone();
    let chunks = all.chunks(5).enumerate().map(|(n, chunk)| {
        if n == 5 {
            cancel.cancel();
        }
        Ok(chunk.to_vec())
    });
    let mut heard = 0;
    let stop = load.step(&plans[0], 100, true, chunks, |c| heard = c.created).unwrap_err();
    assert_eq!(stop, Stop::Cancelled);
    assert_eq!(heard, 20, "what is told last is what is there");
    let counters = load.committed();
    load.end(State::Cancelled, None).unwrap();
    assert_eq!(counts(counters), [20, 0, 0, 0, 0]);
    assert_eq!(counters.not_processed, 80);
    assert_eq!(world.sql("SELECT count(*) FROM record_thing"), ["20"]);
    let ledger = world.store.records.read(|c| store::run::read(c, execution)).unwrap().unwrap();
    assert_eq!(ledger.totals(), counters);
    assert_eq!(ledger.finished.unwrap().outcome, State::Cancelled);
}

#[test]
fn a_failing_source_rolls_its_batch_back() {
    let mut world = World::new();
    world.settings.batch_rows = 4;
    let (object, flow) = simple(&world);
    let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
    let (execution, mut load) = world.begin();
    let all = file(6);
    let chunks = all
        .chunks(6)
        .map(|chunk| Ok(chunk.to_vec()))
        .chain([Err(smartconnector::error::Error::invalid("the script's output ended early"))]);
    let stop = load.step(&plans[0], 9, true, chunks, |_| {}).unwrap_err();
    assert!(matches!(stop, Stop::Failed(e) if e.detail.contains("ended early")));
    assert_eq!(world.sql("SELECT count(*) FROM record_thing"), ["4"]);
    assert_eq!(world.store.records.read(store::run::open_runs).unwrap(), [execution]);
    load.end(State::Failed, Some("why")).unwrap();
    let ledger = world.store.records.read(|c| store::run::read(c, execution)).unwrap().unwrap();
    assert_eq!(ledger.finished.unwrap().error.as_deref(), Some("why"));
    assert_eq!(ledger.steps[0].counters.not_processed, 5);
}

#[test]
fn outcomes_beyond_the_limit_are_counted() {
    let mut world = World::new();
    world.settings.max_row_outcomes = 3;
    world.settings.max_report_rows = 2;
    let (object, flow) = simple(&world);
    let ran = world.run(&flow, &[object], &[rows((0..10).map(|_| [t("-")]))]);
    assert_eq!(counts(ran.only()), [0, 0, 0, 0, 10]);
    assert_eq!((ran.outcomes.len(), ran.cut, ran.uploads.len()), (3, 7, 2));
    assert_eq!(ledger(&world, &ran).outcomes_cut, 7);
}

#[test]
fn others_write_between_the_batches() {
    let mut world = World::new();
    world.settings.batch_rows = 1;
    let (object, flow) = simple(&world);
    let plans = world.plans(&flow, std::slice::from_ref(&object)).unwrap();
    let (_, mut load) = world.begin();
    let all = file(50);
    let (send, receive) = std::sync::mpsc::sync_channel::<Vec<Row>>(1);
    std::thread::scope(|scope| {
        let load = &mut load;
        let plan = &plans[0];
        let loader = scope.spawn(move || load.step(plan, 50, true, receive.into_iter().map(Ok), |_| {}));
        for (n, row) in all.iter().enumerate() {
            send.send(vec![row.clone()]).unwrap();
            // On a thread of its own: the load holds the lock while it waits for the next row.
            if n == 20 {
                scope.spawn(|| {
                    world.execute("INSERT INTO record_thing (created, updated, code) VALUES (0, 0, 'mine')");
                });
            }
        }
        drop(send);
        assert_eq!(loader.join().unwrap().unwrap().created, 50);
    });
    assert_eq!(world.sql("SELECT count(*) FROM record_thing"), ["51"]);
}

/// `PRAGMA synchronous`.
const FULL: i64 = 2;

/// A load's batches don't wait for the disk each; what others are told is written does.
#[test]
fn commits_wait_for_the_disk_again_after_a_load_however_it_ended() {
    let mut world = World::new();
    world.settings.batch_rows = 2;
    let (object, flow) = simple(&world);
    let level = |world: &World| -> i64 {
        world.store.records.writer().query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap()
    };
    world.run(&flow, std::slice::from_ref(&object), &[file(5)]);
    assert_eq!(level(&world), FULL);
    drop(world.store.records.writer_for_load(false).unwrap());
    assert_eq!(level(&world), FULL);
    assert_eq!(
        world
            .store
            .records
            .writer_for_load(true)
            .unwrap()
            .query_row("PRAGMA synchronous", [], |row| { row.get::<_, i64>(0) }),
        Ok(FULL)
    );
    world.cancel.cancel();
    world.run(&flow, &[object], &[file(9)]);
    assert_eq!(level(&world), FULL);
}
