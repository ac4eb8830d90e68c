//! Days and moments.

use serde_json::json;
use smartconnector::config::Config;

use super::{Blank, Is, Not, Odd, check, reads, with};

const NOT: &str = "not_a_date";
const TWO: &str = "ambiguous_date";

fn berlin(config: &mut Config) {
    "Europe/Berlin".clone_into(&mut config.workspace.timezone);
}

#[test]
fn every_date_format_reads_its_own_writing_and_nothing_else() {
    let mut formats = vec![
        reads(
            "%Y-%m-%d",
            &[
                ("2026-03-04", Is("2026-03-04")),
                (" 2026-03-04 ", Is("2026-03-04")),
                ("\u{a0}", Blank),
                ("2026-03-04 23:59", Odd("2026-03-04", "time_dropped")),
                ("2026-03-04T23:59:59Z", Odd("2026-03-04", "time_dropped")),
                ("2026-02-30", Not(NOT, "%Y-%m-%d")),
                ("26-03-04", Not(NOT, "")),
                ("03/04/2026", Not(NOT, "")),
                ("2026-03-04x", Not(NOT, "")),
                ("0000-01-01", Not(NOT, "")),
            ],
        ),
        reads(
            "excel_epoch",
            &[
                ("46085", Is("2026-03-04")),
                ("1", Is("1899-12-31")),
                ("46085.5", Odd("2026-03-04", "time_dropped")),
                ("-1", Not("out_of_range", "")),
                ("2958466", Not("out_of_range", "9999")),
                ("soon", Not(NOT, "1899-12-30")),
            ],
        ),
        reads(
            "unix_epoch",
            &[
                ("1772582400", Is("2026-03-04")),
                ("-86400", Is("1969-12-31")),
                ("1772582401", Odd("2026-03-04", "time_dropped")),
                ("999999999999999999", Not("out_of_range", "")),
                ("1e5", Not(NOT, "seconds since 1970")),
            ],
        ),
        // Any strftime pattern.
        reads("%d %b %Y", &[("04 Mar 2026", Is("2026-03-04")), ("04 Mrz 2026", Not(NOT, "%d %b %Y"))]),
        reads("%Y%m%d", &[("20260304", Is("2026-03-04"))]),
        reads("%j %Y", &[("063 2026", Is("2026-03-04"))]),
        reads("%m/%d/%y", &[("3/4/26", Is("2026-03-04"))]),
        // White space around a pattern counts no more than around a value.
        reads(" %d.%m.%Y ", &[("04.03.2026", Is("2026-03-04")), (" 04.03.2026 ", Is("2026-03-04"))]),
    ];
    for (format, cell, other) in [
        ("%m/%d/%Y", "03/04/2026", "13/04/2026"),
        ("%m-%d-%Y", "03-04-2026", "03/04/2026"),
        ("%m.%d.%Y", "03.04.2026", "13.04.2026"),
        ("%d/%m/%Y", "04/03/2026", "04/13/2026"),
        ("%d-%m-%Y", "04-03-2026", "04.03.2026"),
        ("%d.%m.%Y", "04.03.2026", "04.13.2026"),
        ("%Y/%m/%d", "2026/03/04", "2026-03-04"),
        ("%Y.%m.%d", "2026.03.04", "2026/03/04"),
    ] {
        formats.push(reads(format, &[(cell, Is("2026-03-04")), (other, Not(NOT, format))]));
        // What is an input format is an output format too.
        let output = json!({"input_format": "%Y-%m-%d", "output_format": format});
        formats.push(with(output, &[("2026-03-04", Is(cell))]));
    }
    formats.push(with(
        json!({"input_format": "%Y-%m-%d", "output_format": "%d %B %y"}),
        &[("2026-03-04", Is("04 March 26"))],
    ));
    check("date", |_| {}, &formats);
}

#[test]
fn auto_takes_the_one_format_of_the_column_and_guesses_nothing() {
    check(
        "date",
        |_| {},
        &[
            // None said: auto. The column is month first; what does not fit is rejected.
            with(
                json!({}),
                &[
                    ("03/04/2026", Is("2026-03-04")),
                    ("03/31/2026", Is("2026-03-31")),
                    ("03/30/2026", Is("2026-03-30")),
                    ("31/03/2026", Not(NOT, "%m/%d/%Y")),
                    ("2026-03-01", Not(NOT, "")),
                ],
            ),
            // Two formats fit all: only rows that both read alike are taken, and both readings are named.
            reads(
                "auto",
                &[
                    ("03/04/2026", Not(TWO, "2026-03-04 in %m/%d/%Y and 2026-04-03 in %d/%m/%Y")),
                    ("05/05/2026", Is("2026-05-05")),
                ],
            ),
            reads("auto_us", &[("03/04/2026", Is("2026-03-04")), ("05/05/2026", Is("2026-05-05"))]),
            reads("auto_eu", &[("03/04/2026", Is("2026-04-03")), ("05/05/2026", Is("2026-05-05"))]),
            // The declaration breaks ties only: a column that says otherwise is read as it says.
            reads("auto_us", &[("04.03.2026", Is("2026-03-04")), ("31.03.2026", Is("2026-03-31"))]),
            reads("auto", &[("46000", Not(NOT, ""))]),
        ],
    );
}

