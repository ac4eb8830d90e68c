//! Acknowledged webhooks, whatever the server is killed at: each is in exactly one execution's input file, or
//! waits.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use serde_json::{Value as Json, json};

use crate::{
    process::{Process, server},
    support::{Answer, Client, journey::text, until},
};

const HOOK: &str = "/api/smart-connectors/hooks/webhook";
const CONNECTOR: &str = "/api/smart-connectors/hooks";

/// With small windows, so that one closes all the time. `None`: it died at its break-point before it was ready.
fn start(data: &Path, break_at: Option<&str>) -> Option<Process> {
    let mut command = server(data);
    command
        .env("SMARTCONNECTOR_WEBHOOK_MIN_CADENCE_S", "1")
        .env("SMARTCONNECTOR_WEBHOOK_MAX_BATCH_ROWS", "20");
    if let Some(at) = break_at {
        command.env("SMARTCONNECTOR_BREAK", at);
    }
    Process::starts(&mut command)
}

/// A connector that takes webhooks and forms batches, without a script: they wait.
fn set_up(client: &Client) {
    let body =
        json!({"name": "Hooks", "custom_object": "client_client", "connector_type": "webhook", "cadence": 1});
    client.post("/api/smart-connectors", &body).created();
}

/// Activation needs a flow that this test does not: the status is set as the server would.
fn activate(data: &Path) {
    let store = smartconnector::store::Store::open(data, smartconnector::clock::Clock::system()).unwrap();
    store
        .control
        .write(|tx| {
            let hooks = smartconnector::store::connector::named(tx, "hooks")?;
            smartconnector::store::connector::set_status(
                tx,
                hooks.id,
                smartconnector::connector::Status::Operational,
            )
        })
        .unwrap();
}

/// Sends until told to stop, or until the server is gone. Answers what was acknowledged.
fn send(client: &Client, next: &Arc<AtomicU32>, stop: &Arc<AtomicBool>) -> Vec<u32> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (client, next, stop) = (client.clone(), Arc::clone(next), Arc::clone(stop));
            let acknowledged = Arc::clone(&acknowledged);
            thread::spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    let n = next.fetch_add(1, Ordering::AcqRel);
                    let request = client
                        .request(reqwest::Method::POST, HOOK)
                        .header("Content-Type", "application/json")
                        .body(n.to_string());
                    match request.send() {
                        Ok(answer) if answer.status() == 201 => acknowledged.lock().unwrap().push(n),
                        Ok(answer) => assert_eq!(answer.status(), 503),
                        Err(_) => return,
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    let acknowledged = acknowledged.lock().unwrap();
    acknowledged.clone()
}

/// How often each number is in an execution's input file.
fn delivered(client: &Client) -> BTreeMap<u32, u32> {
    let mut found = BTreeMap::new();
    for page in 1.. {
        let list = client.get(&format!("{CONNECTOR}/executions?page={page}&page_size=100")).ok();
        for run in list["results"].as_array().unwrap() {
            assert_eq!((&run["status"], &run["trigger_type"]), (&json!("queued"), &json!("webhook")));
            let file = client.download(text(&run["input_file"]["url"])).expect(200);
            let mut csv = csv::Reader::from_reader(file.bytes.as_slice());
            for row in csv.records() {
                *found.entry(row.unwrap()[3].parse().unwrap()).or_default() += 1;
            }
        }
        if list["next"].is_null() {
            break;
        }
    }
    found
}

fn pending(client: &Client) -> Json {
    client.get(CONNECTOR).ok()["webhook_inbox"]["pending"].clone()
}

