//! Connectors: made, listed, read, changed, deleted; templates; events.

use serde_json::json;
use smartconnector::object::FieldType;

use crate::{
    setup::{connector, file, object, path, with_template},
    support::{TestServer, until},
};

const LIST: &str = "/api/smart-connectors";

#[test]
fn a_new_connector_is_in_setup_and_has_an_empty_draft() {
    let server = TestServer::start();
    let client = server.client();
    let orders = object(&server, "orders", &[]);
    let made = connector(&server, "  Order Import ", &orders);
    assert_eq!(made["name"], "Order Import");
    assert_eq!(made["api_name"], "order_import");
    assert_eq!(made["status"], "setup");
    assert_eq!(made["last_draft_script"]["user_script"], "");
    assert_eq!(made["last_draft_script"]["status"], "draft");
    assert_eq!(made["last_draft_script"]["state"], "setup");
    assert_eq!(made["custom_object"]["name"], "orders");
    assert_eq!(made["custom_object"]["object_name"], "The orders");
    assert_eq!(made["headers"], json!({}));
    assert_eq!(made["flow"], json!({"additional_variables": [], "transformations": [], "loads": []}));
    assert_eq!(made["input_options"]["header_row"], 1);
    assert_eq!(made["max_concurrency"], 1);
    assert_eq!(made["stats"], json!({"used_count": 0}));
    assert_eq!(made["created_by"]["id"], server.user_id.as_str());
    for null in ["cadence", "source_file", "live_script", "timeout_s", "last_used_at"] {
        assert!(made[null].is_null(), "{null}: {}", made[null]);
    }
    for name in [made["id"].as_str().unwrap(), "order_import"] {
        assert_eq!(client.get(&format!("{LIST}/{name}")).ok(), made);
    }
    client.get(&format!("{LIST}/nothing")).refused(404, "not_found");
}

#[test]
fn what_is_missing_wrong_or_taken_is_named() {
    let server = TestServer::start();
    let client = server.client();
    let orders = object(&server, "orders", &[]);
    let answer = client.post(LIST, &json!({})).expect(400).json();
    assert_eq!(answer["code"], "required");
    for key in ["name", "custom_object", "connector_type"] {
        assert_eq!(answer["errors"][key][0]["code"], "required", "{answer}");
    }
    let base = json!({"name": "A", "custom_object": "orders", "connector_type": "spreadsheet"});
    let with = |key: &str, value: serde_json::Value| {
        let mut body = base.clone();
        body[key] = value;
        client.post(LIST, &body)
    };
    for kind in ["activity", "bulkaction", "x"] {
        let mut body = base.clone();
        body["connector_type"] = json!(kind);
        body["cadence"] = json!(300);
        let detail = client.post(LIST, &body).refused(400, "invalid");
        assert_eq!(detail, format!("connector_type \"{kind}\" is not available on this server"));
    }
    with("custom_object", json!(uuid::Uuid::new_v4())).refused(400, "does_not_exist");
    assert!(with("cadence", json!(300)).refused(400, "invalid").contains("cadence"));
    assert!(with("descripton", json!("x")).refused(400, "invalid").contains("descripton"));
    assert!(with("api_name", json!("metadata")).refused(400, "invalid").contains("metadata"));
    assert!(with("sql_version", json!("9.9.x")).refused(400, "invalid").contains("9.9.x"));
    assert!(with("timeout_s", json!(301)).refused(400, "invalid").contains("engine.timeout_s"));
    assert!(with("input_options", json!({"delimiter": "||"})).refused(400, "invalid").contains("delimiter"));
    connector(&server, "Orders", &orders);
    with("name", json!(" ORDERS ")).refused(400, "unique");
    with("api_name", json!("orders")).refused(400, "unique");
    assert_eq!(with("name", json!("orders!")).created()["api_name"], "orders_2");
    let answer = with("sql_version", json!("4.1.x")).created();
    assert_eq!(answer["last_draft_script"]["sql_version"], "sqlite-3");
    assert!(answer["warning"].as_str().unwrap().contains("4.1.x"), "{answer}");
}

