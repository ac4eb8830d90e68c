//! The OpenAPI document is complete: every route, every topic, and examples that work.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    run::{REFERENCE, SQL},
    support::{
        Answer, Client, TestServer,
        configure::{configure, maps, matches, step, variable},
        contract, curl, http,
        journey::{self, text},
    },
    webhook,
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const TOPICS: [&str; 5] =
    ["File Upload (Trigger Run)", "Webhook Trigger", "Execution Status", "Cancel Execution", "Dev Package"];

/// Method and path of every operation.
fn operations() -> BTreeSet<(String, String)> {
    let document = contract::document();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            assert!(found.insert(((*method).to_owned(), path.clone())), "{method} {path} twice");
        }
    }
    found
}

#[test]
fn every_documented_operation_is_routed_and_nothing_else_on_its_path() {
    let server = TestServer::start();
    let operations = operations();
    assert!(operations.len() > 80, "{}", operations.len());
    let paths: BTreeSet<&String> = operations.iter().map(|(_, path)| path).collect();
    for path in paths {
        for method in METHODS {
            let is_documented = operations.contains(&(method.to_owned(), path.clone()));
            // Without credentials: what is routed refuses or answers, and does nothing.
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            let request = http().request(method.clone(), format!("{}{path}", server.url));
            let answer = Answer::of(path, request);
            let is_routed = answer.status != 405 && !answer.text().contains("No such path");
            assert_eq!(is_routed, is_documented, "{method} {path}: {} {}", answer.status, answer.text());
        }
    }
}

/// Method and path of every route that the code registers: what stands in route attributes and calls.
fn routes_in(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes_in(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for method in METHODS {
            for rest in source.split(&format!("#[{method}(\"")).skip(1) {
                found.insert((method.to_owned(), rest.split('"').next().unwrap().to_owned()));
            }
        }
        // Each of these registers a route that no handler's attributes tell of.
        for call in [".route(", "web::resource(", "web::scope(", "#[route(", "#[head(", "#[options("] {
            let allowed = usize::from(path.ends_with("src/admin.rs") && call == ".route(");
            assert_eq!(source.matches(call).count(), allowed, "{call} in {}", path.display());
        }
    }
}

#[test]
fn every_route_of_the_code_is_documented() {
    let mut routes = BTreeSet::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    routes_in(&root.join("src"), &mut routes);
    assert_eq!(routes, operations());
}

#[test]
fn operations_have_names_tags_sentences_and_answers() {
    let document = contract::document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: Vec<&str> = document["tags"].as_array().unwrap().iter().map(|tag| text(&tag["name"])).collect();
    assert_eq!(tags[..5], TOPICS);
    let (mut names, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (method, path) in operations() {
        let operation = &document["paths"][&path][&method];
        let what = format!("{method} {path}: {operation}");
        assert!(names.insert(text(&operation["operationId"]).to_owned()), "{what}");
        let tag = text(&operation["tags"][0]);
        assert!(operation["tags"].as_array().unwrap().len() == 1 && tags.contains(&tag), "{what}");
        used.insert(tag.to_owned());
        assert!(!text(&operation["summary"]).is_empty(), "{what}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{what}");
        for answer in answers.values() {
            let shared = answer["$ref"].as_str().map(|place| place.trim_start_matches('#'));
            let answer = shared.map_or(Some(answer), |place| document.pointer(place)).unwrap();
            assert!(answer["description"].as_str().is_some_and(|said| !said.is_empty()), "{what}");
        }
        let is_open = operation["security"] == json!([{}]);
        assert!(answers.contains_key("401") || is_open, "{what}");
        let placeholders = path.matches('{').count();
        let named = operation["parameters"].as_array().map_or(0, |all| {
            all.iter().filter(|parameter| parameter["in"] == "path" && parameter["required"] == true).count()
        });
        assert_eq!(named, placeholders, "{what}");
    }
    assert_eq!(used.len(), tags.len(), "a tag without operations: {tags:?}, {used:?}");
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["bearer", "key", "session", "signature"]);
}

