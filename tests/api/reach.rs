//! What a key does not reach, asked for by every way that names it.

use chrono::{TimeDelta, TimeZone as _, Utc};
use serde_json::{Value as Json, json};
use smartconnector::clock::Clock;

use crate::{
    files::other_member,
    run::{Shop, TOKEN},
    support::{
        Answer, TestServer,
        journey::{self, detail, draft_path, path, text},
    },
};

#[test]
fn a_key_is_good_until_it_expires() {
    let start = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
    let clock = Clock::fixed(start);
    let server = TestServer::at(clock.clone(), |_| {});
    let client = server.client();
    let past = json!({"name": "x", "role": "viewer", "expires_at": "2026-05-01T12:00:00Z"});
    assert!(client.post("/api/api-keys", &past).refused(400, "invalid").contains("expires_at"));
    let body = json!({"name": "x", "role": "viewer", "expires_at": "2026-05-02T00:00:00+02:00"});
    let made = client.post("/api/api-keys", &body).created();
    assert_eq!((&made["expires_at"], &made["last_used_at"]), (&json!("2026-05-01T22:00:00Z"), &Json::Null));
    let viewer = crate::support::Client { key: text(&made["secret"]).to_owned(), ..client.clone() };
    clock.set(start + TimeDelta::hours(9));
    viewer.get("/api/custom-objects").ok();
    let keys = client.get("/api/api-keys").ok();
    let row = journey::row(&keys["results"], "id", text(&made["id"]));
    assert_eq!(row["last_used_at"], "2026-05-01T21:00:00Z");
    clock.set(start + TimeDelta::hours(10));
    viewer.get("/api/custom-objects").refused(401, "invalid_credentials");
}

#[test]
fn keys_are_paged() {
    let server = TestServer::start();
    let client = server.client();
    for name in ["a", "b"] {
        client.post("/api/api-keys", &json!({"name": name, "role": "viewer"})).created();
    }
    let page = client.get("/api/api-keys?page_size=2").ok();
    assert_eq!((&page["count"], page["results"].as_array().unwrap().len()), (&json!(3), 2));
    let next = client.get(text(&page["next"])).ok();
    assert_eq!((next["results"].as_array().unwrap().len(), &next["next"]), (1, &Json::Null));
    client.get("/api/api-keys?page=0").refused(400, "invalid");
    client.get("/api/api-keys?nmae=a").refused(400, "invalid");
}

#[test]
fn a_limited_key_sees_no_people_keys_records_and_groups() {
    let shop = Shop::new();
    journey::object(&shop.client, "secret", &[]);
    let id = text(&detail(&shop.client, TOKEN)["id"]).to_owned();
    let limited = shop.server.client_as("admin", Some(&[&id]));
    let search = json!({"query": [], "and": true});
    let calls = [
        limited.get("/api/team/typeahead"),
        limited.get("/api/team"),
        limited.get("/api/api-keys"),
        limited.get("/api/events"),
        limited.post("/api/records/orders/search", &search),
        limited.get("/api/records/orders/lookup?identifier=1"),
        limited.get("/api/records/orders/export"),
        limited.get("/api/custom-objects/orders/filter-groups"),
        limited.get("/api/backup"),
    ];
    for call in calls {
        call.refused(403, "permission_required");
    }
    // Names of objects and fields, to configure with.
    limited.get("/api/custom-objects?custom_only=false").ok();
    limited.get("/api/custom-objects/secret/fields").ok();
    // But no object that its connectors do not use.
    let mut flow = detail(&shop.client, TOKEN)["flow"].clone();
    flow["loads"][0]["custom_object"] = json!(journey::object_id(&shop.client, "secret"));
    let before = detail(&shop.client, TOKEN);
    let refused = limited.patch(&path(TOKEN), &json!({ "flow": flow }));
    assert!([400, 403].contains(&refused.status.as_u16()), "{}", refused.text());
    assert_eq!(detail(&shop.client, TOKEN)["flow"], before["flow"]);
}