#[test]
fn lists_are_filtered_ordered_and_paged() {
    let server = TestServer::start();
    let client = server.client();
    let (orders, people) = (object(&server, "orders", &[]), object(&server, "people", &[]));
    for (name, object) in [("b", &orders), ("C", &people), ("a", &orders)] {
        connector(&server, name, object);
    }
    let names = |query: &str| -> Vec<String> {
        let page = client.get(&format!("{LIST}?{query}")).ok();
        let rows = page["results"].as_array().unwrap();
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("ordering=name"), ["a", "b", "C"]);
    assert_eq!(names("ordering=-name&custom_object=orders"), ["b", "a"]);
    assert_eq!(names(&format!("custom_object={}", people.id)), ["C"]);
    assert_eq!(names("search=c"), ["C"]);
    assert_eq!(names("active=true"), [""; 0]);
    assert_eq!(names("status=setup&connector_type=spreadsheet&ordering=created"), ["b", "C", "a"]);
    let page = client.get(&format!("{LIST}?ordering=name&page_size=2")).ok();
    assert_eq!(page["count"], 3);
    let next = page["next"].as_str().unwrap();
    assert!(next.starts_with(&server.url) && next.contains("ordering=name"), "{next}");
    assert_eq!(client.get(next).ok()["results"][0]["name"], "C");
    client.get(&format!("{LIST}?ordering=colour")).refused(400, "invalid");
    client.get(&format!("{LIST}?status=asleep")).refused(400, "invalid");
}

#[test]
fn plain_settings_change_all_or_nothing() {
    let server = TestServer::start();
    let client = server.client();
    let orders = object(&server, "orders", &[]);
    connector(&server, "Other", &orders);
    let path = path(&connector(&server, "Orders", &orders));
    let before = client.get(&path).ok();
    for (body, code) in [
        (json!({"name": "New", "timeout_s": 0}), "invalid"),
        (json!({"name": "New", "status": "setup"}), "invalid"),
        (json!({"name": "New", "sql_parameters": {"x": []}}), "invalid"),
        (json!({"name": "New", "integration_secrets": ["a"]}), "invalid"),
        (json!({"name": "New", "source_file_id": uuid::Uuid::new_v4()}), "does_not_exist"),
        (json!({"description": "x", "name": "OTHER"}), "unique"),
        (json!({"name": "New", "flow": {"transformations": [1]}}), "invalid"),
        (json!({"name": "New", "cadence": 5}), "invalid"),
        (json!({"cancel_queued": true}), "invalid"),
    ] {
        client.patch(&path, &body).refused(400, code);
        assert_eq!(client.get(&path).ok(), before, "{body}");
    }
    let detail = client.patch(&path, &json!({"integration_secrets": ["a"]})).refused(400, "invalid");
    assert_eq!(detail, "integration_secrets: integration secrets are not available on this server");
    let detail = client.patch(&path, &json!({"status": "setup"})).refused(400, "invalid");
    assert_eq!(detail, "status: Status can only be set to 'Operational' or 'Inactive' on an update.");
    let after = client
        .patch(
            &path,
            &json!({"name": "New", "api_name": "fresh", "description": "d", "max_concurrency": 0,
                "timeout_s": 20, "sql_parameters": {"min": 1.5}, "input_options": {"delimiter": ";"},
                "integration_secrets": []}),
        )
        .ok();
    assert_eq!(after["sql_parameters"], json!({"min": 1.5}));
    assert_eq!(after["input_options"]["delimiter"], ";");
    assert_eq!((&after["max_concurrency"], &after["timeout_s"]), (&json!(0), &json!(20)));
    assert_eq!(client.get("/api/smart-connectors/fresh").ok(), after);
    assert!(client.patch(&path, &json!({"timeout_s": null})).ok()["timeout_s"].is_null());
    let events = client.get(&format!("{path}/events-history?event_type=edited&ordering=created")).ok();
    let message = events["results"][0]["message"].as_str().unwrap();
    assert!(message.contains("name, api_name, description, sql_parameters"), "{message}");
    assert_eq!(events["results"][0]["actor"]["id"], server.user_id.as_str());
}

