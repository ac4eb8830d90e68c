//! Holds every answer against the OpenAPI document: its status, its content type, the shape of its body, its headers.
//!
//! An object of an answer may have no keys but those that the document names. The document is read once per test
//! program and each shape is compiled once.

use std::{collections::HashMap, sync::LazyLock};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use reqwest::{Method, StatusCode, Url, header::HeaderMap};
use serde_json::{Value as Json, json};

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// Where the shapes are for the compiler; nothing is fetched from there.
const PLACE: &str = "http://openapi.invalid/document.json";

/// What an answer must keep to.
struct Contract {
    paths: Vec<PathItem>,
    schemas: Schemas,
}

struct PathItem {
    template: String,
    operations: HashMap<Method, HashMap<u16, Documented>>,
}

/// One documented answer.
struct Documented {
    /// Media types, and for JSON the shape.
    content: Vec<(String, Option<SchemaIndex>)>,
    headers: Vec<String>,
}

/// An answer as it came.
pub struct Got<'a> {
    pub call: &'a str,
    pub method: &'a Method,
    pub url: &'a Url,
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
    pub bytes: &'a [u8],
}

/// Panics when the document does not know this answer.
#[track_caller]
pub fn check(got: &Got) {
    if let Err(wrong) = CONTRACT.find(got) {
        let body: String = String::from_utf8_lossy(got.bytes).chars().take(2000).collect();
        panic!("not as documented: {wrong}\n{}\n{body}", got.call);
    }
}

/// The document itself.
pub fn document() -> Json {
    serde_json::from_str(&smartconnector::server::openapi()).unwrap()
}

impl Contract {
    fn read() -> Self {
        let mut document = document();
        let mut reader = Reader { shapes: Vec::new(), responses: document["components"]["responses"].take() };
        let paths: Vec<_> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(template, item)| (template.clone(), reader.item(item)))
            .collect();
        let shapes = json!({"shapes": reader.shapes, "components": {"schemas": strict(&document)}});
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler.add_resource(PLACE, shapes).unwrap();
        let mut schemas = Schemas::new();
        let mut compiled = |n: usize| {
            compiler
                .compile(&format!("{PLACE}#/shapes/{n}"), &mut schemas)
                .unwrap_or_else(|e| panic!("{e:#}"))
        };
        let paths = paths
            .into_iter()
            .map(|(template, operations)| PathItem {
                template,
                operations: operations
                    .into_iter()
                    .map(|(method, answers)| {
                        let answers = answers.into_iter().map(|(status, found)| {
                            let content = found.content.into_iter();
                            let content = content.map(|(kind, n)| (kind, n.map(&mut compiled))).collect();
                            (status, Documented { content, headers: found.headers })
                        });
                        (method, answers.collect())
                    })
                    .collect(),
            })
            .collect();
        Self { paths, schemas }
    }

    fn find(&self, got: &Got) -> Result<(), String> {
        let path = got.url.path();
        let Some(item) = self.item(path) else {
            // The page's files are no part of the API.
            let is_known = !path.starts_with("/api/") || [400, 404].contains(&got.status.as_u16());
            return if is_known { Ok(()) } else { Err(format!("no path {path}")) };
        };
        let asked = if got.method == Method::HEAD { &Method::GET } else { got.method };
        let Some(answers) = item.operations.get(asked) else {
            let is_known = got.method == Method::OPTIONS || got.status == 405 || got.status == 400;
            return if is_known { Ok(()) } else { Err(format!("{} has no {asked}", item.template)) };
        };
        let answer = answers
            .get(&got.status.as_u16())
            .ok_or_else(|| format!("{asked} {} does not answer {}", item.template, got.status))?;
        for name in &answer.headers {
            if !got.headers.contains_key(name) {
                return Err(format!("the header {name} is missing"));
            }
        }
        if got.method == Method::HEAD { Ok(()) } else { self.body(answer, got) }
    }

    /// The template with the most literal segments wins.
    fn item(&self, path: &str) -> Option<&PathItem> {
        let segments: Vec<&str> = path.split('/').collect();
        let literal =
            |item: &&PathItem| item.template.split('/').filter(|part| !part.starts_with('{')).count();
        let fits = |item: &&PathItem| {
            let parts: Vec<&str> = item.template.split('/').collect();
            let pairs = parts.iter().zip(&segments);
            parts.len() == segments.len()
                && pairs.into_iter().all(|(part, segment)| {
                    if part.starts_with('{') { !segment.is_empty() } else { part == segment }
                })
        };
        self.paths.iter().filter(fits).max_by_key(literal)
    }

    fn body(&self, answer: &Documented, got: &Got) -> Result<(), String> {
        if answer.content.is_empty() {
            return if got.bytes.is_empty() { Ok(()) } else { Err("a body, expected none".to_owned()) };
        }
        let sent = got.headers.get("content-type").map_or("", |value| value.to_str().unwrap_or_default());
        let sent = sent.split(';').next().unwrap_or_default().trim();
        let fits = |(kind, _): &&(String, _)| kind == sent || kind == "*/*";
        let (_, shape) = answer.content.iter().find(fits).ok_or_else(|| {
            let kinds: Vec<_> = answer.content.iter().map(|(kind, _)| kind).collect();
            format!("the content type {sent:?} is none of {kinds:?}")
        })?;
        let Some(shape) = shape else { return Ok(()) };
        let is_packed = got.headers.get("content-encoding").is_some_and(|how| how == "gzip");
        let body: Json = if is_packed {
            serde_json::from_reader(flate2::read::GzDecoder::new(got.bytes))
        } else {
            serde_json::from_slice(got.bytes)
        }
        .map_err(|e| e.to_string())?;
        self.schemas.validate(&body, *shape).map_err(|e| format!("{e:#}"))
    }
}

