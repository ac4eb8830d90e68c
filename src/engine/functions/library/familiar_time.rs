//! ClickHouse's `Date` and `DateTime`, which are text here: `YYYY-MM-DD` and `YYYY-MM-DD hh:mm:ss`, a wall
//! clock in the workspace's time zone where ClickHouse has the server's. Their ranges end where
//! ClickHouse's types end, with an error instead of its wrapping around.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use rusqlite::{Error, types::ValueRef};

use super::{Answer, Call, Function, parse::zone, rows};
use crate::variable::{date::moment_in, output_items};

pub(super) const FUNCTIONS: &[Function] = rows! { "clickhouse";
    toDate "(x)" [1] Scalar(to_date):
        "A day as YYYY-MM-DD, from such text, with or without a time, or from days (up to 65535) or seconds since 1970. Anything else is an error.";
        "toDate('2026-03-04 23:59:59')" => "2026-03-04";
    toDateTime "(x)" [1] Scalar(to_date_time):
        "YYYY-MM-DD hh:mm:ss, from such text or a day, or from seconds since 1970. Anything else is an error.";
        "toDateTime('2026-03-04')" => "2026-03-04 00:00:00";
    parseDateTimeBestEffortOrNull "(s)" [1] Scalar(best_effort):
        "YYYY-MM-DD hh:mm:ss from ISO and day-first dates, with or without time and offset, and from seconds since 1970; NULL for what has no digit or does not exist. Other forms are an error here, though ClickHouse knows some: parse_datetime(s, format) reads those.";
        "parseDateTimeBestEffortOrNull('23/10/2026 12:12')" => "2026-10-23 12:12:00";
    formatDateTime "(dt, format[, tz])" [2, 3] Scalar(format_date_time):
        "Written by ClickHouse's signs: %Y %m %d %H %i (minute) %s %F %T and others. %M is an error: it is the minute or the month's name, by a setting there.";
        "formatDateTime('2026-03-04 15:05:00', '%d.%m.%Y %H:%i')" => "04.03.2026 15:05";
    today "()" [0] Volatile(today):
        "The day in the workspace's time zone when the statement began.";
        "today() = substr(now(), 1, 10)" => "1";
    now "()" [0] Volatile(now):
        "The wall clock in the workspace's time zone when the statement began: the same in all its rows.";
        "now() = now()" => "1";
};

/// The last second of a `DateTime`.
const LAST_SECOND: i64 = u32::MAX as i64;
/// The last day of a `Date`, counted from 1970.
const LAST_DAY: i64 = u16::MAX as i64;

fn zone_of(call: &Call<'_>) -> Tz {
    call.host.locale.timezone
}

fn shown(local: NaiveDateTime) -> Answer {
    Answer::Text(local.format("%Y-%m-%d %H:%M:%S").to_string())
}

fn day_shown(day: NaiveDate) -> Answer {
    Answer::Text(day.to_string())
}

/// Text of one of the two forms, as a wall clock.
fn wall_clock(text: &str) -> Option<NaiveDateTime> {
    let bytes = text.as_bytes();
    let is_form = |form: &[u8]| {
        bytes.len() == form.len()
            && bytes.iter().zip(form).all(|(byte, sign)| match sign {
                b'0' => byte.is_ascii_digit(),
                b' ' => matches!(byte, b' ' | b'T'),
                _ => byte == sign,
            })
    };
    if is_form(b"0000-00-00") {
        return NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
    }
    if !is_form(b"0000-00-00 00:00:00") {
        return None;
    }
    let day = NaiveDate::parse_from_str(&text[..10], "%Y-%m-%d").ok()?;
    let time = NaiveTime::parse_from_str(&text[11..], "%H:%M:%S").ok()?;
    // Leap seconds are none of a DateTime's.
    (!text.ends_with(":60")).then_some(day.and_time(time))
}

