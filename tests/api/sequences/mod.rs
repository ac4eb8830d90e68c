//! The calls of existing clients, in their order, with their headers and encodings.

mod seeds;

use calamine::Reader as _;
use serde_json::{Value as Json, json};

use crate::support::{
    TestServer,
    configure::{configure, maps, matches, step, variable, with},
    journey::{self, detail, path, records, row, text, unzip},
};

const TOKEN: &str = "shop_orders";
const CSV: &[u8] = b"Number,E-Mail,Who,Total\r\n1,ada@example.org,Ada,2.50\r\n2,bob@example.org,Bob,x\r\n3,ada@example.org,Ada,7\r\n";
const SQL: &str = "-- both objects from one file
CREATE TABLE output.orders AS
SELECT rowid AS _line, number, e_mail AS mail, who, total FROM input.orders_csv;
";

/// A server with the objects `customers` and `orders` and a connector.
fn server() -> TestServer {
    let server = TestServer::start();
    let client = server.client();
    let mail = json!({"name": "email", "field_type": "email", "is_unique": true});
    journey::object(&client, "customers", &[mail]);
    let relation = json!({"object": "customers", "cardinality": "one"});
    journey::object(
        &client,
        "orders",
        &[
            json!({"name": "total", "field_type": "decimal"}),
            json!({"name": "customer", "field_type": "relationship", "relation": relation}),
        ],
    );
    let made = journey::create(&client, "orders", "Shop Orders");
    assert_eq!((&made["status"], &made["api_name"]), (&json!("setup"), &json!(TOKEN)));
    assert_eq!(made["last_draft_script"]["user_script"], "");
    server
}

fn variables() -> Vec<Json> {
    vec![
        variable("Number", "string", "orders", "number"),
        variable("Mail", "email", "orders", "mail"),
        variable("Who", "string", "orders", "who"),
        variable("Total", "number", "orders", "total"),
    ]
}

/// Customers first: their ids are what the orders refer to.
fn steps() -> Vec<Json> {
    let customers = step(
        "customers",
        "orders",
        Some("Customer id"),
        json!([matches("email", "Mail")]),
        json!([maps("name", "Who"), maps("email", "Mail")]),
    );
    let orders = step(
        "orders",
        "orders",
        None,
        json!([matches("name", "Number")]),
        json!([maps("name", "Number"), maps("total", "Total"), maps("customer", "Customer id")]),
    );
    vec![customers, orders]
}

/// Sequences 3, 5, 6 and the first call of 7.
fn ready() -> TestServer {
    let server = server();
    let client = server.client();
    journey::set_input(&client, TOKEN, "orders.csv", CSV);
    journey::publish(&client, TOKEN, SQL);
    configure(&client, TOKEN, &variables(), &steps());
    journey::activate(&client, TOKEN);
    server
}

/// The names of the columns of the scope `orders`.
fn headers(detail: &Json) -> Vec<&str> {
    detail["headers"]["orders"].as_array().unwrap().iter().map(|column| text(&column["name"])).collect()
}

/// Without the ids of rules: a rule sent without one is a new rule.
fn without_rule_ids(flow: &Json) -> Json {
    let mut flow = flow.clone();
    for load in flow["loads"].as_array_mut().unwrap() {
        for key in ["matching_rules", "field_mapping_rules"] {
            for rule in load[key].as_array_mut().unwrap() {
                rule.as_object_mut().unwrap().remove("id");
            }
        }
    }
    flow
}

#[test]
fn credentials_are_checked() {
    let server = TestServer::start();
    let answer = server.client().get("/api/custom-objects?page_size=1").ok();
    assert!(answer["count"].is_number() && answer["results"].is_array(), "{answer}");
}

#[test]
fn a_connector_is_created() {
    let server = server();
    let client = server.client();
    let contacts = client.get("/api/custom-objects?custom_only=false").ok();
    assert_eq!(row(&contacts["results"], "name", "client_client")["is_custom"], false);
    let custom = client.get("/api/custom-objects").ok();
    assert!(custom["results"].as_array().unwrap().iter().all(|row| row["is_custom"] == true), "{custom}");
    let listed = client.get("/api/smart-connectors?search=Shop%20Orders&ordering=name").ok();
    let listed = row(&listed["results"], "api_name", TOKEN);
    assert_eq!(listed["custom_object"]["name"], "orders");
    assert_eq!(listed["stats"]["used_count"], 0);
    let body = json!({"name": "shop orders ", "custom_object": listed["custom_object"]["id"],
        "connector_type": "spreadsheet"});
    client.post("/api/smart-connectors", &body).refused(400, "unique");
}

