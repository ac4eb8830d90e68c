//! How a server may be started.

use chrono::Datelike as _;
use serde_json::{Value as Json, json};

use crate::{
    process::{self, Process, TOKEN, file, program, set_up},
    support::{
        journey::{self, activate, path, run_ended, text, upload},
        until,
    },
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

/// A schedule that this version can't read, as an older one or a hand may have left it. It is told once, and the
/// other connectors' ticks come.
#[test]
fn a_schedule_that_cannot_be_read_is_told_once_and_holds_nobody_up() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::start(data.path());
    journey::object(&first.client, "pulse", &[]);
    // Half a year from now: none comes of itself.
    let cron = format!("0 6 15 {} *", (chrono::Utc::now().month0() + 6) % 12 + 1);
    for name in ["Broken", "Good"] {
        let object = journey::object_id(&first.client, "pulse");
        let mut body = json!({"name": name, "custom_object": object, "connector_type": "schedule"});
        body["schedule"] = json!({"cron": cron, "missed": "last"});
        first.client.post("/api/smart-connectors", &body).created();
        let script = journey::draft_path(&journey::detail(&first.client, &name.to_lowercase()));
        // Without a script the tick passes through.
        first.client.patch(&script, &json!({"user_script": ""})).ok();
    }
    let broken = journey::detail(&first.client, "broken")["id"].as_str().unwrap().to_owned();
    assert!(first.stop().0);
    let control = rusqlite::Connection::open(data.path().join("control.db")).unwrap();
    control
        .execute_batch(
            "UPDATE connector SET status = 'operational';
             UPDATE connector SET schedule = replace(schedule, '0 6 ', '0 66 ') WHERE api_name = 'broken';
             UPDATE schedule SET next_tick = 1767225600000
             WHERE connector_id = (SELECT id FROM connector WHERE api_name = 'good')",
        )
        .unwrap();
    drop(control);

    let held = data.path().join("held");
    let mut command = process::server(data.path());
    command.env("SMARTCONNECTOR_BREAK", "timer:4:hold").env("SMARTCONNECTOR_BREAK_HOLD", &held);
    let second = Process::started(&mut command);
    until("it has looked three times", || held.exists().then_some(()));
    std::fs::remove_file(&held).unwrap();
    let runs = second.client.get(&format!("{}/executions", journey::path("good"))).ok();
    assert_eq!(runs["count"], 1, "{runs}");
    let (ended_well, log) = second.stop();
    assert!(ended_well);
    let said: Vec<_> = log.iter().filter(|line| line.to_string().contains(&broken)).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].to_string().contains("0 66 15 "), "{said:?}");
}

/// A folder that somebody made for it, open to all, and a load and its report in the middle of their work.
#[cfg(unix)]
#[test]
fn the_data_folder_and_all_that_is_in_it_is_its_owners_alone() {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
    fn modes(dir: &Path, found: &mut Vec<(String, u32)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            // A file that a run is done with may go meanwhile.
            let Ok(of) = fs::symlink_metadata(&path) else { continue };
            found.push((path.display().to_string(), of.permissions().mode() & 0o777));
            if of.is_dir() {
                modes(&path, found);
            }
        }
    }
    for (at, is_dry_run) in [("batch_committed:15:hold", "false"), ("report:1:hold", "true")] {
        let root = tempfile::tempdir().unwrap();
        let (data, held) = (root.path().join("data"), root.path().join("held"));
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = process::server(&data);
        command.env("SMARTCONNECTOR_BREAK", at).env("SMARTCONNECTOR_BREAK_HOLD", &held);
        let server = Process::started(&mut command);
        set_up(&server.client);
        upload(&server.client, TOKEN, "a.csv", &file(3_000), &[("is_dry_run", is_dry_run)]).created();
        until("it is held", || held.exists().then_some(()));
        let mut found =
            vec![(data.display().to_string(), fs::metadata(&data).unwrap().permissions().mode() & 0o777)];
        modes(&data, &mut found);
        let open: Vec<_> = found.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
        assert!(open.is_empty(), "{open:?}");
        let has = |name: &str| found.iter().any(|(path, _)| path.ends_with(name));
        assert!(has("server.lock") && has("reserve") && has("control.db-wal"), "{found:?}");
        assert!(has(if is_dry_run == "true" { "dry.db" } else { "output.db" }), "{found:?}");
        fs::remove_file(&held).unwrap();
    }
}

/// Runs a server that does not come to listen. Answers what it says.
fn refused(command: &mut std::process::Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_database_of_a_newer_program_and_a_key_that_could_be_guessed_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let short = refused(process::server(data.path()).env("SMARTCONNECTOR_ADMIN_KEY", "k".repeat(31)));
    let sentence = "SMARTCONNECTOR_ADMIN_KEY: expected at least 32 printable characters without spaces";
    assert!(short.contains(sentence), "{short}");
    // Nothing was made that would keep the next start from making it right.
    assert!(Process::start(data.path()).stop().0);

    let path = data.path().join("records.db");
    let records = rusqlite::Connection::open(&path).unwrap();
    records.pragma_update(None, "user_version", 99).unwrap();
    drop(records);
    let newer = refused(&mut process::server(data.path()));
    let sentence = format!(
        "{} was written by a newer smartconnector (schema 99; this one knows 1). Use that version, or restore a backup.",
        path.display()
    );
    assert!(newer.contains(&sentence), "{newer}");
}

#[test]
fn an_address_that_others_reach_is_warned_of_unless_tls_is_in_front() {
    for (listen, public_url, is_warned) in [
        ("0.0.0.0:0", "", true),
        ("0.0.0.0:0", "http://in.example.org", true),
        ("0.0.0.0:0", "https://in.example.org", false),
        ("127.0.0.1:0", "", false),
    ] {
        let data = tempfile::tempdir().unwrap();
        let mut command = program();
        command.args(["serve", "--json", "--listen", listen, "--data"]).arg(data.path());
        let server = Process::started(command.env("SMARTCONNECTOR_SERVER_PUBLIC_URL", public_url));
        let (ended_well, log) = server.stop();
        assert!(ended_well);
        let warned = |line: &Json| line["level"] == "warn" && line.to_string().contains("put TLS in front");
        assert_eq!(log.iter().any(warned), is_warned, "{listen} {public_url}: {log:?}");
    }
}
