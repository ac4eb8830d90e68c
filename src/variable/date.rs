//! Dates and moments.
//!
//! A **date** is the calendar day as it is written. A time part is dropped with a warning, and an offset
//! in it does not move the day; `unix_epoch` counts days of UTC. A **datetime** is a moment: without an
//! offset, the text is a wall clock in the workspace's time zone; a pattern without a time of day means
//! the day's first moment. Years go from 1 to 9999.

use std::borrow::Cow;

use chrono::{DateTime, Duration, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::{
    auto::Auto,
    fault::{Fault, FaultCode, Warning},
    format::NumberFormat,
    number::parse_number,
    parser::Locale,
    pattern::{Pattern, Reading, in_range},
};

/// A date or a moment: what formats are legal, and what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// A calendar day.
    Day,
    /// A moment.
    Moment,
}

/// Days since 1899-12-30, or since 1904-01-01 in a workbook that says so.
pub const EXCEL_EPOCH: &str = "excel_epoch";

/// How a date or datetime is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateFormat {
    /// The one of several patterns that the column fits.
    Auto(Auto),
    /// A strftime pattern, RFC 3339 or ISO.
    Pattern(Pattern),
    /// Days since 1899-12-30 (or 1904-01-01, in a workbook that says so).
    ExcelEpoch,
    /// Seconds since 1970-01-01 UTC.
    UnixEpoch,
    /// Milliseconds since 1970-01-01 UTC.
    UnixEpochMs,
}

impl DateFormat {
    /// Reads the API's word or pattern; the error is the end of a sentence that began with it.
    pub fn compile(text: &str, precision: Precision) -> Result<Self, String> {
        if let Some(auto) = Auto::parse(text, precision) {
            return Ok(Self::Auto(auto));
        }
        match (text, precision) {
            (EXCEL_EPOCH, _) => Ok(Self::ExcelEpoch),
            ("unix_epoch", _) => Ok(Self::UnixEpoch),
            ("unix_epoch_ms", Precision::Moment) => Ok(Self::UnixEpochMs),
            _ if text.contains('%') || (text == super::format::RFC3339 && precision == Precision::Moment) => {
                Pattern::compile(text).map(Self::Pattern)
            }
            _ => Err("is neither a named format nor a strftime pattern".to_owned()),
        }
    }

    /// The word or pattern as it was declared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Auto(auto) => auto.as_str(),
            Self::Pattern(pattern) => pattern.as_str(),
            Self::ExcelEpoch => EXCEL_EPOCH,
            Self::UnixEpoch => "unix_epoch",
            Self::UnixEpochMs => "unix_epoch_ms",
        }
    }

    /// What a value should have looked like.
    pub(super) fn expected(&self) -> Cow<'static, str> {
        match self {
            Self::Auto(auto) => auto.expected(),
            Self::Pattern(pattern) => Cow::Owned(pattern.as_str().to_owned()),
            Self::ExcelEpoch => Cow::Borrowed("excel_epoch: days since 1899-12-30"),
            Self::UnixEpoch => Cow::Borrowed("unix_epoch: seconds since 1970-01-01"),
            Self::UnixEpochMs => Cow::Borrowed("unix_epoch_ms: milliseconds since 1970-01-01"),
        }
    }

    /// What the text says; the time zone has no say yet.
    pub(super) fn read(&self, text: &str, precision: Precision, locale: Locale) -> Result<Reading, Fault> {
        let reading = match self {
            Self::Auto(auto) => return auto.read(text, precision),
            Self::Pattern(pattern) => Ok(pattern.read(text, precision == Precision::Day)),
            Self::ExcelEpoch => excel_epoch(text, locale),
            Self::UnixEpoch => unix_epoch(text, 1_000_000),
            Self::UnixEpochMs => unix_epoch(text, 1_000),
        };
        match reading {
            Ok(Some(reading)) => Ok(reading),
            Ok(None) => Err(Fault::new(FaultCode::NotADate, self.expected())),
            Err(OutOfRange) => Err(out_of_range()),
        }
    }
}

