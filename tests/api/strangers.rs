//! What is answered to whoever sends no credentials: nothing but that they are missing, whatever else is wrong.

use reqwest::Method;
use serde_json::Value as Json;

use crate::support::{Answer, TestServer, http};

/// What anybody may ask, with or without credentials (api.md §1).
const FOR_EVERYBODY: [&str; 7] = [
    "GET /api/docs",
    "GET /api/docs/schema",
    "GET /healthz",
    "GET /readyz",
    "POST /api/s3/upload",
    "POST /api/session",
    "POST /api/smart-connectors/{connector}/webhook",
];

fn operations(document: &Json) -> Vec<(String, Method, Json)> {
    let paths = document["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            if let Ok(method) = method.to_uppercase().parse::<Method>()
                && operation["responses"].is_object()
            {
                found.push((path.clone(), method, operation.clone()));
            }
        }
    }
    found
}

/// The path with an id in the place of each name.
fn with_ids(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "6f9619ff-8b86-4d01-b42d-00cf4fc964ff" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn credentials_are_asked_for_before_anything_else_is_looked_at() {
    let server = TestServer::start();
    let document = server.client().get("/api/docs/schema").ok();
    let operations = operations(&document);
    assert!(operations.len() > 60, "{}", operations.len());
    for (path, method, _) in &operations {
        let name = format!("{method} {path}");
        if FOR_EVERYBODY[..6].contains(&name.as_str()) {
            continue;
        }
        let url = format!("{}{}", server.url, with_ids(path));
        let ask = || {
            http()
                .request(method.clone(), format!("{url}?nonsense=1&page=0"))
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", "x".repeat(1_000))
                .body("{\"nonsense\": ")
        };
        Answer::of(&name, ask()).refused(401, "missing_credentials");
        let wrong = ask().header("x-api-key", "sck_wrong");
        Answer::of(&name, wrong).refused(401, "invalid_credentials");
    }
}

#[test]
fn the_document_says_what_is_for_everybody() {
    let server = TestServer::start();
    let document = server.client().get("/api/docs/schema").ok();
    let is_open = |operation: &Json| {
        let without_key = |way: &Json| *way == serde_json::json!({}) || way.get("signature").is_some();
        operation["security"].as_array().is_some_and(|ways| ways.iter().any(without_key))
    };
    let open: Vec<String> = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| is_open(operation))
        .map(|(path, method, _)| format!("{method} {path}"))
        .collect();
    let mut expected = FOR_EVERYBODY.map(str::to_owned).to_vec();
    expected.sort_by_key(|name| name.split(' ').nth(1).map(str::to_owned));
    let mut open = open;
    open.sort_by_key(|name| name.split(' ').nth(1).map(str::to_owned));
    assert_eq!(open, expected);
}

#[test]
fn what_there_is_not_needs_no_key() {
    let server = TestServer::start();
    let ask = |method: Method, path: &str| {
        Answer::of(path, http().request(method, format!("{}{path}", server.url)))
    };
    ask(Method::GET, "/api/nothing").refused(404, "not_found");
    ask(Method::PUT, "/api/team").refused(405, "method_not_allowed");
    ask(Method::OPTIONS, "/api/team").expect(204);
    // What is told of the body is told of a caller's only.
    let body = ask(Method::HEAD, "/api/team").expect(401);
    assert_eq!(body.bytes, b"");
}