#[test]
fn attaching_a_file_rewrites_the_drafts_inputs_at_once() {
    let server = TestServer::start();
    let client = server.client();
    let orders = object(&server, "orders", &[]);
    let path = path(&connector(&server, "Orders", &orders));
    let first = file(&server, "Orders 2026.csv", "Order Number,Total\r\n1,2\r\n");
    let answer = client.patch(&path, &json!({"source_file_id": first})).ok();
    assert_eq!(answer["source_file"]["id"], first.as_str());
    assert_eq!(answer["source_file"]["size_bytes"], 25);
    let table = &answer["last_draft_script"]["config_metadata"]["input_tables"][0];
    assert_eq!(table["table_name"], "orders_2026_csv");
    assert_eq!(table["file_id"], first.as_str());
    assert_eq!(table["page_idx"], 0);
    assert_eq!(table["columns_mapping"][0]["col"], "order_number");
    assert_eq!(answer["headers"], json!({}));
    let empty = file(&server, "empty.csv", "");
    client.patch(&path, &json!({"source_file_id": empty})).refused(400, "invalid");
    assert_eq!(client.get(&path).ok()["source_file"]["id"], first.as_str());
    // From now on the file is the connector's: another member who reaches it may use it too.
    let editor = server.client_as("editor", None);
    editor.patch(&path, &json!({"source_file_id": first})).ok();
    assert!(client.patch(&path, &json!({"source_file_id": null})).ok()["source_file"].is_null());
}

#[test]
fn a_template_is_a_working_script_in_a_new_draft() {
    let server = TestServer::start();
    let client = server.client();
    let orders = object(&server, "order", &[("total", FieldType::Decimal)]);
    let made = connector(&server, "Orders", &orders);
    let path = path(&made);
    let template = format!("{path}/get-file-template");
    assert_eq!(client.post_empty(&template).ok(), json!({}));
    assert_eq!(client.post(&template, &json!({})).ok(), json!({}));
    assert_eq!(client.get(&path).ok()["last_draft_script"]["id"], made["last_draft_script"]["id"]);

    let people = object(&server, "people", &[("email", FieldType::Email)]);
    let field = people.field_named("email").unwrap().id;
    let seeds = json!({"kizen_data_seeds": [
        {"custom_object_id": people.id, "group_id": null, "fields_ids": [field]}]});
    client.patch(&path, &seeds).ok();
    let input = file(&server, "in.csv", "Group;select;x\n1;2;3\n");
    let answer = client.post(&template, &json!({"source_file_id": input})).ok();
    let script = answer["user_script"].as_str().unwrap();
    assert_eq!(
        script,
        "CREATE TABLE output.\"order\" AS\nSELECT\n    rowid AS _line,\n    \"group\", -- Group\n    \
         \"select\",\n    x\nFROM input.in_csv;\n"
    );
    let seed = &answer["config_metadata"]["seed_tables"][0];
    assert_eq!((&seed["table_name"], &seed["name"]), (&json!("people"), &json!("people.csv")));
    let columns: Vec<_> = seed["columns_mapping"].as_array().unwrap().iter().map(|c| &c["col"]).collect();
    assert_eq!(columns, ["kizen_id", "email"]);
    let after = client.get(&path).ok();
    assert_ne!(after["last_draft_script"]["id"], made["last_draft_script"]["id"]);
    assert_eq!(after["last_draft_script"]["user_script"], script);
    assert_eq!(after["last_draft_script"]["config_metadata"], answer["config_metadata"]);
    assert_eq!(
        after["headers"],
        json!({"order": [{"name": "group", "index": "A"}, {"name": "select", "index": "B"},
            {"name": "x", "index": "C"}]})
    );
    // SQLite takes it.
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch("ATTACH ':memory:' AS input; ATTACH ':memory:' AS output").unwrap();
    db.execute_batch("CREATE TABLE input.in_csv (\"group\", \"select\", x)").unwrap();
    db.execute_batch(script).unwrap();
}

