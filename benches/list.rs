//! Lists and details over HTTP with many executions and connectors: how long each question takes.
//!
//! One connector is made and one run is queued through the API. Their rows are then copied in the databases:
//! states, triggers, times, file names and errors vary; the first connector has a twentieth of all runs. Every
//! question is asked over one connection, after the same question was asked a few times.
//!
//! `cargo bench --bench list -- [executions] [connectors] [rounds]`

#![expect(clippy::unwrap_used, reason = "a bench that can't go on stops")]

#[path = "pipeline/process.rs"]
#[expect(dead_code, reason = "one part of what it tells is used here")]
mod process;

use std::{
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use reqwest::blocking::Client;
use rusqlite::{Connection, params};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// Asked before the clock runs.
const WARM_UP: usize = 3;
/// What a list or detail may take (99 of 100), and a search; milliseconds.
const BUDGETS: [f64; 2] = [20.0, 50.0];
/// The first run's time: 2026-01-01, in milliseconds since 1970. They come one a minute.
const FIRST: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |n: usize, default| numbers.get(n).copied().unwrap_or(default);
    let (executions, connectors, rounds) = (number(0, 100_000), number(1, 1_000), number(2, 200));
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut server = Server::start(dir.path(), None);
    server.set_up();
    let key = server.stop();
    fill(dir.path(), executions, connectors);
    let mut server = Server::start(dir.path(), Some(key));
    let load = process::load_average();
    println!("{executions} executions, {connectors} connectors, {rounds} rounds, load average {load}");
    println!("| question | p50 ms | p99 ms | longest ms | |\n|---|---|---|---|---|");
    let limited = server.limited_key();
    for (name, path, key, budget) in questions(&server, &limited) {
        let mut took: Vec<f64> = (0..WARM_UP + rounds).map(|_| server.ask(&path, &key)).collect();
        took.drain(..WARM_UP);
        took.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| took[(took.len() - 1) * share / 100];
        let over = if at(99) > budget { "over" } else { "" };
        println!("| {name} | {:.1} | {:.1} | {:.1} | {over} |", at(50), at(99), at(100));
    }
    server.stop();
}

/// What is asked: its name, its path, the key, and the budget.
fn questions(server: &Server, limited: &str) -> Vec<(String, String, String, f64)> {
    let all = "/api/executions";
    let busy = "/api/smart-connectors/connector_0";
    let run = server.json(&format!("{busy}/executions?page_size=1"))["results"][0].clone();
    let id = run["id"].as_str().unwrap();
    let detail = server.json(busy);
    let script = detail["last_draft_script"]["id"].as_str().unwrap();
    let uuid = detail["id"].as_str().unwrap().to_owned();
    let [list, search] = BUDGETS;
    let day = "created_after=2026-02-01T00:00:00Z&created_before=2026-02-02T00:00:00Z";
    let mut asked = Vec::new();
    let mut add = |budget: f64, path: &str| {
        asked.push((
            format!("`{}`", path.replace(&uuid, "{id}").replace(id, "{id}")),
            path.to_owned(),
            server.key.clone(),
            budget,
        ));
    };
    for query in [
        "",
        "page_size=20",
        "page_size=20&page=500",
        "include_dry_run=true",
        "status=failed",
        "status=success",
        "trigger_type=api",
        "status=failed&trigger_type=api",
        day,
        "ordering=created",
        "ordering=-started_at",
        "ordering=ended_at",
        "ordering=-status",
        "ordering=trigger_type",
        "status=failed&ordering=-ended_at",
    ] {
        add(list, &format!("{all}?{query}"));
    }
    for word in ["000123", ".csv", "emial", "cs", "nothing%20has%20this"] {
        add(search, &format!("{all}?search={word}"));
    }
    for query in [
        "search=orders&include_dry_run=true",
        "search=orders&status=success",
        "search=emial&status=failed",
        "search=orders&ordering=ended_at",
    ] {
        add(search, &format!("{all}?{query}"));
    }
    for query in
        ["", "page_size=20&page=100", "status=failed", "ordering=-ended_at", "include_dry_run=true", day]
    {
        add(list, &format!("{busy}/executions?{query}"));
    }
    add(search, &format!("{busy}/executions?search=orders"));
    add(search, &format!("{busy}/executions?search=000123"));
    add(list, &format!("{busy}/executions?ids={id}"));
    for part in ["", "/rows", "/logs", "/sql-script"] {
        add(list, &format!("{busy}/executions/{id}{part}"));
    }
    add(list, busy);
    add(list, &format!("{busy}/sql-scripts"));
    add(list, &format!("{busy}/sql-scripts/{script}"));
    for query in [
        "",
        "page_size=20",
        "ordering=name",
        "ordering=-last_used_at",
        "status=inactive",
        "active=true",
        "custom_object=client_client",
    ] {
        add(list, &format!("/api/smart-connectors?{query}"));
    }
    add(search, "/api/smart-connectors?search=connector%2099");
    for query in [
        "",
        "event_type=run_ended",
        "event_type=created",
        "include_related=false",
        "date_from=2026-02-01&date_to=2026-02-02",
    ] {
        add(list, &format!("/api/events?{query}"));
        add(list, &format!("/api/smart-connectors/{uuid}/events-history?{query}"));
    }
    add(list, "/api/files");
    add(search, "/api/files?search=000123");
    for query in ["", "status=failed", "search=orders"] {
        asked.push((
            format!("`{all}?{query}`, key of 3 connectors"),
            format!("{all}?{query}"),
            limited.to_owned(),
            if query.starts_with("search") { search } else { list },
        ));
    }
    asked
}

