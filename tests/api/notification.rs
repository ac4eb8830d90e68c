//! Notifications: who is told of which runs, how it is signed, and what happens when nobody listens.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use chrono::Utc;
use serde_json::{Value as Json, json};
use smartconnector::{auth::webhook::SignatureRule, config::Config};

use crate::{
    run::{SQL, Shop, TOKEN},
    support::{
        journey::{self, detail, path, text, upload},
        until,
    },
};

const SECRET: &str = "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==";
const GOOD: &str = "Number,E-Mail,Total\n1,,1\n";
const HALF: &str = "Number,E-Mail,Total\n2,,2\n3,,x\n";
const NONE: &str = "Number,E-Mail,Total\n4,,x\n5,,y\n";
/// A column is missing.
const BAD: &str = "Number\n1\n";

/// A request as it came.
struct Told {
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Told {
    fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver that answers with these heads, then with 204.
struct Receiving {
    url: String,
    told: Receiver<Told>,
}

impl Receiving {
    fn new(heads: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/runs?token=t0p", listener.local_addr().unwrap());
        let (send, told) = mpsc::channel();
        thread::spawn(move || {
            for head in heads.iter().chain(std::iter::repeat(&"204 No Content")) {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read(&mut BufReader::new(&stream));
                write!(stream, "HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n").unwrap();
                if send.send(request).is_err() {
                    return;
                }
            }
        });
        Self { url, told }
    }

    fn next(&self) -> Told {
        self.told.recv_timeout(Duration::from_mins(1)).unwrap()
    }
}

fn read(stream: &mut impl std::io::BufRead) -> Told {
    let mut lines = stream.by_ref().lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "POST /runs?token=t0p HTTP/1.1");
    let headers: HashMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        })
        .collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Told { headers, body }
}

fn shop() -> Shop {
    Shop::with(|config| config.notify.allowed_hosts = vec!["127.0.0.1".to_owned()], SQL)
}

fn tell(shop: &Shop, on: &[&str], url: &str) -> Json {
    let settings = json!({"on": on, "webhook_url": url, "signing_secret": SECRET});
    shop.patch(&json!({ "notification_settings": settings }))["notification_settings"].clone()
}

/// The events of this type, oldest first, once there are as many.
fn events(shop: &Shop, kind: &str, n: usize) -> Vec<String> {
    let id = text(&detail(&shop.client, TOKEN)["id"]).to_owned();
    let url = format!("{}/events-history?event_type={kind}&ordering=created", path(&id));
    until(&format!("{n} events {kind}"), || {
        let rows = shop.client.get(&url).ok()["results"].as_array().unwrap().clone();
        (rows.len() >= n).then(|| rows.iter().map(|row| text(&row["message"]).to_owned()).collect())
    })
}

/// The row as whoever asks has it.
fn asked(shop: &Shop, id: &str) -> Json {
    shop.client.get(&format!("{}/executions/{id}", path(TOKEN))).ok()
}

/// One run that ends in each way.
fn run_each(shop: &Shop) -> Vec<Json> {
    let mut runs = vec![shop.run("a.csv", GOOD), shop.run("b.csv", HALF), shop.run("c.csv", BAD)];
    shop.patch(&json!({"status": "inactive"}));
    let queued = upload(&shop.client, TOKEN, "d.csv", GOOD.as_bytes(), &[]).created();
    let id = text(&queued["execution_id"]);
    shop.client.post_empty(&format!("{}/executions/{id}/cancel", path(TOKEN))).expect(202);
    runs.push(journey::execution(&shop.client, TOKEN, id));
    shop.patch(&json!({"status": "operational"}));
    runs
}

