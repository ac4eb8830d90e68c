//! Reads a text along the tokens of a pattern.

use chrono::{NaiveDate, NaiveTime};

use super::pattern::{Field, Reading, Token};

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    year: i32,
    month: u32,
    day: u32,
    hour: Option<u32>,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: Option<u32>,
    second: Option<u32>,
    micro: u32,
    offset: Option<i32>,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            year: 0,
            month: 0,
            day: 0,
            hour: None,
            hour12: None,
            afternoon: None,
            minute: None,
            second: None,
            micro: 0,
            offset: None,
        }
    }

    pub(super) fn read(mut self, tokens: &[Token], tail: bool) -> Option<Reading> {
        for token in tokens {
            self.take(token)?;
        }
        if self.at < self.bytes.len() {
            if !tail {
                return None;
            }
            self.take_time()?;
        }
        let day = NaiveDate::from_ymd_opt(self.year, self.month, self.day)?;
        let (time, has_time) = self.time()?;
        Some(Reading { local: day.and_time(time), offset: self.offset, has_time })
    }

    /// The time of day and whether one was there; `None`: it is incomplete or does not exist.
    fn time(&self) -> Option<(NaiveTime, bool)> {
        let hour = match (self.hour, self.hour12, self.afternoon) {
            (Some(hour), ..) => hour,
            (None, Some(hour @ 1..=12), Some(afternoon)) => hour % 12 + if afternoon { 12 } else { 0 },
            (None, None, None) if self.minute.is_none() && self.second.is_none() => {
                return Some((NaiveTime::MIN, false));
            }
            _ => return None,
        };
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        NaiveTime::from_hms_micro_opt(hour, minute, second, self.micro).map(|time| (time, true))
    }

    fn take(&mut self, token: &Token) -> Option<()> {
        match token {
            Token::Number(field, min, max) => {
                let value = self.number(*min, *max)?;
                self.set(*field, value);
            }
            Token::Literal(bytes) => {
                self.bytes[self.at..].starts_with(bytes).then_some(())?;
                self.at += bytes.len();
            }
            Token::Space { needed } => (self.spaces() > 0 || !needed).then_some(())?,
            Token::Separator => {
                (self.skip(b'T') || self.skip(b't') || self.spaces() > 0).then_some(())?;
            }
            Token::MonthName => self.month = self.month_name()?,
            Token::AmPm => self.take_am_pm()?,
            Token::OptionalSeconds => self.take_optional_seconds()?,
            Token::Fraction => self.take_fraction()?,
            Token::Offset => self.take_offset()?,
        }
        Some(())
    }

    const fn set(&mut self, field: Field, value: u32) {
        match field {
            Field::Year => self.year = value.cast_signed(),
            // As POSIX: 69 to 99 are of the last century.
            Field::YearOfCentury => self.year = value.cast_signed() + if value < 69 { 2000 } else { 1900 },
            Field::Month => self.month = value,
            Field::Day => self.day = value,
            Field::Hour => self.hour = Some(value),
            Field::Hour12 => self.hour12 = Some(value),
            Field::Minute => self.minute = Some(value),
            Field::Second => self.second = Some(value),
        }
    }

    /// A time of day after a date: `T10:00`, ` 10:00:00.5 PM`, ` 10:00:00+01:00`.
    fn take_time(&mut self) -> Option<()> {
        self.take(&Token::Separator)?;
        let hour = self.number(1, 2)?;
        self.skip(b':').then_some(())?;
        self.minute = Some(self.number(2, 2)?);
        self.take_optional_seconds()?;
        self.spaces();
        if self.take_am_pm().is_some() {
            self.hour12 = Some(hour);
            self.spaces();
        } else {
            self.hour = Some(hour);
        }
        if self.at < self.bytes.len() {
            self.take_offset()?;
        }
        (self.at == self.bytes.len()).then_some(())
    }

    fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let mut value = 0;
        let mut digits = 0;
        while digits < max {
            let Some(byte) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) else { break };
            value = value * 10 + u32::from(byte - b'0');
            (digits, self.at) = (digits + 1, self.at + 1);
        }
        (digits >= min).then_some(value)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    fn spaces(&mut self) -> usize {
        let from = self.at;
        loop {
            match self.bytes.get(self.at..).unwrap_or_default() {
                [b' ' | b'\t' | b'\n' | b'\r', ..] => self.at += 1,
                // The no-break spaces that spreadsheets and browsers put before AM and PM.
                [0xc2, 0xa0, ..] => self.at += 2,
                [0xe2, 0x80, 0xaf, ..] => self.at += 3,
                _ => return self.at - from,
            }
        }
    }

    fn month_name(&mut self) -> Option<u32> {
        const NAMES: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let rest = &self.bytes[self.at..];
        let is_first =
            |name: &str| rest.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name.as_bytes()));
        for (month, name) in (1..).zip(NAMES) {
            if is_first(&name[..3]) {
                self.at += if is_first(name) { name.len() } else { 3 };
                return Some(month);
            }
        }
        None
    }

    fn take_am_pm(&mut self) -> Option<()> {
        let [half, b'm' | b'M', ..] = self.bytes[self.at..] else { return None };
        self.afternoon = match half {
            b'a' | b'A' => Some(false),
            b'p' | b'P' => Some(true),
            _ => return None,
        };
        self.at += 2;
        Some(())
    }

    fn take_optional_seconds(&mut self) -> Option<()> {
        if self.skip(b':') {
            self.second = Some(self.number(2, 2)?);
            self.take_fraction()?;
        }
        Some(())
    }

    /// Digits beyond microseconds are cut off: that is what a record keeps.
    fn take_fraction(&mut self) -> Option<()> {
        if !self.skip(b'.') {
            return Some(());
        }
        let mut digits = 0;
        while let Some(byte) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            if digits < 6 {
                self.micro = self.micro * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            self.at += 1;
        }
        self.micro *= 10_u32.pow(6 - digits);
        (digits > 0).then_some(())
    }

    fn take_offset(&mut self) -> Option<()> {
        if self.skip(b'Z') || self.skip(b'z') {
            self.offset = Some(0);
            return Some(());
        }
        let west = self.skip(b'-');
        (west || self.skip(b'+')).then_some(())?;
        let hours = self.number(2, 2)?;
        let minutes = if self.skip(b':') || self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.number(2, 2)?
        } else {
            0
        };
        (hours < 24 && minutes < 60).then_some(())?;
        let seconds = (hours * 3600 + minutes * 60).cast_signed();
        self.offset = Some(if west { -seconds } else { seconds });
        Some(())
    }
}
