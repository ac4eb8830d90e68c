//! Files on their way out, whole and in parts, and to whom.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value as Json, json};
use smartconnector::{
    id::{ConnectorId, FileId, KeyId},
    store::{
        self,
        file::{FileWriter, NewFile, Source},
    },
};
use socket2::{Domain, Socket, Type};

use crate::{
    files::{bytes, count, header, other_member},
    setup,
    support::{Answer, Client, TestServer, until},
};

const MB: usize = 1024 * 1024;
const LARGE: usize = 40 * MB;

fn attach(server: &TestServer, file: &Json, connector: ConnectorId) {
    let id: FileId = file["id"].as_str().unwrap().parse().unwrap();
    server.app.store.files.write(|tx| store::file::attach(tx, id, connector)).unwrap();
}

#[test]
fn ranges_and_heads() {
    let server = TestServer::start();
    let client = server.client();
    let sent = bytes(2 * MB + 10);
    let file = client.send_file("x.csv", &sent);
    let path = format!("/api/files/{}/download", file["id"].as_str().unwrap());
    let get = |range: &str| Answer::of(range, client.request(Method::GET, &path).header("Range", range));
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=1048570-1048580", 1_048_570, 1_048_581),
        ("bytes=-5", 2 * MB + 5, 2 * MB + 10),
    ] {
        let part = get(range).expect(206);
        assert!(part.bytes == sent[from..to], "{range}");
        assert_eq!(header(&part.headers, "content-range"), format!("bytes {from}-{}/{}", to - 1, sent.len()));
        assert_eq!(header(&part.headers, "content-length"), (to - from).to_string());
    }
    let refused = get("bytes=99999999-").expect(416);
    assert_eq!(header(&refused.headers, "content-range"), format!("bytes */{}", sent.len()));
    assert_eq!(refused.json()["code"], "invalid");
    assert!(get("bytes=0-1,5-6").expect(200).bytes == sent);
    // A client that takes compressed answers gets the bytes as they are, with their length.
    let request = client.request(Method::GET, &path).header("Accept-Encoding", "gzip");
    let whole = Answer::of("gzip", request).expect(200);
    assert!(whole.bytes == sent);
    assert_eq!(header(&whole.headers, "content-length"), sent.len().to_string());
    assert_eq!(header(&whole.headers, "content-encoding"), "");
    let head = Answer::of("head", client.request(Method::HEAD, &path)).expect(200);
    assert_eq!((header(&head.headers, "content-length"), head.bytes.len()), (&*sent.len().to_string(), 0));
    assert_eq!(header(&head.headers, "accept-ranges"), "bytes");
}

/// Asks for a file and takes nothing of it. The sockets take little, whatever the system gives others.
pub fn stalled(client: &Client, path: &str) -> TcpStream {
    let to: SocketAddr = client.url.strip_prefix("http://").unwrap().parse().unwrap();
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {}\r\n\r\n", client.key).unwrap();
    let mut begins = [0; 12];
    stream.read_exact(&mut begins).unwrap();
    assert_eq!(&begins, b"HTTP/1.1 200");
    stream
}

/// More than the sockets of both sides take. It was not sent, which takes its time.
fn large(server: &TestServer) -> String {
    let file = NewFile {
        id: FileId::new(),
        name: "large.csv".to_owned(),
        content_type: "text/csv".to_owned(),
        source: Source::Upload,
        owner: server.user_id.parse().ok(),
        owner_key: None,
        connector: None,
    };
    let mut writer = FileWriter::create(&server.app.store, file);
    writer.append(&bytes(LARGE)).unwrap();
    format!("/api/files/{}/download", writer.finish().unwrap().id)
}

#[test]
fn downloads_under_way_are_bounded() {
    let server = TestServer::with(|config| config.files.max_downloads = 1);
    let client = server.client();
    let path = large(&server);
    let stream = stalled(&client, &path);
    let answer = client.download(&path).expect(503);
    assert_eq!(answer.headers["retry-after"], "2");
    let sentence = "1 downloads are under way already (files.max_downloads). Ask again in a moment.";
    assert_eq!(answer.refused(503, "busy"), sentence);
    drop(stream);
    until("its slot is free", || server.app.downloads.take(&KeyId::new()).ok());
    assert_eq!(client.download(&path).expect(200).bytes.len(), LARGE);
}

#[test]
fn one_key_has_half_of_the_downloads_at_most() {
    let server = TestServer::with(|config| config.files.max_downloads = 4);
    let (slow, other) = (server.client(), server.client_as("admin", None));
    let path = large(&server);
    let of_slow = [stalled(&slow, &path), stalled(&slow, &path)];
    let sentence = slow.download(&path).refused(503, "busy");
    assert!(sentence.contains("(files.max_downloads = 4, half of it for one key)"), "{sentence}");
    let first = stalled(&other, &path);
    assert_eq!(other.download(&path).expect(200).bytes.len(), LARGE);
    drop(of_slow);
    until("its slots are free", || (slow.download(&path).status == 200).then_some(()));
    drop(first);
}

