//! A defect ends what it hit, and nothing else.

use serde_json::{Value as Json, json};

use crate::{
    process::{self, Process, TOKEN, send, set_up},
    support::{
        Answer, Client,
        journey::{self, execution, run_ended},
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