/// The argument as a moment that a `DateTime` can hold; `None` for NULL.
fn moment(call: &Call<'_>) -> Result<Option<DateTime<Utc>>, Error> {
    let seconds = match call.raw(0) {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(seconds) => Some(seconds),
        ValueRef::Real(_) => None,
        _ => {
            let text = call.text(0)?.unwrap_or_default();
            let Some(local) = wall_clock(&text) else {
                return Err(call
                    .wrong(format_args!("{} is neither YYYY-MM-DD nor YYYY-MM-DD hh:mm:ss", call.shown(0))));
            };
            let Some(moment) = first_moment(local, zone_of(call)) else {
                return Err(call.wrong(format_args!(
                    "{} does not exist in {}",
                    call.shown(0),
                    zone_of(call)
                )));
            };
            Some(moment.timestamp())
        }
    };
    seconds
        .filter(|seconds| (0..=LAST_SECOND).contains(seconds))
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .map(Some)
        .ok_or_else(|| call.wrong(format_args!("{} is no moment from 1970 to 2106", call.shown(0))))
}

/// When clocks show this; the first time when they do so twice.
fn first_moment(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    moment_in(local, zone)
        .ok()
        .or_else(|| zone.from_local_datetime(&local).earliest().map(|moment| moment.to_utc()))
}

fn to_date(call: &Call<'_>) -> Result<Answer, Error> {
    if let ValueRef::Text(_) | ValueRef::Blob(_) = call.raw(0) {
        let text = call.text(0)?.unwrap_or_default();
        let day = wall_clock(&text).map(|local| local.date());
        return day
            .filter(|day| (0..=LAST_DAY).contains(&since_1970(*day)))
            .map(day_shown)
            .ok_or_else(|| call.wrong(format_args!("{} is no YYYY-MM-DD from 1970 to 2149", call.shown(0))));
    }
    if let ValueRef::Integer(days @ 0..=LAST_DAY) = call.raw(0) {
        let day = DateTime::from_timestamp(days * 86_400, 0).map(|moment| moment.date_naive());
        return Ok(day.map_or(Answer::Null, day_shown));
    }
    let zone = zone_of(call);
    Ok(moment(call)?.map_or(Answer::Null, |moment| day_shown(moment.with_timezone(&zone).date_naive())))
}

fn since_1970(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - 719_163
}

fn to_date_time(call: &Call<'_>) -> Result<Answer, Error> {
    let zone = zone_of(call);
    Ok(moment(call)?.map_or(Answer::Null, |moment| shown(moment.with_timezone(&zone).naive_local())))
}

fn format_date_time(call: &Call<'_>) -> Result<Answer, Error> {
    let zone = if call.len() == 3 { zone(call, 2)? } else { Some(zone_of(call)) };
    let items = call.compiled(1, "ClickHouse format", |format| output_items(&in_strftime(format)?))?;
    let (Some(moment), Some(items), Some(zone)) = (moment(call)?, items, zone) else {
        return Ok(Answer::Null);
    };
    let mut text = String::new();
    write!(text, "{}", moment.with_timezone(&zone).format_with_items(items.iter()))
        .map(|()| Answer::Text(text))
        .map_err(|_| call.wrong(format_args!("the format {} can't be written", call.shown(1))))
}

/// A format of ClickHouse as a strftime pattern: only the signs whose meaning has never changed.
fn in_strftime(format: &str) -> Result<String, String> {
    let mut pattern = String::with_capacity(format.len());
    let mut signs = format.chars();
    while let Some(c) = signs.next() {
        if c != '%' {
            pattern.push(c);
            continue;
        }
        pattern.push_str(match signs.next() {
            Some('Y') => "%Y",
            Some('y') => "%y",
            Some('m') => "%m",
            Some('d') => "%d",
            Some('e') => "%e",
            Some('H') => "%H",
            Some('I' | 'h') => "%I",
            Some('i') => "%M",
            Some('s' | 'S') => "%S",
            Some('F') => "%Y-%m-%d",
            Some('T') => "%H:%M:%S",
            Some('D') => "%m/%d/%y",
            Some('R') => "%H:%M",
            Some('p') => "%p",
            Some('j') => "%j",
            Some('a') => "%a",
            Some('W') => "%A",
            Some('b') => "%b",
            Some('u') => "%u",
            Some('w') => "%w",
            Some('G') => "%G",
            Some('V') => "%V",
            Some('z') => "%z",
            Some('n') => "\n",
            Some('t') => "\t",
            Some('%') => "%%",
            Some('M') => {
                return Err("has %M, which is the minute or the month's name, by a setting of ClickHouse; \
                            write %i for minutes"
                    .to_owned());
            }
            Some(other) => return Err(format!("has %{other}, which this server does not know")),
            None => return Err("ends in a single %".to_owned()),
        });
    }
    Ok(pattern)
}