#[test]
fn somebody_elses_file_does_not_exist() {
    let shop = Shop::new();
    let other = other_member(&shop.server, "editor");
    let mine = other_member(&shop.server, "editor");
    let file = other.send_file("theirs.csv", b"Number,E-Mail,Total\n9,,9\n")["id"].clone();
    let before = detail(&shop.client, TOKEN);
    let (connector, draft) = (path(TOKEN), draft_path(&before));
    let body = json!({ "source_file_id": file });
    let mut config = before["last_draft_script"]["config_metadata"].clone();
    config["input_tables"][0]["file_id"] = file.clone();
    let calls: [(&str, Answer); 6] = [
        ("reference", mine.patch(&connector, &body)),
        ("template", mine.post(&format!("{connector}/get-file-template"), &body)),
        ("sample", mine.post(&format!("{draft}/start"), &body)),
        ("config", mine.patch(&draft, &json!({ "config_metadata": config }))),
        (
            "start",
            mine.post(
                &format!("{connector}/start-connector-flow"),
                &json!({"is_dry_run": true, "source_file_id": file}),
            ),
        ),
        ("package", mine.get(&format!("{connector}/dev-package?source_file_id={}", text(&file)))),
    ];
    for (what, answer) in calls {
        let detail = answer.refused(400, "does_not_exist");
        assert!(detail.contains("file_id"), "{what}: {detail}");
    }
    assert_eq!(detail(&shop.client, TOKEN), before);
    other.patch(&connector, &body).ok();
}

#[test]
fn the_same_reference_file_again_keeps_the_sample() {
    let shop = Shop::new();
    let before = journey::sample(&shop.client, TOKEN);
    assert_eq!(before["last_draft_script"]["sample_is_stale"], false);
    let again = shop.patch(&json!({"source_file_id": before["source_file"]["id"]}));
    assert_eq!(again["last_draft_script"], before["last_draft_script"]);
    let other = shop.client.send_file("other.csv", b"Number,E-Mail,Total\n9,,9\n");
    let after = shop.patch(&json!({"source_file_id": other["id"]}));
    assert_eq!(after["last_draft_script"]["sample_is_stale"], true);
}

#[test]
fn settings_are_taken_when_a_connector_is_made() {
    let server =
        TestServer::with(|config| config.notify.allowed_hosts = vec!["hooks.example.org".to_owned()]);
    let client = server.client();
    journey::object(&client, "orders", &[]);
    let mut body = json!({"name": "Told", "custom_object": "orders", "connector_type": "spreadsheet",
        "integration_secrets": [],
        "notification_settings": {"on": ["failed"], "webhook_url": "https://hooks.example.org/x",
            "signing_secret": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}});
    let made = client.post("/api/smart-connectors", &body).created();
    assert_eq!(made["notification_settings"]["on"], json!(["failed"]));
    assert_eq!(made["notification_settings"]["webhook_url"], "https://hooks.example.org/x");
    assert!(!made.to_string().contains("MDEyMzQ1"), "{made}");
    body["name"] = json!("Untold");
    body["notification_settings"]["webhook_url"] = json!("https://evil.example/x");
    client.post("/api/smart-connectors", &body).refused(400, "invalid");
    body["notification_settings"] = json!({});
    body["integration_secrets"] = json!(["x"]);
    let detail = client.post("/api/smart-connectors", &body).refused(400, "invalid");
    assert!(detail.starts_with("integration_secrets: "), "{detail}");
}

#[test]
fn the_script_of_a_run_is_a_draft_or_live() {
    let shop = Shop::new();
    let first = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n");
    journey::publish(
        &shop.client,
        TOKEN,
        "CREATE TABLE output.orders AS SELECT 1 AS number, 2 AS mail, 3 AS total",
    );
    let script =
        shop.client.get(&format!("{}/executions/{}/sql-script", path(TOKEN), text(&first["id"]))).ok();
    assert_eq!(script["status"], "live");
    assert!(text(&script["user_script"]).contains("rowid AS _line"), "{script}");
}

