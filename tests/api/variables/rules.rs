//! What holds for variables of every type.

use serde_json::{Value as Json, json};

use super::{TOKEN, connector};
use crate::{
    flow::Fixture,
    run::{assert_adds_up, rows, run, totals},
    support::{
        Client, TestServer,
        configure::{configure, maps, matches, step, variable, with},
        journey::{self, records},
    },
};

const TYPES: [&str; 8] = ["string", "boolean", "date", "datetime", "number", "email", "phone_number", "uuid"];

/// A connector for `csv` whose step matches by `n` and writes `value` from the variable `V`.
fn loads(client: &Client, csv: &str, value: Json) {
    connector(client, csv);
    let variables = [variable("Case", "string", "cases", "n"), value];
    let mapping = json!([maps("name", "Case"), maps("value", "V")]);
    let step = step("cases", "cases", None, json!([matches("name", "Case")]), mapping);
    configure(client, TOKEN, &variables, &[step]);
    journey::activate(client, TOKEN);
}

#[test]
fn a_blank_of_a_required_variable_of_any_type_rejects_the_row() {
    let server = TestServer::start();
    let client = server.client();
    let csv = "n,c0\n1,\n2,\" \"\n";
    loads(&client, csv, variable("V", "string", "cases", "c0"));
    for data_type in TYPES {
        let required = with(variable("V", data_type, "cases", "c0"), "required", json!(true));
        let variables = [variable("Case", "string", "cases", "n"), required];
        let mapping = json!([maps("name", "Case"), maps("value", "V")]);
        let step = step("cases", "cases", None, json!([matches("name", "Case")]), mapping);
        configure(&client, TOKEN, &variables, &[step]);
        let dry = run(&client, TOKEN, "a.csv", csv, &[("is_dry_run", "true")]);
        // White space is a string, and blank for every other type.
        let rejected = if data_type == "string" { 1 } else { 2 };
        assert_eq!(totals(&dry), [2 - rejected, 0, 0, 0, rejected], "{data_type}");
        let said = rows(&client, TOKEN, &dry, "status=error");
        for (n, row) in said.as_array().unwrap().iter().enumerate() {
            let message = &row["messages"][0];
            assert_eq!((&row["line"], &message["code"]), (&json!(n + 2), &json!("required")), "{row}");
            assert_eq!((&message["message"], &message["column"]), (&json!("V is required"), &json!("c0")));
        }
    }
}

#[test]
fn a_value_that_does_not_fit_rejects_the_row_only_in_the_steps_that_use_it() {
    let server = TestServer::start();
    let client = server.client();
    let csv = "n,c0,c1\n1,x,2\n2,3,4\n";
    connector(&client, csv);
    let variables = [
        variable("Case", "string", "cases", "n"),
        variable("A", "number", "cases", "c0"),
        variable("B", "number", "cases", "c1"),
    ];
    journey::object(&client, "others", &[json!({"name": "value", "field_type": "decimal"})]);
    let uses = |object: &str, variable: &str| {
        let mapping = json!([maps("name", "Case"), maps("value", variable)]);
        step(object, "cases", None, json!([matches("name", "Case")]), mapping)
    };
    configure(&client, TOKEN, &variables, &[uses("cases", "A"), uses("others", "B")]);
    journey::activate(&client, TOKEN);
    let ran = run(&client, TOKEN, "a.csv", csv, &[]);
    assert_eq!((&ran["status"], totals(&ran)), (&json!("partial_success"), [3, 0, 0, 0, 1]));
    assert_eq!(records(&client, "cases", &["name", "value"]), [[json!("2"), json!("3")]]);
    let others = records(&client, "others", &["name", "value"]);
    assert_eq!(others, [[json!("1"), json!(2)], [json!("2"), json!(4)]]);
}

#[test]
fn a_value_in_a_message_is_cut_at_200_characters() {
    let server = TestServer::start();
    let client = server.client();
    let csv = format!("n,c0\n1,{}\n", "é".repeat(300));
    loads(&client, &csv, variable("V", "number", "cases", "c0"));
    let ran = run(&client, TOKEN, "a.csv", &csv, &[]);
    let message = rows(&client, TOKEN, &ran, "status=error")[0]["messages"][0].clone();
    assert_eq!(message["value"], "é".repeat(200));
    assert!(!message["message"].as_str().unwrap().contains(&"é".repeat(201)));
}

