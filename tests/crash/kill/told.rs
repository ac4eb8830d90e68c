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
    process::TOKEN,
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
        self.published = self.published.max(more.published);
        self.publishes += more.publishes;
    }

    /// After a restart: what the last life acknowledged.
    pub fn check(&mut self, client: &Client) {
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

fn downloaded(client: &Client, file: &str) -> Vec<u8> {
    client.download(&format!("/api/files/{file}/download")).expect(200).bytes
}
