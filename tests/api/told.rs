//! What rows tell of times and use, and how lists are asked for a part of it.

use chrono::{TimeDelta, TimeZone as _, Utc};
use serde_json::{Value as Json, json};
use smartconnector::clock::Clock;

use crate::{
    run::{SQL, Shop, TOKEN},
    support::{
        Client, TestServer,
        configure::{configure, maps, matches, step, variable},
        journey::{self, detail, path, text},
    },
};

const CSV: &str = "Number,E-Mail,Total\n1,,1\n2,,x\n";

fn count(client: &Client, path: &str) -> Json {
    client.get(path).ok()["count"].clone()
}

#[test]
fn times_are_those_of_the_workspace() {
    let shop = Shop::with(|config| config.workspace.timezone = "Asia/Kolkata".to_owned(), SQL);
    let run = shop.run("a.csv", CSV);
    let client = &shop.client;
    let connector = detail(client, TOKEN);
    let events = client.get(&format!("{}/events-history", path(text(&connector["id"])))).ok();
    let keys = client.get("/api/api-keys").ok();
    let listed = client.get("/api/smart-connectors").ok();
    for time in [
        &connector["created"],
        &connector["updated"],
        &connector["last_used_at"],
        &connector["last_draft_script"]["created"],
        &listed["results"][0]["created"],
        &run["created"],
        &run["started_at"],
        &run["ended_at"],
        &events["results"][0]["created"],
        &keys["results"][0]["created"],
        &keys["results"][0]["last_used_at"],
    ] {
        assert!(text(time).ends_with("+05:30"), "{time}");
    }
    assert!(run["duration_ms"].is_number(), "{run}");
}

#[test]
fn runs_are_counted_and_steps_tell_of_the_last_one() {
    let shop = Shop::new();
    let before = detail(&shop.client, TOKEN);
    assert_eq!((&before["stats"], &before["last_used_at"]), (&json!({"used_count": 0}), &Json::Null));
    assert_eq!(before["flow"]["loads"][0]["stats"], json!({"last_run": null}));
    let first = shop.run("a.csv", CSV);
    shop.run_with("b.csv", CSV, &[("is_dry_run", "true")]);
    let after = detail(&shop.client, TOKEN);
    assert!(after["last_used_at"].is_string());
    assert!(after["stats"]["used_count"].as_u64() >= Some(1), "{}", after["stats"]);
    let stats = &after["flow"]["loads"][0]["stats"]["last_run"];
    assert_eq!((&stats["execution_id"], &stats["ended_at"]), (&first["id"], &first["ended_at"]));
    assert_eq!(
        (&stats["rows"], &stats["created"], &stats["errors"]),
        (&json!(2), &json!(1), &json!(1)),
        "{stats}"
    );
    // It is sent back as it was read.
    shop.patch(&json!({"flow": after["flow"]}));
    assert_eq!(detail(&shop.client, TOKEN)["flow"], after["flow"]);
}

#[test]
fn executions_are_found_by_file_error_and_time() {
    let shop = Shop::new();
    shop.run("April.csv", CSV);
    let failed = shop.run("May.csv", "Number\n1\n");
    assert_eq!(failed["status"], "failed");
    let list = format!("{}/executions", path(TOKEN));
    let found = |query: &str| count(&shop.client, &format!("{list}?{query}"));
    assert_eq!(
        (found("search=april"), found("search=may.csv"), found("search=June")),
        (json!(1), json!(1), json!(0))
    );
    let word = text(&failed["error_details"]).split(' ').next_back().unwrap().to_owned();
    let search = shop.client.request(reqwest::Method::GET, &list).query(&[("search", word)]);
    assert_eq!(crate::support::Answer::of("search", search).ok()["results"][0]["id"], failed["id"]);
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    for (query, expected) in [
        (format!("created_after={}", day(-1)), 2),
        (format!("created_after={}", day(2)), 0),
        (format!("created_before={}", day(2)), 2),
        (format!("created_before={}", day(-1)), 0),
    ] {
        assert_eq!(found(&query), expected, "{query}");
    }
    shop.client.get(&format!("{list}?created_after=yesterday")).refused(400, "invalid");
    let all = shop.client.get("/api/executions").ok();
    let connector = detail(&shop.client, TOKEN);
    assert_eq!(
        all["results"][0]["connector"],
        json!({"id": connector["id"], "api_name": TOKEN, "name": "Shop Orders"})
    );
}

#[test]
fn events_are_found_by_time_and_by_id_only() {
    let clock = Clock::fixed(Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap());
    let server = TestServer::at(clock.clone(), |_| {});
    let client = server.client();
    journey::object(&client, "orders", &[]);
    let made = journey::create(&client, "orders", "Dated");
    let (id, name) = (text(&made["id"]), text(&made["api_name"]));
    clock.set(Utc.with_ymd_and_hms(2026, 5, 3, 12, 0, 0).unwrap());
    client.patch(&path(id), &json!({"description": "x"})).ok();
    let kinds = |query: &str| -> Vec<String> {
        let rows = client.get(&format!("{}/events-history?ordering=created{query}", path(id))).ok();
        rows["results"].as_array().unwrap().iter().map(|row| text(&row["event_type"]).to_owned()).collect()
    };
    assert_eq!(kinds(""), ["created", "edited"]);
    assert_eq!(kinds("&date_from=2026-05-02"), ["edited"]);
    assert_eq!(kinds("&date_to=2026-05-02"), ["created"]);
    assert_eq!(kinds("&date_from=2026-05-03T12:00:01Z"), [""; 0]);
    client.get(&format!("{}/events-history", path(name))).refused(404, "not_found");
    client.get(&format!("{}/events-history?date_from=x", path(id))).refused(400, "invalid");
}