/// Reads a calendar day; white space around it does not count.
pub fn parse_date(
    text: &str,
    format: &DateFormat,
    locale: Locale,
) -> Result<(NaiveDate, Option<Warning>), Fault> {
    let reading = format.read(text.trim(), Precision::Day, locale)?;
    Ok((reading.local.date(), reading.has_time.then_some(Warning::TimeDropped)))
}

/// Reads a moment; white space around it does not count.
pub fn parse_datetime(text: &str, format: &DateFormat, locale: Locale) -> Result<DateTime<Utc>, Fault> {
    let reading = format.read(text.trim(), Precision::Moment, locale)?;
    let moment = match reading.offset {
        Some(seconds) => (reading.local - Duration::seconds(i64::from(seconds))).and_utc(),
        None if reading.has_time => moment_in(reading.local, locale.timezone)?,
        None => first_moment(reading.local.date(), locale.timezone)?,
    };
    // The year may have turned on the way to UTC.
    if in_range(moment.date_naive()) { Ok(moment) } else { Err(out_of_range()) }
}

fn out_of_range() -> Fault {
    Fault::new(FaultCode::OutOfRange, "a date between the years 1 and 9999")
}

/// The first moment of a day: not always midnight, and not always the only one. A day that was left out as a
/// whole (Samoa's 2011-12-30) has none.
fn first_moment(day: NaiveDate, timezone: Tz) -> Result<DateTime<Utc>, Fault> {
    const SECONDS_PER_DAY: i64 = 86_400;
    let midnight = day.and_time(NaiveTime::MIN);
    let at = |second: i64| {
        let local = midnight + Duration::seconds(second);
        timezone.from_local_datetime(&local).earliest().map(|moment| moment.to_utc())
    };
    if timezone == Tz::UTC {
        return Ok(midnight.and_utc());
    }
    if let Some(moment) = at(0) {
        return Ok(moment);
    }
    // The clocks were set forward over midnight: to the first minute that there is, or, with old zones, to
    // a second before it.
    let Some(minute) = (1..SECONDS_PER_DAY / 60).find(|minute| at(minute * 60).is_some()) else {
        return moment_in(midnight, timezone);
    };
    let first = (minute * 60 - 59..=minute * 60).find_map(at);
    first.map_or_else(|| moment_in(midnight, timezone), Ok)
}

/// The moment at which clocks of the zone show this time.
pub fn moment_in(local: NaiveDateTime, timezone: Tz) -> Result<DateTime<Utc>, Fault> {
    if timezone == Tz::UTC {
        return Ok(local.and_utc());
    }
    match timezone.from_local_datetime(&local) {
        MappedLocalTime::Single(moment) => Ok(moment.to_utc()),
        MappedLocalTime::None => {
            Err(Fault::new(FaultCode::NotADate, "a local time that exists, or one with an offset")
                .because(format!("does not exist in {timezone}: the clocks were set forward over it")))
        }
        MappedLocalTime::Ambiguous(early, late) => {
            Err(Fault::new(FaultCode::AmbiguousDate, "a time with an offset").because(format!(
                "exists twice in {timezone}, as {} and {}: the clocks were set back over it",
                early.to_rfc3339(),
                late.to_rfc3339()
            )))
        }
    }
}

struct OutOfRange;

/// Days and a fraction, which is rounded to the millisecond: spreadsheets keep floats.
fn excel_epoch(text: &str, locale: Locale) -> Result<Option<Reading>, OutOfRange> {
    const MS_PER_DAY: i64 = 86_400_000;
    let (year, month, day) = if locale.excel_1904 { (1904, 1, 1) } else { (1899, 12, 30) };
    let Some(epoch) = NaiveDate::from_ymd_opt(year, month, day) else { return Ok(None) };
    let Some(ms) = scaled(text, MS_PER_DAY)? else { return Ok(None) };
    if ms < 0 {
        return Err(OutOfRange);
    }
    let local = Duration::try_milliseconds(ms)
        .and_then(|since| epoch.and_time(NaiveTime::MIN).checked_add_signed(since))
        .filter(|local| in_range(local.date()))
        .ok_or(OutOfRange)?;
    Ok(Some(Reading { local, offset: None, has_time: local.time() != NaiveTime::MIN }))
}

