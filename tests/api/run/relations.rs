//! Records of one object related to those of another in one run.

use serde_json::{Value as Json, json};

use super::{TOKEN, rows, run, totals};
use crate::support::{
    Client, TestServer,
    configure::{configure, maps, matches, step, variable, with},
    journey::{self, records, text},
};

const CSV: &[u8] =
    b"Number,E-Mail,Who\n1,ada@example.org,Ada\n2,bob@example.org,Bob\n3,ada@example.org,Ada\n";

fn server(sql: &str) -> (TestServer, Client) {
    let server = TestServer::start();
    let client = server.client();
    journey::object(
        &client,
        "customers",
        &[json!({"name": "email", "field_type": "email", "is_unique": true})],
    );
    let relation = json!({"object": "customers", "cardinality": "one"});
    let customer = json!({"name": "customer", "field_type": "relationship", "relation": relation});
    journey::object(&client, "orders", &[customer]);
    journey::create(&client, "orders", "Shop Orders");
    journey::set_input(&client, TOKEN, "orders.csv", CSV);
    journey::publish(&client, TOKEN, sql);
    (server, client)
}

/// Each order's name with the label of its customer.
fn customers_of_orders(client: &Client) -> Vec<(String, Json)> {
    records(client, "orders", &["name", "customer"])
        .into_iter()
        .map(|row| (text(&row[0]).to_owned(), row[1]["display_name"].clone()))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, Json)> {
    expected.iter().map(|(order, who)| ((*order).to_owned(), json!(who))).collect()
}

#[test]
fn two_steps_of_one_scope_by_the_exposed_variable() {
    let (_server, client) = server(
        "CREATE TABLE output.orders AS SELECT rowid AS _line, number, e_mail AS mail, who FROM input.orders_csv;",
    );
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Mail", "email", "orders", "mail"),
        variable("Who", "string", "orders", "who"),
    ];
    let mapping = json!([maps("name", "Who"), maps("email", "Mail")]);
    let customers = step("customers", "orders", Some("Customer"), json!([matches("email", "Mail")]), mapping);
    let mapping = json!([maps("name", "Number"), maps("customer", "Customer")]);
    let orders = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(&client, TOKEN, &variables, &[customers, orders]);
    journey::activate(&client, TOKEN);
    let csv = std::str::from_utf8(CSV).unwrap();
    let ran = run(&client, TOKEN, "a.csv", &format!("{csv}4,nobody,Nob\n"), &[]);
    assert_eq!(totals(&ran), [5, 0, 1, 0, 2]);
    assert_eq!(customers_of_orders(&client), pairs(&[("1", "Ada"), ("2", "Bob"), ("3", "Ada")]));
    // What needs a row that was not loaded says so, and why.
    let refused = rows(&client, TOKEN, &ran, "status=error").to_string();
    assert!(refused.contains("depends on a row that was not loaded (step 1: "), "{refused}");
    let again = run(&client, TOKEN, "b.csv", csv, &[]);
    assert_eq!(totals(&again), [0, 0, 6, 0, 0]);
}

#[test]
fn two_scopes_by_look_up() {
    let (_server, client) = server(
        "CREATE TABLE output.customers AS SELECT DISTINCT e_mail AS mail, who FROM input.orders_csv
            WHERE who IS NOT NULL;
        CREATE TABLE output.orders AS SELECT rowid AS _line, number, e_mail AS mail FROM input.orders_csv;",
    );
    let variables = [
        variable("Mail", "email", "customers", "mail"),
        variable("Who", "string", "customers", "who"),
        variable("Number", "string", "orders", "number"),
        variable("Buyer", "email", "orders", "mail"),
    ];
    let mapping = json!([maps("name", "Who"), maps("email", "Mail")]);
    let customers = step("customers", "customers", None, json!([matches("email", "Mail")]), mapping);
    let looked_up = with(maps("customer", "Buyer"), "lookup_field", json!("email"));
    let looked_up = with(looked_up, "lookup_object", json!("customers"));
    let mapping = json!([maps("name", "Number"), looked_up]);
    let orders = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(&client, TOKEN, &variables, &[customers, orders]);
    journey::activate(&client, TOKEN);
    let csv = std::str::from_utf8(CSV).unwrap();
    let csv = format!("{csv}4,eve@example.org,\n5,,\n6,BOB@example.org,\n");
    let dry = run(&client, TOKEN, "a.csv", &csv, &[("is_dry_run", "true")]);
    let ran = run(&client, TOKEN, "a.csv", &csv, &[]);
    // Two customers; orders 1, 2, 3, 5 and 6; none for eve.
    assert_eq!(totals(&ran), [7, 0, 0, 0, 1]);
    assert_eq!(dry["totals"], ran["totals"]);
    let mut expected = pairs(&[("1", "Ada"), ("2", "Bob"), ("3", "Ada"), ("5", ""), ("6", "Bob")]);
    expected[3].1 = Json::Null;
    assert_eq!(customers_of_orders(&client), expected);
    let refused = rows(&client, TOKEN, &ran, "status=error");
    assert_eq!(refused[0]["line"], 5);
    assert!(refused.to_string().contains("eve@example.org"), "{refused}");
    let scoped = rows(&client, TOKEN, &ran, "status=error&scope=customers");
    assert_eq!(scoped, json!([]));
}

