//! Files of every kind, good and bad, as runs, templates and rejected rows see them.

mod bad;
mod bombs;
mod columns;
mod rejected;
mod several;
mod workbooks;

use std::{
    fs,
    io::{Cursor, Write as _},
};

use serde_json::Value as Json;
use smartconnector::config::Config;

use crate::{
    setup,
    support::{
        Client, TestServer,
        journey::{path, run_ended, text, upload},
    },
};

/// A server with a connector in setup, whose empty script passes the only input table through.
struct Desk {
    client: Client,
    server: TestServer,
    token: String,
}

impl Desk {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let server = TestServer::with(change);
        let object = setup::object(&server, "things", &[]);
        let connector = setup::connector(&server, "Things", &object);
        Self { client: server.client(), token: text(&connector["id"]).to_owned(), server }
    }

    /// Runs a file dry: which a connector in setup may. Answers the ended row. The file must still be what
    /// was sent.
    fn dry_run(&self, name: &str, bytes: &[u8]) -> Json {
        self.run(name, bytes, &[("is_dry_run", "true")])
    }

    fn run(&self, name: &str, bytes: &[u8], fields: &[(&str, &str)]) -> Json {
        let sent = upload(&self.client, &self.token, name, bytes, fields).expect(201).json();
        let row = run_ended(&self.client, &self.token, text(&sent["execution_id"]));
        let file = self.client.get(&format!("/api/files/{}", text(&sent["source_file_id"]))).ok();
        assert_eq!(file["name"], name);
        assert!(
            self.client.download(text(&file["url"])).expect(200).bytes == bytes,
            "{name} is not what was sent"
        );
        row
    }

    /// What the log of a run says of its file.
    fn said(&self, row: &Json) -> Vec<String> {
        let url = format!("{}/executions/{}/logs?page_size=100", path(&self.token), text(&row["id"]));
        let lines = self.client.get(&url).ok()["results"].as_array().unwrap().clone();
        // Each stage also tells when it begins, and how long it took.
        let is_of_stage = |said: &str| said == "Begins." || said.starts_with("Done in ");
        let of_file = lines.into_iter().filter(|line| line["stage"] == "smart_connector_input_read");
        of_file.map(|line| text(&line["message"]).to_owned()).filter(|said| !is_of_stage(said)).collect()
    }
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(format!("{}/fixtures/odd/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