/// `micros`: how many one unit has.
fn unix_epoch(text: &str, micros: i64) -> Result<Option<Reading>, OutOfRange> {
    let Some(micros) = scaled(text, micros)? else { return Ok(None) };
    let local = DateTime::from_timestamp_micros(micros)
        .map(|moment| moment.naive_utc())
        .filter(|local| in_range(local.date()))
        .ok_or(OutOfRange)?;
    Ok(Some(Reading { local, offset: Some(0), has_time: local.time() != NaiveTime::MIN }))
}

/// The number times `factor`, rounded; `None`: it is no number.
fn scaled(text: &str, factor: i64) -> Result<Option<i64>, OutOfRange> {
    let whole = text.as_bytes();
    if (1..=18).contains(&whole.len()) && whole.iter().all(u8::is_ascii_digit) {
        let value = whole.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
        return value.checked_mul(factor).map(Some).ok_or(OutOfRange);
    }
    match parse_number(text, NumberFormat::Plain) {
        Ok(value) => value
            .checked_mul(Decimal::from(factor))
            .and_then(|product| product.round().to_i64())
            .map(Some)
            .ok_or(OutOfRange),
        Err(fault) if fault.code == FaultCode::OutOfRange => Err(OutOfRange),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::variable::format::DATE_PATTERNS;

    fn day(text: &str, format: &str) -> Result<(String, Option<Warning>), FaultCode> {
        let format = DateFormat::compile(format, Precision::Day).unwrap();
        parse_date(text, &format, Locale::default())
            .map(|(day, warning)| (day.to_string(), warning))
            .map_err(|fault| fault.code)
    }

    fn moment(text: &str, format: &str, timezone: Tz) -> Result<String, Fault> {
        let format = DateFormat::compile(format, Precision::Moment).unwrap();
        parse_datetime(text, &format, Locale { timezone, ..Locale::default() })
            .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    #[test]
    fn dates_are_read_in_every_format_of_the_catalogue() {
        for (text, format) in [
            ("2026-03-04", "%Y-%m-%d"),
            ("03/04/2026", "%m/%d/%Y"),
            ("3/4/2026", "%m/%d/%Y"),
            ("03-04-2026", "%m-%d-%Y"),
            ("03.04.2026", "%m.%d.%Y"),
            ("04/03/2026", "%d/%m/%Y"),
            ("04-03-2026", "%d-%m-%Y"),
            (" 04.03.2026 ", "%d.%m.%Y"),
            ("2026/03/04", "%Y/%m/%d"),
            ("2026.03.04", "%Y.%m.%d"),
            ("46085", "excel_epoch"),
            ("1772582400", "unix_epoch"),
            ("20260304", "%Y%m%d"),
            ("04 Mar 2026", "%d %b %Y"),
            ("March 4, 2026", "%B %d, %Y"),
            ("3/4/26", "%m/%d/%y"),
            ("063 2026", "%j %Y"),
            ("Wed 4 march 2026", "%a %d %B %Y"),
        ] {
            assert_eq!(day(text, format), Ok(("2026-03-04".to_owned(), None)), "{text} {format}");
        }
    }

    #[test]
    fn dates_that_do_not_fit_are_refused() {
        for (text, format) in [
            ("2026-02-30", "%Y-%m-%d"),
            ("2026-13-01", "%Y-%m-%d"),
            ("26-03-04", "%Y-%m-%d"),
            ("02026-03-04", "%Y-%m-%d"),
            ("0000-01-01", "%Y-%m-%d"),
            ("2026-03-04x", "%Y-%m-%d"),
            ("2026-03-04 25:00", "%Y-%m-%d"),
            ("2026-03-04 10", "%Y-%m-%d"),
            ("03/04/26", "%m/%d/%Y"),
            ("13/04/2026", "%m/%d/%Y"),
            ("03-04-2026", "%m/%d/%Y"),
            ("٢٠٢٦-03-04", "%Y-%m-%d"),
            ("063 26", "%j %Y"),
            ("Thu 4 March 2026", "%a %d %B %Y"),
            ("soon", "excel_epoch"),
            ("1e5", "unix_epoch"),
        ] {
            assert_eq!(day(text, format), Err(FaultCode::NotADate), "{text} {format}");
        }
        for (text, format) in [
            ("-1", "excel_epoch"),
            ("2958466", "excel_epoch"),
            ("999999999999999999", "unix_epoch"),
            ("253402300800", "unix_epoch"),
        ] {
            assert_eq!(day(text, format), Err(FaultCode::OutOfRange), "{text} {format}");
        }
    }

    #[test]
    fn a_time_part_of_a_date_is_dropped_with_a_warning() {
        for (text, format) in [
            ("2026-03-04 00:00:00", "%Y-%m-%d"),
            ("2026-03-04T23:59:59.123Z", "%Y-%m-%d"),
            ("2026-03-04T23:59+05:30", "%Y-%m-%d"),
            ("3/4/2026 3:05 PM", "%m/%d/%Y"),
            ("2026-03-04 10:00", "%Y-%m-%d %H:%M"),
            ("46085.5", "excel_epoch"),
            ("1772582401", "unix_epoch"),
        ] {
            let want = Ok(("2026-03-04".to_owned(), Some(Warning::TimeDropped)));
            assert_eq!(day(text, format), want, "{text} {format}");
        }
    }

    #[test]
    fn a_workbook_may_count_from_1904() {
        let locale = Locale { excel_1904: true, ..Locale::default() };
        let (day, _) = parse_date("44623", &DateFormat::ExcelEpoch, locale).unwrap();
        assert_eq!(day.to_string(), "2026-03-04");
    }

    #[test]
    fn moments_are_read_in_every_format_of_the_catalogue() {
        for (text, format) in [
            ("2026-03-04T15:05:00Z", "rfc3339"),
            ("2026-03-04T16:05:00+01:00", "rfc3339"),
            ("2026-03-04 10:05:00.000-05:00", "rfc3339"),
            ("2026-03-04 15:05", "%Y-%m-%d %H:%M[:%S]"),
            ("2026-03-04T15:05:00", "%Y-%m-%d %H:%M[:%S]"),
            ("2026-03-04 15:05:00.000", "%Y-%m-%d %H:%M[:%S]"),
            ("03/04/2026 15:05", "%m/%d/%Y %H:%M"),
            ("04.03.2026 15:05:00", "%d.%m.%Y %H:%M:%S"),
            ("3/4/2026 3:05 PM", "%m/%d/%Y %I:%M %p"),
            ("3/4/2026 3:05pm", "%m/%d/%Y %I:%M %p"),
            ("46085.628472222", "excel_epoch"),
            ("1772636700", "unix_epoch"),
            ("1772636700000", "unix_epoch_ms"),
            ("1772636700", "%s"),
            ("2026-03-04 15:05:00 +0000", "%Y-%m-%d %H:%M:%S %z"),
        ] {
            assert_eq!(moment(text, format, Tz::UTC).unwrap(), "2026-03-04T15:05:00Z", "{text} {format}");
        }
        assert_eq!(moment("1.5", "unix_epoch", Tz::UTC).unwrap(), "1970-01-01T00:00:01.500Z");
        assert_eq!(moment("2026-03-04", "%Y-%m-%d", Tz::Europe__Berlin).unwrap(), "2026-03-03T23:00:00Z");
        assert_eq!(
            moment("12:30 AM 2026-03-04", "%I:%M %p %Y-%m-%d", Tz::UTC).unwrap(),
            "2026-03-04T00:30:00Z"
        );
    }

    #[test]
    fn moments_that_do_not_fit_are_refused() {
        for (text, format) in [
            ("2026-03-04T15:05:00", "rfc3339"),
            ("2026-03-04T24:05:00Z", "rfc3339"),
            ("2026-03-04", "%Y-%m-%d %H:%M[:%S]"),
            ("2026-03-04 15:05:", "%Y-%m-%d %H:%M[:%S]"),
            ("2026-03-04 10:00", "%Y-%m-%d"),
            ("3/4/2026 13:05 PM", "%m/%d/%Y %I:%M %p"),
            ("3/4/2026 3:05", "%m/%d/%Y %I:%M %p"),
        ] {
            assert_eq!(
                moment(text, format, Tz::UTC).unwrap_err().code,
                FaultCode::NotADate,
                "{text} {format}"
            );
        }
    }

    #[test]
    fn a_local_time_that_does_not_exist_or_exists_twice_says_so() {
        let zone = Tz::America__New_York;
        let iso = "%Y-%m-%d %H:%M[:%S]";
        assert_eq!(moment("2026-03-08 01:59", iso, zone).unwrap(), "2026-03-08T06:59:00Z");
        let gap = moment("2026-03-08 02:30", iso, zone).unwrap_err();
        assert_eq!(gap.code, FaultCode::NotADate);
        assert!(gap.to_string().contains("does not exist in America/New_York"), "{gap}");
        let twice = moment("2026-11-01 01:30", iso, zone).unwrap_err();
        assert_eq!(twice.code, FaultCode::AmbiguousDate);
        assert!(
            twice.to_string().contains("2026-11-01T01:30:00-04:00 and 2026-11-01T01:30:00-05:00"),
            "{twice}"
        );
        assert_eq!(moment("2026-11-01T01:30:00-04:00", "rfc3339", zone).unwrap(), "2026-11-01T05:30:00Z");
    }

    #[test]
    fn patterns_that_can_not_work_are_refused_when_compiled() {
        for (text, precision) in [
            ("%Q", Precision::Day),
            ("%Y-%m", Precision::Day),
            ("%H:%M", Precision::Moment),
            ("%Y-%m-%d %I:%M", Precision::Moment),
            ("%Y-%m-%d %M", Precision::Moment),
            ("%Y-%m-%d %H:%M %Z", Precision::Moment),
            ("YYYY-MM-DD", Precision::Day),
            ("unix_epoch_ms", Precision::Day),
            ("rfc3339", Precision::Day),
        ] {
            assert!(DateFormat::compile(text, precision).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_date_written_in_a_pattern_reads_back(days in 0_i64..3_652_059, pattern in 0..DATE_PATTERNS.len()) {
            let day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap() + Duration::days(days);
            let pattern = DATE_PATTERNS[pattern].0;
            let format = DateFormat::compile(pattern, Precision::Day).unwrap();
            let text = day.format(pattern).to_string();
            prop_assert_eq!(parse_date(&text, &format, Locale::default()), Ok((day, None)));
        }

        #[test]
        fn a_moment_written_as_rfc3339_reads_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let moment = DateTime::from_timestamp_micros(micros).unwrap();
            let format = DateFormat::compile("rfc3339", Precision::Moment).unwrap();
            prop_assert_eq!(parse_datetime(&moment.to_rfc3339(), &format, Locale::default()), Ok(moment));
        }

        #[test]
        fn no_text_panics(text in "[0-9:/TZ+.apm -]{0,30}|\\PC{0,20}") {
            for name in ["auto", "rfc3339", "%Y-%m-%d %H:%M[:%S]", "%d %b %Y %I:%M %p", "%j %Y", "excel_epoch", "unix_epoch_ms"] {
                let format = DateFormat::compile(name, Precision::Moment).unwrap();
                let _ = parse_datetime(&text, &format, Locale { timezone: Tz::America__New_York, ..Locale::default() });
                let _ = parse_date(&text, &format, Locale::default());
            }
        }
    }
}
