//! The queue: whose turn it is, and what must not stand in its way.

use serde_json::{Value as Json, json};

use crate::{
    run::{SQL, Shop, TOKEN},
    support::{
        configure::{configure, maps, matches, step, variable},
        journey::{self, detail, path, run_ended, text, upload},
        until,
    },
};

const CSV: &[u8] = b"Number,E-Mail,Total\n1,,1\n";

fn send(shop: &Shop, token: &str) -> String {
    text(&upload(&shop.client, token, "a.csv", CSV, &[]).created()["execution_id"]).to_owned()
}

/// A second connector like the first.
fn second(shop: &Shop) {
    journey::create(&shop.client, "orders", "Second");
    journey::set_input(&shop.client, "second", "orders.csv", crate::run::REFERENCE);
    journey::publish(&shop.client, "second", SQL);
    let mapping = json!([maps("name", "Number")]);
    let step = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(&shop.client, "second", &[variable("Number", "string", "orders", "number")], &[step]);
    journey::activate(&shop.client, "second");
}

fn started(row: &Json) -> chrono::DateTime<chrono::FixedOffset> {
    // Not as text: a whole second is written without its zeros.
    chrono::DateTime::parse_from_rfc3339(text(&row["started_at"])).unwrap()
}

#[test]
fn a_full_queue_of_one_connector_does_not_hold_up_another() {
    let shop = Shop::with(|config| config.runner.workers = 1, SQL);
    second(&shop);
    let hold = |n: u32| {
        for token in [TOKEN, "second"] {
            shop.client.patch(&path(token), &json!({ "max_concurrency": n })).ok();
        }
    };
    hold(0);
    let many: Vec<String> = (0..6).map(|_| send(&shop, TOKEN)).collect();
    let other = send(&shop, "second");
    assert_eq!(journey::execution(&shop.client, "second", &other)["queue_position"], 6);
    hold(1);
    let other = run_ended(&shop.client, "second", &other);
    let ended: Vec<Json> = many.iter().map(|id| run_ended(&shop.client, TOKEN, id)).collect();
    assert!(ended.is_sorted_by_key(started), "first come, first served");
    assert!(started(&other) < started(&ended[2]), "{other}\n{}", ended[2]);
}

#[test]
fn a_row_that_cannot_be_read_ends_failed_and_the_next_one_runs() {
    let shop = Shop::new();
    shop.patch(&json!({"max_concurrency": 0}));
    let (bad, good) = (send(&shop, TOKEN), send(&shop, TOKEN));
    let control = rusqlite::Connection::open(shop.server.dir.path().join("control.db")).unwrap();
    control.execute("UPDATE execution SET sql_parameters = '{broken' WHERE id = ?", [&bad]).unwrap();
    drop(control);
    shop.patch(&json!({"max_concurrency": 1}));
    assert_eq!(run_ended(&shop.client, TOKEN, &good)["status"], "success");
    let row = journey::execution(&shop.client, TOKEN, &bad);
    assert_eq!(row["status"], "failed", "{row}");
    let error = "The run can't be read from the store. The server's log has the details.";
    assert_eq!(row["error_details"], error);
}

#[test]
fn runs_that_are_cancelled_with_an_activation_have_their_events() {
    let shop = Shop::in_setup(|_| {}, SQL);
    let waiting = [send(&shop, TOKEN), send(&shop, TOKEN)];
    shop.patch(&json!({"status": "operational", "cancel_queued": true}));
    let id = text(&detail(&shop.client, TOKEN)["id"]).to_owned();
    let url =
        format!("/api/smart-connectors/{id}/events-history?event_type=run_cancelled&include_related=true");
    let events = shop.client.get(&url).ok();
    let of: Vec<&str> =
        events["results"].as_array().unwrap().iter().map(|event| text(&event["execution_id"])).collect();
    assert_eq!(of, [&waiting[1], &waiting[0]]);
    assert_eq!(
        journey::execution(&shop.client, TOKEN, &waiting[0])["cancelled_by"]["id"],
        shop.server.user_id
    );
}

#[test]
fn runs_that_a_restart_ended_count_as_failures() {
    let shop = Shop::new();
    for _ in 0..2 {
        assert_eq!(shop.run("a.csv", "Number\n1\n")["status"], "failed");
    }
    shop.patch(&json!({"max_concurrency": 0}));
    let interrupted = send(&shop, TOKEN);
    let control = rusqlite::Connection::open(shop.server.dir.path().join("control.db")).unwrap();
    // As if the process had died while it ran.
    let running = "UPDATE execution SET state = 'in_progress', started_at = created WHERE id = ?";
    control.execute(running, [&interrupted]).unwrap();
    smartconnector::runner::recover::after_crash(&shop.server.app.store).unwrap();
    let row = journey::execution(&shop.client, TOKEN, &interrupted);
    assert_eq!(
        (&row["status"], &row["error_details"]),
        (&json!("failed"), &json!("interrupted by a restart"))
    );
    until("need_attention", || (detail(&shop.client, TOKEN)["status"] == "need_attention").then_some(()));
}

#[test]
fn a_restart_after_a_cancelled_run_ended_leaves_a_ledger_that_says_so_too() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n");
    let id = text(&run["id"]);
    // As if a cancelled run's end had been written, and the process had died before its ledger was closed.
    let execute = |file: &str, sql: &str| {
        let database = rusqlite::Connection::open(shop.server.dir.path().join(file)).unwrap();
        assert_eq!(database.execute(sql, [id]).unwrap(), 1);
    };
    execute("control.db", "UPDATE execution SET state = 'cancelled' WHERE id = ?");
    execute("records.db", "UPDATE run SET finished = NULL, outcome = NULL WHERE execution_id = ?");
    smartconnector::runner::recover::after_crash(&shop.server.app.store).unwrap();
    let records = rusqlite::Connection::open(shop.server.dir.path().join("records.db")).unwrap();
    let ledger: (String, Option<String>) = records
        .query_row("SELECT outcome, error FROM run WHERE execution_id = ?", [id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(ledger, ("cancelled".to_owned(), None));
    assert_eq!(journey::execution(&shop.client, TOKEN, id)["status"], "cancelled");
}
