//! Everybody at once: a load, webhooks, page reads and backups. Nobody is told that a database is locked, and no
//! answer is a 5xx.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use reqwest::{
    Method,
    blocking::multipart::{Form, Part},
};
use serde_json::json;

use crate::{
    process::{self, HOOKS, Process, TOKEN, checked, file, ran, set_up, set_up_hooks},
    support::{
        Answer, Client,
        journey::{self, path},
        until,
    },
};

/// What was asked, and how long each answer took.
#[derive(Default)]
struct Asked(Vec<Duration>);

impl Asked {
    fn ask(&mut self, what: &str, answer: impl FnOnce() -> Answer) {
        let began = Instant::now();
        let answer = answer();
        self.0.push(began.elapsed());
        assert!(answer.status.as_u16() < 500, "{what}: {} {}", answer.status, answer.text());
    }

    fn told(mut self, what: &str) {
        self.0.sort_unstable();
        let at = |percent: usize| self.0[(self.0.len() - 1) * percent / 100];
        println!("{what}: {} answers, half within {:?}, 99 % within {:?}", self.0.len(), at(50), at(99));
        assert!(self.0.len() > 3, "{what}: hardly anything was asked");
    }
}

fn upload(client: &Client, rows: usize) -> Answer {
    let part = Part::bytes(file(rows)).file_name("big.csv").mime_str("text/csv").unwrap();
    let request = client.request(Method::POST, &format!("{}/upload", path(TOKEN)));
    Answer::of("upload", request.multipart(Form::new().part("file", part)))
}

fn page_reads(client: &Client, done: &AtomicBool) -> Asked {
    let object = journey::object_id(client, "orders");
    let search = format!("/api/records/{object}/search?page_size=50");
    let mut asked = Asked::default();
    while !done.load(Ordering::Acquire) {
        for path in [
            "/api/executions?page_size=20".to_owned(),
            "/api/smart-connectors".to_owned(),
            path(TOKEN),
            "/api/files?page_size=20".to_owned(),
            "/metrics".to_owned(),
            "/readyz".to_owned(),
        ] {
            asked.ask(&path, || client.get(&path));
        }
        asked.ask("search", || client.post(&search, &json!({"query": [], "and": true})));
    }
    asked
}

fn everybody(seconds: u64, rows: usize, batch_rows: &str) {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let mut command = process::server(&data);
    let server = Process::started(command.env("SMARTCONNECTOR_RUNNER_BATCH_ROWS", batch_rows));
    let client = &server.client;
    set_up(client);
    set_up_hooks(client);
    let done = AtomicBool::new(false);
    let end = Instant::now() + Duration::from_secs(seconds);
    thread::scope(|threads| {
        let (done, data, root) = (&done, &data, root.path());
        let webhooks: Vec<_> = (0..2)
            .map(|sender| {
                threads.spawn(move || {
                    let mut asked = Asked::default();
                    while !done.load(Ordering::Acquire) {
                        let body = json!({"n": format!("{sender}-{}", asked.0.len())});
                        asked.ask("webhook", || client.post(&format!("{}/webhook", path(HOOKS)), &body));
                    }
                    asked
                })
            })
            .collect();
        let reads = threads.spawn(move || page_reads(client, done));
        let writes = threads.spawn(move || {
            let mut asked = Asked::default();
            let new = |n: usize| json!({"fields": [{"name": "name", "value": format!("by hand {n}")}]});
            let object = journey::object_id(client, "orders");
            while !done.load(Ordering::Acquire) {
                let body = new(asked.0.len());
                asked.ask("a record by hand", || client.post(&format!("/api/records/{object}/add"), &body));
                asked.ask("flush", || client.post_empty(&format!("{}/webhook/flush", path(HOOKS))));
            }
            asked
        });
        let backups = threads.spawn(move || {
            let mut asked = Asked::default();
            while !done.load(Ordering::Acquire) {
                asked.ask("backup", || client.download("/api/backup").expect(200));
                let to = root.join(format!("backup {}", asked.0.len()));
                let output = ran(&["backup", to.to_str().unwrap()], data);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                std::fs::remove_file(to).unwrap();
                // Another process that writes.
                let output = ran(&["keys", "create", "--role", "viewer"], data);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            asked
        });
        let mut loads = 0;
        while loads == 0 || Instant::now() < end {
            let id = upload(client, rows).created()["execution_id"].as_str().unwrap().to_owned();
            let patience = Instant::now() + Duration::from_mins(5);
            while journey::execution(client, TOKEN, &id)["ended_at"].is_null() {
                assert!(Instant::now() < patience, "the load does not end");
                thread::park_timeout(Duration::from_millis(50));
            }
            assert_eq!(journey::execution(client, TOKEN, &id)["status"], "success");
            loads += 1;
        }
        done.store(true, Ordering::Release);
        println!("{loads} loads of {rows} rows in {seconds} s or more");
        let sent: Vec<Duration> = webhooks.into_iter().flat_map(|sender| sender.join().unwrap().0).collect();
        Asked(sent).told("webhooks");
        reads.join().unwrap().told("page reads");
        writes.join().unwrap().told("small writes");
        println!("{} backups over the API, as many by the command", backups.join().unwrap().0.len());
    });
    client.post_empty(&format!("{}/webhook/flush", path(HOOKS))).expect(202);
    until("nothing waits or runs", || {
        let pending = journey::detail(client, HOOKS)["webhook_inbox"]["pending"] == 0;
        let runs = client.get(&format!("{}/executions?page_size=1000", path(HOOKS))).ok();
        let ended = runs["results"].as_array().unwrap().iter().all(|row| !row["ended_at"].is_null());
        (pending && ended).then_some(())
    });
    checked(&data);
    let metrics = client.get("/metrics").expect(200).text();
    println!(
        "{}",
        metrics.lines().find(|line| line.starts_with("smartconnector_sqlite_busy_waits")).unwrap()
    );
    let (ended_well, log) = server.stop();
    assert!(ended_well);
    for line in &log {
        assert!(line["level"] != "error" && !line.to_string().contains("locked"), "{line}");
    }
}

#[test]
fn nobody_is_told_that_a_database_is_locked() {
    everybody(4, 20_000, "1000");
}

/// The long form: `cargo test --release --test crash -- --ignored --nocapture in_a_minute`.
#[test]
#[ignore = "a minute of a million-row load"]
fn nobody_is_told_that_a_database_is_locked_in_a_minute() {
    everybody(60, 1_000_000, "50000");
}
