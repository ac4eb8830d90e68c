use super::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn cron(pattern: &str, zone: &str) -> Schedule {
    Schedule {
        cron: pattern.to_owned(),
        timezone: zone.to_owned(),
        missed: Missed::Last,
        overlap: Overlap::Queue,
    }
}

fn timing(pattern: &str, zone: &str) -> Timing {
    Timing::of(None, Some(&cron(pattern, zone))).unwrap().unwrap()
}

/// The next ticks as the zone's clock shows them.
fn local(pattern: &str, zone: &str, after: &str, n: usize) -> Vec<String> {
    let ticks = timing(pattern, zone).upcoming(at(after), n);
    let zone: Tz = zone.parse().unwrap();
    ticks.iter().map(|tick| tick.with_timezone(&zone).to_rfc3339()).collect()
}

#[test]
fn a_cadence_ticks_at_whole_multiples() {
    let hourly = Timing::of(Some(3600), None).unwrap().unwrap();
    assert_eq!(hourly.next_after(at("2026-05-31T08:00:00Z")), Some(at("2026-05-31T09:00:00Z")));
    assert_eq!(hourly.next_after(at("2026-05-31T08:59:59.999Z")), Some(at("2026-05-31T09:00:00Z")));
    let daily = Timing::of(Some(86_400), None).unwrap().unwrap();
    assert_eq!(
        daily.upcoming(at("2026-12-31T12:00:00Z"), 2),
        [at("2027-01-01T00:00:00Z"), at("2027-01-02T00:00:00Z")]
    );
}

