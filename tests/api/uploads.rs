//! A file sent straight to a connector, and run.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use reqwest::{
    Method,
    blocking::multipart::{Form, Part},
};
use serde_json::{Value as Json, json};
use smartconnector::{
    id::FileId,
    store::{
        self,
        file::{FileWriter, NewFile, Source},
    },
};

use crate::{
    setup,
    support::{Answer, Client, TestServer},
};

const CSV: &[u8] = b"name\nAda\n";

/// A server with one connector in setup, whose empty draft passes the file through.
fn server() -> (TestServer, Json) {
    let server = TestServer::start();
    let object = setup::object(&server, "people", &[]);
    let connector = setup::connector(&server, "People", &object);
    (server, connector)
}

fn upload_path(connector: &Json) -> String {
    format!("{}/upload", setup::path(connector))
}

fn file(name: &str, bytes: &[u8]) -> Part {
    Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str("text/csv").unwrap()
}

fn send(client: &Client, path: &str, form: Form) -> Answer {
    Answer::of("upload", client.request(Method::POST, path).multipart(form))
}

fn count(server: &TestServer, table: &str) -> i64 {
    let database = if table == "execution" { &server.app.store.control } else { &server.app.store.files };
    let sql = format!("SELECT count(*) FROM {table}");
    database.read(|conn| Ok(conn.query_row(&sql, [], |row| row.get(0))?)).unwrap()
}

/// Nothing of a refused upload stays, neither its bytes nor a run.
fn left_nothing(server: &TestServer) {
    assert_eq!(["content", "chunk", "file", "execution"].map(|table| count(server, table)), [0; 4]);
}

#[test]
fn a_form_queues_a_run_of_its_file() {
    let (server, connector) = server();
    let client = server.client();
    let form = Form::new().part("file", file("people.csv", CSV)).text("sql_parameters", r#"{"since": 2020}"#);
    let answer = send(&client, &upload_path(&connector), form).expect(201);
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let run = answer.json();
    let id = run["execution_id"].as_str().unwrap();
    assert_eq!(location, format!("{}/executions/{id}", setup::path(&connector)));
    assert_eq!((&run["status"], &run["is_dry_run"]), (&json!("queued"), &json!(false)));
    assert_eq!(run["warning"], "The connector is setup; this execution starts when it is activated.");
    assert!(run.get("same_file_as").is_none(), "{run}");

    let sent = client.get(&format!("/api/files/{}", run["source_file_id"].as_str().unwrap())).ok();
    assert_eq!((&sent["name"], &sent["sha256"]), (&json!("people.csv"), &run["sha256"]));
    assert_eq!(client.download(sent["url"].as_str().unwrap()).expect(200).bytes, CSV);
    let execution = server
        .app
        .store
        .control
        .read(|conn| store::execution::find(conn, id.parse().unwrap()))
        .unwrap()
        .unwrap();
    assert_eq!(execution.trigger.as_str(), "api");
    assert_eq!(execution.input_file.unwrap().to_string(), sent["id"].as_str().unwrap());
    assert_eq!(Json::Object(execution.sql_parameters), json!({"since": 2020}));
    client.delete(&format!("/api/files/{}", execution.input_file.unwrap())).refused(409, "conflict");
}

#[test]
fn fields_may_stand_before_the_file_too_and_the_body_may_be_the_file() {
    let (server, connector) = server();
    let client = server.client();
    let form = Form::new().text("is_dry_run", "true").part("file", file("people.csv", CSV));
    let path = upload_path(&connector);
    assert_eq!(send(&client, &path, form).created()["is_dry_run"], true);

    let raw = |query: &str, bytes: &'static [u8]| {
        let request = client.request(Method::POST, &format!("{path}{query}"));
        Answer::of(query, request.header("Content-Type", "text/csv").body(bytes))
    };
    let by_name = format!("/api/smart-connectors/{}/upload", connector["api_name"].as_str().unwrap());
    let request = client.request(Method::POST, &format!("{by_name}?filename=a.csv")).body(CSV);
    assert_eq!(Answer::of("by name", request).created()["is_dry_run"], false);
    let run =
        raw("?filename=people%202.csv&is_dry_run=true&sql_parameters=%7B%22a%22%3Anull%7D", CSV).created();
    assert_eq!(run["is_dry_run"], true);
    let sent = client.get(&format!("/api/files/{}", run["source_file_id"].as_str().unwrap())).ok();
    assert_eq!((&sent["name"], &sent["content_type"]), (&json!("people 2.csv"), &json!("text/csv")));
    let detail = raw("", CSV).refused(400, "required");
    assert!(detail.starts_with("filename:"), "{detail}");
    raw("?filename=a.csv&dry_run=true", CSV).refused(400, "invalid");
}

