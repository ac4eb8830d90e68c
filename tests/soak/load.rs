//! Everybody's work at once, each waiting for its own answers: what comes is what the server can take.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    process::{self, HOOKS, TOKEN},
    support::{
        Answer, Client,
        journey::{self, draft_path, path, run_ended, text, upload},
        until,
    },
};

/// Keys of the records: after the first round every row is an update.
const KEYS: usize = 3_000;
/// Webhooks of a batch.
const BATCH: usize = 40;

/// The connectors of the load: what they keep is bounded.
pub fn set_up(client: &Client) {
    process::set_up(client);
    process::set_up_hooks(client);
    for token in [TOKEN, HOOKS] {
        client.patch(&path(token), &json!({"retention_runs": 20, "max_concurrency": 2})).ok();
    }
}

/// What works, and how long answers took.
pub struct Load {
    pub done: AtomicBool,
    client: Client,
    took: Mutex<BTreeMap<&'static str, Vec<Duration>>>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Load {
    pub fn new(client: &Client) -> Self {
        Self {
            done: AtomicBool::new(false),
            client: client.clone(),
            took: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    pub fn start<'s>(&'s self, threads: &'s Scope<'s, '_>) -> Vec<ScopedJoinHandle<'s, ()>> {
        let work: [fn(&Self, usize); 6] =
            [Self::uploads, Self::webhooks, Self::reads, Self::cancels, Self::samples, Self::backups];
        let repeat = move |work: fn(&Self, usize)| {
            let mut n = 0;
            while !self.done.load(Ordering::Acquire) {
                work(self, n);
                n += 1;
            }
        };
        work.into_iter().map(|work| threads.spawn(move || repeat(work))).collect()
    }

    /// The times since this was asked before.
    pub fn took(&self) -> BTreeMap<&'static str, Vec<Duration>> {
        std::mem::take(&mut *self.took.lock().unwrap())
    }

    /// How much was done of each.
    pub fn told(&self) {
        let counts = self.counts.lock().unwrap();
        println!("{counts:?}");
        for what in ["read", "webhook", "upload", "cancel", "sample", "backup"] {
            assert!(counts.get(what).is_some_and(|count| *count > 1), "{what}: hardly anything: {counts:?}");
        }
    }

    fn timed(&self, what: &'static str, ask: impl FnOnce() -> Answer) -> Answer {
        let began = Instant::now();
        let answer = ask();
        self.took.lock().unwrap().entry(what).or_default().push(began.elapsed());
        self.count(what);
        assert!(answer.status.as_u16() < 500, "{what}: {} {}", answer.status, answer.text());
        answer
    }

    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap().entry(what).or_default() += 1;
    }

    /// A file, every fourth one with rows that are rejected, every fifth a dry run.
    fn uploads(&self, n: usize) {
        let mut bytes = b"Number,Total\n".to_vec();
        for row in 0..500 {
            let total =
                if n.is_multiple_of(4) && row % 50 == 0 { "none".to_owned() } else { (n + row).to_string() };
            bytes.extend(format!("{:06},{total}\n", (n * 500 + row) % KEYS).bytes());
        }
        let is_dry = if n.is_multiple_of(5) { "true" } else { "false" };
        let sent = self
            .timed("upload", || upload(&self.client, TOKEN, "soak.csv", &bytes, &[("is_dry_run", is_dry)]));
        let id = text(&sent.created()["execution_id"]).to_owned();
        let row = run_ended(&self.client, TOKEN, &id);
        let rejected = row["totals"]["errors"].as_u64().unwrap();
        assert_eq!(rejected, if n.is_multiple_of(4) { 10 } else { 0 }, "{row}");
        if rejected > 0 {
            let url = format!("{}/executions/{id}/rejected.csv", path(TOKEN));
            assert_eq!(self.client.download(&url).expect(200).text().lines().count(), 11);
        }
        self.client.download(text(&row["final_report"]["url"])).expect(200);
    }

    /// A batch, to its records.
    fn webhooks(&self, n: usize) {
        let hook = format!("{}/webhook", path(HOOKS));
        for row in 0..BATCH {
            let key = (n * BATCH + row) % KEYS;
            self.timed("webhook", || self.client.post(&hook, &json!({"n": key.to_string()}))).expect(201);
        }
        self.client.post_empty(&format!("{hook}/flush")).expect(202);
        until("the batch is taken", || {
            (self.client.get(&path(HOOKS)).ok()["webhook_inbox"]["pending"] == 0).then_some(())
        });
    }

    /// What a page shows.
    fn reads(&self, n: usize) {
        let detail = self.timed("read", || self.client.get(&path(TOKEN))).ok();
        let id = text(&detail["id"]);
        for url in [
            "/api/executions?page_size=20".to_owned(),
            format!("/api/smart-connectors/{id}/events-history?page_size=20"),
            "/api/files?page_size=20".to_owned(),
            "/metrics".to_owned(),
            "/readyz".to_owned(),
        ] {
            self.timed("read", || self.client.get(&url)).expect(200);
        }
        let orders = journey::object_id(&self.client, "orders");
        let search = format!("/api/records/{orders}/search?page_size=50&page={}", 1 + n % 10);
        self.timed("read", || self.client.post(&search, &json!({"query": [], "and": true})));
    }

    /// A run that is stopped while it waits or works, and watched meanwhile.
    fn cancels(&self, _: usize) {
        let sent = upload(&self.client, TOKEN, "long.csv", &process::file(KEYS), &[]).created();
        let id = text(&sent["execution_id"]).to_owned();
        let run = format!("{}/executions/{id}", path(TOKEN));
        let watch = self.client.request(reqwest::Method::GET, &format!("{run}/progress")).send().unwrap();
        assert!(watch.status().is_success());
        let status =
            self.timed("cancel", || self.client.post_empty(&format!("{run}/cancel"))).status.as_u16();
        assert!([200, 202, 409].contains(&status), "{status}");
        run_ended(&self.client, TOKEN, &id);
        // To its end, where the server closes it.
        watch.bytes().unwrap();
    }

    fn samples(&self, _: usize) {
        let script = draft_path(&journey::detail(&self.client, TOKEN));
        self.timed("sample", || self.client.post_empty(&format!("{script}/start"))).expect(202);
        assert_eq!(journey::ended(&self.client, &script)["state"], "success");
    }

    fn backups(&self, _: usize) {
        let bytes = self.client.download("/api/backup").expect(200).bytes;
        assert!(bytes.len() > 10_000);
        self.count("backup");
        // A backup reads everything: one after another would be all that the disk does.
        let next = Instant::now() + Duration::from_secs(20);
        while Instant::now() < next && !self.done.load(Ordering::Acquire) {
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}
