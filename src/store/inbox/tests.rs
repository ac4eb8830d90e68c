use chrono::TimeDelta;

use super::*;
use crate::{clock::Clock, store::Store};

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    let store = Store::open(dir.path(), clock).unwrap();
    (dir, store)
}

fn request(connector: ConnectorId, body: &str, name: Option<&str>) -> NewRequest {
    NewRequest {
        connector,
        received: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        member: None,
        querystring: String::new(),
        body: Some(body.to_owned()),
        once: name.map(|name| Once {
            name: name.to_owned(),
            hash: [body.as_bytes()[0]; 32],
            must_match: true,
        }),
    }
}

fn add_all(store: &Store, requests: &[NewRequest], max_pending: i64) -> Vec<Kept> {
    store.inbox.write(|tx| add(tx, requests, max_pending)).unwrap().0
}

fn inbox_of(store: &Store, connector: ConnectorId) -> Inbox {
    store.inbox.read(|conn| find(conn, connector)).unwrap().unwrap()
}

#[test]
fn requests_count_per_connector_without_gaps() {
    let (_dir, store) = store();
    let (a, b) = (ConnectorId::new(), ConnectorId::new());
    let sent = [request(a, "1", None), request(b, "22", None), request(a, "333", None)];
    assert_eq!(add_all(&store, &sent, 100), [Kept::Added; 3]);
    let (first, second) = (inbox_of(&store, a), inbox_of(&store, b));
    assert_eq!((first.last_seq, first.pending(), first.bytes), (2, 2, 4));
    assert_eq!((second.last_seq, second.bytes), (1, 2));
    assert_eq!(store.inbox.read(waiting).unwrap(), [first, second]);
}

#[test]
fn one_connector_holds_half_of_what_may_wait() {
    let (_dir, store) = store();
    let (a, b, c) = (ConnectorId::new(), ConnectorId::new(), ConnectorId::new());
    let of = |connector| vec![request(connector, "x", None); 4];
    let (added, full) = (Kept::Added, Kept::Full);
    assert_eq!(add_all(&store, &of(a), 6), [added, added, added, full]);
    assert_eq!(add_all(&store, &of(b), 6), [added, added, added, full]);
    assert_eq!(add_all(&store, &of(c), 6), [full; 4]);
}

#[test]
fn a_name_is_kept_once_for_a_day_also_within_one_commit() {
    let (_dir, store) = store();
    let a = ConnectorId::new();
    let named = request(a, "one", Some("n"));
    let sent = [named.clone(), named.clone(), request(a, "another", Some("n")), request(a, "one", Some("m"))];
    assert_eq!(add_all(&store, &sent, 100), [Kept::Added, Kept::Seen, Kept::Differs, Kept::Added]);
    // What was kept is acknowledged again, however full it is.
    assert_eq!(add_all(&store, &[named.clone(), request(a, "x", None)], 2), [Kept::Seen, Kept::Full]);
    assert_eq!(add_all(&store, &[request(ConnectorId::new(), "one", Some("n"))], 100), [Kept::Added]);
    let at = |hours| NewRequest { received: named.received + TimeDelta::hours(hours), ..named.clone() };
    assert_eq!(add_all(&store, &[at(23)], 100), [Kept::Seen]);
    assert_eq!(add_all(&store, &[at(24)], 100), [Kept::Added]);
    assert_eq!(add_all(&store, &[at(25)], 100), [Kept::Seen]);
    let sweep = |hours| store.inbox.write(|tx| sweep_seen(tx, named.received + TimeDelta::hours(hours), 10));
    assert!(!sweep(23).unwrap());
    let names =
        || store.inbox.read(|c| Ok(c.query_row("SELECT count(*) FROM seen", [], |r| r.get::<_, i64>(0))?));
    assert_eq!(names().unwrap(), 3);
    sweep(24).unwrap();
    assert_eq!(names().unwrap(), 1);
}

#[test]
fn a_batch_ends_at_its_rows_its_bytes_or_where_it_is_told() {
    let (_dir, store) = store();
    let a = ConnectorId::new();
    add_all(&store, &vec![request(a, "12345", None); 10], 100);
    let inbox = inbox_of(&store, a);
    let end =
        |until, rows, bytes| store.inbox.read(|conn| end_of_batch(conn, &inbox, until, rows, bytes)).unwrap();
    assert_eq!(end(10, 100, 1000), (10, 50));
    assert_eq!(end(7, 100, 1000), (7, 35));
    assert_eq!(end(10, 4, 1000), (4, 20));
    assert_eq!(end(10, 100, 14), (2, 10));
    assert_eq!(end(10, 100, 1), (1, 5));
}

#[test]
fn what_was_delivered_is_skipped_also_behind_the_end_of_a_restored_copy() {
    let (_dir, store) = store();
    let a = ConnectorId::new();
    add_all(&store, &vec![request(a, "12345", None); 10], 100);
    let skip = |to| store.inbox.write(|tx| skip_delivered(tx, &inbox_of(&store, a), to)).unwrap();
    skip(4);
    assert_eq!((inbox_of(&store, a).pending(), inbox_of(&store, a).bytes), (6, 30));
    skip(3);
    assert_eq!(inbox_of(&store, a).taken_seq, 4);
    skip(25);
    assert_eq!((inbox_of(&store, a).pending(), inbox_of(&store, a).bytes), (0, 0));
    add_all(&store, &[request(a, "new", None)], 100);
    assert_eq!(inbox_of(&store, a).last_seq, 26);
    let sweep = || store.inbox.write(|tx| sweep_taken(tx, inbox_of(&store, a).key, 4)).unwrap();
    assert_eq!([sweep(), sweep(), sweep(), sweep()], [true, true, false, false]);
    let left = store.inbox.read(|c| {
        Ok(c.query_row("SELECT max(seq), count(*) FROM request", [], |r| Ok((r.get(0)?, r.get(1)?)))?)
    });
    assert_eq!(left.unwrap(), (26, 1));
}

#[test]
fn a_forgotten_inbox_leaves_nothing() {
    let (_dir, store) = store();
    let a = ConnectorId::new();
    add_all(&store, &vec![request(a, "x", Some("n")); 3], 100);
    add_all(&store, &vec![request(a, "x", None); 9], 100);
    let key = inbox_of(&store, a).key;
    let mut pieces = 0;
    while store.inbox.write(|tx| forget(tx, key, 4)).unwrap() {
        pieces += 1;
    }
    assert_eq!(pieces, 3);
    for table in ["inbox", "request", "seen", "batch"] {
        let count = store
            .inbox
            .read(|c| Ok(c.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get::<_, i64>(0))?));
        assert_eq!(count.unwrap(), 0, "{table}");
    }
}
