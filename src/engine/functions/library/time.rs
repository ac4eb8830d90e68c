//! Days and moments.
//!
//! They come as text: a day `2026-03-04`, or a moment in RFC 3339 or as `2026-03-04 10:00[:00]`, which is
//! a wall clock in the workspace's time zone. What is neither is NULL, as in SQLite's own functions; an
//! unknown unit, time zone or format is an error. Days are counted on that zone's calendar, so that a day
//! that the clocks make longer or shorter is still one day.

use std::{fmt::Write as _, sync::LazyLock};

use chrono::{
    DateTime, Datelike as _, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset as _,
    TimeZone as _, Timelike as _, Utc, format::Item,
};
use chrono_tz::Tz;
use rusqlite::Error;

use super::{
    Answer, Call, Function,
    parse::{in_utc, locale, zone},
    rows,
};
use crate::variable::{
    Locale,
    date::{DateFormat, Precision, moment_in, parse_date, parse_datetime},
    format::{ISO_DATETIME, RFC3339},
    output_items,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "time";
    format_datetime "(dt, format[, tz])" [2, 3] Scalar(format_datetime):
        "A day or moment written by a strftime pattern, as clocks in tz show it (the workspace's time zone when left out).";
        "format_datetime('2026-03-04T23:30:00Z', '%d.%m.%Y %H:%M', 'Europe/Berlin')" => "05.03.2026 00:30";
    to_timezone "(dt, tz)" [2] Scalar(to_timezone):
        "The moment as RFC 3339 with the offset that tz has then.";
        "to_timezone('2026-07-01T12:00:00Z', 'America/New_York')" => "2026-07-01T08:00:00-04:00";
    date_diff "(unit, a, b)" [3] Scalar(date_diff):
        "How many times the unit (second, minute, hour, day, week from Monday, month, quarter, year) begins anew between a and b; negative when b comes first.";
        "date_diff('month', '2026-01-31', '2026-03-01')" => "2";
    date_add "(unit, n, d)" [3] Scalar(date_add):
        "n units later, or earlier when negative. The 31st becomes the last day of a shorter month. A day stays a day, unless the unit is smaller.";
        "date_add('month', 1, '2026-01-31')" => "2026-02-28";
    start_of "(unit, d)" [2] Scalar(start_of):
        "The first day of the week (from Monday), month, quarter or year, or the day of a moment; for hour, minute and second the moment at which it began.";
        "start_of('quarter', '2026-05-17')" => "2026-04-01";
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    fn parse(word: &str) -> Result<Self, String> {
        Ok(match word.to_ascii_lowercase().as_str() {
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return Err("is none of second, minute, hour, day, week, month, quarter, year".to_owned()),
        })
    }

    /// Of the units that are always equally long.
    const fn seconds(self) -> Option<i64> {
        match self {
            Self::Second => Some(1),
            Self::Minute => Some(60),
            Self::Hour => Some(3600),
            _ => None,
        }
    }

    /// Its number on the calendar, counted from any fixed one.
    fn number(self, day: NaiveDate) -> i64 {
        let (year, month) = (i64::from(day.year()), i64::from(day.month0()));
        let days = i64::from(day.num_days_from_ce());
        match self {
            // The first day of the era was a Monday.
            Self::Week => (days - 1).div_euclid(7),
            Self::Month => year * 12 + month,
            Self::Quarter => year * 4 + month / 3,
            Self::Year => year,
            _ => days,
        }
    }

    fn first_day(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
            Self::Month => day.with_day(1),
            Self::Quarter => day.with_day(1)?.with_month0(day.month0() / 3 * 3),
            Self::Year => day.with_day(1)?.with_month0(0),
            _ => Some(day),
        }
    }

    fn later(self, day: NaiveDate, n: i64) -> Option<NaiveDate> {
        let months = |each: i64| {
            let count = Months::new(u32::try_from(n.checked_mul(each)?.unsigned_abs()).ok()?);
            if n < 0 { day.checked_sub_months(count) } else { day.checked_add_months(count) }
        };
        let day = match self {
            Self::Month => months(1),
            Self::Quarter => months(3),
            Self::Year => months(12),
            Self::Week => day.checked_add_signed(Duration::try_days(n.checked_mul(7)?)?),
            _ => day.checked_add_signed(Duration::try_days(n)?),
        };
        day.filter(|day| is_written(*day))
    }
}

/// What an argument says.
#[derive(Debug, Clone, Copy)]
enum When {
    Day(NaiveDate),
    Moment(DateTime<Utc>),
}

/// A day, RFC 3339, and a wall clock.
static FORMATS: LazyLock<Option<[DateFormat; 3]>> = LazyLock::new(|| {
    Some([
        DateFormat::compile("%Y-%m-%d", Precision::Day).ok()?,
        DateFormat::compile(RFC3339, Precision::Moment).ok()?,
        DateFormat::compile(ISO_DATETIME, Precision::Moment).ok()?,
    ])
});

impl When {
    /// The argument `n`; `None` when it is neither a day nor a moment.
    fn of(call: &Call<'_>, n: usize) -> Result<Option<Self>, Error> {
        let Some(text) = call.text(n)? else { return Ok(None) };
        Ok(Self::read(&text, call.host.locale))
    }

