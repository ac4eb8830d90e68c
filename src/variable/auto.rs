//! `auto`, `auto_us` and `auto_eu`: the format that a column of dates is written in.
//!
//! The column is read once before loading. The pattern that reads the most values is taken; rows that
//! don't fit it are rejected. When several patterns read equally many, a row is taken only if all of them
//! read it alike; otherwise it is `ambiguous_date`, both readings named. `auto_us` and `auto_eu` break
//! such a tie between month-first and day-first patterns by declaration.
//!
//! Numbers of days or seconds (`excel_epoch`, `unix_epoch`, …) are never detected: any column of
//! numbers would be one, and 46000 has a reading in each.

use std::borrow::Cow;

use super::{
    array,
    date::Precision,
    fault::{Fault, FaultCode},
    format::{DATE_PATTERNS, ISO_DATETIME, RFC3339, TIME_PATTERNS},
    parser::Parser,
    pattern::{Pattern, Reading},
};

/// Who wins between month-first and day-first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tie {
    Nobody,
    MonthFirst,
    DayFirst,
}

/// The patterns that a value is tried with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auto {
    tie: Tie,
    candidates: Vec<Pattern>,
    /// The column was read: `candidates` are those that read the most.
    decided: bool,
}

impl Auto {
    pub(super) fn parse(text: &str, precision: Precision) -> Option<Self> {
        let tie = match text {
            "auto" => Tie::Nobody,
            "auto_us" => Tie::MonthFirst,
            "auto_eu" => Tie::DayFirst,
            _ => return None,
        };
        Some(Self { tie, candidates: candidates(precision), decided: false })
    }

    pub(super) const fn as_str(&self) -> &'static str {
        match self.tie {
            Tie::Nobody => "auto",
            Tie::MonthFirst => "auto_us",
            Tie::DayFirst => "auto_eu",
        }
    }

    pub(super) const fn is_decided(&self) -> bool {
        self.decided
    }

    pub(super) fn expected(&self) -> Cow<'static, str> {
        match self.candidates.as_slice() {
            [] => Cow::Borrowed(
                "a date in one of the patterns that auto knows; no value of the column is in one",
            ),
            [one] => Cow::Owned(format!("{}, as in most rows", one.as_str())),
            [first, ..] if !self.decided => {
                Cow::Owned(format!("a date such as {} or {}", first.as_str(), RFC3339))
            }
            several => {
                let names: Vec<_> = several.iter().map(Pattern::as_str).collect();
                Cow::Owned(format!("{}, which fit the column equally well", names.join(" or ")))
            }
        }
    }

    /// Before the column is decided, each value stands alone: what all patterns that read it agree on.
    pub(super) fn read(&self, text: &str, precision: Precision) -> Result<Reading, Fault> {
        let mut first: Option<(Reading, &Pattern)> = None;
        let mut misfit = None;
        for pattern in &self.candidates {
            match (pattern.read(text, precision == Precision::Day), first) {
                (None, _) => misfit = Some(pattern),
                (Some(reading), None) => first = Some((reading, pattern)),
                (Some(reading), Some((same, _))) if reading == same => {}
                (Some(reading), Some((other, other_pattern))) => {
                    return match self.winner(other_pattern, pattern) {
                        Some(true) => Ok(other),
                        Some(false) => Ok(reading),
                        None => Err(two_readings((other, other_pattern), (reading, pattern), precision)),
                    };
                }
            }
        }
        match (first, misfit) {
            (None, _) => Err(Fault::new(FaultCode::NotADate, self.expected())),
            (Some((_, reader)), Some(misfit)) if self.decided => {
                Err(Fault::new(FaultCode::AmbiguousDate, "a declared format").because(format!(
                    "is a date in {} but not in {}, and the column fits both equally well",
                    reader.as_str(),
                    misfit.as_str()
                )))
            }
            (Some((reading, _)), _) => Ok(reading),
        }
    }

    /// Whether the first of two patterns wins by declaration; `None`: neither does.
    fn winner(&self, one: &Pattern, other: &Pattern) -> Option<bool> {
        let wins = |pattern: &Pattern| match self.tie {
            Tie::Nobody => false,
            Tie::MonthFirst => pattern.as_str().starts_with("%m"),
            Tie::DayFirst => pattern.as_str().starts_with("%d"),
        };
        (wins(one) != wins(other)).then(|| wins(one))
    }

    fn decide(&mut self, counts: &[u64]) {
        self.decided = true;
        let most = counts.iter().copied().max().unwrap_or(0);
        let mut n = 0;
        self.candidates.retain(|_| {
            n += 1;
            most > 0 && counts[n - 1] == most
        });
        let loser = match self.tie {
            Tie::Nobody => return,
            Tie::MonthFirst => "%d",
            Tie::DayFirst => "%m",
        };
        if self.candidates.iter().any(|pattern| !pattern.as_str().starts_with(loser)) {
            self.candidates.retain(|pattern| !pattern.as_str().starts_with(loser));
        }
    }
}

