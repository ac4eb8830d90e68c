//! Connectors copied beside themselves and to other servers.

use serde_json::{Value as Json, json};
use smartconnector::config::Config;

use crate::{
    run::{Shop, TOKEN},
    support::{
        Client, TestServer,
        configure::{configure, maps, matches, step, variable, with},
        journey::{self, detail, path, row, run_ended, text, unzip, upload},
    },
};

const IMPORT: &str = "/api/smart-connectors/import";
const INPUT: &[u8] =
    b"Number;E-Mail;Total\n1;ada@example.org;2,5\n2;bob@example.org;n/a\n3;eve@example.org;x\n";
const SQL: &str = "CREATE TABLE output.orders AS
SELECT o.rowid AS _line, o.number, o.e_mail AS mail, o.total, c.kind AS kind, :word AS word
FROM input.orders_csv o LEFT JOIN kizen.customers c ON c.email = o.e_mail;
";

/// A connector that uses everything that a document can say.
fn rich(client: &Client) -> Json {
    let kinds = json!({"name": "kind", "field_type": "dropdown", "options": [{"name": "Big", "code": "b"}, {"name": "Small"}]});
    let customers = journey::object(
        client,
        "customers",
        &[json!({"name": "email", "field_type": "email", "is_unique": true}), kinds],
    );
    journey::object(
        client,
        "orders",
        &[
            json!({"name": "mail", "field_type": "email"}),
            json!({"name": "total", "field_type": "decimal"}),
            json!({"name": "kind", "field_type": "dropdown", "options": [{"name": "Big"}]}),
            json!({"name": "customer", "field_type": "relationship",
                "relation": {"object": "customers", "cardinality": "one"}}),
        ],
    );
    let fields = client.get(&format!("/api/custom-objects/{customers}/fields")).ok();
    let (kind, email) = (row(&fields, "name", "kind"), row(&fields, "name", "email"));
    let clause = json!({"type": "fields_v2", "subtype": "custom", "field": format!("\"custom\"::{}", text(&kind["id"])),
        "condition": "is_any_of", "value": [row(&kind["options"], "name", "Big")["id"]]});
    let config = json!({"and": true, "query": [{"and": true, "filters": [clause]}]});
    let groups = format!("/api/custom-objects/{customers}/filter-groups");
    let group = client.post(&groups, &json!({"name": "Big ones", "config": config})).created();
    journey::create(client, "orders", "Shop Orders");
    client.patch(
        &path(TOKEN),
        &json!({"kizen_data_seeds": [{"custom_object_id": customers, "group_id": group["id"],
                "fields_ids": [email["id"], kind["id"]]}],
            "sql_parameters": {"word": "hello"}, "description": "All of it", "timeout_s": 77, "max_concurrency": 2,
            "input_options": {"delimiter": ";", "null_values": ["n/a"]}, "diff_check_enabled": true,
            "guard": {"max_error_rows": 5}, "retention_days": 12, "retention_runs": 34}),
    ).ok();
    journey::set_input(client, TOKEN, "orders.csv", INPUT);
    journey::publish(client, TOKEN, SQL);
    let number = with(variable("Total", "number", "orders", "total"), "input_format", json!("dot_thousands"));
    let variables = [
        variable("Number", "string", "orders", "number"),
        with(variable("Mail", "email", "orders", "mail"), "required", json!(true)),
        number,
        variable("Kind", "string", "orders", "kind"),
        json!({"name": "Word", "data_type": "string", "scope": "orders", "type": "data_source", "value": "w"}),
    ];
    let customers = step(
        "customers",
        "orders",
        Some("Customer"),
        json!([matches("email", "Mail")]),
        json!([maps("name", "Number"), maps("email", "Mail")]),
    );
    let kind = with(maps("kind", "Kind"), "can_create_field_options", json!(true));
    let mapping = json!([
        maps("name", "Number"),
        maps("mail", "Mail"),
        maps("total", "Total"),
        kind,
        with(maps("customer", "Customer"), "conflict_resolution", json!("only_update_blank"))
    ]);
    let orders = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(client, TOKEN, &variables, &[customers, orders]);
    detail(client, TOKEN)
}

