//! The page's static files.

use reqwest::Method;

use crate::support::{Answer, TestServer};

fn ask(server: &TestServer, method: Method, path: &str, known: Option<&str>) -> Answer {
    let request = crate::support::http().request(method, format!("{}{path}", server.url));
    Answer::of(path, known.into_iter().fold(request, |request, tag| request.header("If-None-Match", tag)))
}

#[test]
fn the_page_is_served_to_everybody_under_a_strict_policy() {
    let server = TestServer::start();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let answer = ask(&server, Method::GET, path, None).expect(200);
        assert_eq!(answer.headers["content-type"], kind, "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["cache-control"], "no-cache");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!answer.bytes.is_empty(), "{path}");
    }
}

#[test]
fn a_browser_that_has_a_file_is_told_that_it_is_the_same() {
    let server = TestServer::start();
    let etag = ask(&server, Method::GET, "/style.css", None).expect(200).headers["etag"].clone();
    let etag = etag.to_str().unwrap();
    for known in [etag.to_owned(), format!("\"other\", {etag}"), etag.trim_start_matches("W/").to_owned()] {
        let answer = ask(&server, Method::GET, "/style.css", Some(&known)).expect(304);
        assert_eq!((answer.headers["etag"].to_str().unwrap(), answer.bytes.len()), (etag, 0));
    }
    ask(&server, Method::GET, "/style.css", Some("\"other\"")).expect(200);
    ask(&server, Method::GET, "/app.js", Some(etag)).expect(200);
}

#[test]
fn the_page_answers_heads_and_nothing_else() {
    let server = TestServer::start();
    let head = ask(&server, Method::HEAD, "/", None).expect(200);
    assert_eq!(head.headers["content-type"], "text/html; charset=utf-8");
    assert!(head.bytes.is_empty());
    let post = ask(&server, Method::POST, "/", None).expect(405);
    assert_eq!(post.headers["allow"], "GET, HEAD, OPTIONS");
    ask(&server, Method::GET, "/index.html", None).refused(404, "not_found");
    ask(&server, Method::GET, "/../Cargo.toml", None).refused(404, "not_found");
    ask(&server, Method::GET, "/%2e%2e/Cargo.toml", None).refused(404, "not_found");
}
