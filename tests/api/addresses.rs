//! What the server is called: in its answers, by those who ask, and by the page that changes things.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, TestServer, http};

const FORM: &str = "/api/s3/presigned-post?contenttype=text/csv&filename=a.csv&source=smart_connector_import";

#[test]
fn a_public_url_stands_in_every_address_whatever_host_was_asked() {
    let server = TestServer::with(|config| config.server.public_url = "https://in.example.org/".to_owned());
    let client = server.client();
    let asked = client.request(Method::GET, FORM).header("Host", "other.example.org");
    let form = Answer::of("form", asked).ok();
    assert_eq!(form["url"], "https://in.example.org/api/s3/upload");
    for name in ["one", "two"] {
        client.post("/api/custom-objects", &json!({"object_name": name, "entity_name": name})).created();
    }
    let next = client.get("/api/custom-objects?page_size=1&search=o").ok()["next"].clone();
    assert_eq!(next, "https://in.example.org/api/custom-objects?page_size=1&search=o&page=2");
}

#[test]
fn further_hosts_are_those_of_the_configuration() {
    let server = TestServer::with(|config| config.server.allowed_hosts = vec!["In.Example.Org".to_owned()]);
    let client = server.client();
    let ask = |host: &str| Answer::of(host, client.request(Method::GET, FORM).header("Host", host));
    assert_eq!(ask("in.example.org:8080").ok()["url"], "http://in.example.org:8080/api/s3/upload");
    ask("out.example.org").refused(400, "invalid");
}

/// Whether a session may change something when its page says that it is of this origin.
fn may_change(server: &TestServer, origin: &str, more: &[(&str, &str)]) -> bool {
    let sign_in = http().post(format!("{}/api/session", server.url)).json(&json!({"api_key": server.key}));
    let answer = Answer::of("sign in", sign_in).expect(200);
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut make = http()
        .post(format!("{}/api/api-keys", server.url))
        .header("Cookie", cookie)
        .header("Origin", origin)
        .json(&json!({"name": "x", "role": "viewer"}));
    for (name, value) in more {
        make = make.header(*name, *value);
    }
    let answer = Answer::of(origin, make);
    if answer.status.as_u16() == 201 {
        true
    } else {
        answer.refused(403, "permission_required");
        false
    }
}

#[test]
fn the_own_page_is_of_the_same_scheme_and_host() {
    let server = TestServer::start();
    let host = server.url.strip_prefix("http://").unwrap();
    assert!(may_change(&server, &server.url, &[]));
    assert!(!may_change(&server, &format!("https://{host}"), &[]));
    assert!(!may_change(&server, "http://localhost:1", &[]));
    assert!(!may_change(&server, "null", &[]));
    // Anybody can send this.
    let told = [("X-Forwarded-Proto", "https")];
    assert!(!may_change(&server, &format!("https://{host}"), &told));

    let behind = TestServer::with(|config| config.server.trusted_proxies = vec!["127.0.0.1".to_owned()]);
    let host = behind.url.strip_prefix("http://").unwrap();
    assert!(may_change(&behind, &format!("https://{host}"), &told));
    assert!(!may_change(&behind, &behind.url, &told));

    let public =
        TestServer::with(|config| config.server.public_url = "https://in.example.org:443/app/".to_owned());
    assert!(may_change(&public, "https://in.example.org", &[]));
    for other in ["http://in.example.org", "https://in.example.org:444", public.url.as_str()] {
        assert!(!may_change(&public, other, &[]), "{other}");
    }
}

/// Behind a proxy that ends TLS the browser speaks https: its cookie goes over nothing else, and links lead there.
#[test]
fn the_scheme_that_a_trusted_proxy_tells_is_that_of_cookies_and_links() {
    let start = |trusted: &[&str]| {
        let trusted = trusted.iter().map(|&address| address.to_owned()).collect();
        TestServer::with(|config| config.server.trusted_proxies = trusted)
    };
    let told = |server: &TestServer, scheme: Option<&str>| {
        let with = |request: reqwest::blocking::RequestBuilder| match scheme {
            Some(scheme) => request.header("X-Forwarded-Proto", scheme),
            None => request,
        };
        let sign_in =
            http().post(format!("{}/api/session", server.url)).json(&json!({"api_key": server.key}));
        let answer = Answer::of("sign in", with(sign_in)).expect(200);
        let is_secure = answer.headers["set-cookie"].to_str().unwrap().contains("Secure");
        let form = Answer::of("form", with(server.client().request(Method::GET, FORM))).ok();
        (is_secure, form["url"].as_str().unwrap().split(':').next().unwrap().to_owned())
    };
    let (behind, alone) = (start(&["127.0.0.1"]), start(&["192.0.2.1"]));
    for (server, scheme, is_secure, link) in [
        (&behind, Some("https"), true, "https"),
        (&behind, Some("http"), false, "http"),
        (&behind, None, false, "http"),
        (&alone, Some("https"), false, "http"),
    ] {
        assert_eq!(told(server, scheme), (is_secure, link.to_owned()), "{scheme:?}");
    }
}