#[test]
fn the_first_input_is_set() {
    let server = server();
    let client = server.client();
    let before = detail(&client, TOKEN);
    let draft = journey::set_input(&client, TOKEN, "orders.csv", CSV);
    let after = detail(&client, TOKEN);
    assert_eq!(after["last_draft_script"]["id"], draft["id"]);
    assert_ne!(draft["id"], before["last_draft_script"]["id"]);
    assert_eq!(draft["sql_version"], before["last_draft_script"]["sql_version"]);
    assert_eq!(after["source_file"]["name"], "orders.csv");
    let table = &draft["config_metadata"]["input_tables"][0];
    assert_eq!((&table["table_name"], &table["page_idx"]), (&json!("orders_csv"), &json!(0)));
    assert_eq!((&table["database"], &table["file_path"]), (&json!("input"), &Json::Null));
    assert_eq!(table["file_id"], after["source_file"]["id"]);
    let columns = ["number", "e_mail", "who", "total"];
    for (found, name) in table["columns_mapping"].as_array().unwrap().iter().zip(columns) {
        assert_eq!((&found["col"], &found["type"]), (&json!(name), &json!("str")));
    }
    assert!(text(&draft["user_script"]).contains("CREATE TABLE output.orders AS"), "{draft}");
    assert_eq!(headers(&after), columns);
    let old = &before["last_draft_script"]["id"];
    client.get(&format!("{}/sql-scripts/{}", path(TOKEN), text(old))).refused(404, "not_found");
    assert_eq!(client.post(&format!("{}/get-file-template", path(TOKEN)), &json!({})).ok(), json!({}));
}

#[test]
fn a_sample_is_generated() {
    let server = server();
    let client = server.client();
    journey::set_input(&client, TOKEN, "orders.csv", CSV);
    let before = detail(&client, TOKEN);
    let sampled = journey::sample(&client, TOKEN);
    let script = &sampled["last_draft_script"];
    assert_eq!(script["config_metadata"]["triggered"]["fileupload_file_id"], sampled["source_file"]["id"]);
    assert_eq!(sampled["headers"], before["headers"]);
    let file = &script["output_csv_file"];
    let name = text(&file["name"]);
    let day =
        name.strip_prefix("Draft_shop_orders_sample_output_").and_then(|rest| rest.strip_suffix(".zip"));
    assert!(day.is_some_and(|day| day.len() == 8 && day.starts_with("20")), "{name}");
    assert_eq!(
        unzip(&client, file),
        [(
            "orders.csv".to_owned(),
            "number,e_mail,who,total\r\n1,ada@example.org,Ada,2.50\r\n2,bob@example.org,Bob,x\r\n3,ada@example.org,Ada,7\r\n".to_owned()
        )]
    );
    assert_eq!(records(&client, "orders", &["name"]), Vec::<Vec<Json>>::new());
}

#[test]
fn a_script_is_pushed_and_published() {
    let server = server();
    let client = server.client();
    journey::set_input(&client, TOKEN, "orders.csv", CSV);
    let draft = journey::draft_path(&detail(&client, TOKEN));
    let refusal = client.post_empty(&format!("{draft}/publish")).refused(400, "invalid");
    assert_eq!(refusal, "Output sample file is not generated yet. Please run the script first.");

    let after = journey::publish(&client, TOKEN, SQL);
    assert_eq!(after["status"], "setup");
    assert_eq!(after["live_script"]["user_script"], SQL);
    assert_eq!(after["live_script"]["status"], "live");
    let next = &after["last_draft_script"];
    assert_eq!((&next["user_script"], &next["state"]), (&json!(SQL), &json!("setup")));
    assert_eq!(
        next["config_metadata"]["input_tables"],
        after["live_script"]["config_metadata"]["input_tables"]
    );
    assert_eq!(headers(&after), ["number", "mail", "who", "total"]);

    // A live script takes an edit with a smile and stays as it is.
    let live = format!("{}/sql-scripts/{}", path(TOKEN), text(&after["live_script"]["id"]));
    client.patch(&live, &json!({"user_script": "SELECT 1"})).ok();
    assert_eq!(client.get(&live).ok()["user_script"], SQL);
    client.post_empty(&format!("{live}/publish")).refused(400, "invalid");
    journey::publish(&client, TOKEN, SQL);
    client.get(&live).refused(404, "not_found");
}