fn two_readings(one: (Reading, &Pattern), other: (Reading, &Pattern), precision: Precision) -> Fault {
    let name = |(reading, pattern): (Reading, &Pattern)| match precision {
        Precision::Day => format!("{} in {}", reading.local.date(), pattern.as_str()),
        Precision::Moment => format!("{} in {}", reading.local, pattern.as_str()),
    };
    Fault::new(FaultCode::AmbiguousDate, "a declared format, or auto_us or auto_eu").because(format!(
        "is {} and {}",
        name(one),
        name(other)
    ))
}

/// The patterns of the catalogue, in its order; `%Y-%m-%d` with a time is [`ISO_DATETIME`] already.
pub(super) fn candidates(precision: Precision) -> Vec<Pattern> {
    let compiled = |text: &str| Pattern::compile(text).ok();
    match precision {
        Precision::Day => DATE_PATTERNS.iter().filter_map(|(date, _)| compiled(date)).collect(),
        Precision::Moment => {
            let with_time = DATE_PATTERNS
                .iter()
                .flat_map(|(date, _)| TIME_PATTERNS.iter().map(move |(time, _)| format!("{date} {time}")));
            [RFC3339.to_owned(), ISO_DATETIME.to_owned()]
                .into_iter()
                .chain(with_time.filter(|text| !text.starts_with("%Y-%m-%d %H")))
                .filter_map(|text| compiled(&text))
                .collect()
        }
    }
}

/// Reads a column to decide what its `auto` format is.
#[derive(Debug, Clone)]
pub struct AutoDate {
    parser: Parser,
    counts: Vec<u64>,
}

impl AutoDate {
    /// `None`: the parser needs no look at the column.
    pub(super) fn of(parser: &Parser) -> Option<Self> {
        let candidates = parser.auto()?.candidates.len();
        parser.needs_column_pass().then(|| Self { parser: parser.clone(), counts: vec![0; candidates] })
    }

    /// Looks at one cell of the column; blank ones say nothing.
    pub fn observe(&mut self, cell: Option<&str>) {
        let Some(cell) = cell else { return };
        match self.parser.delimiter() {
            None => self.count(cell),
            Some(delimiter) => {
                // A cell that is no list is reported when it is loaded.
                let _ = array::split(cell, delimiter, |item| {
                    self.count(&item);
                    Ok(())
                });
            }
        }
    }

    fn count(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let tail = self.parser.precision() == Some(Precision::Day);
        let Some(auto) = self.parser.auto() else { return };
        for (pattern, count) in auto.candidates.iter().zip(&mut self.counts) {
            *count += u64::from(pattern.read(text, tail).is_some());
        }
    }

    /// The parser for the column that was observed.
    #[must_use]
    pub fn decide(mut self) -> Parser {
        if let Some(auto) = self.parser.auto_mut() {
            auto.decide(&self.counts);
        }
        self.parser
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::variable::{DataType, FaultCode, Locale, Value, tests::variable};

    /// Reads a column as a run does: the pass, then each row; a date, or the code of its fault.
    fn column(data_type: DataType, format: &str, cells: &[&str]) -> Vec<Result<String, FaultCode>> {
        let parser = Parser::compile(&variable(data_type, Some(format)), Locale::default()).unwrap();
        assert!(parser.needs_column_pass());
        let mut column = parser.observer().unwrap();
        for cell in cells {
            column.observe(Some(cell));
        }
        let parser = column.decide();
        assert!(!parser.needs_column_pass() && parser.observer().is_none());
        let render = |value: &Value| {
            let mut text = String::new();
            parser.render(value, &mut text);
            text
        };
        cells
            .iter()
            .map(|cell| parser.parse(Some(cell)).map(|p| render(&p.value)).map_err(|f| f.code))
            .collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "stands beside errors in lists")]
    fn ok(text: &str) -> Result<String, FaultCode> {
        Ok(text.to_owned())
    }