#[test]
fn what_is_configured_and_deleted_is_told() {
    let server = TestServer::start();
    let client = server.client();
    let object = journey::object(&client, "orders", &[]);
    let base = format!("/api/custom-objects/{object}");
    client.patch(&base, &json!({"object_name": "All orders"})).ok();
    let body = json!({"display_name": "Total", "field_type": "decimal"});
    let field =
        format!("{base}/fields/{}", text(&client.post(&format!("{base}/fields"), &body).created()["id"]));
    client.patch(&field, &json!({"is_required": true})).ok();
    let body = json!({"name": "Everything", "config": {"query": []}});
    let group = client.post(&format!("{base}/filter-groups"), &body).created();
    let group = format!("{base}/filter-groups/{}", text(&group["id"]));
    client.patch(&group, &json!({"name": "All"})).ok();
    let record = json!({"fields": [{"name": "name", "value": "A"}, {"name": "total", "value": 1}]});
    let record = client.post("/api/records/orders/add", &record).created();
    client.delete(&format!("/api/records/orders/{}", text(&record["id"]))).expect(204);
    client.delete(&group).expect(204);
    let editor = server.client_as("editor", None);
    editor.delete(&field).refused(403, "permission_required");
    client.delete(&field).expect(204);
    let told = |kind: &str| -> String {
        let rows = client.get(&format!("/api/events?ordering=created&event_type={kind}")).ok();
        let messages = rows["results"].as_array().unwrap().iter().map(|row| text(&row["message"]).to_owned());
        messages.collect::<Vec<_>>().join("\n")
    };
    for (kind, words) in [
        (
            "created",
            ["The object The orders (orders)", "The field orders.total", "The filter group \"Everything\""],
        ),
        ("edited", ["The object All orders (orders)", "The field orders.total", "The filter group \"All\""]),
        ("deleted", ["The record", "The filter group \"All\"", "The field orders.total"]),
    ] {
        let told = told(kind);
        for word in words {
            assert!(told.contains(word), "{kind}: {word}: {told}");
        }
    }
}

#[test]
fn a_field_may_become_required_and_unique() {
    let server = TestServer::start();
    let client = server.client();
    journey::object(&client, "orders", &[json!({"name": "code", "field_type": "text"})]);
    let rows = client.get("/api/custom-objects/orders/fields").ok();
    let field =
        format!("/api/custom-objects/orders/fields/{}", text(&journey::row(&rows, "name", "code")["id"]));
    let add = |name: &str, code: Json| {
        let body = json!({"fields": [{"name": "name", "value": name}, {"name": "code", "value": code}]});
        client.post("/api/records/orders/add", &body)
    };
    let second = add("a", json!("x")).created();
    let twin = add("b", json!("x")).created();
    let refused = client.patch(&field, &json!({"is_unique": true}));
    assert!([400, 409].contains(&refused.status.as_u16()), "{}", refused.text());
    client.delete(&format!("/api/records/orders/{}", text(&twin["id"]))).expect(204);
    assert_eq!(
        client.patch(&field, &json!({"is_unique": true, "is_required": true})).ok()["is_required"],
        true
    );
    add("c", json!("x")).refused(400, "unique");
    add("c", Json::Null).refused(400, "required");
    assert_eq!(client.get(&format!("/api/records/orders/{}", text(&second["id"]))).ok()["id"], second["id"]);
}

#[test]
fn a_decimal_written_as_text_comes_back_exactly() {
    let server = TestServer::start();
    let client = server.client();
    journey::object(&client, "orders", &[json!({"name": "total", "field_type": "decimal"})]);
    let add = |value: Json| {
        let body = json!({"fields": [{"name": "name", "value": "A"}, {"name": "total", "value": value}]});
        client.post("/api/records/orders/add", &body)
    };
    let shown = |value: Json| {
        let made = add(value).created();
        let fields = made["fields"].as_object().unwrap();
        fields.values().find(|field| field["name"] == "total").unwrap()["value"].clone()
    };
    assert_eq!(shown(json!("0.5")), json!(0.5));
    assert_eq!(shown(json!("12")), json!(12));
    assert_eq!(shown(json!("0.1")).to_string(), "0.1");
    assert_eq!(shown(json!("-123456789012.345")).to_string(), "-123456789012.345");
    // Kept are fifteen digits, and never others than those that were written.
    add(json!("1234567890123.456")).refused(400, "invalid");
}

#[test]
fn members_are_found_as_somebody_types() {
    let server = TestServer::start();
    let client = server.client();
    let body =
        json!({"email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace", "role": "viewer"});
    let ada = client.post("/api/team", &body).created();
    for typed in ["ada", "LOVE", "example.org", "Ada%20L"] {
        let found = client.get(&format!("/api/team/typeahead?search={typed}&page_size=25")).ok();
        assert_eq!((&found["count"], &found["results"][0]["id"]), (&json!(1), &ada["id"]), "{typed}");
    }
    assert_eq!(client.get("/api/team/typeahead?search=nobody").ok()["count"], 0);
}
