//! Days and moments as callers of the API write them: with the patterns that variables have, always the
//! same ones.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{
    date::{DateFormat, parse_date, parse_datetime},
    fault::{Fault, FaultCode},
    format::{ISO_DATETIME, RFC3339},
    parser::Locale,
    pattern::Pattern,
};

static DAY: LazyLock<DateFormat> = LazyLock::new(|| constant("%Y-%m-%d"));
static WITH_OFFSET: LazyLock<DateFormat> = LazyLock::new(|| constant(RFC3339));
static WALL_CLOCK: LazyLock<DateFormat> = LazyLock::new(|| constant(ISO_DATETIME));

fn constant(pattern: &str) -> DateFormat {
    DateFormat::Pattern(
        Pattern::compile(pattern).expect("the three patterns are constants, and a test compiles each"),
    )
}

/// A calendar day as `YYYY-MM-DD`; white space around it does not count.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    // A pattern for days also takes a time behind it, and one digit for a month.
    if text.len() != 10 {
        return None;
    }
    parse_date(text, &DAY, Locale::default()).ok().map(|(day, _)| day)
}

/// A moment: RFC 3339, or what clocks of `timezone` show, `T` or a blank before the time.
///
/// # Errors
/// It is neither, or the clocks show it never or twice.
pub fn moment(text: &str, timezone: Tz) -> Result<DateTime<Utc>, Fault> {
    let locale = Locale { timezone, ..Locale::default() };
    if let Ok(moment) = parse_datetime(text, &WITH_OFFSET, locale) {
        return Ok(moment);
    }
    parse_datetime(text, &WALL_CLOCK, locale).map_err(|fault| match (fault.code, &fault.reason) {
        (FaultCode::NotADate, None) => {
            Fault::new(FaultCode::NotADate, "a time such as 2026-07-31T09:30:00+02:00")
        }
        _ => fault,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_one_way() {
        assert_eq!(day(" 2026-02-28 "), NaiveDate::from_ymd_opt(2026, 2, 28));
        for text in ["2026-02-30", "2026-2-28", "2026-02-28T10:00", "28.02.2026", "2026-02-2x", ""] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_has_an_offset_or_is_local() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        for (text, utc) in [
            ("2026-07-31T09:30:00+02:00", "2026-07-31T07:30:00Z"),
            ("2026-07-31T09:30:00.123456Z", "2026-07-31T09:30:00.123456Z"),
            (" 2026-07-31T09:30 ", "2026-07-31T07:30:00Z"),
            ("2026-01-31 09:30:05.5", "2026-01-31T08:30:05.5Z"),
        ] {
            assert_eq!(moment(text, berlin).unwrap(), utc.parse::<DateTime<Utc>>().unwrap(), "{text}");
        }
        for (text, code) in [
            ("2026-07-31", FaultCode::NotADate),
            ("yesterday", FaultCode::NotADate),
            ("2026-03-29T02:30:00", FaultCode::NotADate),
            ("2026-10-25T02:30:00", FaultCode::AmbiguousDate),
        ] {
            assert_eq!(moment(text, berlin).unwrap_err().code, code, "{text}");
        }
    }
}