/// What a run of the input leaves: the SQL output, the counts, and the records.
fn outcome(client: &Client) -> (Vec<(String, String)>, Json, Vec<Vec<Json>>) {
    for (name, email, kind) in [("Ada", "ada@example.org", "Big"), ("Bob", "bob@example.org", "Small")] {
        let fields = json!([{"name": "name", "value": name}, {"name": "email", "value": email},
            {"name": "kind", "value": kind}]);
        client.post("/api/records/customers/add", &json!({ "fields": fields })).created();
    }
    journey::activate(client, TOKEN);
    let queued = upload(client, TOKEN, "orders.csv", INPUT, &[]).created();
    let run = run_ended(client, TOKEN, text(&queued["execution_id"]));
    assert_eq!(run["status"], "partial_success", "{run}");
    (
        unzip(client, &run["sql_output_zip"]),
        run["totals"].clone(),
        journey::records(client, "orders", &["name", "mail", "total"]),
    )
}

#[test]
fn an_export_recreates_the_connector_on_an_empty_server() {
    let (here, there) = (TestServer::start(), TestServer::start());
    let original = rich(&here.client());
    let export = here.client().get(&format!("{}/export", path(TOKEN))).expect(200);
    assert_eq!(export.headers["content-disposition"], "attachment; filename=\"shop_orders.json\"");
    let document = export.json();
    assert_eq!(document["filter_groups"][0]["query"][0]["filters"][0]["value"], json!(["Big"]));
    let ids = [&original["id"], &original["custom_object"]["id"], &original["source_file"]["id"]];
    assert!(ids.iter().all(|id| !export.text().contains(text(id))), "{document}");

    let client = there.client();
    let refusal = client.post(IMPORT, &document).expect(400).json();
    assert_eq!(refusal["code"], "does_not_exist");
    let errors = refusal["errors"].as_object().unwrap();
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["objects[0]", "objects[1]"]);
    assert!(text(&refusal["detail"]).contains("there is no object \"customers\""), "{refusal}");
    assert_eq!(client.get("/api/custom-objects").ok()["count"], 0);
    assert_eq!(client.get("/api/smart-connectors").ok()["count"], 0);

    let made = client.post(&format!("{IMPORT}?create_objects=true"), &document).created();
    assert_eq!(made["status"], "setup");
    assert_eq!(made["live_script"]["user_script"], SQL);
    // It was published here, by whoever imported it.
    let scripts = format!("{}/sql-scripts", path(TOKEN));
    let history = client.get(&format!("{scripts}/history")).ok();
    assert_eq!(history["count"], 1, "{history}");
    assert_eq!(history["results"][0]["published_by"]["id"], there.user_id.as_str());
    let draft = format!("{scripts}/{}", text(&made["last_draft_script"]["id"]));
    client.patch(&draft, &json!({"user_script": "SELECT 1;"})).ok();
    assert_eq!(client.post_empty(&format!("{scripts}/history/1/restore")).ok()["user_script"], SQL);
    for key in [
        "api_name",
        "name",
        "description",
        "connector_type",
        "headers",
        "sql_parameters",
        "input_options",
        "timeout_s",
        "max_concurrency",
        "diff_check_enabled",
        "guard",
        "retention_days",
        "retention_runs",
    ] {
        assert_eq!(made[key], original[key], "{key}");
    }
    assert_eq!(made["kizen_data_seeds"][0]["group"]["name"], "Big ones");
    let again = client.get(&format!("{}/export", path(TOKEN))).ok();
    assert_eq!(again, document);

    let (expected, found) = (outcome(&here.client()), outcome(&client));
    assert_eq!(found, expected);
    assert!(expected.0[0].1.contains("ada@example.org,\"2,5\",Big,hello"), "{:?}", expected.0);
    // The key is refused by name, and what is there is not made twice.
    let refusal = client.post(&format!("{IMPORT}?create_objects=true"), &document).refused(400, "unique");
    assert!(refusal.contains("Shop Orders") || refusal.contains("name"), "{refusal}");
    assert_eq!(client.get("/api/custom-objects").ok()["count"], 2);
}

