//! Files: sent in three legs, and what is refused on the way.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, TimeZone as _, Utc};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value as Json, json};
use smartconnector::{
    auth::{Member, Role},
    clock::Clock,
    id::MemberId,
    store,
};

use crate::{
    setup,
    support::{Answer, Client, TestServer, http, until},
};

const MB: usize = 1024 * 1024;

/// Bytes that don't repeat with a chunk.
pub fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(((at * 7) ^ (at >> 11)) % 256).unwrap()).collect()
}

/// A header's text; empty when it is not there.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// How many rows a table of `files.db` has.
pub fn count(server: &TestServer, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    server.app.store.files.read(|conn| Ok(conn.query_row(&sql, [], |row| row.get(0))?)).unwrap()
}

/// Waits until nothing of any upload is left: removing it is not part of any answer.
fn wait_until_empty(server: &TestServer) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(server, "content") + count(server, "chunk") + count(server, "file") > 0 {
        assert!(Instant::now() < deadline, "something of an upload stayed");
        std::thread::yield_now();
    }
}

/// A key of another member.
pub fn other_member(server: &TestServer, role: &str) -> Client {
    let member = Member {
        id: MemberId::new(),
        email: format!("{}@example.org", MemberId::new()),
        first_name: "Other".to_owned(),
        last_name: String::new(),
        role: Role::Admin,
        created: server.app.clock.now(),
        deleted: None,
    };
    server.app.store.control.write(|tx| store::member::insert(tx, &member)).unwrap();
    let body = json!({"name": "other", "role": role, "member_id": member.id.to_string()});
    let key = server.client().post("/api/api-keys", &body).created()["secret"].as_str().unwrap().to_owned();
    Client { key, user_id: member.id.to_string(), ..server.client() }
}

