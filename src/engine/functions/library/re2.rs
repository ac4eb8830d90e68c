//! Patterns of RE2 in the words of the `regex` crate: what would mean something else there is written
//! otherwise, or refused.
//!
//! RE2's classes know ASCII only; its brackets have no nesting, `&&`, `--` or `~~`; a `{` that begins no
//! repetition is a sign like others; behind a backslash every ASCII sign that is neither letter nor digit
//! stands for itself.

use std::{iter::Peekable, str::Chars};

/// The pattern as the crate reads it; the error is the end of a sentence about it.
pub(super) fn in_crate_words(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len());
    let (mut in_class, mut first) = (false, false);
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let is_first = std::mem::replace(&mut first, false);
        match c {
            '\\' => push_escape(&mut rest, in_class, &mut out)?,
            '[' if !in_class => {
                out.push('[');
                (in_class, first) = (true, true);
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            '[' if rest.peek() == Some(&':') => {
                out.push('[');
                push_through(']', &mut rest, &mut out);
            }
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if in_class && rest.peek() == Some(&'-') => return Err(unlike("-- in brackets")),
            ']' if in_class && is_first => out.push_str("\\]"),
            ']' => {
                out.push(']');
                in_class = false;
            }
            '{' if !in_class && !begins_repetition(rest.clone()) => out.push_str("\\{"),
            '(' if !in_class => {
                out.push('(');
                check_flags(rest.clone())?;
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}

fn unlike(what: &str) -> String {
    format!("has {what}, which this server does not read as ClickHouse does")
}

/// What follows a backslash.
fn push_escape(rest: &mut Peekable<Chars<'_>>, in_class: bool, out: &mut String) -> Result<(), String> {
    let Some(c) = rest.next() else { return Err("ends in a single backslash".to_owned()) };
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'p' | 'P' | 'x' => {
            out.push('\\');
            out.push(c);
            if rest.peek() == Some(&'{') {
                push_through('}', rest, out);
            }
        }
        'a' | 'f' | 'n' | 'r' | 't' | 'v' => {
            out.push('\\');
            out.push(c);
        }
        'A' | 'z' if !in_class => {
            out.push('\\');
            out.push(c);
        }
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => {
            // To the crate \< and \> are the edges of words.
            if !matches!(c, '<' | '>') {
                out.push('\\');
            }
            out.push(c);
        }
        _ => return Err(unlike(&format!("\\{c}"))),
    }
    Ok(())
}

/// Copies up to and with `end`.
fn push_through(end: char, rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    for c in rest.by_ref() {
        out.push(c);
        if c == end {
            break;
        }
    }
}

/// Whether what stands behind a `{` makes it one of `{2}`, `{2,}` and `{2,3}`.
fn begins_repetition(rest: Peekable<Chars<'_>>) -> bool {
    let inside: String = rest.take_while(|c| matches!(c, '0'..='9' | ',' | '}')).collect();
    let Some((numbers, _)) = inside.split_once('}') else { return false };
    let (least, most) = numbers.split_once(',').unwrap_or((numbers, ""));
    !least.is_empty() && !most.contains(',')
}

/// Refuses the flags of a group that only the crate knows.
fn check_flags(mut rest: Peekable<Chars<'_>>) -> Result<(), String> {
    if rest.next() != Some('?') {
        return Ok(());
    }
    let unknown =
        rest.take_while(|c| !matches!(c, ':' | ')' | 'P' | '<')).find(|c| matches!(c, 'u' | 'x' | 'R'));
    unknown.map_or(Ok(()), |flag| Err(unlike(&format!("the flag {flag}"))))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn patterns_become_those_of_the_crate() {
        for (pattern, expected) in [
            (r"\d+", "[0-9]+"),
            (r"[\d.]", "[[0-9].]"),
            ("[]a]", r"[\]a]"),
            ("[^]a]", r"[^\]a]"),
            ("[a[]", r"[a\[]"),
            ("[a&&b~]", r"[a\&\&b\~]"),
            ("[[:alpha:]_]", "[[:alpha:]_]"),
            (r"\.\[a\]", r"\.\[a\]"),
            ("a]", "a]"),
            (r"\<b\>", "<b>"),
            (r"[\<\>]", "[<>]"),
            (r"\A\pL\p{Greek}\x41\x{1F600}\z", r"\A\pL\p{Greek}\x41\x{1F600}\z"),
            (r"a{2}b{2,}c{2,3}", "a{2}b{2,}c{2,3}"),
            ("a{,3}{x}{", r"a\{,3}\{x}\{"),
            ("(?i)(?P<u>x)(?s:.)", "(?i)(?P<u>x)(?s:.)"),
        ] {
            let found = in_crate_words(pattern).unwrap();
            assert_eq!(found, expected);
            assert!(Regex::new(&found).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn a_sign_behind_a_backslash_is_itself() {
        for sign in (0..128_u8).map(char::from).filter(|c| !c.is_ascii_alphanumeric()) {
            for pattern in [format!("\\{sign}"), format!("[\\{sign}]")] {
                let regex = Regex::new(&in_crate_words(&pattern).unwrap()).unwrap();
                let found = regex.find("a b").map(|found| found.range());
                assert_eq!(found, (sign == ' ').then_some(1..2), "{pattern}");
                assert!(regex.find(&sign.to_string()).is_some_and(|found| found.len() == 1), "{pattern}");
            }
        }
    }

    #[test]
    fn a_letter_behind_a_backslash_is_known_or_refused() {
        let known = |c: char| "abdDfnprPsStvwWxAz".contains(c);
        for c in (0..128_u8).map(char::from).filter(char::is_ascii_alphanumeric).chain(['é']) {
            assert_eq!(in_crate_words(&format!("\\{c}")).is_ok(), known(c), "{c}");
        }
        for pattern in [r"[\b]", r"[\A]", r"[\z]", "[+--]", r"\B", "a\\", "(?x) a", "(?i-u:a)", "(?R)"] {
            assert!(in_crate_words(pattern).is_err(), "{pattern}");
        }
        // A word's edge repeated is one still; what follows it otherwise is text, not the crate's \b{start}.
        assert_eq!(in_crate_words(r"\b{2}").unwrap(), r"(?-u:\b){2}");
        assert_eq!(in_crate_words(r"\b{start}").unwrap(), r"(?-u:\b)\{start}");
    }
}
