//! The real binary, killed and stopped while it works.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value as Json, json};

use crate::support::{
    Client,
    configure::{configure, maps, matches, step, variable},
    http,
    journey::{self, execution, run_ended, text},
    until,
};

const TOKEN: &str = "shop_orders";
const KEY: &str = "a-fixed-key-of-more-than-32-characters";
const USER: &str = "11111111-1111-4111-8111-111111111111";
const BUSINESS: &str = "22222222-2222-4222-8222-222222222222";
const ROWS: usize = 30_000;

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smartconnector"));
    command
        .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .env("SMARTCONNECTOR_ADMIN_KEY", KEY)
        .env("SMARTCONNECTOR_USER_ID", USER)
        .env("SMARTCONNECTOR_BUSINESS_ID", BUSINESS)
        .env("SMARTCONNECTOR_RUNNER_BATCH_ROWS", "100")
        .env("SMARTCONNECTOR_ENGINE_MIN_FREE_MB", "1")
        .env("SMARTCONNECTOR_SERVER_SHUTDOWN_GRACE_S", "1")
        .env("SMARTCONNECTOR_LOG_LEVEL", "warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A server process. Dropping it kills it, as an impolite world would.
struct Process {
    child: Child,
    client: Client,
}

impl Process {
    fn start(data: &Path) -> Self {
        let mut child = command(data).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Json = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        assert_eq!((&ready["business_id"], &ready["user_id"]), (&json!(BUSINESS), &json!(USER)));
        let client = Client {
            http: http(),
            url: text(&ready["url"]).to_owned(),
            key: KEY.to_owned(),
            business_id: BUSINESS.to_owned(),
            user_id: USER.to_owned(),
        };
        Self { child, client }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then the end. Answers whether it ended well.
    fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An active connector that loads `number` and `total` into orders.
fn set_up(client: &Client) {
    journey::object(client, "orders", &[json!({"name": "total", "field_type": "decimal"})]);
    journey::create(client, "orders", "Shop Orders");
    journey::set_input(client, TOKEN, "orders.csv", b"Number,Total\n1,2.50\n");
    let sql = "CREATE TABLE output.orders AS SELECT rowid AS _line, number, total FROM input.orders_csv;";
    journey::publish(client, TOKEN, sql);
    let variables =
        [variable("Number", "string", "orders", "number"), variable("Total", "number", "orders", "total")];
    let mapping = json!([maps("name", "Number"), maps("total", "Total")]);
    let step = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(client, TOKEN, &variables, &[step]);
    journey::activate(client, TOKEN);
}

fn file(rows: usize) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = "Number,Total\n".to_owned();
    for n in 0..rows {
        writeln!(text, "{n:06},{n}.25").unwrap();
    }
    text.into_bytes()
}

fn send(client: &Client, bytes: &[u8]) -> String {
    text(&journey::upload(client, TOKEN, "big.csv", bytes, &[]).created()["execution_id"]).to_owned()
}

fn wait_for_rows(client: &Client, id: &str) {
    until("rows are loaded", || {
        let row = execution(client, TOKEN, id);
        assert!(row["ended_at"].is_null(), "too fast to be interrupted: {row}");
        (row["totals"]["created"].as_u64()? > 0).then_some(())
    });
}

fn records(client: &Client) -> u64 {
    let object = journey::object_id(client, "orders");
    let url = format!("/api/records/{object}/search?page_size=1");
    client.post(&url, &json!({"query": [], "and": true})).ok()["count"].as_u64().unwrap()
}

#[test]
fn a_kill_during_a_load_leaves_counts_that_equal_the_records_and_a_rerun_completes() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::start(data.path());
    set_up(&first.client);
    let kept = first.client.send_file("kept.csv", b"Number,Total\n7,7\n");
    let id = send(&first.client, &file(ROWS));
    let queued = send(&first.client, b"Number,Total\nlast,1\n");
    wait_for_rows(&first.client, &id);
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
    let second = command(data.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("uses the data folder") && said.contains("--data"), "{said}");
    assert!(said.contains(&server.child.id().to_string()), "{said}");
    assert!(server.stop());
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
    assert!(server.stop());

    let again = Process::start(data.path());
    let row = execution(&again.client, TOKEN, &id);
    assert_eq!(
        (&row["status"], &row["error_details"]),
        (&json!("cancelled"), &json!("server stopped")),
        "{row}"
    );
}
