//! Secrets that the key file does not open: they are named at the start, and what needs them says so.

use std::fs;

use reqwest::blocking::Client as Http;
use serde_json::{Value as Json, json};
use smartconnector::auth::webhook::sign_standard;

use crate::{
    process::{self, HOOKS, Process, TOKEN, send, set_up, set_up_hooks},
    support::{
        Answer,
        journey::{path, text},
        until,
    },
};

const SECRET: &str = "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==";

fn start(data: &std::path::Path) -> Process {
    Process::started(process::server(data).env("SMARTCONNECTOR_NOTIFY_ALLOWED_HOSTS", "127.0.0.1"))
}

/// A webhook without a key, signed.
fn signed(server: &Process, id: &str) -> Answer {
    let time = chrono::Utc::now().timestamp();
    let request = Http::new()
        .post(format!("{}{}/webhook", server.client.url, path(HOOKS)))
        .header("webhook-id", id)
        .header("webhook-timestamp", time.to_string())
        .header("webhook-signature", sign_standard(SECRET, id, time, b"{}").unwrap())
        .header("Content-Type", "application/json")
        .body("{}");
    Answer::of("signed", request)
}

fn lost(log: &[Json]) -> Vec<&Json> {
    log.iter().filter(|line| text(&line["message"]).contains("can't be read")).collect()
}

#[test]
fn secrets_that_the_key_file_does_not_open_are_named_and_their_calls_say_so() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let server = start(&data);
    set_up(&server.client);
    set_up_hooks(&server.client);
    let senders = json!({"webhook_settings": {"signing_secrets": [SECRET]}});
    server.client.patch(&path(HOOKS), &senders).ok();
    let url = "http://127.0.0.1:9/runs";
    let own = json!({"on": ["success"], "webhook_url": url, "signing_secret": SECRET});
    server.client.patch(&path(TOKEN), &json!({ "notification_settings": own })).ok();
    signed(&server, "before").expect(201);
    assert!(server.stop().0);
    let (_, log) = start(&data).stop();
    assert_eq!(lost(&log), Vec::<&Json>::new());

    fs::remove_file(data.join("secrets.key")).unwrap();
    let server = start(&data);
    let client = &server.client;
    let answer = signed(&server, "after");
    assert!(answer.headers.contains_key("retry-after"));
    assert!(answer.refused(503, "busy").contains("secrets.key"));
    // With a key nothing is signed.
    client.post(&format!("{}/webhook", path(HOOKS)), &json!({"n": 1})).expect(201);
    let shown = |name: &str, settings: &str| client.get(&path(name)).ok()[settings].clone();
    assert_eq!(shown(HOOKS, "webhook_settings")["signing_secrets"][0]["is_readable"], false);
    assert_eq!(shown(TOKEN, "notification_settings")["signing_secret"]["is_readable"], false);
    send(client, b"Number,Total\n1,1\n");
    let id = text(&client.get(&path(TOKEN)).ok()["id"]).to_owned();
    let events = format!("{}/events-history?event_type=notification_failed", path(&id));
    let event = until("nobody is told", || client.get(&events).ok()["results"].get(0).cloned());
    let expected = "Nobody was told of run 1: its signing secret can't be read; enter it again.";
    assert_eq!(event["message"], expected);
    // Entered again it works.
    client.patch(&path(HOOKS), &senders).ok();
    signed(&server, "again").expect(201);
    let (_, log) = server.stop();
    let named = lost(&log);
    let has = |connector: &str, part: &str| {
        let is_it =
            |line: &&&Json| line["connector"] == connector && text(&line["message"]).starts_with(part);
        assert_eq!(named.iter().filter(is_it).count(), 1, "{connector}: {part}: {named:?}");
    };
    has(HOOKS, "1 of its 1 webhook signing secrets can't be read: secrets.key");
    has(TOKEN, "the signing secret of its notifications can't be read: secrets.key");
}
