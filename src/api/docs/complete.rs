//! What holds for every operation and need not be said at each handler.

use serde_json::{Map, Value as Json, json};
use utoipa::openapi::OpenApi;

use super::{examples, refusals};

/// The document with names, refusals and headers that follow from an operation's path, method and body.
pub fn complete(document: &OpenApi) -> Json {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let components = &mut document["components"];
    components["responses"] = refusals::all();
    components["headers"] = json!({"X-Request-ID": {
        "description": "Names the request in the server's log.",
        "required": true,
        "schema": {"type": "string"},
    }});
    // Every answer has it, the shared ones too.
    each(&mut components["responses"], |_, response| add_request_id(response));
    each(&mut components["schemas"], |_, schema| bound(schema));
    let may_be_empty = may_be_empty(&components["schemas"]);
    for form in forms(&document["paths"]) {
        document["components"]["schemas"][form]["additionalProperties"] = false.into();
    }
    let recorded = examples::recorded();
    each(&mut document["paths"], |path, item| {
        each(item, |method, operation| {
            complete_operation(path, method, operation);
            // What may be anything may be nothing as well.
            let content = &operation["requestBody"]["content"];
            let body = content["application/json"]["schema"]["$ref"].as_str();
            let is_named = body.is_some_and(|place| may_be_empty.iter().any(|name| place.ends_with(name)));
            if is_named || !content["*/*"].is_null() {
                operation["requestBody"]["required"] = false.into();
            }
            if let Some(example) = recorded.get(format!("{} {path}", method.to_uppercase())) {
                examples::attach(operation, example);
            }
        });
    });
    document
}

/// The names of the schemas of forms that are read as a stream: no field that is unknown is passed over.
fn forms(paths: &Json) -> Vec<String> {
    let operations = paths.as_object().into_iter().flatten().filter_map(|(_, item)| item["post"].as_object());
    let bodies = operations.filter_map(|operation| operation.get("requestBody"));
    let places = bodies.filter_map(|body| body["content"]["multipart/form-data"]["schema"]["$ref"].as_str());
    places.filter_map(|place| place.rsplit('/').next()).map(str::to_owned).collect()
}

/// Where the bodies are that need no key: an empty one will do in place of them.
fn may_be_empty(schemas: &Json) -> Vec<String> {
    let all = schemas.as_object().into_iter().flatten();
    let any_json = json!({});
    let may = |schema: &Json| schema["type"] == "object" && schema.get("required").is_none();
    all.filter(|(_, schema)| may(schema) || **schema == any_json)
        .map(|(name, _)| format!("/{name}"))
        .collect()
}

/// Visits the members of an object.
fn each(object: &mut Json, mut visit: impl FnMut(&str, &mut Json)) {
    for (name, value) in object.as_object_mut().into_iter().flatten() {
        visit(name, value);
    }
}

fn complete_operation(path: &str, method: &str, operation: &mut Json) {
    operation["operationId"] = operation_id(path, method).into();
    for parameter in operation.get_mut("parameters").and_then(Json::as_array_mut).into_iter().flatten() {
        let schema = &mut parameter["schema"];
        never_null(schema);
        bound(schema);
    }
    if let Some(content) = operation.pointer_mut("/requestBody/content") {
        each(content, tell_bytes);
    }
    let has_body = operation.get("requestBody").is_some();
    let is_open = operation.get("security").is_some_and(|security| *security == json!([{}]));
    let is_probe = !path.starts_with("/api/");
    let refusals = [
        ("400", !is_probe),
        ("401", !is_open),
        ("403", !is_open),
        ("404", path.contains('{')),
        ("413", has_body),
        ("500", true),
        ("503", path != "/healthz" && !path.starts_with("/api/docs")),
    ];
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, is_possible) in refusals {
        if is_possible && !responses.contains_key(status) {
            responses.insert(status.to_owned(), json!({"description": ""}));
        }
    }
    share(responses);
}