#[test]
fn an_acknowledged_webhook_is_in_one_input_file_whatever_the_server_died_at() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let first = start(data, None).unwrap();
    set_up(&first.client);
    first.kill();
    activate(data);

    let next = Arc::new(AtomicU32::new(0));
    let mut acknowledged = Vec::new();
    let mut kills = 0;
    // At each step of a batch, and while nothing in particular happens.
    for place in ["batch-taken", "batch-written", "batch-delivered", ""] {
        for nth in 1..=2 {
            let at = format!("{place}:{nth}:kill");
            kills += 1;
            let Some(process) = start(data, (!place.is_empty()).then_some(at.as_str())) else { continue };
            let stop = Arc::new(AtomicBool::new(false));
            if place.is_empty() {
                let client = process.client.clone();
                let (next, sending) = (Arc::clone(&next), Arc::clone(&stop));
                let before = next.load(Ordering::Acquire);
                let sender = thread::spawn({
                    let next = Arc::clone(&next);
                    move || send(&client, &next, &sending)
                });
                until("some requests", || (next.load(Ordering::Acquire) > before + 55 * nth).then_some(()));
                process.kill();
                acknowledged.extend(sender.join().unwrap());
            } else {
                // Ends when the server is gone.
                acknowledged.extend(send(&process.client, &next, &stop));
                drop(process);
            }
        }
    }

    let process = start(data, None).unwrap();
    process.client.post_empty(&format!("{HOOK}/flush")).expect(202);
    until("everything is delivered", || (pending(&process.client) == 0).then_some(()));
    let delivered = delivered(&process.client);
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    for n in &acknowledged {
        assert_eq!(delivered.get(n), Some(&1), "request {n}");
    }
    // One whose answer was lost with the server may be there too, once.
    assert!(delivered.values().all(|times| *times == 1), "{delivered:?}");
    println!("{} acknowledged webhooks, {kills} kills", acknowledged.len());
    process.kill();
    crate::process::checked(data);
}

#[test]
fn a_lost_key_file_is_told_and_the_secrets_entered_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let first = start(data, None).unwrap();
    set_up(&first.client);
    let secret = json!({"signing_secrets": ["a secret of some length"], "signature": {"preset": "github"}});
    let readable =
        |settings: &Json| settings["webhook_settings"]["signing_secrets"][0]["is_readable"].clone();
    let set = |client: &Client| client.patch(CONNECTOR, &json!({"webhook_settings": secret})).ok();
    assert_eq!(readable(&set(&first.client)), true);
    first.kill();
    let again = start(data, None).unwrap();
    assert_eq!(readable(&again.client.get(CONNECTOR).ok()), true);
    again.kill();
    std::fs::remove_file(data.join("secrets.key")).unwrap();
    let without = start(data, None).unwrap();
    assert_eq!(readable(&without.client.get(CONNECTOR).ok()), false);
    assert_eq!(readable(&set(&without.client)), true);
    let (_, lines) = without.stop();
    let log = Json::from(lines).to_string();
    assert!(log.contains("hooks") && log.contains("Enter them again"), "{log}");
    assert!(!log.contains("a secret of some length"));
}

/// While the disk stands still, what arrives waits in memory: not more than there is room for.
#[test]
fn bodies_that_wait_for_the_disk_are_bounded_by_their_size() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let first = start(data, None).unwrap();
    set_up(&first.client);
    first.kill();
    activate(data);
    let held = data.join("held");
    let mut command = server(data);
    command
        .env("SMARTCONNECTOR_WEBHOOK_MIN_CADENCE_S", "1")
        .env("SMARTCONNECTOR_WEBHOOK_MAX_BODY_KB", "65536")
        .env("SMARTCONNECTOR_BREAK", "inbox:1:hold")
        .env("SMARTCONNECTOR_BREAK_HOLD", &held);
    let process = Process::started(&mut command);
    let (tell, told) = std::sync::mpsc::channel();
    let send = || {
        let (client, tell) = (process.client.clone(), tell.clone());
        thread::spawn(move || {
            let body = vec![b'x'; 40 * 1024 * 1024];
            let request = client.request(reqwest::Method::POST, HOOK).header("Content-Type", "text/plain");
            tell.send(Answer::of("large", request.body(body))).unwrap();
        })
    };
    // The first is on its way to the disk, one of the others waits for it.
    let mut senders = vec![send()];
    until("a commit is held", || held.exists().then_some(()));
    senders.extend([send(), send()]);
    // Senders that give up end the wait below.
    drop(tell);
    let refused = told.recv().unwrap().expect(503);
    assert_eq!(refused.headers["retry-after"], "2");
    assert!(refused.refused(503, "busy").starts_with("More webhooks arrive than the disk takes."));
    std::fs::remove_file(&held).unwrap();
    for _ in 0..2 {
        told.recv().unwrap().expect(201);
    }
    for sender in senders {
        sender.join().unwrap();
    }
}
