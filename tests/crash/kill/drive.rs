//! Those who work with the server until it dies under them.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use reqwest::{
    Method,
    blocking::{
        RequestBuilder,
        multipart::{Form, Part},
    },
};
use serde_json::{Value as Json, json};

use super::told::{Told, Upload, bytes};
use crate::{
    process::{HOOKS, TOKEN},
    support::{
        Client,
        journey::{draft_path, path, text},
    },
};

/// Numbers of rows and scripts are given out once in all lives.
static NEXT_ROW: AtomicU64 = AtomicU64::new(1000);
static NEXT_SCRIPT: AtomicU64 = AtomicU64::new(1);

/// A small generator of numbers (xorshift), so that a seed repeats a test.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub fn fork(&mut self) -> Self {
        Self::new(self.below(u64::MAX))
    }
}

/// The answer; `None` when the server died. Nothing else may go wrong.
fn asked(request: RequestBuilder) -> Option<(u16, Json)> {
    let answer = request.send().ok()?;
    let status = answer.status().as_u16();
    let body = answer.bytes().ok()?;
    assert!(status < 500, "{status}: {}", String::from_utf8_lossy(&body));
    Some((status, serde_json::from_slice(&body).unwrap_or_default()))
}

/// Everybody at once, until the server dies. Answers what was acknowledged.
pub fn drive(client: &Client, mut random: Random, with_large: bool) -> Told {
    let started = Mutex::new(Vec::new());
    let mut told = Told::default();
    thread::scope(|threads| {
        let (a, b, c) = (random.fork(), random.fork(), random.fork());
        let started = &started;
        let workers = [
            threads.spawn(move || uploads(client, a, started, with_large)),
            threads.spawn(move || forms(client, b)),
            threads.spawn(move || cancels(client, c, started)),
            threads.spawn(move || publishes(client)),
            threads.spawn(move || webhooks(client)),
            threads.spawn(move || flushes(client)),
        ];
        for worker in workers {
            told.add(worker.join().unwrap());
        }
    });
    told
}

fn part(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name("rows.csv").mime_str("text/csv").unwrap()
}

fn uploads(client: &Client, mut random: Random, started: &Mutex<Vec<String>>, with_large: bool) -> Told {
    let mut told = Told::default();
    loop {
        let (count, pad) = if with_large { (2_000, 10_000) } else { (1 + random.below(1_500), 1) };
        let first = NEXT_ROW.fetch_add(count, Ordering::AcqRel);
        let rows = first..first + count;
        told.tried_rows.push(rows.clone());
        let form = Form::new().part("file", part(bytes(&rows, pad)));
        let request = client.request(Method::POST, &format!("{}/upload", path(TOKEN))).multipart(form);
        let Some((status, answer)) = asked(request) else { return told };
        assert_eq!(status, 201, "{answer}");
        let execution = text(&answer["execution_id"]).to_owned();
        started.lock().unwrap().push(execution.clone());
        told.uploads.push(Upload { rows, pad, execution, file: text(&answer["source_file_id"]).to_owned() });
    }
}

/// The three legs of a form.
fn forms(client: &Client, mut random: Random) -> Told {
    let mut told = Told::default();
    for n in 0.. {
        let sent = format!("Number,Total\n{n},{}\n", random.below(u64::MAX)).into_bytes();
        let query =
            [("contenttype", "text/csv"), ("filename", "f.csv"), ("source", "smart_connector_import")];
        let ask = client.request(Method::GET, "/api/s3/presigned-post").query(&query);
        let Some((_, form)) = asked(ask) else { break };
        let mut body = Form::new();
        for (field, value) in form["fields"].as_object().unwrap() {
            body = body.text(field.clone(), text(value).to_owned());
        }
        let fill = client.http.post(text(&form["url"])).multipart(body.part("file", part(sent.clone())));
        let Ok(filled) = fill.send() else { break };
        let etag = filled.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
        let words = [
            ("uuid", text(&form["s3object_id"])),
            ("key", text(&form["fields"]["key"])),
            ("name", "f.csv"),
            ("etag", &etag),
        ];
        let say = client.request(Method::POST, "/api/s3/success?source=smart_connector_import").form(&words);
        let Some((status, file)) = asked(say) else { break };
        assert_eq!(status, 201, "{file}");
        told.files.push((text(&file["id"]).to_owned(), sent));
    }
    told
}

/// Cancels some of the runs that others started.
fn cancels(client: &Client, mut random: Random, started: &Mutex<Vec<String>>) -> Told {
    let mut told = Told::default();
    loop {
        // Asking is the pause: there is nothing to cancel most of the time.
        if asked(client.request(Method::GET, "/api/executions?page_size=1")).is_none() {
            return told;
        }
        let Some(id) = started.lock().unwrap().pop() else { continue };
        if random.below(2) != 0 {
            continue;
        }
        told.tried_cancels.insert(id.clone());
        let cancel = client.request(Method::POST, &format!("{}/executions/{id}/cancel", path(TOKEN)));
        let Some((status, row)) = asked(cancel.json(&json!({}))) else { return told };
        if status == 200 || status == 202 {
            told.cancels.insert(id, text(&row["status"]).to_owned());
        }
    }
}

/// One webhook after the other, each with a number of its own.
fn webhooks(client: &Client) -> Told {
    let mut told = Told::default();
    loop {
        let n = NEXT_ROW.fetch_add(1, Ordering::AcqRel);
        told.tried_webhooks.insert(n);
        let send = client.request(Method::POST, &format!("{}/webhook", path(HOOKS)));
        let Some((status, answer)) = asked(send.json(&json!({ "n": n }))) else { return told };
        assert_eq!(status, 201, "{answer}");
        told.webhooks.insert(n);
    }
}

/// Closes the window again and again.
fn flushes(client: &Client) -> Told {
    loop {
        let flush = client.request(Method::POST, &format!("{}/webhook/flush", path(HOOKS)));
        if asked(flush.json(&json!({}))).is_none() {
            return Told::default();
        }
        thread::park_timeout(std::time::Duration::from_millis(40));
    }
}

/// Publishes the same script with another number, again and again.
fn publishes(client: &Client) -> Told {
    let mut told = Told::default();
    while publish(client, &mut told).is_some() {}
    told
}

fn publish(client: &Client, told: &mut Told) -> Option<()> {
    let (_, detail) = asked(client.request(Method::GET, &path(TOKEN)))?;
    let draft = draft_path(&detail);
    let number = NEXT_SCRIPT.fetch_add(1, Ordering::AcqRel);
    let sql = format!(
        "CREATE TABLE output.orders AS SELECT rowid AS _line, number, total FROM input.orders_csv; -- {number}"
    );
    asked(client.request(Method::PATCH, &draft).json(&json!({ "user_script": sql })))?;
    let start = json!({"source_file_id": detail["source_file"]["id"]});
    asked(client.request(Method::POST, &format!("{draft}/start")).json(&start))?;
    loop {
        let (_, script) = asked(client.request(Method::GET, &draft))?;
        match text(&script["state"]) {
            "in_progress" | "queued" => {}
            "success" => break,
            // Another life's sample that was interrupted: this one begins anew.
            _ => return Some(()),
        }
    }
    let (status, _) = asked(client.request(Method::POST, &format!("{draft}/publish")).json(&json!({})))?;
    if status == 200 {
        told.published = number;
        told.publishes += 1;
    }
    Some(())
}
