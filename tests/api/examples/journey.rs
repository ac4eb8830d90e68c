//! The journey: a shop's orders come as files, and later by webhook.

use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use super::recorder::{Recorder, Sent};
use crate::{
    support::{
        configure::{maps, matches, variable, with},
        journey::{activate, detail, draft_path, ended, path, row, run_ended, text, upload},
    },
    webhook,
};

const CONNECTOR: (&str, &str) = ("connector", "orders");
const OBJECT: (&str, &str) = ("object", "orders");
const CSV: &str =
    "Number,E-Mail,Total\nA-1,ada@example.org,12.50\nA-2,bob@example.org,7\nA-3,eve@example.org,three\n";
const SQL: &str = "CREATE TABLE output.orders AS
SELECT rowid AS _line, number, e_mail AS mail, total FROM input.orders_csv;
";
const ENDLESS: &str = "CREATE TABLE output.orders AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS number FROM n;
";

pub fn play(to: &mut Recorder) {
    health(to);
    objects(to);
    records(to);
    groups(to);
    let file = files(to);
    connector(to, &file);
    script(to, &file);
    published(to, &file);
    flow(to);
    let run = run(to);
    watched(to, &run);
    more_runs(to, &run);
    hooks(to);
    copies(to);
    people(to);
    told(to);
    the_end(to);
}

fn health(to: &mut Recorder) {
    for path in ["/healthz", "/readyz", "/metrics", "/api/docs", "/api/docs/schema", "/api/sql-functions"] {
        to.get(path, &[]);
    }
    to.get("/api/activities", &[]);
    let key = to.server.key.clone();
    to.json("POST /api/session", &[], json!({"api_key": key}));
    to.call("DELETE /api/session", &[], &Sent::Nothing);
}

fn objects(to: &mut Recorder) {
    to.json(
        "POST /api/custom-objects",
        &[],
        json!({"object_name": "Orders", "entity_name": "Order", "name": "orders"}),
    );
    to.get("/api/custom-objects", &[("search", "order"), ("page_size", "10")]);
    to.get("/api/custom-objects/{object}", &[OBJECT]);
    to.json("PATCH /api/custom-objects/{object}", &[OBJECT], json!({"object_name": "Shop orders"}));
    let fields = "/api/custom-objects/orders/fields";
    for (name, kind) in [("mail", "email"), ("total", "decimal"), ("note", "text")] {
        let field = json!({"name": name, "display_name": name, "field_type": kind});
        to.client.post(fields, &field).created();
    }
    to.json(
        "POST /api/custom-objects/{object}/fields",
        &[OBJECT],
        json!({"display_name": "State", "name": "state", "field_type": "dropdown",
            "options": [{"name": "Open"}, {"name": "Paid", "code": "paid"}]}),
    );
    let rows = to.get("/api/custom-objects/{object}/fields", &[OBJECT, ("include_deleted", "false")]);
    let id = |name: &str| text(&row(&rows, "name", name)["id"]).to_owned();
    let (mail, note) = (id("mail"), id("note"));
    to.json(
        "PATCH /api/custom-objects/{object}/fields/{field}",
        &[OBJECT, ("field", &mail)],
        json!({"display_name": "E-mail", "is_required": false}),
    );
    to.call(
        "DELETE /api/custom-objects/{object}/fields/{field}",
        &[OBJECT, ("field", &note)],
        &Sent::Nothing,
    );
    let body = json!({"object_name": "Drafts", "entity_name": "Draft", "name": "drafts"});
    to.client.post("/api/custom-objects", &body).created();
    to.call("DELETE /api/custom-objects/{object}", &[("object", "drafts")], &Sent::Nothing);
}

/// The clause that a filter holds.
fn over(to: &Recorder, total: i32) -> Json {
    let rows = to.client.get("/api/custom-objects/orders/fields").ok();
    let field = format!("\"custom\"::{}", text(&row(&rows, "name", "total")["id"]));
    json!([{"and": true, "filters": [{"type": "fields_v2", "subtype": "custom", "field": field,
        "condition": ">", "value": total}]}])
}

