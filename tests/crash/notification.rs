//! Who is to be told of a run is told, whatever the server dies at: at least once, under one id.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
};

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::{
    process::{self, Process, TOKEN, send, set_up},
    support::{
        Client,
        journey::{path, text},
        until,
    },
};

const SMALL: &[u8] = b"Number,Total\n1,1\n";
const SECRET: &str = "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==";

/// A server on this port: the addresses in a row are those of the server, and stay.
fn start(data: &Path, port: u16) -> Process {
    let mut command = process::program();
    command.args(["serve", "--json", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(data);
    Process::started(command.env("SMARTCONNECTOR_NOTIFY_ALLOWED_HOSTS", "127.0.0.1"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The next request, read to its end and not answered yet.
fn asked(listener: &TcpListener) -> (TcpStream, HashMap<String, String>, Json) {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let headers: HashMap<String, String> = reader
        .by_ref()
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
        })
        .collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    (stream, headers, serde_json::from_slice(&body).unwrap())
}

fn answer(mut stream: TcpStream, head: &str) {
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n").unwrap();
}

fn told(client: &Client, n: usize) -> Vec<String> {
    let id = text(&client.get(&path(TOKEN)).ok()["id"]).to_owned();
    let url = format!("{}/events-history?ordering=created", path(&id));
    until(&format!("{n} events"), || {
        let rows = client.get(&url).ok()["results"].as_array().unwrap().clone();
        let told = rows.iter().filter(|row| text(&row["event_type"]).starts_with("notification_"));
        let told: Vec<_> = told.map(|row| text(&row["message"]).to_owned()).collect();
        (told.len() >= n).then_some(told)
    })
}

/// Its next try comes now.
fn hurry(data: &Path) {
    let control = Connection::open(data.join("control.db")).unwrap();
    assert_eq!(control.execute("UPDATE notification SET next_try = 0", []).unwrap(), 1);
}

#[test]
fn a_kill_in_the_middle_of_a_notification_sends_it_again_and_tries_are_counted_over_restarts() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let port = free_port();
    let server = start(&data, port);
    set_up(&server.client);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/runs", listener.local_addr().unwrap());
    let settings = json!({"on": ["success"], "webhook_url": url, "signing_secret": SECRET});
    server.client.patch(&path(TOKEN), &json!({ "notification_settings": settings })).ok();
    let run = send(&server.client, SMALL);

    // It has come, and nothing of it is answered: the sender can't know.
    let (_held, headers, row) = asked(&listener);
    assert_eq!((&*headers["webhook-id"], text(&row["id"])), (&*run, &*run));
    server.kill();

    let server = start(&data, port);
    let (stream, again, same) = asked(&listener);
    assert_eq!((&again["webhook-id"], &same), (&headers["webhook-id"], &row));
    assert_eq!(same, server.client.get(&format!("{}/executions/{run}", path(TOKEN))).ok());
    answer(stream, "500 No");
    let first = "Telling of run 1 failed, try 1 of 3: it answered 500. The next comes in 10 s.";
    assert_eq!(told(&server.client, 1), [first]);
    server.kill();
    hurry(&data);

    let server = start(&data, port);
    let (stream, ..) = asked(&listener);
    answer(stream, "503 Later");
    let second = "Telling of run 1 failed, try 2 of 3: it answered 503. The next comes in 60 s.";
    assert_eq!(told(&server.client, 2), [first, second]);
    server.kill();
    hurry(&data);

    let server = start(&data, port);
    let (stream, last, _) = asked(&listener);
    assert_eq!(last["webhook-id"], headers["webhook-id"]);
    answer(stream, "204 No Content");
    assert_eq!(told(&server.client, 3), [first, second, "Told of run 1: 204."]);
    process::checked(&data);
}