#[test]
fn three_legs_and_back() {
    let server = TestServer::start();
    let client = server.client();
    for (size, name) in [(0, "empty.csv"), (10, "orders.csv"), (17 * MB + 5, "large.csv")] {
        let sent = bytes(size);
        let form = client.ask_for_form(name);
        let id = form["s3object_id"].as_str().unwrap();
        assert_eq!(form["fields"]["key"], format!("{}/smart_connector_import/{id}.csv", server.business_id));
        assert!(form["url"].as_str().unwrap().starts_with(&server.url), "{form}");
        assert_eq!(form["max_file_size"], 500 * MB);

        let stored = client.fill_form(&form, name, &sent).expect(204);
        assert_eq!(stored.bytes, b"");
        let etag = header(&stored.headers, "etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        client.get(&format!("/api/files/{id}")).refused(404, "not_found");

        let file = client.say_sent(&form, name, etag.trim_matches('"')).created();
        assert_eq!(
            (&file["id"], &file["name"], &file["size_bytes"]),
            (&json!(id), &json!(name), &json!(size))
        );
        assert_eq!(format!("\"{}\"", file["sha256"].as_str().unwrap()), etag);
        assert_eq!(file["content_type"], "text/csv");
        assert_eq!(file["url"], format!("{}/api/files/{id}/download", server.url));
        assert_eq!(client.say_sent(&form, name, etag.trim_matches('"')).created(), file, "said again");
        assert_eq!(client.get(&format!("/api/files/{id}")).ok(), file);

        let got = client.download(file["url"].as_str().unwrap()).expect(200);
        assert!(got.bytes == sent, "{name}");
        assert_eq!(header(&got.headers, "content-length"), size.to_string());
        assert_eq!(header(&got.headers, "content-type"), "text/csv");
        assert_eq!(header(&got.headers, "etag"), etag);
        assert_eq!(header(&got.headers, "content-disposition"), format!("attachment; filename=\"{name}\""));
    }
    let list = client.get("/api/files?search=R&page_size=1").ok();
    assert_eq!((&list["count"], &list["results"][0]["name"]), (&json!(2), &json!("large.csv")));
    let next = client.get(list["next"].as_str().unwrap().strip_prefix(&server.url).unwrap()).ok();
    assert_eq!(next["results"][0]["name"], "orders.csv");
}

#[test]
fn a_form_is_given_out_for_known_sources_and_sane_names() {
    let server = TestServer::start();
    let client = server.client();
    let path = |query: &str| format!("/api/s3/presigned-post?{query}");
    let detail =
        client.get(&path("contenttype=a/b&filename=x.csv&source=public_image")).refused(400, "invalid");
    assert!(detail.contains("smart_connector_import"), "{detail}");
    client.get(&path("filename=x.csv")).refused(400, "required");
    client.get(&path("source=record_import")).refused(400, "required");
    client.get(&path("source=record_import&filename=%20")).refused(400, "required");
    let long = "x".repeat(256);
    client.get(&path(&format!("source=record_import&filename={long}"))).refused(400, "invalid");
    let form = client.get(&path("source=record_import&filename=x")).ok();
    let key = form["fields"]["key"].as_str().unwrap();
    assert!(key.contains("/record_import/"), "{key}");
    assert_eq!(key.rsplit_once('.').unwrap().1, "bin");
    server
        .client_as("viewer", None)
        .get(&path("source=record_import&filename=x"))
        .refused(403, "permission_required");
}

#[test]
fn only_a_form_that_we_signed_is_taken() {
    let server = TestServer::start();
    let client = server.client();
    let (good, other) = (client.ask_for_form("x.csv"), client.ask_for_form("x.csv"));
    for field in ["key", "policy", "signature"] {
        let mut form = good.clone();
        form["fields"][field] = other["fields"][field].clone();
        client.fill_form(&form, "x.csv", b"x").refused(403, "permission_required");
        form["fields"].as_object_mut().unwrap().remove(field);
        client.fill_form(&form, "x.csv", b"x").refused(403, "permission_required");
    }
    let mut form = good.clone();
    form["fields"]["acl"] = json!("public");
    let detail = client.fill_form(&form, "x.csv", b"x").refused(400, "invalid");
    assert!(detail.starts_with("acl:"), "{detail}");
    let stranger = TestServer::start();
    let mut form = stranger.client().ask_for_form("x.csv");
    form["url"] = good["url"].clone();
    client.fill_form(&form, "x.csv", b"x").refused(403, "permission_required");
    assert_eq!(count(&server, "content"), 0);
}

#[test]
fn a_form_expires_and_what_nobody_registered_goes() {
    let start = Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    let clock = Clock::fixed(start);
    let server = TestServer::at(clock.clone(), |config| config.files.form_valid_s = 600);
    let client = server.client();
    let form = client.ask_for_form("x.csv");
    clock.set(start + TimeDelta::seconds(599));
    client.fill_form(&form, "x.csv", b"x").expect(204);
    clock.set(start + TimeDelta::seconds(600));
    client.fill_form(&form, "x.csv", b"x").refused(403, "permission_required");
    assert_eq!(count(&server, "file"), 1);
    let kept = client.send_file("kept.csv", b"kept");
    clock.set(start + TimeDelta::days(2));
    client.ask_for_form("y.csv");
    assert_eq!(count(&server, "file"), 1);
    client.get(&format!("/api/files/{}", kept["id"].as_str().unwrap())).expect(200);
}

#[test]
fn what_the_sender_says_must_be_true_of_the_file() {
    let server = TestServer::start();
    let client = server.client();
    let form = client.ask_for_form("x.csv");
    client.say_sent(&form, "x.csv", "0").refused(400, "does_not_exist");
    let stored = client.fill_form(&form, "x.csv", b"x").expect(204);
    let etag = header(&stored.headers, "etag").trim_matches('"').to_owned();
    client.say_sent(&form, "x.csv", "0").refused(400, "invalid");
    // What is wrong is named as its sender names it.
    for (name, code) in [(" ".to_owned(), "required"), ("é".repeat(256), "invalid")] {
        let refusal = client.say_sent(&form, &name, &etag).expect(400).json();
        assert_eq!(refusal["errors"]["name"][0]["code"], code, "{refusal}");
        assert!(refusal["detail"].as_str().unwrap().starts_with("name: "), "{refusal}");
    }
    let mut odd = form.clone();
    odd["fields"]["key"] = json!("x.csv");
    client.say_sent(&odd, "x.csv", &etag).refused(400, "invalid");
    other_member(&server, "admin").say_sent(&form, "x.csv", &etag).refused(400, "does_not_exist");
    let id = form["s3object_id"].as_str().unwrap();
    let words = [("uuid", id), ("name", "x.csv"), ("etag", &etag)];
    let post = |path| client.request(Method::POST, path).form(&words);
    let detail =
        Answer::of("no key", post("/api/s3/success?source=smart_connector_import")).refused(400, "required");
    assert!(detail.starts_with("key:"), "{detail}");
    Answer::of("no source", post("/api/s3/success")).refused(400, "required");

    client.fill_form(&form, "x.csv", b"other").refused(409, "conflict");
    client.fill_form(&form, "x.csv", b"x").expect(204);
    let file = client.say_sent(&form, "renamed.csv", &format!("\"{etag}\"")).created();
    assert_eq!(file["name"], "renamed.csv");
    client.say_sent(&form, "x.csv", &etag).refused(400, "invalid");
}

#[test]
fn a_file_over_the_limit_is_refused_early_and_while_it_comes() {
    let server = TestServer::with(|config| config.files.max_upload_mb = 1);
    let client = server.client();
    let form = client.ask_for_form("x.csv");
    assert_eq!(form["max_file_size"], MB);
    // Beyond the limit and what a form may add to it, so its length tells; then one byte too many.
    for size in [3 * MB, MB + 1] {
        let detail = client.fill_form(&form, "x.csv", &bytes(size)).refused(413, "too_large");
        assert!(detail.contains("1 MB (files.max_upload_mb)"), "{detail}");
        wait_until_empty(&server);
    }
    client.fill_form(&form, "x.csv", &bytes(MB)).expect(204);
}

/// A form's body up to its file, of which `more` bytes are promised with all that follows it.
fn begin_form(server: &TestServer, form: &Json, more: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    let mut body = Vec::new();
    for (name, value) in form["fields"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        write!(body, "--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    body.extend_from_slice(b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n");
    write!(
        stream,
        "POST /api/s3/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=XX\r\n\
         Content-Length: {}\r\n\r\n",
        body.len() + more
    )
    .unwrap();
    stream.write_all(&body).unwrap();
    stream
}

#[test]
fn an_aborted_upload_leaves_nothing() {
    let server = TestServer::start();
    let form = server.client().ask_for_form("x.csv");
    let mut stream = begin_form(&server, &form, 100 * MB);
    stream.write_all(&bytes(40 * MB)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(&server, "chunk") == 0 {
        assert!(Instant::now() < deadline, "a part is committed");
        std::thread::yield_now();
    }
    drop(stream);
    wait_until_empty(&server);
}

#[test]
fn a_form_that_ends_within_its_file_is_refused() {
    let server = TestServer::start();
    let form = server.client().ask_for_form("x.csv");
    // The length is right, the last boundary is missing.
    let mut stream = begin_form(&server, &form, 10);
    stream.write_all(b"0123456789").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("not whole"), "{answer}");
    assert_eq!(count(&server, "content"), 0);
}

#[test]
fn an_upload_of_which_no_byte_comes_ends() {
    let server = TestServer::with(|config| config.files.idle_timeout_s = 1);
    let form = server.client().ask_for_form("x.csv");
    let mut stream = begin_form(&server, &form, 100 * MB);
    stream.write_all(&bytes(20 * MB)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("files.idle_timeout_s"), "{answer}");
    wait_until_empty(&server);
}

#[test]
fn odd_forms_are_refused() {
    let server = TestServer::start();
    let client = server.client();
    let url = format!("{}/api/s3/upload", server.url);
    Answer::of("json", http().post(&url).json(&json!({}))).refused(415, "unsupported");
    let empty = reqwest::blocking::multipart::Form::new().text("key", "x");
    Answer::of("no file", http().post(&url).multipart(empty)).refused(400, "required");
    let form = client.ask_for_form("x.csv");
    let mut body = reqwest::blocking::multipart::Form::new();
    for (name, value) in form["fields"].as_object().unwrap() {
        body = body.text(name.clone(), value.as_str().unwrap().to_owned());
    }
    let body = body.text("file", "x").text("late", "x");
    let detail = Answer::of("late", http().post(&url).multipart(body)).refused(400, "invalid");
    assert!(detail.starts_with("late:"), "{detail}");
    let long = reqwest::blocking::multipart::Form::new().text("key", "x".repeat(100_000));
    Answer::of("long", http().post(&url).multipart(long)).refused(413, "too_large");
    wait_until_empty(&server);
}

/// Sends a form without a length, as it stands, and answers what the server says before the form has ended.
fn unended_form(server: &TestServer, pieces: impl IntoIterator<Item = Vec<u8>>) -> String {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
    write!(
        stream,
        "POST /api/s3/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=XX\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    )
    .unwrap();
    for piece in pieces {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
        // Refused meanwhile: what it said was said before.
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_form_that_never_comes_to_a_field_is_refused_without_a_key_and_without_being_kept() {
    let server = TestServer::with(|config| config.files.idle_timeout_s = 20);
    let head = "--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n";
    for begin in [
        "no boundary".to_owned(),
        format!("{head}X-Long: "),
        format!("{head}\r\nx\r\n{head}X-Long: "),
        format!("{head}\r\nx\r\n--XX{}", " ".repeat(100)),
    ] {
        let mut body = begin.clone().into_bytes();
        body.resize(300 * 1024, b'x');
        if begin.ends_with(' ') && begin.len() > 150 {
            body[begin.len()..].fill(b' ');
        }
        let answer = unended_form(&server, [body]);
        assert!(answer.starts_with("HTTP/1.1 413"), "{begin:?}: {answer}");
        assert!(answer.contains("no head is that long"), "{begin:?}: {answer}");
    }
    // A head that comes in many pieces, and is short, is taken: the form is refused for its first field.
    let slow = "--XX\r\nContent-Disposition: form-data; name=\"odd\"\r\n\r\nx";
    let answer = unended_form(&server, slow.bytes().map(|byte| vec![byte]));
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("odd: found an unknown field"), "{answer}");
}

#[test]
fn a_form_of_endless_fields_is_refused_by_its_size() {
    let server = TestServer::with(|config| config.files.max_upload_mb = 1);
    let field =
        format!("--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{}\r\n", "x".repeat(60 * 1024));
    let fields = std::iter::repeat_n(field.into_bytes(), 35);
    let answer = unended_form(&server, fields);
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("files.max_upload_mb"), "{answer}");
}

#[test]
fn the_openapi_document_tells_of_forms_and_bytes() {
    let server = TestServer::start();
    let paths = server.client().get("/api/docs/schema").ok()["paths"].clone();
    let store = &paths["/api/s3/upload"]["post"];
    assert_eq!(store["security"], json!([{}]));
    assert!(store["requestBody"]["content"]["multipart/form-data"].is_object(), "{store}");
    assert!(store["responses"]["204"]["headers"]["ETag"].is_object(), "{store}");
    let success = &paths["/api/s3/success"]["post"]["requestBody"]["content"];
    assert!(success["application/x-www-form-urlencoded"].is_object(), "{success}");
    let download = &paths["/api/files/{id}/download"];
    for status in ["200", "206", "304", "401", "403", "404", "416"] {
        assert!(download["get"]["responses"][status].is_object(), "{status}: {download}");
    }
}

/// Retention, or somebody, deletes a file that a request is about to use: between its check and its commit, where it
/// waits for the writer.
#[test]
fn what_names_a_file_that_is_deleted_meanwhile_is_refused() {
    let server = TestServer::start();
    let object = setup::object(&server, "people", &[]);
    let made = setup::connector(&server, "People", &object);
    let (connector, client) = (setup::path(&made), server.client());
    let script = format!("{connector}/sql-scripts/{}", made["last_draft_script"]["id"].as_str().unwrap());
    let requests: [&(dyn Fn(&Json) -> Answer + Sync); 4] = [
        &|body| client.patch(&connector, body),
        &|body| client.post(&format!("{connector}/get-file-template"), body),
        &|body| client.post(&format!("{script}/start"), body),
        &|body| client.post(&format!("{connector}/start-connector-flow"), body),
    ];
    let files = &server.app.store.files;
    for request in requests {
        let file = setup::file(&server, "a.csv", "name\nAda\n");
        let body = json!({ "source_file_id": file });
        let answer = std::thread::scope(|threads| {
            let deleted = files.write(|tx| {
                let asked = threads.spawn(|| request(&body));
                until("it waits", || files.is_wanted().then_some(()));
                assert!(store::file::delete(tx, file.parse().unwrap())?);
                Ok(asked)
            });
            deleted.unwrap().join().unwrap()
        });
        let detail = answer.refused(400, "does_not_exist");
        assert_eq!(detail, format!("source_file_id: No such file: {file}."));
        let after = client.get(&connector).ok();
        assert!(!after.to_string().contains(&file), "{after}");
    }
}
