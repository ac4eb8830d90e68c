//! The product: the release binary's server, driven over HTTP as clients drive it.

use std::{
    fs::File,
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, FixedOffset};
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value as Json, json};

use super::{file, process, table::Run};

const SCRIPT: &str = include_str!("orders.sql");
const CUSTOMERS_SCRIPT: &str =
    "create table output.customers as select rowid as _line, email as name, * from input.customers_csv";

/// Column and variable, its type and format, the field and its type.
type Column = (&'static str, &'static str, Option<&'static str>, &'static str, &'static str);

const CUSTOMERS: [Column; 5] = [
    ("name", "string", None, "name", "text"),
    ("email", "email", None, "email", "email"),
    ("customer_id", "number", Some("plain"), "customer_id", "integer"),
    ("region", "string", None, "region", "text"),
    ("tier", "number", Some("plain"), "tier", "integer"),
];

/// The key and twelve more.
const ORDERS: [Column; 13] = [
    ("order_number", "string", None, "order_number", "text"),
    ("email", "email", None, "email", "email"),
    ("full_name", "string", None, "name", "text"),
    ("phone", "string", None, "phone", "text"),
    ("placed_on", "date", Some("%Y-%m-%d"), "placed_on", "date"),
    ("quantity", "number", Some("plain"), "quantity", "integer"),
    ("price", "number", Some("comma_thousands"), "price", "money"),
    ("status", "string", None, "status", "text"),
    ("is_member", "boolean", Some("yes_no"), "is_member", "checkbox"),
    ("tags", "string", None, "tags", "text"),
    ("notes", "string", None, "notes", "longtext"),
    ("customer_id", "number", Some("plain"), "customer_id", "integer"),
    ("region", "string", None, "region", "text"),
];

/// A running server over its own data folder. Dropping it kills the process.
pub struct Server {
    child: Child,
    http: Client,
    url: String,
    headers: [(&'static str, String); 3],
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the binary and waits for its line.
    pub fn start(binary: &Path, folder: &Path) -> Self {
        let (child, said) = process::serve(
            binary,
            folder,
            &[("SMARTCONNECTOR_FILES_MAX_UPLOAD_MB", "4000"), ("SMARTCONNECTOR_ENGINE_TIMEOUT_S", "3600")],
        );
        let word = |key: &str| said[key].as_str().unwrap().to_owned();
        Self {
            child,
            http: Client::builder().timeout(None).build().unwrap(),
            url: word("url"),
            headers: [
                ("X-API-KEY", word("api_key")),
                ("X-BUSINESS-ID", word("business_id")),
                ("X-USER-ID", word("user_id")),
            ],
        }
    }

    /// Objects, customers as records, and the connector of the orders with the customers as its seed.
    /// Answers that connector.
    pub fn set_up(&self, customers: &Path, orders: &Path) -> String {
        self.object("customers", &CUSTOMERS, "email");
        self.object("orders", &ORDERS, "order_number");
        let rows = self.connector("customers", None, customers, CUSTOMERS_SCRIPT, &CUSTOMERS, "email");
        self.run(&rows, customers);
        // The reference has an index on the e-mail address; the product makes one for a field that a flow
        // looks records up by.
        self.connector("orders by email", Some("customers"), orders, SCRIPT, &ORDERS, "email");
        self.connector("orders", Some("customers"), orders, SCRIPT, &ORDERS, "order_number")
    }

    /// Switches a connector's diff check on.
    pub fn check_differences(&self, connector: &str) {
        self.patch(&format!("/api/smart-connectors/{connector}"), &json!({"diff_check_enabled": true}));
    }

    /// Sends a file to a connector and waits for the end of its run.
    pub fn run(&self, connector: &str, path: &Path) -> Run {
        let before = process::used(self.child.id());
        process::forget_peak(self.child.id());
        let is_customers = path.file_stem().is_some_and(|name| name == "customers");
        let name = if is_customers { "customers.csv" } else { "orders.csv" };
        let start = Instant::now();
        let upload = format!("/api/smart-connectors/{connector}/upload?filename={name}");
        let request = self.request(self.http.post(format!("{}{upload}", self.url)));
        let body = reqwest::blocking::Body::from(File::open(path).unwrap());
        let started = answer(request.header("Content-Type", "text/csv").body(body));
        let sent = start.elapsed().as_secs_f64();
        let id = started["execution_id"].as_str().unwrap();
        let path = format!("/api/smart-connectors/{connector}/executions/{id}");
        let row = self.wait(&path, "status", &["queued", "in_progress"]);
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(row["status"], "success", "{row:#}");
        let used = process::used(self.child.id()).since(before);
        let mut stages = vec![("upload".to_owned(), sent)];
        stages.extend(stages_of(&row));
        Run { seconds, stages, used }
    }

    fn object(&self, name: &str, columns: &[Column], key: &str) {
        let new = json!({"object_name": name, "entity_name": format!("one of {name}"), "name": name});
        self.post("/api/custom-objects", &new);
        for (_, _, _, field, field_type) in columns.iter().filter(|column| column.3 != "name") {
            let new = json!({"name": field, "display_name": field, "field_type": field_type,
                "is_unique": *field == key});
            self.post(&format!("/api/custom-objects/{name}/fields"), &new);
        }
    }

    /// A connector as a person makes one: file, template, script, sample, publish, variables, flow.
    fn connector(
        &self,
        name: &str,
        seed: Option<&str>,
        path: &Path,
        script: &str,
        columns: &[Column],
        matched: &str,
    ) -> String {
        let object = if name.starts_with("orders") { "orders" } else { name };
        let object_id = self.get(&format!("/api/custom-objects/{object}"))["id"].clone();
        let new = json!({"name": name, "custom_object": object_id, "connector_type": "spreadsheet"});
        let connector = self.post("/api/smart-connectors", &new)["id"].as_str().unwrap().to_owned();
        let at = format!("/api/smart-connectors/{connector}");
        let file = self.send(&format!("{object}.csv"), file::head(path, 1_000).unwrap());
        self.patch(&at, &json!({"source_file_id": file}));
        if let Some(seed) = seed {
            let id = self.get(&format!("/api/custom-objects/{seed}"))["id"].clone();
            let fields: Vec<_> = self.fields(seed).iter().map(|field| field["id"].clone()).collect();
            self.patch(
                &at,
                &json!({"kizen_data_seeds":
                [{"custom_object_id": id, "group_id": null, "fields_ids": fields}]}),
            );
        }
        self.post(&format!("{at}/get-file-template"), &json!({"source_file_id": file}));
        let draft = self.get(&at)["last_draft_script"]["id"].as_str().unwrap().to_owned();
        let draft = format!("{at}/sql-scripts/{draft}");
        self.patch(&draft, &json!({"user_script": script}));
        self.post(&format!("{draft}/start"), &json!({}));
        let sampled = self.wait(&draft, "state", &["setup", "in_progress"]);
        assert_eq!(sampled["state"], "success", "{sampled:#}");
        self.post(&format!("{draft}/publish"), &json!({}));
        let variables: Vec<_> = columns
            .iter()
            .zip(1..)
            .map(|((name, data_type, format, ..), order)| {
                json!({"name": name, "data_type": data_type, "scope": object, "type": "data_source",
                    "data_source": name, "display_order": order, "input_format": format})
            })
            .collect();
        let made = self.patch(&at, &json!({"execution_variables": variables}))["execution_variables"].clone();
        let fields = self.fields(object);
        let variable = |name: &str| named(made.as_array().unwrap(), name)["id"].clone();
        let rules: Vec<_> = columns
            .iter()
            .map(|(name, _, _, field, _)| {
                json!({"field": named(&fields, field)["id"], "variables": [variable(name)],
                    "conflict_resolution": "overwrite"})
            })
            .collect();
        let step = json!({"custom_object": object_id, "scope": object, "type": "csv_load", "order": 0,
            "matching_rules": [{"field": named(&fields, matched)["id"], "variable": variable(matched)}],
            "field_mapping_rules": rules});
        self.patch(&at, &json!({"flow": {"loads": [step]}}));
        self.patch(&at, &json!({"status": "operational"}));
        connector
    }

    fn fields(&self, object: &str) -> Vec<Json> {
        let all = self.get(&format!("/api/custom-objects/{object}/fields"));
        all.as_array().unwrap().clone()
    }

    /// The three legs by which a file is kept.
    fn send(&self, name: &str, bytes: Vec<u8>) -> String {
        let form = self.get(&format!(
            "/api/s3/presigned-post?contenttype=text/csv&filename={name}&source=smart_connector_import"
        ));
        let mut body = reqwest::blocking::multipart::Form::new();
        for (field, value) in form["fields"].as_object().unwrap() {
            body = body.text(field.clone(), value.as_str().unwrap().to_owned());
        }
        let part = reqwest::blocking::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let sent = self.http.post(form["url"].as_str().unwrap()).multipart(body.part("file", part)).send();
        let etag = sent.unwrap().error_for_status().unwrap().headers()["etag"].to_str().unwrap().to_owned();
        let id = form["s3object_id"].as_str().unwrap();
        let words = [
            ("uuid", id),
            ("key", form["fields"]["key"].as_str().unwrap()),
            ("name", name),
            ("etag", etag.trim_matches('"')),
        ];
        let path = "/api/s3/success?source=smart_connector_import";
        answer(self.request(self.http.post(format!("{}{path}", self.url))).form(&words));
        id.to_owned()
    }

    fn wait(&self, path: &str, key: &str, going: &[&str]) -> Json {
        loop {
            let row = self.get(path);
            if !going.contains(&row[key].as_str().unwrap()) {
                return row;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn get(&self, path: &str) -> Json {
        answer(self.request(self.http.get(format!("{}{path}", self.url))))
    }

    fn post(&self, path: &str, body: &Json) -> Json {
        answer(self.request(self.http.post(format!("{}{path}", self.url))).json(body))
    }

    fn patch(&self, path: &str, body: &Json) -> Json {
        answer(self.request(self.http.patch(format!("{}{path}", self.url))).json(body))
    }

    fn request(&self, mut request: RequestBuilder) -> RequestBuilder {
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request
    }
}

fn answer(request: RequestBuilder) -> Json {
    let response = request.send().unwrap();
    let (status, url) = (response.status(), response.url().to_string());
    let text = response.text().unwrap();
    assert!(status.is_success(), "{url}: {status}: {text}");
    serde_json::from_str(&text).unwrap()
}

fn named<'a>(rows: &'a [Json], name: &str) -> &'a Json {
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("nothing is named {name}"))
}

/// Each stage with the time between its start and its end.
fn stages_of(row: &Json) -> Vec<(String, f64)> {
    let time = |text: &Json| -> Option<DateTime<FixedOffset>> { text.as_str()?.parse().ok() };
    let stages = row["step_progress"].as_array().unwrap().iter();
    stages
        .filter_map(|stage| {
            let steps = stage["steps"].as_array()?;
            let start = steps.iter().filter_map(|step| time(&step["started_at"])).min()?;
            let end = steps.iter().filter_map(|step| time(&step["ended_at"])).max()?;
            Some((stage["type"].as_str()?.to_owned(), (end - start).as_seconds_f64()))
        })
        .collect()
}