    #[test]
    fn the_format_that_reads_most_values_is_taken_and_the_rest_rejected() {
        assert_eq!(
            column(
                DataType::Date,
                "auto",
                &["03/04/2026", "03/31/2026", "03/30/2026", "31/03/2026", "2026-03-01", "x"]
            ),
            [
                ok("2026-03-04"),
                ok("2026-03-31"),
                ok("2026-03-30"),
                Err(FaultCode::NotADate),
                Err(FaultCode::NotADate),
                Err(FaultCode::NotADate)
            ]
        );
        assert_eq!(
            column(DataType::Date, "auto_us", &["03.04.2026", "31.03.2026"]),
            [ok("2026-04-03"), ok("2026-03-31")]
        );
    }

    #[test]
    fn when_two_formats_fit_all_rows_that_differ_are_rejected_and_both_readings_named() {
        let cells = ["03/04/2026", "05/05/2026"];
        assert_eq!(column(DataType::Date, "auto", &cells), [Err(FaultCode::AmbiguousDate), ok("2026-05-05")]);
        assert_eq!(column(DataType::Date, "auto_us", &cells), [ok("2026-03-04"), ok("2026-05-05")]);
        assert_eq!(column(DataType::Date, "auto_eu", &cells), [ok("2026-04-03"), ok("2026-05-05")]);

        let parser = Parser::compile(&variable(DataType::Date, None), Locale::default()).unwrap();
        let mut pass = parser.observer().unwrap();
        pass.observe(Some(cells[0]));
        let fault = pass.decide().parse(Some(cells[0])).unwrap_err();
        let sentence = fault.sentence("day", Some(cells[0]));
        assert!(sentence.contains("2026-03-04 in %m/%d/%Y and 2026-04-03 in %d/%m/%Y"), "{sentence}");
    }

    #[test]
    fn a_tie_of_formats_that_read_different_rows_guesses_nothing() {
        assert_eq!(
            column(DataType::Date, "auto", &["31/03/2026", "03/31/2026", "05/05/2026"]),
            [Err(FaultCode::AmbiguousDate), Err(FaultCode::AmbiguousDate), ok("2026-05-05")]
        );
        assert_eq!(
            column(DataType::Date, "auto_eu", &["31/03/2026", "03/31/2026"]),
            [ok("2026-03-31"), Err(FaultCode::NotADate)]
        );
    }

    #[test]
    fn moments_are_detected_too() {
        assert_eq!(
            column(DataType::Datetime, "auto", &["2026-03-04T10:00:00+01:00", "2026-03-04T10:00:00Z", "x"]),
            [ok("2026-03-04T09:00:00Z"), ok("2026-03-04T10:00:00Z"), Err(FaultCode::NotADate)]
        );
        assert_eq!(
            column(DataType::Datetime, "auto", &["2026-03-04 10:00", "2026-03-04 10:00:30"]),
            [ok("2026-03-04T10:00:00Z"), ok("2026-03-04T10:00:30Z")]
        );
        assert_eq!(
            column(DataType::Datetime, "auto", &["03/04/2026 3:05 PM"]),
            [Err(FaultCode::AmbiguousDate)]
        );
        assert_eq!(
            column(DataType::Datetime, "auto_us", &["03/04/2026 3:05 PM"]),
            [ok("2026-03-04T15:05:00Z")]
        );
    }

    #[test]
    fn numbers_are_never_detected_and_a_column_without_dates_rejects_all() {
        assert_eq!(column(DataType::Date, "auto", &["46000"]), [Err(FaultCode::NotADate)]);
    }

    #[test]
    fn the_items_of_an_array_are_the_column() {
        let mut days = variable(DataType::Date, Some("auto"));
        (days.is_array, days.array_delimiter) = (true, Some(";".to_owned()));
        let parser = Parser::compile(&days, Locale::default()).unwrap();
        let mut pass = parser.observer().unwrap();
        pass.observe(Some("03/04/2026; 03/31/2026"));
        pass.observe(None);
        let day = |d| Value::Date(NaiveDate::from_ymd_opt(2026, 3, d).unwrap());
        let parsed = pass.decide().parse(Some("03/04/2026;03/05/2026")).unwrap();
        assert_eq!(parsed.value, Value::List(vec![day(4), day(5)]));
    }
}