#[test]
fn berlin_a_fixed_time_in_the_gap_runs_right_after_it_and_in_the_overlap_once() {
    // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
    assert_eq!(
        local("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
        ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    assert_eq!(
        local("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    // A step goes by what the clock shows: not in the gap, in both hours of the overlap.
    assert_eq!(
        local("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
        ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"]
    );
    assert_eq!(
        local("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z", 4),
        [
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00"
        ]
    );
    assert_eq!(
        local("0 6 * * 1-5", "Europe/Berlin", "2026-03-27T12:00:00Z", 2),
        ["2026-03-30T06:00:00+02:00", "2026-03-31T06:00:00+02:00"]
    );
}

#[test]
fn new_york() {
    // 2026-03-08: 02:00 becomes 03:00. 2026-11-01: 02:00 becomes 01:00.
    assert_eq!(
        local("15 2 * * *", "America/New_York", "2026-03-08T05:30:00Z", 2),
        ["2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00"]
    );
    assert_eq!(
        local("15 1 * * *", "America/New_York", "2026-11-01T04:30:00Z", 2),
        ["2026-11-01T01:15:00-04:00", "2026-11-02T01:15:00-05:00"]
    );
}

#[test]
fn lord_howe_turns_its_clock_by_half_an_hour() {
    // 2026-10-04: 02:00 becomes 02:30. 2026-04-05: 02:00 becomes 01:30.
    assert_eq!(
        local("10 2 * * *", "Australia/Lord_Howe", "2026-10-03T14:00:00Z", 2),
        ["2026-10-04T02:30:00+11:00", "2026-10-05T02:10:00+11:00"]
    );
    assert_eq!(
        local("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", 2),
        ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"]
    );
}

#[test]
fn ticks_go_forward_and_each_comes_once() {
    for (pattern, zone) in [
        ("30 2 * * *", "Europe/Berlin"),
        ("*/7 * * * *", "America/New_York"),
        ("0 */5 * * *", "Australia/Lord_Howe"),
        ("15,45 0-3 * * *", "Europe/Berlin"),
    ] {
        let timing = timing(pattern, zone);
        let mut last = at("2026-03-01T00:00:00Z");
        for _ in 0..3_000 {
            let next = timing.next_after(last).unwrap();
            assert!(next > last, "{pattern} {zone}: {next} after {last}");
            last = next;
        }
    }
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let refusal = |cadence, schedule: Option<Schedule>| {
        let error = Timing::of(cadence, schedule.as_ref()).unwrap_err();
        (error.fields[0].path.clone(), error.detail)
    };
    assert_eq!(refusal(Some(61), None).0, "cadence");
    assert!(refusal(Some(61), None).1.contains("found 61, expected one of 60, 300"));
    assert_eq!(refusal(None, Some(cron("0 6 * * *", "Mars/Olympus"))).0, "schedule.timezone");
    for bad in ["", "every day", "0 6 * *", "0 0 6 * * *", "61 * * * *", "0 0 30 2 *", "0 0 * * * * 2030"] {
        let (path, detail) = refusal(None, Some(cron(bad, "UTC")));
        assert_eq!(path, "schedule.cron");
        assert!(
            detail.starts_with(&format!("schedule.cron: found {bad:?}, expected minute, hour")),
            "{detail}"
        );
    }
    assert_eq!(refusal(Some(60), Some(cron("* * * * *", "UTC"))).0, "schedule");
    assert!(Timing::of(None, None).unwrap().is_none());
}

fn chosen(missed: Missed, first: &str, now: &str) -> Vec<String> {
    let hourly = timing("0 * * * *", "UTC");
    let due = hourly.due(at(first), at(now));
    due.chosen(missed, &hourly, at(now)).iter().map(|tick| tick.at.format("%H:%M").to_string()).collect()
}

#[test]
fn missed_decides_what_becomes_of_a_downtime() {
    let (first, late) = ("2026-05-31T06:00:00Z", "2026-05-31T08:30:00Z");
    assert_eq!(chosen(Missed::Last, first, late), ["08:00"]);
    assert_eq!(chosen(Missed::All, first, late), ["06:00", "07:00", "08:00"]);
    assert!(chosen(Missed::Skip, first, late).is_empty());
    // The latest one is on time.
    let on_time = "2026-05-31T08:00:20Z";
    assert_eq!(chosen(Missed::Skip, first, on_time), ["08:00"]);
    assert_eq!(chosen(Missed::Last, first, on_time), ["08:00"]);
    assert!(chosen(Missed::All, first, "2026-05-31T05:59:59Z").is_empty());
}

#[test]
fn of_many_missed_ticks_the_latest_hundred_are_kept_and_all_are_counted() {
    let minutely = Timing::of(Some(60), None).unwrap().unwrap();
    let now = at("2026-06-01T00:00:30Z");
    let due = minutely.due(at("2026-05-31T00:00:00Z"), now);
    assert_eq!((due.count, due.next), (1441, Some(at("2026-06-01T00:01:00Z"))));
    let all = due.chosen(Missed::All, &minutely, now);
    assert_eq!(
        (all.len(), all[99].at, all[99].since),
        (MOST_MISSED, at("2026-06-01T00:00:00Z"), Some(at("2026-05-31T23:59:00Z")))
    );
    let hourly = timing("0 * * * *", "UTC");
    let due = hourly.due(at("2026-05-31T06:00:00Z"), at("2026-05-31T07:10:00Z"));
    let ticks = due.chosen(Missed::All, &hourly, now);
    assert_eq!(
        (ticks[0].since, ticks[1].since),
        (Some(at("2026-05-31T05:00:00Z")), Some(at("2026-05-31T06:00:00Z")))
    );
}

/// Somebody set the clock years ahead: the timer must not walk over every minute of them.
#[test]
fn of_more_ticks_than_are_counted_the_latest_are_found_backwards() {
    let now = at("2056-06-01T00:00:30Z");
    for minutely in [Timing::of(Some(60), None).unwrap().unwrap(), timing("* * * * *", "UTC")] {
        let due = minutely.due(at("2026-05-31T00:00:00Z"), now);
        assert_eq!((due.count, due.next), (MOST_COUNTED, Some(at("2056-06-01T00:01:00Z"))));
        let all = due.chosen(Missed::All, &minutely, now);
        assert_eq!((all.len(), all[99].at), (MOST_MISSED, at("2056-06-01T00:00:00Z")));
        assert_eq!(all[0].at, at("2056-05-31T22:21:00Z"));
    }
}
