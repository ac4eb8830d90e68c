//! Makes calls and keeps what was sent and answered, with everything that is another one each time made the same.

use std::{collections::HashMap, ffi::OsStr, path::Path, sync::LazyLock};

use chrono::{DateTime, TimeDelta};
use regex::{Captures, Regex};
use reqwest::{
    Method, Url,
    blocking::multipart::{Form, Part},
};
use serde_json::{Map, Value as Json, json};
use smartconnector::clock::Clock;

use crate::support::{Answer, Client, TestServer, contract};

/// Bytes of what is shown of a request or an answer, at most.
pub const LARGEST: usize = 4800;
/// Where the server says that it is.
pub const PLACE: &str = "https://connector.example.org";

const HEADERS: [&str; 2] = ["Idempotency-Key", "webhook-id"];

static ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap()
});
static TOOK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bin [0-9][0-9.,]* (ms|s|min|h)\b").unwrap());
static KEY: LazyLock<Regex> = LazyLock::new(|| Regex::new("sck_[A-Za-z0-9_-]{20,}").unwrap());

/// What goes along with a call.
pub enum Sent<'s> {
    Nothing,
    Json(Json),
    Form(Vec<(&'s str, String)>),
    /// Fields, then a file: name, text.
    Multipart(Vec<(&'s str, String)>, (&'s str, &'s str)),
}

pub struct Recorder {
    pub client: Client,
    pub server: TestServer,
    clock: Clock,
    ids: HashMap<String, usize>,
    examples: Map<String, Json>,
}

impl Recorder {
    pub fn new() -> Self {
        let clock = Clock::fixed(DateTime::parse_from_rfc3339("2026-03-02T08:00:00Z").unwrap().to_utc());
        let server = TestServer::at(clock.clone(), |config| {
            PLACE.clone_into(&mut config.server.public_url);
        });
        Self { client: server.client(), server, clock, ids: HashMap::new(), examples: Map::new() }
    }

    /// The examples in the order of their paths.
    pub fn into_examples(self) -> Map<String, Json> {
        let mut examples: Vec<(String, Json)> = self.examples.into_iter().collect();
        let place = |operation: &str| {
            let (method, path) = operation.split_once(' ').unwrap();
            (path.to_owned(), method.to_owned())
        };
        examples.sort_by_cached_key(|(operation, _)| place(operation));
        examples.into_iter().collect()
    }

    pub fn get(&mut self, operation: &str, parameters: &[(&str, &str)]) -> Json {
        self.call(&format!("GET {operation}"), parameters, &Sent::Nothing)
    }

    pub fn json(&mut self, operation: &str, parameters: &[(&str, &str)], body: Json) -> Json {
        self.call(operation, parameters, &Sent::Json(body))
    }

    /// Makes the call that `operation` names, method and path, and keeps it. Parameters that are not of the path are
    /// of the query, or headers. Answers the body, where it is JSON.
    #[track_caller]
    pub fn call(&mut self, operation: &str, parameters: &[(&str, &str)], sent: &Sent) -> Json {
        self.clock.set(self.clock.now() + TimeDelta::seconds(7));
        let (method, template) = operation.split_once(' ').unwrap();
        let (mut path, mut query, mut headers) = (template.to_owned(), Vec::new(), Vec::new());
        for (name, value) in parameters {
            let place = format!("{{{name}}}");
            if path.contains(&place) {
                path = path.replace(&place, value);
            } else if HEADERS.contains(name) {
                headers.push((name, value));
            } else {
                query.push((name, value));
            }
        }
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
        if !query.is_empty() {
            request = request.query(&query);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match sent {
            Sent::Nothing if method == "GET" => request,
            Sent::Nothing => request.header("Content-Type", "application/json"),
            Sent::Json(body) => request.header("Content-Type", "application/json").body(body.to_string()),
            Sent::Form(words) => request.form(words),
            Sent::Multipart(fields, (name, text)) => {
                let form = fields
                    .iter()
                    .fold(Form::new(), |form, (name, v)| form.text((*name).to_owned(), v.clone()));
                let file = Part::bytes(text.as_bytes().to_vec()).file_name((*name).to_owned());
                request.multipart(form.part("file", file.mime_str("text/csv").unwrap()))
            }
        };
        let answer = Answer::of(operation, request);
        assert!(answer.status.is_success(), "{operation}: {} {}", answer.status, answer.text());
        self.keep(operation, &path, parameters, sent, &answer);
        serde_json::from_slice(&answer.bytes).unwrap_or_default()
    }

    fn keep(
        &mut self,
        operation: &str,
        path: &str,
        parameters: &[(&str, &str)],
        sent: &Sent,
        answer: &Answer,
    ) {
        let mut example = json!({});
        for (name, value) in parameters {
            example["parameters"][*name] = self.same(&json!(value));
        }
        let request = match sent {
            Sent::Nothing => None,
            Sent::Json(body) => Some(body.clone()),
            Sent::Form(words) => Some(words.iter().map(|(name, value)| (*name, json!(value))).collect()),
            Sent::Multipart(fields, (_, text)) => {
                // As the field's schema has it: words in a form are text.
                let typed = |value: &str| value.parse().map_or_else(|_| json!(value), Json::Bool);
                let fields = fields.iter().map(|(name, value)| (*name, typed(value)));
                Some(fields.chain([("file", json!(text))]).collect())
            }
        };
        if let Some(request) = request {
            example["request"] = self.same(&request);
        }
        example["status"] = json!(answer.status.as_u16());
        // The document would hold itself.
        let shown = if path == "/api/docs/schema" { None } else { self.shown(answer) };
        if let Some(shown) = shown {
            if is(answer, "application/json") {
                check(operation, path, answer, &shown);
            }
            example["response"] = shown;
        }
        let before = self.examples.insert(operation.to_owned(), example);
        assert!(before.is_none(), "{operation} twice");
    }

    /// What of an answer is shown.
    fn shown(&mut self, answer: &Answer) -> Option<Json> {
        if is(answer, "application/json") {
            return Some(shortened(&self.same(&answer.json()), LARGEST));
        }
        let text = answer.text();
        if is(answer, "text/csv") {
            return Some(self.same(&json!(text)));
        }
        is(answer, "text/event-stream").then(|| {
            let lines = text.lines().map(|line| match line.strip_prefix("data: {") {
                Some(_) => {
                    let data: Json = serde_json::from_str(&line["data: ".len()..]).unwrap();
                    // Quotes are two bytes each in a text.
                    format!("data: {}\n", shortened(&self.same(&data), LARGEST * 5 / 6))
                }
                None => format!("{line}\n"),
            });
            json!(lines.collect::<String>())
        })
    }

    /// The value with ids, secrets and what else differs from server to server replaced.
    fn same(&mut self, value: &Json) -> Json {
        match value {
            Json::String(text) => json!(self.same_text(text)),
            Json::Array(items) => items.iter().map(|item| self.same(item)).collect(),
            Json::Object(members) => {
                let name = members.get("name").and_then(Json::as_str).unwrap_or_default();
                // They hold ids, and times of their own.
                let kind = Path::new(name).extension().and_then(OsStr::to_str);
                let is_packed = matches!(kind, Some("xlsx" | "zip"));
                let member = |(key, value): (&String, &Json)| {
                    let value = match (key.as_str(), value) {
                        ("sha256", _) if is_packed => json!("5e".repeat(32)),
                        ("size_bytes", _) if is_packed => json!(12_345),
                        ("size_formatted", _) if is_packed => json!("12.1 KB"),
                        ("policy" | "signature", Json::String(_)) => {
                            json!("(of the form that was given out)")
                        }
                        ("duration_ms" | "took_ms", Json::Number(_)) => json!(250),
                        ("last_used_at", Json::String(_)) => json!("2026-03-02T08:00:00Z"),
                        _ => self.same(value),
                    };
                    (self.same_text(key), value)
                };
                let mut members: Vec<_> = members.iter().collect();
                if members.iter().all(|(key, _)| ID.is_match(key)) {
                    // In the order of ids, which is another one each time.
                    members.sort_by_key(|(_, value)| value["name"].to_string());
                }
                members.into_iter().map(member).collect()
            }
            other => other.clone(),
        }
    }

    fn same_text(&mut self, text: &str) -> String {
        let text = ID.replace_all(text, |found: &Captures| {
            let next = self.ids.len() + 1;
            let n = *self.ids.entry(found[0].to_owned()).or_insert(next);
            format!("00000000-0000-{}000-8000-{n:012}", &found[1])
        });
        let text = TOOK.replace_all(&text, "in 3 ms");
        KEY.replace_all(&text, "sck_shown-only-when-it-is-made").into_owned()
    }
}

fn is(answer: &Answer, kind: &str) -> bool {
    let sent = answer.headers.get("content-type").map(|sent| sent.to_str().unwrap().to_owned());
    sent.is_some_and(|sent| sent.starts_with(kind))
}

/// Lists end early, then texts, until the whole fits in `room` bytes.
fn shortened(value: &Json, room: usize) -> Json {
    let cuts = [(usize::MAX, usize::MAX), (3, 1000), (2, 300), (1, 120)];
    let mut cuts = cuts.into_iter().map(|(items, length)| cut(value, items, length));
    cuts.find(|cut| cut.to_string().len() <= room).unwrap_or_else(|| cut(value, 1, 60))
}

fn cut(value: &Json, items: usize, length: usize) -> Json {
    match value {
        // Short lists of plain values are pairs.
        Json::Array(all) if all.len() <= 3 && all.iter().all(|item| !item.is_object()) => value.clone(),
        Json::Array(all) => all.iter().take(items).map(|item| cut(item, items, length)).collect(),
        Json::Object(all) => {
            all.iter().map(|(key, value)| (key.clone(), cut(value, items, length))).collect()
        }
        Json::String(text) if text.chars().count() > length => {
            json!(text.chars().take(length).chain(['…']).collect::<String>())
        }
        other => other.clone(),
    }
}

/// What is shown is as the document says, too.
fn check(operation: &str, path: &str, answer: &Answer, shown: &Json) {
    let method = operation.split_once(' ').unwrap().0;
    contract::check(&contract::Got {
        call: operation,
        method: &Method::from_bytes(method.as_bytes()).unwrap(),
        url: &Url::parse(&format!("{PLACE}{path}")).unwrap(),
        status: answer.status,
        headers: &answer.headers,
        bytes: shown.to_string().as_bytes(),
    });
}
