//! Regular expressions, by the `regex` crate: linear in the text whatever the pattern.
//!
//! One search can't be interrupted, so a large text is only searched with a small pattern; what would
//! take long is refused. The ClickHouse names share the code, with a pattern that is read as RE2 reads
//! it there ([`Dialect::Re2`]): `.` matches line ends, `\d`, `\s`, `\w` and `\b` know ASCII only.

use std::sync::Arc;

use regex::{CaptureLocations, Regex, RegexBuilder};
use rusqlite::Error;

use super::{Answer, Call, Function, re2::in_crate_words, rows};

pub(super) const FUNCTIONS: &[Function] = rows! { "text";
    regexp_matches "(s, pattern)" [2] Scalar(regexp_matches):
        "1 when the pattern matches anywhere in the text, else 0. (?i) at its start ignores letter case.";
        "regexp_matches('INV-0042', '^[A-Z]+-[0-9]{4}$')" => "1";
    regexp_replace "(s, pattern, to)" [3] Scalar(regexp_replace):
        "Every match replaced. \\1 to \\9 in the replacement are the groups, \\0 the match, \\\\ a backslash.";
        "regexp_replace('Lovelace, Ada', '(\\w+), (\\w+)', '\\2 \\1')" => "Ada Lovelace";
    regexp_extract "(s, pattern[, group])" [2, 3] Scalar(regexp_extract):
        "The first match, or a group of it, counted from 1; NULL when there is none.";
        "regexp_extract('order 4711 of 12', '[0-9]+')" => "4711";
};

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 10_000;

/// Sizes of compiled patterns, in bytes: the first in which a pattern fits says how large it is.
const SIZES: [usize; 6] = [2 * 1024, 16 * 1024, 128 * 1024, 512 * 1024, 2 * 1024 * 1024, 10 * 1024 * 1024];

/// The largest product of the sizes of pattern and text.
const MAX_WORK: usize = 1 << 35;

/// Texts up to here are searched with any pattern.
const SHORT: usize = 4 * 1024;

/// What may be searched between two looks at the watch, as the product of the sizes of pattern and text.
const WORK_BETWEEN_POLLS: usize = MAX_WORK >> 6;

/// How a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As the `regex` crate does.
    Own,
    /// As ClickHouse does.
    Re2,
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Expression {
    regex: Regex,
    size: usize,
}

/// What comes in the place of a match.
#[derive(Debug)]
struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Literal(String),
    Group(usize),
}

impl Dialect {
    const fn name(self) -> &'static str {
        match self {
            Self::Own => "pattern",
            Self::Re2 => "RE2 pattern",
        }
    }
}

impl Expression {
    /// The pattern in argument `n`; `None` for NULL.
    pub(super) fn of(call: &Call<'_>, n: usize, dialect: Dialect) -> Result<Option<Arc<Self>>, Error> {
        let compile = |pattern: &str| Self::compile(pattern, dialect);
        call.compiled_of_size(n, dialect.name(), compile, Self::memory)
    }

    fn compile(pattern: &str, dialect: Dialect) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!("has more than {MAX_PATTERN} bytes"));
        }
        let source = match dialect {
            Dialect::Own => pattern.to_owned(),
            Dialect::Re2 => in_crate_words(pattern)?,
        };
        let mut wrong = String::new();
        for size in SIZES {
            let built = RegexBuilder::new(&source)
                .size_limit(size)
                .dfa_size_limit(scratch(size))
                .dot_matches_new_line(dialect == Dialect::Re2)
                .build();
            match built {
                Ok(regex) => return Ok(Self { regex, size }),
                Err(regex::Error::CompiledTooBig(_)) => "is too large".clone_into(&mut wrong),
                Err(error) => return Err(why(&error)),
            }
        }
        Err(wrong)
    }

    /// What it takes in memory, at most: itself, and what its searches forwards and backwards keep.
    fn memory(&self) -> usize {
        self.size + 2 * scratch(self.size)
    }

    /// Refuses what can't be interrupted and would take long.
    fn check(&self, text: &str, call: &Call<'_>) -> Result<(), Error> {
        if text.len() > SHORT && self.size.saturating_mul(text.len()) > MAX_WORK {
            return Err(call.wrong(format_args!(
                "pattern and text are too large for one call ({} bytes of text)",
                text.len()
            )));
        }
        Ok(())
    }

    pub(super) fn is_match(&self, text: &str, call: &Call<'_>) -> Result<bool, Error> {
        self.check(text, call)?;
        Ok(self.regex.is_match(text))
    }

    /// The first match, or a group of it.
    pub(super) fn group<'t>(
        &self,
        text: &'t str,
        group: usize,
        call: &Call<'_>,
    ) -> Result<Option<&'t str>, Error> {
        self.check(text, call)?;
        if group == 0 {
            return Ok(self.regex.find(text).map(|found| found.as_str()));
        }
        Ok(self.regex.captures(text).and_then(|found| found.get(group)).map(|found| found.as_str()))
    }

    /// How many groups there are, beside the match itself.
    pub(super) fn groups(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// Every match replaced. An empty match right behind another one counts, as it does in RE2's users.
    fn replace(&self, text: &str, template: &Template, call: &Call<'_>) -> Result<String, Error> {
        self.check(text, call)?;
        let mut out = String::with_capacity(text.len());
        let mut groups = self.regex.capture_locations();
        let (mut at, mut copied, mut work) = (0, 0, 0_usize);
        loop {
            // Each search may read all that is left, however near its match is.
            work = work.saturating_add(self.size.saturating_mul(text.len() - at));
            if work >= WORK_BETWEEN_POLLS {
                call.poll()?;
                work = 0;
            }
            let Some(whole) = self.regex.captures_read_at(&mut groups, text, at) else { break };
            out.push_str(&text[copied..whole.start()]);
            template.push(&groups, text, &mut out, call)?;
            (at, copied) = (whole.end(), whole.end());
            if whole.is_empty() {
                let Some(next) = text[at..].chars().next() else { break };
                at += next.len_utf8();
            }
        }
        out.push_str(&text[copied..]);
        Ok(out)
    }
}

