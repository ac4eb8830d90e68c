//! A file of any size in and out again, beside a plain copy of it; and the server's memory meanwhile.
//!
//! `cargo bench --bench file -- 500` sends 500 MB to a connector (100 without a number), and downloads them. Each of
//! the three ends when its bytes are on disk. Copy, upload and download take turns, so that all three
//! meet the same neighbours.
#![expect(clippy::unwrap_used, reason = "a bench that can't go on stops")]

#[path = "pipeline/process.rs"]
#[expect(dead_code, reason = "one part of what it tells is used here")]
mod process;

use std::{
    fs::File,
    io::{BufReader, Read as _, Write as _},
    path::Path,
    process::Child,
    time::Instant,
};

use reqwest::blocking::{Body, Client, RequestBuilder};
use serde_json::{Value as Json, json};

const MB: usize = 1024 * 1024;
const ROUNDS: u64 = 3;

fn main() {
    let size: usize = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(100);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server = Server::start(&dir.path().join("data"));
    let connector = server.connector();
    println!("{size} MB, {ROUNDS} rounds, load average {}", process::load_average());
    println!("idle {} MB", process::used(server.child.id()).peak_mb);
    let [file, copy, back] = ["file.csv", "copy.csv", "back.csv"].map(|name| dir.path().join(name));
    for round in 1..=ROUNDS {
        make(&file, size, round);
        let copied = timed(|| pour(&mut File::open(&file).unwrap(), &copy));
        let (mut id, mut peaks) = (String::new(), [0; 2]);
        let sent = timed(|| id = server.upload(&connector, &file));
        peaks[0] = server.peak();
        let got = timed(|| pour(&mut server.download(&id), &back));
        peaks[1] = server.peak();
        assert!(same(&file, &back), "other bytes came back");
        println!(
            "copy {copied:6.2} s   upload {sent:6.2} s ({:.2} ×, peak {} MB)   download {got:6.2} s ({:.2} ×, peak {} MB)",
            copied / sent,
            peaks[0],
            copied / got,
            peaks[1]
        );
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Other bytes each round: content seen before would be stored once.
fn make(path: &Path, size: usize, seed: u64) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut file = File::create(path).unwrap();
    let mut block = vec![0; MB];
    for _ in 0..size {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
}

fn pour(from: &mut impl std::io::Read, to: &Path) {
    let mut file = File::create(to).unwrap();
    let mut block = vec![0; MB];
    loop {
        let count = from.read(&mut block).unwrap();
        if count == 0 {
            break;
        }
        file.write_all(&block[..count]).unwrap();
    }
    file.sync_all().unwrap();
}

fn same(one: &Path, other: &Path) -> bool {
    let [mut one, mut other] = [one, other].map(|path| BufReader::new(File::open(path).unwrap()));
    let (mut a, mut b) = (vec![0; MB], vec![0; MB]);
    while let Ok(()) = one.read_exact(&mut a) {
        if other.read_exact(&mut b).is_err() || a != b {
            return false;
        }
    }
    other.read(&mut b).unwrap() == 0
}

struct Server {
    child: Child,
    http: Client,
    url: String,
    key: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(folder: &Path) -> Self {
        let (child, said) = process::serve(
            Path::new(env!("CARGO_BIN_EXE_smartconnector")),
            folder,
            &[("SMARTCONNECTOR_FILES_MAX_UPLOAD_MB", "4000")],
        );
        let word = |key: &str| said[key].as_str().unwrap().to_owned();
        let http = Client::builder().timeout(None).build().unwrap();
        Self { child, http, url: word("url"), key: word("api_key") }
    }

    /// One that is not activated: what is sent to it waits.
    fn connector(&self) -> String {
        let new = json!({"object_name": "Things", "entity_name": "Thing", "name": "things"});
        let object = Self::json(self.post("/api/custom-objects").json(&new));
        let new = json!({"name": "Things", "custom_object": object["id"], "connector_type": "spreadsheet"});
        Self::json(self.post("/api/smart-connectors").json(&new))["id"].as_str().unwrap().to_owned()
    }

    fn upload(&self, connector: &str, path: &Path) -> String {
        process::forget_peak(self.child.id());
        let to = self.post(&format!("/api/smart-connectors/{connector}/upload?filename=file.csv"));
        let answer = Self::json(to.body(Body::from(File::open(path).unwrap())));
        answer["source_file_id"].as_str().unwrap().to_owned()
    }

    fn download(&self, id: &str) -> impl std::io::Read + use<> {
        process::forget_peak(self.child.id());
        let from = self.http.get(format!("{}/api/files/{id}/download", self.url));
        from.header("X-API-KEY", &self.key).send().unwrap().error_for_status().unwrap()
    }

    fn peak(&self) -> u64 {
        process::used(self.child.id()).peak_mb
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).header("X-API-KEY", &self.key)
    }

    fn json(request: RequestBuilder) -> Json {
        request.send().unwrap().error_for_status().unwrap().json().unwrap()
    }
}