    fn read(text: &str, locale: Locale) -> Option<Self> {
        let [day, rfc3339, iso] = FORMATS.as_ref()?;
        if text.trim().len() <= "2026-03-04".len() {
            return parse_date(text, day, locale).ok().map(|(day, _)| Self::Day(day));
        }
        let moment = parse_datetime(text, rfc3339, locale).or_else(|_| parse_datetime(text, iso, locale));
        moment.ok().map(Self::Moment)
    }

    /// The moment; that of a day is when it begins.
    fn moment(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => moment_of(day.and_time(NaiveTime::MIN), zone),
            Self::Moment(moment) => moment,
        }
    }

    fn day(self, zone: Tz) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Moment(moment) => moment.with_timezone(&zone).date_naive(),
        }
    }
}

/// Years that every reader of our output can spell.
fn is_written(day: NaiveDate) -> bool {
    (1..=9999).contains(&day.year())
}

/// When clocks of the zone show this; the first time when they do so twice. A time that they skip is
/// counted on from the clocks before.
fn moment_of(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Ok(moment) = moment_in(local, zone) {
        return moment;
    }
    if let Some(first) = zone.from_local_datetime(&local).earliest() {
        return first.to_utc();
    }
    let before = zone.offset_from_utc_datetime(&(local - Duration::hours(24))).fix();
    (local - Duration::seconds(before.local_minus_utc().into())).and_utc()
}

fn unit(call: &Call<'_>) -> Result<Option<Unit>, Error> {
    Ok(call.compiled(0, "unit", Unit::parse)?.map(|unit| *unit))
}

fn format_datetime(call: &Call<'_>) -> Result<Answer, Error> {
    let pattern = call.compiled(1, "format", |pattern| {
        if pattern.contains('%') {
            output_items(pattern)
        } else {
            Err("is not a strftime pattern".to_owned())
        }
    })?;
    let (Some(when), Some(pattern), Some(shown)) = (When::of(call, 0)?, pattern, locale(call, 2)?) else {
        return Ok(Answer::Null);
    };
    let local = match when {
        // A day is the same day everywhere.
        When::Day(day) => moment_of(day.and_time(NaiveTime::MIN), shown.timezone),
        When::Moment(moment) => moment,
    };
    write_items(local.with_timezone(&shown.timezone), &pattern).map_or_else(
        || Err(call.wrong(format_args!("the format {} can't be written", call.shown(1)))),
        |text| Ok(Answer::Text(text)),
    )
}

fn write_items(local: DateTime<Tz>, items: &[Item<'static>]) -> Option<String> {
    let mut text = String::new();
    write!(text, "{}", local.format_with_items(items.iter())).ok().map(|()| text)
}

fn to_timezone(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(when), Some(zone)) = (When::of(call, 0)?, zone(call, 1)?) else { return Ok(Answer::Null) };
    let local = when.moment(call.host.locale.timezone).with_timezone(&zone);
    Ok(Answer::Text(local.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)))
}

fn date_diff(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(unit), Some(a), Some(b)) = (unit(call)?, When::of(call, 1)?, When::of(call, 2)?) else {
        return Ok(Answer::Null);
    };
    let zone = call.host.locale.timezone;
    let Some(seconds) = unit.seconds() else {
        return Ok(Answer::Integer(unit.number(b.day(zone)) - unit.number(a.day(zone))));
    };
    let (a, b) = (a.moment(zone), b.moment(zone));
    // Hours begin where the zone's clocks say so, which is not everywhere where UTC's do.
    let offset = i64::from(offset_at(a, zone));
    let count = |moment: DateTime<Utc>| (moment.timestamp() + offset).div_euclid(seconds);
    Ok(Answer::Integer(count(b) - count(a)))
}

fn offset_at(moment: DateTime<Utc>, zone: Tz) -> i32 {
    zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc()
}

fn date_add(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(unit), Some(n), Some(when)) = (unit(call)?, call.integer(1)?, When::of(call, 2)?) else {
        return Ok(Answer::Null);
    };
    let zone = call.host.locale.timezone;
    let later = match (unit.seconds(), when) {
        (None, When::Day(day)) => unit.later(day, n).map(|day| Answer::Text(day.to_string())),
        (None, When::Moment(moment)) => {
            let local = moment.with_timezone(&zone).naive_local();
            unit.later(local.date(), n).map(|day| in_utc(moment_of(day.and_time(local.time()), zone)))
        }
        (Some(seconds), when) => n
            .checked_mul(seconds)
            .and_then(Duration::try_seconds)
            .and_then(|time| when.moment(zone).checked_add_signed(time))
            .filter(|moment| is_written(moment.date_naive()))
            .map(in_utc),
    };
    later.ok_or_else(|| call.wrong(format_args!("{n} is too far from {}", call.shown(2))))
}

fn start_of(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(unit), Some(when)) = (unit(call)?, When::of(call, 1)?) else { return Ok(Answer::Null) };
    let zone = call.host.locale.timezone;
    let Some(seconds) = unit.seconds() else {
        return Ok(unit.first_day(when.day(zone)).map_or(Answer::Null, |day| Answer::Text(day.to_string())));
    };
    let moment = when.moment(zone);
    let past = (moment.timestamp() + i64::from(offset_at(moment, zone))).rem_euclid(seconds);
    let start = moment.with_nanosecond(0).and_then(|whole| whole.checked_sub_signed(Duration::seconds(past)));
    Ok(start.map_or(Answer::Null, in_utc))
}