/// Every key of the detail that a save may set stands in an export, but for what is another server's: its
/// status, its file, its secrets.
#[test]
fn an_export_has_every_setting_but_secrets() {
    const SECRET: &str = "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==";
    const HOOK: &str = "https://hooks.example.org/runs";
    let allows = |config: &mut Config| config.notify.allowed_hosts = vec!["hooks.example.org".to_owned()];
    let (here, there) = (TestServer::with(allows), TestServer::with(allows));
    let client = here.client();
    let original = rich(&client);
    let settings = json!({"on": ["failed", "cancelled"], "webhook_url": HOOK, "signing_secret": SECRET});
    let mut flow = original["flow"].clone();
    flow["loads"][0]["automation_trigger_config"] = json!({"run": "all"});
    flow["loads"][1]["newly_created_records_automations"] = json!(["welcome"]);
    let original = client.patch(&path(TOKEN), &json!({"notification_settings": settings, "flow": flow})).ok();
    let export = client.get(&format!("{}/export", path(TOKEN))).expect(200);
    assert!(!export.text().contains(&SECRET[6..]), "{}", export.text());
    let document = export.json();
    let facts = json!({"on": ["failed", "cancelled"], "webhook_url": HOOK});
    assert_eq!(document["connector"]["notification_settings"], facts);

    let client = there.client();
    let made = client.post(&format!("{IMPORT}?create_objects=true"), &document).created();
    let waits = json!({"on": ["failed", "cancelled"], "webhook_url": HOOK, "signing_secret": null});
    assert_eq!(made["notification_settings"], waits);
    assert!(text(&made["warning"]).contains("notification_settings.signing_secret"), "{made}");
    let automations = |detail: &Json| {
        let loads = detail["flow"]["loads"].as_array().unwrap().clone();
        [
            "automation_trigger_config",
            "newly_created_records_automations",
            "other_matches_records_automations",
        ]
        .map(|key| loads.iter().map(|load| load[key].clone()).collect::<Vec<_>>())
    };
    assert_eq!(automations(&made), automations(&original));
    assert_eq!(client.get(&format!("{}/export", path(TOKEN))).ok(), document);
    // What was read is accepted, and the secret is all that lacks.
    let same = client.patch(&path(TOKEN), &json!({"notification_settings": waits})).ok();
    assert_eq!(same["notification_settings"], waits);
    let body = json!({"notification_settings": {"webhook_url": "https://hooks.example.org/others"}});
    client.patch(&path(TOKEN), &body).refused(400, "required");
    let body = json!({"notification_settings": {"signing_secret": SECRET}});
    let done = client.patch(&path(TOKEN), &body).ok();
    assert_eq!(done["notification_settings"]["signing_secret"]["is_readable"], true);

    // A host that the other server does not send to is refused, by name.
    let other = TestServer::start();
    let refusal = other.client().post(&format!("{IMPORT}?create_objects=true"), &document);
    let refusal = refusal.refused(400, "invalid");
    assert!(refusal.contains("hooks.example.org") && refusal.contains("notify.allowed_hosts"), "{refusal}");
    assert_eq!(other.client().get("/api/smart-connectors").ok()["count"], 0);
    // A package tells nobody of anything.
    let package = unzip(&here.client(), &json!({"url": format!("{}/dev-package", path(TOKEN))}));
    assert!(package.iter().all(|(_, text)| !text.contains("hooks.example.org")));
}

#[test]
fn an_import_that_is_refused_leaves_nothing_behind() {
    let (here, there) = (TestServer::start(), TestServer::start());
    rich(&here.client());
    let document = here.client().get(&format!("{}/export", path(TOKEN))).ok();
    let client = there.client();
    let refused = |change: &dyn Fn(&mut Json), code: &str, part: &str| {
        let mut changed = document.clone();
        change(&mut changed);
        let refusal = client.post(&format!("{IMPORT}?create_objects=true"), &changed).refused(400, code);
        assert!(refusal.contains(part), "{refusal}");
        assert_eq!(client.get("/api/custom-objects").ok()["count"], 0, "{part}");
        assert_eq!(client.get("/api/smart-connectors").ok()["count"], 0, "{part}");
    };
    refused(&|d| d["format"] = json!(9), "invalid", "format");
    refused(&|d| d["script"] = Json::Null, "required", "script");
    refused(&|d| d["misspelt"] = json!(1), "invalid", "misspelt");
    refused(&|d| d["flow"][0]["scope"] = json!("others"), "invalid", "others");
    refused(&|d| d["execution_variables"][0]["data_source"] = json!("gone"), "invalid", "gone");
    refused(
        &|d| d["flow"][1]["field_mapping_rules"][0]["variables"] = json!(["Nobody"]),
        "invalid",
        "Nobody",
    );
    refused(&|d| d["connector"]["timeout_s"] = json!(0), "invalid", "timeout_s");
    refused(&|d| d["filter_groups"] = json!([]), "does_not_exist", "Big ones");
}

