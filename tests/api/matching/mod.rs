//! Matching rules through the real interface.

mod actions;
mod indexes;
mod types;

use serde_json::{Value as Json, json};

use crate::{
    run::run,
    support::{
        Client, TestServer,
        configure::{configure, matches, step},
        journey::{self, text},
    },
};

pub const TOKEN: &str = "people";

/// A server with an object and an operational connector whose scope `people` has the columns of a file.
pub struct People {
    pub server: TestServer,
    pub client: Client,
    pub object: String,
}

impl People {
    pub fn new(fields: &[Json], csv: &str) -> Self {
        let server = TestServer::start();
        let client = server.client();
        let object = journey::object(&client, "people", fields);
        journey::create(&client, "people", "People");
        journey::set_input(&client, TOKEN, "people.csv", csv.as_bytes());
        let sql = "CREATE TABLE output.people AS SELECT rowid AS _line, * FROM input.people_csv;";
        journey::publish(&client, TOKEN, sql);
        Self { server, client, object }
    }

    /// Makes a record. Answers its id.
    pub fn add(&self, values: &Json) -> String {
        add(&self.client, &self.object, values)
    }

    pub fn archive(&self, id: &str) {
        self.client.delete(&format!("/api/records/{}/{id}", self.object)).expect(204);
    }

    /// Saves a flow of one step.
    pub fn configure(&self, variables: &[Json], matching: &Json, mapping: &Json) -> Json {
        let step = step("people", "people", None, matching.clone(), mapping.clone());
        configure(&self.client, TOKEN, variables, &[step]).0
    }

    pub fn activate(&self) {
        journey::activate(&self.client, TOKEN);
    }

    /// Runs it: dry, then live. They must come to the same; answers the live run.
    pub fn run(&self, csv: &str) -> Json {
        let dry = self.dry_run(csv);
        let live = run(&self.client, TOKEN, "people.csv", csv, &[]);
        assert_eq!(dry["totals"], live["totals"]);
        live
    }

    pub fn dry_run(&self, csv: &str) -> Json {
        run(&self.client, TOKEN, "people.csv", csv, &[("is_dry_run", "true")])
    }

    /// What is said of the rows.
    pub fn rows(&self, run: &Json) -> Json {
        crate::run::rows(&self.client, TOKEN, run, "page_size=1000")
    }

    /// The rows of a query on the data folder, cells joined by `|`.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        let path = self.server.dir.path().join("records.db");
        let conn = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
        let conn = conn.unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cell = |at| match row.get::<_, rusqlite::types::Value>(at).unwrap() {
                rusqlite::types::Value::Null => "-".to_owned(),
                rusqlite::types::Value::Integer(n) => n.to_string(),
                rusqlite::types::Value::Real(n) => n.to_string(),
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Blob(_) => "blob".to_owned(),
            };
            lines.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
        }
        lines
    }
}

/// Makes a record with these values by field name. Answers its id.
pub fn add(client: &Client, object: &str, values: &Json) -> String {
    let fields: Vec<Json> = values
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let made = client.post(&format!("/api/records/{object}/add"), &json!({ "fields": fields })).created();
    text(&made["id"]).to_owned()
}

/// A rule on a field with other actions than the defaults.
pub fn rule(field: &str, variable: &str, actions: &Json) -> Json {
    let mut rule = matches(field, variable);
    rule.as_object_mut().unwrap().extend(actions.as_object().unwrap().clone());
    rule
}