#[test]
fn columns_that_are_gone_fail_the_run_before_it_loads_and_all_are_named() {
    let server = TestServer::start();
    let client = server.client();
    let csv = "n,c0,c1\n1,2,3\n";
    connector(&client, csv);
    let variables = [
        variable("Case", "string", "cases", "n"),
        variable("A", "number", "cases", "c0"),
        variable("B", "number", "cases", "c1"),
    ];
    let mapping = json!([maps("name", "Case"), maps("value", "A")]);
    let step = step("cases", "cases", None, json!([matches("name", "Case")]), mapping);
    configure(&client, TOKEN, &variables, &[step]);
    journey::activate(&client, TOKEN);
    journey::publish(&client, TOKEN, "CREATE TABLE output.cases AS SELECT n FROM input.cases_csv;");
    let ran = run(&client, TOKEN, "a.csv", csv, &[]);
    assert_eq!(ran["status"], "failed");
    let error = ran["error_details"].as_str().unwrap();
    assert!(
        error.contains("cases.c0") && error.contains("cases.c1") && error.contains("cases (n)"),
        "{error}"
    );
    assert_adds_up(&ran);
    assert_eq!(records(&client, "cases", &["name"]).len(), 0);
}

#[test]
fn a_literal_is_checked_when_saved_and_loads_with_every_row() {
    let f = Fixture::new();
    for (n, (data_type, format, good, bad, sentence)) in [
        ("number", "auto", "(1.50)", "twelve", "\"twelve\" is not a number"),
        ("boolean", "yes_no", "YES", "true", "yes or no"),
        ("date", "%d.%m.%Y", "4.3.2026", "2026-03-04", "%d.%m.%Y"),
        ("date", "auto", "2026-03-04", "03/04/2026", "2026-04-03 in %d/%m/%Y"),
        ("datetime", "rfc3339", "2026-03-04T10:00:00Z", "2026-03-04 10:00", "rfc3339"),
        ("email", "", "ada@example.org", "ada", "not an e-mail address"),
        ("phone_number", "region:DE", "030 123456", "12", "one of DE"),
        ("uuid", "", "123e4567-e89b-12d3-a456-426614174000", "123", "not a UUID"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("Kind {n}");
        let row = |value: &str| {
            json!([{"name": name, "data_type": data_type, "scope": "orders", "value": value,
                "input_format": format}])
        };
        let saved = f.set("execution_variables", &row(good));
        assert_eq!((&saved[0]["value"], &saved[0]["data_source"]), (&json!(good), &Json::Null));
        let mut spoilt = saved.clone();
        spoilt[0]["value"] = json!(bad);
        let detail = f.refused("execution_variables", &spoilt, "invalid");
        assert!(detail.contains(sentence) && detail.contains(&name), "{detail}");
    }
    let server = TestServer::start();
    let client = server.client();
    let csv = "n,c0\n1,\n2,\n";
    let literal = json!({"name": "V", "data_type": "number", "scope": "cases", "value": "$1,000",
        "output_format": "comma"});
    loads(&client, csv, literal);
    run(&client, TOKEN, "a.csv", csv, &[]);
    let values = records(&client, "cases", &["name", "value"]);
    assert_eq!(values, [[json!("1"), json!("1,000")], [json!("2"), json!("1,000")]]);
}

#[test]
fn auto_on_dates_earns_a_warning_and_a_declared_format_none() {
    let f = Fixture::new();
    let save = |name: &str, data_type: &str, format: Json| {
        let row = json!({"name": name, "data_type": data_type, "scope": "orders", "data_source": "number",
            "input_format": format});
        f.client.patch(&f.path, &json!({ "execution_variables": [row] })).ok()["warning"].clone()
    };
    for (n, (data_type, format, warns)) in [
        ("date", json!("auto"), true),
        ("date", Json::Null, true),
        ("datetime", json!("auto"), true),
        ("datetime", Json::Null, true),
        ("date", json!("auto_us"), false),
        ("date", json!("%Y-%m-%d"), false),
        ("datetime", json!("rfc3339"), false),
        ("number", json!("auto"), false),
        ("boolean", json!("auto"), false),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("Day {n}");
        let warning = save(&name, data_type, format.clone());
        let said = warning.as_str().unwrap_or_default();
        assert_eq!(said.contains(&name) && said.contains("auto"), warns, "{data_type} {format}: {warning}");
    }
}
