//! strftime patterns as input formats, compiled once.
//!
//! The directives that occur in files are matched here, strictly and without allocation: `%Y` is four
//! digits (chrono would take `26` for the year 26), days and months one or two. A pattern with rarer
//! directives (`%j`, `%A`, `%s`, …) is read by chrono as a whole. Either way a pattern must determine a
//! day, and a time of day if it speaks of one; that is proved when it is compiled, by reading back a
//! moment that it wrote.

use std::fmt::Write as _;

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc,
    format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse},
};

use super::{
    format::{ISO_DATETIME, RFC3339},
    scanner::Scanner,
};

/// Seconds that may be missing, as `%Y-%m-%d %H:%M[:%S]` writes them.
const OPTIONAL_SECONDS: &str = "[:%S]";

/// A compiled input pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
    has_time: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Matcher {
    Tokens(Vec<Token>),
    Chrono(Vec<Item<'static>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A field of `min` to `max` digits.
    Number(Field, usize, usize),
    MonthName,
    AmPm,
    Literal(Box<[u8]>),
    /// White space; at least one, or (before AM and PM) none.
    Space {
        needed: bool,
    },
    /// Between date and time of ISO: `T` or white space.
    Separator,
    /// `:SS`, with or without a fraction, or nothing.
    OptionalSeconds,
    /// `.` and digits, or nothing.
    Fraction,
    /// `Z`, `+hh`, `+hhmm`, `+hh:mm`.
    Offset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    YearOfCentury,
    Month,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
}

/// What a text says: a wall clock time, perhaps with its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// As written; midnight where no time was.
    pub(super) local: NaiveDateTime,
    /// Seconds east of UTC, where the text says.
    pub(super) offset: Option<i32>,
    /// A time of day was there.
    pub(super) has_time: bool,
}

impl Pattern {
    /// Compiles a pattern; the error says what is wrong with it, as the end of a sentence.
    pub fn compile(text: &str) -> Result<Self, String> {
        // As around a value, white space around a pattern does not count.
        let text = text.trim();
        let pattern = match text {
            RFC3339 => Self { text: text.to_owned(), matcher: Matcher::Tokens(rfc3339()), has_time: true },
            ISO_DATETIME => Self { text: text.to_owned(), matcher: Matcher::Tokens(iso()), has_time: true },
            _ => Self::strftime(text)?,
        };
        pattern.prove()?;
        Ok(pattern)
    }

    fn strftime(text: &str) -> Result<Self, String> {
        let mut tokens = Some(Vec::new());
        let mut has_time = false;
        for (n, part) in text.split(OPTIONAL_SECONDS).enumerate() {
            if n > 0 {
                push_token(&mut tokens, Some(Token::OptionalSeconds));
            }
            for item in checked_items(part)? {
                if item == Item::Fixed(Fixed::TimezoneName) {
                    return Err("has %Z, and names of time zones can't be read".to_owned());
                }
                has_time |= is_time(&item);
                push_token(&mut tokens, token(&item));
            }
        }
        let matcher = match tokens {
            Some(mut tokens) => {
                loosen_space_before_am_pm(&mut tokens);
                Matcher::Tokens(tokens)
            }
            None if text.contains(OPTIONAL_SECONDS) => {
                return Err(format!("has {OPTIONAL_SECONDS} beside directives that don't allow it"));
            }
            None => Matcher::Chrono(checked_items(text)?),
        };
        Ok(Self { text: text.to_owned(), matcher, has_time })
    }

    /// The pattern as it was declared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads a text as a whole. `tail`: a time of day may follow a date.
    pub(super) fn read(&self, text: &str, tail: bool) -> Option<Reading> {
        let reading = match &self.matcher {
            Matcher::Tokens(tokens) => Scanner::new(text).read(tokens, tail && !self.has_time),
            Matcher::Chrono(items) => read_with_chrono(text, items, self.has_time),
        };
        reading.filter(|reading| in_range(reading.local.date()))
    }

    /// Writes a moment and reads it back: the pattern must say which day, and which time if any.
    fn prove(&self) -> Result<(), String> {
        let sample = NaiveDate::from_ymd_opt(2026, 11, 23)
            .and_then(|day| day.and_hms_opt(14, 35, 46))
            .map(|local| local.and_utc());
        let Some(sample) = sample else { return Ok(()) };
        let mut written = String::new();
        match self.text.as_str() {
            RFC3339 => written = sample.to_rfc3339(),
            pattern => {
                let items = output_items(pattern)?;
                write!(written, "{}", sample.format_with_items(items.iter()))
                    .map_err(|_| "can't be written".to_owned())?;
            }
        }
        let reading =
            self.read(&written, false).filter(|reading| reading.local.date() == sample.date_naive());
        let Some(reading) = reading else {
            let what = if self.has_time { "day and hour it is (%I needs %p)" } else { "day it is" };
            return Err(format!("does not say which {what}"));
        };
        if self.has_time && reading.local.hour() != sample.hour() {
            return Err("does not say which hour it is (%I needs %p)".to_owned());
        }
        Ok(())
    }
}

/// The items of an output pattern, checked; the error is the end of a sentence. `[:%S]` writes the seconds.
pub fn output_items(pattern: &str) -> Result<Vec<Item<'static>>, String> {
    checked_items(&pattern.replace(OPTIONAL_SECONDS, ":%S"))
}

