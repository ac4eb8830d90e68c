//! What is kept of a request, and what is refused.

use chrono::{DateTime, TimeDelta};
use reqwest::{
    Method,
    blocking::multipart::{Form, Part},
};
use serde_json::json;
use smartconnector::clock::Clock;

use super::{TOKEN, configured, flushed, hook, input, make, publish, ready, runs, send, send_order};
use crate::{
    files::other_member,
    support::{
        Answer, TestServer,
        journey::{self, activate, detail, path},
        until,
    },
};

#[test]
fn each_content_type_is_kept_as_json() {
    let server = ready(|_| {});
    let client = server.client();
    let form = Form::new()
        .text("number", "1")
        .text("tag", "a")
        .text("tag", "b")
        .part("file", Part::bytes(b"x,y".to_vec()).file_name("f.csv"));
    let sent = [
        ("application/json", "[1,\n 2]", "[1,\n 2]"),
        ("application/vnd.api+json", "{}", "{}"),
        ("application/x-www-form-urlencoded", "number=1&tag=a&tag=b", r#"{"number":"1","tag":["a","b"]}"#),
        ("text/xml; charset=utf-8", "<a>\"ü\"</a>", r#""<a>\"ü\"</a>""#),
        ("text/plain", "a,b\r\nc", r#""a,b\r\nc""#),
        ("", "{\"a\":1}", "{\"a\":1}"),
        ("application/json", "", ""),
    ];
    for (content_type, body, _) in sent {
        let answer = send(&client, "", content_type, body).expect(201);
        assert!(answer.bytes.is_empty());
    }
    send(&client, "?only=query", "", "").expect(201);
    Answer::of("form", client.request(Method::POST, &hook("")).multipart(form)).expect(201);
    let rows = input(&client, &flushed(&client, 1));
    let bodies: Vec<_> = rows.iter().map(|row| row[3].as_str()).collect();
    let mut expected: Vec<_> = sent.iter().map(|(_, _, kept)| *kept).collect();
    expected.extend(["", r#"{"number":"1","tag":["a","b"],"file":"x,y"}"#]);
    assert_eq!(bodies, expected);
    assert_eq!(rows[7][2], "only=query");
}

#[test]
fn what_is_no_request_for_it_is_refused() {
    let server = ready(|config| config.webhook.max_body_kb = 1);
    let client = server.client();
    let invalid = |content_type, body: &[u8]| send(&client, "", content_type, body).refused(400, "invalid");
    assert!(invalid("application/json", b"{").starts_with("The body claims to be JSON and is not"));
    assert!(invalid("text/plain", b"a\xff").contains("not UTF-8"));
    assert!(invalid("application/x-www-form-urlencoded", b"n=1&a=%ff").contains("\"a\" is not UTF-8"));
    assert!(invalid("multipart/form-data", b"x").contains("claims to be a form"));
    assert!(invalid("multipart/form-data; boundary=b", b"--b\r\n").contains("claims to be a form"));
    send(&client, "", "text/plain", "x".repeat(1024)).expect(201);
    send(&client, "", "text/plain", "x".repeat(1025)).refused(413, "too_large");
    send(&client, &format!("?{}", "x".repeat(4096)), "", "").expect(201);
    let detail = send(&client, &format!("?{}", "x".repeat(4097)), "", "").refused(414, "too_large");
    assert!(detail.contains("webhook.max_query_kb"), "{detail}");
    // Chunked: no length is announced.
    let chunks = reqwest::blocking::Body::new(std::io::Cursor::new("y".repeat(5000)));
    Answer::of("chunks", client.request(Method::POST, &hook("")).body(chunks)).refused(413, "too_large");
    let file = json!({"name": "Files", "custom_object": "orders", "connector_type": "spreadsheet"});
    client.post("/api/smart-connectors", &file).created();
    let detail = client.post(&format!("{}/webhook", path("files")), &json!({})).refused(400, "invalid");
    assert!(detail.contains("spreadsheet"), "{detail}");
    client.post(&format!("{}/webhook/flush", path("files")), &json!({})).refused(400, "invalid");
    client.post(&format!("{}/webhook", path("nothing")), &json!({})).refused(404, "not_found");
    assert_eq!(detail_pending(&server), 2);
}

fn detail_pending(server: &TestServer) -> u64 {
    detail(&server.client(), TOKEN)["webhook_inbox"]["pending"].as_u64().unwrap()
}

#[test]
fn who_has_no_key_that_reaches_it_sends_nothing() {
    let server = ready(|_| {});
    let client = server.client();
    let without = |path: &str| Answer::of("no key", client.http.post(format!("{}{path}", server.url)));
    without(&hook("")).refused(401, "missing_credentials");
    // Nobody learns which connectors there are.
    without(&format!("{}/webhook", path("nothing"))).refused(401, "missing_credentials");
    let mut sender = server.client_as("sender", None);
    send_order(&sender, "A", 1);
    send_order(&sender, "B", 2);
    sender.user_id = uuid::Uuid::new_v4().to_string();
    sender.post(&hook(""), &json!({})).refused(401, "invalid_credentials");
    sender.user_id.clone_from(&server.user_id);
    sender.post_empty(&hook("/flush")).refused(403, "permission_required");
    let other = json!({"name": "Other", "custom_object": "orders", "connector_type": "webhook"});
    let other = client.post("/api/smart-connectors", &other).created()["id"].as_str().unwrap().to_owned();
    server.client_as("sender", Some(&[&other])).post(&hook(""), &json!({})).refused(404, "not_found");
    // A key is refused as soon as it is revoked, also where it was just used.
    let keys = client.get("/api/api-keys").ok();
    let key = journey::row(&keys["results"], "name", "test sender")["id"].as_str().unwrap().to_owned();
    for row in keys["results"].as_array().unwrap().iter().filter(|row| row["name"] == "test sender") {
        client.delete(&format!("/api/api-keys/{}", row["id"].as_str().unwrap())).expect(204);
    }
    assert!(!key.is_empty());
    sender.post(&hook(""), &json!({})).refused(401, "invalid_credentials");
    assert_eq!(detail_pending(&server), 2);
}

#[test]
fn a_request_that_comes_again_adds_nothing() {
    let server = ready(|_| {});
    let client = server.client();
    let named = |header: &str, value: &str, body: &str| {
        let request = client.request(Method::POST, &hook("")).header(header, value).body(body.to_owned());
        Answer::of("named", request.header("Content-Type", "application/json"))
    };
    for _ in 0..3 {
        named("Idempotency-Key", "k1", "{\"number\":\"1\"}").expect(201);
        named("webhook-id", "msg_1", "{\"number\":\"2\"}").expect(201);
    }
    named("Idempotency-Key", "k1", "{\"number\":\"other\"}").refused(409, "conflict");
    // A sender that signs may write the same message anew.
    named("webhook-id", "msg_1", "{\"number\":\"other\"}").expect(201);
    named("Idempotency-Key", &"x".repeat(256), "{}").refused(400, "invalid");
    // One that can't be read is refused: taken as none, each try would add another.
    for header in ["Idempotency-Key", "webhook-id"] {
        assert!(named(header, "é1", "{}").refused(400, "invalid").starts_with(header));
    }
    named("webhook-id", "k1", "{\"number\":\"3\"}").expect(201);
    assert_eq!(input(&client, &flushed(&client, 1)).len(), 3);
    // The names outlive the requests.
    named("Idempotency-Key", "k1", "{\"number\":\"1\"}").expect(201);
    assert_eq!(detail_pending(&server), 0);
}

/// Two systems that both count their messages from 1 must not swallow each other's.
#[test]
fn names_of_requests_are_their_senders_own() {
    let server = ready(|_| {});
    for client in [server.client(), other_member(&server, "sender")] {
        for header in ["webhook-id", "Idempotency-Key"] {
            for _ in 0..2 {
                let request = client.request(Method::POST, &hook("")).header(header, "1");
                let body = format!("{{\"number\":\"{header}\"}}");
                Answer::of(header, request.header("Content-Type", "application/json").body(body)).expect(201);
            }
        }
    }
    assert_eq!(detail_pending(&server), 4);
}

#[test]
fn a_deleted_connector_leaves_no_inbox_and_no_names() {
    let server = ready(|_| {});
    let client = server.client();
    let request = client.request(Method::POST, &hook("")).header("Idempotency-Key", "k1").body("{}");
    Answer::of("named", request).expect(201);
    flushed(&client, 1);
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        server.app.store.inbox.read(|conn| Ok(conn.query_row(&sql, [], |row| row.get(0))?)).unwrap()
    };
    assert_eq!([count("inbox"), count("seen")], [1, 1]);
    client.delete(&path(TOKEN)).expect(204);
    until("its inbox is gone", || (count("inbox") + count("seen") == 0).then_some(()));
}

#[test]
fn a_window_closes_when_its_time_is_over() {
    let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let clock = Clock::fixed(start);
    let server = TestServer::at(clock.clone(), |_| {});
    make(&server);
    let client = server.client();
    configured(&client);
    publish(&client);
    activate(&client, TOKEN);
    client.patch(&path(TOKEN), &json!({"cadence": 300})).ok();
    send_order(&client, "A", 1);
    clock.set(start + TimeDelta::seconds(299));
    send_order(&client, "B", 2);
    let inbox = detail(&client, TOKEN)["webhook_inbox"].clone();
    assert_eq!(inbox["window_ends_at"], "2023-11-14T22:18:20Z");
    assert!(runs(&client).is_empty());
    clock.set(start + TimeDelta::seconds(300));
    let run = until("the window's execution", || runs(&client).first().cloned());
    assert_eq!(run["input_file"]["name"], "shop_hooks_webhooks_1700000000_1700000300.csv");
    assert_eq!(input(&client, &run).len(), 2);
}
