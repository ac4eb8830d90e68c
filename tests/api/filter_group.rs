//! Filter groups.

use serde_json::json;

use crate::support::TestServer;

#[test]
fn a_group_is_kept_as_it_was_written_and_tells_when_its_field_is_gone() {
    let server = TestServer::start();
    let client = server.client();
    client.post("/api/custom-objects", &json!({"object_name": "Orders", "entity_name": "Order"})).created();
    let field = json!({"display_name": "Count", "field_type": "integer"});
    let field = client.post("/api/custom-objects/orders/fields", &field).created();
    let field = field["id"].as_str().unwrap();
    let query = json!([{"id": "g", "and": true, "filters": [{"type": "fields_v2", "subtype": "custom",
        "field": format!("\"custom\"::{field}"), "condition": "=", "value": 2}]}]);
    let path = "/api/custom-objects/orders/filter-groups";
    let body = json!({"name": "Two", "config": {"and": true, "query": query}, "sharing_settings": {}});
    let made = client.post(path, &body).created();
    assert_eq!(made["config"], json!({"and": true, "query": query, "invalid": false}));
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(client.get(&one).ok(), made);
    assert_eq!(client.get(path).ok()["results"], json!([made]));

    for n in [1, 2, 2] {
        let record = json!({"fields": [{"name": "count", "value": n}]});
        client.post("/api/records/orders/add", &record).created();
    }
    let search = json!({"query": made["config"]["query"], "and": made["config"]["and"]});
    assert_eq!(client.post("/api/records/orders/search?page_size=1", &search).ok()["count"], 2);

    let renamed = client.patch(&one, &json!({"name": " Both "})).ok();
    assert_eq!((&renamed["name"], &renamed["config"]), (&json!("Both"), &made["config"]));
    // As it was read.
    assert_eq!(client.patch(&one, &renamed).ok(), renamed);
    client.patch(&one, &json!({"ids": 1})).refused(400, "invalid");
    let bad = json!({"config": {"and": true, "query": [{"filters": [{"type": "fields", "subtype": "non_custom",
        "field": "count", "condition": "~", "value": 1}]}]}});
    assert!(
        client.patch(&one, &bad).refused(400, "invalid").contains("config.query[0].filters[0].condition")
    );
    client.post(path, &json!({"config": {"query": []}})).refused(400, "required");
    client.post(path, &json!({"name": "x", "config": {"query": [], "nad": true}})).refused(400, "invalid");

    client.delete(&format!("/api/custom-objects/orders/fields/{field}")).expect(204);
    assert_eq!(client.get(&one).ok()["config"]["invalid"], true);
    assert_eq!(client.get(path).ok()["results"][0]["config"]["invalid"], true);
    let editor = server.client_as("editor", None);
    editor.patch(&one, &json!({"name": "Both of them"})).ok();
    editor.delete(&one).refused(403, "permission_required");
    client.delete(&one).expect(204);
    client.get(&one).refused(404, "not_found");
    client.delete(&one).refused(404, "not_found");
}
