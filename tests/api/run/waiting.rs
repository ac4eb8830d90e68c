//! What waits, what starts it, and what the connector's status makes of failures.

use serde_json::{Value as Json, json};

use super::{SQL, Shop, TOKEN};
use crate::support::{
    journey::{self, detail, path, run_ended, run_is, text, upload},
    until,
};

const CSV: &[u8] = b"Number,E-Mail,Total\n1,,1\n";
/// Endless for a total of `endless`.
pub const MAY_HANG: &str = "CREATE TABLE output.orders AS
SELECT rowid AS _line, number, e_mail AS mail, CASE WHEN total = 'endless' THEN
    (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)
    ELSE total END AS total FROM input.orders_csv;
";
const ENDLESS: &[u8] = b"Number,E-Mail,Total\n1,,endless\n";

fn send(shop: &Shop, csv: &[u8]) -> String {
    text(&upload(&shop.client, TOKEN, "a.csv", csv, &[]).created()["execution_id"]).to_owned()
}

#[test]
fn a_live_run_in_setup_waits_with_a_warning_until_activation() {
    let shop = Shop::in_setup(|_| {}, SQL);
    let sent = upload(&shop.client, TOKEN, "a.csv", CSV, &[]).created();
    let warning = "The connector is setup; this execution starts when it is activated.";
    assert_eq!((&sent["status"], &sent["warning"]), (&json!("queued"), &json!(warning)));
    let id = text(&sent["execution_id"]);
    // A dry run does not wait, and passes the one that does.
    let dry = journey::start(&shop.client, TOKEN, true);
    assert_eq!(run_ended(&shop.client, TOKEN, &dry)["status"], "success");
    let waiting = journey::execution(&shop.client, TOKEN, id);
    assert_eq!((&waiting["status"], &waiting["warning"]), (&json!("queued"), &json!(warning)));
    assert_eq!(waiting["queue_position"], 0);
    let active = journey::activate(&shop.client, TOKEN);
    assert_eq!((&active["status"], &active["api_name"]), (&json!("operational"), &json!(TOKEN)));
    let ended = run_ended(&shop.client, TOKEN, id);
    assert_eq!((&ended["status"], &ended["warning"]), (&json!("success"), &Json::Null));
    assert_eq!(shop.orders().len(), 1);
}

#[test]
fn deactivation_cancels_what_runs_and_keeps_what_waits() {
    let shop = Shop::with(|_| {}, MAY_HANG);
    let (running, waiting) = (send(&shop, ENDLESS), send(&shop, CSV));
    run_is(&shop.client, TOKEN, &running, "in_progress");
    shop.patch(&json!({"status": "inactive"}));
    run_is(&shop.client, TOKEN, &running, "cancelled");
    let row = journey::execution(&shop.client, TOKEN, &waiting);
    assert_eq!(row["status"], "queued");
    assert_eq!(row["warning"], "The connector is inactive; this execution starts when it is activated.");
    let active = shop.patch(&json!({"status": "operational"}));
    assert_eq!(active["queued_executions"][0]["id"], waiting.as_str());
    assert_eq!(run_ended(&shop.client, TOKEN, &waiting)["status"], "success");
}

#[test]
fn one_at_a_time_or_none() {
    let shop = Shop::with(|config| config.runner.workers = 3, MAY_HANG);
    assert_eq!(detail(&shop.client, TOKEN)["max_concurrency"], 1);
    let (first, second) = (send(&shop, ENDLESS), send(&shop, CSV));
    run_is(&shop.client, TOKEN, &first, "in_progress");
    assert_eq!(journey::execution(&shop.client, TOKEN, &second)["status"], "queued");
    assert_eq!(journey::execution(&shop.client, TOKEN, &second)["queue_position"], 0);
    // Two may run now: the second passes the first.
    shop.patch(&json!({"max_concurrency": 2}));
    assert_eq!(run_ended(&shop.client, TOKEN, &second)["status"], "success");
    assert_eq!(journey::execution(&shop.client, TOKEN, &first)["status"], "in_progress");

    shop.patch(&json!({"max_concurrency": 0}));
    let cancel = format!("{}/executions/{first}/cancel", path(TOKEN));
    shop.client.post_empty(&cancel).expect(202);
    run_is(&shop.client, TOKEN, &first, "cancelled");
    let third = send(&shop, CSV);
    // Another connector's run would be next: nothing starts here although workers are free.
    let dry = send_dry(&shop);
    for id in [&third, &dry] {
        assert_eq!(journey::execution(&shop.client, TOKEN, id)["status"], "queued");
    }
    shop.patch(&json!({"max_concurrency": 1}));
    for id in [&third, &dry] {
        assert_eq!(run_ended(&shop.client, TOKEN, id)["status"], "success");
    }
}