#[test]
fn the_same_bytes_again_are_told() {
    let (server, connector) = server();
    let client = server.client();
    let upload =
        || send(&client, &upload_path(&connector), Form::new().part("file", file("a.csv", CSV))).created();
    let first = upload();
    assert!(upload().get("same_file_as").is_none(), "the first one has loaded nothing yet");
    let sql = "UPDATE execution SET state = 'success', started_at = 1, ended_at = 2 WHERE id = ?";
    let id = first["execution_id"].as_str().unwrap();
    server.app.store.control.write(|tx| Ok(tx.execute(sql, [id])?)).unwrap();
    let again = upload();
    assert_eq!(again["same_file_as"], id);
    assert!(again["warning"].as_str().unwrap().ends_with(&format!("by the execution {id}.")), "{again}");
}

#[test]
fn a_refused_upload_leaves_nothing() {
    let (server, connector) = server();
    let client = server.client();
    let path = upload_path(&connector);
    let with = |name: &'static str, value: &'static str| {
        send(&client, &path, Form::new().part("file", file("a.csv", CSV)).text(name, value))
    };
    for (name, value) in [
        ("disable_diff_check", "yes"),
        ("is_dry_run", "yes"),
        ("sql_parameters", "[]"),
        ("sql_parameters", "{"),
        ("sql_parameters", r#"{"a": [1]}"#),
    ] {
        let detail = with(name, value).refused(400, "invalid");
        assert!(detail.starts_with(name), "{detail}");
    }
    let twice = Form::new().part("file", file("a.csv", CSV)).part("file", file("b.csv", CSV));
    send(&client, &path, twice).refused(400, "invalid");
    send(&client, &path, Form::new().text("is_dry_run", "true")).refused(400, "required");
    left_nothing(&server);
}

#[test]
fn an_upload_over_the_limit_is_refused_in_both_forms() {
    let server = TestServer::with(|config| config.files.max_upload_mb = 1);
    let object = setup::object(&server, "people", &[]);
    let path = upload_path(&setup::connector(&server, "People", &object));
    let client = server.client();
    for size in [1024 * 1024 + 1, 3 * 1024 * 1024] {
        let bytes = vec![b'x'; size];
        send(&client, &path, Form::new().part("file", file("a.csv", &bytes))).refused(413, "too_large");
        let request = client.request(Method::POST, &format!("{path}?filename=a.csv"));
        Answer::of("raw", request.body(bytes)).refused(413, "too_large");
    }
    left_nothing(&server);
}

/// Sends the head of a large upload, and none of its bytes. Answers what the server says to that.
fn head_alone(server: &TestServer, key: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "POST {path}?filename=a.csv HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {key}\r\nContent-Length: 1000000\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn who_may_not_start_a_run_is_told_before_any_byte_is_read() {
    let (server, connector) = server();
    let path = upload_path(&connector);
    let elsewhere = setup::connector(&server, "Elsewhere", &setup::object(&server, "places", &[]));
    let limited = server.client_as("runner", Some(&[elsewhere["id"].as_str().unwrap()]));
    for (key, path, expected) in [
        (&server.key, "/api/smart-connectors/nothing/upload", "HTTP/1.1 404"),
        (&limited.key, &path, "HTTP/1.1 404"),
        (&"unknown".to_owned(), &path, "HTTP/1.1 401"),
    ] {
        let answer = head_alone(&server, key, path);
        assert!(answer.starts_with(expected), "{answer}");
    }
    let draft = connector["last_draft_script"]["id"].as_str().unwrap();
    let script = format!("{}/sql-scripts/{draft}", setup::path(&connector));
    server
        .client()
        .patch(&script, &json!({"user_script": "CREATE TABLE output.people AS SELECT 1 AS a"}))
        .ok();
    let answer = head_alone(&server, &server.key, &path);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Publish one first"), "{answer}");
    // A form may still say that it is a dry run, which runs the draft.
    let form = || Form::new().part("file", file("a.csv", CSV));
    send(&server.client(), &path, form()).refused(400, "invalid");
    left_nothing(&server);
    send(&server.client(), &path, form().text("is_dry_run", "true")).created();
}

#[test]
fn an_upload_that_breaks_off_or_stands_still_leaves_nothing() {
    let server = TestServer::with(|config| config.files.idle_timeout_s = 5);
    let object = setup::object(&server, "people", &[]);
    let path = upload_path(&setup::connector(&server, "People", &object));
    let begin = || {
        let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
        write!(
            stream,
            "POST {path}?filename=a.csv HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {}\r\nContent-Length: 100000000\r\n\r\n",
            server.key
        )
        .unwrap();
        stream.write_all(&crate::files::bytes(40 * 1024 * 1024)).unwrap();
        crate::support::until("a part is committed", || (count(&server, "chunk") > 0).then_some(()));
        stream
    };
    drop(begin());
    crate::support::until("it is gone", || (count(&server, "content") == 0).then_some(()));
    let mut answer = String::new();
    begin().read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("files.idle_timeout_s"), "{answer}");
    crate::support::until("it is gone", || (count(&server, "content") == 0).then_some(()));
    left_nothing(&server);
}

