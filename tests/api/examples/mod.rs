//! The examples of the OpenAPI document are true: one journey through a real server makes every call once, and what
//! was sent and answered is what `src/api/docs/examples.json` has. `UPDATE_EXAMPLES=1` writes that file anew.

mod journey;
mod recorder;
mod refusals;

use std::{fs, path::Path};

use serde_json::{Map, Value as Json};

use self::recorder::Recorder;
use crate::support::contract;

/// Answers that are no text to show, each with its reason.
const NOT_SHOWN: [(&str, &str); 8] = [
    ("GET /api/backup", "a ZIP"),
    ("GET /api/docs", "a page for people"),
    ("GET /api/docs/schema", "this very document"),
    ("GET /api/smart-connectors/{connector}/dev-package", "a ZIP"),
    ("GET /api/smart-connectors/{connector}/executions/{id}/dev-package", "a ZIP"),
    ("GET /api/smart-connectors/{connector}/sql-scripts/{id}/connector-local-dev-package", "a ZIP"),
    ("GET /api/smart-connectors/{connector}/sql-scripts/{id}/dev-package", "a ZIP"),
    ("GET /metrics", "other numbers each time"),
];

#[test]
fn every_operation_has_the_example_that_a_server_gave() {
    let mut recorder = Recorder::new();
    journey::play(&mut recorder);
    let played = Json::Object(recorder.into_examples());
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/docs/examples.json");
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        fs::write(&place, format!("{played:#}\n")).unwrap();
    }
    let kept: Json = serde_json::from_str(&fs::read_to_string(&place).unwrap()).unwrap();
    let (played, kept) = (played.as_object().unwrap(), kept.as_object().unwrap());
    let mut wrong = Vec::new();
    for (operation, example) in played {
        if kept.get(operation) != Some(example) {
            wrong.push(format!("{operation}: {}", difference(kept.get(operation), example)));
        }
        for part in ["request", "response"] {
            let size = example[part].to_string().len();
            assert!(size <= recorder::LARGEST, "{operation}: its {part} has {size} bytes");
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE_EXAMPLES=1 writes what is true now. Other examples are kept:\n{}",
        wrong.join("\n")
    );
    let operations = operations();
    for (operation, _) in &operations {
        assert!(played.contains_key(operation), "{operation}: the journey makes no such call");
    }
    assert_eq!(kept.len(), operations.len(), "an example of a call that the document does not have");
}

/// The first line that differs.
fn difference(kept: Option<&Json>, played: &Json) -> String {
    let (kept, played) = (kept.map(|kept| format!("{kept:#}")).unwrap_or_default(), format!("{played:#}"));
    let differs = kept.lines().zip(played.lines()).find(|(kept, played)| kept != played);
    differs.map_or_else(|| "one is longer".to_owned(), |(kept, played)| format!("{kept} is now {played}"))
}

/// What the document shows is checked in the document: an example that is attached nowhere is none.
#[test]
fn the_document_shows_a_request_and_an_answer_of_every_operation() {
    let operations = operations();
    for (name, operation) in &operations {
        for (kind, content) in contents(&operation["requestBody"]) {
            let is_shown = !content["example"].is_null();
            assert!(is_shown || kind != "application/json", "{name}: no example of the request");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let is_shown = parameter["in"] != "path" || !parameter["example"].is_null();
            assert!(is_shown, "{name}: no example of {}", parameter["name"]);
        }
        let answers = operation["responses"].as_object().unwrap().iter();
        let answers = answers.filter(|(status, _)| status.starts_with('2'));
        let shown: Vec<Json> = answers.flat_map(|(_, answer)| contents(answer)).map(|(_, c)| c).collect();
        let is_shown = shown.iter().any(|content| !content["example"].is_null());
        let is_exempt = NOT_SHOWN.iter().any(|(exempt, _)| exempt == name);
        assert_eq!(is_shown, !shown.is_empty() && !is_exempt, "{name}: the example of its answer");
    }
    for (exempt, _) in NOT_SHOWN {
        assert!(operations.iter().any(|(name, _)| name == exempt), "{exempt} is no operation");
    }
}

fn contents(of: &Json) -> Map<String, Json> {
    of["content"].as_object().cloned().unwrap_or_default()
}

/// Every operation of the document, by method and path.
fn operations() -> Vec<(String, Json)> {
    let document = contract::document();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((format!("{} {path}", method.to_uppercase()), operation.clone()));
        }
    }
    found
}
