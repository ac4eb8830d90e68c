//! A disk that is full: a small file system in memory, which only root can mount. Elsewhere this says so.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{
    process::{Process, TOKEN, checked, file, records, send, set_up},
    support::{
        journey::{self, run_ended, text},
        until,
    },
};

/// A mounted file system; unmounted when dropped.
struct Small(PathBuf, #[expect(dead_code, reason = "removes the folder")] tempfile::TempDir);

impl Small {
    fn mount(mb: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("disk");
        fs::create_dir(&at).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mb}m"), "smartconnector-test"])
            .arg(&at)
            .output();
        done.is_ok_and(|done| done.status.success()).then(|| Self(at, dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Leaves this much free.
fn fill(dir: &Path, leave: u64) -> PathBuf {
    let path = dir.join("somebody else's");
    let free = || {
        let found = rustix::fs::statvfs(dir).unwrap();
        found.f_bavail * found.f_frsize
    };
    let mut out = fs::File::create(&path).unwrap();
    while free() > leave {
        let piece = (free() - leave).min(1024 * 1024);
        match out.write_all(&vec![1; usize::try_from(piece).unwrap()]) {
            // The server took it meanwhile.
            Err(error) if error.kind() == ErrorKind::StorageFull => {}
            written => written.unwrap(),
        }
    }
    path
}

#[test]
fn a_full_disk_ends_the_run_refuses_writing_goes_on_reading_and_passes() {
    let Some(disk) = Small::mount(160) else {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "CI has to be able to mount a small file system, which takes root");
        eprintln!("SKIPPED: mounting a small file system takes root");
        return;
    };
    let data = disk.0.join("data");
    let server = Process::start(&data);
    let client = &server.client;
    set_up(client);
    let before = send(client, b"Number,Total\nbefore,1\n");
    assert_eq!(run_ended(client, TOKEN, &before)["status"], "success");
    assert_eq!(fs::metadata(data.join("reserve")).unwrap().len(), 32 * 1024 * 1024);

    // Room for the upload and the beginning of its load.
    let bytes = file(60_000);
    let id = send(client, &bytes);
    until("rows are loaded", || {
        let row = journey::execution(client, TOKEN, &id);
        (row["totals"]["created"].as_u64()? > 0).then_some(())
    });
    fill(&data, 0);
    let row = run_ended(client, TOKEN, &id);
    assert_eq!(row["status"], "failed", "{row}");
    assert!(text(&row["error_details"]).starts_with("disk full: "), "{row}");
    let created = row["totals"]["created"].as_u64().unwrap();
    assert!(created > 0 && created < 60_000, "{row}");

    // What the run left may be enough to go on with: somebody takes that too. From the first write that finds no
    // space, whatever there is for the end of a run is not for requests.
    let filler = fill(&data, 0);
    journey::upload(client, TOKEN, "big.csv", &vec![b'x'; 24 * 1024 * 1024], &[]).refused(503, "busy");
    for _ in 0..20 {
        let refused = client.post("/api/api-keys", &json!({"name": "x", "role": "viewer"})).expect(503);
        assert_eq!(refused.headers["retry-after"], "30");
        refused.refused(503, "busy");
    }
    assert_eq!(client.get("/readyz").expect(503).json()["status"], "not_ready");
    assert_eq!(records(client), created + 1, "reading goes on");
    assert_eq!(journey::records(client, "orders", &["name"]).len() as u64, created + 1);

    fs::remove_file(filler).unwrap();
    let again = until("there is space again", || {
        let answer = journey::upload(client, TOKEN, "again.csv", &bytes, &[]);
        (answer.status.as_u16() == 201).then(|| answer.json())
    });
    let row = run_ended(client, TOKEN, text(&again["execution_id"]));
    assert_eq!((&row["status"], &row["totals"]["unchanged"]), (&json!("success"), &json!(created)), "{row}");
    assert_eq!(client.get("/readyz").ok()["status"], "ready");
    assert!(data.join("reserve").exists(), "the reserve is made anew");

    // An upload that fills the disk: what was written of it can't be removed then, and goes once there is space.
    let filler = fill(&data, 20 * 1024 * 1024);
    journey::upload(client, TOKEN, "huge.csv", &vec![b'y'; 40 * 1024 * 1024], &[]).refused(503, "busy");
    let unfinished = || {
        let files = rusqlite::Connection::open(data.join("files.db")).unwrap();
        let sql = "SELECT count(*) FROM content WHERE sha256 IS NULL";
        files.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(unfinished(), 1, "a part of it was written");
    fs::remove_file(filler).unwrap();
    until("nothing of it is left", || (unfinished() == 0).then_some(()));
    checked(&data);
    assert!(server.stop().0);
}
