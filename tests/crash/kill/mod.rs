//! The kill test: a server that is driven with uploads, forms, webhooks, publishes, schedule ticks and cancels, and killed at
//! random moments and at named break-points. After every restart, what it had acknowledged must be there.
//!
//! 20 kills; `KILLS=200` for the long form. `KILL_SEED` repeats one.

mod drive;
mod told;

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use self::{
    drive::{Random, drive},
    told::Told,
};
use crate::{
    process::{self, HOOKS, Process, checked, set_up, set_up_hooks},
    support::{
        Client,
        configure::{configure, maps, matches, step, variable},
        journey::{self, path, text},
        until,
    },
};

const PULSE: &str = "pulse";
/// Where the process dies by itself, in every second round.
const BREAKS: [&str; 12] = [
    "queued:2",
    "file_finished:3",
    "chunks_committed:1",
    "claimed:2",
    "run:2",
    "batch_committed:7",
    "before_end:2",
    "after_end:2",
    "tick_files:1",
    "batch-taken:2",
    "batch-written:2",
    "batch-delivered:2",
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn whatever_was_acknowledged_is_there_after_every_kill() {
    let kills = number("KILLS").unwrap_or(20);
    let clock = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    let seed = number("KILL_SEED").unwrap_or(clock.into());
    println!("{kills} kills, KILL_SEED={seed}");
    let mut random = Random::new(seed);
    let data = tempfile::tempdir().unwrap();
    let server = Process::start(data.path());
    set_up(&server.client);
    set_up_schedule(&server.client);
    set_up_hooks(&server.client);
    server.kill();

    let mut told = Told::default();
    let began = Instant::now();
    for round in 0..kills {
        let mut server = Process::start(data.path());
        told.check(&server.client, data.path());
        let said = checked(data.path());
        assert_eq!(said["unfinished_uploads"], 0, "what uploads left is swept");
        let at = (round % 2 == 1).then(|| BREAKS[usize::try_from(round / 2).unwrap() % BREAKS.len()]);
        if let Some(at) = at {
            // Another process: what is being checked could come to the break-point.
            server.kill();
            ticks_come(data.path());
            let mut command = process::server(data.path());
            let started = Process::starts(command.env("SMARTCONNECTOR_BREAK", format!("{at}:kill")));
            // What was queued may come to it before anybody asks for anything.
            let Some(started) = started else { continue };
            server = started;
        }
        one_life(server, at, &mut told, &mut random);
    }
    let lives = began.elapsed();
    last_life(data.path(), &mut told);
    println!(
        "{kills} kills in {} s. Acknowledged and checked: {} uploads ({} rows), {} files, {} webhooks, {} cancels, {} publishes; \
         {} runs in all, {} of them interrupted, {} ticks",
        lives.as_secs(),
        told.uploads.len(),
        told.uploads.iter().map(|upload| upload.rows.end - upload.rows.start).sum::<u64>(),
        told.files.len(),
        told.webhooks.len(),
        told.cancels.len(),
        told.publishes,
        told.runs,
        told.interrupted,
        told.ticks,
    );
}

/// Is driven and dies.
fn one_life(mut server: Process, at: Option<&str>, told: &mut Told, random: &mut Random) {
    let pause = Duration::from_millis(30 + random.below(500));
    thread::scope(|threads| {
        let client = server.client.clone();
        let driving = threads.spawn(move || drive(&client, random.fork(), at == Some("chunks_committed:1")));
        let end = Instant::now() + if at.is_some() { Duration::from_secs(8) } else { pause };
        while Instant::now() < end && server.child.try_wait().unwrap().is_none() {
            thread::park_timeout(Duration::from_millis(5));
        }
        let _ = server.child.kill();
        server.child.wait().unwrap();
        told.add(driving.join().unwrap());
    });
}

/// Lets everything end, runs again what was interrupted or cancelled: then the records are those of files that
/// nothing interrupted.
fn last_life(data: &Path, told: &mut Told) {
    let server = Process::start(data);
    let client = &server.client;
    client.post_empty(&format!("{}/webhook/flush", path(HOOKS))).expect(202);
    until("nothing waits", || {
        (journey::detail(client, HOOKS)["webhook_inbox"]["pending"] == 0).then_some(())
    });
    told.check(client, data);
    for row in all_ended(client) {
        told.runs += 1;
        told.interrupted += u64::from(row["error_details"] == "interrupted by a restart");
        if row["status"] != "success" {
            told.explained(&row);
            let of = text(&row["connector"]["id"]);
            client.post(&format!("{}/executions/{}/rerun", path(of), text(&row["id"])), &json!({})).created();
        }
    }
    for row in all_ended(client) {
        let is_old = ["failed", "cancelled"].contains(&text(&row["status"]));
        assert!(is_old || row["status"] == "success", "{row}");
    }
    checked(data);
    assert!(server.stop().0);
    assert_eq!(checked(data)["unfinished_uploads"], 0);
    told.records(data);
    told.webhook_records(data);
    told.ticks = ticks(data);
}

fn all_ended(client: &Client) -> Vec<Json> {
    // After hundreds of lives much has been left to do.
    let patience = Instant::now() + Duration::from_mins(10);
    loop {
        let rows = all(client, "/api/executions");
        if rows.iter().all(|row| !row["ended_at"].is_null()) {
            return rows;
        }
        assert!(Instant::now() < patience, "not everything ends");
        thread::park_timeout(Duration::from_millis(100));
    }
}

/// All pages of a list, oldest first: what comes meanwhile moves nothing.
fn all(client: &Client, list: &str) -> Vec<Json> {
    let mut rows = Vec::new();
    for page in 1.. {
        let answer = client.get(&format!("{list}?page={page}&page_size=1000&ordering=created")).ok();
        rows.extend(answer["results"].as_array().unwrap().iter().cloned());
        if answer["next"].is_null() {
            break;
        }
    }
    rows
}

/// A connector whose every tick is one record.
fn set_up_schedule(client: &Client) {
    journey::object(client, PULSE, &[]);
    let object = journey::object_id(client, PULSE);
    let times = json!({"cron": "* * * * *", "missed": "all", "overlap": "queue"});
    let new =
        json!({"name": "Pulse", "custom_object": object, "connector_type": "schedule", "schedule": times});
    client.post("/api/smart-connectors", &new).created();
    let sql = "CREATE TABLE output.pulse AS SELECT schedule_trigger_time AS tick FROM input.schedule;";
    journey::publish(client, PULSE, sql);
    let variables = [variable("tick", "string", "pulse", "tick")];
    let step = step(PULSE, "pulse", None, json!([matches("name", "tick")]), json!([maps("name", "tick")]));
    configure(client, PULSE, &variables, &[step]);
    journey::activate(client, PULSE);
}

/// As if the server had been down for three minutes more.
fn ticks_come(data: &Path) {
    let control = Connection::open(data.join("control.db")).unwrap();
    control
        .execute_batch(
            "UPDATE schedule SET next_tick = coalesce((SELECT min(scheduled_for) FROM execution), next_tick) - 180000",
        )
        .unwrap();
}

/// Every minute from the first tick to the last has one run and one record. Answers how many.
fn ticks(data: &Path) -> u64 {
    let count = |file: &str, sql: &str| -> (i64, i64) {
        let database = Connection::open(data.join(file)).unwrap();
        database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    let (runs, minutes) = count(
        "control.db",
        "SELECT count(*), (max(scheduled_for) - min(scheduled_for)) / 60000 + 1 FROM execution
         WHERE scheduled_for IS NOT NULL AND scheduled_for >= (SELECT max(scheduled_for) FROM execution) - 5940000",
    );
    assert_eq!(runs, minutes, "each tick of the latest hundred is one run");
    let (all, _) = count("control.db", "SELECT count(*), 0 FROM execution WHERE scheduled_for IS NOT NULL");
    let (records, names) = count("records.db", "SELECT count(*), count(DISTINCT name) FROM record_pulse");
    assert_eq!((records, names), (all, all));
    all.unsigned_abs()
}

#[test]
fn a_restore_that_is_cut_off_is_refused_by_the_server() {
    let root = tempfile::tempdir().unwrap();
    let (data, backup) = (root.path().join("data"), root.path().join("backup"));
    let server = Process::start(&data);
    assert!(process::ran(&["backup", backup.to_str().unwrap()], &data).status.success());
    assert!(server.stop().0);
    let to = root.path().join("restored");
    let restore = |at: Option<&str>| -> bool {
        let mut command: Command = process::program();
        command.arg("restore").arg(&backup).arg("--data").arg(&to);
        command.envs(at.map(|at| ("SMARTCONNECTOR_BREAK", at)));
        command.output().unwrap().status.success()
    };
    assert!(!restore(Some("restored_part:2:kill")));
    let refused = process::server(&to).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("was cut off. Empty the folder"), "{said}");
    std::fs::remove_dir_all(&to).unwrap();
    assert!(restore(None));
    checked(&to);
}
