//! What a sender can make large.

use serde_json::json;

use super::{TOKEN, created, flushed, hook, input, ready, runs, send_order};
use crate::support::{
    journey::{detail, path},
    until,
};

#[test]
fn a_full_inbox_refuses_before_anything_is_kept() {
    let server = ready(|config| config.webhook.max_pending = 4);
    let client = server.client();
    send_order(&client, "A", 1);
    send_order(&client, "B", 2);
    // One connector holds half of it.
    let answer = client.post(&hook(""), &json!({})).expect(503);
    assert_eq!(answer.headers["retry-after"], "2");
    assert!(answer.refused(503, "busy").contains("webhook.max_pending"));
    assert_eq!(detail(&client, TOKEN)["webhook_inbox"]["pending"], 2);
    assert_eq!(input(&client, &flushed(&client, 1)).len(), 2);
    send_order(&client, "C", 3);
}

#[test]
fn a_batch_is_closed_early_when_it_is_full() {
    let server = ready(|config| config.webhook.max_batch_rows = 3);
    let client = server.client();
    for n in 0..4 {
        send_order(&client, &n.to_string(), n);
    }
    let run = until("the full batch", || runs(&client).first().cloned());
    assert_eq!(input(&client, &run).len(), 3);
    assert_eq!(detail(&client, TOKEN)["webhook_inbox"]["pending"], 1);
}

#[test]
fn a_sender_that_sends_too_often_is_told_to_wait() {
    let server = ready(|config| config.webhook.max_per_minute = 3);
    let client = server.client();
    for _ in 0..3 {
        client.post(&hook(""), &json!({})).expect(201);
    }
    let answer = client.post(&hook(""), &json!({})).expect(429);
    assert!(answer.headers.contains_key("retry-after"));
    answer.refused(429, "too_many_requests");
    server.client_as("sender", None).post(&hook(""), &json!({})).expect(201);
}

#[test]
fn a_full_disk_refuses() {
    let server = ready(|_| {});
    let client = server.client();
    send_order(&client, "A", 1);
    server.app.store.disk.found_full();
    let refusal = client.post(&hook(""), &json!({})).expect(503);
    assert!(refusal.headers.contains_key("retry-after"));
}

#[test]
fn cadence_and_settings_belong_to_webhook_connectors_and_have_bounds() {
    let server = created(|_| {});
    let client = server.client();
    let set = |cadence| client.patch(&path(TOKEN), &json!({"cadence": cadence}));
    assert!(set(29).refused(400, "invalid").contains("webhook.min_cadence_s"));
    set(10_801).refused(400, "invalid");
    assert_eq!(set(30).ok()["cadence"], 30);
    assert_eq!(client.patch(&path(TOKEN), &json!({"cadence": null})).ok()["cadence"], json!(null));
    client.patch(&path(TOKEN), &json!({"schedule": {"cron": "0 6 * * *"}})).refused(400, "invalid");
    // Its files are the server's: there is no other way to read them.
    let options = |options| client.patch(&path(TOKEN), &json!({"input_options": options}));
    options(json!({"header_row": 2})).refused(400, "invalid");
    options(json!({"delimiter": ";"})).refused(400, "invalid");
    assert_eq!(options(json!({"null_values": ["-"]})).ok()["input_options"]["null_values"], json!(["-"]));
    let base = json!({"name": "F", "custom_object": "orders", "connector_type": "spreadsheet"});
    for (key, value) in [("cadence", json!(60)), ("webhook_settings", json!({"signing_secrets": []}))] {
        let mut body = base.clone();
        body[key] = value;
        client.post("/api/smart-connectors", &body).refused(400, "invalid");
    }
}