/// Two connectors as the examples name them, and the files that they send.
fn shop() -> (TestServer, Client, tempfile::TempDir) {
    let server = webhook::ready(|_| {});
    let client = server.client();
    let mail = json!({"name": "mail", "display_name": "Mail", "field_type": "email"});
    client.post("/api/custom-objects/orders/fields", &mail).created();
    let body = json!({"name": "Orders", "custom_object": "orders", "connector_type": "spreadsheet"});
    client.post("/api/smart-connectors", &body).created();
    journey::set_input(&client, "orders", "orders.csv", REFERENCE);
    journey::publish(&client, "orders", SQL);
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Mail", "email", "orders", "mail"),
        variable("Total", "number", "orders", "total"),
    ];
    let mapping = json!([maps("name", "Number"), maps("mail", "Mail"), maps("total", "Total")]);
    let step = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    configure(&client, "orders", &variables, &[step]);
    journey::activate(&client, "orders");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("orders.csv"), "Number,E-Mail,Total\n7,ada@example.org,7.50\n8,no,x\n")
        .unwrap();
    (server, client, folder)
}

/// An execution that has ended, or, for the examples that cancel one, that still waits.
fn execution(client: &Client, waits: bool) -> String {
    let most = u32::from(!waits);
    client.patch("/api/smart-connectors/orders", &json!({"max_concurrency": most})).ok();
    let csv = b"Number,E-Mail,Total\n9,no mail,x\n";
    let queued = journey::upload(client, "orders", "orders.csv", csv, &[]).created();
    let id = text(&queued["execution_id"]).to_owned();
    if !waits {
        journey::run_ended(client, "orders", &id);
    }
    id
}

#[test]
fn the_examples_of_every_topic_work_as_written() {
    let (server, client, folder) = shop();
    let document = contract::document();
    for (n, topic) in TOPICS.iter().enumerate() {
        let said = text(&document["tags"][n]["description"]);
        for part in
            ["### Example", "### Errors", "### Limits", "### Considerations", "status of the connector"]
        {
            assert!(said.contains(part), "{topic} says nothing under {part:?}");
        }
        let commands = curl::commands(said);
        assert!(!commands.is_empty(), "{topic}");
        for command in commands {
            let id = execution(&client, command.ends_with("/cancel\""));
            let variables = [("KEY", server.key.as_str()), ("URL", &server.url), ("ID", &id)];
            let answer = curl::run(&command, &variables, folder.path());
            assert_eq!(answer.bytes.is_empty(), command.contains("/webhook?"), "{command}");
        }
    }
    for zip in ["orders.zip", "draft.zip", "run.zip"] {
        assert!(fs::read(folder.path().join(zip)).unwrap().starts_with(b"PK"), "{zip}");
    }
    let rejected = fs::read_to_string(folder.path().join("rejected.csv")).unwrap();
    assert!(rejected.contains("9,no mail,x"), "{rejected}");
}

#[test]
fn the_documentation_is_a_page_of_its_own() {
    let server = TestServer::start();
    let page = Answer::of("docs", http().get(format!("{}/api/docs", server.url))).expect(200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let text = page.text();
    for attribute in ["src=\"", "href=\""] {
        for address in text.split(attribute).skip(1) {
            assert!(address.starts_with('/') || address.starts_with('#'), "{address}");
        }
    }
}

/// Every `$ref` leads somewhere, and the words of an enum are those that are sent.
#[test]
fn the_document_holds_together() {
    let document = contract::document();
    let told = document.to_string();
    for rest in told.split("\"$ref\":\"#").skip(1) {
        let place = rest.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place} leads nowhere");
    }
    let server = TestServer::start();
    let metadata = server.client().get("/api/smart-connectors/metadata").ok();
    for (name, group, key) in [
        ("NoMatch", "matching_rules", "no_match_actions"),
        ("SingleMatch", "matching_rules", "single_match_actions"),
        ("MultipleMatch", "matching_rules", "multiple_match_actions"),
        ("ArchiveMatch", "matching_rules", "match_archive_actions"),
        ("Conflict", "field_mapping_rules", "conflict_resolution"),
    ] {
        let choices = metadata[group][key].as_array().unwrap().iter().map(|choice| choice["value"].clone());
        let words = &document["components"]["schemas"][name]["enum"];
        assert_eq!(words, &Json::Array(choices.collect()), "{name}");
    }
}

#[test]
fn the_document_is_the_same_for_everybody() {
    let server = TestServer::start();
    let sent: Json = Answer::of("schema", http().get(format!("{}/api/docs/schema", server.url))).ok();
    assert_eq!(sent, contract::document());
    let told = sent.to_string();
    assert!(!told.contains(&server.key) && !told.contains(&server.business_id));
}
