//! What the server acknowledged, and whether it is there.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    ops::Range,
    path::Path,
};

use rusqlite::Connection;
use serde_json::Value as Json;

use crate::{
    process::{HOOKS, TOKEN},
    support::{
        Client,
        journey::{self, path, text},
    },
};

/// A file of rows whose numbers nobody else has.
#[derive(Clone)]
pub struct Upload {
    pub rows: Range<u64>,
    /// Bytes of a column that nobody reads.
    pub pad: usize,
    pub execution: String,
    pub file: String,
}

pub fn bytes(rows: &Range<u64>, pad: usize) -> Vec<u8> {
    let pad = "x".repeat(pad);
    let mut csv = "Number,Total,Pad\n".to_owned();
    for n in rows.clone() {
        writeln!(csv, "{n:09},{n}.25,{pad}").unwrap();
    }
    csv.into_bytes()
}

#[derive(Default)]
pub struct Told {
    pub uploads: Vec<Upload>,
    /// Sent with a form and registered.
    pub files: Vec<(String, Vec<u8>)>,
    /// Rows of every upload that was begun.
    pub tried_rows: Vec<Range<u64>>,
    /// Runs that somebody asked to cancel, acknowledged or not.
    pub tried_cancels: HashSet<String>,
    /// Acknowledged ones, with the status that was told.
    pub cancels: HashMap<String, String>,
    /// Numbers of acknowledged webhooks.
    pub webhooks: HashSet<u64>,
    pub tried_webhooks: HashSet<u64>,
    /// The run whose input file each webhook is in.
    delivered: HashMap<u64, String>,
    read_runs: HashSet<String>,
    /// The greatest number of a published script.
    pub published: u64,
    pub publishes: u64,
    pub runs: u64,
    pub interrupted: u64,
    pub ticks: u64,
    /// Uploads and files that were looked at after a restart.
    seen: (usize, usize),
}

impl Told {
    pub fn add(&mut self, more: Self) {
        self.uploads.extend(more.uploads);
        self.files.extend(more.files);
        self.tried_rows.extend(more.tried_rows);
        self.tried_cancels.extend(more.tried_cancels);
        self.cancels.extend(more.cancels);
        self.webhooks.extend(more.webhooks);
        self.tried_webhooks.extend(more.tried_webhooks);
        self.published = self.published.max(more.published);
        self.publishes += more.publishes;
    }

    /// After a restart: what the last life acknowledged.
    pub fn check(&mut self, client: &Client, data: &Path) {
        self.check_webhooks(client, data);
        for upload in &self.uploads[self.seen.0..] {
            let row = journey::execution(client, TOKEN, &upload.execution);
            self.explained(&row);
            assert!(downloaded(client, &upload.file) == bytes(&upload.rows, upload.pad), "{}", upload.file);
        }
        for (file, sent) in &self.files[self.seen.1..] {
            assert!(downloaded(client, file) == *sent, "{file}");
        }
        self.seen = (self.uploads.len(), self.files.len());
        for (id, told) in &self.cancels {
            let now = journey::execution(client, TOKEN, id)["status"].clone();
            // Told as cancelled it is; told to stop it may have come to its end before.
            assert!(told != "cancelled" || now == "cancelled", "{id} was cancelled and is {now}");
        }
        let live = text(&journey::detail(client, TOKEN)["live_script"]["id"]).to_owned();
        let script = client.get(&format!("{}/sql-scripts/{live}", path(TOKEN))).ok();
        let number = text(&script["user_script"]).rsplit("-- ").next().unwrap().trim().parse::<u64>();
        assert!(number.unwrap_or_default() >= self.published, "{} was published: {script}", self.published);
    }

    /// Every acknowledged webhook waits or is in the input file of one run; none is in two.
    fn check_webhooks(&mut self, client: &Client, data: &Path) {
        // First those that wait: they may be delivered meanwhile, and never the other way round.
        let waiting = waiting(data);
        for run in &super::all(client, &format!("{}/executions", path(HOOKS))) {
            let id = text(&run["id"]).to_owned();
            if run["trigger_type"] != "webhook" || !self.read_runs.insert(id.clone()) {
                continue;
            }
            let file = client.download(text(&run["input_file"]["url"])).expect(200);
            for row in csv::Reader::from_reader(file.bytes.as_slice()).records() {
                let n = number(row.unwrap().get(3).unwrap());
                let other = self.delivered.insert(n, id.clone());
                assert_eq!(other, None, "the webhook {n} is in two runs, one of them {id}");
            }
        }
        for n in &self.webhooks {
            assert!(waiting.contains(n) || self.delivered.contains_key(n), "the webhook {n} is lost");
        }
        for n in self.delivered.keys() {
            assert!(self.tried_webhooks.contains(n), "nobody sent the webhook {n}");
        }
    }

    /// A run's row is legal and says why it ended.
    pub fn explained(&self, row: &Json) {
        let id = text(&row["id"]);
        match text(&row["status"]) {
            "queued" | "in_progress" | "cancelling" | "success" => {}
            "failed" => assert_eq!(row["error_details"], "interrupted by a restart", "{row}"),
            "cancelled" => assert!(self.tried_cancels.contains(id), "nobody cancelled it: {row}"),
            _ => panic!("{row}"),
        }
    }

    /// In the end every acknowledged webhook is in one run, and is one record.
    pub fn webhook_records(&self, data: &Path) {
        assert_eq!(waiting(data), HashSet::new());
        let database = Connection::open(data.join("records.db")).unwrap();
        let mut statement = database.prepare("SELECT name FROM record_hooks").unwrap();
        let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let mut found: Vec<u64> = names.map(|name| name.unwrap().parse().unwrap()).collect();
        let mut delivered: Vec<u64> = self.delivered.keys().copied().collect();
        found.sort_unstable();
        delivered.sort_unstable();
        assert_eq!(found, delivered);
    }

    /// In the end every row of every acknowledged upload is one record, and no other row is any.
    pub fn records(&self, data: &Path) {
        let database = Connection::open(data.join("records.db")).unwrap();
        let mut statement =
            database.prepare("SELECT name, total FROM record_orders WHERE name <> '1'").unwrap();
        let mut found: HashMap<u64, f64> = HashMap::new();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let name: String = row.get(0).unwrap();
            let total: String = row.get::<_, rusqlite::types::Value>(1).map(|v| format!("{v:?}")).unwrap();
            let digits: String = total.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
            let twice = found.insert(name.parse().unwrap(), digits.parse().unwrap());
            assert!(twice.is_none(), "{name} is there twice");
        }
        for upload in &self.uploads {
            for n in upload.rows.clone() {
                assert_eq!(found.remove(&n), Some(n as f64 + 0.25), "row {n} of {}", upload.execution);
            }
        }
        // Of uploads whose answer was lost.
        for n in found.keys() {
            assert!(self.tried_rows.iter().any(|rows| rows.contains(n)), "nobody sent {n}");
        }
    }
}

/// The numbers of the webhooks that wait.
fn waiting(data: &Path) -> HashSet<u64> {
    let inbox = Connection::open(data.join("inbox.db")).unwrap();
    let sql = "SELECT body FROM request JOIN inbox ON inbox.key = request.inbox WHERE seq > taken_seq";
    let mut statement = inbox.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|body| number(&body.unwrap())).collect()
}

fn number(body: &str) -> u64 {
    serde_json::from_str::<Json>(body).unwrap()["n"].as_u64().unwrap()
}

fn downloaded(client: &Client, file: &str) -> Vec<u8> {
    client.download(&format!("/api/files/{file}/download")).expect(200).bytes
}
