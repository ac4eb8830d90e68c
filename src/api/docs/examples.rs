//! The examples of requests and answers. A test records them from a real server and compares them.

use serde_json::Value as Json;

const RECORDED: &str = include_str!("examples.json");

/// Every example, by method and path.
pub fn recorded() -> Json {
    serde_json::from_str(RECORDED).unwrap_or_default()
}

/// Puts an example where the document of its operation shows it.
pub fn attach(operation: &mut Json, example: &Json) {
    for parameter in operation.get_mut("parameters").and_then(Json::as_array_mut).into_iter().flatten() {
        let Some(value) = parameter["name"].as_str().and_then(|name| example["parameters"].get(name)) else {
            continue;
        };
        let typed = match parameter["schema"]["type"].as_str() {
            Some("boolean" | "integer") => value.as_str().and_then(|text| serde_json::from_str(text).ok()),
            _ => None,
        };
        parameter["example"] = typed.unwrap_or_else(|| value.clone());
    }
    if let Some(sent) = example.get("request") {
        for kind in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
            if let Some(content) =
                operation.pointer_mut("/requestBody/content").and_then(|all| all.get_mut(kind))
            {
                content["example"] = sent.clone();
            }
        }
    }
    if let Some(answered) = example.get("response") {
        let status = example["status"].to_string();
        let contents = operation["responses"].get_mut(&status).and_then(|answer| answer.get_mut("content"));
        for (kind, content) in contents.and_then(Json::as_object_mut).into_iter().flatten() {
            let is_text = kind.starts_with("text/") || kind == "*/*";
            if kind == "application/json" || (is_text && answered.is_string()) {
                content["example"] = answered.clone();
            }
        }
    }
}
