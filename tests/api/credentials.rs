//! Who may ask, and what a request gets when it is not right.

use serde_json::json;

use smartconnector::clock::Clock;

use crate::support::{Answer, Client, TestServer, http};

#[test]
fn a_key_alone_is_enough_and_the_other_headers_must_agree() {
    let server = TestServer::start();
    let path = "/api/team/typeahead";
    let url = format!("{}{path}", server.url);
    let get = || http().get(&url);
    Answer::of("key", get().header("x-api-key", &server.key)).expect(200);
    Answer::of("bearer", get().header("Authorization", format!("Bearer {}", server.key))).expect(200);
    server.client().get(path).expect(200);

    Answer::of("nothing", get()).refused(401, "missing_credentials");
    Answer::of("unknown", get().header("x-api-key", "sck_unknown")).refused(401, "invalid_credentials");
    let other = uuid::Uuid::new_v4().to_string();
    Client { business_id: other.clone(), ..server.client() }.get(path).refused(401, "wrong_workspace");
    Client { user_id: other, ..server.client() }.get(path).refused(401, "invalid_credentials");
}

#[test]
fn a_revoked_key_stops_at_once() {
    let server = TestServer::start();
    let admin = server.client();
    let viewer = server.client_as("viewer", None);
    viewer.get("/api/team/typeahead").expect(200);
    viewer.get("/api/api-keys").refused(403, "permission_required");
    let keys = admin.get("/api/api-keys").ok();
    let id = keys["results"].as_array().unwrap().iter().find(|key| key["role"] == "viewer").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(keys["results"][0].get("secret").is_none());
    admin.delete(&format!("/api/api-keys/{id}")).expect(204);
    viewer.get("/api/team/typeahead").refused(401, "invalid_credentials");
    admin.delete(&format!("/api/api-keys/{id}")).refused(404, "not_found");
}

#[test]
fn a_session_changes_things_from_the_own_page_only() {
    let server = TestServer::start();
    let sign_in = || http().post(format!("{}/api/session", server.url)).json(&json!({"api_key": server.key}));
    let answer = Answer::of("sign in", sign_in()).expect(200);
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();

    let keys = format!("{}/api/api-keys", server.url);
    let make = || http().post(&keys).header("Cookie", &cookie).json(&json!({"name": "x", "role": "viewer"}));
    Answer::of("read", http().get(&keys).header("Cookie", &cookie)).expect(200);
    Answer::of("no origin", make()).refused(403, "permission_required");
    Answer::of("foreign", make().header("Origin", "http://evil.example")).refused(403, "permission_required");
    Answer::of("own", make().header("Origin", &server.url)).expect(201);

    let out = http().delete(format!("{}/api/session", server.url));
    Answer::of("out", out.header("Cookie", &cookie).header("Origin", &server.url)).expect(204);
    Answer::of("over", http().get(&keys).header("Cookie", &cookie)).refused(401, "invalid_credentials");
}

#[test]
fn odd_requests_get_json_refusals() {
    let server = TestServer::start();
    let client = server.client();
    let detail = client.get("/api/nothing").refused(404, "not_found");
    assert_eq!(detail, "No such path: GET /api/nothing");
    let detail = client.get("/api/team/typeahead?serach=x").refused(400, "invalid");
    assert!(detail.contains("serach"), "{detail}");
    client.get("/api/team/typeahead?page_size=1001").refused(400, "invalid");
    let detail = client.post("/api/api-keys", &json!({"role": "viewer"})).refused(400, "required");
    assert_eq!(detail, "name: This field is required.");
    let rebinding = http().get(format!("{}/api/api-keys", server.url)).header("Host", "evil.example");
    Answer::of("rebinding", rebinding).refused(400, "invalid");
    let traced = client.request(reqwest::Method::GET, "/api/api-keys").header("X-Request-ID", "abc-1");
    assert_eq!(Answer::of("traced", traced).headers["x-request-id"], "abc-1");
}

#[test]
fn addresses_in_answers_are_those_of_the_checked_host() {
    let server = TestServer::start();
    let url = format!(
        "{}/api/s3/presigned-post?contenttype=text/csv&filename=a.csv&source=smart_connector_import",
        server.url
    );
    for (name, value) in [("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example")] {
        let ask = http().get(&url).header("x-api-key", &server.key).header(name, value);
        let answer = Answer::of(name, ask).ok();
        assert!(answer["url"].as_str().unwrap().starts_with(&server.url), "{answer}");
    }
}

#[test]
fn a_list_is_no_object() {
    let server = TestServer::start();
    let client = server.client();
    client.post("/api/custom-objects", &json!(["A", "B"])).refused(400, "invalid");
}

/// Nothing else is written for each request.
#[test]
fn the_last_use_of_a_key_is_written_once_a_minute() {
    let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let clock = Clock::fixed(start);
    let server = TestServer::at(clock.clone(), |_| {});
    let viewer = server.client_as("viewer", None);
    let id =
        crate::support::journey::row(&server.client().get("/api/api-keys").ok()["results"], "role", "viewer")
            ["id"]
            .clone();
    let used = || {
        viewer.get("/api/smart-connectors").ok();
        let conn = rusqlite::Connection::open(server.dir.path().join("control.db")).unwrap();
        let sql = "SELECT last_used_at FROM api_key WHERE id = ?";
        conn.query_row(sql, [id.as_str().unwrap()], |row| row.get::<_, i64>(0)).unwrap() / 1000
            - start.timestamp()
    };
    for (now, expected) in [(0, 0), (1, 0), (60, 0), (61, 61), (121, 61), (122, 122)] {
        clock.set(start + chrono::TimeDelta::seconds(now));
        assert_eq!(used(), expected, "after {now} s");
    }
}