#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
fn now(call: &Call<'_>) -> Result<Answer, Error> {
    Ok(shown(call.host.watch.statement_began().with_timezone(&zone_of(call)).naive_local()))
}

#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
fn today(call: &Call<'_>) -> Result<Answer, Error> {
    Ok(day_shown(call.host.watch.statement_began().with_timezone(&zone_of(call)).date_naive()))
}

/// What a text says that is in one of the forms.
#[derive(Debug, PartialEq, Eq)]
enum Effort {
    /// A wall clock, and its offset in seconds where there is one.
    Clock(NaiveDateTime, Option<i32>),
    /// Seconds since 1970.
    Seconds(i64),
    /// It is in one of the forms, and there is no such day or time.
    Missing,
    /// It is in none of the forms.
    Unknown,
}

fn best_effort(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Ok(Answer::Null);
    }
    let zone = zone_of(call);
    let moment = match effort(&text) {
        Effort::Seconds(seconds) => DateTime::from_timestamp(seconds, 0),
        Effort::Clock(local, Some(offset)) => {
            local.checked_sub_signed(chrono::Duration::seconds(offset.into())).map(|utc| utc.and_utc())
        }
        Effort::Clock(local, None) => first_moment(local, zone),
        Effort::Missing => return Ok(Answer::Null),
        Effort::Unknown => {
            return Err(call.wrong(format_args!(
                "{} is in a form that this server does not read as ClickHouse does; parse_datetime(s, format) \
                 reads any",
                call.shown(0)
            )));
        }
    };
    match moment.filter(|moment| (0..=LAST_SECOND).contains(&moment.timestamp())) {
        Some(moment) => Ok(shown(moment.with_timezone(&zone).naive_local())),
        None => Err(call
            .wrong(format_args!("{} does not exist in {zone}, or is not from 1970 to 2106", call.shown(0)))),
    }
}

fn effort(text: &str) -> Effort {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.len() {
            9 | 10 => text.parse().map_or(Effort::Unknown, Effort::Seconds),
            8 => clock(&text[..4], &text[4..6], &text[6..], None, None),
            14 => {
                let time = (&text[8..10], &text[10..12], &text[12..]);
                clock(&text[..4], &text[4..6], &text[6..8], Some(time), None)
            }
            _ => Effort::Unknown,
        };
    }
    dated(text).unwrap_or(Effort::Unknown)
}

/// `2026-3-4…` and `4.3.2026…`; a month above 12 is the day.
fn dated(text: &str) -> Option<Effort> {
    let (first, rest) = digits(text);
    let sign = rest.chars().next().filter(|sign| matches!(sign, '-' | '/' | '.'))?;
    let (second, rest) = digits(&rest[1..]);
    let (third, rest) = digits(rest.strip_prefix(sign)?);
    let is_short = |part: &str| matches!(part.len(), 1 | 2);
    let year;
    let (year, mut month, mut day) = match (first.len(), third.len()) {
        (4, 1 | 2) if is_short(second) => (first, second, third),
        (1 | 2, 4) if is_short(second) => (third, second, first),
        (1 | 2, 2) if is_short(second) => {
            let century = if third.parse::<u8>().ok()? >= 70 { 19 } else { 20 };
            year = format!("{century}{third}");
            (year.as_str(), second, first)
        }
        _ => return None,
    };
    if first.len() < 4 && month.parse::<u8>().ok()? > 12 {
        (month, day) = (day, month);
    }
    if rest.is_empty() {
        return Some(clock(year, month, day, None, None));
    }
    let (time, rest) = time_of_day(rest.strip_prefix([' ', 'T'])?)?;
    let offset = if rest.is_empty() { None } else { Some(offset(rest.strip_prefix(' ').unwrap_or(rest))?) };
    Some(clock(year, month, day, Some(time), offset))
}

