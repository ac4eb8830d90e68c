//! Runs: what becomes of a file, of its rows and of what is asked meanwhile.

mod diff_check;
mod files;
mod guard;
mod identity;
mod kinds;
mod outputs;
mod previews;
mod relations;
mod round_trip;
mod rows;
mod waiting;

use serde_json::{Value as Json, json};
use smartconnector::{clock::Clock, config::Config};

use crate::support::{
    Client, TestServer,
    configure::{configure, maps, matches, step, variable},
    journey::{self, path, text},
};

pub const TOKEN: &str = "shop_orders";
/// The reference file: what it holds is never loaded unless a test starts a run of it.
pub const REFERENCE: &[u8] = b"Number,E-Mail,Total\n1,ada@example.org,2.50\n";
pub const SQL: &str = "CREATE TABLE output.orders AS
SELECT rowid AS _line, number, e_mail AS mail, total FROM input.orders_csv;
";

/// A server with an object for orders and an operational connector.
pub struct Shop {
    pub client: Client,
    pub server: TestServer,
}

impl Shop {
    pub fn new() -> Self {
        Self::with(|_| {}, SQL)
    }

    pub fn with(change: impl FnOnce(&mut Config), sql: &str) -> Self {
        let shop = Self::in_setup(change, sql);
        journey::activate(&shop.client, TOKEN);
        shop
    }

    /// With a clock that the test moves.
    pub fn at(clock: Clock, sql: &str) -> Self {
        let shop = Self::over(TestServer::at(clock, |_| {}), sql);
        journey::activate(&shop.client, TOKEN);
        shop
    }

    /// Ready, but not activated.
    pub fn in_setup(change: impl FnOnce(&mut Config), sql: &str) -> Self {
        Self::over(TestServer::with(change), sql)
    }

    fn over(server: TestServer, sql: &str) -> Self {
        let client = server.client();
        let fields = [
            json!({"name": "mail", "field_type": "email"}),
            json!({"name": "total", "field_type": "decimal"}),
        ];
        journey::object(&client, "orders", &fields);
        journey::create(&client, "orders", "Shop Orders");
        journey::set_input(&client, TOKEN, "orders.csv", REFERENCE);
        journey::publish(&client, TOKEN, sql);
        let variables = [
            variable("Number", "string", "orders", "number"),
            variable("Mail", "email", "orders", "mail"),
            variable("Total", "number", "orders", "total"),
        ];
        let mapping = json!([maps("name", "Number"), maps("mail", "Mail"), maps("total", "Total")]);
        let step = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
        configure(&client, TOKEN, &variables, &[step]);
        Self { client, server }
    }

    /// Uploads, waits for the end. Answers the row.
    pub fn run(&self, name: &str, csv: &str) -> Json {
        self.run_with(name, csv, &[])
    }

    pub fn run_with(&self, name: &str, csv: &str, fields: &[(&str, &str)]) -> Json {
        run(&self.client, TOKEN, name, csv, fields)
    }

    /// Rows of the run by `query`.
    pub fn rows(&self, run: &Json, query: &str) -> Json {
        rows(&self.client, TOKEN, run, query)
    }

    /// Name, e-mail and total of every order.
    pub fn orders(&self) -> Vec<Vec<Json>> {
        journey::records(&self.client, "orders", &["name", "mail", "total"])
    }

    pub fn patch(&self, body: &Json) -> Json {
        self.client.patch(&path(TOKEN), body).ok()
    }
}

/// Uploads, waits for the end, checks that the counts add up.
pub fn run(client: &Client, token: &str, name: &str, csv: &str, fields: &[(&str, &str)]) -> Json {
    let queued = journey::upload(client, token, name, csv.as_bytes(), fields).created();
    let row = journey::run_ended(client, token, text(&queued["execution_id"]));
    assert_adds_up(&row);
    row
}

/// The outcomes of rows, as the API shows them.
pub fn rows(client: &Client, token: &str, run: &Json, query: &str) -> Json {
    let url = format!("{}/executions/{}/rows?{query}", path(token), text(&run["id"]));
    client.get(&url).ok()["results"].clone()
}

const COUNTS: [&str; 6] = ["created", "updated", "unchanged", "skipped", "errors", "not_processed"];

/// Rows are what became of them, per load step and in total.
#[track_caller]
pub fn assert_adds_up(run: &Json) {
    let count = |counts: &Json, key: &str| counts[key].as_u64().unwrap_or_else(|| panic!("{key}: {counts}"));
    let mut sums = [0; 6];
    for stage in run["step_progress"].as_array().unwrap() {
        for step in stage["steps"].as_array().unwrap() {
            if stage["type"] != "smart_connector_load_step_run" {
                continue;
            }
            let counts = &step["counters"];
            if counts.is_null() {
                // It was never come to.
                assert_eq!(step["total"], 0, "{step}");
                continue;
            }
            assert_eq!(counts["rows"], step["total"], "{step}");
            let counts = COUNTS.map(|key| count(counts, key));
            assert_eq!(count(step, "total"), counts.iter().sum::<u64>(), "{step}");
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }
    let totals = &run["totals"];
    assert_eq!(COUNTS.map(|key| count(totals, key)), sums, "{run}");
}

/// Created, updated, unchanged, skipped and errors of the whole run.
#[track_caller]
pub fn totals(run: &Json) -> [u64; 5] {
    ["created", "updated", "unchanged", "skipped", "errors"].map(|key| run["totals"][key].as_u64().unwrap())
}