/// Puts the shared answer where a handler names a refusal without saying more, and orders the answers.
fn share(responses: &mut Map<String, Json>) {
    for (status, response) in responses.iter_mut() {
        if let Some(content) = response.get_mut("content") {
            each(content, tell_bytes);
        }
        let is_bare = is_undescribed(response) && response.get("headers").is_none();
        match refusals::name(status).filter(|_| is_bare) {
            Some(name) => *response = json!({"$ref": format!("#/components/responses/{name}")}),
            None => add_request_id(response),
        }
        // A reference says what it leads to; everything else must say something itself.
        if response.get("$ref").is_none() && is_undescribed(response) {
            let said = if status.starts_with('2') { "Done." } else { "Refused; `detail` says why." };
            response["description"] = said.into();
        }
    }
    responses.sort_keys();
}

/// Whether a handler says nothing about an answer.
fn is_undescribed(response: &Json) -> bool {
    response["description"].as_str().unwrap_or_default().is_empty()
}

/// What Rust holds as a list of bytes is no list on the wire.
fn tell_bytes(kind: &str, content: &mut Json) {
    if kind != "application/json" && content["schema"]["type"] == "array" {
        content["schema"] = json!({"type": "string", "format": "binary"});
    }
}

fn add_request_id(response: &mut Json) {
    if response["headers"].is_null() {
        response["headers"] = json!({});
    }
    response["headers"]["X-Request-ID"] = json!({"$ref": "#/components/headers/X-Request-ID"});
}

/// Method and path as one word: `post_smart_connectors_connector_upload`.
fn operation_id(path: &str, method: &str) -> String {
    let words = path.strip_prefix("/api/").unwrap_or(path).split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}

/// A query string and a header can't say null: what may be left out is left out.
fn never_null(schema: &mut Json) {
    let Some(types) = schema.get_mut("type").and_then(Json::as_array_mut) else {
        // `Option` of a named schema.
        if let Some(choices) = schema.get_mut("oneOf").and_then(Json::as_array_mut) {
            choices.retain(|choice| choice["type"] != "null");
            if let [only] = choices.as_mut_slice() {
                let mut only = only.take();
                if let (Some(schema), Some(only)) = (schema.as_object_mut(), only.as_object_mut()) {
                    schema.shift_remove("oneOf");
                    only.append(schema);
                }
                *schema = only;
            }
        }
        return;
    };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        schema["type"] = only.clone();
    }
}

/// Says of every whole number how large it may be, which its Rust type knows and the document does not.
fn bound(schema: &mut Json) {
    let (least, most): (Json, Json) = match (schema["format"].as_str(), schema["minimum"].is_number()) {
        (Some("int32"), false) => (i32::MIN.into(), i32::MAX.into()),
        (Some("int32"), true) => (0.into(), u32::MAX.into()),
        (Some("int64"), false) => (i64::MIN.into(), i64::MAX.into()),
        // What is counted is kept in SQLite.
        (Some("int64"), true) => (0.into(), i64::MAX.into()),
        _ => return each_inner(schema),
    };
    if most == u32::MAX {
        // Half of these don't fit the format.
        schema["format"] = "int64".into();
    }
    for (key, value) in [("minimum", least), ("maximum", most)] {
        if schema[key].is_null() {
            schema[key] = value;
        }
    }
}

fn each_inner(schema: &mut Json) {
    for key in ["properties", "items", "additionalProperties", "oneOf", "allOf", "anyOf"] {
        match schema.get_mut(key) {
            Some(Json::Array(list)) => list.iter_mut().for_each(bound),
            Some(inner @ Json::Object(_)) if key == "properties" => each(inner, |_, schema| bound(schema)),
            Some(inner @ Json::Object(_)) => bound(inner),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_is_never_null() {
        for (sent, expected) in [
            (json!({"type": ["string", "null"]}), json!({"type": "string"})),
            (json!({"type": "string"}), json!({"type": "string"})),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/x", "description": "X."}]}),
                json!({"$ref": "#/x", "description": "X."}),
            ),
        ] {
            let mut schema = sent;
            never_null(&mut schema);
            assert_eq!(schema, expected);
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        assert_eq!(operation_id("/api/records/{object}/{record}", "get"), "get_records_object_record");
        assert_eq!(operation_id("/healthz", "get"), "get_healthz");
    }
}
