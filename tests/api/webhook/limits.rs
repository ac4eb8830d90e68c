//! What a sender can make large.

use serde_json::json;

use super::{TOKEN, created, flushed, hook, input, operate, ready, runs, send_order};
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

#[test]
fn a_nearly_full_disk_refuses_before_anything_is_kept() {
    let server = created(|config| config.engine.min_free_mb = 1 << 40);
    let client = server.client();
    operate(&server, &detail(&client, TOKEN));
    let answer = client.post(&hook(""), &json!({})).expect(503);
    assert_eq!(answer.headers["retry-after"], "2");
    let sentence = "The disk has less than 1099511627776 MB left (engine.min_free_mb).";
    assert_eq!(answer.refused(503, "busy"), sentence);
    assert_eq!(detail(&client, TOKEN)["webhook_inbox"]["pending"], 0);
}

#[test]
fn all_connectors_together_hold_so_many_requests() {
    let server = created(|config| config.webhook.max_pending = 4);
    let client = server.client();
    operate(&server, &detail(&client, TOKEN));
    let hooks = ["Second", "Third"].map(|name| {
        let new = json!({"name": name, "custom_object": "orders", "connector_type": "webhook"});
        let made = client.post("/api/smart-connectors", &new).created();
        operate(&server, &made);
        format!("{}/webhook", path(&name.to_lowercase()))
    });
    for at in [&hook(""), &hook(""), &hooks[0], &hooks[0]] {
        client.post(at, &json!({})).expect(201);
    }
    // This one holds none itself.
    let sentence = client.post(&hooks[1], &json!({})).refused(503, "busy");
    assert!(sentence.contains("webhook.max_pending = 4"), "{sentence}");
    assert_eq!(detail(&client, "third")["webhook_inbox"]["pending"], 0);
}

#[test]
fn a_batch_is_closed_early_when_it_is_large() {
    let server = ready(|config| {
        config.webhook.max_batch_mb = 1;
        config.webhook.max_body_kb = 1024;
    });
    let client = server.client();
    for number in ["A", "B"] {
        client.post(&hook(""), &json!({"number": number, "pad": "x".repeat(700 * 1024)})).expect(201);
    }
    // Together they are too large, so the first one goes alone; the second one waits for its own window.
    let first = until("the full batch", || runs(&client).first().cloned());
    assert_eq!(input(&client, &first).len(), 1);
    let second = flushed(&client, 2);
    let body = &input(&client, &second)[0][3];
    assert!(body.starts_with("{\"number\":\"B\""), "{}", &body[..40]);
    assert_eq!(runs(&client).len(), 2);
}
