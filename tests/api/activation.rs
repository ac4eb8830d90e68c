//! Going operational and inactive, and what that does to runs that wait.

use std::time::{Duration, Instant};

use serde_json::json;
use smartconnector::{
    execution::{State, TriggerType},
    service::{
        execution::{self, NewRun},
        session::{self, Credentials},
    },
    store,
};

use crate::{flow::Fixture, setup::sampled};

#[test]
fn activation_needs_variables_and_complete_steps() {
    let f = Fixture::new();
    let activate = || f.client.patch(&f.path, &json!({"status": "operational"}));
    let none = "status: Can't activate the SmartConnector flow without execution variables.";
    let incomplete =
        "status: Can't activate the SmartConnector flow without fully configuring each load step.";
    assert_eq!(activate().refused(400, "invalid"), none);
    let variables = f.variables();
    assert_eq!(activate().refused(400, "invalid"), incomplete);
    for key in ["matching_rules", "field_mapping_rules"] {
        let mut step = f.step(&variables);
        step[key] = json!([]);
        f.flow(&json!([step]));
        assert_eq!(activate().refused(400, "invalid"), incomplete);
    }
    let mut unnamed = f.step(&variables);
    unnamed["field_mapping_rules"].as_array_mut().unwrap().remove(0);
    f.flow(&json!([unnamed]));
    assert_eq!(activate().refused(400, "invalid"), incomplete);
    f.flow(&json!([f.step(&variables)]));
    let answer = activate().ok();
    assert_eq!((&answer["status"], &answer["queued_executions"]), (&json!("operational"), &json!([])));
    assert_eq!(f.client.patch(&f.path, &json!({"status": "inactive"})).ok()["status"], "inactive");
    activate().ok();
    let events = f.client.get(&format!("{}/events-history?ordering=created", f.path)).ok();
    let kinds: Vec<_> =
        events["results"].as_array().unwrap().iter().map(|e| e["event_type"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "created");
    assert_eq!(kinds[kinds.len() - 3..], ["activated", "deactivated", "activated"]);
}

#[test]
fn what_waits_is_listed_at_activation_and_can_be_cancelled_with_it() {
    let f = Fixture::new();
    f.flow(&json!([f.step(&f.variables())]));
    let app = &f.server.app;
    let credentials = Credentials { key: Some(f.server.key.clone()), ..Credentials::default() };
    let caller = session::recognise(app, &credentials).unwrap();
    // An empty script passes the file through, so that a live run needs no published one.
    let draft = f.client.get(&f.path).ok()["last_draft_script"]["id"].clone();
    let script = format!("{}/sql-scripts/{}", f.path, draft.as_str().unwrap());
    f.client.patch(&script, &json!({"user_script": ""})).ok();
    f.client.patch(&f.path, &json!({"max_concurrency": 0})).ok();
    let queue = || {
        let new = NewRun {
            trigger: TriggerType::Fileupload,
            input_file: None,
            is_dry_run: false,
            use_draft: false,
            disable_diff_check: false,
            ignore_guard: false,
            sql_parameters: serde_json::Map::new(),
        };
        let name = f.path.rsplit('/').next().unwrap();
        execution::start(app, &caller, name, &new, None).unwrap().id
    };
    let first = queue();
    let answer = f.client.patch(&f.path, &json!({"status": "operational"})).ok();
    assert_eq!(answer["queued_executions"][0]["id"], first.to_string());
    assert!(answer["warning"].as_str().unwrap().contains("1 queued"), "{answer}");
    f.client.patch(&f.path, &json!({"status": "inactive"})).ok();
    let second = queue();
    let answer = f.client.patch(&f.path, &json!({"status": "operational", "cancel_queued": true})).ok();
    assert_eq!(answer["queued_executions"], json!([]));
    for id in [first, second] {
        let found = app.store.control.read(|conn| store::execution::find(conn, id)).unwrap().unwrap();
        assert_eq!(found.state, State::Cancelled);
    }
    assert!(f.client.patch(&f.path, &json!({"description": "x"})).ok().get("queued_executions").is_none());
}

#[test]
fn deactivation_stops_what_runs() {
    let f = Fixture::new();
    f.flow(&json!([f.step(&f.variables())]));
    let draft = f.client.get(&f.path).ok()["last_draft_script"].clone();
    let script = format!("{}/sql-scripts/{}", f.path, draft["id"].as_str().unwrap());
    let endless =
        "CREATE TABLE output.orders AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT max(i) AS number FROM n;";
    f.client.patch(&script, &json!({"user_script": endless})).ok();
    sampled(&f.server, &draft);
    f.client.post_empty(&format!("{script}/publish")).ok();
    f.client.patch(&f.path, &json!({"status": "operational"})).ok();
    let body = json!({"is_dry_run": false});
    let started = f.client.post(&format!("{}/start-connector-flow", f.path), &body).ok();
    let run = format!("{}/executions/{}", f.path, started["execution_id"].as_str().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    let wait = |status: &str| {
        while f.client.get(&run).ok()["status"] != status {
            assert!(Instant::now() < until, "not {status}: {}", f.client.get(&run).ok());
            std::thread::yield_now();
        }
    };
    wait("in_progress");
    let answer = f.client.delete(&f.path).refused(409, "conflict");
    assert!(answer.contains("running execution"), "{answer}");
    let answer = f.client.patch(&f.path, &json!({"status": "inactive"})).ok();
    assert!(answer["warning"].as_str().unwrap().contains("being cancelled"), "{answer}");
    wait("cancelled");
    f.client.delete(&f.path).expect(204);
}