#[cfg(target_os = "linux")]
#[test]
fn a_download_that_stands_still_ends() {
    let server = TestServer::with(|config| {
        config.files.max_downloads = 1;
        config.files.idle_timeout_s = 1;
    });
    let path = large(&server);
    let mut stream = stalled(&server.client(), &path);
    until("its slot is free", || server.app.downloads.take(&KeyId::new()).ok());
    // Cut off, not sent.
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    assert!(rest.len() < LARGE, "{ended:?}");
}

#[test]
fn whoever_has_the_file_is_told_that_it_is_the_same() {
    let server = TestServer::start();
    let client = server.client();
    let file = client.send_file("x.csv", b"x\n1\n");
    let path = format!("/api/files/{}/download", file["id"].as_str().unwrap());
    let etag = header(&client.download(&path).expect(200).headers, "etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", file["sha256"].as_str().unwrap()));
    let get = |known: &str| {
        let request = client.request(Method::GET, &path).header("If-None-Match", known);
        Answer::of(known, request.header("Range", "bytes=0-0"))
    };
    for known in [&etag, &format!("\"other\", W/{etag}"), "*"] {
        let answer = get(known).expect(304);
        assert_eq!((header(&answer.headers, "etag"), answer.bytes.len()), (&*etag, 0));
    }
    assert_eq!(get("\"other\"").expect(206).bytes, b"x");
}

#[test]
fn odd_names_come_back_plain_and_last() {
    let server = TestServer::start();
    let client = server.client();
    for (name, disposition) in [
        ("a/b\\c\"d;e.csv", "attachment; filename=\"a_b_c_d_e.csv\""),
        ("x\r\ny\0.csv", "attachment; filename=\"x__y_.csv\""),
        ("Aufträge.csv", "attachment; filename*=UTF-8''Auftr%C3%A4ge.csv; filename=\"Auftr_ge.csv\""),
    ] {
        let form = client.ask_for_form(name);
        let stored = client.fill_form(&form, "x", b"x").expect(204);
        let etag = header(&stored.headers, "etag").trim_matches('"').to_owned();
        let file = client.say_sent(&form, name, &etag).created();
        assert_eq!(file["name"], name);
        let got = client.download(file["url"].as_str().unwrap()).expect(200);
        assert_eq!(header(&got.headers, "content-disposition"), disposition);
    }
}

#[test]
fn a_file_belongs_to_its_sender_until_it_follows_a_connector() {
    let server = TestServer::start();
    let runner = other_member(&server, "runner");
    let file = runner.send_file("x.csv", b"x");
    let path = format!("/api/files/{}", file["id"].as_str().unwrap());
    let download = format!("{path}/download");
    let object = setup::object(&server, "people", &[]);
    let made = |name: &str| setup::connector(&server, name, &object)["id"].as_str().unwrap().to_owned();
    let (connector, elsewhere) = (made("Here"), made("Elsewhere"));
    let connector: ConnectorId = connector.parse().unwrap();
    let limited = |client: &Client, role: &str, to: &str| {
        let body = json!({"name": "limited", "role": role, "member_id": client.user_id, "connectors": [to]});
        let key =
            server.client().post("/api/api-keys", &body).created()["secret"].as_str().unwrap().to_owned();
        Client { key, ..client.clone() }
    };
    let stranger = other_member(&server, "editor");
    let limited_admin = limited(&server.client(), "admin", &elsewhere);
    let sees = |client: &Client, expected: bool| {
        let (status, count) = if expected { (200, 1) } else { (404, 0) };
        client.get(&path).expect(status);
        client.download(&download).expect(status);
        assert_eq!(client.get("/api/files").ok()["count"], count);
    };
    for (client, expected) in
        [(&runner, true), (&server.client(), true), (&stranger, false), (&limited_admin, false)]
    {
        sees(client, expected);
    }
    stranger.delete(&path).refused(404, "not_found");

    attach(&server, &file, connector);
    let reaching = limited(&stranger, "viewer", &connector.to_string());
    let sender = limited(&stranger, "sender", &connector.to_string());
    let beside = limited(&runner, "runner", &elsewhere);
    for (client, expected) in
        [(&runner, true), (&stranger, true), (&reaching, true), (&limited_admin, false), (&beside, false)]
    {
        sees(client, expected);
    }
    // A sender's key sees what it sent itself, and lists nothing: not what another key of its member sent.
    sender.get(&path).refused(404, "not_found");
    limited(&runner, "sender", &connector.to_string()).get(&path).refused(404, "not_found");
    sender.get("/api/files").refused(403, "permission_required");
    runner.delete(&path).refused(403, "permission_required");
    server.client().delete(&path).expect(204);
    assert_eq!(count(&server, "content"), 0);
    runner.get(&path).refused(404, "not_found");
    runner.get("/api/files/no-uuid").refused(404, "not_found");
}
