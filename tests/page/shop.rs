//! A connector to look at, whose every name is markup.

use serde_json::{Value as Json, json};

use crate::support::{Client, TestServer};

/// Markup that tells when it was taken for such.
pub const MARKUP: &str = "<img src=x onerror=window.taken=1>";

pub struct Shop {
    pub server: TestServer,
    pub client: Client,
    /// The connector's path.
    pub path: String,
}

impl Shop {
    /// Orders with a name and a total; the total must be a number.
    pub fn open() -> Self {
        let server = TestServer::start();
        let client = server.client();
        let object =
            json!({"name": "orders", "object_name": format!("Orders {MARKUP}"), "entity_name": "Order"});
        let object = client.post("/api/custom-objects", &object).created()["id"].as_str().unwrap().to_owned();
        let fields = format!("/api/custom-objects/{object}/fields");
        client
            .post(&fields, &json!({"name": "total", "display_name": "Total", "field_type": "decimal"}))
            .created();
        let new = json!({"name": format!("Orders {MARKUP}"), "api_name": "orders", "custom_object": object,
            "connector_type": "spreadsheet", "description": MARKUP});
        client.post("/api/smart-connectors", &new).created();
        let shop = Self { server, client, path: "/api/smart-connectors/orders".to_owned() };
        shop.publish();
        shop.configure(&object, &shop.client.get(&fields).ok());
        shop
    }

    fn publish(&self) {
        let file = self.client.send_file("reference.csv", b"number,total\nA-1,2.50\n")["id"].clone();
        self.client.patch(&self.path, &json!({"source_file_id": file})).ok();
        self.client.post(&format!("{}/get-file-template", self.path), &json!({"source_file_id": file})).ok();
        let script = self.draft();
        let sql =
            "CREATE TABLE output.orders AS SELECT rowid AS _line, number, total FROM input.reference_csv;";
        self.client.patch(&script, &json!({"user_script": sql})).ok();
        self.client.post(&format!("{script}/start"), &json!({"source_file_id": file})).expect(202);
        loop {
            let sample = self.client.get(&script).ok();
            match sample["state"].as_str().unwrap() {
                "in_progress" => std::thread::yield_now(),
                state => break assert_eq!(state, "success", "{sample}"),
            }
        }
        self.client.post_empty(&format!("{script}/publish")).ok();
    }

    fn draft(&self) -> String {
        let detail = self.client.get(&self.path).ok();
        format!("{}/sql-scripts/{}", self.path, detail["last_draft_script"]["id"].as_str().unwrap())
    }

    fn configure(&self, object: &str, fields: &Json) {
        let field = |name: &str| {
            fields.as_array().unwrap().iter().find(|field| field["name"] == name).unwrap()["id"].clone()
        };
        let variable = |name: &str, kind: &str, format: Option<&str>| {
            json!({"name": name, "data_type": kind, "scope": "orders", "type": "data_source", "data_source": name,
                "display_order": 1, "is_array": false, "required": true, "input_format": format})
        };
        let variables =
            json!([variable("number", "string", None), variable("total", "number", Some("plain"))]);
        let made = self.client.patch(&self.path, &json!({"execution_variables": variables})).ok();
        let id = |n: usize| made["execution_variables"][n]["id"].clone();
        let step = json!({"custom_object": object, "scope": "orders", "type": "csv_load", "order": 0,
            "matching_rules": [{"field": field("name"), "variable": id(0)}],
            "field_mapping_rules": [{"field": field("name"), "variables": [id(0)]},
                {"field": field("total"), "variables": [id(1)], "conflict_resolution": "overwrite"}]});
        self.client.patch(&self.path, &json!({"flow": {"loads": [step]}})).ok();
        self.client.patch(&self.path, &json!({"status": "operational"})).ok();
    }

    /// Starts a dry run that does not end by itself. Answers its id.
    pub fn start_endless(&self) -> String {
        let sql = "CREATE TABLE output.orders AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
            SELECT max(i) AS number, 1 AS total FROM n;";
        self.client.patch(&self.draft(), &json!({"user_script": sql})).ok();
        let run = json!({"is_dry_run": true, "use_draft": true});
        let started = self.client.post(&format!("{}/start-connector-flow", self.path), &run).ok();
        started["execution_id"].as_str().unwrap().to_owned()
    }
}
