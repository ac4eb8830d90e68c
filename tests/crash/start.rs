//! How a server may be started.

use serde_json::json;

use crate::{
    process::{Process, TOKEN, file, program, set_up},
    support::journey::{activate, path, run_ended, text, upload},
};

#[test]
fn an_ephemeral_server_begins_with_the_imported_connectors_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(&dir.path().join("data"));
    set_up(&first.client);
    let export = dir.path().join("orders.json");
    std::fs::write(&export, first.client.get(&format!("{}/export", path(TOKEN))).expect(200).bytes).unwrap();
    drop(first);

    let temporary = dir.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = program();
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--ephemeral", "--import"]).arg(&export);
    let server = Process::started(command.env("TMPDIR", &temporary));
    activate(&server.client, TOKEN);
    let queued = upload(&server.client, TOKEN, "a.csv", &file(3), &[]).created();
    let run = run_ended(&server.client, TOKEN, text(&queued["execution_id"]));
    assert_eq!((&run["status"], &run["totals"]["created"]), (&json!("success"), &json!(3)));
    assert!(server.stop().0);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn an_import_at_start_is_done_once_and_a_bad_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = Process::start(&data);
    set_up(&first.client);
    let export = dir.path().join("orders.json");
    std::fs::write(&export, first.client.get(&format!("{}/export", path(TOKEN))).expect(200).bytes).unwrap();
    assert!(first.stop().0);
    let importing = |file: &std::path::Path| {
        let mut command = program();
        command
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .arg("--import")
            .arg(file);
        command
    };
    let again = Process::started(&mut importing(&export));
    assert_eq!(again.client.get("/api/smart-connectors").ok()["count"], 1);
    assert!(again.stop().0);
    std::fs::write(&export, "{}").unwrap();
    let output = importing(&export).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("orders.json: missing field"), "{output:?}");
}
