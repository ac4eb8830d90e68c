//! Objects and fields.

use serde_json::json;

use crate::support::TestServer;

#[test]
fn contacts_exist_from_the_start_and_lists_hide_built_ins_unless_asked() {
    let server = TestServer::start();
    let client = server.client();
    assert_eq!(client.get("/api/custom-objects?page_size=1").ok()["count"], 0);
    let all = client.get("/api/custom-objects?custom_only=false").ok();
    assert_eq!(all["count"], 1);
    assert_eq!(all["results"][0]["name"], "client_client");
    assert_eq!(all["results"][0]["object_name"], "Contacts");
    assert_eq!(all["results"][0]["is_custom"], false);
    let fields = client.get("/api/custom-objects/client_client/fields").ok();
    let names: Vec<&str> = fields.as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["first_name", "last_name", "email", "phone", "birthday", "timezone", "titles", "tags", "owner"]
    );
    client.delete("/api/custom-objects/client_client").refused(409, "conflict");
}

#[test]
fn an_object_is_made_read_changed_and_archived_under_id_or_name() {
    let server = TestServer::start();
    let client = server.client();
    let body = json!({"object_name": "Orders", "entity_name": "Order", "name": "order", "object_type": "standard",
        "default_on_activities": false});
    let made = client.post("/api/custom-objects", &body).created();
    let id = made["id"].as_str().unwrap();
    assert_eq!(client.get("/api/custom-objects/order").ok(), made);
    assert_eq!(client.get(&format!("/api/custom-objects/{id}")).ok(), made);
    let changed = client.patch("/api/custom-objects/order", &json!({"object_name": "All orders"})).ok();
    assert_eq!(changed["object_name"], "All orders");
    // As it was read.
    let again = json!({"object_name": "All orders", "object_type": changed["object_type"]});
    assert_eq!(client.patch("/api/custom-objects/order", &again).ok(), changed);
    let other = client.patch("/api/custom-objects/order", &json!({"object_type": "pipeline"}));
    assert!(other.refused(400, "invalid").contains("object_type \"pipeline\" is not available"));
    assert_eq!(client.get("/api/custom-objects?search=all%20ORD").ok()["count"], 1);

    client.post("/api/custom-objects", &body).refused(400, "unique");
    client.post("/api/custom-objects", &json!({"object_name": "X"})).refused(400, "required");
    let refusal =
        client.post("/api/custom-objects", &json!({"object_name": "X", "entity_name": "X", "nmae": 1}));
    assert!(refusal.refused(400, "invalid").contains("nmae"));
    let pipeline = json!({"object_name": "X", "entity_name": "X", "object_type": "pipeline"});
    assert!(client.post("/api/custom-objects", &pipeline).refused(400, "invalid").contains("not available"));

    server.client_as("editor", None).delete("/api/custom-objects/order").refused(403, "permission_required");
    client.delete("/api/custom-objects/order").expect(204);
    client.get("/api/custom-objects/order").refused(404, "not_found");
    assert_eq!(client.get("/api/custom-objects").ok()["count"], 0);
}

#[test]
fn fields_have_options_relations_and_mirrors() {
    let server = TestServer::start();
    let client = server.client();
    client.post("/api/custom-objects", &json!({"object_name": "Orders", "entity_name": "Order"})).created();
    let path = "/api/custom-objects/orders/fields";
    let state = client
        .post(
            path,
            &json!({"display_name": "State", "field_type": "dropdown", "category": "x",
                "options": [{"name": "Open"}, {"name": "Done", "code": "d"}]}),
        )
        .created();
    assert_eq!(state["name"], "state");
    assert_eq!(state["options"][1]["code"], "d");
    let id = state["id"].as_str().unwrap();
    let open = &state["options"][0]["id"];
    let changed = client
        .patch(
            &format!("{path}/{id}"),
            &json!({"display_name": "Status", "options": [{"id": open, "name": "Waiting"}, {"name": "Lost"}]}),
        )
        .ok();
    let names: Vec<_> = changed["options"].as_array().unwrap().iter().map(|o| o["name"].clone()).collect();
    assert_eq!(names, ["Waiting", "Done", "Lost"]);

    let contact = json!({"display_name": "Contact", "field_type": "relationship",
        "relation": {"object": "client_client", "cardinality": "one"}});
    let contact = client.post(path, &contact).created();
    assert_eq!(contact["relation"]["cardinality"], "one");
    let mirrors = client.get("/api/custom-objects/client_client/fields").ok();
    let mirror = mirrors.as_array().unwrap().last().unwrap().clone();
    assert_eq!((&mirror["name"], &mirror["is_read_only"]), (&json!("orders"), &json!(true)));
    assert_eq!(mirror["id"], contact["relation"]["mirror"]);
    assert_eq!(
        client.post(path, &json!({"display_name": "T", "field_type": "wysiwyg"})).created()["field_type"],
        "longtext"
    );

    for (body, code, part) in [
        (json!({"display_name": "F", "field_type": "files"}), "invalid", "not available on this server"),
        (json!({"display_name": "F", "field_type": "text", "name": "rowid"}), "invalid", "reserved"),
        (json!({"display_name": "F", "field_type": "text", "name": "state"}), "unique", "state"),
        (json!({"display_name": "F", "field_type": "relationship"}), "required", "relation"),
        (
            json!({"display_name": "F", "field_type": "relationship",
                "relation": {"object": "nope", "cardinality": "one"}}),
            "does_not_exist",
            "nope",
        ),
    ] {
        assert!(client.post(path, &body).refused(400, code).contains(part), "{body}");
    }

    client.delete(&format!("{path}/{id}")).expect(204);
    let names = |query: &str| client.get(&format!("{path}{query}")).ok().as_array().unwrap().len();
    assert_eq!(names("?include_deleted=true"), names("") + 1);
    let owner = client.get(path).ok()[1]["id"].as_str().unwrap().to_owned();
    client.delete(&format!("{path}/{owner}")).refused(409, "conflict");
}

#[test]
fn viewers_read_objects_and_editors_change_them() {
    let server = TestServer::start();
    let (viewer, editor) = (server.client_as("viewer", None), server.client_as("editor", None));
    let body = json!({"object_name": "Orders", "entity_name": "Order"});
    viewer.post("/api/custom-objects", &body).refused(403, "permission_required");
    editor.post("/api/custom-objects", &body).created();
    viewer.get("/api/custom-objects/orders/fields").ok();
    let field = json!({"display_name": "A", "field_type": "text"});
    viewer.post("/api/custom-objects/orders/fields", &field).refused(403, "permission_required");
    editor.post("/api/custom-objects/orders/fields", &field).created();
    server.client_as("sender", None).get("/api/custom-objects").refused(403, "permission_required");
}