/// The release server, and a client.
struct Server {
    child: Child,
    http: Client,
    url: String,
    key: String,
}

impl Server {
    /// Over a new folder, or over one whose key is known.
    fn start(folder: &Path, key: Option<String>) -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_smartconnector"));
        let (child, said) = process::serve(binary, folder, &[]);
        let key = key.unwrap_or_else(|| said["api_key"].as_str().unwrap().to_owned());
        Self { child, http: Client::new(), url: said["url"].as_str().unwrap().to_owned(), key }
    }

    /// Answers the key.
    fn stop(&mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.key.clone()
    }

    /// Milliseconds until the whole answer is there.
    fn ask(&self, path: &str, key: &str) -> f64 {
        let began = Instant::now();
        let answer = self.http.get(format!("{}{path}", self.url)).header("X-API-KEY", key).send().unwrap();
        let status = answer.status();
        let text = answer.text().unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        began.elapsed().as_secs_f64() * 1e3
    }

    fn json(&self, path: &str) -> Json {
        let answer = self.http.get(format!("{}{path}", self.url)).header("X-API-KEY", &self.key).send();
        answer.unwrap().json().unwrap()
    }

    fn send(&self, method: reqwest::Method, path: &str, body: &Json) -> Json {
        let request = self.http.request(method, format!("{}{path}", self.url)).header("X-API-KEY", &self.key);
        let answer = request.json(body).timeout(Duration::from_mins(1)).send().unwrap();
        let status = answer.status();
        let text = answer.text().unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// One connector with a file, a script, variables and a flow, and one run that waits.
    fn set_up(&self) {
        let (post, patch) = (reqwest::Method::POST, reqwest::Method::PATCH);
        let body =
            json!({"name": "Connector 0", "custom_object": "client_client", "connector_type": "spreadsheet"});
        self.send(post.clone(), "/api/smart-connectors", &body);
        let connector = "/api/smart-connectors/connector_0";
        let names: Vec<String> = (0..20).map(|n| format!("column_{n}")).collect();
        let request = self.http.post(format!("{}{connector}/upload?filename=orders.csv", self.url));
        let answer = request.header("X-API-KEY", &self.key).body(names.join(",") + "\n").send().unwrap();
        let file = answer.json::<Json>().unwrap()["source_file_id"].clone();
        let body = json!({ "source_file_id": file });
        self.send(patch.clone(), connector, &body);
        self.send(post, &format!("{connector}/get-file-template"), &body);
        let variable = |(n, name): (usize, &String)| {
            json!({"name": name, "data_type": if n == 0 { "email" } else { "string" }, "scope": "client_client",
                "type": "data_source", "data_source": name, "is_array": false})
        };
        let variables: Vec<Json> = names.iter().enumerate().map(variable).collect();
        let detail = self.send(patch.clone(), connector, &json!({ "execution_variables": variables }));
        let objects = self.json("/api/custom-objects?custom_only=false");
        let object =
            objects["results"].as_array().unwrap().iter().find(|row| row["name"] == "client_client").unwrap()
                ["id"]
                .clone();
        let fields = self.json(&format!("/api/custom-objects/{}/fields", object.as_str().unwrap()));
        let field = |name: &str| {
            fields.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()["id"].clone()
        };
        let id = |n: usize| detail["execution_variables"][n]["id"].clone();
        let maps = |(n, name): (usize, &str)| json!({"field": field(name), "variables": [id(n)], "conflict_resolution": "overwrite"});
        let mapping: Vec<Json> =
            ["email", "first_name", "last_name"].into_iter().enumerate().map(maps).collect();
        let load = json!({"custom_object": object, "scope": "client_client", "type": "csv_load", "order": 0,
            "matching_rules": [{"order": 0, "field": field("email"), "variable": id(0)}], "field_mapping_rules": mapping});
        self.send(
            patch,
            connector,
            &json!({"flow": {"additional_variables": [], "transformations": [], "loads": [load]}}),
        );
    }

    /// A key that reaches three connectors.
    fn limited_key(&self) -> String {
        let ids: Vec<Json> = (1..4)
            .map(|n| self.json(&format!("/api/smart-connectors/connector_{n}"))["id"].clone())
            .collect();
        let body = json!({"name": "limited", "role": "viewer", "connectors": ids});
        self.send(reqwest::Method::POST, "/api/api-keys", &body)["secret"].as_str().unwrap().to_owned()
    }
}