/// Collects the shapes of answers and says where each is.
struct Reader {
    shapes: Vec<Json>,
    responses: Json,
}

struct Found {
    content: Vec<(String, Option<usize>)>,
    headers: Vec<String>,
}

impl Reader {
    fn item(&mut self, item: &Json) -> Vec<(Method, HashMap<u16, Found>)> {
        let operations = item.as_object().unwrap().iter().filter_map(|(method, operation)| {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok()?;
            let answers = operation.get("responses")?.as_object()?.iter();
            let answers = answers.map(|(status, answer)| (status.parse().unwrap(), self.answer(answer)));
            Some((method, answers.collect()))
        });
        operations.collect()
    }

    fn answer(&mut self, answer: &Json) -> Found {
        let shared = answer["$ref"].as_str().and_then(|place| place.strip_prefix("#/components/responses/"));
        let answer = shared.map_or(answer, |name| &self.responses[name]).clone();
        let keys = |key: &str| answer[key].as_object().cloned().unwrap_or_default();
        let content = keys("content").into_iter().map(|(kind, content)| {
            let shape = content.get("schema").filter(|_| kind == "application/json");
            (kind.clone(), shape.map(|shape| self.keep(shape)))
        });
        Found {
            content: content.collect(),
            headers: keys("headers").into_iter().map(|(name, _)| name).collect(),
        }
    }

    fn keep(&mut self, shape: &Json) -> usize {
        let mut shape = shape.clone();
        close(&mut shape, true);
        self.shapes.push(shape);
        self.shapes.len() - 1
    }
}

/// Every named shape twice: as it stands alone, with no other keys; and, with `.open` behind its name, as a part of
/// another.
fn strict(document: &Json) -> Json {
    let mut all = json!({});
    for (name, shape) in document["components"]["schemas"].as_object().unwrap() {
        for (name, alone) in [(name.clone(), true), (format!("{name}.open"), false)] {
            let mut shape = shape.clone();
            close(&mut shape, alone);
            all[name] = shape;
        }
    }
    all
}

fn close(shape: &mut Json, alone: bool) {
    let Some(object) = shape.as_object_mut() else { return };
    let is_object = object.contains_key("allOf") || object.contains_key("properties");
    if is_object && alone && !object.contains_key("additionalProperties") {
        object.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    for part in object.get_mut("allOf").and_then(Json::as_array_mut).into_iter().flatten() {
        if let Some(place) = part["$ref"].as_str() {
            part["$ref"] = json!(format!("{place}.open"));
        }
        close(part, false);
    }
    for inner in object.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
        close(inner.1, true);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            close(inner, true);
        }
    }
    for key in ["oneOf", "anyOf", "prefixItems"] {
        for inner in object.get_mut(key).and_then(Json::as_array_mut).into_iter().flatten() {
            close(inner, true);
        }
    }
}