#[test]
fn a_field_of_another_type_is_named_and_stays() {
    let (here, there) = (TestServer::start(), TestServer::start());
    rich(&here.client());
    let document = here.client().get(&format!("{}/export", path(TOKEN))).ok();
    let client = there.client();
    journey::object(
        &client,
        "orders",
        &[
            json!({"name": "total", "field_type": "text"}),
            json!({"name": "kind", "field_type": "dropdown", "options": [{"name": "Mine"}]}),
        ],
    );
    let refusal = client.post(IMPORT, &document).expect(400).json();
    let sentences = refusal["errors"].to_string();
    for part in [
        "orders.total is a text, the document",
        "there is no field orders.mail",
        "orders.kind has no option",
        "no object \\\\\\\"customers",
    ] {
        let part = part.replace("\\\\\\\"", "\\\"");
        assert!(sentences.contains(&part), "{part}: {sentences}");
    }
    let refusal =
        client.post(&format!("{IMPORT}?create_objects=true"), &document).refused(400, "does_not_exist");
    assert!(refusal.contains("orders.total is a text, the document"), "{refusal}");
    let fields = client.get("/api/custom-objects/orders/fields").ok();
    assert_eq!(row(&fields, "name", "kind")["options"].as_array().unwrap().len(), 1);
}

#[test]
fn a_duplicate_has_everything_but_secrets_and_runs() {
    let server = TestServer::start();
    let client = server.client();
    let original = rich(&client);
    let copy = client.post(&format!("{}/duplicate", path(TOKEN)), &json!({"name": " Second "})).created();
    assert_eq!(
        (&copy["name"], &copy["api_name"], &copy["status"]),
        (&json!("Second"), &json!("second"), &json!("setup"))
    );
    assert_eq!((&copy["live_script"], &copy["stats"]["used_count"]), (&Json::Null, &json!(0)));
    for key in [
        "description",
        "headers",
        "sql_parameters",
        "input_options",
        "guard",
        "source_file",
        "retention_days",
    ] {
        assert_eq!(copy[key], original[key], "{key}");
    }
    assert_eq!(copy["last_draft_script"]["user_script"], original["last_draft_script"]["user_script"]);
    assert_ne!(copy["execution_variables"][0]["id"], original["execution_variables"][0]["id"]);
    // Its rules are about its own variables: the whole flow is taken back as it was read.
    client
        .patch(
            &path("second"),
            &json!({"flow": copy["flow"], "execution_variables": copy["execution_variables"]}),
        )
        .ok();
    journey::publish(&client, "second", SQL);
    client.patch(&path("second"), &json!({"status": "operational"})).ok();
    let run = journey::start(&client, "second", false);
    assert_eq!(run_ended(&client, "second", &run)["totals"]["created"], 5);
    client.delete(&path(TOKEN)).expect(204);
    client.download(text(&copy["source_file"]["url"])).expect(200);
    client.post(&format!("{}/duplicate", path("second")), &json!({"name": "SECOND"})).refused(400, "unique");
}

#[test]
fn who_may_copy() {
    let shop = Shop::new();
    let (one, id) = (path(TOKEN), text(&detail(&shop.client, TOKEN)["id"]).to_owned());
    let document = shop.client.get(&format!("{one}/export")).ok();
    let viewer = shop.server.client_as("viewer", None);
    assert_eq!(viewer.get(&format!("{one}/export")).ok(), document);
    for client in [viewer, shop.server.client_as("editor", Some(&[&id]))] {
        client.post(IMPORT, &document).refused(403, "permission_required");
        client.post(&format!("{one}/duplicate"), &json!({"name": "x"})).refused(403, "permission_required");
    }
    shop.server.client_as("sender", None).get(&format!("{one}/export")).refused(403, "permission_required");
}
