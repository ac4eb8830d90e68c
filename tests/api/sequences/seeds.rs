//! Seeds, and a pull with them.

use serde_json::json;

use super::{CSV, TOKEN, server};
use crate::support::{
    TestServer,
    configure::with,
    journey::{self, detail, path, row, text},
};

/// Two pages of customers, of whom a segment has 20, seeded with their e-mail.
fn seeded() -> TestServer {
    let server = server();
    let client = server.client();
    journey::set_input(&client, TOKEN, "orders.csv", CSV);
    let customers = journey::object_id(&client, "customers");
    for at in 0..120 {
        let mut fields = json!([{"name": "name", "value": format!("Customer {at:03}")}]);
        fields
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "email", "value": format!("c{at:03}@example.org")}));
        client.post(&format!("/api/records/{customers}/add"), &json!({ "fields": fields })).created();
    }
    let fields = client.get(&format!("/api/custom-objects/{customers}/fields")).ok();
    let email = row(&fields, "name", "email");
    let clause = json!({"type": "fields_v2", "subtype": "custom", "condition": "starts_with", "value": "c01",
        "field": format!("\"custom\"::{}", text(&email["id"]))});
    let query = json!([{"and": false, "filters": [clause, with(clause.clone(), "value", json!("c02"))]}]);
    let group = json!({"name": "Teens", "config": {"and": true, "query": query}, "sharing_settings": {}});
    client.post(&format!("/api/custom-objects/{customers}/filter-groups"), &group).created();
    server
}

/// Sequence 8.
fn seed(server: &TestServer) {
    let client = server.client();
    let before = detail(&client, TOKEN);
    let connector = path(text(&before["id"]));
    let customers = journey::object_id(&client, "customers");
    let groups = client.get(&format!("/api/custom-objects/{customers}/filter-groups")).ok();
    let group = row(&groups["results"], "name", "Teens");
    let metadata = client.get("/api/smart-connectors/metadata").ok();
    let fields = client.get(&format!("/api/custom-objects/{customers}/fields")).ok();
    let email = row(&fields, "name", "email");
    let allowed = metadata["kizen_data_seeds_allowed_field_types"].as_array().unwrap();
    assert!(allowed.contains(&email["field_type"]), "{allowed:?}");
    for (query, count) in [(&group["config"]["query"], 20), (&json!([]), 120)] {
        let url = format!("/api/records/{customers}/search?page=1&page_size=1");
        let found = client.post(&url, &json!({"query": query, "and": true})).ok();
        assert_eq!((&found["count"], found["results"].as_array().unwrap().len()), (&json!(count), 1));
    }
    let seeds =
        json!([{"custom_object_id": customers, "group_id": group["id"], "fields_ids": [email["id"]]}]);
    let saved = client.patch(&connector, &json!({ "kizen_data_seeds": seeds })).ok();
    let saved = &saved["kizen_data_seeds"][0];
    assert_eq!(
        (&saved["custom_object"]["name"], &saved["group"]["name"]),
        (&json!("customers"), &json!("Teens"))
    );
    // Saving alone changes no script.
    let script = client.get(&journey::draft_path(&before)).ok();
    assert_eq!(script["config_metadata"]["seed_tables"], json!([]));
    let body = json!({"source_file_id": before["source_file"]["id"]});
    let template = client.post(&format!("{connector}/get-file-template"), &body).ok();
    let after = detail(&client, TOKEN);
    let body = json!({"config_metadata": template["config_metadata"], "user_script": script["user_script"],
        "sql_version": script["sql_version"]});
    client.patch(&journey::draft_path(&after), &body).ok();
}

#[test]
fn seeds_are_added() {
    let server = seeded();
    seed(&server);
    let client = server.client();
    let after = detail(&client, TOKEN);
    let table = &after["last_draft_script"]["config_metadata"]["seed_tables"][0];
    assert_eq!((&table["database"], &table["table_name"]), (&json!("kizen"), &json!("customers")));
    let columns = ["kizen_id", "email"].map(|col| json!({"col": col, "type": "str"}));
    assert_eq!(table["columns_mapping"], json!(columns));
    let refusal = client
        .patch(
            &path(TOKEN),
            &json!({"kizen_data_seeds": [{"custom_object_id": after["kizen_data_seeds"][0]["custom_object_id"],
                "group_id": uuid::Uuid::new_v4()}]}),
        )
        .expect(400);
    assert!(refusal.text().contains("object does not exist"), "{}", refusal.text());
    assert_eq!(detail(&client, TOKEN)["kizen_data_seeds"], after["kizen_data_seeds"]);
}

#[test]
fn a_connector_is_pulled() {
    let server = seeded();
    seed(&server);
    let client = server.client();
    let read = detail(&client, TOKEN);
    let script = client.get(&journey::draft_path(&read)).ok();
    let table = &script["config_metadata"]["input_tables"][0];
    let input = client.download(&format!("/api/files/{}/download", text(&table["file_id"]))).expect(200);
    assert_eq!(input.bytes, CSV);
    assert_eq!(input.headers["content-disposition"], "attachment; filename=\"orders.csv\"");

    let seed = &read["kizen_data_seeds"][0];
    let customers = text(&seed["custom_object_id"]);
    let groups = client.get(&format!("/api/custom-objects/{customers}/filter-groups")).ok();
    let config = &row(&groups["results"], "id", text(&seed["group_id"]))["config"];
    assert_eq!(journey::search(&client, customers, &config["query"]).len(), 20);
    let all = journey::search(&client, customers, &json!([]));
    assert_eq!(all.len(), 120);
    for record in all {
        let fields = record["fields"].as_object().unwrap();
        let (id, field) = fields.iter().find(|(_, field)| field["name"] == "email").unwrap();
        assert_eq!((&field["id"], &field["field_type"]), (&json!(id), &json!("email")));
        assert!(text(&field["value"]).ends_with("@example.org"), "{field}");
        assert!(uuid::Uuid::try_parse(text(&record["id"])).is_ok(), "{record}");
    }
}
