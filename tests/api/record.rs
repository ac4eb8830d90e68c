//! Records over HTTP.

use serde_json::{Value, json};

use crate::support::{Client, TestServer};

fn field(client: &Client, body: &Value) -> Value {
    client.post("/api/custom-objects/orders/fields", body).created()
}

fn shop(server: &TestServer) -> Client {
    let client = server.client();
    client.post("/api/custom-objects", &json!({"object_name": "Orders", "entity_name": "Order"})).created();
    for (name, kind) in
        [("price", "money"), ("at", "datetime"), ("tags", "dynamictags"), ("count", "integer")]
    {
        field(&client, &json!({"display_name": name, "field_type": kind}));
    }
    field(&client, &json!({"display_name": "number", "field_type": "text", "is_unique": true}));
    let options = json!([{"name": "Open"}, {"name": "Done"}]);
    field(&client, &json!({"display_name": "state", "field_type": "dropdown", "options": options}));
    field(
        &client,
        &json!({"display_name": "contact", "field_type": "relationship",
            "relation": {"object": "client_client", "cardinality": "one"}}),
    );
    client
}

/// The value of the field with this api name.
fn value<'r>(record: &'r Value, name: &str) -> &'r Value {
    let cells = record["fields"].as_object().unwrap();
    &cells.values().find(|cell| cell["name"] == name).unwrap()["value"]
}

fn fields(values: &Value) -> Value {
    let list: Vec<Value> = values
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    json!({"fields": list})
}

#[test]
fn values_are_shown_in_the_documented_shapes_and_taken_back_as_read() {
    let server = TestServer::with(|config| {
        config.workspace.timezone = "Europe/Berlin".into();
        config.workspace.currency = "EUR".into();
    });
    let client = shop(&server);
    let ada = fields(
        &json!({"first_name": "Ada", "last_name": "Lovelace", "email": "ada@Example.com", "phone": "+49 30 123456"}),
    );
    let ada = client.post("/api/records/client_client/add", &ada).created();
    assert_eq!(value(&ada, "email"), "ada@example.com");
    assert_eq!(value(&ada, "phone"), "+4930123456");
    let written = json!({"name": "First", "price": "12.50", "at": "2026-07-31T07:30:00Z", "tags": ["new", "vip"],
        "number": "A-1", "state": "open", "contact": ada["id"], "owner": "admin@localhost"});
    let made = client.post("/api/records/orders/add", &fields(&written)).created();
    assert_eq!(value(&made, "price"), &json!({"currency": "EUR", "symbol": "€", "amount": 12.5}));
    assert_eq!(value(&made, "at"), "2026-07-31T09:30:00+02:00");
    assert_eq!(value(&made, "state")["code"], "open");
    assert_eq!(value(&made, "tags")[1]["name"], "vip");
    assert_eq!(
        value(&made, "contact"),
        &json!({"id": ada["id"], "name": "Ada Lovelace", "display_name": "Ada Lovelace"})
    );
    assert_eq!(value(&made, "owner")["email"], "admin@localhost");
    assert_eq!(value(&made, "owner")["deleted"], false);
    assert_eq!(value(&made, "count"), &Value::Null);

    let path = format!("/api/records/orders/{}", made["id"].as_str().unwrap());
    assert_eq!(client.get(&path).ok(), made);
    let cells: Vec<Value> = made["fields"].as_object().unwrap().values().cloned().collect();
    assert_eq!(client.patch(&path, &json!({"fields": cells})).ok(), made, "as read, nothing changes");

    let mirror = client.get(&format!("/api/records/client_client/{}", ada["id"].as_str().unwrap())).ok();
    assert_eq!(
        value(&mirror, "orders"),
        &json!([{"id": made["id"], "name": "First", "display_name": "First"}])
    );
    let cell = mirror["fields"].as_object().unwrap().values().find(|cell| cell["name"] == "orders").unwrap();
    assert_eq!(cell["count"], 1);
    let write = fields(&json!({"orders": []}));
    let path = format!("/api/records/client_client/{}", ada["id"].as_str().unwrap());
    assert!(client.patch(&path, &write).refused(400, "invalid").contains("read-only"));
}

