//! The threads beside the workers: one that dies is replaced, and what it was doing is done.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::{
    process::{HOOKS, Process, TOKEN, checked, set_up, set_up_hooks},
    support::{
        Client,
        configure::{configure, maps, matches, step, variable},
        journey::{self, draft_path, ended, path, run_ended, text},
        until,
    },
};

const FIXED: &str = "Something went wrong on the server. Its log has the details.";
const PULSE: &str = "pulse";

#[track_caller]
fn says(log: &[Json], part: &str) {
    assert!(log.iter().any(|line| text(&line["message"]).contains(part)), "{part}: {log:?}");
}

/// An active connector that makes a record of every tick, of which one has come.
fn set_up_pulse(client: &Client, data: &Path) {
    journey::object(client, PULSE, &[]);
    let object = journey::object_id(client, PULSE);
    let new =
        json!({"name": "Pulse", "custom_object": object, "connector_type": "schedule", "cadence": 3600});
    client.post("/api/smart-connectors", &new).created();
    journey::publish(
        client,
        PULSE,
        "CREATE TABLE output.pulse AS SELECT schedule_trigger_time AS tick FROM input.schedule;",
    );
    let variables = [variable("tick", "string", "pulse", "tick")];
    let step = step(PULSE, "pulse", None, json!([matches("name", "tick")]), json!([maps("name", "tick")]));
    configure(client, PULSE, &variables, &[step]);
    journey::activate(client, PULSE);
    let control = Connection::open(data.join("control.db")).unwrap();
    control.execute("UPDATE schedule SET next_tick = next_tick - 3600000", []).unwrap();
}

fn runs(client: &Client, token: &str) -> Vec<Json> {
    client.get(&format!("{}/executions", path(token))).ok()["results"].as_array().unwrap().clone()
}

#[test]
fn a_timer_that_panics_goes_on_and_the_tick_has_its_run() {
    for (place, said) in [("timer", "the thread timer died"), ("tick_files", "queueing it panicked")] {
        let data = tempfile::tempdir().unwrap();
        let server = Process::start_breaking(data.path(), &format!("{place}:1:panic"));
        let client = &server.client;
        set_up_pulse(client, data.path());
        let run = until("the tick's run", || runs(client, PULSE).pop());
        assert_eq!(run_ended(client, PULSE, text(&run["id"]))["status"], "success");
        assert_eq!(runs(client, PULSE).len(), 1, "{place}");
        assert_eq!(journey::records(client, PULSE, &["name"]).len(), 1);
        checked(data.path());
        let (ended_well, log) = server.stop();
        assert!(ended_well);
        says(&log, said);
        says(&log, &format!("break-point {place}"));
    }
}

#[test]
fn an_inbox_that_panics_acknowledges_nothing_and_takes_the_next_request() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start_breaking(data.path(), "inbox:1:panic");
    let client = &server.client;
    set_up_hooks(client);
    let hook = format!("{}/webhook", path(HOOKS));
    assert_eq!(client.post(&hook, &json!({"n": 1})).refused(500, "internal"), FIXED);
    client.post(&hook, &json!({"n": 2})).expect(201);
    client.post_empty(&format!("{hook}/flush")).expect(202);
    let run = until("the batch", || runs(client, HOOKS).pop());
    run_ended(client, HOOKS, text(&run["id"]));
    assert_eq!(journey::records(client, HOOKS, &["name"]), [["2"]]);
    let metrics = client.get("/metrics").expect(200).text();
    assert!(metrics.contains("smartconnector_panics_total{where=\"thread\"} 1"), "{metrics}");
    says(&server.stop().1, "the thread inbox died");
}

#[test]
fn a_window_whose_closing_panics_is_closed_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start_breaking(data.path(), "batch-taken:1:panic");
    let client = &server.client;
    set_up_hooks(client);
    let hook = format!("{}/webhook", path(HOOKS));
    client.post(&hook, &json!({"n": 1})).expect(201);
    client.post_empty(&format!("{hook}/flush")).expect(202);
    let run = until("the batch", || runs(client, HOOKS).pop());
    assert_eq!(run_ended(client, HOOKS, text(&run["id"]))["totals"]["created"], 1);
    assert_eq!(runs(client, HOOKS).len(), 1);
    says(&server.stop().1, "the thread windows died");
}

#[test]
fn a_janitor_that_panics_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start_breaking(data.path(), "janitor:1:panic");
    set_up(&server.client);
    let control = Connection::open(data.path().join("control.db")).unwrap();
    let old = "INSERT INTO idempotency_key (connector_id, route, member_id, key, request, execution_id, at)
        SELECT id, 'api', 'x', 'old', x'00', 'x', 0 FROM connector";
    assert_eq!(control.execute(old, []).unwrap(), 1);
    until("the janitor forgets an old key", || {
        let left: i64 =
            control.query_row("SELECT count(*) FROM idempotency_key", [], |row| row.get(0)).unwrap();
        (left == 0).then_some(())
    });
    says(&server.stop().1, "the thread janitor died");
}

/// A connector with a draft and the file that its sample is made of. Answers the draft's path.
fn set_up_draft(client: &Client) -> String {
    journey::object(client, "orders", &[]);
    journey::create(client, "orders", "Shop Orders");
    journey::set_input(client, TOKEN, "orders.csv", b"Number,Total\n1,2.50\n");
    draft_path(&journey::detail(client, TOKEN))
}

#[test]
fn a_sample_that_panics_has_failed_and_can_be_started_again() {
    for place in ["sample", "sample_end"] {
        let data = tempfile::tempdir().unwrap();
        let server = Process::start_breaking(data.path(), &format!("{place}:1:panic"));
        let script = set_up_draft(&server.client);
        let start = format!("{script}/start");
        server.client.post_empty(&start).expect(202);
        let hit = ended(&server.client, &script);
        assert_eq!((&hit["state"], &hit["error"]), (&json!("failed"), &json!(FIXED)), "{place}: {hit}");
        let scratch = data.path().join("scratch");
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "{place}");
        server.client.post_empty(&start).expect(202);
        assert_eq!(ended(&server.client, &script)["state"], "success", "{place}");
        says(&server.stop().1, &format!("break-point {place}"));
    }
}

#[test]
fn a_sample_that_a_kill_cut_off_has_failed_after_the_restart() {
    for place in ["sample", "sample_end"] {
        let data = tempfile::tempdir().unwrap();
        let server = Process::start_breaking(data.path(), &format!("{place}:1:kill"));
        let script = set_up_draft(&server.client);
        let start = server.client.request(reqwest::Method::POST, &format!("{script}/start")).body("");
        // It may die before it has answered.
        let _ = start.header("Content-Type", "application/json").send();
        server.died();
        let server = Process::start(data.path());
        let hit = server.client.get(&script).ok();
        let expected = (&json!("failed"), &json!("interrupted by a restart"));
        assert_eq!((&hit["state"], &hit["error"]), expected, "{place}: {hit}");
        server.client.post_empty(&format!("{script}/start")).expect(202);
        assert_eq!(ended(&server.client, &script)["state"], "success", "{place}");
        checked(data.path());
    }
}