#[test]
fn a_step_can_not_use_a_variable_of_another_scope_and_the_refusal_names_both() {
    let (_server, client) = server(
        "CREATE TABLE output.customers AS SELECT DISTINCT e_mail AS mail, who FROM input.orders_csv;
        CREATE TABLE output.orders AS SELECT rowid AS _line, number, e_mail AS mail FROM input.orders_csv;",
    );
    let variables = [
        variable("Mail", "email", "customers", "mail"),
        variable("Who", "string", "customers", "who"),
        variable("Number", "string", "orders", "number"),
    ];
    let mapping = json!([maps("name", "Who"), maps("email", "Mail")]);
    let by_mail = json!([matches("email", "Mail")]);
    let customers = step("customers", "customers", Some("The customer"), by_mail, mapping);
    let by_number = json!([matches("name", "Number")]);
    let orders = step("orders", "orders", None, by_number, json!([maps("name", "Number")]));
    let (live, _) = configure(&client, TOKEN, &variables, &[customers, orders]);
    let id = |name: &str| journey::row(&live["execution_variables"], "name", name)["id"].clone();
    let exposed = live["flow"]["loads"][0]["execution_variable"]["id"].clone();
    let refuse = |change: &dyn Fn(&mut Json), path: &str, sentence: &str| {
        let mut flow = live["flow"].clone();
        change(&mut flow["loads"]);
        let body = client.patch(&journey::path(TOKEN), &json!({ "flow": flow })).expect(400).json();
        assert!(body["detail"].as_str().unwrap().contains(sentence), "{body}");
        assert!(body["errors"][path].is_array(), "{path}: {body}");
        assert_eq!(journey::detail(&client, TOKEN)["flow"], live["flow"], "nothing was saved");
    };
    let of = |name: &str| {
        format!("Step 2 reads the scope orders and can't use the variable {name} of the scope customers.")
    };
    refuse(
        &|loads| loads[1]["field_mapping_rules"][0]["variables"] = json!([id("Number"), id("Who")]),
        "flow.loads[1].field_mapping_rules[0].variables[1]",
        &of("Who"),
    );
    refuse(
        &|loads| loads[1]["matching_rules"][0]["variable"] = id("Who"),
        "flow.loads[1].matching_rules[0].variable",
        &of("Who"),
    );
    let field = {
        let orders = journey::object_id(&client, "orders");
        let fields = client.get(&format!("/api/custom-objects/{orders}/fields")).ok();
        journey::row(&fields, "name", "customer")["id"].clone()
    };
    refuse(
        &|loads| {
            let rule = json!({"field": field, "variables": [exposed]});
            loads[1]["field_mapping_rules"].as_array_mut().unwrap().push(rule);
        },
        "flow.loads[1].field_mapping_rules[1].variables[0]",
        &of("The customer"),
    );
    // What a step exposes is of its own scope.
    refuse(
        &|loads| loads[0]["execution_variable"]["scope"] = json!("orders"),
        "flow.loads[0].execution_variable.scope",
        "Step 1 reads the scope customers and can't use the variable The customer of the scope orders.",
    );
}

