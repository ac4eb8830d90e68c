//! A server with a connector that uses most of what a package carries: a seed with options, parameters,
//! a relationship that is looked up, options made on the fly, and an input with an awkward name.

use std::{
    fs,
    io::{Cursor, Read as _},
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::{Value as Json, json};

use crate::support::{Client, TestServer, journey};

/// The api name of the connector.
pub const TOKEN: &str = "order_import";
pub const INPUT: &str = "customers.csv";

const ROWS: &str = "Number;E-Mail;Total;Status;Note\n\
    A-1;ada@example.org;10.5;open;\"two\nlines; and a \"\"quote\"\"\"\n\
    A-2;BOB@example.org;0.1;Sent;\n\
    A-3;nobody@example.org;2;open;Zoë\n\
    A-4;ada@example.org;much;open;\n";

const SCRIPT: &str = "-- Orders with their customer.\n\
    CREATE TABLE output.orders AS\n\
    SELECT o.rowid AS _line, o.number, o.e_mail, o.total, o.total * :factor AS weighted, o.status, o.note,\n\
      c.name AS customer, c.kind, c.kind__id, e.execution_id, e.fileupload_file_name, i.file\n\
    FROM input.customers_csv o\n\
    LEFT JOIN kizen.customers c ON c.email = lower(o.e_mail), meta.current_execution e, meta.inputs i;\n\
    CREATE TABLE output.counts AS SELECT status, count(*) AS n, avg(total) AS mean\n\
    FROM input.customers_csv GROUP BY status;\n";

/// A run that has ended, and how to ask for it.
pub struct World {
    pub server: TestServer,
    pub client: Client,
    pub path: String,
    pub execution: Json,
}

impl World {
    pub fn new() -> Self {
        let server = TestServer::start();
        let client = server.client();
        let (customers, orders) = objects(&client);
        customer(&client, "Ada", "ada@example.org", "Big, and \"old\"");
        // Every customer is there before the run: a package's seeds are those of later.
        customer(&client, "Nobody", "nobody@example.org", "");
        customer(&client, "Bob\nthe second", "bob@example.org", "");
        let made = client
            .post(
                "/api/smart-connectors",
                &json!({"name": "Order import", "custom_object": orders["id"], "connector_type": "spreadsheet"}),
            )
            .created();
        let path = format!("/api/smart-connectors/{}", made["id"].as_str().unwrap());
        let file = client.send_file(INPUT, ROWS.as_bytes())["id"].clone();
        let kind = id_of(&customers, "kind");
        client
            .patch(
                &path,
                &json!({"source_file_id": file, "sql_parameters": {"factor": 3, "word": "007"},
                    "kizen_data_seeds": [{"custom_object_id": customers["id"], "group_id": null,
                        "fields_ids": [id_of(&customers, "name"), id_of(&customers, "email"), kind]}]}),
            )
            .ok();
        client.post(&format!("{path}/get-file-template"), &json!({"source_file_id": file})).ok();
        journey::publish(&client, TOKEN, SCRIPT);
        flow(&client, &path, &customers, &orders);
        client.patch(&path, &json!({"status": "operational"})).ok();
        let execution = run(&client, &json!({"is_dry_run": false, "sql_parameters": {"factor": 7}}));
        Self { server, client, path, execution }
    }

    pub fn package(&self, query: &str) -> Vec<u8> {
        self.client.download(&format!("{}/dev-package{query}", self.path)).expect(200).bytes
    }

    pub fn of_execution(&self) -> String {
        format!("{}/executions/{}/dev-package", self.path, self.execution["id"].as_str().unwrap())
    }

    /// The members of the run's SQL output.
    pub fn output(&self) -> Vec<(String, Vec<u8>)> {
        let url = self.execution["sql_output_zip"]["url"].as_str().unwrap();
        members(&self.client.download(url).expect(200).bytes)
    }
}

fn id_of(object: &Json, field: &str) -> Json {
    let fields = object["fields"].as_array().unwrap();
    fields.iter().find(|row| row["name"] == field).unwrap()["id"].clone()
}

fn objects(client: &Client) -> (Json, Json) {
    let object = |name: &str, fields: Json| {
        let body = json!({"object_name": name, "entity_name": name, "name": name.to_lowercase()});
        let mut object = client.post("/api/custom-objects", &body).created();
        let path = format!("/api/custom-objects/{}/fields", object["id"].as_str().unwrap());
        for field in fields.as_array().unwrap() {
            client.post(&path, field).created();
        }
        object["fields"] = client.get(&path).ok();
        object
    };
    let customers = object(
        "Customers",
        json!([{"display_name": "Email", "field_type": "email", "is_unique": true},
            {"display_name": "Kind", "field_type": "dropdown", "options": [{"name": "Big, and \"old\"", "code": "big"}]}]),
    );
    let orders = object(
        "Orders",
        json!([{"display_name": "Total", "field_type": "decimal"}, {"display_name": "Note", "field_type": "longtext"},
            {"display_name": "Status", "field_type": "dropdown", "options": [{"name": "Open"}]},
            {"display_name": "Customer", "field_type": "relationship",
                "relation": {"object": "customers", "cardinality": "one"}}]),
    );
    (customers, orders)
}

fn customer(client: &Client, name: &str, email: &str, kind: &str) {
    let mut fields = vec![json!({"name": "name", "value": name}), json!({"name": "email", "value": email})];
    if !kind.is_empty() {
        fields.push(json!({"name": "kind", "value": kind}));
    }
    client.post("/api/records/customers/add", &json!({ "fields": fields })).created();
}

fn flow(client: &Client, path: &str, customers: &Json, orders: &Json) {
    let variable = |name: &str, data_type: &str| json!({"name": name, "data_type": data_type, "scope": "orders", "type": "data_source", "data_source": name});
    let variables = json!([
        variable("number", "string"),
        variable("e_mail", "email"),
        variable("total", "number"),
        variable("status", "string"),
        variable("note", "string")
    ]);
    let made =
        client.patch(path, &json!({ "execution_variables": variables })).ok()["execution_variables"].clone();
    let id =
        |name: &str| made.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()["id"].clone();
    let map =
        |field: &str, variable: &str| json!({"field": id_of(orders, field), "variables": [id(variable)]});
    let mut status = map("status", "status");
    status["can_create_field_options"] = json!(true);
    let step = |object: &Json, order: i64, key: &Json, variable: &Json, rules: Json| {
        json!({"custom_object": object["id"], "scope": "orders", "type": "csv_load", "order": order,
            "matching_rules": [{"order": 1, "field": key, "variable": variable}], "field_mapping_rules": rules})
    };
    let first = step(
        customers,
        1,
        &id_of(customers, "email"),
        &id("e_mail"),
        json!([{"field": id_of(customers, "email"), "variables": [id("e_mail")]},
            {"field": id_of(customers, "name"), "variables": [id("e_mail")]}]),
    );
    let mut second = step(
        orders,
        2,
        &id_of(orders, "name"),
        &id("number"),
        json!([map("name", "number"), map("total", "total"), status, map("note", "note"),
            {"field": id_of(orders, "customer"), "variables": [id("e_mail")],
                "lookup_field": id_of(customers, "email")}]),
    );
    second["execution_variable"] = json!({"name": "order id", "data_type": "uuid", "scope": "orders"});
    client.patch(path, &json!({"flow": {"loads": [first, second]}})).ok();
}

/// Starts a run of the connector and waits for its end.
pub fn run(client: &Client, body: &Json) -> Json {
    let flow = format!("{}/start-connector-flow", journey::path(TOKEN));
    let id = client.post(&flow, body).ok()["execution_id"].clone();
    journey::run_ended(client, TOKEN, journey::text(&id))
}

/// Names and bytes of a ZIP, in order.
pub fn members(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    (0..archive.len())
        .map(|n| {
            let mut member = archive.by_index(n).unwrap();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            (member.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

/// Unpacks a package and answers its folder.
pub fn unpack(zip: &[u8], into: &Path) -> PathBuf {
    for (name, bytes) in members(zip) {
        let path = into.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    into.join(TOKEN)
}

/// The program, in an environment without a hint of a server.
pub fn program(words: &[&str]) -> Output {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_smartconnector"))
        .args(words)
        .env_clear()
        .env("SMARTCONNECTOR_ENGINE_MIN_FREE_MB", "1")
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
