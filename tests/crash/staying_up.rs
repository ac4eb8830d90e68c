//! A defect ends what it hit, and nothing else.

use serde_json::{Value as Json, json};

use crate::{
    process::{self, Process, TOKEN, send, set_up},
    support::{
        Answer, Client,
        journey::{self, execution, run_ended},
        until,
    },
};

const SMALL: &[u8] = b"Number,Total\n1,1\n";
const FIXED: &str = "Something went wrong on the server. Its log has the details.";

fn lines_of<'l>(log: &'l [Json], subject: &str, id: &str) -> Vec<&'l str> {
    log.iter().filter(|line| line[subject] == id).map(|line| line["message"].as_str().unwrap()).collect()
}

fn asked(client: &Client, id: &str) -> Answer {
    let ask = client.request(reqwest::Method::GET, "/api/api-keys").header("X-Request-ID", id);
    Answer::of(id, ask)
}

#[test]
fn a_panic_in_a_request_is_a_500_with_its_id_in_the_log_and_the_next_request_is_served() {
    for place in ["handler", "blocking"] {
        let data = tempfile::tempdir().unwrap();
        let server = Process::start_breaking(data.path(), &format!("{place}:2:panic"));
        let id = format!("traced-{place}");
        // The first one, or its first piece of work, goes well.
        server.client.get("/readyz").ok();
        let answer = asked(&server.client, &id);
        assert_eq!(answer.headers["x-request-id"], id.as_str());
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.refused(500, "internal"), FIXED);
        asked(&server.client, "after").ok();
        let metrics = server.client.get("/metrics").expect(200).text();
        assert!(metrics.contains("smartconnector_panics_total{where=\"request\"} 1"), "{metrics}");
        let (ended_well, log) = server.stop();
        assert!(ended_well);
        let said = lines_of(&log, "request", &id);
        assert!(said.iter().any(|line| line.contains("break-point")), "{place}: {log:?}");
    }
}

#[test]
fn a_panic_in_a_run_is_a_failed_run_and_the_next_one_succeeds() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start_breaking(data.path(), "run:1:panic");
    set_up(&server.client);
    let hit = send(&server.client, SMALL);
    let row = run_ended(&server.client, TOKEN, &hit);
    assert_eq!((&row["status"], &row["error_details"]), (&json!("failed"), &json!(FIXED)));
    let next = send(&server.client, SMALL);
    assert_eq!(run_ended(&server.client, TOKEN, &next)["status"], "success");
    let (_, log) = server.stop();
    let said = lines_of(&log, "execution", &hit);
    assert!(said.iter().any(|line| line.contains("break-point run")), "{log:?}");
}

/// What a run holds while it lasts goes with it, and its ledger is closed: there need not be a restart.
#[test]
fn a_panic_in_a_load_leaves_nothing_open() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start_breaking(data.path(), "batch_committed:2:panic");
    set_up(&server.client);
    let hit = send(&server.client, &process::file(1_000));
    let row = run_ended(&server.client, TOKEN, &hit);
    assert_eq!((&row["status"], &row["totals"]["created"]), (&json!("failed"), &json!(200)), "{row}");
    assert_eq!(std::fs::read_dir(data.path().join("scratch")).unwrap().count(), 0, "scratch is gone");
    until("the ledger is closed", || {
        let said: Json =
            serde_json::from_slice(&process::ran(&["check", "--json"], data.path()).stdout).unwrap();
        (said["findings"] == json!([])).then_some(())
    });
}

/// The ledger has the end by then: records.db can't take it back.
#[test]
fn a_panic_in_the_report_stage_costs_the_report_alone() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start_breaking(data.path(), "report:1:panic");
    set_up(&server.client);
    let hit = send(&server.client, b"Number,Total\n1,1\n2,x\n");
    let row = run_ended(&server.client, TOKEN, &hit);
    assert_eq!((&row["status"], &row["error_details"]), (&json!("partial_success"), &Json::Null), "{row}");
    assert_eq!(row["warning"], "All rows are loaded; the report is not written.");
    assert_eq!((&row["totals"]["created"], &row["totals"]["errors"]), (&json!(1), &json!(1)));
    assert!(row["final_report"].is_null(), "{row}");
    let stages: Vec<&Json> =
        row["step_progress"].as_array().unwrap().iter().map(|stage| &stage["status"]).collect();
    assert_eq!(stages, ["completed", "completed", "completed", "completed", "failed"]);
    assert_eq!(journey::records(&server.client, "orders", &["name"]).len(), 1);
}

/// A crash in the report: what the run had told, and the ledger after it.
#[test]
fn a_run_that_died_keeps_every_stage_that_is_known() {
    let data = tempfile::tempdir().unwrap();
    let (server, hit) = process::killed_in_report(data.path(), SMALL);
    let row = execution(&server.client, TOKEN, &hit);
    assert_eq!((&row["status"], &row["totals"]["created"]), (&json!("success"), &json!(1)), "{row}");
    let stages = row["step_progress"].as_array().unwrap();
    let said: Vec<_> = stages.iter().map(|stage| (&stage["type"], &stage["status"])).collect();
    let kinds = ["input_read", "sql_run", "execution_variable_eval", "load_step_run", "report"];
    let statuses = ["completed", "completed", "completed", "completed", "failed"];
    for ((kind, status), expected) in said.iter().zip(kinds.iter().zip(statuses)) {
        assert!(kind.as_str().unwrap().ends_with(expected.0), "{row}");
        assert_eq!(*status, expected.1, "{row}");
    }
    assert_eq!(stages.len(), 5);
    assert_eq!(stages[0]["steps"][0]["valid_records"], 1, "{row}");
    assert!(stages[1]["steps"][0]["ended_at"].is_string(), "{row}");
    assert_eq!(stages[3]["steps"][0]["custom_object"]["name"], "orders", "{row}");
}

#[test]
fn a_worker_that_dies_is_replaced_and_what_it_ran_is_ended() {
    for (place, status, loaded) in [("claimed", "failed", 0), ("before_end", "success", 1)] {
        let data = tempfile::tempdir().unwrap();
        let mut command = process::server(data.path());
        // One worker: were it not replaced, nothing would ever run again.
        command.env("SMARTCONNECTOR_RUNNER_WORKERS", "1");
        let server = Process::started(command.env("SMARTCONNECTOR_BREAK", format!("{place}:1:panic")));
        set_up(&server.client);
        let hit = send(&server.client, SMALL);
        run_ended(&server.client, TOKEN, &hit);
        // By the ledger: of one that died before its end was written the batches are there, and say so.
        let row = execution(&server.client, TOKEN, &hit);
        assert_eq!((&row["status"], &row["totals"]["created"]), (&json!(status), &json!(loaded)), "{row}");
        let next = send(&server.client, b"Number,Total\n2,2\n");
        assert_eq!(run_ended(&server.client, TOKEN, &next)["status"], "success");
        assert_eq!(journey::records(&server.client, "orders", &["name"]).len(), loaded + 1);
        let (_, log) = server.stop();
        let died = |line: &Json| line["message"].as_str().unwrap().contains("worker-0 died");
        assert!(log.iter().any(died), "{log:?}");
    }
}