#[test]
fn seeds_bring_values_as_text_of_their_kind() {
    let server = TestServer::start();
    let client = server.client();
    let field = |name: &str, kind: &str| json!({"name": name, "field_type": kind});
    let sizes = json!([{"name": "Large", "code": "l"}]);
    let fields = [
        field("paid", "checkbox"),
        field("price", "money"),
        field("count", "integer"),
        field("day", "date"),
        field("at", "datetime"),
        field("tags", "dynamictags"),
        with(field("size", "dropdown"), "options", sizes),
        field("note", "text"),
    ];
    let things = journey::object(&client, "things", &fields);
    let add = |values: &Json| crate::matching::add(&client, &things, values);
    let full = add(&json!({"name": "full", "paid": true, "price": 1234.50, "count": 7, "day": "2026-01-31",
        "at": "2026-01-31T23:30:00+01:00", "tags": ["new", "say \"hi\""], "size": "Large", "note": "a\nb"}));
    add(&json!({"name": "off", "paid": false}));
    journey::create(&client, "things", "Shop Orders");
    journey::set_input(&client, TOKEN, "any.csv", b"n\n1\n");
    let rows = client.get(&format!("/api/custom-objects/{things}/fields")).ok();
    let names = ["name", "paid", "price", "count", "day", "at", "tags", "size", "note"];
    let ids = names.map(|name| journey::row(&rows, "name", name)["id"].clone());
    let connector = journey::path(TOKEN);
    let seeds = json!([{"custom_object_id": things, "group_id": null, "fields_ids": ids}]);
    client.patch(&connector, &json!({ "kizen_data_seeds": seeds })).ok();
    let before = journey::detail(&client, TOKEN);
    let body = json!({"source_file_id": before["source_file"]["id"]});
    client.post(&format!("{connector}/get-file-template"), &body).ok();
    let sql =
        "CREATE TABLE output.things AS SELECT *, typeof(count) AS kind FROM kizen.things ORDER BY name;";
    journey::publish(&client, TOKEN, sql);
    let ran = run(&client, TOKEN, "any.csv", "n\n1\n", &[("is_dry_run", "true")]);
    let output = journey::unzip(&client, &ran["sql_output_zip"]).remove(0).1;
    let mut reader = csv::Reader::from_reader(output.as_bytes());
    let header = reader.headers().unwrap().clone();
    let seen: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| {
        let at =
            header.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}: {header:?}"));
        seen[row][at].to_owned()
    };
    assert_eq!(header.iter().next(), Some("kizen_id"));
    for (name, value) in [
        ("kizen_id", full.as_str()),
        ("paid", "Yes"),
        ("price", "1234.5"),
        ("count", "7"),
        ("kind", "text"),
        ("day", "2026-01-31"),
        ("at", "2026-01-31T22:30:00Z"),
        ("tags", "[\"new\",\"say \\\"hi\\\"\"]"),
        ("size", "Large"),
        ("note", "a\nb"),
    ] {
        assert_eq!(cell(0, name), value, "{name}");
    }
    let ids: Vec<uuid::Uuid> = serde_json::from_str(&cell(0, "tags__id")).unwrap();
    assert_eq!((ids.len(), uuid::Uuid::try_parse(&cell(0, "size__id")).is_ok()), (2, true));
    assert_eq!(cell(1, "paid"), "No");
    for blank in ["price", "count", "day", "at", "tags", "tags__id", "size", "size__id", "note"] {
        assert_eq!(cell(1, blank), "", "{blank}");
    }
}

#[test]
fn seeds_are_seen_by_the_script() {
    let (_server, client) = server("CREATE TABLE output.orders AS SELECT number FROM input.orders_csv;");
    let object = journey::object_id(&client, "customers");
    for name in ["Ada", "Eve"] {
        let mail = format!("{}@example.org", name.to_lowercase());
        let fields = json!([{"name": "name", "value": name}, {"name": "email", "value": mail}]);
        client.post(&format!("/api/records/{object}/add"), &json!({ "fields": fields })).created();
    }
    let rows = client.get(&format!("/api/custom-objects/{object}/fields")).ok();
    let ids = ["name", "email"].map(|name| journey::row(&rows, "name", name)["id"].clone());
    let connector = journey::path(TOKEN);
    let seeds = json!([{"custom_object_id": object, "group_id": null, "fields_ids": ids}]);
    client.patch(&connector, &json!({ "kizen_data_seeds": seeds })).ok();
    let before = journey::detail(&client, TOKEN);
    let body = json!({"source_file_id": before["source_file"]["id"]});
    client.post(&format!("{connector}/get-file-template"), &body).ok();
    journey::publish(
        &client,
        TOKEN,
        "CREATE TABLE output.orders AS SELECT o.rowid AS _line, o.number, c.kizen_id AS customer, c.name AS who
        FROM input.orders_csv o JOIN kizen.customers c ON c.email = o.e_mail;",
    );
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Customer", "uuid", "orders", "customer"),
    ];
    let mapping = json!([maps("name", "Number"), maps("customer", "Customer")]);
    let orders = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(&client, TOKEN, &variables, &[orders]);
    journey::activate(&client, TOKEN);
    let ran = run(&client, TOKEN, "a.csv", std::str::from_utf8(CSV).unwrap(), &[]);
    assert_eq!((&ran["status"], totals(&ran)), (&json!("success"), [2, 0, 0, 0, 0]), "{ran}");
    assert_eq!(customers_of_orders(&client), pairs(&[("1", "Ada"), ("3", "Ada")]));
}
