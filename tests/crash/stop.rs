//! One kill and one stop, told in full.

use serde_json::json;

use crate::{
    process::{self, Process, TOKEN, file, records, send, set_up, wait_for_hold},
    support::{
        journey::{self, execution, run_ended, text},
        until,
    },
};

const ROWS: usize = 3_000;
const ENDLESS: &str = "CREATE TABLE output.orders AS
SELECT rowid AS _line, number, CASE WHEN total = 'endless' THEN
    (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)
    ELSE total END AS total FROM input.orders_csv;
";

#[test]
fn a_kill_during_a_load_leaves_counts_that_equal_the_records_and_a_rerun_completes() {
    let data = tempfile::tempdir().unwrap();
    // Nobody lets it go on: it is killed in the middle of its load.
    let held = data.path().join("held");
    let first = Process::start_holding(data.path(), &held);
    set_up(&first.client);
    let kept = first.client.send_file("kept.csv", b"Number,Total\n7,7\n");
    let id = send(&first.client, &file(ROWS));
    let queued = send(&first.client, b"Number,Total\nlast,1\n");
    wait_for_hold(&held);
    first.kill();

    let second = Process::start(data.path());
    let client = &second.client;
    let row = execution(client, TOKEN, &id);
    assert_eq!(row["status"], "failed", "{row}");
    assert_eq!(row["error_details"], "interrupted by a restart");
    let totals = &row["totals"];
    let created = totals["created"].as_u64().unwrap();
    assert!(created > 0 && created < ROWS as u64 && created.is_multiple_of(100), "{totals}");
    assert_eq!(totals["rows"], ROWS, "{totals}");
    assert_eq!(totals["not_processed"], ROWS as u64 - created, "{totals}");

    // What was queued runs, and what was acknowledged is there.
    let waited = run_ended(client, TOKEN, &queued);
    assert_eq!(waited["status"], "success", "{waited}");
    assert_eq!(records(client), created + 1);
    let bytes = client.download(&format!("/api/files/{}/download", text(&kept["id"]))).expect(200).bytes;
    assert_eq!(bytes, b"Number,Total\n7,7\n");
    assert_eq!(std::fs::read_dir(data.path().join("scratch")).unwrap().count(), 0, "scratch is swept");

    let rerun = client.post(&format!("{}/executions/{id}/rerun", journey::path(TOKEN)), &json!({})).created();
    let rerun = run_ended(client, TOKEN, text(&rerun["id"]));
    assert_eq!(rerun["status"], "success", "{rerun}");
    assert_eq!(rerun["totals"]["unchanged"], created);
    assert_eq!(rerun["totals"]["created"], ROWS as u64 - created);
    // The records are those of a run that nothing interrupted: one for each line, with its total.
    let mut found = journey::records(client, "orders", &["name", "total"]);
    assert_eq!(found.pop().unwrap(), [json!("last"), json!(1)]);
    let lines = (0..ROWS).map(|n| vec![json!(format!("{n:06}")), json!(n as f64 + 0.25)]);
    assert!(found.into_iter().eq(lines), "the records are not those of the file");
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_a_stop_is_clean() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start(data.path());
    let second = process::server(data.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("uses the data folder") && said.contains("--data"), "{said}");
    assert!(said.contains(&server.child.id().to_string()), "{said}");
    assert!(server.stop().0);
}

#[test]
fn a_stop_gives_a_run_its_grace_and_then_cancels_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start(data.path());
    set_up(&server.client);
    let endless =
        "CREATE TABLE output.orders AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT 'x' AS number, count(*) AS total FROM n;";
    let draft = journey::draft_path(&journey::detail(&server.client, TOKEN));
    server.client.patch(&draft, &json!({ "user_script": endless })).ok();
    let started = server.client.post(
        &format!("{}/start-connector-flow", journey::path(TOKEN)),
        &json!({"is_dry_run": true, "use_draft": true}),
    );
    let id = text(&started.ok()["execution_id"]).to_owned();
    until("it runs", || (execution(&server.client, TOKEN, &id)["status"] == "in_progress").then_some(()));
    assert!(server.stop().0);

    let again = Process::start(data.path());
    let row = execution(&again.client, TOKEN, &id);
    assert_eq!(
        (&row["status"], &row["error_details"]),
        (&json!("cancelled"), &json!("server stopped")),
        "{row}"
    );
}

/// The stop finds it cancelled: it is not the server that ends it.
#[test]
fn a_run_that_somebody_has_cancelled_is_not_one_that_the_server_stopped() {
    let data = tempfile::tempdir().unwrap();
    let held = data.path().join("held");
    let mut server = Process::start_holding(data.path(), &held);
    set_up(&server.client);
    let id = send(&server.client, &file(3_000));
    wait_for_hold(&held);
    server.client.post_empty(&format!("{}/executions/{id}/cancel", journey::path(TOKEN))).expect(202);
    let pid = server.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    until("the server stops", || (server.client.get("/readyz").status == 503).then_some(()));
    std::fs::remove_file(&held).unwrap();
    assert!(server.child.wait().unwrap().success());
    let again = Process::start(data.path());
    let row = execution(&again.client, TOKEN, &id);
    assert_eq!((&row["status"], &row["error_details"]), (&json!("cancelled"), &json!(null)), "{row}");
    assert_ne!(row["cancelled_by"], json!(null), "{row}");
}

/// A run that is told to stop before its row says so may have ended by then: nobody would have cancelled it.
#[test]
fn a_run_is_told_of_its_cancel_at_once_and_says_who_asked_when_it_ends_first() {
    let data = tempfile::tempdir().unwrap();
    let held = data.path().join("held");
    let mut command = process::server(data.path());
    command.env("SMARTCONNECTOR_BREAK", "cancel_told:1:hold").env("SMARTCONNECTOR_BREAK_HOLD", &held);
    let server = Process::started(&mut command);
    let client = &server.client;
    set_up(client);
    journey::publish(client, TOKEN, ENDLESS);
    let id = send(client, b"Number,Total\n1,endless\n");
    journey::run_is(client, TOKEN, &id, "in_progress");
    let cancel = format!("{}/executions/{id}/cancel", journey::path(TOKEN));
    std::thread::scope(|threads| {
        let asked = threads.spawn(|| client.post_empty(&cancel));
        until("it is told", || held.exists().then_some(()));
        let row = run_ended(client, TOKEN, &id);
        assert_eq!(row["status"], "cancelled", "{row}");
        assert_ne!(row["cancelled_by"], json!(null), "{row}");
        assert_ne!(row["cancel_requested_at"], json!(null), "{row}");
        std::fs::remove_file(&held).unwrap();
        asked.join().unwrap().expect(202);
    });
    let events = client.get("/api/events?event_type=run_cancelled").ok();
    assert_eq!(events["count"], 1, "{events}");
    // Asked again, it says that it was asked before.
    client.post_empty(&cancel).expect(200);
}
