//! Which files a run takes, and what it does with their columns.

use serde_json::{Value as Json, json};

use super::{SQL, Shop, TOKEN, run, totals};
use crate::support::{
    TestServer,
    configure::{configure, maps, matches, step, variable},
    journey::{self, path, text},
};

#[test]
fn another_name_another_order_and_a_column_more() {
    let shop = Shop::new();
    let run = shop.run("Export 2026-05.csv", "total,Note,NUMBER,e-mail\n2.5,hello,7,eve@example.org\n");
    assert_eq!(run["status"], "success", "{run}");
    assert_eq!(shop.orders(), [[json!("7"), json!("eve@example.org"), json!(2.5)]]);
    let logs = shop.client.get(&format!("{}/executions/{}/logs", path(TOKEN), text(&run["id"]))).ok();
    let warned = logs["results"]
        .as_array()
        .unwrap()
        .iter()
        .any(|line| line["level"] == "warning" && text(&line["message"]).to_lowercase().contains("note"));
    assert!(warned, "{logs}");
    assert_eq!(run["input_file"]["name"], "Export 2026-05.csv");
}

#[test]
fn a_column_that_is_missing_is_named() {
    let shop = Shop::new();
    let run = shop.run("orders.csv", "Number,Total,Comment\n1,2,x\n");
    assert_eq!(run["status"], "failed");
    let error = text(&run["error_details"]);
    for name in ["e_mail", "comment"] {
        assert!(error.to_lowercase().contains(name), "{error}");
    }
    assert!(run["final_report"].is_null() && run["sql_output_zip"].is_null(), "{run}");
    assert_eq!(run["input_file"]["name"], "orders.csv");
    assert!(shop.orders().is_empty());
}

#[test]
fn a_second_run_changes_nothing() {
    let shop = Shop::new();
    let csv = "Number,E-Mail,Total\n1,ada@example.org,1.50\n2,,2\n3,eve@example.org,\n";
    assert_eq!(totals(&shop.run("a.csv", csv)), [3, 0, 0, 0, 0]);
    let object = journey::object_id(&shop.client, "orders");
    let before = journey::search(&shop.client, &object, &json!([]));
    let again = journey::upload(&shop.client, TOKEN, "a.csv", csv.as_bytes(), &[]).created();
    assert!(again["same_file_as"].is_string() && again["warning"].is_string(), "{again}");
    let again = journey::run_ended(&shop.client, TOKEN, text(&again["execution_id"]));
    assert_eq!((&again["status"], totals(&again)), (&json!("success"), [0, 0, 3, 0, 0]));
    assert_eq!(journey::search(&shop.client, &object, &json!([])), before);
}

#[test]
fn a_dry_run_counts_as_the_live_run_after_it_and_writes_nothing() {
    let shop = Shop::new();
    shop.run("a.csv", "Number,E-Mail,Total\n1,ada@example.org,1\n2,bob@example.org,2\n");
    let before = shop.orders();
    // Changed, as it was, new, new twice, blank key, no number, no e-mail.
    let csv =
        "Number,E-Mail,Total\n1,ada@example.org,9\n2,bob@example.org,2\n3,,3\n4,,4\n4,,5\n,,6\n5,,x\n6,y,7\n";
    let dry = shop.run_with("b.csv", csv, &[("is_dry_run", "true")]);
    assert_eq!(shop.orders(), before);
    assert_eq!(dry["is_dry_run"], true);
    let updated = shop.rows(&dry, "status=updated");
    assert_eq!(updated[0]["changes"], json!([{"field": "total", "old": "1", "new": "9"}]));
    let live = shop.run("b.csv", csv);
    assert_eq!(totals(&live), [2, 2, 1, 0, 3]);
    assert_eq!(dry["totals"], live["totals"]);
    assert_eq!(dry["status"], live["status"]);
    let counts = |run: &Json| {
        let mut stages = run["step_progress"].clone();
        for step in stages.as_array_mut().unwrap().iter_mut().flat_map(|s| s["steps"].as_array_mut().unwrap())
        {
            step["started_at"] = Json::Null;
            step["ended_at"] = Json::Null;
        }
        stages
    };
    assert_eq!(counts(&dry), counts(&live));
}