/// Years that every reader of our output can spell.
pub(super) fn in_range(day: NaiveDate) -> bool {
    (1..=9999).contains(&day.year())
}

fn checked_items(pattern: &str) -> Result<Vec<Item<'static>>, String> {
    StrftimeItems::new(pattern).parse_to_owned().map_err(|_| "is not a strftime pattern".to_owned())
}

fn is_time(item: &Item<'_>) -> bool {
    match item {
        Item::Numeric(numeric, _) => matches!(
            numeric,
            Numeric::Hour
                | Numeric::Hour12
                | Numeric::Minute
                | Numeric::Second
                | Numeric::Nanosecond
                | Numeric::Timestamp
        ),
        Item::Fixed(fixed) => matches!(
            fixed,
            Fixed::LowerAmPm | Fixed::UpperAmPm | Fixed::Nanosecond | Fixed::RFC2822 | Fixed::RFC3339
        ),
        _ => false,
    }
}

/// One directive that is unknown here leaves the whole pattern to chrono.
fn push_token(tokens: &mut Option<Vec<Token>>, token: Option<Token>) {
    match (tokens.as_mut(), token) {
        (Some(tokens), Some(token)) => tokens.push(token),
        _ => *tokens = None,
    }
}

fn token(item: &Item<'_>) -> Option<Token> {
    Some(match item {
        Item::Literal(text) => Token::Literal(text.as_bytes().into()),
        Item::OwnedLiteral(text) => Token::Literal(text.as_bytes().into()),
        Item::Space(_) | Item::OwnedSpace(_) => Token::Space { needed: true },
        Item::Numeric(Numeric::Year, _) => Token::Number(Field::Year, 4, 4),
        Item::Numeric(Numeric::YearMod100, _) => Token::Number(Field::YearOfCentury, 2, 2),
        Item::Numeric(Numeric::Month, _) => Token::Number(Field::Month, 1, 2),
        Item::Numeric(Numeric::Day, _) => Token::Number(Field::Day, 1, 2),
        Item::Numeric(Numeric::Hour, _) => Token::Number(Field::Hour, 1, 2),
        Item::Numeric(Numeric::Hour12, _) => Token::Number(Field::Hour12, 1, 2),
        Item::Numeric(Numeric::Minute, _) => Token::Number(Field::Minute, 2, 2),
        Item::Numeric(Numeric::Second, _) => Token::Number(Field::Second, 2, 2),
        Item::Fixed(Fixed::ShortMonthName | Fixed::LongMonthName) => Token::MonthName,
        Item::Fixed(Fixed::LowerAmPm | Fixed::UpperAmPm) => Token::AmPm,
        Item::Fixed(Fixed::Nanosecond | Fixed::Nanosecond3 | Fixed::Nanosecond6 | Fixed::Nanosecond9) => {
            Token::Fraction
        }
        Item::Fixed(
            Fixed::TimezoneOffset
            | Fixed::TimezoneOffsetZ
            | Fixed::TimezoneOffsetColon
            | Fixed::TimezoneOffsetColonZ,
        ) => Token::Offset,
        _ => return None,
    })
}

fn loosen_space_before_am_pm(tokens: &mut [Token]) {
    for n in 1..tokens.len() {
        if tokens[n] == Token::AmPm && tokens[n - 1] == (Token::Space { needed: true }) {
            tokens[n - 1] = Token::Space { needed: false };
        }
    }
}

fn literal(text: &str) -> Token {
    Token::Literal(text.as_bytes().into())
}

fn iso_day() -> [Token; 5] {
    [
        Token::Number(Field::Year, 4, 4),
        literal("-"),
        Token::Number(Field::Month, 2, 2),
        literal("-"),
        Token::Number(Field::Day, 2, 2),
    ]
}

fn iso() -> Vec<Token> {
    let time = [
        Token::Separator,
        Token::Number(Field::Hour, 1, 2),
        literal(":"),
        Token::Number(Field::Minute, 2, 2),
        Token::OptionalSeconds,
    ];
    iso_day().into_iter().chain(time).collect()
}

fn rfc3339() -> Vec<Token> {
    let time = [
        Token::Separator,
        Token::Number(Field::Hour, 2, 2),
        literal(":"),
        Token::Number(Field::Minute, 2, 2),
        literal(":"),
        Token::Number(Field::Second, 2, 2),
        Token::Fraction,
        Token::Offset,
    ];
    iso_day().into_iter().chain(time).collect()
}

fn read_with_chrono(text: &str, items: &[Item<'static>], has_time: bool) -> Option<Reading> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    let offset = parsed.offset();
    let local = if !has_time {
        parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN)
    } else if let Some(seconds) = parsed.timestamp() {
        let moment: DateTime<Utc> = DateTime::from_timestamp(seconds, 0)?;
        return Some(Reading { local: moment.naive_utc(), offset: Some(0), has_time });
    } else {
        // Whole microseconds, as the scanner; no leap seconds, which no record can keep.
        let local = parsed.to_naive_datetime_with_offset(0).ok()?;
        let nanos = local.nanosecond();
        (nanos < 1_000_000_000).then_some(())?;
        local.with_nanosecond(nanos / 1000 * 1000)?
    };
    // A year of fewer digits is a slip, not the Middle Ages; the scanner refuses it by its width.
    (parsed.year().is_none_or(|year| year >= 1000)).then_some(Reading { local, offset, has_time })
}
