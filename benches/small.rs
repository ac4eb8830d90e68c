//! What is small and happens often: a run of a hundred rows, one after another and over eight connectors at once; a
//! cancel; a start of the server.
//!
//! `cargo bench --bench small -- [seconds]`
#![expect(clippy::unwrap_used, reason = "a bench that can't go on stops")]

#[path = "pipeline/process.rs"]
#[expect(dead_code, reason = "one part of what it tells is used here")]
mod process;

use std::{
    fmt::Write as _,
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use reqwest::{
    Method,
    blocking::{Body, Client},
};
use serde_json::{Value as Json, json};

const ROWS: usize = 100;
const CONNECTORS: usize = 8;
const ROUNDS: usize = 200;
/// Files that are sent to a connector before their runs are waited for.
const TOGETHER: usize = 20;
/// Between two questions whether a run has ended: where its time is taken, and where many are under way, so that the
/// server's time goes into them.
const OFTEN: Duration = Duration::from_millis(1);
const SELDOM: Duration = Duration::from_millis(25);
const CANCELS: usize = 20;
const STARTS: usize = 5;
/// As `export` writes one.
const CONNECTOR: &str = include_str!("../tests/schemathesis/orders.json");
const ENDLESS: &str = "CREATE TABLE output.orders AS WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL \
                       SELECT number + 1 FROM n) SELECT number, '' AS mail, '' AS total FROM n WHERE number < 0;";

fn main() {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server = Server::start(folder.path(), None);
    println!("load average {}", process::load_average());
    let connectors: Vec<String> =
        (0..CONNECTORS).map(|n| server.connector(&format!("orders {n}"), None)).collect();
    let took: Vec<f64> = (0..ROUNDS).map(|n| server.run(&connectors[0], n)).collect();
    tell(&format!("{ROWS} rows, from the request to the ended run"), took);

    let until = Instant::now() + Duration::from_secs(seconds);
    let began = Instant::now();
    let runs: usize = thread::scope(|threads| {
        let mut senders = Vec::new();
        for connector in &connectors {
            let server = &server;
            senders.push(threads.spawn(move || {
                let mut runs = 0;
                while Instant::now() < until {
                    // Runs of one connector go one after another: when the last has ended, all have.
                    let sent: Vec<_> =
                        (0..TOGETHER).map(|n| server.upload(connector, ROUNDS + runs + n)).collect();
                    server.until(&sent[TOGETHER - 1], SELDOM, |status| status == "success");
                    runs += TOGETHER;
                }
                runs
            }));
        }
        senders.into_iter().map(|sender| sender.join().unwrap()).sum()
    });
    println!(
        "{CONNECTORS} connectors at once: {:.0} runs a second",
        runs as f64 / began.elapsed().as_secs_f64()
    );

    let endless = server.connector("endless", Some(ENDLESS));
    tell(
        "from the cancel of an endless query to the ended run",
        (0..CANCELS).map(|_| server.cancel(&endless)).collect(),
    );

    let key = server.key.clone();
    drop(server);
    let mut took = Vec::new();
    for n in 0..STARTS {
        let began = Instant::now();
        let server = Server::start(folder.path(), Some(key.clone()));
        took.push(began.elapsed().as_secs_f64() * 1e3);
        if n + 1 == STARTS {
            println!("after a start {} MB", process::used(server.child.id()).peak_mb);
        }
    }
    tell("from the start of the process to its address", took);
}

fn tell(what: &str, mut took: Vec<f64>) {
    took.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!("{what}: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms", at(50), at(99), at(100));
}

struct Server {
    child: Child,
    http: Client,
    url: String,
    key: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(folder: &Path, key: Option<String>) -> Self {
        let (child, said) = process::serve(Path::new(env!("CARGO_BIN_EXE_smartconnector")), folder, &[]);
        let key = key.unwrap_or_else(|| said["api_key"].as_str().unwrap().to_owned());
        Self { child, http: Client::new(), url: said["url"].as_str().unwrap().to_owned(), key }
    }

    /// Answers its path.
    fn connector(&self, name: &str, script: Option<&str>) -> String {
        let mut new: Json = serde_json::from_str(CONNECTOR).unwrap();
        let api_name = name.replace(' ', "_");
        new["connector"]["name"] = name.into();
        new["connector"]["api_name"] = api_name.as_str().into();
        if let Some(script) = script {
            new["script"]["user_script"] = script.into();
        }
        self.json(Method::POST, "/api/smart-connectors/import?create_objects=true", &new);
        let path = format!("/api/smart-connectors/{api_name}");
        self.json(Method::PATCH, &path, &json!({"status": "operational"}));
        path
    }

    /// Milliseconds from the request to the ended run.
    fn run(&self, connector: &str, n: usize) -> f64 {
        let began = Instant::now();
        let run = self.upload(connector, n);
        let row = self.until(&run, OFTEN, |status| status == "success");
        let totals = &row["totals"];
        assert_eq!((&totals["rows"], &totals["errors"]), (&json!(ROWS), &json!(0)), "{row:#}");
        began.elapsed().as_secs_f64() * 1e3
    }

    /// Milliseconds from the cancel to the ended run.
    fn cancel(&self, connector: &str) -> f64 {
        let run = self.upload(connector, 0);
        self.until(&run, OFTEN, |status| status == "in_progress");
        thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        self.json(Method::POST, &format!("{run}/cancel"), &json!({}));
        self.until(&run, OFTEN, |status| status == "cancelled");
        began.elapsed().as_secs_f64() * 1e3
    }

    /// Sends rows that no run before had; answers the run's path.
    fn upload(&self, connector: &str, n: usize) -> String {
        let mut rows = "Number,E-Mail,Total\n".to_owned();
        for row in 0..ROWS {
            // Writing into a string can't fail.
            let _ = writeln!(rows, "{n}-{row},ada{row}@example.org,{row}.50");
        }
        let to = format!("{}{connector}/upload?filename=orders.csv", self.url);
        let request = self.http.post(to).header("X-API-KEY", &self.key).header("Content-Type", "text/csv");
        let sent: Json =
            request.body(Body::from(rows)).send().unwrap().error_for_status().unwrap().json().unwrap();
        format!("{connector}/executions/{}", sent["execution_id"].as_str().unwrap())
    }

    /// Asks until it is there, again and again after `every`.
    fn until(&self, run: &str, every: Duration, is_there: impl Fn(&str) -> bool) -> Json {
        loop {
            let row = self.json(Method::GET, run, &Json::Null);
            let status = row["status"].as_str().unwrap();
            if is_there(status) {
                return row;
            }
            assert!(["queued", "in_progress", "cancelling"].contains(&status), "{row:#}");
            thread::sleep(every);
        }
    }

    fn json(&self, method: Method, path: &str, body: &Json) -> Json {
        let mut request =
            self.http.request(method, format!("{}{path}", self.url)).header("X-API-KEY", &self.key);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().unwrap();
        let status = answer.status();
        let text = answer.text().unwrap();
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}