#[test]
fn each_word_tells_of_the_runs_that_end_so() {
    let (shop, receiving) = (shop(), Receiving::new(&[]));
    for (n, word) in ["success", "partial_success", "failed", "cancelled"].into_iter().enumerate() {
        tell(&shop, &[word], &receiving.url);
        let run = run_each(&shop).remove(n);
        let told = receiving.next();
        let body = told.json();
        assert_eq!((&body["status"], &body["id"]), (&json!(word), &run["id"]));
        assert_eq!(told.headers["content-type"], "application/json");
        assert_eq!(told.headers["webhook-id"], text(&run["id"]));
        let verify = |secret: &str, body: &[u8]| {
            let header = |name: &str| told.headers.get(name).map(String::as_str);
            SignatureRule::default().verify(&[secret.to_owned()], header, body, Utc::now())
        };
        assert_eq!(verify(SECRET, &told.body), Ok(()));
        assert!(verify(SECRET, b"{}").is_err());
        assert_eq!(body, asked(&shop, text(&run["id"])));
    }
    // Of the other twelve nobody was told.
    assert_eq!(
        events(&shop, "notification_sent", 4),
        [1, 6, 11, 16].map(|n| format!("Told of run {n}: 204."))
    );
    tell(&shop, &[], &receiving.url);
    shop.run("a.csv", GOOD);
    tell(&shop, &["success"], &receiving.url);
    let last = shop.run("a.csv", GOOD);
    assert_eq!(receiving.next().json()["id"], last["id"]);
}

#[test]
fn a_run_whose_rows_were_all_rejected_is_told_of_as_a_failure() {
    let (shop, receiving) = (shop(), Receiving::new(&[]));
    for on in [&["failed"][..], &["partial_success"], &["partial_success", "failed"]] {
        tell(&shop, on, &receiving.url);
        let rejected = shop.run("d.csv", NONE);
        assert_eq!(rejected["status"], "partial_success");
        assert_eq!(receiving.next().json(), asked(&shop, text(&rejected["id"])), "{on:?}");
    }
    // One that wrote a row is not.
    tell(&shop, &["failed"], &receiving.url);
    shop.run("b.csv", HALF);
    let rejected = shop.run("d.csv", NONE);
    assert_eq!(receiving.next().json()["id"], rejected["id"]);
}

#[test]
fn what_is_told_is_the_whole_row_with_addresses_of_the_server() {
    let change = |config: &mut Config| {
        config.notify.allowed_hosts = vec!["127.0.0.1".to_owned()];
        config.server.public_url = "https://shop.test/".to_owned();
    };
    let (shop, receiving) = (Shop::with(change, SQL), Receiving::new(&[]));
    tell(&shop, &["partial_success"], &receiving.url);
    let run = shop.run("b.csv", "Number,E-Mail,Total\n1,,1\n2,,x\n");
    let told = receiving.next().json();
    assert_eq!(told, asked(&shop, text(&run["id"])));
    for file in ["input_file", "final_report", "sql_output_zip"] {
        assert!(text(&told[file]["url"]).starts_with("https://shop.test/api/files/"), "{told}");
    }
    assert_eq!(
        (&told["started_by"]["email"], &told["totals"]["errors"]),
        (&json!("admin@localhost"), &json!(1))
    );
    assert_eq!(told["step_progress"][3]["steps"][0]["custom_object"]["name"], "orders");
    // Where no address is configured it is the one that is listened on.
    let shop = self::shop();
    tell(&shop, &["success"], &receiving.url);
    shop.run("a.csv", GOOD);
    let told = receiving.next().json();
    assert!(text(&told["input_file"]["url"]).starts_with(&shop.server.url), "{told}");
}

