//! The same request sent again, with its key: it starts nothing and has the first answer.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{sync::Barrier, thread};

use chrono::{TimeDelta, TimeZone as _, Utc};
use reqwest::{Method, blocking::multipart::Form};
use serde_json::{Value as Json, json};
use smartconnector::{clock::Clock, store};

use crate::{
    setup,
    support::{Answer, Client, TestServer},
};

const CSV: &[u8] = b"name\nAda\n";

/// A connector in setup, whose empty draft passes a file through: its runs wait.
fn connector(server: &TestServer, name: &str) -> String {
    let object = setup::object(server, &name.to_lowercase(), &[]);
    let connector = setup::path(&setup::connector(server, name, &object));
    let file = server.client().send_file("people.csv", CSV);
    server.client().patch(&connector, &json!({"source_file_id": file["id"]})).ok();
    connector
}

fn runs(server: &TestServer) -> i64 {
    let sql = "SELECT count(*) FROM execution";
    server.app.store.control.read(|conn| Ok(conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

fn start(client: &Client, connector: &str, key: &str, body: &Json) -> Answer {
    let path = format!("{connector}/start-connector-flow");
    let request = client.request(Method::POST, &path).header("Idempotency-Key", key);
    Answer::of(&path, request.header("Content-Type", "application/json").body(body.to_string()))
}

fn rerun(client: &Client, connector: &str, run: &str, key: &str, body: &Json) -> Answer {
    let path = format!("{connector}/executions/{run}/rerun");
    let request = client.request(Method::POST, &path).header("Idempotency-Key", key);
    Answer::of(&path, request.header("Content-Type", "application/json").body(body.to_string()))
}

fn upload(client: &Client, connector: &str, key: &str, query: &str, bytes: &[u8]) -> Answer {
    let path = format!("{connector}/upload?filename=a.csv{query}");
    let request = client.request(Method::POST, &path).header("Idempotency-Key", key);
    Answer::of(&path, request.body(bytes.to_vec()))
}

#[track_caller]
fn same(first: &Answer, again: &Answer) {
    assert_eq!((first.status, first.text()), (again.status, again.text()));
    assert_eq!(first.headers.get("location"), again.headers.get("location"));
    assert_eq!(first.headers["content-type"], again.headers["content-type"]);
}

#[test]
fn a_start_comes_again() {
    let server = TestServer::start();
    let connector = connector(&server, "People");
    let client = server.client();
    let body = json!({"is_dry_run": false, "sql_parameters": {"a": 1, "b": null}});
    let first = start(&client, &connector, "k", &body).expect(200);
    assert!(first.json()["warning"].as_str().unwrap().starts_with("The connector is setup"), "{first:?}");
    // What the run has become does not change the answer; another order of names is no other request.
    client
        .post_empty(&format!(
            "{connector}/executions/{}/cancel",
            first.json()["execution_id"].as_str().unwrap()
        ))
        .expect(202);
    let shuffled = json!({"sql_parameters": {"b": null, "a": 1}, "is_dry_run": false});
    same(&first, &start(&client, &connector, "k", &shuffled));
    assert_eq!(runs(&server), 1);

    let refusal = start(&client, &connector, "k", &json!({"is_dry_run": true})).refused(409, "conflict");
    assert!(refusal.starts_with("Idempotency-Key: this key was sent with another request"), "{refusal}");
    start(&client, &connector, "k2", &body).expect(200);
    assert_eq!(runs(&server), 2);
}

#[test]
fn a_rerun_comes_again() {
    let server = TestServer::start();
    let connector = connector(&server, "People");
    let client = server.client();
    let one = start(&client, &connector, "k", &json!({})).ok()["execution_id"].as_str().unwrap().to_owned();
    let two = start(&client, &connector, "k2", &json!({})).ok()["execution_id"].as_str().unwrap().to_owned();
    // Another route: another key.
    let first = rerun(&client, &connector, &one, "k", &json!({})).expect(201);
    same(&first, &rerun(&client, &connector, &one, "k", &json!({})));
    rerun(&client, &connector, &one, "k", &json!({"is_dry_run": false})).refused(409, "conflict");
    rerun(&client, &connector, &two, "k", &json!({})).refused(409, "conflict");
    assert_eq!(runs(&server), 3);
    // Not even when its input has gone since.
    let input = first.json()["input_file"]["id"].as_str().unwrap().parse().unwrap();
    server.app.store.files.write(|tx| store::file::delete(tx, input)).unwrap();
    same(&first, &rerun(&client, &connector, &one, "k", &json!({})));
    rerun(&client, &connector, &one, "k3", &json!({})).refused(409, "conflict");
}

#[test]
fn an_upload_comes_again() {
    let server = TestServer::start();
    let connector = connector(&server, "People");
    let client = server.client();
    let files = || -> i64 {
        let sql = "SELECT count(*) FROM file";
        server.app.store.files.read(|conn| Ok(conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
    };
    let first = upload(&client, &connector, "k", "&sql_parameters=%7B%22a%22%3A1%7D", b"x\n1\n").expect(201);
    let kept = files();
    same(&first, &upload(&client, &connector, "k", "&sql_parameters=%7B%22a%22%3A1%7D", b"x\n1\n"));
    // As a form it is the same request.
    let form = Form::new()
        .part("file", reqwest::blocking::multipart::Part::bytes(b"x\n1\n".to_vec()).file_name("a.csv"))
        .text("sql_parameters", "{\"a\": 1}");
    let request = client.request(Method::POST, &format!("{connector}/upload")).header("Idempotency-Key", "k");
    same(&first, &Answer::of("form", request.multipart(form)));
    for (query, bytes) in [("", &b"x\n1\n"[..]), ("&sql_parameters=%7B%22a%22%3A1%7D", b"x\n2\n")] {
        upload(&client, &connector, "k", query, bytes).refused(409, "conflict");
    }
    // Nothing of what came again or was refused stays.
    assert_eq!((runs(&server), files()), (1, kept));
}

#[test]
fn a_key_is_of_its_member_route_and_connector() {
    let server = TestServer::start();
    let (people, pets) = (connector(&server, "People"), connector(&server, "Pets"));
    let client = server.client();
    let other = crate::files::other_member(&server, "admin");
    start(&client, &people, "k", &json!({})).expect(200);
    start(&client, &pets, "k", &json!({"is_dry_run": true})).expect(200);
    upload(&client, &people, "k", "", b"x\n").expect(201);
    start(&other, &people, "k", &json!({"is_dry_run": true})).expect(200);
    assert_eq!(runs(&server), 4);
    // Another key of the same member is the same sender.
    start(&server.client_as("runner", None), &people, "k", &json!({})).expect(200);
    assert_eq!(runs(&server), 4);
}

#[test]
fn a_key_is_checked_and_a_refused_request_does_not_use_it_up() {
    let server = TestServer::start();
    let connector = connector(&server, "People");
    let client = server.client();
    let long = "k".repeat(256);
    for key in ["", &long, "ü"] {
        let detail = start(&client, &connector, key, &json!({})).refused(400, "invalid");
        assert!(detail.starts_with("Idempotency-Key: found "), "{detail}");
        upload(&client, &connector, key, "", b"x\n").refused(400, "invalid");
    }
    let key = &long[1..];
    start(&client, &connector, key, &json!({"use_draft": true})).refused(400, "invalid");
    start(&client, &connector, key, &json!({})).expect(200);
    assert_eq!(runs(&server), 1);
}

#[test]
fn keys_outlive_a_restart_and_not_a_day() {
    let clock = Clock::fixed(Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap());
    let server = TestServer::at(clock.clone(), |_| {});
    let connector = connector(&server, "People");
    let first = start(&server.client(), &connector, "k", &json!({})).expect(200);
    let server = server.restarted();
    same(&first, &start(&server.client(), &connector, "k", &json!({})));

    // A crash may come between the run and its answer.
    let sql = "UPDATE idempotency_key SET answer = NULL";
    server.app.store.control.write(|tx| Ok(tx.execute(sql, [])?)).unwrap();
    same(&first, &start(&server.client(), &connector, "k", &json!({})));
    assert_eq!(runs(&server), 1);

    clock.set(clock.now() + TimeDelta::hours(24) - TimeDelta::seconds(1));
    same(&first, &start(&server.client(), &connector, "k", &json!({})));
    clock.set(clock.now() + TimeDelta::seconds(1));
    let later = start(&server.client(), &connector, "k", &json!({"is_dry_run": true})).ok();
    assert_ne!(later["execution_id"], first.json()["execution_id"]);
    let keys = || -> i64 {
        let sql = "SELECT count(*) FROM idempotency_key";
        server.app.store.control.read(|conn| Ok(conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
    };
    store::idempotency::sweep(&server.app.store).unwrap();
    assert_eq!(keys(), 1);
    clock.set(clock.now() + TimeDelta::hours(24));
    store::idempotency::sweep(&server.app.store).unwrap();
    assert_eq!(keys(), 0);
}

#[test]
fn of_requests_that_race_one_runs_and_all_have_its_answer() {
    let server = TestServer::start();
    let connector = connector(&server, "People");
    let client = server.client();
    let race = |ask: &(dyn Fn() -> Answer + Sync)| {
        let barrier = Barrier::new(8);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let asks: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        ask()
                    })
                })
                .collect();
            asks.into_iter().map(|ask| ask.join().unwrap()).collect()
        });
        for answer in &answers {
            same(&answers[0], answer);
        }
        assert!(answers[0].status.is_success(), "{:?}", answers[0]);
    };
    race(&|| upload(&client, &connector, "k", "", b"x\n1\n"));
    assert_eq!(runs(&server), 1);
    race(&|| start(&client, &connector, "k", &json!({"sql_parameters": {"a": 1}})));
    assert_eq!(runs(&server), 2);
}
