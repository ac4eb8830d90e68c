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
