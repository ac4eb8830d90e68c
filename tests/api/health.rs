//! What those who watch the server are told.

use serde_json::json;

use crate::{
    run::{Shop, TOKEN},
    support::{
        Answer, TestServer, http,
        journey::{self, path, text},
    },
    webhook::operate,
};

#[test]
fn the_probes_need_no_key_and_no_known_host() {
    let server = TestServer::start();
    for (path, expected) in [
        ("/healthz", json!({"status": "ok"})),
        (
            "/readyz",
            json!({"status": "ready",
                "checks": {"server": "ok", "migrations": "ok", "disk": "ok", "store": "ok"}}),
        ),
    ] {
        let ask = http().get(format!("{}{path}", server.url)).header("Host", "10.0.0.7:8080");
        let answer = Answer::of(path, ask);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.ok(), expected);
    }
}

#[test]
fn it_is_not_ready_while_the_disk_is_full_or_it_stops() {
    let server = TestServer::start();
    let client = server.client();
    server.app.store.disk.found_full();
    let told = client.get("/readyz").expect(503).json();
    assert_eq!(told["status"], "not_ready");
    assert_eq!(told["checks"]["disk"], "The disk is full: writing is refused.");
    assert_eq!(told["checks"]["store"], "ok");
    client.get("/healthz").ok();

    server.app.runner.stop(std::time::Duration::ZERO);
    let told = client.get("/readyz").expect(503).json();
    assert_eq!(told["checks"]["server"], "The server is stopping.");
}

#[test]
fn while_the_disk_is_full_reading_goes_on_and_writing_is_told_when_to_come_back() {
    let server = TestServer::start();
    let client = server.client();
    journey::object(&client, "orders", &[]);
    let new = json!({"name": "x", "role": "viewer"});
    // The mark stays for half a second before anybody looks at the disk again.
    server.app.store.disk.found_full();
    let refused = client.post("/api/api-keys", &new).expect(503);
    assert_eq!(refused.headers["retry-after"], "30");
    assert!(refused.refused(503, "busy").contains("disk is full"));
    client.get("/api/custom-objects").ok();
    // This disk has space: it goes on by itself.
    crate::support::until("writing goes on", || {
        (client.post("/api/api-keys", &new).status.as_u16() == 201).then_some(())
    });
    assert!(server.dir.path().join("reserve").metadata().unwrap().len() >= 32 * 1024 * 1024);
}

#[test]
fn metrics_count_requests_runs_and_rows() {
    let server = TestServer::start();
    let client = server.client();
    Answer::of("metrics", http().get(format!("{}/metrics", server.url))).refused(401, "missing_credentials");
    server.client_as("sender", None).get("/metrics").refused(403, "permission_required");

    journey::object(&client, "orders", &[]);
    journey::create(&client, "orders", "Shop Orders");
    journey::set_input(&client, "shop_orders", "orders.csv", b"Number\n1\n");
    client.get("/api/no-such-path").expect(404);
    let id = journey::start(&client, "shop_orders", true);
    journey::run_ended(&client, "shop_orders", &id);

    let text = client.get("/metrics").expect(200).text();
    let value = |line: &str| -> i64 {
        let found = text.lines().find_map(|found| found.strip_prefix(line));
        found.unwrap_or_else(|| panic!("no {line} in\n{text}")).trim().parse().unwrap()
    };
    let by_route = "smartconnector_http_requests_total{method=\"GET\",route=\"/api/smart-connectors/{connector}\",status=\"200\"}";
    assert!(value(by_route) > 0);
    assert!(value("smartconnector_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}") > 0);
    assert!(!text.contains("no-such-path") && !text.contains("shop_orders"));
    assert_eq!(value("smartconnector_queue_length"), 0);
    assert_eq!(value("smartconnector_executions_running"), 0);
    assert!(value("smartconnector_disk_bytes{what=\"free\"}") > 0);
    assert!(value("smartconnector_database_bytes{file=\"control.db\"}") > 0);
    assert!(text.contains("smartconnector_wal_bytes{file=\"records.db\"}"));
    assert!(text.contains("smartconnector_executions_ended_total{state="));
    assert!(text.contains("smartconnector_stage_seconds_count{stage=\"smart_connector_input_read\"}"));
}

#[test]
fn metrics_are_open_when_the_configuration_says_so() {
    let server = TestServer::with(|config| config.server.open_metrics = true);
    let text = Answer::of("metrics", http().get(format!("{}/metrics", server.url))).expect(200).text();
    assert!(text.contains("smartconnector_workers 2"), "{text}");
}

#[test]
fn a_stopping_server_takes_no_new_work() {
    let shop = Shop::new();
    let (client, server) = (&shop.client, &shop.server);
    let ran = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n");
    let new = json!({"name": "Hooks", "custom_object": "orders", "connector_type": "webhook"});
    let hooks = client.post("/api/smart-connectors", &new).created();
    operate(server, &hooks);
    let (draft, connector) = (journey::draft_path(&journey::detail(client, TOKEN)), path(TOKEN));
    server.app.runner.stop(std::time::Duration::ZERO);
    for (what, answer) in [
        ("upload", journey::upload(client, TOKEN, "b.csv", b"Number,E-Mail,Total\n2,,2\n", &[])),
        ("start", client.post(&format!("{connector}/start-connector-flow"), &json!({}))),
        ("rerun", client.post(&format!("{connector}/executions/{}/rerun", text(&ran["id"])), &json!({}))),
        ("webhook", client.post(&format!("{}/webhook", path("hooks")), &json!({}))),
        ("sample", client.post(&format!("{draft}/start"), &json!({}))),
        ("preview", client.post(&format!("{draft}/preview"), &json!({}))),
    ] {
        let answer = answer.expect(503);
        assert_eq!(answer.headers["retry-after"], "2", "{what}");
        assert_eq!(answer.refused(503, "busy"), "The server is stopping.", "{what}");
    }
    assert_eq!(client.get(&format!("{connector}/executions")).ok()["count"], 1);
    assert_eq!(journey::detail(client, "hooks")["webhook_inbox"]["pending"], 0);
}
