//! Schedules, by a clock that the test moves.

use std::{thread, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use smartconnector::{app::App, clock::Clock, config::Config};

use crate::support::{
    Client, TestServer,
    configure::{configure, maps, matches, step, variable},
    journey::{self, detail, path, run_ended, text},
    until,
};

const TOKEN: &str = "pulse";
const SQL: &str = "CREATE TABLE output.pulse AS
SELECT s.schedule_trigger_time AS tick, m.cadence, m.timeframe_start AS since, m.trigger_type AS kind
FROM input.schedule s, meta.current_execution m;
";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

struct Pulse {
    server: TestServer,
    client: Client,
    clock: Clock,
}

impl Pulse {
    /// An operational connector with these times.
    fn new(now: &str, times: &Json) -> Self {
        Self::with(now, times, |_| {})
    }

    /// The same with a changed configuration.
    fn with(now: &str, times: &Json, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::fixed(at(now));
        let server = TestServer::at(clock.clone(), change);
        let client = server.client();
        let fields = ["since", "cadence", "kind"].map(|name| json!({"name": name, "field_type": "text"}));
        journey::object(&client, "pulse", &fields);
        create(&client, "Pulse", times).created();
        journey::publish(&client, TOKEN, SQL);
        let variables =
            ["tick", "since", "cadence", "kind"].map(|name| variable(name, "string", "pulse", name));
        let mapping = json!([
            maps("name", "tick"),
            maps("since", "since"),
            maps("cadence", "cadence"),
            maps("kind", "kind")
        ]);
        let step = step("pulse", "pulse", None, json!([matches("name", "tick")]), mapping);
        configure(&client, TOKEN, &variables, &[step]);
        journey::activate(&client, TOKEN);
        Self { server, client, clock }
    }

    fn app(&self) -> &App {
        &self.server.app
    }

    /// Moves the clock, lets the timer look. Answers all runs, oldest first, when as many have ended.
    fn go(&self, now: &str, runs: usize) -> Vec<Json> {
        self.clock.set(at(now));
        self.app().runner.wake();
        self.ended(runs)
    }

    fn ended(&self, runs: usize) -> Vec<Json> {
        let url = format!("{}/executions?trigger_type=schedule&ordering=created", path(TOKEN));
        until(&format!("{runs} runs"), || {
            let rows = self.client.get(&url).ok()["results"].as_array().unwrap().clone();
            assert!(rows.len() <= runs, "{} runs: {rows:?}", rows.len());
            (rows.len() == runs && rows.iter().all(|row| !row["ended_at"].is_null())).then_some(rows)
        })
    }

    fn skipped(&self, ticks: u64) {
        until(&format!("{ticks} skipped"), || {
            let skipped = detail(&self.client, TOKEN)["skipped_ticks"].as_u64().unwrap();
            assert!(skipped <= ticks, "{skipped}");
            (skipped == ticks).then_some(())
        });
    }

    /// Name of every record: the ticks that ran.
    fn ticks(&self) -> Vec<String> {
        let rows = journey::records(&self.client, "pulse", &["name"]);
        rows.iter().map(|row| text(&row[0]).to_owned()).collect()
    }
}

fn create(client: &Client, name: &str, times: &Json) -> crate::support::Answer {
    let object = journey::object_id(client, "pulse");
    let mut body = json!({"name": name, "custom_object": object, "connector_type": "schedule"});
    body.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
    client.post("/api/smart-connectors", &body)
}

#[test]
fn a_cadence_ticks_and_each_tick_is_one_run_with_its_file() {
    let pulse = Pulse::new("2026-05-31T08:00:10Z", &json!({"cadence": 3600}));
    let shown = detail(&pulse.client, TOKEN);
    assert_eq!((&shown["cadence"], &shown["schedule"]), (&json!(3600), &Json::Null));
    assert_eq!(shown["next_run_at"], "2026-05-31T09:00:00Z");
    assert_eq!(shown["next_runs"].as_array().unwrap().len(), 5);
    let runs = pulse.go("2026-05-31T09:00:01Z", 1);
    let run = &runs[0];
    assert_eq!((&run["status"], &run["trigger_type"]), (&json!("success"), &json!("schedule")), "{run}");
    assert_eq!(run["started_by"], Json::Null);
    let file = &run["input_file"];
    assert_eq!(file["name"], format!("schedule_{}.csv", at("2026-05-31T09:00:00Z").timestamp()));
    let bytes = pulse.client.download(text(&file["url"])).expect(200).text();
    assert_eq!(bytes, "schedule_trigger_time\n2026-05-31T09:00:00Z\n");
    let rows = journey::records(&pulse.client, "pulse", &["name", "since", "cadence", "kind"]);
    assert_eq!(rows, [["2026-05-31T09:00:00Z", "2026-05-31T08:00:00Z", "3600", "schedule"].map(Json::from)]);
    pulse.go("2026-05-31T10:00:00Z", 2);
    assert_eq!(detail(&pulse.client, TOKEN)["next_run_at"], "2026-05-31T11:00:00Z");
}

#[test]
fn cron_goes_by_the_clock_of_its_zone() {
    let times = json!({"schedule": {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}});
    let pulse = Pulse::new("2026-03-28T12:00:00Z", &times);
    let schedule = detail(&pulse.client, TOKEN)["schedule"].clone();
    let expected =
        json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin", "missed": "last", "overlap": "queue"});
    assert_eq!(schedule, expected);
    assert_eq!(detail(&pulse.client, TOKEN)["next_run_at"], "2026-03-29T01:00:00Z");
    pulse.go("2026-03-29T00:59:59Z", 0);
    pulse.go("2026-03-29T01:00:00Z", 1);
    pulse.go("2026-03-30T00:30:00Z", 2);
    assert_eq!(pulse.ticks(), ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    let since = journey::records(&pulse.client, "pulse", &["name", "since", "cadence"]);
    assert_eq!(since[1][1..], [json!("2026-03-29T01:00:00Z"), Json::Null]);
    // Sent back as read it stays; the other one takes its place.
    pulse.client.patch(&path(TOKEN), &json!({"cadence": null, "schedule": schedule})).ok();
    let after = pulse.client.patch(&path(TOKEN), &json!({"cadence": 60})).ok();
    assert_eq!((&after["cadence"], &after["schedule"]), (&json!(60), &Json::Null));
    assert_eq!(after["next_run_at"], "2026-03-30T00:31:00Z");
}

#[test]
fn missed_ticks_are_run_as_the_connector_says() {
    for (missed, runs, skipped) in [("last", 1, 3), ("all", 4, 0), ("skip", 0, 4)] {
        let times = json!({"schedule": {"cron": "0 * * * *", "timezone": "UTC", "missed": missed}});
        let pulse = Pulse::new("2026-05-31T08:30:00Z", &times);
        pulse.go("2026-05-31T12:30:00Z", runs);
        pulse.skipped(skipped);
        pulse.go("2026-05-31T13:00:00Z", runs + 1);
        pulse.skipped(skipped);
    }
}

/// They waited for a queue that takes them all at once, which never comes.
#[test]
fn of_more_missed_ticks_than_the_queue_holds_the_latest_run() {
    let times = json!({"schedule": {"cron": "0 * * * *", "timezone": "UTC", "missed": "all"}});
    let pulse = Pulse::with("2026-05-31T08:30:00Z", &times, |config| config.runner.max_queued = 3);
    pulse.go("2026-05-31T13:30:00Z", 3);
    pulse.skipped(2);
    assert_eq!(pulse.ticks(), ["2026-05-31T11:00:00Z", "2026-05-31T12:00:00Z", "2026-05-31T13:00:00Z"]);
    pulse.go("2026-05-31T14:00:00Z", 4);
    pulse.skipped(2);
}

/// The queue is only short of room while others wait in it.
#[test]
fn missed_ticks_wait_until_the_queue_has_room_for_them() {
    let times = json!({"schedule": {"cron": "0 * * * *", "timezone": "UTC", "missed": "all"}});
    let pulse = Pulse::with("2026-05-31T08:30:00Z", &times, |config| config.runner.max_queued = 3);
    pulse.client.patch(&path(TOKEN), &json!({"max_concurrency": 0})).ok();
    let url = format!("{}/executions?status=queued", path(TOKEN));
    for (now, queued) in [("2026-05-31T09:00:00Z", 1), ("2026-05-31T10:00:00Z", 2)] {
        pulse.clock.set(at(now));
        pulse.app().runner.wake();
        until(&format!("{queued} wait"), || (pulse.client.get(&url).ok()["count"] == queued).then_some(()));
    }
    // Three were missed, and there is room for one. A look of the timer that leaves all as it is gives no sign.
    pulse.clock.set(at("2026-05-31T13:30:00Z"));
    pulse.app().runner.wake();
    thread::sleep(Duration::from_millis(1_500));
    assert_eq!(pulse.client.get(&url).ok()["count"], 2);
    pulse.client.patch(&path(TOKEN), &json!({"max_concurrency": 1})).ok();
    pulse.ended(5);
    pulse.skipped(0);
}

#[test]
fn a_clock_that_jumps_repeats_no_tick_and_loses_none() {
    let pulse = Pulse::new("2026-05-31T08:30:00Z", &json!({"cadence": 3600}));
    pulse.go("2026-05-31T09:00:05Z", 1);
    // A day ahead: one run for all that was missed.
    pulse.go("2026-06-01T09:30:00Z", 2);
    pulse.skipped(23);
    // And back: the tick that ran does not run again, the next ones do.
    pulse.go("2026-05-31T08:59:00Z", 2);
    until("looked up anew", || {
        let next = pulse
            .app()
            .store
            .control
            .read(|conn| smartconnector::store::schedule::ahead(conn, at("2026-05-31T08:59:00Z")));
        (next.unwrap()[0].1 == at("2026-05-31T09:00:00Z")).then_some(())
    });
    pulse.go("2026-05-31T09:00:01Z", 2);
    pulse.go("2026-05-31T10:00:01Z", 3);
    let ticks = ["2026-05-31T09:00:00Z", "2026-05-31T10:00:00Z", "2026-06-01T09:00:00Z"];
    assert_eq!(pulse.ticks(), ticks);
}

#[test]
fn ticks_of_an_inactive_connector_are_skipped_and_counted() {
    let pulse = Pulse::new("2026-05-31T08:30:00Z", &json!({"cadence": 3600}));
    pulse.client.patch(&path(TOKEN), &json!({"status": "inactive"})).ok();
    assert_eq!(detail(&pulse.client, TOKEN)["next_run_at"], Json::Null);
    pulse.clock.set(at("2026-05-31T10:30:00Z"));
    pulse.app().runner.wake();
    pulse.skipped(2);
    pulse.client.patch(&path(TOKEN), &json!({"status": "operational"})).ok();
    pulse.go("2026-05-31T11:00:00Z", 1);
    assert_eq!(pulse.ticks(), ["2026-05-31T11:00:00Z"]);
    pulse.skipped(2);
}

#[test]
fn a_tick_over_a_run_that_has_not_ended_waits_or_is_skipped() {
    for (overlap, waiting) in [("queue", 2), ("skip", 1)] {
        let times = json!({"schedule": {"cron": "0 * * * *", "timezone": "UTC", "overlap": overlap}});
        let pulse = Pulse::new("2026-05-31T08:30:00Z", &times);
        // Nothing starts, so the first one stays.
        pulse.client.patch(&path(TOKEN), &json!({"max_concurrency": 0})).ok();
        let url = format!("{}/executions?status=queued", path(TOKEN));
        let queued = |now: &str, n: u64| {
            pulse.clock.set(at(now));
            pulse.app().runner.wake();
            until(&format!("{n} queued"), || (pulse.client.get(&url).ok()["count"] == n).then_some(()));
        };
        queued("2026-05-31T09:00:00Z", 1);
        pulse.clock.set(at("2026-05-31T10:00:00Z"));
        pulse.app().runner.wake();
        until("the next tick", || {
            (detail(&pulse.client, TOKEN)["skipped_ticks"].as_u64().unwrap()
                + pulse.client.get(&url).ok()["count"].as_u64().unwrap()
                == 2)
                .then_some(())
        });
        assert_eq!(pulse.client.get(&url).ok()["count"], waiting);
        pulse.client.patch(&path(TOKEN), &json!({"max_concurrency": 1})).ok();
        pulse.ended(waiting);
    }
}

#[test]
fn a_schedule_connector_has_what_template_and_dry_run_need() {
    let server = TestServer::at(Clock::fixed(at("2026-05-31T08:30:00Z")), |_| {});
    let client = server.client();
    journey::object(&client, "pulse", &[]);
    let made = create(&client, "Pulse", &json!({"cadence": 300})).created();
    let inputs = &made["last_draft_script"]["config_metadata"]["input_tables"][0];
    assert_eq!(inputs["table_name"], "schedule");
    assert_eq!(inputs["columns_mapping"], json!([{"col": "schedule_trigger_time", "type": "datetime"}]));
    let body = json!({"source_file_id": made["source_file"]["id"]});
    let template = client.post(&format!("{}/get-file-template", path(TOKEN)), &body).ok();
    assert!(text(&template["user_script"]).contains("FROM input.schedule;"), "{template}");
    let columns = &template["config_metadata"]["input_tables"][0]["columns_mapping"];
    assert_eq!(columns, &json!([{"col": "schedule_trigger_time", "type": "datetime"}]));
    // Without a script the tick passes through.
    let script = journey::draft_path(&detail(&client, TOKEN));
    client.patch(&script, &json!({"user_script": ""})).ok();
    let dry = journey::start(&client, TOKEN, true);
    let run = run_ended(&client, TOKEN, &dry);
    let tables = journey::unzip(&client, &run["sql_output_zip"]);
    assert_eq!(tables[0].0, "pulse.csv");
    assert!(tables[0].1.contains("2026-05-31T08:35:00Z"), "{tables:?}");
}

#[test]
fn exactly_one_of_cadence_and_schedule_and_only_here() {
    let server = TestServer::start();
    let client = server.client();
    journey::object(&client, "pulse", &[]);
    let cron = json!({"cron": "0 6 * * *"});
    let refused = |times: Json, code: &str| create(&client, "Pulse", &times).refused(400, code);
    assert!(refused(json!({}), "required").contains("cadence"));
    assert!(refused(json!({"cadence": 61}), "invalid").starts_with("cadence: found 61"));
    assert!(refused(json!({"cadence": 60, "schedule": cron}), "invalid").contains("expected one of them"));
    let zone = json!({"schedule": {"cron": "0 6 * * *", "timezone": "Mars/Olympus"}});
    assert!(refused(zone, "invalid").contains("Mars/Olympus"));
    let pattern = json!({"schedule": {"cron": "0 0 30 2 *"}});
    assert!(refused(pattern, "invalid").contains("such a time never comes"));
    let word = json!({"schedule": {"cron": "0 6 * * *", "missed": "some"}});
    assert!(refused(word, "invalid").starts_with("schedule.missed"));
    assert_eq!(client.get("/api/files").ok()["count"], 0, "a refused connector leaves its file");
    let made = create(&client, "Pulse", &json!({ "schedule": cron })).created();
    assert_eq!(made["schedule"]["timezone"], "UTC");
    client.patch(&path(TOKEN), &json!({"schedule": null})).refused(400, "required");
    client.patch(&path(TOKEN), &json!({"cadence": 60, "schedule": cron})).refused(400, "invalid");
    journey::create(&client, "pulse", "Sheet");
    client.patch(&path("sheet"), &json!({"cadence": 60})).refused(400, "invalid");
    client.patch(&path("sheet"), &json!({ "schedule": cron })).refused(400, "invalid");
    let choices = client.get("/api/smart-connectors/metadata").ok()["cadence_choices"].clone();
    assert_eq!((&choices[0], &choices[1]), (&json!(["60", "1 Minute"]), &json!(["300", "5 Minutes"])));
    assert_eq!(choices.as_array().unwrap().last(), Some(&json!(["86400", "1 Day"])));
}
