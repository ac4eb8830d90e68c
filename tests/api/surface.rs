//! What holds for every path: methods, headers, bodies, limits.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Answer, TestServer, http};

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Sends a request as it stands and answers what comes back until the server closes.
fn raw(server: &TestServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    // A server that refuses does not read to the end.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    // A server that has said all it will may reset what is still on its way.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_path_tells_which_methods_it_has() {
    let server = TestServer::start();
    let ask = |method: &str, path: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Answer::of(path, http().request(method, format!("{}{path}", server.url)))
    };
    let connector = "/api/smart-connectors/7b0f3c0e-0000-4000-8000-000000000000";
    for (method, path, allow) in [
        ("PUT", "/api/smart-connectors", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/api/smart-connectors", "GET, HEAD, OPTIONS, POST"),
        ("TRACE", "/api/smart-connectors", "GET, HEAD, OPTIONS, POST"),
        ("BREW", connector, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("GET", &format!("{connector}/upload"), "OPTIONS, POST"),
        ("HEAD", &format!("{connector}/upload"), "OPTIONS, POST"),
        ("GET", "/api/session", "DELETE, OPTIONS, POST"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("POST", "/api/docs/schema", "GET, HEAD, OPTIONS"),
        ("DELETE", "/", "GET, HEAD, OPTIONS"),
        // What is spelt out is no id: the methods of a path with one are not its own.
        ("PATCH", "/api/team/typeahead", "GET, HEAD, OPTIONS"),
        ("DELETE", "/api/smart-connectors/metadata", "GET, HEAD, OPTIONS"),
        ("GET", "/api/smart-connectors/import", "OPTIONS, POST"),
        ("PATCH", "/api/records/orders/export", "GET, HEAD, OPTIONS"),
        ("GET", "/api/records/orders/search", "OPTIONS, POST"),
        ("PATCH", &format!("{connector}/sql-scripts/history"), "GET, HEAD, OPTIONS"),
    ] {
        let refused = ask(method, path).expect(405);
        assert_eq!(header(&refused, "allow"), allow, "{method} {path}");
        if method != "HEAD" {
            let detail = refused.refused(405, "method_not_allowed");
            assert_eq!(detail, format!("{path} has no method {method}, only {allow}."));
        }
        let told = ask("OPTIONS", path).expect(204);
        assert_eq!((header(&told, "allow"), told.bytes.len()), (allow, 0), "{path}");
    }
    for method in ["GET", "POST", "OPTIONS", "BREW"] {
        let detail = ask(method, "/api/nothing").refused(404, "not_found");
        assert_eq!(detail, format!("No such path: {method} /api/nothing"));
    }
    ask("GET", "/api/smart-connectors/").refused(404, "not_found");
}

#[test]
fn what_answers_get_answers_head() {
    let server = TestServer::start();
    let client = server.client();
    let paths = client.get("/api/docs/schema").ok()["paths"].clone();
    let listed = paths.as_object().unwrap().iter().filter(|(path, item)| {
        // A backup is made anew each time, a stream is never at its end.
        item.get("get").is_some() && !path.contains('{') && *path != "/api/backup" && *path != "/metrics"
    });
    let listed =
        listed.map(|(path, _)| path.as_str()).chain(["/", "/api/docs/schema", "/api/files/x/download"]);
    let mut seen = 0;
    for path in listed {
        let get = Answer::of(path, client.request(Method::GET, path));
        let head = Answer::of(path, client.request(Method::HEAD, path));
        assert_eq!((head.status, head.bytes.len()), (get.status, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
        }
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn answers_stay_out_of_caches_and_frames() {
    let server = TestServer::start();
    let client = server.client();
    for (path, status, cache, policy) in [
        ("/api/smart-connectors", 200, "no-store", "default-src 'none'; frame-ancestors 'none'"),
        ("/api/nothing", 404, "no-store", "default-src 'none'; frame-ancestors 'none'"),
        ("/healthz", 200, "no-store", "default-src 'none'; frame-ancestors 'none'"),
        ("/", 200, "no-cache", "default-src 'self'"),
    ] {
        let answer = client.get(path).expect(status);
        assert_eq!(header(&answer, "cache-control"), cache, "{path}");
        assert!(header(&answer, "content-security-policy").starts_with(policy), "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&answer, "x-frame-options"), "DENY", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{path}");
    }
    let plain = client.get("/api/smart-connectors/metadata").expect(200);
    let request = client.request(Method::GET, "/api/smart-connectors/metadata");
    let packed = Answer::of("gzip", request.header("Accept-Encoding", "gzip")).expect(200);
    assert_eq!((header(&plain, "content-encoding"), header(&packed, "content-encoding")), ("", "gzip"));
    assert_eq!(packed.bytes[..2], [0x1f, 0x8b]);
    assert!(packed.bytes.len() * 2 < plain.bytes.len());
    assert!(header(&packed, "vary").to_ascii_lowercase().contains("accept-encoding"));
}

#[test]
fn pages_of_other_origins_call_only_where_the_configuration_says_so() {
    const HERE: &str = "https://app.example.org";
    let call = |server: &TestServer, method: Method, origin: &str| {
        let request = server.client().request(method, "/api/custom-objects").header("Origin", origin);
        Answer::of("cors", request.header("Access-Control-Request-Method", "POST"))
    };
    let server = TestServer::start();
    for method in [Method::GET, Method::OPTIONS] {
        let answer = call(&server, method, HERE);
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{answer:?}");
        assert!(!header(&answer, "vary").contains("origin"));
    }

    let server = TestServer::with(|config| config.server.cors_origins = vec![HERE.to_owned()]);
    let asked = call(&server, Method::OPTIONS, HERE).expect(204);
    assert_eq!(header(&asked, "access-control-allow-origin"), HERE);
    assert_eq!(header(&asked, "access-control-allow-methods"), "GET, HEAD, OPTIONS, POST");
    for name in ["x-api-key", "content-type", "idempotency-key", "authorization"] {
        assert!(header(&asked, "access-control-allow-headers").contains(name), "{name}");
    }
    let answer = call(&server, Method::GET, HERE).expect(200);
    assert_eq!(header(&answer, "access-control-allow-origin"), HERE);
    assert!(header(&answer, "access-control-expose-headers").contains("x-request-id"));
    assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    assert!(header(&answer, "vary").contains("origin"));
    // A page has to be able to read why it was refused.
    let url = format!("{}/api/custom-objects", server.url);
    let refused = Answer::of("no key", http().get(url).header("Origin", HERE)).expect(401);
    assert_eq!(header(&refused, "access-control-allow-origin"), HERE);
    for other in ["https://app.example.org.evil.example", "http://app.example.org", "null"] {
        for method in [Method::GET, Method::OPTIONS] {
            let answer = call(&server, method, other);
            assert_eq!(header(&answer, "access-control-allow-origin"), "", "{other}");
            assert!(header(&answer, "vary").contains("origin"));
        }
    }
    let server = TestServer::with(|config| config.server.cors_origins = vec!["*".to_owned()]);
    let answer = call(&server, Method::GET, "https://any.example").expect(200);
    assert_eq!(header(&answer, "access-control-allow-origin"), "https://any.example");
}

#[test]
fn a_body_means_one_thing_or_is_refused() {
    let server = TestServer::start();
    let client = server.client();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    let lists = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let send = |body: &[u8]| {
        let request =
            client.request(Method::POST, "/api/custom-objects").header("Content-Type", "application/json");
        Answer::of(&String::from_utf8_lossy(body)[..body.len().min(80)], request.body(body.to_vec()))
    };
    let cases: [(&[u8], &str); 16] = [
        (
            br#"{"object_name": "a", "object_name": "b"}"#,
            "object_name: This name stands twice in its object.",
        ),
        (br#"{"object_name": "a\u0000"}"#, "object_name: Null characters are not allowed."),
        (br#"{"object_name": "\ud800"}"#, "The body is not valid JSON: "),
        (br#"{"object_name": "\udc00\ud800"}"#, "The body is not valid JSON: "),
        (b"{\"object_name\": \"\xff\"}", "The body is not valid JSON: "),
        (b"{\"object_name\": \"a\nb\"}", "The body is not valid JSON: "),
        (br#"{"object_name": 7}"#, "object_name: invalid type: integer `7`, expected a string"),
        (br#"{"object_name": null}"#, "object_name: invalid type: null, expected a string"),
        (br#"{"object_nam": "a"}"#, "object_nam: unknown field `object_nam`"),
        (br#"{"object_name": 1e999}"#, "The body is not valid JSON: "),
        (br#"["a"]"#, "The body is a list, expected an object."),
        (b"7", "invalid type: integer `7`"),
        (b"{\"object_name\"", "The body is not valid JSON: "),
        (br#"{"object_name": "a", "entity_name": "b"} {}"#, "The body is not one JSON document: "),
        (deep.as_bytes(), "The body is nested deeper than 127 levels."),
        (lists.as_bytes(), "The body is nested deeper than 127 levels."),
    ];
    for (body, expected) in cases {
        let body_shown = String::from_utf8_lossy(body)[..body.len().min(80)].to_owned();
        let answer = send(body).expect(400);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(expected), "{body_shown}: {detail}");
    }
    assert_eq!(client.get("/api/custom-objects").ok()["count"], 0);
}

#[test]
fn numbers_and_ids_that_are_none_are_named() {
    let server = TestServer::start();
    let client = server.client();
    for list in ["/api/smart-connectors", "/api/executions", "/api/custom-objects", "/api/files"] {
        for (query, name) in [
            ("page=0", "page"),
            ("page=-1", "page"),
            ("page=x", "page"),
            ("page=99999999999999999999", "page"),
            ("page_size=0", "page_size"),
            ("page_size=1001", "page_size"),
            ("page_size=4294967296", "page_size"),
            ("no_such_parameter=1", "no_such_parameter"),
        ] {
            let detail = client.get(&format!("{list}?{query}")).refused(400, "invalid");
            assert!(detail.starts_with(&format!("{name}: ")), "{list}?{query}: {detail}");
        }
        let far = client.get(&format!("{list}?page=4294967295&page_size=1000")).ok();
        assert_eq!((&far["results"], &far["next"]), (&json!([]), &json!(null)), "{list}");
        for odd in ["search=%00", "search=%ff%fe", "search=%25_%5c%27%22", "search=%F0%9F%A6%80"] {
            let status = client.get(&format!("{list}?{odd}")).status;
            assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{list}?{odd}: {status}");
        }
    }
    let long = "x".repeat(10_000);
    for id in ["no-uuid", "7b0f3c0e-0000-4000-8000-00000000000", "%00", "%2e%2e%2f", "%ff", &long] {
        for path in
            ["/api/files/{}", "/api/files/{}/download", "/api/smart-connectors/{}", "/api/custom-objects/{}"]
        {
            let answer = client.get(&path.replace("{}", id));
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path} {id}: {}", answer.text());
        }
    }
    client.get("/api/executions?ids=no-uuid").refused(400, "invalid");
}

#[test]
fn a_body_that_is_too_large_or_does_not_come_is_refused() {
    let server = TestServer::with(|config| {
        config.server.max_json_mb = 1;
        config.server.idle_timeout_s = 1;
    });
    let client = server.client();
    let long = json!({"name": "x".repeat(1024 * 1024)});
    let detail = client.post("/api/custom-objects", &long).refused(413, "too_large");
    assert_eq!(detail, "The body is larger than 1 MB (server.max_json_mb).");
    let head = |rest: &str| {
        let key = &server.key;
        format!(
            "POST /api/custom-objects HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {key}\r\nConnection: close\r\n{rest}"
        )
    };
    // Without any of its bytes.
    let answer = raw(&server, &head("Content-Length: 99999999999\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("server.max_json_mb"), "{answer}");
    // One that does not say how long it is.
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 19, "x".repeat(1 << 19));
    let answer = raw(&server, &(head("Transfer-Encoding: chunked\r\n\r\n") + &chunk.repeat(3)));
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = raw(&server, &head("Content-Length: 10\r\n\r\n{\"a\""));
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("No byte came for 1 s (server.idle_timeout_s)."), "{answer}");
    let form = "POST /api/s3/success?source=smart_connector_import HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n";
    let answer = raw(&server, &format!("{form}X-API-KEY: {}\r\nConnection: close\r\n\r\nuuid", server.key));
    assert!(answer.contains("server.idle_timeout_s"), "{answer}");
}

#[test]
fn odd_requests_are_answered_and_the_server_goes_on() {
    let server = TestServer::start();
    let many = (0..200).map(|n| format!("X-H-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let long = format!("X-Long: {}\r\n", "x".repeat(200_000));
    let start = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
    for (request, statuses) in [
        (format!("{start}{many}\r\n"), &["431", "400"][..]),
        (format!("{start}{long}\r\n"), &["431", "400"]),
        (format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(200_000)), &["414", "431", "400"]),
        ("NONSENSE\r\n\r\n".to_owned(), &["400"]),
        (format!("{start}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), &["400"]),
        (format!("{start}Content-Length: -1\r\n\r\n"), &["400"]),
        ("GET /api/files HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_owned(), &["400"]),
    ] {
        let answer = raw(&server, &request);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(statuses.contains(&status), "{}: {answer}", &request[..request.len().min(100)]);
    }
    server.client().get("/healthz").ok();
}

#[test]
fn an_address_has_so_many_tries_to_sign_in() {
    let sign_in = |server: &TestServer, key: &str, from: &str| {
        let request = http().post(format!("{}/api/session", server.url)).header("X-Forwarded-For", from);
        Answer::of("sign in", request.json(&json!({"api_key": key})))
    };
    let server = TestServer::with(|config| config.server.login_tries_per_minute = 2);
    // What anybody can claim does not make another address.
    sign_in(&server, "wrong", "192.0.2.1").refused(401, "invalid_credentials");
    sign_in(&server, "wrong", "192.0.2.2").refused(401, "invalid_credentials");
    let refused = sign_in(&server, &server.key, "192.0.2.3");
    assert!(refused.headers.contains_key("retry-after"));
    let detail = refused.refused(429, "too_many_requests");
    assert!(detail.contains("server.login_tries_per_minute"), "{detail}");
    // Whoever is in stays in.
    server.client().get("/api/custom-objects").ok();

    let server = TestServer::with(|config| {
        config.server.login_tries_per_minute = 1;
        config.server.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    });
    sign_in(&server, "wrong", "192.0.2.1").refused(401, "invalid_credentials");
    sign_in(&server, "wrong", "203.0.113.7, 192.0.2.1").refused(429, "too_many_requests");
    sign_in(&server, &server.key, "192.0.2.2").ok();
}