#[test]
fn an_empty_script_passes_the_file_through() {
    let server = TestServer::start();
    let client = server.client();
    journey::object(&client, "orders", &[json!({"name": "total", "field_type": "decimal"})]);
    journey::create(&client, "orders", "Shop Orders");
    journey::set_input(&client, TOKEN, "orders.csv", b"Number,Total\n1,2\n");
    journey::publish(&client, TOKEN, "");
    let variables =
        [variable("Number", "string", "orders", "number"), variable("Total", "number", "orders", "total")];
    let mapping = json!([maps("name", "Number"), maps("total", "Total")]);
    let step = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(&client, TOKEN, &variables, &[step]);
    journey::activate(&client, TOKEN);
    let ran = run(&client, TOKEN, "b.csv", "Number,Total\n1,2\n2,x\n", &[]);
    assert_eq!(totals(&ran), [1, 0, 0, 0, 1]);
    assert_eq!(super::rows(&client, TOKEN, &ran, "status=error")[0]["line"], 3);
}

#[test]
fn parameters_are_bound_over_those_of_the_connector() {
    let sql = "CREATE TABLE output.orders AS SELECT rowid AS _line, number, e_mail AS mail,
        total + :more AS total FROM input.orders_csv WHERE number <> :without;";
    let shop = Shop::in_setup(|_| {}, SQL);
    let draft = journey::draft_path(&journey::detail(&shop.client, TOKEN));
    shop.patch(&json!({"sql_parameters": {"more": 1}}));
    shop.client.patch(&draft, &json!({"user_script": sql})).ok();
    let input = journey::detail(&shop.client, TOKEN)["source_file"]["id"].clone();
    shop.client.post(&format!("{draft}/start"), &json!({"source_file_id": input})).expect(202);
    let failed = journey::ended(&shop.client, &draft);
    assert_eq!(failed["state"], "failed");
    assert!(text(&failed["error"]).contains(":without"), "{failed}");

    shop.patch(&json!({"sql_parameters": {"more": 1, "without": "2"}}));
    journey::publish(&shop.client, TOKEN, sql);
    journey::activate(&shop.client, TOKEN);
    let csv = "Number,E-Mail,Total\n1,,1\n2,,2\n";
    let own = shop.run_with("a.csv", csv, &[("sql_parameters", r#"{"more": 10}"#)]);
    assert_eq!(own["status"], "success", "{own}");
    assert_eq!(own["sql_parameters"]["more"], 10);
    assert_eq!(shop.orders(), [[json!("1"), Json::Null, json!(11)]]);

    shop.patch(&json!({"sql_parameters": {"more": 1}}));
    let failed = shop.run("b.csv", csv);
    assert_eq!(failed["status"], "failed");
    assert!(text(&failed["error_details"]).contains(":without"), "{failed}");
}

#[test]
fn the_script_of_a_run_stays_what_it_was() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n");
    let other = SQL.replace("total FROM", "total + 1 AS total FROM");
    journey::publish(&shop.client, TOKEN, &other);
    let used = |run: &Json| {
        let url = format!("{}/executions/{}/sql-script", path(TOKEN), text(&run["id"]));
        text(&shop.client.get(&url).ok()["user_script"]).to_owned()
    };
    let after = shop.run("b.csv", "Number,E-Mail,Total\n1,,1\n");
    assert_eq!((used(&run), used(&after)), (SQL.to_owned(), other));
    assert_eq!(totals(&after), [0, 1, 0, 0, 0]);
}

#[test]
fn the_connector_says_which_texts_are_no_value_and_how_cells_are_quoted() {
    let shop = Shop::new();
    shop.patch(&json!({"input_options": {"null_values": ["-", "n/a"], "quote": "'"}}));
    let run = shop.run("a.csv", "Number,E-Mail,Total\n'1,5',-,2\n\"2\",n/a,-\n'it''s',eve@example.org,3\n");
    assert_eq!(run["status"], "success", "{run}");
    let mut orders = shop.orders();
    orders.sort_by_key(|row| text(&row[0]).to_owned());
    assert_eq!(
        orders,
        [
            [json!("\"2\""), Json::Null, Json::Null],
            [json!("1,5"), Json::Null, json!(2)],
            [json!("it's"), json!("eve@example.org"), json!(3)]
        ]
    );
}
