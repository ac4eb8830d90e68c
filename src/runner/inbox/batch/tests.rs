//! Each step of a batch, cut off and done again.

use std::{collections::BTreeMap, io::Read as _};

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::{Condvar, Mutex};

use super::*;
use crate::{
    auth::Workspace,
    clock::Clock,
    config::Config,
    connector::{Connector, ConnectorType, InputOptions, NotificationSettings, Status, WebhookSettings},
    execution::State,
    id::{ConnectorId, MemberId, ObjectId, WorkspaceId},
    runner::inbox::{Desk, windows},
    store::{file::FileReader, inbox::NewRequest},
};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// What a process has: made anew for each restart.
fn process(store: &Arc<Store>) -> Shared {
    let mut config = Config::default();
    config.webhook.max_batch_rows = 4;
    Shared {
        store: Arc::clone(store),
        inbox: Desk::new(&config),
        config,
        workspace: Workspace {
            id: WorkspaceId::new(),
            name: String::new(),
            timezone: chrono_tz::UTC,
            currency: String::new(),
            phone_region: String::new(),
            form_secret: Vec::new(),
        },
        metrics: Arc::default(),
        running: Mutex::default(),
        samples: Mutex::default(),
        previews: Mutex::default(),
        deleted: Mutex::default(),
        sample_queue: Mutex::default(),
        signal: Mutex::new(0),
        wake: Condvar::new(),
        stopping: crate::cancel::CancelToken::new(),
        tell: std::sync::OnceLock::new(),
    }
}

fn connector(status: Status) -> Connector {
    Connector {
        id: ConnectorId::new(),
        api_name: "shop".to_owned(),
        name: "Shop".to_owned(),
        description: String::new(),
        connector_type: ConnectorType::Webhook,
        status,
        cadence: Some(60),
        schedule: None,
        custom_object: ObjectId::new(),
        source_file: None,
        headers: Vec::new(),
        variables: Vec::new(),
        loads: Vec::new(),
        seeds: Vec::new(),
        sql_parameters: serde_json::Map::new(),
        input_options: InputOptions::default(),
        timeout_s: None,
        max_concurrency: 1,
        retention_days: 90,
        retention_runs: 5_000,
        diff_check_enabled: false,
        guard: None,
        webhook_settings: WebhookSettings::default(),
        notification_settings: NotificationSettings::default(),
        used_count: 0,
        last_used_at: None,
        created: start(),
        updated: start(),
        created_by: None,
    }
}

struct World {
    _dir: tempfile::TempDir,
    store: Arc<Store>,
    connector: Connector,
}

impl World {
    fn new(status: Status) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path(), Clock::fixed(start())).unwrap());
        let connector = connector(status);
        store.control.write(|tx| store::connector::insert(tx, &connector)).unwrap();
        Self { _dir: dir, store, connector }
    }

    fn send(&self, bodies: std::ops::RangeInclusive<u32>) {
        let requests: Vec<_> = bodies
            .map(|n| NewRequest {
                connector: self.connector.id,
                received: self.store.clock.now(),
                member: None,
                querystring: String::new(),
                body: Some(n.to_string()),
                once: None,
            })
            .collect();
        self.store.inbox.write(|tx| store::inbox::add(tx, &requests, 1000)).unwrap();
    }

    /// A start of the server, and looks at its windows for as long as more are due.
    fn restart(&self) {
        let process = process(&self.store);
        self.store.files.write(store::file::sweep).unwrap();
        windows::settle(&process).unwrap();
        let mut windows = windows::Windows::new();
        while windows.pass(&process).unwrap().is_zero() {}
    }

    fn inbox(&self) -> Inbox {
        self.store.inbox.read(|conn| store::inbox::find(conn, self.connector.id)).unwrap().unwrap()
    }

    fn take(&self) -> Batch {
        let facts =
            self.store.control.read(|conn| delivery::facts(conn, self.connector.id)).unwrap().unwrap();
        take(&process(&self.store), &self.inbox(), &facts, self.inbox().last_seq).unwrap()
    }

    /// Per execution, in order: its state and the bodies in its file.
    fn runs(&self) -> Vec<(State, Vec<String>)> {
        let filter = store::execution::Filter { ordering: Some(("created", false)), ..Default::default() };
        let found = self.store.control.read(|conn| store::execution::list(conn, &filter, 100, 0)).unwrap().1;
        found
            .into_iter()
            .map(|execution| {
                let file = execution.input_file.unwrap();
                let file = self.store.files.read(|conn| store::file::find(conn, file)).unwrap().unwrap();
                let mut text = String::new();
                FileReader::open(&self.store, &file).read_to_string(&mut text).unwrap();
                let mut lines = text.lines();
                assert_eq!(lines.next(), Some("timestamp,employee_id,querystring,body"));
                let bodies = lines.map(|line| line.rsplit(',').next().unwrap().to_owned());
                (execution.state, bodies.collect())
            })
            .collect()
    }

    fn files(&self) -> i64 {
        self.store.files.read(|c| Ok(c.query_row("SELECT count(*) FROM file", [], |r| r.get(0))?)).unwrap()
    }
}

