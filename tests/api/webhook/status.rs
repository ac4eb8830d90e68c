//! What a connector in each status does with webhooks.

use serde_json::{Value as Json, json};

use super::{TOKEN, configured, created, flushed, hook, input, publish, ready, runs, send_order};
use crate::support::{
    Client,
    journey::{activate, detail, path, run_ended, run_is, text},
    until,
};

fn set_status(client: &Client, body: &Json) -> Json {
    client.patch(&path(TOKEN), body).ok()
}

fn statuses(client: &Client) -> Vec<String> {
    runs(client).iter().map(|run| text(&run["status"]).to_owned()).collect()
}

#[test]
fn in_setup_none_is_taken() {
    let server = created(|_| {});
    let client = server.client();
    let sentence = client.post(&hook(""), &json!({})).refused(409, "conflict");
    assert!(sentence.contains("setup"), "{sentence}");
    client.post_empty(&hook("/flush")).refused(409, "conflict");
}

#[test]
fn inactive_they_wait_and_run_after_activation() {
    let server = ready(|config| config.webhook.max_batch_rows = 2);
    let client = server.client();
    set_status(&client, &json!({"status": "inactive"}));
    for n in 0..5 {
        send_order(&client, &n.to_string(), n);
    }
    client.post_empty(&hook("/flush")).refused(409, "conflict");
    let inbox = detail(&client, TOKEN)["webhook_inbox"].clone();
    assert_eq!((&inbox["pending"], &inbox["window_ends_at"]), (&json!(5), &Json::Null));
    assert!(runs(&client).is_empty());
    set_status(&client, &json!({"status": "operational"}));
    // Two full batches at once; the rest when its window closes.
    until("two batches", || (runs(&client).len() == 2).then_some(()));
    let last = flushed(&client, 3);
    assert_eq!(input(&client, &last).len(), 1);
    let all: Vec<_> = runs(&client).iter().map(|run| run_ended(&client, TOKEN, text(&run["id"]))).collect();
    assert!(all.iter().all(|run| run["status"] == "success"), "{all:?}");
    let bodies: Vec<String> =
        all.iter().flat_map(|run| input(&client, run)).map(|row| row[3].clone()).collect();
    let expected: Vec<String> =
        (0..5).map(|n| json!({"number": n.to_string(), "total": n}).to_string()).collect();
    assert_eq!(bodies, expected);
}

#[test]
fn cancelled_ones_stay_as_input_of_cancelled_executions() {
    let server = ready(|_| {});
    let client = server.client();
    set_status(&client, &json!({"status": "inactive"}));
    send_order(&client, "A", 1);
    send_order(&client, "B", 2);
    let answer = set_status(&client, &json!({"status": "operational", "cancel_queued": true}));
    assert!(text(&answer["warning"]).contains("2 waiting webhooks"), "{answer}");
    let run = until("the cancelled execution", || runs(&client).first().cloned());
    let run = run_is(&client, TOKEN, text(&run["id"]), "cancelled");
    assert_eq!((&run["started_at"], input(&client, &run).len()), (&Json::Null, 2));
    assert_eq!(run["cancelled_by"]["id"], server.user_id.as_str());
    send_order(&client, "C", 3);
    assert_eq!(flushed(&client, 2)["status"], "success");
    assert_eq!(statuses(&client), ["cancelled", "success"]);
}

#[test]
fn without_a_published_script_a_batch_waits_and_says_so() {
    let server = created(|_| {});
    let client = server.client();
    configured(&client);
    activate(&client, TOKEN);
    send_order(&client, "A", 1);
    client.post_empty(&hook("/flush")).expect(202);
    let run = until("the batch", || runs(&client).first().cloned());
    assert_eq!(run["status"], "queued");
    assert_eq!(run["warning"], "The connector has no published script. Publish one first.");
    publish(&client);
    assert_eq!(run_ended(&client, TOKEN, text(&run["id"]))["status"], "success");
}

#[test]
fn a_deleted_connector_takes_its_requests_along() {
    let server = ready(|_| {});
    let client = server.client();
    send_order(&client, "A", 1);
    client.delete(&path(TOKEN)).expect(204);
    client.post(&hook(""), &json!({})).refused(404, "not_found");
    let inboxes = || server.app.store.inbox.read(smartconnector::store::inbox::all).unwrap();
    until("the inbox is gone", || inboxes().is_empty().then_some(()));
}