#[test]
fn a_limited_key_sees_its_own_connectors_and_makes_none() {
    let server = TestServer::start();
    let orders = object(&server, "orders", &[]);
    let (mine, other) = (connector(&server, "Mine", &orders), connector(&server, "Other", &orders));
    let limited = server.client_as("editor", Some(&[mine["id"].as_str().unwrap()]));
    limited.get(&path(&mine)).ok();
    limited.get(&path(&other)).refused(404, "not_found");
    limited.get("/api/smart-connectors/other").refused(404, "not_found");
    limited.patch(&path(&other), &json!({"name": "x"})).refused(404, "not_found");
    limited.get(&format!("{}/sql-scripts", path(&other))).refused(404, "not_found");
    limited.get(&format!("{}/events-history", path(&other))).refused(404, "not_found");
    assert_eq!(limited.get(LIST).ok()["count"], 1);
    limited.get(&format!("{LIST}/metadata")).ok();
    let body = json!({"name": "N", "custom_object": orders.id, "connector_type": "spreadsheet"});
    limited.post(LIST, &body).refused(403, "permission_required");
    // An object that its connectors do not use.
    let stranger = object(&server, "strangers", &[]);
    let seed = json!({"kizen_data_seeds": [{"custom_object_id": stranger.id, "group_id": null}]});
    limited.patch(&path(&mine), &seed).refused(400, "does_not_exist");
    let viewer = server.client_as("viewer", None);
    viewer.get(&path(&mine)).ok();
    viewer.patch(&path(&mine), &json!({"name": "x"})).refused(403, "permission_required");
    viewer.post(LIST, &body).refused(403, "permission_required");
    server.client_as("sender", None).get(&path(&mine)).refused(403, "permission_required");
    server.client_as("editor", None).delete(&path(&mine)).refused(403, "permission_required");
}

#[test]
fn a_deleted_connector_takes_its_files_along() {
    let server = TestServer::start();
    let client = server.client();
    let orders = object(&server, "orders", &[]);
    let made = with_template(&server, &orders, "a\n1\n");
    let source: smartconnector::id::FileId = made["source_file"]["id"].as_str().unwrap().parse().unwrap();
    // Another connector reads the same file: it stays for that one.
    let other = path(&connector(&server, "Other", &orders));
    let shared = file(&server, "shared.csv", "a\n");
    client.patch(&path(&made), &json!({"source_file_id": shared})).ok();
    client.patch(&other, &json!({"source_file_id": shared})).ok();
    client.delete(&path(&made)).expect(204);
    client.get(&path(&made)).refused(404, "not_found");
    client.delete(&path(&made)).refused(404, "not_found");
    // For whoever asks it is gone at once.
    client.get(&format!("/api/files/{source}")).refused(404, "not_found");
    let find = |id| server.app.store.files.read(|conn| smartconnector::store::file::find(conn, id)).unwrap();
    until("the file is gone", || find(source).is_none().then_some(()));
    assert!(find(shared.parse().unwrap()).is_some());
    client.patch(&other, &json!({"source_file_id": shared})).ok();
}

#[test]
fn a_wrong_parameter_of_a_query_is_named() {
    let server = TestServer::start();
    let client = server.client();
    for (query, name, reason) in [
        ("page=x", "page", "invalid digit"),
        ("page_size=-1", "page_size", "invalid digit"),
        ("active=maybe", "active", "true"),
        ("serch=a", "serch", "unknown field"),
    ] {
        let answer = client.get(&format!("{LIST}?{query}")).expect(400).json();
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("{name}: ")) && detail.contains(reason), "{detail}");
        assert!(answer["errors"][name].is_array(), "{answer}");
    }
}

#[test]
fn the_catalogue_says_what_is_legal() {
    let server = TestServer::start();
    let catalogue = server.client().get(&format!("{LIST}/metadata")).ok();
    let values = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|c| c["value"].as_str().unwrap().to_owned()).collect()
    };
    let rules = &catalogue["matching_rules"];
    assert_eq!(values(&rules["no_match_actions"])[0], "create_new");
    assert_eq!(values(&rules["single_match_actions"])[0], "update_current");
    assert_eq!(values(&rules["multiple_match_actions"])[0], "do_not_upload");
    assert_eq!(values(&rules["match_archive_actions"]).len(), 6);
    let types = &catalogue["execution_variables"]["variable_data_types"];
    assert_eq!(types.as_object().unwrap().len(), 8);
    assert!(values(&types["boolean"]["input_formats"]).contains(&"yes_no".to_owned()));
    let conflicts = catalogue["field_mapping_rules"]["conflict_resolution"].as_array().unwrap();
    let only_add = conflicts.iter().find(|c| c["value"] == "only_add_options").unwrap();
    assert_eq!(only_add["field_types"], json!(["checkboxes", "dynamictags", "relationship"]));
    assert_eq!(catalogue["connector_types"], json!(["spreadsheet", "webhook", "schedule"]));
    assert_eq!(catalogue["sql_versions"][0], "sqlite-3");
}