fn send_dry(shop: &Shop) -> String {
    let sent = upload(&shop.client, TOKEN, "a.csv", CSV, &[("is_dry_run", "true")]).created();
    text(&sent["execution_id"]).to_owned()
}

#[test]
fn three_failures_in_a_row_need_attention_and_a_success_heals() {
    let shop = Shop::new();
    let status = || detail(&shop.client, TOKEN)["status"].clone();
    let fails = "Number\n1\n";
    for _ in 0..2 {
        assert_eq!(shop.run("a.csv", fails)["status"], "failed");
    }
    // Dry runs don't count, one way or the other.
    assert_eq!(shop.run_with("a.csv", fails, &[("is_dry_run", "true")])["status"], "failed");
    assert_eq!(status(), "operational");
    assert_eq!(shop.run("a.csv", fails)["status"], "failed");
    until("need_attention", || (status() == "need_attention").then_some(()));
    assert_eq!(journey::activate(&shop.client, TOKEN)["status"], "operational");
    assert_eq!(shop.run("a.csv", fails)["status"], "failed");
    until("need_attention", || (status() == "need_attention").then_some(()));
    let active = shop.client.get("/api/smart-connectors?active=true").ok();
    assert_eq!(active["results"][0]["status"], "need_attention");
    assert_eq!(shop.run("a.csv", std::str::from_utf8(CSV).unwrap())["status"], "success");
    until("operational", || (status() == "operational").then_some(()));
}

#[test]
fn a_live_run_needs_a_published_script() {
    let shop = Shop::in_setup(|_| {}, SQL);
    let client = &shop.client;
    journey::create(client, "orders", "Second");
    journey::set_input(client, "second", "b.csv", CSV);
    let refusal = "The connector has no published script. Publish one first.";
    assert_eq!(upload(client, "second", "a.csv", CSV, &[]).refused(400, "invalid"), refusal);
    let start = format!("{}/start-connector-flow", path("second"));
    assert_eq!(client.post(&start, &json!({"is_dry_run": false})).refused(400, "invalid"), refusal);
    // A dry run takes the draft then.
    let started = client.post(&start, &json!({"is_dry_run": true})).ok();
    assert_eq!(run_ended(client, "second", text(&started["execution_id"]))["status"], "success");
    client.post(&start, &json!({"is_dry_run": false, "use_draft": true})).refused(400, "invalid");
}

#[test]
fn a_step_that_lost_its_matching_rule_loads_nothing() {
    let shop = Shop::new();
    let detail = journey::detail(&shop.client, TOKEN);
    let kept: Vec<Json> = detail["execution_variables"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|variable| variable["name"] != "Number")
        .cloned()
        .collect();
    shop.patch(&json!({ "execution_variables": kept }));
    for _ in 0..2 {
        let run = shop.run("orders.csv", "Number,E-Mail,Total\n1,ada@example.org,2.50\n");
        assert_eq!(run["status"], "failed", "{run}");
        assert_eq!(
            run["error_details"],
            "Load step 1 (orders) has no matching rule: configure it before it runs."
        );
    }
    assert!(shop.orders().is_empty());
}

#[test]
fn the_connectors_own_time_limit_stops_the_script_of_a_run() {
    let shop = Shop::with(|_| {}, MAY_HANG);
    shop.patch(&json!({"timeout_s": 1}));
    let hung = run_ended(&shop.client, TOKEN, &send(&shop, ENDLESS));
    assert_eq!(hung["status"], "failed", "{hung}");
    let details = text(&hung["error_details"]);
    assert!(
        details.starts_with("Query execution time limit exceeded (1 s). Stopped in statement 1")
            && details.ends_with("; the limit is timeout_s of the connector."),
        "{details}"
    );
    // Others go on.
    assert_eq!(run_ended(&shop.client, TOKEN, &send(&shop, CSV))["status"], "success");
}