fn records(to: &mut Recorder) {
    let cells = |name: &str, total: f64| {
        json!({"fields": [{"name": "name", "value": name}, {"name": "total", "value": total},
            {"name": "state", "value": "Open"}]})
    };
    let made = to.json("POST /api/records/{object}/add", &[OBJECT], cells("A-0", 12.5));
    let record = text(&made["id"]).to_owned();
    let here = [OBJECT, ("record", record.as_str())];
    let query = over(to, 10);
    to.json(
        "POST /api/records/{object}/search",
        &[OBJECT, ("ordering", "-total"), ("page_size", "10")],
        json!({"and": true, "query": query, "field_names": ["name", "total"]}),
    );
    to.get("/api/records/{object}/{record}", &here);
    to.json(
        "PATCH /api/records/{object}/{record}",
        &here,
        json!({"fields": [{"name": "state", "value": "Paid"}]}),
    );
    to.json("POST /api/records/{object}/upsert", &[OBJECT], cells("A-0", 13.0));
    to.get("/api/records/{object}/lookup", &[OBJECT, ("identifier", "A-0")]);
    to.get("/api/records/{object}/export", &[OBJECT]);
    to.call("DELETE /api/records/{object}/{record}", &here, &Sent::Nothing);
    to.call("PATCH /api/records/{object}/{record}/unarchive", &here, &Sent::Nothing);
}

fn groups(to: &mut Recorder) {
    let path = "/api/custom-objects/{object}/filter-groups";
    let config = json!({"and": true, "query": over(to, 100)});
    let body = json!({"name": "Large orders", "config": config});
    let made = to.json(&format!("POST {path}"), &[OBJECT], body);
    let here = [OBJECT, ("group", text(&made["id"]))];
    to.get(path, &[OBJECT]);
    to.get(&format!("{path}/{{group}}"), &here);
    to.json(&format!("PATCH {path}/{{group}}"), &here, json!({"name": "Orders over 100"}));
    to.call(&format!("DELETE {path}/{{group}}"), &here, &Sent::Nothing);
}

/// The three legs. Answers the file's id.
fn files(to: &mut Recorder) -> String {
    const SOURCE: (&str, &str) = ("source", "smart_connector_import");
    let form =
        to.get("/api/s3/presigned-post", &[("contenttype", "text/csv"), ("filename", "orders.csv"), SOURCE]);
    let fields = form["fields"].as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (name.as_str(), text(value).to_owned())).collect();
    to.call("POST /api/s3/upload", &[], &Sent::Multipart(fields, ("orders.csv", CSV)));
    let again = to.client.fill_form(&form, "orders.csv", CSV.as_bytes());
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    let etag = again.headers["etag"].to_str().unwrap().trim_matches('"').to_owned();
    let words = vec![
        ("uuid", text(&form["s3object_id"]).to_owned()),
        ("key", text(&form["fields"]["key"]).to_owned()),
        ("name", "orders.csv".to_owned()),
        ("etag", etag),
    ];
    let file = to.call("POST /api/s3/success", &[SOURCE], &Sent::Form(words));
    let id = text(&file["id"]).to_owned();
    to.get("/api/files", &[("search", "orders"), ("page_size", "10")]);
    to.get("/api/files/{id}", &[("id", &id)]);
    to.get("/api/files/{id}/download", &[("id", &id)]);
    let spare = to.client.send_file("spare.csv", b"Number\n1\n");
    to.call("DELETE /api/files/{id}", &[("id", text(&spare["id"]))], &Sent::Nothing);
    id
}

fn connector(to: &mut Recorder, file: &str) {
    to.json(
        "POST /api/smart-connectors",
        &[],
        json!({"name": "Orders", "custom_object": "orders", "connector_type": "spreadsheet",
            "description": "The shop's orders, once a day"}),
    );
    to.get("/api/smart-connectors", &[("search", "orders"), ("page_size", "10")]);
    to.get("/api/smart-connectors/metadata", &[]);
    to.get("/api/smart-connectors/{connector}", &[CONNECTOR]);
    let body = json!({ "source_file_id": file });
    to.client.patch(&path("orders"), &body).ok();
    to.json("POST /api/smart-connectors/{connector}/get-file-template", &[CONNECTOR], body);
}

/// The path of the connector's scripts.
const SCRIPTS: &str = "/api/smart-connectors/{connector}/sql-scripts";

fn draft(to: &Recorder) -> String {
    text(&detail(&to.client, "orders")["last_draft_script"]["id"]).to_owned()
}

fn sampled(to: &Recorder) {
    let script = ended(&to.client, &draft_path(&detail(&to.client, "orders")));
    assert_eq!(script["state"], "success", "{script}");
}

