//! Backups taken from a server that works, and what becomes of them elsewhere.

use std::{fs, path::Path};

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::{
    process::{
        HOOKS, Process, TOKEN, checked, file, ran, records, send, set_up, set_up_hooks, wait_for_hold,
    },
    support::{
        Client,
        journey::{self, execution, run_ended, text},
    },
};

const SMALL: &[u8] = b"Number,Total\nx,1\ny,2\n";

fn said(output: &std::process::Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn restore(file: &Path, data: &Path) {
    let done = said(&ran(&["restore", file.to_str().unwrap()], data));
    assert_eq!(done.0, Some(0), "{done:?}");
}

#[test]
fn a_backup_taken_during_a_load_is_a_server_that_was_interrupted() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let held = root.path().join("held");
    let server = Process::start_holding(&data, &held);
    set_up(&server.client);
    let whole = send(&server.client, SMALL);
    assert_eq!(run_ended(&server.client, TOKEN, &whole)["status"], "success");
    let kept = server.client.send_file("kept.csv", b"Number,Total\n7,7\n");
    let id = send(&server.client, &file(3_000));
    wait_for_hold(&held);

    let by_command = root.path().join("by command");
    let done = said(&ran(&["backup", by_command.to_str().unwrap(), "--json"], &data));
    assert_eq!(done.0, Some(0), "{done:?}");
    let manifest: Json = serde_json::from_str(&done.1).unwrap();
    assert_eq!(manifest["parts"].as_array().unwrap().len(), 4, "{manifest}");
    let by_api = root.path().join("by api");
    let answer = server.client.download("/api/backup").expect(200);
    assert!(answer.headers["content-disposition"].to_str().unwrap().contains(".backup\""));
    fs::write(&by_api, answer.bytes).unwrap();
    fs::remove_file(held).unwrap();
    run_ended(&server.client, TOKEN, &id);
    checked(&data);
    drop(server);

    for backup in [by_command, by_api] {
        let other = root.path().join(format!("{} restored", backup.display()));
        restore(&backup, &other);
        let server = Process::start(&other);
        let client = &server.client;
        let row = execution(client, TOKEN, &id);
        let created = row["totals"]["created"].as_u64().unwrap();
        assert_eq!((&row["status"], created > 0), (&json!("failed"), true), "{row}");
        assert_eq!(row["error_details"], "interrupted by a restart");
        assert_eq!(records(client), created + 2);
        let bytes = client.download(&format!("/api/files/{}/download", text(&kept["id"]))).expect(200).bytes;
        assert_eq!(bytes, b"Number,Total\n7,7\n");
        assert_eq!(checked(&other)["executions"], 2);
        let events = Connection::open(other.join("control.db")).unwrap();
        let taken: i64 = events
            .query_row("SELECT count(*) FROM event WHERE event_type = 'backup'", [], |row| row.get(0))
            .unwrap();
        assert!(taken <= 1, "the event of a download is in it or not, once");
    }
}

#[test]
fn what_the_records_have_finished_does_not_run_again_when_control_is_older() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let server = Process::start(&data);
    set_up(&server.client);
    let id = send(&server.client, SMALL);
    assert_eq!(run_ended(&server.client, TOKEN, &id)["totals"]["created"], 2);
    assert!(server.stop().0);
    // As a backup has it that copied control.db before the run was claimed.
    let control = Connection::open(data.join("control.db")).unwrap();
    control
        .execute_batch(
            "UPDATE execution SET state = 'queued', started_at = NULL, ended_at = NULL, stages = '[]',
                 totals = json_set(totals, '$.rows', 0, '$.created', 0, '$.not_processed', 0)",
        )
        .unwrap();
    drop(control);

    let server = Process::start(&data);
    let row = execution(&server.client, TOKEN, &id);
    assert_eq!((&row["status"], &row["totals"]["created"]), (&json!("success"), &json!(2)), "{row}");
    assert_eq!(records(&server.client), 2);
    checked(&data);
}

#[test]
fn the_commands_refuse_what_they_must_and_say_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let (data, backup) = (root.path().join("data"), root.path().join("backup"));
    let name = backup.to_str().unwrap();
    let refused = |arguments: &[&str], data: &Path, why: &str| {
        let (code, out, error) = said(&ran(arguments, data));
        assert_eq!((code, &*out), (Some(1), ""), "{arguments:?}: {error}");
        assert!(error.starts_with("error: ") && error.lines().count() == 1 && error.contains(why), "{error}");
    };
    for arguments in [&["backup", name][..], &["check"], &["vacuum"]] {
        refused(arguments, &data, "is no data folder");
    }
    assert!(!data.exists(), "looking makes nothing");
    let server = Process::start(&data);
    refused(&["vacuum"], &data, "Stop it");
    assert_eq!(said(&ran(&["backup", name], &data)).0, Some(0));
    refused(&["backup", name], &data, "exists already");
    refused(&["restore", name], &data, "not empty");
    refused(&["restore", "no such file"], &root.path().join("x"), "no such file");
    let editor = server.client.post("/api/api-keys", &json!({"name": "e", "role": "editor"})).created();
    let editor = Client { key: text(&editor["secret"]).to_owned(), ..server.client.clone() };
    editor.get("/api/backup").refused(403, "permission_required");
    assert!(server.stop().0);

    let (code, out, error) = said(&ran(&["vacuum", "--json"], &data));
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(serde_json::from_str::<Json>(&out).unwrap()["deleted_fields"], 0);
    assert_eq!(said(&ran(&["check", "--no-such-flag"], &data)).0, Some(2));

    Connection::open(data.join("files.db"))
        .unwrap()
        .execute_batch("INSERT INTO content (sha256, size) VALUES (zeroblob(32), 5)")
        .unwrap();
    let (code, out, _) = said(&ran(&["check"], &data));
    assert_eq!(code, Some(1));
    assert!(out.contains("it has 0 bytes and should have 5") && out.contains("things are wrong"), "{out}");
}

#[test]
fn a_restore_without_the_key_file_names_the_secrets_to_enter_again() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let server = Process::start(&data);
    set_up_hooks(&server.client);
    let secret = "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==";
    let settings = json!({"webhook_settings": {"signing_secrets": [secret]}});
    server.client.patch(&journey::path(HOOKS), &settings).ok();
    for (name, flags, lost) in [("without", &[][..], 1), ("with", &["--with-key"], 0)] {
        let backup = root.path().join(name);
        let done = said(&ran(&[&["backup", backup.to_str().unwrap()], flags].concat(), &data));
        assert_eq!((done.0, done.2.contains("secrets.key is not in it")), (Some(0), lost == 1), "{done:?}");
        let other = root.path().join(format!("{name} restored"));
        restore(&backup, &other);
        let (ended_well, log) = Process::start(&other).stop();
        assert!(ended_well);
        let told = |line: &&Json| text(&line["message"]).contains("can't be read: secrets.key");
        assert_eq!(log.iter().filter(told).count(), lost, "{log:?}");
        let text = fs::read(&backup).unwrap();
        assert!(!text.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[test]
fn a_lost_key_is_replaced_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Process::start(data.path());
    let (code, out, error) = said(&ran(&["keys", "create", "--role", "admin"], data.path()));
    assert_eq!(code, Some(0), "{error}");
    out.trim().clone_into(&mut server.client.key);
    let made = server.client.post("/api/api-keys", &json!({"name": "next", "role": "viewer"})).created();
    assert!(made["secret"].is_string());
    journey::object(&server.client, "orders", &[]);
}
