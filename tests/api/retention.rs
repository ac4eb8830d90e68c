//! What goes by itself, and what stays.

use serde_json::{Value as Json, json};
use smartconnector::{
    id::FileId,
    runner::retention::{Sweep, forget_runs},
    store::{
        Store,
        file::{FileWriter, NewFile, Source},
    },
};

use crate::{
    run::{Shop, TOKEN, rows},
    support::{
        journey::{self, path, text},
        until,
    },
};

const GOOD: &str = "Number,E-Mail,Total\n1,,1\n";
/// A column is missing.
const BAD: &str = "Number\n1\n";

/// One walk over all files. What was sent stays, however old it is.
fn sweep(store: &Store) {
    let mut sweep = Sweep::new(store, chrono::DateTime::UNIX_EPOCH, 0);
    while sweep.step(store).unwrap() {}
}

fn status(shop: &Shop, run: &Json) -> u16 {
    let url = format!("{}/executions/{}", path(TOKEN), text(&run["id"]));
    shop.client.get(&url).status.as_u16()
}

fn database(shop: &Shop, name: &str) -> rusqlite::Connection {
    rusqlite::Connection::open(shop.server.dir.path().join(name)).unwrap()
}

#[test]
fn runs_beyond_what_the_connector_keeps_go_with_their_files() {
    let shop = Shop::new();
    let defaults = journey::detail(&shop.client, TOKEN);
    assert_eq!((&defaults["retention_days"], &defaults["retention_runs"]), (&json!(90), &json!(5000)));
    let (success, half) = (shop.run("a.csv", GOOD), shop.run("b.csv", "Number,E-Mail,Total\n2,,x\n"));
    let failed = [shop.run("c.csv", BAD), shop.run("d.csv", BAD), shop.run("e.csv", BAD)];
    assert_eq!((&success["status"], &half["status"]), (&json!("success"), &json!("partial_success")));
    assert_eq!(rows(&shop.client, TOKEN, &half, "status=error").as_array().unwrap().len(), 1);
    let store = &shop.server.app.store;
    forget_runs(store).unwrap();
    shop.patch(&json!({"retention_runs": 2}));
    assert!(!forget_runs(store).unwrap());
    let all = [&success, &half, &failed[0], &failed[1], &failed[2]];
    assert_eq!(all.map(|run| status(&shop, run)), [200, 404, 404, 200, 200], "the last success stays");
    for (run, answer) in [(&half, 404), (&failed[0], 404), (&success, 200), (&failed[1], 200)] {
        assert_eq!(shop.client.download(text(&run["input_file"]["url"])).status, answer);
    }
    assert_eq!(shop.client.download(text(&half["final_report"]["url"])).status, 404);
    let of_run = "SELECT count(*) FROM row_outcome WHERE execution_id = ?";
    let left: i64 =
        database(&shop, "records.db").query_row(of_run, [text(&half["id"])], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);

    let old = "UPDATE execution SET ended_at = ended_at - 2 * 86400000 WHERE id = ?";
    database(&shop, "control.db").execute(old, [text(&failed[1]["id"])]).unwrap();
    shop.patch(&json!({"retention_runs": 0, "retention_days": 0}));
    forget_runs(store).unwrap();
    assert_eq!(status(&shop, &failed[1]), 200);
    shop.patch(&json!({"retention_days": 1}));
    forget_runs(store).unwrap();
    assert_eq!(all.map(|run| status(&shop, run)), [200, 404, 404, 404, 200]);
}

#[test]
fn a_file_that_a_run_to_be_forgotten_shares_stays() {
    let shop = Shop::new();
    let first = shop.run("a.csv", GOOD);
    let one = format!("{}/executions/{}/rerun", path(TOKEN), text(&first["id"]));
    let again = shop.client.post(&one, &json!({})).created();
    journey::run_ended(&shop.client, TOKEN, text(&again["id"]));
    shop.patch(&json!({"retention_runs": 1}));
    forget_runs(&shop.server.app.store).unwrap();
    assert_eq!(status(&shop, &first), 404);
    assert_eq!(shop.client.download(text(&first["input_file"]["url"])).status, 200);
}

