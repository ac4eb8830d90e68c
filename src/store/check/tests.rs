use std::{io::Write as _, sync::Arc};

use super::*;
use crate::{
    clock::Clock,
    execution::{Counters, Execution, TriggerType},
    id::{ConnectorId, FileId},
    store::{
        self,
        file::{FileWriter, NewFile, Source},
    },
};

fn found(store: &Store) -> Vec<String> {
    check(store)
        .unwrap()
        .findings
        .into_iter()
        .map(|found| format!("{}: {}", found.place, found.wrong))
        .collect()
}

fn store() -> (tempfile::TempDir, Arc<Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path(), Clock::system()).unwrap());
    (dir, store)
}

/// Writes what a program would not.
fn break_it(database: &crate::store::Database, sql: &str) {
    database
        .writer()
        .execute_batch(&format!("PRAGMA foreign_keys=OFF; {sql}; PRAGMA foreign_keys=ON;"))
        .unwrap();
}

fn file(store: &Arc<Store>, size: usize) {
    let file = NewFile {
        id: FileId::new(),
        name: "a.csv".to_owned(),
        content_type: "text/csv".to_owned(),
        source: Source::Produced,
        owner: None,
        owner_key: None,
        connector: None,
    };
    let mut writer = FileWriter::create(store, file);
    writer.write_all(&vec![7; size]).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_whole_store_has_nothing_wrong() {
    let (_dir, store) = store();
    file(&store, 3_000_000);
    let checked = check(&store).unwrap();
    assert_eq!(checked.findings, []);
    assert_eq!((checked.databases, checked.contents, checked.unfinished_uploads), (4, 1, 0));
}

#[test]
fn each_way_in_which_a_file_is_damaged_is_told() {
    for (sql, wrong) in [
        ("UPDATE chunk SET bytes = zeroblob(length(bytes)) WHERE n = 1", "its SHA-256 is"),
        ("DELETE FROM chunk WHERE n = 0", "chunk 0 is missing"),
        ("DELETE FROM chunk WHERE n = 2", "bytes and should have 3000000"),
        ("UPDATE chunk SET bytes = x'00' WHERE n = 0", "chunk 0 is short"),
        ("DELETE FROM file", "no file has these bytes"),
        ("DELETE FROM content", "refers to a row of content that is not there"),
    ] {
        let (_dir, store) = store();
        file(&store, 3_000_000);
        break_it(&store.files, sql);
        let found = found(&store);
        assert!(found.iter().any(|found| found.contains(wrong)), "{sql}: {found:?}");
    }
}

#[test]
fn what_a_run_says_is_held_against_its_ledger_and_the_records() {
    let (_dir, store) = store();
    let mut execution = Execution::queued(ConnectorId::new(), 1, TriggerType::Api, store.clock.now());
    execution.id = "20000000-0000-4000-8000-000000000001".parse().unwrap();
    execution.totals = Counters { rows: 5, created: 3, errors: 1, ..Counters::default() };
    store.control.writer().execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    store.control.write(|tx| store::execution::insert(tx, &execution, "a.csv")).unwrap();
    break_it(&store.control, "UPDATE execution SET state = 'success', started_at = 2, ended_at = 3");
    let before = found(&store).join("\n");
    assert!(before.contains("its 5 rows are not the sum"), "{before}");
    assert!(before.contains("it says 3 records written, and has no ledger"), "{before}");
    break_it(
        &store.records,
        "INSERT INTO run (key, execution_id, connector_id, started)
         VALUES (7, '20000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 2);
         INSERT INTO run_step VALUES (7, 1, 's', 4, 4, 0, 0, 0, 0, 0)",
    );
    let after = found(&store).join("\n");
    assert!(after.contains("it says 3 rows created, its ledger 4"), "{after}");
    assert!(after.contains("its ledger is open"), "{after}");
    assert!(after.contains("its ledger says 4 records made, there are 0"), "{after}");
}

#[test]
fn webhooks_that_wait_count_without_gaps() {
    for (sql, wrong) in [
        ("DELETE FROM request WHERE seq = 4", "2 requests should wait, there are 1"),
        ("UPDATE inbox SET last_seq = 3", "1 requests are numbered beyond"),
        ("INSERT INTO batch VALUES (1, 4, 4, 0, 'e', 'f', 'n')", "is not the beginning of what waits"),
    ] {
        let (_dir, store) = store();
        break_it(
            &store.inbox,
            "INSERT INTO inbox (connector_id, last_seq, taken_seq) VALUES ('c', 4, 2);
             INSERT INTO request (inbox, seq, received, querystring) VALUES (1, 2, 0, ''), (1, 3, 0, ''), (1, 4, 0, '')",
        );
        assert_eq!(check(&store).unwrap().webhooks, 2);
        assert_eq!(found(&store), Vec::<String>::new());
        break_it(&store.inbox, sql);
        let found = found(&store);
        assert!(found.iter().any(|found| found.contains(wrong)), "{sql}: {found:?}");
    }
}