impl Template {
    /// The replacement in argument `n`.
    fn of(call: &Call<'_>, n: usize, groups: usize, dialect: Dialect) -> Result<Option<Self>, Error> {
        let Some(text) = call.text(n)? else { return Ok(None) };
        Self::parse(&text, groups, dialect)
            .map(Some)
            .map_err(|why| call.wrong(format_args!("the replacement {} {why}", call.shown(n))))
    }

    fn parse(text: &str, groups: usize, dialect: Dialect) -> Result<Self, String> {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                literal.push(c);
                continue;
            }
            match rest.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    let group = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(0);
                    if group > groups {
                        return Err(format!("names group {group}, and the pattern has {groups}"));
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Group(group));
                }
                Some('\\') => literal.push('\\'),
                Some(other) if dialect == Dialect::Re2 => literal.push(other),
                None if dialect == Dialect::Re2 => literal.push('\\'),
                Some(other) => return Err(format!("has \\{other}; known are \\0 to \\9 and \\\\")),
                None => return Err("ends in a single backslash; write \\\\".to_owned()),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    fn push(
        &self,
        groups: &CaptureLocations,
        text: &str,
        out: &mut String,
        call: &Call<'_>,
    ) -> Result<(), Error> {
        for part in &self.0 {
            out.push_str(match part {
                Part::Literal(text) => text,
                Part::Group(group) => groups.get(*group).map_or("", |(start, end)| &text[start..end]),
            });
            // A long replacement may name a long group often.
            call.fits(out.len())?;
        }
        Ok(())
    }
}

/// What one kind of search may keep for a pattern of this size, in bytes.
fn scratch(size: usize) -> usize {
    (4 * size).clamp(256 * 1024, 2 * 1024 * 1024)
}

/// The last line of the crate's message: the others draw the pattern.
fn why(error: &regex::Error) -> String {
    let said = error.to_string();
    let line = said.lines().last().unwrap_or_default();
    format!("is wrong: {}", line.strip_prefix("error: ").unwrap_or(line))
}

fn regexp_matches(call: &Call<'_>) -> Result<Answer, Error> {
    matches(call, Dialect::Own)
}

/// 1 or 0.
pub(super) fn matches(call: &Call<'_>, dialect: Dialect) -> Result<Answer, Error> {
    let (Some(text), Some(pattern)) = (call.text(0)?, Expression::of(call, 1, dialect)?) else {
        return Ok(Answer::Null);
    };
    pattern.is_match(&text, call).map(Answer::from)
}

fn regexp_replace(call: &Call<'_>) -> Result<Answer, Error> {
    replace(call, Dialect::Own)
}

/// Every match replaced.
pub(super) fn replace(call: &Call<'_>, dialect: Dialect) -> Result<Answer, Error> {
    let (Some(text), Some(pattern)) = (call.text(0)?, Expression::of(call, 1, dialect)?) else {
        return Ok(Answer::Null);
    };
    let Some(template) = Template::of(call, 2, pattern.groups(), dialect)? else { return Ok(Answer::Null) };
    pattern.replace(&text, &template, call).map(Answer::Text)
}

fn regexp_extract(call: &Call<'_>) -> Result<Answer, Error> {
    let group = if call.len() == 3 { call.integer(2)? } else { Some(0) };
    let (Some(text), Some(pattern), Some(group)) =
        (call.text(0)?, Expression::of(call, 1, Dialect::Own)?, group)
    else {
        return Ok(Answer::Null);
    };
    let Some(nth) = usize::try_from(group).ok().filter(|group| *group <= pattern.groups()) else {
        return Err(call.wrong(format_args!(
            "there is no group {group} in the pattern {}, which has {}",
            call.shown(1),
            pattern.groups()
        )));
    };
    let found = pattern.group(&text, nth, call)?;
    Ok(found.map_or(Answer::Null, |found| Answer::Text(found.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_wrong_says_why_in_one_line() {
        let why = |pattern: &str| Expression::compile(pattern, Dialect::Own).unwrap_err();
        assert_eq!(why("(a"), "is wrong: unclosed group");
        assert_eq!(why("(a{1000}){1000}"), "is too large");
        assert_eq!(why(&"a".repeat(10_001)), "has more than 10000 bytes");
    }
}