#[test]
fn search_counts_pages_orders_and_answers_the_named_fields() {
    let server = TestServer::start();
    let client = shop(&server);
    for n in 1..=5 {
        let record = fields(&json!({"name": format!("n{n}"), "count": n}));
        client.post("/api/records/orders/add", &record).created();
    }
    let id = client.get("/api/custom-objects/orders/fields").ok();
    let id = id.as_array().unwrap().iter().find(|field| field["name"] == "count").unwrap()["id"].clone();
    let query = json!([{"and": true, "filters": [{"type": "fields_v2", "subtype": "custom",
        "field": format!("\"custom\"::{}", id.as_str().unwrap()), "condition": ">", "value": 1}]}]);
    let body = json!({"query": query, "and": true, "field_names": ["count"]});
    let page = client.post("/api/records/orders/search?page_size=3&ordering=-count", &body).ok();
    assert_eq!(page["count"], 4);
    let counts: Vec<_> =
        page["results"].as_array().unwrap().iter().map(|r| value(r, "count").clone()).collect();
    assert_eq!(counts, [5, 4, 3]);
    assert_eq!(page["results"][0]["fields"].as_object().unwrap().len(), 1);
    let next = client.post(page["next"].as_str().unwrap(), &body).ok();
    assert_eq!((next["results"].as_array().unwrap().len(), &next["next"]), (1, &Value::Null));
    let all = client.post("/api/records/orders/search?page_size=1", &json!({"query": [], "and": true})).ok();
    assert_eq!(all["count"], 5);
    assert_eq!(all["results"][0]["fields"].as_object().unwrap().len(), 9);
    assert_eq!(client.post_empty("/api/records/orders/search").ok()["count"], 5);

    for (path, body, part) in [
        ("?ordering=nope", json!({}), "nope"),
        ("?page_size=1001", json!({}), "page_size"),
        ("", json!({"qurey": []}), "qurey"),
        (
            "",
            json!({"query": [{"filters": [{"type": "fields", "subtype": "non_custom", "field": "count",
            "condition": "like", "value": 1}]}]}),
            "query[0].filters[0].condition",
        ),
    ] {
        let detail = client.post(&format!("/api/records/orders/search{path}"), &body).refused(400, "invalid");
        assert!(detail.contains(part), "{detail}");
    }
    client.post("/api/records/orders/search", &json!({"field_names": ["x"]})).refused(400, "does_not_exist");
    client.post("/api/records/nope/search", &json!({})).refused(404, "not_found");
}

#[test]
fn archived_records_are_not_found_and_come_back() {
    let server = TestServer::start();
    let client = shop(&server);
    let record = fields(&json!({"name": "A", "number": "7"}));
    let made = client.post("/api/records/orders/add", &record).created();
    let detail = client.post("/api/records/orders/add", &record).refused(400, "unique");
    assert!(detail.contains("number") && detail.contains(made["id"].as_str().unwrap()), "{detail}");
    let path = format!("/api/records/orders/{}", made["id"].as_str().unwrap());
    client.delete(&path).expect(204);
    assert_eq!(client.post_empty("/api/records/orders/search").ok()["count"], 0);
    assert!(client.get(&path).ok()["archived"].is_string());
    assert_eq!(client.patch(&format!("{path}/unarchive"), &json!({})).ok()["archived"], Value::Null);
    assert_eq!(client.post_empty("/api/records/orders/search").ok()["count"], 1);
    // A word of the path is no record's id.
    client.get("/api/records/client_client/search").refused(405, "method_not_allowed");
    client
        .get(&format!("/api/records/client_client/{}", made["id"].as_str().unwrap()))
        .refused(404, "not_found");
    client.delete("/api/records/orders/not-an-id").refused(404, "not_found");
}

#[test]
fn refusals_name_the_field_and_what_was_found() {
    let server = TestServer::start();
    let client = shop(&server);
    for (values, code, part) in [
        (json!({"count": "many"}), "invalid", "count: \"many\" is not a whole number"),
        (json!({"price": "1.234567890123456"}), "invalid", "16 significant digits"),
        (json!({"name": "x".repeat(256)}), "invalid", "256 characters"),
        (json!({"state": "Lost"}), "does_not_exist", "Open, Done"),
        (json!({"contact": "Nobody"}), "does_not_exist", "Nobody"),
        (json!({"owner": "nobody@example.com"}), "does_not_exist", "owner"),
        (json!({"nope": 1}), "does_not_exist", "nope"),
    ] {
        let detail = client.post("/api/records/orders/add", &fields(&values)).refused(400, code);
        assert!(detail.contains(part), "{detail}");
    }
    let twice = json!({"fields": [{"name": "count", "value": 1}, {"name": "count", "value": 2}]});
    assert!(client.post("/api/records/orders/add", &twice).refused(400, "invalid").contains("twice"));
    let misspelt = json!({"fields": [{"name": "count", "valeu": 1}]});
    assert!(client.post("/api/records/orders/add", &misspelt).refused(400, "invalid").contains("valeu"));
    client.post_empty("/api/records/orders/add").refused(400, "required");
    assert_eq!(client.post_empty("/api/records/orders/search").ok()["count"], 0, "nothing of it was kept");
}

#[test]
fn records_need_a_viewer_to_read_and_an_editor_to_write() {
    let server = TestServer::start();
    let client = shop(&server);
    let viewer = server.client_as("viewer", None);
    viewer.post_empty("/api/records/orders/search").ok();
    let record = fields(&json!({"name": "A"}));
    viewer.post("/api/records/orders/add", &record).refused(403, "permission_required");
    let made = server.client_as("editor", None).post("/api/records/orders/add", &record).created();
    let path = format!("/api/records/orders/{}", made["id"].as_str().unwrap());
    viewer.get(&path).ok();
    viewer.patch(&path, &record).refused(403, "permission_required");
    viewer.delete(&path).refused(403, "permission_required");
    viewer.patch(&format!("{path}/unarchive"), &json!({})).refused(403, "permission_required");
    server
        .client_as("sender", None)
        .post_empty("/api/records/orders/search")
        .refused(403, "permission_required");
    drop(client);
}