fn script(to: &mut Recorder, file: &str) {
    let id = draft(to);
    let here = [CONNECTOR, ("id", id.as_str())];
    to.json(&format!("PATCH {SCRIPTS}/{{id}}"), &here, json!({"user_script": SQL}));
    to.json(&format!("POST {SCRIPTS}/{{id}}/preview"), &here, json!({"scope": "orders", "limit": 2}));
    to.json(&format!("POST {SCRIPTS}/{{id}}/start"), &here, json!({"source_file_id": file}));
    sampled(to);
    to.get(&format!("{SCRIPTS}/{{id}}"), &here);
    to.call(
        "POST /api/smart-connectors/{connector}/generate-execution-variables",
        &[CONNECTOR],
        &Sent::Nothing,
    );
    let which = json!({"type": "reference"});
    to.json(&format!("POST {SCRIPTS}/{{id}}/download-output-sample"), &here, which);
    to.call(&format!("POST {SCRIPTS}/{{id}}/publish"), &here, &Sent::Nothing);
    for package in ["dev-package", "connector-local-dev-package"] {
        to.get(&format!("{SCRIPTS}/{{id}}/{package}"), &here);
    }
}

/// What can be done when a script has been published: another draft is tried and given up.
fn published(to: &mut Recorder, file: &str) {
    to.get(SCRIPTS, &[CONNECTOR, ("status", "live")]);
    to.get(&format!("{SCRIPTS}/history"), &[CONNECTOR]);
    let id = draft(to);
    let script = format!("{}/sql-scripts/{id}", path("orders"));
    to.client.patch(&script, &json!({"user_script": ENDLESS})).ok();
    to.client.post(&format!("{script}/start"), &json!({"source_file_id": file})).expect(202);
    to.call(&format!("POST {SCRIPTS}/{{id}}/cancel"), &[CONNECTOR, ("id", &id)], &Sent::Nothing);
    to.call(&format!("POST {SCRIPTS}/history/{{n}}/restore"), &[CONNECTOR, ("n", "1")], &Sent::Nothing);
}

fn flow(to: &mut Recorder) {
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Mail", "email", "orders", "mail"),
        variable("Total", "number", "orders", "total"),
    ];
    let saved = to.client.patch(&path("orders"), &json!({"execution_variables": variables})).ok();
    let id = |name: &str| row(&saved["execution_variables"], "name", name)["id"].clone();
    let fields = to.client.get("/api/custom-objects/orders/fields").ok();
    let object = to.client.get("/api/custom-objects/orders").ok()["id"].clone();
    let field = |name: &str| text(&row(&fields, "name", name)["id"]).to_owned();
    let rule = |(at, (name, variable)): (usize, (&str, &str))| {
        with(maps(&field(name), text(&id(variable))), "display_order", json!(at))
    };
    let rules = [("name", "Number"), ("mail", "Mail"), ("total", "Total")].into_iter().enumerate().map(rule);
    let matching = with(matches(&field("name"), text(&id("Number"))), "order", json!(0));
    let step = json!({"custom_object": object, "scope": "orders", "type": "csv_load", "order": 0,
        "matching_rules": [matching], "field_mapping_rules": rules.collect::<Json>()});
    to.json(
        "PATCH /api/smart-connectors/{connector}",
        &[CONNECTOR],
        json!({"flow": {"loads": [step]}, "status": "operational", "guard": {"max_error_rows": 100}}),
    );
}

const RUNS: &str = "/api/smart-connectors/{connector}/executions";

/// Sends a file. Answers the id of the run of it, when that has ended.
fn run(to: &mut Recorder) -> String {
    let sent = to.call(
        "POST /api/smart-connectors/{connector}/upload",
        &[CONNECTOR, ("Idempotency-Key", "orders-2026-03-02")],
        &Sent::Multipart(vec![("is_dry_run", "false".to_owned())], ("orders.csv", CSV)),
    );
    let id = text(&sent["execution_id"]);
    let row = run_ended(&to.client, "orders", id);
    assert_eq!(row["status"], "partial_success", "{row}");
    id.to_owned()
}

fn watched(to: &mut Recorder, run: &str) {
    let here = [CONNECTOR, ("id", run)];
    to.get(RUNS, &[CONNECTOR, ("ids", run), ("include_dry_run", "true")]);
    to.get("/api/executions", &[("status", "partial_success"), ("page_size", "10")]);
    for what in ["", "/progress", "/logs", "/rejected.csv", "/sql-script", "/dev-package"] {
        to.get(&format!("{RUNS}/{{id}}{what}"), &here);
    }
    to.get(&format!("{RUNS}/{{id}}/rows"), &[CONNECTOR, ("id", run), ("status", "error")]);
    to.get("/api/smart-connectors/{connector}/dev-package", &[CONNECTOR, ("script", "live")]);
}

