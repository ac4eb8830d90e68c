//! Numbers of a workbook as text: as dates where the cell's style shows one, otherwise as they are.
//!
//! | style | text |
//! |---|---|
//! | a date | `2026-01-31`; with a time of day that the style hides, as the next |
//! | a date and time | `2026-01-31T13:30:00`, milliseconds where there are some |
//! | a time of day | `13:30:00`; from 24 hours on, as the one before |
//! | a duration (`[h]:mm`) | `27:30:00` |
//! | anything else | the shortest text that is the same number: `0.1`, `1250`, `1e300` |
//!
//! A number that is no date (negative, past the year 9999, the 29th of February 1900) stays a number.

use std::fmt::Write;

use chrono::{Days, NaiveDate};

const DAY_MS: i64 = 86_400_000;
/// The first number past the year 9999, and what the other system counts less.
const END: f64 = 2_958_466.0;
const YEARS_1904: f64 = 1_462.0;

/// What a cell's style makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Number,
    Date,
    DateTime,
    Time,
    Duration,
}

impl Style {
    /// Of a number format that has no text: those of ECMA-376 §18.8.30, the East Asian ones included.
    pub(super) const fn built_in(id: u32) -> Self {
        match id {
            14..=17 | 27..=31 | 34..=36 | 50..=54 | 57..=58 => Self::Date,
            18..=21 | 32..=33 | 45 | 47 | 55..=56 => Self::Time,
            22 => Self::DateTime,
            46 => Self::Duration,
            _ => Self::Number,
        }
    }

    /// Of a number format's text; its first section decides.
    pub(super) fn of_format(code: &str) -> Self {
        let (mut date, mut time, mut month_or_minute) = (false, false, false);
        let mut chars = code.chars().peekable();
        while let Some(c) = chars.next() {
            match c.to_ascii_lowercase() {
                ';' => break,
                '"' => while chars.next().is_some_and(|c| c != '"') {},
                // The next character is one, or as wide as one.
                '\\' | '_' | '*' => {
                    chars.next();
                }
                '[' => {
                    let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    let unit = inside.to_ascii_lowercase();
                    if ["h", "m", "s"].iter().any(|u| !unit.is_empty() && unit.replace(u, "").is_empty()) {
                        return Self::Duration;
                    }
                }
                'a' if chars.peek().is_some_and(|next| matches!(next, 'm' | 'M' | '/')) => {
                    // AM/PM or A/P: its letters are no months.
                    while chars.next_if(|c| matches!(c.to_ascii_lowercase(), 'm' | '/' | 'p' | 'a')).is_some()
                    {
                    }
                    time = true;
                }
                'g' if chars.peek().is_some_and(|next| matches!(next, 'e' | 'E')) => return Self::Number,
                'y' | 'd' => date = true,
                'h' | 's' => time = true,
                'm' => month_or_minute = true,
                _ => {}
            }
        }
        match (date, time, month_or_minute) {
            (true, true, _) => Self::DateTime,
            (true, false, _) | (false, false, true) => Self::Date,
            (false, true, _) => Self::Time,
            (false, false, false) => Self::Number,
        }
    }
}

/// Appends a number as `style` shows it.
pub(super) fn push(value: f64, style: Style, is_1904: bool, text: &mut String) {
    let shown = match style {
        Style::Number => None,
        Style::Duration => duration(value, text),
        Style::Date | Style::DateTime | Style::Time => moment(value, style, is_1904, text),
    };
    if shown.is_none() {
        push_number(value, text);
    }
}

/// Appends the shortest text that reads as the same number.
pub(super) fn push_number(value: f64, text: &mut String) {
    let size = value.abs();
    // Writing to a String can't fail.
    let _ = if value.fract() == 0.0 && size < 1e15 {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and smaller than 2^53")]
        let whole = value as i64;
        write!(text, "{whole}")
    } else if (1e-7..1e21).contains(&size) {
        write!(text, "{value}")
    } else {
        write!(text, "{value:e}")
    };
}

/// Appends a number that stands in the file as text: the digits of a whole one as they are, since it may have
/// more than a float holds.
pub(super) fn push_written(written: &str, style: Style, is_1904: bool, text: &mut String) {
    let written = written.trim();
    let digits = written.strip_prefix('-').unwrap_or(written);
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match written.parse() {
        Ok(value) if !(is_whole && style == Style::Number) => push(value, style, is_1904, text),
        _ => text.push_str(written),
    }
}

/// Milliseconds, as workbooks round them.
fn milliseconds(days: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a day up to the year 9999")]
    (0.0..END).contains(&days).then(|| (days * DAY_MS as f64).round() as i64)
}

fn duration(value: f64, text: &mut String) -> Option<()> {
    let ms = milliseconds(value.abs())?;
    if value < 0.0 {
        text.push('-');
    }
    clock(ms, text);
    Some(())
}

