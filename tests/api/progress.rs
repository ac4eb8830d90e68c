//! Watching a run.

use std::{
    io::{BufRead as _, BufReader},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use reqwest::{Method, blocking::Response};
use serde_json::{Value as Json, json};
use smartconnector::{clock::Clock, execution::Counters};

use crate::{
    run::{Shop, TOKEN},
    support::{
        Client, http,
        journey::{path, run_ended, run_is, text, upload},
        until,
    },
};

pub const ENDLESS: &str = "CREATE TABLE output.orders AS
SELECT rowid AS _line, number, e_mail AS mail, CASE WHEN total = 'endless' THEN
    (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)
    ELSE total END AS total FROM input.orders_csv;
";

fn open(shop: &Shop, id: &str) -> Response {
    let url = format!("{}/executions/{id}/progress", path(TOKEN));
    shop.client.request(Method::GET, &url).header("Accept-Encoding", "gzip").send().unwrap()
}

/// The next event's name and data; none at the stream's end.
fn next(lines: &mut impl Iterator<Item = String>) -> Option<(String, Json)> {
    let (mut name, mut data) = (String::new(), Json::Null);
    for line in lines {
        if let Some(rest) = line.strip_prefix("event: ") {
            rest.clone_into(&mut name);
        } else if let Some(rest) = line.strip_prefix("data: ") {
            data = serde_json::from_str(rest).unwrap();
        } else if line.is_empty() && !name.is_empty() {
            return Some((name, data));
        }
    }
    None
}

fn lines(response: Response) -> impl Iterator<Item = String> {
    BufReader::new(response).lines().map_while(Result::ok)
}

fn send(shop: &Shop, total: &str) -> String {
    let csv = format!("Number,E-Mail,Total\n1,,{total}\n");
    text(&upload(&shop.client, TOKEN, "a.csv", csv.as_bytes(), &[]).created()["execution_id"]).to_owned()
}

#[test]
fn every_change_comes_as_an_event_until_the_end() {
    let shop = Shop::with(|_| {}, ENDLESS);
    let id = send(&shop, "endless");
    run_is(&shop.client, TOKEN, &id, "in_progress");
    let response = open(&shop, &id);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(!response.headers().contains_key("content-encoding"));
    let mut lines = lines(response);
    let (name, row) = next(&mut lines).unwrap();
    assert_eq!((name.as_str(), &row["id"], &row["status"]), ("execution", &json!(id), &json!("in_progress")));
    shop.client.post_empty(&format!("{}/executions/{id}/cancel", path(TOKEN))).expect(202);
    let mut last = row;
    loop {
        let (name, row) = next(&mut lines).unwrap();
        if name == "end" {
            break;
        }
        assert_ne!(row, last, "an event without a change");
        last = row;
    }
    assert_eq!(last["status"], "cancelled", "{last}");
    assert!(next(&mut lines).is_none());
    assert_eq!(last, run_ended(&shop.client, TOKEN, &id));
}

#[test]
fn one_that_has_ended_is_told_once() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n");
    let mut lines = lines(open(&shop, text(&run["id"])));
    assert_eq!(next(&mut lines), Some(("execution".to_owned(), run)));
    assert_eq!(next(&mut lines), Some(("end".to_owned(), json!({}))));
    assert_eq!(next(&mut lines), None);
    let unknown = uuid::Uuid::new_v4().to_string();
    assert_eq!(open(&shop, &unknown).status(), 404);
}

#[test]
fn streams_are_bounded_and_a_closed_one_makes_room() {
    let shop = Shop::with(|config| config.server.max_streams = 1, ENDLESS);
    let id = send(&shop, "endless");
    run_is(&shop.client, TOKEN, &id, "in_progress");
    let first = open(&shop, &id);
    assert_eq!(first.status(), 200);
    let url = format!("{}/executions/{id}/progress", path(TOKEN));
    let refused = shop.client.get(&url).expect(503);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.json()["detail"].as_str().unwrap().contains("server.max_streams"));
    drop(first);
    shop.client.post_empty(&format!("{}/executions/{id}/cancel", path(TOKEN))).expect(202);
    until("room", || (open(&shop, &id).status() == 200).then_some(()));
}

/// Each event's row has the server's time in it: how late it comes here says nothing.
#[test]
fn at_most_five_events_come_in_a_second_however_much_changes() {
    let shop = Shop::with(|_| {}, ENDLESS);
    let id = send(&shop, "endless");
    run_is(&shop.client, TOKEN, &id, "in_progress");
    let run = id.parse().unwrap();
    let progress = until("it can be followed", || shop.server.app.runner.progress(run));
    let (_over, is_over) = mpsc::channel::<()>();
    thread::spawn(move || {
        let mut n = 0;
        while is_over.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
            n += 1;
            progress.count_load(0, &Counters { rows: n, ..Counters::default() });
        }
    });
    let mut lines = lines(open(&shop, &id));
    let rows: Vec<Json> = (0..6).map(|_| next(&mut lines).unwrap().1).collect();
    for pair in rows.windows(2) {
        let [before, after] = [&pair[0], &pair[1]].map(|row| row["duration_ms"].as_i64().unwrap());
        // A fifth of a second, by two clocks.
        assert!(after - before >= 195, "{before} ms, {after} ms");
    }
    shop.client.post_empty(&format!("{}/executions/{id}/cancel", path(TOKEN))).expect(202);
}

