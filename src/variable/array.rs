//! Arrays: one cell that holds several values.

use std::borrow::Cow;

use super::fault::{Fault, FaultCode};

/// What separates or wraps the items of an array variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `a,b`
    Comma,
    /// `a;b`
    Semicolon,
    /// `a|b`
    Pipe,
    /// Separated by tabs.
    Tab,
    /// `{a,b}`, as `PostgreSQL` writes arrays.
    Braces,
    /// `["a","b"]`, as JSON does.
    Brackets,
}

impl Delimiter {
    /// Every delimiter, in the order that the metadata lists them.
    pub const ALL: [Self; 6] =
        [Self::Comma, Self::Semicolon, Self::Pipe, Self::Tab, Self::Braces, Self::Brackets];

    /// As the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Pipe => "|",
            Self::Tab => "\t",
            Self::Braces => "{}",
            Self::Brackets => "[]",
        }
    }

    /// Reads the API's spelling; the word `tab` is taken too.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "tab" {
            return Some(Self::Tab);
        }
        Self::ALL.into_iter().find(|delimiter| delimiter.as_str() == text)
    }

    const fn separator(self) -> char {
        match self {
            Self::Comma | Self::Braces | Self::Brackets => ',',
            Self::Semicolon => ';',
            Self::Pipe => '|',
            Self::Tab => '\t',
        }
    }
}

/// Hands each item to `take`: trimmed, quotes undone, blank ones left out; so is what `[]` and `{}` write for a
/// missing item, `null` and `NULL` without quotes.
///
/// An item in double quotes may hold the separator; a quote inside is doubled (or, in `{}` and `[]`,
/// escaped with a backslash).
pub fn split<'a>(
    text: &'a str,
    delimiter: Delimiter,
    mut take: impl FnMut(Cow<'a, str>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut rest = unwrap(text.trim_matches(is_blank_around(delimiter)), delimiter)?;
    loop {
        let (item, next) = next_item(rest.trim_start_matches(is_blank_around(delimiter)), delimiter)?;
        if !item.trim().is_empty() {
            take(trimmed(item))?;
        }
        match next {
            Some(more) => rest = more,
            None => return Ok(()),
        }
    }
}

/// White space, but not the tab that separates.
fn is_blank_around(delimiter: Delimiter) -> impl Fn(char) -> bool + Copy {
    move |c| c.is_whitespace() && c != delimiter.separator()
}

fn unwrap(text: &str, delimiter: Delimiter) -> Result<&str, Fault> {
    let (open, close) = match delimiter {
        Delimiter::Braces => ('{', '}'),
        Delimiter::Brackets => ('[', ']'),
        _ => return Ok(text),
    };
    text.strip_prefix(open)
        .and_then(|rest| rest.strip_suffix(close))
        .ok_or_else(|| Fault::new(FaultCode::NotAList, expected(delimiter)))
}

const fn expected(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Comma => "items separated by commas",
        Delimiter::Semicolon => "items separated by semicolons",
        Delimiter::Pipe => "items separated by |",
        Delimiter::Tab => "items separated by tabs",
        Delimiter::Braces => "items in braces, such as {a,b}",
        Delimiter::Brackets => "items in brackets, such as [\"a\",\"b\"]",
    }
}

/// The first item and what follows its separator; `None`: it was the last.
fn next_item(text: &str, delimiter: Delimiter) -> Result<(Cow<'_, str>, Option<&str>), Fault> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (item, rest) = match text.split_once(delimiter.separator()) {
            Some((item, rest)) => (item, Some(rest)),
            None => (text, None),
        };
        return Ok((Cow::Borrowed(if is_null(item.trim(), delimiter) { "" } else { item }), rest));
    };
    let broken = |reason| Fault::new(FaultCode::NotAList, expected(delimiter)).because(reason);
    let (item, rest) = read_quoted(quoted, delimiter).ok_or_else(|| broken("has a broken quoted item"))?;
    let rest = rest.trim_start_matches(is_blank_around(delimiter));
    if rest.is_empty() {
        return Ok((item, None));
    }
    let more = rest.strip_prefix(delimiter.separator());
    more.map(|more| (item, Some(more))).ok_or_else(|| broken("has text after a quoted item"))
}

/// Whether an item without quotes is the missing one: of JSON, or of a `PostgreSQL` array, where case does not
/// count.
fn is_null(item: &str, delimiter: Delimiter) -> bool {
    match delimiter {
        Delimiter::Brackets => item == "null",
        Delimiter::Braces => item.eq_ignore_ascii_case("null"),
        _ => false,
    }
}

/// Reads up to the closing quote. `None`: there is none, or an escape is wrong.
fn read_quoted(text: &str, delimiter: Delimiter) -> Option<(Cow<'_, str>, &str)> {
    let escapes = matches!(delimiter, Delimiter::Braces | Delimiter::Brackets);
    let mut from = 0;
    let mut plain = true;
    loop {
        let at = from + text[from..].find(['"', '\\'])?;
        if text.as_bytes()[at] == b'\\' {
            if escapes {
                plain = false;
                from = at + 1 + text[at + 1..].chars().next()?.len_utf8();
            } else {
                from = at + 1;
            }
        } else if text[at + 1..].starts_with('"') {
            plain = false;
            from = at + 2;
        } else {
            let raw = &text[..at];
            let item = if plain { Cow::Borrowed(raw) } else { Cow::Owned(unescape(raw, delimiter)?) };
            return Some((item, &text[at + 1..]));
        }
    }
}