fn clock(ms: i64, text: &mut String) {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if ms > 0 {
        let _ = write!(text, ".{ms:03}");
    }
}

fn moment(value: f64, style: Style, is_1904: bool, text: &mut String) -> Option<()> {
    let since_1899 = if is_1904 { value + YEARS_1904 } else { value };
    let ms = milliseconds(since_1899)?;
    let (day, of_day) = (ms / DAY_MS, ms % DAY_MS);
    // Numbers below one are times: in the system of 1900 they are no day.
    if value < 1.0 && (style == Style::Time || (!is_1904 && of_day > 0)) {
        clock(of_day, text);
        return Some(());
    }
    let first = match day {
        // 1900 had no 29th of February, and nothing stands before its first day.
        0 | 60 => return None,
        1..60 => NaiveDate::from_ymd_opt(1899, 12, 31)?,
        _ => NaiveDate::from_ymd_opt(1899, 12, 30)?,
    };
    let date = first.checked_add_days(Days::new(day.unsigned_abs()))?;
    let _ = write!(text, "{date}");
    if style != Style::Date || of_day > 0 {
        text.push('T');
        clock(of_day, text);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: f64, style: Style, is_1904: bool) -> String {
        let mut text = String::new();
        push(value, style, is_1904, &mut text);
        text
    }

    #[test]
    fn formats_are_read_as_a_person_reads_them() {
        for (code, style) in [
            ("General", Style::Number),
            ("0.00", Style::Number),
            ("#,##0.00\\ \"days\"", Style::Number),
            ("[Red]0.00", Style::Number),
            ("\"d\"0", Style::Number),
            ("0_d", Style::Number),
            ("yyyy-mm-dd", Style::Date),
            ("[$-409]d\\-mmm\\-yy;@", Style::Date),
            ("mmm", Style::Date),
            ("dd/mm/yyyy hh:mm", Style::DateTime),
            ("yyyy\\-mm\\-dd\\Thh:mm:ss", Style::DateTime),
            ("h:mm AM/PM", Style::Time),
            ("mm:ss.0", Style::Time),
            ("[h]:mm:ss", Style::Duration),
            ("[mm]:ss", Style::Duration),
            ("0;yyyy", Style::Number),
            ("[Magenta]0", Style::Number),
            ("@", Style::Number),
        ] {
            assert_eq!(Style::of_format(code), style, "{code}");
        }
    }

    #[test]
    fn dates_are_iso() {
        for (value, style, is_1904, text) in [
            (46_053.0, Style::Date, false, "2026-01-31"),
            (46_053.0, Style::DateTime, false, "2026-01-31T00:00:00"),
            (46_053.562_5, Style::DateTime, false, "2026-01-31T13:30:00"),
            (46_053.562_5, Style::Date, false, "2026-01-31T13:30:00"),
            (44_591.0, Style::Date, true, "2026-01-31"),
            (0.0, Style::Date, true, "1904-01-01"),
            (1.0, Style::Date, false, "1900-01-01"),
            (59.0, Style::Date, false, "1900-02-28"),
            (60.0, Style::Date, false, "60"),
            (61.0, Style::Date, false, "1900-03-01"),
            (0.0, Style::Date, false, "0"),
            (-1.0, Style::Date, false, "-1"),
            (2_958_465.0, Style::Date, false, "9999-12-31"),
            (2_958_466.0, Style::Date, false, "2958466"),
            (0.5, Style::Time, false, "12:00:00"),
            (0.0, Style::Time, true, "00:00:00"),
            (0.25, Style::DateTime, false, "06:00:00"),
            (46_053.000_005_787, Style::DateTime, false, "2026-01-31T00:00:00.500"),
            (1.145_833_333_333_333_3, Style::Duration, false, "27:30:00"),
            (-0.5, Style::Duration, false, "-12:00:00"),
            (f64::NAN, Style::Date, false, "NaN"),
        ] {
            assert_eq!(shown(value, style, is_1904), text, "{value} {style:?}");
        }
    }

    #[test]
    fn numbers_are_the_shortest_text_that_is_the_same() {
        for (written, text) in [
            ("1.1000000000000001", "1.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1250", "1250"),
            ("1250.0", "1250"),
            ("-0.0", "0"),
            ("1E3", "1000"),
            ("1e300", "1e300"),
            ("1e-9", "1e-9"),
            ("12345678901234567890", "12345678901234567890"),
            ("123456789012345.6", "123456789012345.6"),
            ("00123", "00123"),
            ("n/a", "n/a"),
        ] {
            let mut got = String::new();
            push_written(written, Style::Number, false, &mut got);
            assert_eq!(got, text, "{written}");
        }
    }
}