fn bodies(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[test]
fn a_batch_becomes_one_execution_wherever_it_was_cut_off() {
    for done in 0..=4 {
        let world = World::new(Status::Operational);
        world.send(1..=3);
        let batch = world.take();
        // More come in while it is on its way: they are of the next window.
        world.send(4..=5);
        let steps: [&dyn Fn() -> Result<()>; 4] = [
            &|| write_file(&world.store, &batch),
            &|| deliver(&world.store, &batch).map(drop),
            &|| clear(&world.store, &batch),
            &|| Ok(()),
        ];
        for step in &steps[..done] {
            step().unwrap();
        }
        world.restart();
        assert_eq!(world.runs(), [(State::Queued, bodies(1..=3))], "cut off after step {done}");
        world.restart();
        assert_eq!((world.runs().len(), world.files(), world.inbox().pending()), (1, 1, 2));
        world.store.clock.set(start() + TimeDelta::seconds(60));
        world.restart();
        let expected = [(State::Queued, bodies(1..=3)), (State::Queued, bodies(4..=5))];
        assert_eq!(world.runs(), expected);
        assert_eq!((world.inbox().pending(), world.inbox().bytes, world.files()), (0, 0, 2));
    }
}

#[test]
fn half_a_file_is_written_again() {
    let world = World::new(Status::Operational);
    world.send(1..=3);
    let batch = world.take();
    // What a crash leaves of a file: a content that nobody names.
    world.store.files.write(|tx| Ok(tx.execute("INSERT INTO content DEFAULT VALUES", [])?)).unwrap();
    world.restart();
    assert_eq!(world.runs(), [(State::Queued, bodies(1..=3))]);
    let found = world.store.files.read(|conn| store::file::find(conn, batch.file)).unwrap().unwrap();
    assert_eq!(found.name, "shop_webhooks_1700000000_1700000000.csv");
}

/// The copy of `inbox.db` was taken before the connector's first webhook, that of `control.db` after its first
/// batch, and after somebody cancelled what waited then.
#[test]
fn an_inbox_restored_without_the_connector_counts_on_behind_what_was_delivered() {
    let world = World::new(Status::Operational);
    world.send(1..=3);
    finish(&process(&world.store), &world.take()).unwrap();
    world.store.control.write(|tx| delivery::cancel(tx, world.connector.id, 5, None)).unwrap();
    world
        .store
        .inbox
        .write(|tx| {
            tx.execute("DELETE FROM request", [])?;
            tx.execute("DELETE FROM inbox", [])?;
            Ok(())
        })
        .unwrap();
    windows::skip_delivered(&world.store).unwrap();
    world.send(4..=5);
    world.restart();
    world.store.clock.set(start() + TimeDelta::seconds(60));
    world.restart();
    assert_eq!(world.runs(), [(State::Queued, bodies(1..=3)), (State::Queued, bodies(4..=5))]);
    assert_eq!((world.inbox().pending(), world.inbox().last_seq), (0, 5));
}

/// One that never ends must not keep the windows of the others open.
#[test]
fn connectors_take_turns() {
    let world = World::new(Status::Operational);
    let mut other = connector(Status::Operational);
    (other.api_name, other.name) = ("other".to_owned(), "Other".to_owned());
    world.store.control.write(|tx| store::connector::insert(tx, &other)).unwrap();
    // Three full batches of the first, and one request of the other, whose time is over.
    world.send(1..=12);
    let late =
        World { _dir: tempfile::tempdir().unwrap(), store: Arc::clone(&world.store), connector: other };
    late.send(13..=13);
    world.store.clock.set(start() + TimeDelta::seconds(60));
    let mut windows = windows::Windows::new();
    let process = process(&world.store);
    assert!(windows.pass(&process).unwrap().is_zero(), "more waits");
    let states: Vec<_> = world.runs().into_iter().map(|(_, bodies)| bodies.len()).collect();
    assert_eq!(states, [4, 1]);
    while world.inbox().pending() > 0 {
        windows.pass(&process).unwrap();
    }
    assert_eq!(world.runs().len(), 4);
}

#[test]
fn an_inbox_restored_from_an_older_copy_delivers_nothing_twice() {
    let world = World::new(Status::Operational);
    world.send(1..=3);
    let batch = world.take();
    finish(&process(&world.store), &batch).unwrap();
    // As it was before the window closed.
    world
        .store
        .inbox
        .write(|tx| {
            tx.execute("UPDATE inbox SET taken_seq = 0, bytes = 3", [])?;
            store::inbox::insert_batch(tx, &batch)
        })
        .unwrap();
    world.restart();
    assert_eq!(world.runs(), [(State::Queued, bodies(1..=3))]);
    assert_eq!((world.inbox().pending(), world.inbox().last_seq), (0, 3));
}

#[test]
fn windows_stay_open_while_the_connector_does_not_run() {
    let world = World::new(Status::Inactive);
    world.send(1..=10);
    world.store.clock.set(start() + TimeDelta::days(1));
    world.restart();
    assert_eq!(world.runs(), []);
    let id = world.connector.id;
    world.store.control.write(|tx| store::connector::set_status(tx, id, Status::Operational)).unwrap();
    world.restart();
    let expected = [1..=4, 5..=8, 9..=10].map(|range| (State::Queued, bodies(range)));
    assert_eq!(world.runs(), expected);
}

#[test]
fn what_is_cancelled_becomes_the_input_of_cancelled_executions() {
    let world = World::new(Status::Inactive);
    world.send(1..=5);
    let by = Some(MemberId::new());
    let id = world.connector.id;
    world.store.control.write(|tx| delivery::cancel(tx, id, 5, by)).unwrap();
    // These came after it.
    world.send(6..=7);
    world.restart();
    let expected = [(State::Cancelled, bodies(1..=4)), (State::Cancelled, bodies(5..=5))];
    assert_eq!(world.runs(), expected);
    assert_eq!(world.inbox().pending(), 2);
}

#[test]
fn a_batch_on_its_way_is_cancelled_too() {
    let world = World::new(Status::Operational);
    world.send(1..=3);
    let batch = world.take();
    write_file(&world.store, &batch).unwrap();
    world.store.control.write(|tx| delivery::cancel(tx, world.connector.id, 3, None)).unwrap();
    world.restart();
    assert_eq!(world.runs(), [(State::Cancelled, bodies(1..=3))]);
}

/// The cancel read how far the requests go, then one more came and the window closed with it.
#[test]
fn a_cancel_that_comes_while_the_window_closes_parts_the_batch() {
    for done in 0..=2 {
        let world = World::new(Status::Operational);
        world.send(1..=3);
        let batch = world.take();
        write_file(&world.store, &batch).unwrap();
        world.store.control.write(|tx| delivery::cancel(tx, world.connector.id, 2, None)).unwrap();
        assert_eq!(deliver(&world.store, &batch).unwrap(), Delivered::Parted(2));
        let steps: [&dyn Fn(); 2] = [
            &|| world.store.files.write(|tx| store::file::delete(tx, batch.file).map(drop)).unwrap(),
            &|| drop(world.store.inbox.write(|tx| store::inbox::part_batch(tx, &batch, 2)).unwrap()),
        ];
        for step in &steps[..done] {
            step();
        }
        world.restart();
        assert_eq!(world.runs(), [(State::Cancelled, bodies(1..=2))], "cut off after step {done}");
        assert_eq!((world.inbox().pending(), world.inbox().bytes, world.files()), (1, 1, 1));
        world.store.clock.set(start() + TimeDelta::seconds(60));
        world.restart();
        assert_eq!(world.runs(), [(State::Cancelled, bodies(1..=2)), (State::Queued, bodies(3..=3))]);
        assert_eq!((world.inbox().pending(), world.inbox().bytes), (0, 0));
    }
}

#[test]
fn a_clock_that_is_set_back_or_forward_loses_and_repeats_nothing() {
    let world = World::new(Status::Operational);
    world.send(1..=1);
    world.store.clock.set(start() - TimeDelta::hours(1));
    world.restart();
    assert_eq!((world.runs(), world.inbox().pending()), (vec![], 1));
    world.send(2..=2);
    world.store.clock.set(start() + TimeDelta::days(365));
    world.restart();
    assert_eq!(world.runs(), [(State::Queued, bodies(1..=2))]);
    world.store.clock.set(start());
    world.restart();
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn a_deleted_connector_takes_its_requests_along() {
    let world = World::new(Status::Operational);
    world.send(1..=3);
    let batch = world.take();
    write_file(&world.store, &batch).unwrap();
    world.store.control.write(|tx| store::connector::delete(tx, world.connector.id)).unwrap();
    world.restart();
    assert_eq!((world.runs().len(), world.files()), (0, 0));
    assert_eq!(world.store.inbox.read(store::inbox::all).unwrap(), []);
}

#[test]
fn executions_keep_the_range_that_they_hold() {
    let world = World::new(Status::Operational);
    world.send(1..=6);
    world.restart();
    world.store.clock.set(start() + TimeDelta::seconds(60));
    world.restart();
    let ranges: BTreeMap<i64, (i64, i64)> = world
        .store
        .control
        .read(|conn| {
            let mut statement = conn.prepare("SELECT number, inbox_first, inbox_last FROM execution")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
            let mut found = BTreeMap::new();
            for row in rows {
                let (number, range) = row?;
                found.insert(number, range);
            }
            Ok(found)
        })
        .unwrap();
    assert_eq!(ranges, BTreeMap::from([(1, (1, 4)), (2, (5, 6))]));
}