fn more_runs(to: &mut Recorder, run: &str) {
    let here = [CONNECTOR, ("id", run)];
    // It starts when it has been shown: how far it has come by then would be chance.
    let hold = |to: &Recorder, most: u32| {
        to.client.patch(&path("orders"), &json!({ "max_concurrency": most })).ok();
    };
    hold(to, 0);
    let again = to.json(&format!("POST {RUNS}/{{id}}/rerun"), &here, json!({"is_dry_run": true}));
    hold(to, 1);
    run_ended(&to.client, "orders", text(&again["id"]));
    let flow = "POST /api/smart-connectors/{connector}/start-connector-flow";
    let body = json!({"is_dry_run": true, "disable_diff_check": true});
    let started = to.json(flow, &[CONNECTOR], body);
    run_ended(&to.client, "orders", text(&started["execution_id"]));
    // Nothing starts, so it can be cancelled before it runs.
    hold(to, 0);
    let waits = upload(&to.client, "orders", "late.csv", CSV.as_bytes(), &[]).created();
    let here = [CONNECTOR, ("id", text(&waits["execution_id"]))];
    to.call(&format!("POST {RUNS}/{{id}}/cancel"), &here, &Sent::Nothing);
}

fn hooks(to: &mut Recorder) {
    const HOOKS: (&str, &str) = ("connector", webhook::TOKEN);
    let body = json!({"name": "Shop hooks", "custom_object": "orders", "connector_type": "webhook"});
    to.client.post("/api/smart-connectors", &body).created();
    webhook::configured(&to.client);
    webhook::publish(&to.client);
    activate(&to.client, webhook::TOKEN);
    to.json(
        "POST /api/smart-connectors/{connector}/webhook",
        &[HOOKS, ("webhook-id", "msg_1")],
        json!({"number": "A-4", "mail": "ada@example.org", "total": 20}),
    );
    to.call("POST /api/smart-connectors/{connector}/webhook/flush", &[HOOKS], &Sent::Nothing);
}

fn copies(to: &mut Recorder) {
    to.get("/api/smart-connectors/{connector}/export", &[CONNECTOR]);
    let name = json!({"name": "Orders of the other shop"});
    let copy = to.json("POST /api/smart-connectors/{connector}/duplicate", &[CONNECTOR], name);
    let name = json!({"name": "name", "display_name": "Name", "field_type": "text", "is_required": false,
        "is_unique": false});
    let document = json!({
        "format": 1,
        "workspace": {"timezone": "UTC", "currency": "USD", "phone_region": "US"},
        "connector": {"api_name": "customers", "name": "Customers", "description": "",
            "connector_type": "spreadsheet", "custom_object": "customers", "sql_version": "sqlite-3",
            "retention_days": 90, "retention_runs": 5000, "sql_parameters": {}, "input_options": {},
            "timeout_s": null, "max_concurrency": 1, "diff_check_enabled": false, "guard": null},
        "input": null,
        "execution_variables": [],
        "flow": [],
        "seeds": [],
        "objects": [{"name": "customers", "object_name": "Customers", "entity_name": "Customer", "fields": [name]}],
        "script": {"user_script": "", "is_live": false, "input_tables": [], "seed_tables": [], "headers": []},
    });
    to.json("POST /api/smart-connectors/import", &[("create_objects", "true")], document);
    to.call(
        "DELETE /api/smart-connectors/{connector}",
        &[("connector", text(&copy["api_name"]))],
        &Sent::Nothing,
    );
}

fn people(to: &mut Recorder) {
    let connector = detail(&to.client, "orders")["id"].clone();
    to.json(
        "POST /api/team",
        &[],
        json!({"email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace", "role": "editor"}),
    );
    let team = to.get("/api/team", &[("search", "ada")]);
    let ada = text(&team["results"][0]["id"]).to_owned();
    to.get("/api/team/typeahead", &[("search", "ada"), ("page_size", "10")]);
    to.json("PATCH /api/team/{id}", &[("id", &ada)], json!({"role": "runner"}));
    let key = to.json(
        "POST /api/api-keys",
        &[],
        json!({"name": "Nightly upload", "role": "sender", "connectors": [connector],
            "expires_at": "2027-03-01T00:00:00Z"}),
    );
    to.get("/api/api-keys", &[("page_size", "10")]);
    to.call("DELETE /api/api-keys/{id}", &[("id", text(&key["id"]))], &Sent::Nothing);
    to.call("DELETE /api/team/{id}", &[("id", &ada)], &Sent::Nothing);
}

fn told(to: &mut Recorder) {
    let connector = text(&detail(&to.client, "orders")["id"]).to_owned();
    to.get(
        "/api/smart-connectors/{connector}/events-history",
        &[("connector", &connector), ("ordering", "created"), ("page_size", "10")],
    );
    to.get("/api/events", &[("event_type", "key_created"), ("page_size", "10")]);
}

fn the_end(to: &mut Recorder) {
    to.get("/api/backup", &[]);
}