fn unescape(raw: &str, delimiter: Delimiter) -> Option<String> {
    match delimiter {
        Delimiter::Brackets => serde_json::from_str(&format!("\"{}\"", raw.replace("\"\"", "\\\""))).ok(),
        Delimiter::Braces => {
            let mut text = String::with_capacity(raw.len());
            let mut chars = raw.chars();
            while let Some(c) = chars.next() {
                // A backslash or the first of two quotes: the next character stands for itself.
                text.push(if matches!(c, '\\' | '"') { chars.next()? } else { c });
            }
            Some(text)
        }
        _ => Some(raw.replace("\"\"", "\"")),
    }
}

fn trimmed(item: Cow<'_, str>) -> Cow<'_, str> {
    match item {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Writes items so that [`split`] reads them back.
pub fn join(items: &[String], delimiter: Delimiter, out: &mut String) {
    let (open, close) = match delimiter {
        Delimiter::Braces => ("{", "}"),
        Delimiter::Brackets => ("[", "]"),
        _ => ("", ""),
    };
    out.push_str(open);
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(delimiter.separator());
        }
        push_item(item, delimiter, out);
    }
    out.push_str(close);
}

fn push_item(item: &str, delimiter: Delimiter, out: &mut String) {
    match delimiter {
        Delimiter::Brackets => out.push_str(&serde_json::Value::from(item).to_string()),
        Delimiter::Braces if item.contains(['"', '\\', ',', '{', '}']) || is_null(item.trim(), delimiter) => {
            out.push('"');
            out.push_str(&item.replace('\\', "\\\\").replace('"', "\\\""));
            out.push('"');
        }
        Delimiter::Braces => out.push_str(item),
        _ if item.contains(['"', delimiter.separator()]) => {
            out.push('"');
            out.push_str(&item.replace('"', "\"\""));
            out.push('"');
        }
        _ => out.push_str(item),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(text: &str, delimiter: Delimiter) -> Result<Vec<String>, FaultCode> {
        let mut items = Vec::new();
        split(text, delimiter, |item| {
            items.push(item.into_owned());
            Ok(())
        })
        .map_err(|fault| fault.code)?;
        Ok(items)
    }

    #[test]
    fn each_delimiter_splits_trims_and_drops_empty_items() {
        for (text, delimiter, want) in [
            ("a, b,,c ,", Delimiter::Comma, &["a", "b", "c"][..]),
            ("a;b c; ", Delimiter::Semicolon, &["a", "b c"]),
            ("a|b", Delimiter::Pipe, &["a", "b"]),
            ("\ta\t b\t\tc\t", Delimiter::Tab, &["a", "b", "c"]),
            (r#""a,b", "say ""hi""" ,c"#, Delimiter::Comma, &["a,b", "say \"hi\"", "c"]),
            (r#""a\",b"#, Delimiter::Comma, &["a\\", "b"]),
            (r#"5" pipe,x"#, Delimiter::Comma, &["5\" pipe", "x"]),
            ("{a, b}", Delimiter::Braces, &["a", "b"]),
            (r#"{"a,b","q\"q","w""w",c\d}"#, Delimiter::Braces, &["a,b", "q\"q", "w\"w", "c\\d"]),
            (r#"["a","b"]"#, Delimiter::Brackets, &["a", "b"]),
            (r#" [ "a,b" , 12 , "x\u00e9\n" ] "#, Delimiter::Brackets, &["a,b", "12", "xé"]),
            ("[]", Delimiter::Brackets, &[]),
            (r#"["a", null , "null",Null]"#, Delimiter::Brackets, &["a", "null", "Null"]),
            (r#"{a,NULL, null ,"NULL"}"#, Delimiter::Braces, &["a", "NULL"]),
            ("null;NULL", Delimiter::Semicolon, &["null", "NULL"]),
            ("{ }", Delimiter::Braces, &[]),
            ("", Delimiter::Comma, &[]),
        ] {
            assert_eq!(items(text, delimiter).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn what_is_not_wrapped_or_quoted_right_is_no_list() {
        for (text, delimiter) in [
            ("a,b", Delimiter::Braces),
            ("{a,b", Delimiter::Braces),
            ("a,b", Delimiter::Brackets),
            ("{a}", Delimiter::Brackets),
            (r#""a,b"#, Delimiter::Comma),
            (r#""a"b,c"#, Delimiter::Comma),
            (r#"["a\x"]"#, Delimiter::Brackets),
        ] {
            assert_eq!(items(text, delimiter), Err(FaultCode::NotAList), "{text}");
        }
    }

    #[test]
    fn the_api_spells_delimiters_as_themselves() {
        for delimiter in Delimiter::ALL {
            assert_eq!(Delimiter::parse(delimiter.as_str()), Some(delimiter));
        }
        assert_eq!(Delimiter::parse("tab"), Some(Delimiter::Tab));
        assert_eq!(Delimiter::parse(":"), None);
    }

    proptest! {
        #[test]
        fn what_is_joined_splits_back(list in prop::collection::vec("[a-z\",;|\\\\{}\\[\\]é ]{0,8}|null|NULL", 0..5)) {
            let list: Vec<String> =
                list.iter().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
            for delimiter in Delimiter::ALL {
                let mut text = String::new();
                join(&list, delimiter, &mut text);
                prop_assert_eq!(items(&text, delimiter), Ok(list.clone()), "{}", text);
            }
        }
    }
}