/// A step of a stage as it is kept.
fn step(scope: Option<&str>, object: Option<&str>) -> Json {
    json!({"status": "completed", "scope": scope, "custom_object": object, "valid_records": 940,
        "invalid_records": 60, "total": 1000, "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:01Z"})
}

/// The stages of a run that loaded something.
fn stages(object: &str) -> String {
    let scope = Some("client_client");
    let stage = |kind: &str, step: Json| json!({"type": kind, "status": "completed", "steps": [step]});
    json!([
        stage("smart_connector_input_read", step(None, None)),
        stage("smart_connector_sql_run", step(None, None)),
        stage("smart_connector_execution_variable_eval", step(scope, None)),
        stage("smart_connector_load_step_run", step(scope, Some(object))),
        stage("smart_connector_report", step(None, None)),
    ])
    .to_string()
}

/// Copies the rows of the one connector and the one run.
fn fill(folder: &Path, executions: usize, connectors: usize) {
    let mut control = Connection::open(folder.join("control.db")).unwrap();
    let mut files = Connection::open(folder.join("files.db")).unwrap();
    let tx = control.transaction().unwrap();
    tx.execute_batch("UPDATE execution SET state = 'cancelled', ended_at = created WHERE ended_at IS NULL")
        .unwrap();
    let ids = fill_connectors(&tx, connectors);
    let inputs: Vec<(String, String)> =
        (0..executions).map(|n| (Uuid::new_v4().to_string(), name_of(n))).collect();
    fill_executions(&tx, &ids, &inputs);
    tx.commit().unwrap();
    let tx = files.transaction().unwrap();
    tx.execute_batch("CREATE TEMP TABLE copy AS SELECT * FROM file LIMIT 1").unwrap();
    let mut change = tx.prepare("UPDATE copy SET id = ?, name = ?, created = ?, connector_id = ?").unwrap();
    let mut keep = tx.prepare("INSERT INTO file SELECT * FROM copy").unwrap();
    for (n, (id, name)) in inputs.iter().enumerate() {
        change.execute(params![id, name, at(n), ids[connector_of(n, ids.len())]]).unwrap();
        keep.execute([]).unwrap();
    }
    drop((change, keep));
    tx.commit().unwrap();
}

