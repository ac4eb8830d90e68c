//! The clients of `fixtures/clients`, each run as the README says, against a real server.

use std::process::{Command, Output};

use serde_json::json;

use crate::support::{
    TestServer,
    journey::{self, detail},
};

/// Without this program there is nothing to test; where everything must be tested, that is a failure.
fn is_there(program: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    let missing = format!("{program} is not installed: the client that needs it was not tested");
    assert!(std::env::var_os("CI").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    false
}

/// The command that the README has for a client.
fn command(client: &str) -> String {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("## A client in one file").expect("the README's section");
    let (section, _) = section.split_once("\n## ").expect("a section after it");
    let line = section.lines().find(|line| line.contains(client)).expect("the client's command");
    line.to_owned()
}

fn run(server: &TestServer, command: &str, key: &str) -> Output {
    Command::new("sh")
        .args(["-c", command])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs([("URL", server.url.as_str()), ("KEY", key), ("NO_PROXY", "127.0.0.1")])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("a shell")
}

fn makes_runs_shows_and_cancels(client: &str, connector: &str) {
    let server = TestServer::start();
    let command = command(client);
    // The second time the connector is there already.
    for (made, created) in [(true, 2), (false, 0)] {
        let output = run(&server, &command, &server.key);
        let (said, failed) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}\n{failed}");
        assert_eq!(said.contains(&format!("made the connector {connector}")), made, "{said}");
        assert!(said.contains(&format!("partial_success, {created} created, 1 rejected")), "{said}");
        assert!(said.contains("A-2,bob@example.org,n/a,"), "{said}");
        assert!(said.trim_end().ends_with(": cancelled"), "{said}");
    }
    let admin = server.client();
    let found = journey::records(&admin, "client_orders", &["name", "mail", "total"]);
    let expected = [
        [json!("A-1"), json!("ada@example.org"), json!(12.5)],
        [json!("A-3"), json!("eve@example.org"), json!(7)],
    ];
    assert_eq!(found, expected.map(Vec::from));
    let runs = admin.get(&format!("/api/smart-connectors/{connector}/executions?ordering=created")).ok();
    let runs = runs["results"].as_array().unwrap();
    let ends: Vec<&str> = runs.iter().map(|run| journey::text(&run["status"])).collect();
    assert_eq!(ends, ["partial_success", "cancelled", "partial_success", "cancelled"]);
    assert_eq!(detail(&admin, connector)["max_concurrency"], 1);

    // What the server refuses ends it, and its sentence is shown.
    let output = run(&server, &command, "sck_unknown");
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && failed.contains("unknown, expired or revoked"), "{failed}");
    let output = run(&server, &format!("{command} no/such/file.csv"), &server.key);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_client_in_curl_works_as_the_readme_says() {
    if is_there("curl") {
        makes_runs_shows_and_cancels("client.sh", "curl_orders");
    }
}

#[test]
fn the_client_in_python_works_as_the_readme_says() {
    if is_there("python3") {
        makes_runs_shows_and_cancels("client.py", "python_orders");
    }
}