#[test]
fn a_flow_is_configured_in_rounds() {
    let server = server();
    let client = server.client();
    journey::set_input(&client, TOKEN, "orders.csv", CSV);
    journey::publish(&client, TOKEN, SQL);
    assert!(client.post_empty(&format!("{}/generate-execution-variables", path(TOKEN))).ok().is_array());
    let (first, rounds) = configure(&client, TOKEN, &variables(), &steps());
    assert_eq!(rounds, 2);
    let loads = first["flow"]["loads"].as_array().unwrap();
    assert_eq!(loads.len(), 2);
    let exposed = &loads[0]["execution_variable"];
    assert_eq!(
        (&exposed["name"], &exposed["type"]),
        (&json!("Customer id"), &json!("related_object_upload"))
    );
    assert_eq!(loads[1]["field_mapping_rules"][2]["variables"], json!([exposed["id"]]));
    for key in [
        "id",
        "custom_object",
        "scope",
        "type",
        "order",
        "matching_rules",
        "field_mapping_rules",
        "execution_variable",
        "automation_trigger_config",
        "newly_created_records_automations",
        "other_matches_records_automations",
    ] {
        assert!(loads[0].get(key).is_some(), "{key}: {}", loads[0]);
    }

    // Again: the same ids everywhere, in one round.
    let (again, rounds) = configure(&client, TOKEN, &variables(), &steps());
    assert_eq!(rounds, 1);
    assert_eq!(again["execution_variables"], first["execution_variables"]);
    assert_eq!(without_rule_ids(&again["flow"]), without_rule_ids(&first["flow"]));
    // And as read, word for word.
    for key in ["execution_variables", "flow", "kizen_data_seeds"] {
        let sent = client.patch(&path(text(&again["id"])), &json!({ key: again[key] })).ok();
        assert_eq!(sent[key], again[key]);
    }

    // A variable is dropped: the rounds still carry it, the last call leaves it out.
    let mut fewer = steps();
    fewer[1]["field_mapping_rules"].as_array_mut().unwrap().remove(1);
    let (dropped, _) = configure(&client, TOKEN, &variables()[..3], &fewer);
    assert_eq!(dropped["execution_variables"].as_array().unwrap().len(), 3);
    assert_eq!(
        dropped["flow"]["loads"][0]["execution_variable"],
        first["flow"]["loads"][0]["execution_variable"]
    );
    assert_eq!(dropped["flow"]["loads"][1]["id"], first["flow"]["loads"][1]["id"]);
    assert_eq!(dropped["flow"]["loads"][1]["field_mapping_rules"].as_array().unwrap().len(), 2);

    // A step is deleted: its exposed variable goes with it.
    let alone = with(steps()[1].clone(), "field_mapping_rules", json!([maps("name", "Number")]));
    let (alone, _) = configure(&client, TOKEN, &variables()[..3], &[alone]);
    assert_eq!(alone["flow"]["loads"].as_array().unwrap().len(), 1);
    assert_eq!(alone["flow"]["loads"][0]["id"], first["flow"]["loads"][1]["id"]);
}

#[test]
fn a_flow_is_activated_started_and_its_files_downloaded() {
    let server = ready();
    let client = server.client();
    let dry = journey::start(&client, TOKEN, true);
    let dry = journey::run_ended(&client, TOKEN, &dry);
    let live = journey::start(&client, TOKEN, false);
    let live = journey::run_ended(&client, TOKEN, &live);
    assert_eq!(live["status"], "partial_success", "{live}");
    assert_eq!(dry["totals"], live["totals"]);
    let listed = client.get(&format!("{}/executions?ordering=-created", path(TOKEN))).ok();
    assert_eq!((&listed["count"], &listed["results"][0]["id"]), (&json!(1), &live["id"]));
    let listed =
        client.get(&format!("{}/executions?ordering=-created&include_dry_run=true", path(TOKEN))).ok();
    assert_eq!((&listed["results"][0]["id"], &listed["results"][1]["id"]), (&live["id"], &dry["id"]));

    let types: Vec<&str> =
        live["step_progress"].as_array().unwrap().iter().map(|stage| text(&stage["type"])).collect();
    assert_eq!(
        types,
        [
            "smart_connector_input_read",
            "smart_connector_sql_run",
            "smart_connector_execution_variable_eval",
            "smart_connector_load_step_run",
            "smart_connector_load_step_run",
            "smart_connector_report"
        ]
    );
    assert_eq!(live["started_by"]["id"], server.user_id.as_str());
    let used = client.get(&format!("{}/executions/{}/sql-script", path(TOKEN), text(&live["id"]))).ok();
    assert_eq!(used["user_script"], SQL);

    assert_eq!(live["final_report"]["name"], "Shop Orders_output_2.xlsx");
    assert_eq!(dry["final_report"]["name"], "Shop Orders_dry_run_output_1.xlsx");
    let report = client.download(text(&live["final_report"]["url"])).expect(200).bytes;
    let book = calamine::Xlsx::new(std::io::Cursor::new(report)).unwrap();
    assert!(book.sheet_names().contains(&"Summary Stats".to_owned()));
    assert_eq!(live["sql_output_zip"]["name"], "Live_shop_orders_sample_output_2.zip");
    assert_eq!(unzip(&client, &live["sql_output_zip"])[0].0, "orders.csv");
    assert_eq!(client.download(text(&live["input_file"]["url"])).expect(200).bytes, CSV);
    // A total that is no number rejects its row where the total is used, and only there.
    assert_eq!(
        records(&client, "orders", &["name", "total"]),
        [[json!("1"), json!(2.5)], [json!("3"), json!(7)]]
    );
    assert_eq!(records(&client, "customers", &["name"]), [[json!("Ada")], [json!("Bob")]]);
    let events = client
        .get(&format!("{}/events-history?ordering=created", path(text(&detail(&client, TOKEN)["id"]))))
        .ok();
    assert!(
        events["results"].as_array().unwrap().iter().any(|event| event["execution_id"] == live["id"]),
        "{events}"
    );
}