/// The digits at the front, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// `10:05`, `10:05:30`, `10:05:30.123`: the fraction is dropped, as a `DateTime` has none.
fn time_of_day(text: &str) -> Option<((&str, &str, &str), &str)> {
    let is_part = |part: &str| matches!(part.len(), 1 | 2);
    let (hour, rest) = digits(text);
    let (minute, rest) = digits(rest.strip_prefix(':')?);
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest),
        None => ("0", rest),
    };
    let rest = rest.strip_prefix('.').map_or(rest, |fraction| digits(fraction).1);
    (is_part(hour) && is_part(minute) && is_part(second)).then_some(((hour, minute, second), rest))
}

/// `Z`, `+01:00`, `-0530`, `+02`.
fn offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match &text[1..] {
        rest if rest.len() == 5 && rest.as_bytes()[2] == b':' => (&rest[..2], &rest[3..]),
        rest if rest.len() == 4 && rest.is_ascii() => (&rest[..2], &rest[2..]),
        rest if rest.len() == 2 => (rest, "0"),
        _ => return None,
    };
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    Some(sign * (hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60))
}

fn clock(
    year: &str,
    month: &str,
    day: &str,
    time: Option<(&str, &str, &str)>,
    offset: Option<i32>,
) -> Effort {
    let number = |part: &str| part.parse::<u32>().unwrap_or(u32::MAX);
    let day = year.parse().ok().and_then(|year| NaiveDate::from_ymd_opt(year, number(month), number(day)));
    let (hour, minute, second) = time.unwrap_or(("0", "0", "0"));
    let time = NaiveTime::from_hms_opt(number(hour), number(minute), number(second));
    match (day, time) {
        (None, _) => Effort::Missing,
        // ClickHouse counts such times on, in one way or another.
        (Some(_), None) => Effort::Unknown,
        (Some(day), Some(time)) => Effort::Clock(day.and_time(time), offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_best_effort() {
        let at = |text: &str| match effort(text) {
            Effort::Clock(local, offset) => format!("{local} {offset:?}"),
            other => format!("{other:?}"),
        };
        for (text, expected) in [
            ("2026-03-04", "2026-03-04 00:00:00 None"),
            ("2026/3/4 9:05", "2026-03-04 09:05:00 None"),
            ("2026-03-04T09:05:06.789Z", "2026-03-04 09:05:06 Some(0)"),
            ("2026-03-04 09:05:06 +05:30", "2026-03-04 09:05:06 Some(19800)"),
            ("04.03.2026 09:05", "2026-03-04 09:05:00 None"),
            ("4/3/26", "2026-03-04 00:00:00 None"),
            ("4/3/71", "1971-03-04 00:00:00 None"),
            ("03/31/2026", "2026-03-31 00:00:00 None"),
            ("20260304", "2026-03-04 00:00:00 None"),
            ("20260304090506", "2026-03-04 09:05:06 None"),
            ("1772582400", "Seconds(1772582400)"),
            ("2026-02-30", "Missing"),
            ("2026-13-01", "Missing"),
            ("31/31/2026", "Missing"),
            ("2026-03-04 25:00", "Unknown"),
            ("4 Mar 2026", "Unknown"),
            ("2026-03-04 9:05 PM", "Unknown"),
            ("2026-03/04", "Unknown"),
            ("12:30", "Unknown"),
            ("2026", "Unknown"),
            ("é1", "Unknown"),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
    }

    #[test]
    fn formats_with_signs_of_changing_meaning_are_refused() {
        assert_eq!(in_strftime("%d/%m/%y %i%%").unwrap(), "%d/%m/%y %M%%");
        for format in ["%M", "%c", "%Q", "%"] {
            assert!(in_strftime(format).is_err(), "{format}");
        }
    }
}