#[test]
fn three_tries_and_no_redirect() {
    let heads = &["500 No", "302 Found\r\nLocation: /elsewhere", "503 Later", "204 No Content"];
    let (shop, receiving) = (shop(), Receiving::new(heads));
    tell(&shop, &["success"], &receiving.url);
    let run = shop.run("a.csv", GOOD);
    let control = rusqlite::Connection::open(shop.server.dir.path().join("control.db")).unwrap();
    let waiting =
        || -> i64 { control.query_row("SELECT count(*) FROM notification", [], |row| row.get(0)).unwrap() };
    for nth in 1..=3 {
        assert_eq!(receiving.next().headers["webhook-id"], text(&run["id"]));
        events(&shop, "notification_failed", nth);
        assert_eq!(waiting(), i64::from(nth < 3));
        control.execute("UPDATE notification SET next_try = 0", []).unwrap();
        shop.server.app.runner.wake();
    }
    assert_eq!(
        events(&shop, "notification_failed", 3),
        [
            "Telling of run 1 failed, try 1 of 3: it answered 500. The next comes in 10 s.",
            "Telling of run 1 failed, try 2 of 3: it answered 302. The next comes in 60 s.",
            "Telling of run 1 failed, try 3 of 3: it answered 503. It was given up.",
        ]
    );
    let next = shop.run("b.csv", GOOD);
    assert_eq!(receiving.next().headers["webhook-id"], text(&next["id"]));
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    tell(&shop, &["success"], &format!("http://{closed}/"));
    shop.run("c.csv", GOOD);
    assert!(events(&shop, "notification_failed", 4)[3].starts_with("Telling of run 3 failed, try 1 of 3: "));
}

#[test]
fn other_hosts_and_unknown_words_are_refused_and_the_secret_is_never_shown() {
    let shop = shop();
    let off = json!({"on": [], "webhook_url": null, "signing_secret": null});
    assert_eq!(detail(&shop.client, TOKEN)["notification_settings"], off);
    let url = "http://127.0.0.1:9/x";
    for (sent, named) in [
        (json!({"webhook_url": "http://example.org/", "signing_secret": SECRET}), "example.org"),
        (json!({"webhook_url": "http://127.0.0.1@example.org/", "signing_secret": SECRET}), "webhook_url"),
        (json!({"webhook_url": "ftp://127.0.0.1/", "signing_secret": SECRET}), "webhook_url"),
        (json!({"on": ["ended"], "webhook_url": url, "signing_secret": SECRET}), "ended"),
        (json!({"webhook_url": url, "signing_secret": "not base64, not base64"}), "signing_secret"),
    ] {
        let body = json!({ "notification_settings": sent });
        let sentence = shop.client.patch(&path(TOKEN), &body).refused(400, "invalid");
        assert!(sentence.contains(named), "{sentence}");
    }
    let body = json!({"notification_settings": {"on": ["failed"], "webhook_url": url}});
    shop.client.patch(&path(TOKEN), &body).refused(400, "required");
    assert_eq!(detail(&shop.client, TOKEN)["notification_settings"], off);

    let shown = tell(&shop, &["failed"], url);
    assert_eq!(shown["signing_secret"]["is_readable"], true);
    assert_eq!(shop.patch(&json!({ "notification_settings": shown }))["notification_settings"], shown);
    let copy = shop.client.post(&format!("{}/duplicate", path(TOKEN)), &json!({"name": "Copy"})).created();
    assert_eq!(copy["notification_settings"], off);
    let secret = SECRET.strip_prefix("whsec_").unwrap();
    assert!(!detail(&shop.client, TOKEN).to_string().contains(secret));
    for file in fs::read_dir(shop.server.dir.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{path:?}");
        }
    }
}

#[test]
fn a_receiver_that_hangs_holds_up_no_run_and_no_stop_and_nothing_is_lost() {
    let shop = shop();
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    tell(&shop, &["success"], &format!("http://{}/runs", hanging.local_addr().unwrap()));
    shop.run("a.csv", GOOD);
    let _stream = hanging.accept().unwrap();
    shop.run("b.csv", GOOD);
    let stopped = Instant::now();
    let Shop { client, server } = shop;
    let server = server.restarted();
    assert!(stopped.elapsed() < Duration::from_secs(8), "{:?}", stopped.elapsed());
    drop(client);
    // No host is allowed any more.
    let shop = Shop { client: server.client(), server };
    let reason = "the host \"127.0.0.1\" is not one of notify.allowed_hosts";
    let expected = [1, 2].map(|n| format!("Nobody was told of run {n}: {reason}."));
    assert_eq!(events(&shop, "notification_failed", 2), expected);
}
