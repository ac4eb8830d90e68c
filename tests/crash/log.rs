//! What a run has told outlives the process that ran it.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value as Json;

use crate::{
    process::{self, Process, TOKEN, file, send, set_up, wait_for_hold},
    support::{
        Client,
        journey::{execution, path, text},
        until,
    },
};

const SMALL: &[u8] = b"Number,Total\n1,1\n";
const LAST: &str = "The run was interrupted by a restart.";

/// The log's lines: level, stage and message.
fn log(client: &Client, id: &str) -> Vec<(String, String, String)> {
    let rows = client.get(&format!("{}/executions/{id}/logs", path(TOKEN))).ok()["results"].clone();
    let rows = rows.as_array().unwrap();
    for (row, n) in rows.iter().zip(1..) {
        assert_eq!(row["n"], n, "{rows:?}");
    }
    let word = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (word(&row["level"]), word(&row["stage"]), word(&row["message"]))).collect()
}

#[track_caller]
fn says(log: &[(String, String, String)], stage: &str, part: &str) {
    let found = log.iter().any(|(_, of, line)| of.ends_with(stage) && line.contains(part));
    assert!(found, "{stage}: {part}: {log:?}");
}

#[test]
fn the_log_of_a_run_that_was_killed_is_there_up_to_the_kill() {
    let data = tempfile::tempdir().unwrap();
    let (server, hit) = process::killed_in_report(data.path(), SMALL);
    let mut log = log(&server.client, &hit);
    // The ledger has the end: nothing of the rows is lost, and the log says why it stops here.
    let (level, _, last) = log.pop().unwrap();
    assert_eq!((level.as_str(), last.starts_with(LAST)), ("warning", true), "{last}");
    says(&log, "input_read", "Read 1 rows of big.csv");
    says(&log, "sql_run", "1 statements gave 1 rows");
    says(&log, "load_step_run", "1 created");
    assert_eq!(log.pop().unwrap().2, "Begins.");
    assert!(log.iter().all(|(_, _, line)| !line.contains("interrupted")), "{log:?}");
}

/// The stages that `control.db` has of a run, read as a crash would leave them.
fn kept_stages(data: &Path, id: &str) -> Json {
    let control = Connection::open(data.join("control.db")).unwrap();
    let text: String =
        control.query_row("SELECT stages FROM execution WHERE id = ?", [id], |row| row.get(0)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn what_a_run_tells_within_a_stage_is_kept_while_it_runs() {
    let data = tempfile::tempdir().unwrap();
    // Nobody lets it go on: it is killed in the middle of its load.
    let held = data.path().join("held");
    let server = Process::start_holding(data.path(), &held);
    set_up(&server.client);
    let hit = send(&server.client, &file(3_000));
    wait_for_hold(&held);
    let created = until("the load's counters are in control.db", || {
        let stages = kept_stages(data.path(), &hit);
        stages[3]["steps"][0]["counters"]["created"].as_u64().filter(|created| *created > 0)
    });
    let shown = log(&server.client, &hit);
    says(&shown, "load_step_run", "Begins");
    server.kill();

    let server = Process::start(data.path());
    let row = execution(&server.client, TOKEN, &hit);
    // Of the rows the ledger knows better.
    assert!(row["totals"]["created"].as_u64().unwrap() >= created, "{row}");
    let mut after = log(&server.client, &hit);
    let (level, _, last) = after.pop().unwrap();
    assert_eq!((level.as_str(), last.starts_with(LAST)), ("error", true), "{last}");
    assert_eq!(after, shown[..after.len()], "the lines are those that were shown");
    says(&after, "load_step_run", "Begins");
    assert_eq!(text(&row["error_details"]), "interrupted by a restart");
}

#[test]
fn the_interruption_does_not_make_a_log_longer_than_its_limit() {
    let data = tempfile::tempdir().unwrap();
    let mut command = process::server(data.path());
    command.env("SMARTCONNECTOR_RUNNER_MAX_LOG_LINES", "3");
    let server = Process::started(command.env("SMARTCONNECTOR_BREAK", "report:1:kill"));
    set_up(&server.client);
    let hit = send(&server.client, SMALL);
    server.died();
    let server = Process::start(data.path());
    let log = log(&server.client, &hit);
    assert_eq!(log.len(), 3, "{log:?}");
    assert!(log[2].2.starts_with(LAST) && log[2].2.contains("runner.max_log_lines"), "{log:?}");
}