#[test]
fn every_datetime_format_reads_its_own_writing_and_local_times_are_the_workspaces() {
    let mut formats = vec![
        reads(
            "rfc3339",
            &[
                ("2026-03-04T15:05:00Z", Is("2026-03-04T16:05:00+01:00")),
                ("2026-07-04T15:05:00.25-05:00", Is("2026-07-04T22:05:00.250+02:00")),
                // Both of the hour that exists twice can be said.
                ("2026-10-25T02:30:00+02:00", Is("2026-10-25T02:30:00+02:00")),
                ("2026-10-25T02:30:00+01:00", Is("2026-10-25T02:30:00+01:00")),
                ("2026-03-04T15:05:00", Not(NOT, "rfc3339")),
                // In UTC the year is another.
                ("9999-12-31T23:59:59-01:00", Not("out_of_range", "between the years 1 and 9999")),
                ("0001-01-01T00:30:00+01:00", Not("out_of_range", "between the years 1 and 9999")),
            ],
        ),
        reads(
            "%Y-%m-%d %H:%M[:%S]",
            &[
                ("2026-03-04 15:05", Is("2026-03-04T15:05:00+01:00")),
                ("2026-03-04T15:05:30", Is("2026-03-04T15:05:30+01:00")),
                ("2026-03-29 02:30", Not(NOT, "does not exist in Europe/Berlin")),
                ("2026-10-25 02:30", Not(TWO, "exists twice in Europe/Berlin")),
                ("2026-10-25 03:00", Is("2026-10-25T03:00:00+01:00")),
                ("2026-03-04", Not(NOT, "%Y-%m-%d %H:%M[:%S]")),
                (" ", Blank),
            ],
        ),
        reads("excel_epoch", &[("46085.5", Is("2026-03-04T12:00:00+01:00")), ("x", Not(NOT, "days"))]),
        reads(
            "unix_epoch",
            &[
                ("1772636700", Is("2026-03-04T16:05:00+01:00")),
                ("1.5", Is("1970-01-01T01:00:01.500+01:00")),
                ("253402300800", Not("out_of_range", "")),
            ],
        ),
        reads(
            "unix_epoch_ms",
            &[("1772636700000", Is("2026-03-04T16:05:00+01:00")), ("x", Not(NOT, "milliseconds"))],
        ),
        reads("%d.%m.%Y %H:%M %z", &[("04.03.2026 15:05 +0000", Is("2026-03-04T16:05:00+01:00"))]),
        with(
            json!({"input_format": "rfc3339", "output_format": "rfc3339"}),
            &[("2026-03-04T15:05:00Z", Is("2026-03-04T16:05:00+01:00"))],
        ),
        with(
            json!({"input_format": "rfc3339", "output_format": "%d.%m.%Y %H:%M"}),
            &[("2026-07-04T10:00:00Z", Is("04.07.2026 12:00"))],
        ),
        reads(
            "auto",
            &[
                ("2026-03-04 10:00", Is("2026-03-04T10:00:00+01:00")),
                ("2026-03-04 10:00:30", Is("2026-03-04T10:00:30+01:00")),
                ("2026-03-29 02:30", Not(NOT, "does not exist")),
            ],
        ),
        reads("auto", &[("03/04/2026 15:05", Not(TWO, "%d/%m/%Y %H:%M"))]),
        reads("auto_us", &[("03/04/2026 3:05 PM", Is("2026-03-04T15:05:00+01:00"))]),
        reads("auto_eu", &[("03/04/2026 3:05 PM", Is("2026-04-03T15:05:00+02:00"))]),
    ];
    for (date, day) in [
        ("%Y-%m-%d", "2026-03-04"),
        ("%m/%d/%Y", "03/04/2026"),
        ("%m-%d-%Y", "03-04-2026"),
        ("%m.%d.%Y", "03.04.2026"),
        ("%d/%m/%Y", "04/03/2026"),
        ("%d-%m-%Y", "04-03-2026"),
        ("%d.%m.%Y", "04.03.2026"),
        ("%Y/%m/%d", "2026/03/04"),
        ("%Y.%m.%d", "2026.03.04"),
    ] {
        for (time, hour) in [("%H:%M", "15:05"), ("%H:%M:%S", "15:05:00"), ("%I:%M %p", "03:05 PM")] {
            let (format, cell) = (format!("{date} {time}"), leaked(format!("{day} {hour}")));
            let both = json!({"input_format": format, "output_format": format});
            formats.push(with(both, &[(cell, Is(cell)), ("soon", Not(NOT, "soon"))]));
        }
    }
    check("datetime", berlin, &formats);
}

#[test]
fn a_day_without_a_time_begins_with_its_first_moment_whatever_the_clocks_do_at_midnight() {
    let with_time = "%Y-%m-%d %H:%M[:%S]";
    for (zone, no_time, time) in [
        // Set forward over midnight.
        (
            "America/Sao_Paulo",
            ("2018-11-04", Is("2018-11-04T01:00:00-02:00")),
            ("2018-11-04 00:00", Not(NOT, "does not exist in America/Sao_Paulo")),
        ),
        // Before midnight, by half an hour into the day.
        (
            "America/Toronto",
            ("1919-03-31", Is("1919-03-31T00:30:00-04:00")),
            ("1919-03-31 00:10", Not(NOT, "does not exist in America/Toronto")),
        ),
        // Set back over midnight.
        (
            "America/Havana",
            ("2026-11-01", Is("2026-11-01T00:00:00-04:00")),
            ("2026-11-01 00:00", Not(TWO, "exists twice in America/Havana")),
        ),
        // The day was left out.
        (
            "Pacific/Apia",
            ("2011-12-30", Not(NOT, "does not exist in Pacific/Apia")),
            ("2011-12-31 00:00", Is("2011-12-31T00:00:00+14:00")),
        ),
    ] {
        let config = |config: &mut Config| zone.clone_into(&mut config.workspace.timezone);
        check("datetime", config, &[reads("%Y-%m-%d", &[no_time]), reads(with_time, &[time])]);
    }
}

/// Cells are constants elsewhere.
fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