#[test]
fn lists_of_connectors_know_which_run() {
    let shop = Shop::new();
    journey::create(&shop.client, "orders", "Second");
    let names = |query: &str| -> Vec<Json> {
        let rows = shop.client.get(&format!("/api/smart-connectors?{query}")).ok();
        rows["results"].as_array().unwrap().iter().map(|row| row["api_name"].clone()).collect()
    };
    assert_eq!((names("active=true"), names("active=false")), (vec![json!(TOKEN)], vec![json!("second")]));
    let taken = shop.client.patch(&path("second"), &json!({"api_name": TOKEN})).expect(400).json();
    assert_eq!(
        (&taken["code"], &taken["errors"]["api_name"][0]["code"]),
        (&json!("unique"), &json!("unique"))
    );
    assert!(text(&taken["detail"]).contains("api_name"), "{taken}");
}

#[test]
fn deleting_a_connector_cancels_what_waits_and_keeps_the_records() {
    let shop = Shop::new();
    shop.run("a.csv", CSV);
    shop.patch(&json!({"max_concurrency": 0}));
    let waits = journey::upload(&shop.client, TOKEN, "b.csv", CSV.as_bytes(), &[]).created();
    let id = text(&waits["execution_id"]);
    assert_eq!(journey::execution(&shop.client, TOKEN, id)["status"], "queued");
    shop.client.delete(&path(TOKEN)).expect(204);
    shop.client.get(&format!("{}/executions/{id}", path(TOKEN))).refused(404, "not_found");
    assert_eq!(count(&shop.client, "/api/executions?include_dry_run=true"), 0);
    assert_eq!(shop.orders().len(), 1);
}

#[test]
fn contacts_are_activated_with_their_email() {
    let server = TestServer::start();
    let client = server.client();
    journey::create(&client, "client_client", "People");
    journey::set_input(&client, "people", "people.csv", b"mail,first\na@example.org,Ada\n");
    let variables = [
        variable("Mail", "email", "client_client", "mail"),
        variable("First", "string", "client_client", "first"),
    ];
    let with = |mapping: Json| {
        let rules = json!([matches("email", "Mail")]);
        configure(
            &client,
            "people",
            &variables,
            &[step("client_client", "client_client", None, rules, mapping)],
        );
        client.patch(&path("people"), &json!({"status": "operational"}))
    };
    let refused = with(json!([maps("first_name", "First")])).refused(400, "invalid");
    assert!(refused.contains("without fully configuring each load step."), "{refused}");
    assert_eq!(
        with(json!([maps("first_name", "First"), maps("email", "Mail")])).ok()["status"],
        "operational"
    );
}

#[test]
fn an_automation_is_kept_echoed_and_warned_of() {
    let shop = Shop::new();
    let mut flow = detail(&shop.client, TOKEN)["flow"].clone();
    flow["loads"][0]["newly_created_records_automations"] = json!(["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"]);
    flow["loads"][0]["automation_trigger_config"] = json!("fire_all");
    let after = shop.patch(&json!({ "flow": flow }));
    for key in ["newly_created_records_automations", "automation_trigger_config"] {
        assert_eq!(after["flow"]["loads"][0][key], flow["loads"][0][key]);
    }
    let id = text(&after["id"]);
    let events = shop.client.get(&format!("{}/events-history?event_type=warning", path(id))).ok();
    assert!(text(&events["results"][0]["message"]).contains("automations"), "{events}");
}

#[test]
fn a_failed_run_that_wrote_records_keeps_its_report() {
    let shop = Shop::with(|config| config.runner.batch_rows = 1, SQL);
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON record_orders WHEN NEW.name = 'trap'
        BEGIN SELECT RAISE(ABORT, 'sprung'); END";
    shop.server.app.store.records.write(|tx| Ok(tx.execute_batch(trap)?)).unwrap();
    let failed = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\ntrap,,2\n3,,3\n");
    assert_eq!((&failed["status"], &failed["totals"]["created"]), (&json!("failed"), &json!(1)), "{failed}");
    assert!(failed["input_file"].is_object() && failed["sql_output_zip"].is_object(), "{failed}");
    shop.client.download(text(&failed["final_report"]["url"])).expect(200);
    let again = format!("{}/executions/{}/rerun", path(TOKEN), text(&failed["id"]));
    shop.server.app.store.records.write(|tx| Ok(tx.execute_batch("DROP TRIGGER trap")?)).unwrap();
    let run = shop.client.post(&again, &json!({"disable_diff_check": true})).created();
    let run = journey::run_ended(&shop.client, TOKEN, text(&run["id"]));
    assert_eq!((&run["disable_diff_check"], &run["totals"]["created"]), (&json!(true), &json!(2)), "{run}");
}
