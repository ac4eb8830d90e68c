//! Bad requests to every call of the API: whatever comes, the answer is a refusal in the API's own shape that
//! names what is wrong, and never a failure of the server. The calls are those of the OpenAPI document, so a
//! new one is walked too.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    files::header,
    run::{Shop, TOKEN},
    support::{Answer, Client, TestServer, http, journey::detail},
};

/// A call of the document.
struct Call {
    method: Method,
    path: String,
    operation: Json,
}

impl Call {
    fn all(client: &Client) -> Vec<Self> {
        let document = client.get("/api/docs/schema").ok();
        let mut calls = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                calls.push(Self { method, path: path.clone(), operation: resolved(operation, &document) });
            }
        }
        assert!(calls.len() > 80, "{}", calls.len());
        calls
    }

    fn shown(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn takes_json(&self) -> bool {
        // A webhook may be anything, JSON or not.
        !self.path.ends_with("/webhook")
            && self.operation["requestBody"]["content"]["application/json"].is_object()
    }

    fn queries(&self) -> Vec<&Json> {
        let parameters = self.operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        parameters.iter().filter(|parameter| parameter["in"] == "query").collect()
    }

    /// The path with its parameters filled in, each by what `fill` has for it.
    fn filled(&self, fill: impl Fn(&str) -> String) -> String {
        let mut path = String::new();
        for segment in self.path.split('/').skip(1) {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            path = format!("{path}/{}", name.map_or_else(|| segment.to_owned(), &fill));
        }
        path
    }

    /// The path with parameters that are there, where there are any.
    fn addressed(&self, shop: &Shop) -> String {
        let draft = detail(&shop.client, TOKEN)["last_draft_script"]["id"].as_str().unwrap().to_owned();
        self.filled(|name| match name {
            "object" => "orders".to_owned(),
            "connector" | "c" => TOKEN.to_owned(),
            "n" => "1".to_owned(),
            "id" if self.path.contains("/sql-scripts/") => draft.clone(),
            "id" if self.path.starts_with("/api/custom-objects/") => "orders".to_owned(),
            _ => uuid::Uuid::new_v4().to_string(),
        })
    }
}

/// The operation with the schemas of its parameters in place.
fn resolved(operation: &Json, document: &Json) -> Json {
    let mut operation = operation.clone();
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        if let Some(name) = parameter["schema"]["$ref"].as_str() {
            let schema = document.pointer(name.trim_start_matches('#'));
            parameter["schema"] = schema.cloned().unwrap_or_default();
        }
    }
    operation
}