#[test]
fn files_that_nothing_uses_go() {
    let shop = Shop::new();
    let run = shop.run("a.csv", GOOD);
    let store = &shop.server.app.store;
    let lost = {
        let mut writer = FileWriter::create(
            store,
            NewFile {
                id: FileId::new(),
                name: "lost.zip".to_owned(),
                content_type: "application/zip".to_owned(),
                source: Source::Produced,
                owner: None,
                owner_key: None,
                connector: text(&journey::detail(&shop.client, TOKEN)["id"]).parse().ok(),
            },
        );
        writer.append(b"PK").unwrap();
        writer.finish().unwrap().id.to_string()
    };
    let (old, new) =
        (shop.client.send_file("old.csv", b"a\n1\n"), shop.client.send_file("new.csv", b"a\n2\n"));
    let files = database(&shop, "files.db");
    for id in [&lost, text(&old["id"]), text(&run["input_file"]["id"])] {
        files.execute("UPDATE file SET created = created - 31 * 86400000 WHERE id = ?", [id]).unwrap();
    }
    let there = |id: &str| shop.client.get(&format!("/api/files/{id}")).status == 200;
    let now = store.clock.now() + chrono::TimeDelta::seconds(1);
    let all = || [&lost, text(&old["id"]), text(&new["id"]), text(&run["input_file"]["id"])].map(there);
    sweep(store);
    assert_eq!(all(), [true; 4], "what this process made is not swept, what was sent stays for ever");
    Sweep::new(store, now, 30).step(store).unwrap();
    assert_eq!(all(), [false, false, true, true]);
    // What the connector and its scripts name stays.
    let detail = journey::detail(&shop.client, TOKEN);
    assert!(there(text(&detail["source_file"]["id"])));
    assert!(there(text(&detail["live_script"]["output_csv_file"]["id"])));
}

#[test]
fn what_a_deletion_that_was_cut_off_left_goes() {
    let shop = Shop::new();
    let run = shop.run("b.csv", "Number,E-Mail,Total\n2,,x\n");
    let store = &shop.server.app.store;
    let id = text(&journey::detail(&shop.client, TOKEN)["id"]).parse().unwrap();
    // The first step of a deletion.
    store.control.write(|tx| smartconnector::store::connector::delete(tx, id)).unwrap();
    smartconnector::runner::retention::forget_connectors(store).unwrap();
    sweep(store);
    let count = |name: &str, sql: &str| -> i64 {
        database(&shop, name).query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("records.db", "SELECT count(*) FROM row_outcome"), 0);
    assert_eq!(count("files.db", "SELECT count(*) FROM file WHERE connector_id IS NOT NULL"), 0);
    assert_eq!(shop.client.download(text(&run["input_file"]["url"])).status, 404);
}

/// Told that it is not deleted, its owner would look for it in vain.
#[test]
fn a_deletion_whose_files_cannot_be_handed_over_is_done_all_the_same() {
    let shop = Shop::new();
    let run = shop.run("b.csv", "Number,E-Mail,Total\n2,,x\n");
    let file = text(&run["input_file"]["id"]);
    journey::create(&shop.client, "orders", "Other");
    shop.client.patch(&path("other"), &json!({ "source_file_id": file })).ok();
    let files = database(&shop, "files.db");
    let fails =
        "CREATE TRIGGER fails BEFORE UPDATE OF connector_id ON file BEGIN SELECT RAISE(ABORT, 'no'); END";
    files.execute_batch(fails).unwrap();
    shop.client.delete(&path(TOKEN)).expect(204);
    let outcomes = "SELECT count(*) FROM row_outcome";
    until("its outcomes are gone", || {
        let left: i64 = database(&shop, "records.db").query_row(outcomes, [], |row| row.get(0)).unwrap();
        (left == 0).then_some(())
    });
    files.execute_batch("DROP TRIGGER fails").unwrap();
    let store = &shop.server.app.store;
    sweep(store);
    assert_eq!(shop.client.download(text(&run["input_file"]["url"])).status, 200);
    assert_eq!(journey::detail(&shop.client, "other")["source_file"]["id"], file);
}
