//! Webhooks: accepted once on disk, collected, run in batches.

mod accept;
mod limits;
mod package;
mod signature;
mod status;
mod template;

use reqwest::Method;
use serde_json::{Value as Json, json};
use smartconnector::{config::Config, connector::Status, store};

use crate::support::{
    Answer, Client, TestServer,
    configure::{configure, maps, matches, step, variable},
    journey::{self, detail, draft_path, object, path, records, run_ended, sample, text},
    until,
};

pub const TOKEN: &str = "shop_hooks";
const REFERENCE: &[u8] = b"timestamp,employee_id,querystring,body\r\n1700000000123,,source=shop,\"{\"\"number\"\":\"\"A-1\"\",\"\"total\"\":2}\"\r\n";
const SQL: &str = "CREATE TABLE output.orders AS
SELECT rowid AS _line, timestamp, querystring, json_extract(body, '$.number') AS number, json_extract(body, '$.total') AS total
FROM input.webhooks;
";

/// The path of the connector's webhook.
pub fn hook(rest: &str) -> String {
    format!("{}/webhook{rest}", path(TOKEN))
}

/// A server with the object `orders` and a webhook connector in `setup`.
pub fn created(change: impl FnOnce(&mut Config)) -> TestServer {
    let server = TestServer::with(change);
    make(&server);
    server
}

pub fn make(server: &TestServer) {
    let client = server.client();
    object(&client, "orders", &[json!({"name": "total", "field_type": "decimal"})]);
    // As existing clients make one.
    let body = json!({"name": "Shop hooks", "custom_object": "orders", "connector_type": "webhook", "sql_version": "4.1.x"});
    let made = client.post("/api/smart-connectors", &body).created();
    assert_eq!((&made["status"], &made["connector_type"]), (&json!("setup"), &json!("webhook")));
    assert_eq!(made["webhook_inbox"], json!({"pending": 0, "oldest": null, "window_ends_at": null}));
}

/// The same with input, flow and script, not yet published.
pub fn configured(client: &Client) {
    journey::set_input(client, TOKEN, "reference.csv", REFERENCE);
    let script = draft_path(&detail(client, TOKEN));
    client.patch(&script, &json!({"user_script": SQL})).ok();
    // Variables need headers, which the template gave; the sample is what publishing needs.
    sample(client, TOKEN);
    let variables =
        [variable("Number", "string", "orders", "number"), variable("Total", "number", "orders", "total")];
    let steps = [step(
        "orders",
        "orders",
        None,
        json!([matches("name", "Number")]),
        json!([maps("name", "Number"), maps("total", "Total")]),
    )];
    configure(client, TOKEN, &variables, &steps);
}

pub fn publish(client: &Client) {
    client.post_empty(&format!("{}/publish", draft_path(&detail(client, TOKEN)))).ok();
}

/// A server with an active webhook connector.
pub fn ready(change: impl FnOnce(&mut Config)) -> TestServer {
    let server = created(change);
    let client = server.client();
    configured(&client);
    publish(&client);
    journey::activate(&client, TOKEN);
    server
}

/// Activates a connector as it is: what takes requests needs no flow.
pub fn operate(server: &TestServer, connector: &Json) {
    let id = text(&connector["id"]).parse().unwrap();
    let store = &server.app.store;
    store.control.write(|tx| store::connector::set_status(tx, id, Status::Operational)).unwrap();
}

/// Sends a request with this content type.
pub fn send(client: &Client, query: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = client.request(Method::POST, &hook(query)).body(body.into());
    let request =
        if content_type.is_empty() { request } else { request.header("Content-Type", content_type) };
    Answer::of("webhook", request)
}

pub fn send_order(client: &Client, number: &str, total: i32) {
    let answer = client.post(&hook(""), &json!({"number": number, "total": total})).expect(201);
    assert!(answer.bytes.is_empty(), "{}", answer.text());
}

/// All executions of the connector, oldest first.
pub fn runs(client: &Client) -> Vec<Json> {
    let list = client.get(&format!("{}/executions?ordering=created", path(TOKEN))).ok();
    list["results"].as_array().unwrap().clone()
}

/// Closes the window and waits for the execution that it becomes, the `n`th.
pub fn flushed(client: &Client, n: usize) -> Json {
    client.post_empty(&hook("/flush")).expect(202);
    let run =
        until("the window's execution", || (runs(client).len() >= n).then(|| runs(client)[n - 1].clone()));
    run_ended(client, TOKEN, text(&run["id"]))
}

/// The rows of an execution's input file, without the header.
pub fn input(client: &Client, run: &Json) -> Vec<Vec<String>> {
    let file = client.download(text(&run["input_file"]["url"])).expect(200);
    let mut csv = csv::Reader::from_reader(file.bytes.as_slice());
    assert_eq!(csv.headers().unwrap(), ["timestamp", "employee_id", "querystring", "body"].as_slice());
    csv.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Sequence 10 of existing clients, and what comes of it.
#[test]
fn requests_become_a_run_and_records() {
    let server = ready(|_| {});
    let client = server.client();
    let before = detail(&client, TOKEN);
    assert_eq!(before["cadence"], Json::Null);
    let sent = r#"{ "number": "A-7",  "total": 7.5 }"#;
    send(&client, "?source=shop%20one&x=1", "application/json", sent).expect(201);
    send_order(&client, "A-8", 8);
    let inbox = detail(&client, TOKEN)["webhook_inbox"].clone();
    assert_eq!(inbox["pending"], 2);
    let time = |key: &str| chrono::DateTime::parse_from_rfc3339(text(&inbox[key])).unwrap();
    assert_eq!((time("window_ends_at") - time("oldest")).num_seconds(), 60);

    let run = flushed(&client, 1);
    assert_eq!((&run["status"], &run["trigger_type"]), (&json!("success"), &json!("webhook")), "{run}");
    assert_eq!((&run["started_by"], &run["totals"]["created"]), (&Json::Null, &json!(2)));
    let name = text(&run["input_file"]["name"]);
    let seconds = name.strip_prefix("shop_hooks_webhooks_").unwrap().strip_suffix(".csv").unwrap();
    let (start, end) = seconds.split_once('_').unwrap();
    assert!(start.parse::<i64>().unwrap() <= end.parse::<i64>().unwrap(), "{name}");
    let rows = input(&client, &run);
    assert_eq!(rows[0][1..], [server.user_id.as_str(), "source=shop%20one&x=1", sent]);
    assert_eq!(rows[0][0], time("oldest").timestamp_millis().to_string());
    assert_eq!(rows.len(), 2);
    assert_eq!(
        records(&client, "orders", &["name", "total"]),
        [[json!("A-7"), json!(7.5)], [json!("A-8"), json!(8)]].map(Vec::from)
    );
    assert_eq!(detail(&client, TOKEN)["webhook_inbox"]["pending"], 0);

    let again = format!("{}/executions/{}/rerun", path(TOKEN), text(&run["id"]));
    let again = client.post(&again, &json!({})).created();
    let again = run_ended(&client, TOKEN, text(&again["id"]));
    assert_eq!(
        (&again["totals"]["created"], &again["trigger_type"]),
        (&json!(0), &json!("rerun")),
        "{again}"
    );
}