/// The sentence of a refusal that has the shape of all.
#[track_caller]
fn refusal(what: &str, answer: &Answer, statuses: &[u16]) -> String {
    let status = answer.status.as_u16();
    assert!(statuses.contains(&status), "{what}: {status}, expected {statuses:?}: {}", answer.text());
    let body = answer.json();
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(["detail", "code"].iter().all(|key| body[key].is_string()), "{what}: {body}");
    assert!(keys.iter().all(|key| ["detail", "code", "errors"].contains(key)), "{what}: {body}");
    assert!(header(&answer.headers, "content-type").starts_with("application/json"), "{what}");
    body["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_body_that_is_none_is_refused_by_every_call_that_takes_one() {
    let shop = Shop::new();
    let deep = format!(r#"{{"x": {}1{}}}"#, r#"{"a":"#.repeat(200), "}".repeat(200));
    let lists = format!(r#"{{"x": {}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    let bodies: [(&[u8], &str); 14] = [
        (b"{", "The body is not valid JSON"),
        (b"{\"x\": 1,}", "The body is not valid JSON"),
        (b"{'x': 1}", "The body is not valid JSON"),
        (b"{} {}", "The body is not one JSON document"),
        (b"\xff\xfe{\0}\0", "The body is not valid JSON"),
        (b"{\"x\": \"\xff\"}", "The body is not valid JSON"),
        (br#"{"x": "\ud800"}"#, "The body is not valid JSON"),
        (br#"{"x": NaN}"#, "The body is not valid JSON"),
        (br#"{"x": "a\u0000b"}"#, "Null characters are not allowed."),
        (br#"{"x": 1, "x": 1}"#, "This name stands twice in its object."),
        (br#"{"x": {"y": [{"z": 1, "z": 2}]}}"#, "This name stands twice in its object."),
        (deep.as_bytes(), "nested deeper than 127 levels"),
        (lists.as_bytes(), "nested deeper than 127 levels"),
        (br#"[{"x": 1}]"#, "The body is a list, expected an object."),
    ];
    let mut walked = 0;
    for call in Call::all(&shop.client).iter().filter(|call| call.takes_json()) {
        let path = call.addressed(&shop);
        let send = |body: &[u8]| {
            let request = shop.client.request(call.method.clone(), &path);
            let what = format!("{} {}", call.shown(), String::from_utf8_lossy(&body[..body.len().min(60)]));
            let request = request.header("Content-Type", "application/json").body(body.to_vec());
            (Answer::of(&what, request), what)
        };
        for (body, expected) in bodies {
            let (answer, what) = send(body);
            let detail = refusal(&what, &answer, &[400]);
            // Of a text that breaks off behind a key, the key may be what is refused.
            let is_of_key = expected.contains("not valid JSON") && detail.contains("unknown field `x`");
            assert!(detail.contains(expected) || is_of_key, "{what}: {detail}");
        }
        for scalar in ["7", "true", "\"text\"", "null", "1e400"] {
            let (answer, what) = send(scalar.as_bytes());
            refusal(&what, &answer, &[400]);
        }
        // A misspelt key is named.
        let (answer, what) = send(br#"{"no_such_key": 1}"#);
        let detail = refusal(&what, &answer, &[400]);
        assert!(detail.contains("no_such_key"), "{what}: {detail}");
        walked += 1;
    }
    assert!(walked > 20, "{walked}");
}

#[test]
fn who_asks_is_looked_at_before_what_is_asked() {
    let shop = Shop::new();
    let mut walked = 0;
    for call in Call::all(&shop.client) {
        if call.operation["security"] == json!([{}]) || call.shown() == "POST /api/session" {
            continue;
        }
        let path = format!("{}{}", shop.server.url, call.addressed(&shop));
        for (key, code) in [("", "missing_credentials"), ("sck_unknown", "invalid_credentials")] {
            for (query, body) in
                [("", "{"), ("?no_such_parameter=1", ""), ("?page=x", "[]"), ("", "{\"x\": 1}")]
            {
                let what = format!("{}{query} {body} {key:?}", call.shown());
                let request = http().request(call.method.clone(), format!("{path}{query}"));
                let request = request.header("Content-Type", "application/json").header("X-API-KEY", key);
                let request = request.header("Idempotency-Key", "").body(body);
                let answer = Answer::of(&what, request);
                refusal(&what, &answer, &[401]);
                assert_eq!(answer.json()["code"], code, "{what}");
                walked += 1;
            }
        }
    }
    assert!(walked > 600, "{walked}");
}

#[test]
fn a_key_of_the_wrong_type_is_named_by_every_call_that_has_it() {
    let shop = Shop::new();
    let document = shop.client.get("/api/docs/schema").ok();
    let label = document["components"]["schemas"]["Label"].clone();
    let mut walked = 0;
    for call in Call::all(&shop.client).iter().filter(|call| call.takes_json()) {
        let schema = &call.operation["requestBody"]["content"]["application/json"]["schema"];
        let Some(name) = schema["$ref"].as_str() else { continue };
        let properties = document.pointer(name.trim_start_matches('#')).unwrap()["properties"].clone();
        for (key, property) in properties.as_object().into_iter().flatten() {
            let property = if property.to_string().contains("/schemas/Label\"") { &label } else { property };
            let odd = match property["type"].as_array().map_or(&property["type"], |types| &types[0]).as_str()
            {
                Some("string") => json!(7),
                Some("integer" | "boolean" | "array") => json!("text"),
                _ => continue,
            };
            let mut body = serde_json::Map::new();
            body.insert(key.clone(), odd);
            let request = shop.client.request(call.method.clone(), &call.addressed(&shop));
            let request = request.header("Content-Type", "application/json").body(json!(body).to_string());
            let what = format!("{} {}", call.shown(), json!(body));
            let detail = refusal(&what, &Answer::of(&what, request), &[400]);
            assert!(detail.starts_with(key.as_str()), "{what}: {detail}");
            walked += 1;
        }
    }
    assert!(walked > 60, "{walked}");
}

#[test]
fn a_query_that_is_wrong_is_named_by_every_call_that_takes_one() {
    let shop = Shop::new();
    let mut walked = 0;
    for call in Call::all(&shop.client).iter().filter(|call| !call.queries().is_empty()) {
        let path = call.addressed(&shop);
        let ask = |query: &str| {
            let what = format!("{} ?{query}", call.shown());
            let request = shop.client.request(call.method.clone(), &format!("{path}?{query}"));
            (Answer::of(&what, request.header("Content-Type", "application/json")), what)
        };
        // Every other parameter that is required comes along.
        let others = |left_out: &str| -> String {
            let required = call.queries().into_iter().filter(|parameter| parameter["required"] == true);
            required
                .filter(|parameter| parameter["name"] != left_out)
                .map(|parameter| format!("&{}=smart_connector_import", parameter["name"].as_str().unwrap()))
                .collect::<Vec<_>>()
                .concat()
        };
        let (answer, what) = ask(&format!("no_such_parameter=1{}", others("")));
        let detail = refusal(&what, &answer, &[400]);
        assert!(detail.contains("no_such_parameter"), "{what}: {detail}");
        for parameter in call.queries() {
            let name = parameter["name"].as_str().unwrap();
            let schema = &parameter["schema"];
            let text = schema.to_string();
            let odd: &[&str] = if text.contains("\"integer\"") {
                &["0", "-1", "x", "", "1.5", "99999999999999999999"]
            } else if text.contains("\"boolean\"") {
                &["maybe", "1", "TRUE"]
            } else if text.contains("\"uuid\"") || text.contains("\"enum\"") {
                &["odd", ""]
            } else {
                continue;
            };
            for value in odd {
                let (answer, what) = ask(&format!("{name}={value}{}", others(name)));
                let detail = refusal(&what, &answer, &[400]);
                assert!(detail.starts_with(&format!("{name}: ")), "{what}: {detail}");
                walked += 1;
            }
        }
        let is_list = call.queries().iter().any(|parameter| parameter["name"] == "page_size");
        if is_list && call.method == Method::GET {
            let (far, what) = ask("page=4294967295&page_size=1000");
            let found = far.status.as_u16();
            assert!([200, 404].contains(&found), "{what}: {found} {}", far.text());
            refusal(&what, &ask("page_size=1001").0, &[400]);
        }
        for text in ["%00", "%ff%fe", "%25_%5c%27%22", "%F0%9F%A6%80", "'%20OR%201=1--"] {
            for parameter in call.queries() {
                let (answer, what) = ask(&format!("{}={text}", parameter["name"].as_str().unwrap()));
                assert!(answer.status.as_u16() < 500, "{what}: {}", answer.text());
            }
        }
    }
    assert!(walked > 100, "{walked}");
}

#[test]
fn an_id_that_is_none_is_not_there_for_every_call_that_takes_one() {
    let shop = Shop::new();
    let long = "x".repeat(4000);
    let ids = [
        "no-uuid",
        "7b0f3c0e-0000-4000-8000-00000000000",
        "7b0f3c0e000040008000000000000000",
        "%00",
        "%2e%2e%2f%2e%2e",
        "%ff%fe",
        "'%20OR%201=1--",
        "%F0%9F%A6%80",
        "0",
        "-1",
        &long,
    ];
    let mut walked = 0;
    for call in Call::all(&shop.client).iter().filter(|call| call.path.contains('{')) {
        for id in ids {
            // Every parameter is odd, then the last alone.
            let all = call.filled(|_| id.to_owned());
            let mut addressed: Vec<String> = call.addressed(&shop).split('/').map(str::to_owned).collect();
            let last = call.path.split('/').collect::<Vec<_>>().iter().rposition(|s| s.starts_with('{'));
            addressed[last.unwrap()] = id.to_owned();
            for path in [all, addressed.join("/")] {
                let request = shop.client.request(call.method.clone(), &path);
                let request = request.header("Content-Type", "application/json");
                let what = format!("{} {}", call.method, &path[..path.len().min(150)]);
                let answer = Answer::of(&what, request.body(if call.takes_json() { "{}" } else { "" }));
                // A body or a query may be found wanting first.
                refusal(&what, &answer, &[404, 400, 405]);
                walked += 1;
            }
        }
    }
    assert!(walked > 500, "{walked}");
    shop.client.get("/readyz").ok();
}

#[test]
fn every_path_tells_its_methods_and_refuses_others() {
    let server = TestServer::start();
    let calls = Call::all(&server.client());
    for call in &calls {
        let path = call.filled(|_| uuid::Uuid::new_v4().to_string());
        let of_path = calls.iter().filter(|other| other.path == call.path).map(|other| &other.method);
        let mut allowed: Vec<String> = of_path.map(ToString::to_string).collect();
        if allowed.iter().any(|method| method == "GET") {
            allowed.push("HEAD".to_owned());
        }
        allowed.push("OPTIONS".to_owned());
        // A literal segment of one path may stand where another has a parameter.
        let ask = |method: &str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            Answer::of(&path, http().request(method, format!("{}{path}", server.url)))
        };
        let told = ask("OPTIONS");
        assert_eq!(told.status.as_u16(), 204, "{path}");
        let told = header(&told.headers, "allow").to_owned();
        let told: Vec<&str> = told.split(", ").collect();
        assert!(allowed.iter().all(|method| told.contains(&method.as_str())), "{path}: {told:?} {allowed:?}");
        for method in ["PUT", "TRACE", "BREW", "DELETE", "PATCH", "POST", "GET"] {
            if told.contains(&method) {
                continue;
            }
            let refused = ask(method);
            let detail = refusal(&path, &refused, &[405]);
            assert!(detail.starts_with(&format!("{path} has no method {method}, only ")), "{detail}");
            assert_eq!(header(&refused.headers, "allow"), told.join(", "), "{path}");
        }
        // With and without a slash at its end are two paths, and there is no redirect.
        let slashed = Answer::of("slash", http().get(format!("{}{path}/", server.url)));
        assert_eq!(slashed.status.as_u16(), 404, "{path}/");
    }
}

#[test]
fn a_page_of_an_allowed_origin_can_call_everything() {
    const HERE: &str = "https://app.example.org";
    let server = TestServer::with(|config| config.server.cors_origins = vec![HERE.to_owned()]);
    for call in Call::all(&server.client()) {
        let path = call.filled(|_| uuid::Uuid::new_v4().to_string());
        for (origin, expected) in [(HERE, HERE), ("https://evil.example", "")] {
            let ask = |method: Method| http().request(method, format!("{}{path}", server.url));
            let asked = ask(Method::OPTIONS).header("Access-Control-Request-Method", call.method.as_str());
            let asked = Answer::of(&path, asked.header("Origin", origin)).expect(204);
            assert_eq!(header(&asked.headers, "access-control-allow-origin"), expected, "{path}");
            // Why it was refused can be read, too.
            let called = Answer::of(&path, ask(call.method.clone()).header("Origin", origin));
            assert!(called.status.as_u16() < 500, "{path}: {}", called.text());
            assert_eq!(header(&called.headers, "access-control-allow-origin"), expected, "{path}");
            if expected == HERE {
                let methods = header(&asked.headers, "access-control-allow-methods").to_owned();
                assert!(methods.contains(call.method.as_str()), "{path}: {methods}");
            }
        }
    }
}
