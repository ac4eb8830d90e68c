//! Webhooks accepted a second, durable: requests over loopback to the release binary's server, each answered
//! once it is on disk. The connector is inactive, so that nothing but accepting is measured.
//!
//! `cargo bench --bench webhook -- [seconds] [connections]`

#![expect(clippy::unwrap_used, reason = "a bench may panic")]

#[path = "pipeline/process.rs"]
#[expect(dead_code, reason = "one part of what it tells is used here")]
mod process;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

const BODY: &str = r#"{"event":"order.paid","id":"ord_0123456789","email":"ada@example.org","total":129.5,"items":[{"sku":"A-1","n":2},{"sku":"B-7","n":1}],"note":"leave it at the door"}"#;

fn main() {
    // `cargo bench` adds a flag of its own.
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let seconds = numbers.first().copied().unwrap_or(10);
    let connections = numbers.get(1).copied().unwrap_or(64);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_smartconnector"));
    let settings = [("SMARTCONNECTOR_WEBHOOK_MAX_PENDING", "100000000")];
    let (mut server, said) = process::serve(binary, folder.path(), &settings);
    let (url, key) = (said["url"].as_str().unwrap(), said["api_key"].as_str().unwrap());
    set_up(url, key);
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let request = format!(
        "POST /api/smart-connectors/hooks/webhook?source=bench HTTP/1.1\r\nHost: {address}\r\nX-API-KEY: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let senders: Vec<_> = (0..connections)
        .map(|_| {
            let (address, request) = (address.clone(), request.clone());
            thread::spawn(move || sender(&address, request.as_bytes(), end))
        })
        .collect();
    let mut took: Vec<Duration> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
    let rate = took.len() as f64 / began.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 1000].as_secs_f64() * 1e3;
    println!("{} requests in {seconds} s over {connections} connections, all answered 201", took.len());
    println!(
        "{rate:.0} a second; median {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, longest {:.1} ms",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
    server.kill().unwrap();
    server.wait().unwrap();
}

fn set_up(url: &str, key: &str) {
    let http = reqwest::blocking::Client::new();
    let connectors = format!("{url}/api/smart-connectors");
    let body = json!({"name": "Hooks", "custom_object": "client_client", "connector_type": "webhook"});
    let made = http.post(&connectors).header("X-API-KEY", key).json(&body).send().unwrap();
    assert_eq!(made.status(), 201, "{}", made.text().unwrap());
    let body = json!({"status": "inactive"});
    let set = http.patch(format!("{connectors}/hooks")).header("X-API-KEY", key).json(&body).send().unwrap();
    assert_eq!(set.status(), 200, "{}", set.text().unwrap());
}

/// Sends one request after another. Answers how long each took.
fn sender(address: &str, request: &[u8], end: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut took = Vec::new();
    let mut answer = [0; 4096];
    loop {
        let began = Instant::now();
        if began >= end {
            return took;
        }
        stream.write_all(request).unwrap();
        let mut read = 0;
        // The answer has no body: it ends with its headers.
        while !answer[..read].ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut answer[read..]).unwrap();
            assert!(count > 0, "the server hung up");
            read += count;
        }
        took.push(began.elapsed());
        let head = String::from_utf8_lossy(&answer[..read]);
        assert!(head.starts_with("HTTP/1.1 201"), "{head}");
    }
}