fn fill_connectors(tx: &Connection, connectors: usize) -> Vec<String> {
    tx.execute_batch("CREATE TEMP TABLE copy AS SELECT * FROM connector LIMIT 1; CREATE TEMP TABLE draft AS SELECT * FROM script LIMIT 1").unwrap();
    let mut ids = vec![tx.query_row("SELECT id FROM connector", [], |row| row.get(0)).unwrap()];
    for n in 1..connectors {
        let (id, name) = (Uuid::new_v4().to_string(), format!("Connector {n}"));
        let status = ["operational", "operational", "operational", "need_attention", "inactive"][n % 5];
        tx.execute(
            "UPDATE copy SET id = ?1, name = ?2, api_name = replace(lower(?2), ' ', '_'), name_key = lower(?2),
                description = 'Loads what ' || ?2 || ' sends every night.', status = ?3, created = ?4, updated = ?4, last_used_at = ?4",
            params![id, name, status, at(n)],
        )
        .unwrap();
        tx.execute("INSERT INTO connector SELECT * FROM copy", []).unwrap();
        for status in ["draft", "live"] {
            tx.execute(
                "UPDATE draft SET seq = NULL, id = ?, connector_id = ?, status = ?",
                params![Uuid::new_v4().to_string(), id, status],
            )
            .unwrap();
            tx.execute("INSERT INTO script SELECT * FROM draft", []).unwrap();
        }
        ids.push(id);
    }
    ids
}

fn fill_executions(tx: &Connection, connectors: &[String], inputs: &[(String, String)]) {
    let member: String = tx.query_row("SELECT id FROM member LIMIT 1", [], |row| row.get(0)).unwrap();
    let object: String =
        tx.query_row("SELECT custom_object FROM connector LIMIT 1", [], |row| row.get(0)).unwrap();
    tx.execute_batch("CREATE TEMP TABLE run AS SELECT * FROM execution LIMIT 1").unwrap();
    tx.execute("UPDATE run SET stages = ?, script_id = (SELECT id FROM script LIMIT 1), sql_version = 'sqlite-3',
        totals = '{\"rows\":1000,\"created\":900,\"updated\":40,\"unchanged\":0,\"skipped\":0,\"warnings\":3,\"errors\":60,\"not_processed\":0}'", [stages(&object)]).unwrap();
    let mut change = tx.prepare(
        "UPDATE run SET seq = NULL, id = ?1, connector_id = ?2, number = ?3, state = ?4, trigger_type = ?5, is_dry_run = ?6,
            created = ?7, started_at = ?7 + 40, ended_at = ?7 + 40 + 900 + ?3 % 97, error_details = ?8, input_file = ?9, input_name = ?10",
    ).unwrap();
    let mut keep = tx.prepare("INSERT INTO execution SELECT * FROM run").unwrap();
    let mut tell = tx.prepare("INSERT INTO event (id, connector_id, created, event_type, message, actor, execution_id) VALUES (?, ?, ?, ?, ?, ?, ?)").unwrap();
    for (n, (input, name)) in inputs.iter().enumerate() {
        let (id, connector) = (Uuid::new_v4().to_string(), &connectors[connector_of(n, connectors.len())]);
        let state = match n % 20 {
            0 => "failed",
            1 => "partial_success",
            2 => "cancelled",
            _ => "success",
        };
        let trigger = ["api", "schedule", "webhook", "fileupload", "rerun"][n / 20 % 5];
        change
            .execute(params![
                id,
                connector,
                i64::try_from(n + 2).unwrap(),
                state,
                trigger,
                n % 10 == 7,
                at(n),
                error_of(n),
                input,
                name
            ])
            .unwrap();
        keep.execute([]).unwrap();
        for (kind, message) in
            [("run_started", "The run was started."), ("run_ended", "The run ended: success.")]
        {
            tell.execute(params![Uuid::new_v4().to_string(), connector, at(n), kind, message, member, id])
                .unwrap();
        }
    }
}

/// When the n-th run was queued.
fn at(n: usize) -> i64 {
    FIRST + MINUTE * i64::try_from(n).unwrap()
}

/// The first connector has a twentieth of all, the others share the rest.
fn connector_of(n: usize, connectors: usize) -> usize {
    if n % 20 == 19 { 0 } else { n % connectors }
}

fn name_of(n: usize) -> String {
    let place = ["north", "south", "east", "west"][n % 4];
    format!("orders-{place}-2026-{:02}-{:02}-{n:06}.csv", n % 12 + 1, n % 28 + 1)
}

/// Every twentieth run failed.
fn error_of(n: usize) -> Option<String> {
    n.is_multiple_of(20).then(|| {
        format!(
            "Error running connector SQL script: line {}, column {}: no such column: emial_{n} (did you mean email?)",
            n % 50 + 1,
            n % 9 + 1
        )
    })
}