#[test]
fn uploads_under_way_are_bounded() {
    let server = TestServer::with(|config| config.files.max_uploads = 1);
    let object = setup::object(&server, "people", &[]);
    let path = upload_path(&setup::connector(&server, "People", &object));
    let client = server.client();
    let form = client.ask_for_form("a.csv");
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "POST {path}?filename=a.csv HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {}\r\nContent-Length: 100\r\n\r\nname\n",
        server.key
    )
    .unwrap();
    crate::support::until("it is under way", || server.app.uploads.take().is_none().then_some(()));
    let sentence = "1 uploads are under way already (files.max_uploads). Send the file again in a moment.";
    let direct = || send(&client, &path, Form::new().part("file", file("a.csv", CSV)));
    for answer in [direct(), client.fill_form(&form, "a.csv", CSV)] {
        assert_eq!(answer.headers["retry-after"], "2");
        assert_eq!(answer.refused(503, "busy"), sentence);
    }
    drop(stream);
    crate::support::until("its slot is free", || server.app.uploads.take());
    direct().created();
    client.fill_form(&form, "a.csv", CSV).expect(204);
}

#[test]
fn an_upload_whose_client_goes_before_the_answer_is_run_all_the_same() {
    let (server, connector) = server();
    let address = server.url.strip_prefix("http://").unwrap();
    let others = || (0..50).for_each(|_| drop(server.client().get("/healthz")));
    // While the writer is held, the file waits to be completed.
    let store = std::sync::Arc::clone(&server.app.store);
    store
        .files
        .write(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(
                stream,
                "POST {}?filename=a.csv HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {}\r\nExpect: 100-continue\r\n\
                 Content-Length: {}\r\n\r\n",
                upload_path(&connector),
                server.key,
                CSV.len()
            )
            .unwrap();
            stream.write_all(CSV).unwrap();
            stream.peek(&mut [0]).unwrap();
            others();
            // What was said and never read makes the end of a connection a reset.
            drop(stream);
            others();
            Ok(())
        })
        .unwrap();
    crate::support::until("its run is queued", || (count(&server, "execution") == 1).then_some(()));
    let registered = "file WHERE registered = 1";
    crate::support::until("its file is kept", || (count(&server, registered) == 1).then_some(()));
}

#[test]
fn an_upload_whose_run_is_queued_is_no_refusal_when_its_file_cannot_be_registered() {
    let (server, connector) = server();
    let client = server.client();
    let files = &server.app.store.files;
    let run = |sql: &str| files.write(|tx| Ok(tx.execute_batch(sql)?)).unwrap();
    run("CREATE TRIGGER fails BEFORE UPDATE OF registered ON file BEGIN SELECT RAISE(ABORT, 'no'); END");
    let upload = || {
        let form = Form::new().part("file", file("a.csv", CSV));
        let request = client.request(Method::POST, &upload_path(&connector)).multipart(form);
        Answer::of("upload", request.header("Idempotency-Key", "once")).created()
    };
    let first = upload();
    assert_eq!(upload()["execution_id"], first["execution_id"]);
    assert_eq!(count(&server, "execution"), 1);
    run("DROP TRIGGER fails");
    assert_eq!(store::file::settle_uploads(&server.app.store, None).unwrap(), 0);
    let id = first["source_file_id"].as_str().unwrap().parse().unwrap();
    let kept = files.read(|conn| store::file::find(conn, id)).unwrap().unwrap();
    assert!(kept.registered, "{kept:?}");
}

#[test]
fn a_sender_uploads_and_reads_what_it_sent() {
    let (server, connector) = server();
    let sender = server.client_as("sender", Some(&[connector["id"].as_str().unwrap()]));
    let run = send(&sender, &upload_path(&connector), Form::new().part("file", file("a.csv", CSV))).created();
    sender.get(&format!("/api/files/{}", run["source_file_id"].as_str().unwrap())).expect(200);
}

#[test]
fn a_start_settles_uploads_that_a_crash_cut_off() {
    let (server, connector) = server();
    let store = &server.app.store;
    let write = || {
        let new = NewFile {
            id: FileId::new(),
            name: "a.csv".to_owned(),
            content_type: "text/csv".to_owned(),
            source: Source::Upload,
            owner: Some(server.user_id.parse().unwrap()),
            owner_key: None,
            connector: Some(connector["id"].as_str().unwrap().parse().unwrap()),
        };
        let mut writer = FileWriter::create(store, new);
        writer.append(CSV).unwrap();
        writer.finish().unwrap().id
    };
    let run = send(&server.client(), &upload_path(&connector), Form::new().part("file", file("a.csv", b"b")))
        .created();
    let (named, unnamed) = (write(), write());
    // The running server lets those alone that may be about to be queued.
    let an_hour_ago = Some(server.app.clock.now() - chrono::TimeDelta::hours(1));
    assert_eq!(store::file::settle_uploads(store, an_hour_ago).unwrap(), 0);
    let sql = "UPDATE execution SET input_file = ? WHERE id = ?";
    let id = run["execution_id"].as_str().unwrap();
    store.control.write(|tx| Ok(tx.execute(sql, [&named.to_string(), id])?)).unwrap();
    assert_eq!(store::file::settle_uploads(store, None).unwrap(), 1);
    let found = |id| store.files.read(|conn| store::file::find(conn, id)).unwrap();
    assert!(found(named).unwrap().registered);
    assert_eq!(found(unnamed), None);
}