/// What ends the watching of a run that goes on.
fn ends_within_two_seconds(what: &str, stream: Response, end: impl FnOnce()) {
    assert_eq!(stream.status(), 200, "{what}");
    let mut lines = lines(stream);
    assert_eq!(next(&mut lines).unwrap().0, "execution", "{what}");
    end();
    let since = Instant::now();
    // Cut off, not ended: the run goes on.
    assert!(lines.all(|line| line != "event: end"), "{what}");
    let took = since.elapsed();
    assert!(took < Duration::from_secs(2), "{what}: {took:?}");
}

#[test]
fn whoever_may_not_watch_any_more_sees_no_more() {
    let clock = Clock::fixed(Utc::now());
    let shop = Shop::at(clock.clone(), ENDLESS);
    let id = send(&shop, "endless");
    run_is(&shop.client, TOKEN, &id, "in_progress");
    let watched = format!("{}/executions/{id}/progress", path(TOKEN));
    let watch = |client: &Client| client.request(Method::GET, &watched).send().unwrap();
    let member = |email: &str| {
        let member = shop.client.post("/api/team", &json!({"email": email, "role": "admin"})).created();
        text(&member["id"]).to_owned()
    };
    let key_of = |member: &str, expires: Json| {
        let body = json!({"name": "watcher", "role": "viewer", "member_id": member, "expires_at": expires});
        let key = shop.client.post("/api/api-keys", &body).created();
        let secret = text(&key["secret"]).to_owned();
        let client = Client { key: secret, user_id: member.to_owned(), ..shop.client.clone() };
        (format!("/api/api-keys/{}", text(&key["id"])), client)
    };
    let (key, client) = key_of(&member("a@example.org"), Json::Null);
    ends_within_two_seconds("a revoked key", watch(&client), || {
        shop.client.delete(&key).expect(204);
    });
    let removed = member("b@example.org");
    let (_, client) = key_of(&removed, Json::Null);
    ends_within_two_seconds("a removed member", watch(&client), || {
        shop.client.delete(&format!("/api/team/{removed}")).expect(204);
    });
    let demoted = member("c@example.org");
    let (_, client) = key_of(&demoted, Json::Null);
    // A sender sees the runs that it started.
    ends_within_two_seconds("a member with another role", watch(&client), || {
        let role = json!({"role": "sender"});
        shop.client.patch(&format!("/api/team/{demoted}"), &role).expect(200);
    });
    let url = format!("{}/api/session", shop.server.url);
    let signed_in = http().post(&url).json(&json!({"api_key": shop.client.key})).send().unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let stream = http().get(format!("{}{watched}", shop.server.url)).header("Cookie", &cookie).send();
    ends_within_two_seconds("a session that has ended", stream.unwrap(), || {
        let out = http().delete(&url).header("Cookie", &cookie).header("Origin", &shop.server.url);
        assert_eq!(out.send().unwrap().status(), 204);
    });
    let end = clock.now() + TimeDelta::hours(1);
    let (_, client) = key_of(&member("d@example.org"), json!(end));
    ends_within_two_seconds("a key that has expired", watch(&client), || clock.set(end));
    client.get(&watched).refused(401, "invalid_credentials");
    assert_eq!(watch(&shop.client).status(), 200, "others go on watching");
    shop.client.post_empty(&format!("{}/executions/{id}/cancel", path(TOKEN))).expect(202);
}

#[test]
fn the_log_tells_every_stage_with_its_counts() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number;E-Mail;Total\n1;;1\n2;;x\n");
    let url = format!("{}/executions/{}/logs", path(TOKEN), text(&run["id"]));
    let logs = shop.client.get(&url).ok();
    let said: Vec<(&str, &str)> = logs["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (text(&line["stage"]), text(&line["message"])))
        .collect();
    let has = |stage: &str, part: &str| {
        assert!(said.iter().any(|(of, line)| *of == stage && line.contains(part)), "{part}: {said:?}");
    };
    has("smart_connector_input_read", "Begins.");
    has("smart_connector_input_read", "delimiter ';'");
    has("smart_connector_input_read", ": 2 rows, 0 rejected.");
    has("smart_connector_sql_run", "Done");
    has("smart_connector_load_step_run", "orders: Done");
    has("smart_connector_load_step_run", "1 created, 0 updated, 0 unchanged, 0 skipped, 1 rejected");
    has("smart_connector_report", "Begins.");
}
