//! Cells as the type that the script's mapping asks for (spec: model §3).
//!
//! The mapping declares a type, not a format: so only each type's one plain notation converts, white space
//! around it left out. Everything that needs a format is an execution variable's, or the script's. What
//! variables read without one (booleans, UUIDs, lists) is read by their code.
//!
//! | type | notation | value |
//! |---|---|---|
//! | `str` | anything | the cell, not trimmed |
//! | `int` | `-?[0-9]+` in 64 bits, `+` too | integer |
//! | `float` | digits, `.`, exponent; finite | real |
//! | `bool` | a variable's `auto`: `true`, `no`, `on`, `f`, `1`…, any case | 1 or 0 |
//! | `date` | `2026-01-31` | the same |
//! | `datetime` | RFC 3339, or without an offset, seconds optional, `T` or a space | with an offset UTC (`2026-01-31T22:59:59Z`), without one none |
//! | `uuid` | any notation of a UUID | lower case with hyphens |
//! | `json` | JSON | the cell |
//! | `array[string]` | items between commas, quoted or not, with or without `[]` | a JSON array; items trimmed, blank ones left out |

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::de::IgnoredAny;

use crate::{
    script::ColumnType,
    variable::{
        array::{Delimiter, split},
        boolean::parse_boolean,
        format::BooleanFormat,
        parse_uuid,
    },
};

/// A value on its way into a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Blank, or not convertible.
    Null,
    /// As it stands in the row.
    Text(&'a str),
    /// An `int`, or a `bool` as 1 or 0.
    Integer(i64),
    /// A `float`.
    Real(f64),
    /// Text that converting made.
    OwnedText(String),
}

/// `None`: the cell does not convert.
pub(super) fn convert(cell: &str, kind: ColumnType) -> Option<Cell<'_>> {
    if kind == ColumnType::Str {
        return Some(Cell::Text(cell));
    }
    let plain = cell.trim();
    match kind {
        ColumnType::Str => Some(Cell::Text(cell)),
        ColumnType::Int => plain.parse().ok().map(Cell::Integer),
        ColumnType::Float => float(plain).map(Cell::Real),
        ColumnType::Bool => {
            parse_boolean(plain, BooleanFormat::Auto).ok().map(|value| Cell::Integer(value.into()))
        }
        ColumnType::Date => date(plain).map(|_| Cell::Text(plain)),
        ColumnType::Datetime => datetime(plain).map(Cell::OwnedText),
        ColumnType::Uuid => parse_uuid(plain).ok().map(|u| Cell::OwnedText(u.to_string())),
        ColumnType::Json => serde_json::from_str::<IgnoredAny>(cell).ok().map(|_| Cell::Text(cell)),
        ColumnType::ArrayString => array(plain).map(Cell::OwnedText),
    }
}

fn float(text: &str) -> Option<f64> {
    // Rust reads "inf" and "NaN", which no column of numbers means.
    let numeric = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|value: &f64| numeric && value.is_finite())
}

fn date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(n, b)| if matches!(n, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return None;
    }
    NaiveDate::from_ymd_opt(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?)
}

fn datetime(text: &str) -> Option<String> {
    let day = date(text.get(..10)?)?;
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }
    let time = text[10..].strip_prefix(['T', 't', ' '])?;
    let two_digits = |part: Option<&str>| part.is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if !two_digits(time.get(..2)) || !two_digits(time.get(3..5)) {
        return None;
    }
    let time =
        NaiveTime::parse_from_str(time, "%H:%M:%S%.f").or_else(|_| NaiveTime::parse_from_str(time, "%H:%M"));
    Some(format!("{day}T{}", time.ok()?.format("%H:%M:%S%.f")))
}

fn array(text: &str) -> Option<String> {
    let delimiter = if text.starts_with('[') { Delimiter::Brackets } else { Delimiter::Comma };
    let mut items = Vec::new();
    split(text, delimiter, |item| {
        items.push(item);
        Ok(())
    })
    .ok()?;
    serde_json::to_string(&items).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(text: &str) -> Cell<'static> {
        Cell::OwnedText(text.to_owned())
    }

    #[test]
    fn text_is_never_touched() {
        assert_eq!(convert("  00123 ", ColumnType::Str), Some(Cell::Text("  00123 ")));
    }

    #[test]
    fn numbers_have_one_plain_notation() {
        for (cell, value) in
            [("42", Some(42)), (" -7 ", Some(-7)), ("+1", Some(1)), ("9223372036854775807", Some(i64::MAX))]
        {
            assert_eq!(convert(cell, ColumnType::Int), value.map(Cell::Integer), "{cell}");
        }
        for cell in ["9223372036854775808", "1.0", "1,000", "abc", "", "0x10", "1e3"] {
            assert_eq!(convert(cell, ColumnType::Int), None, "{cell}");
        }
        for (cell, value) in [("1.5", 1.5), (" -2 ", -2.0), ("1e3", 1000.0), (".5", 0.5)] {
            assert_eq!(convert(cell, ColumnType::Float), Some(Cell::Real(value)), "{cell}");
        }
        for cell in ["inf", "NaN", "1e999", "1,5", "infinity", "", "e"] {
            assert_eq!(convert(cell, ColumnType::Float), None, "{cell}");
        }
    }

    #[test]
    fn booleans_are_one_and_zero() {
        for (cell, value) in [
            ("TRUE", Some(1)),
            ("Yes", Some(1)),
            ("on", Some(1)),
            ("f", Some(0)),
            ("0", Some(0)),
            ("ja", None),
        ] {
            assert_eq!(convert(cell, ColumnType::Bool), value.map(Cell::Integer), "{cell}");
        }
    }

    #[test]
    fn dates_are_iso_and_exist() {
        assert_eq!(convert(" 2026-02-28 ", ColumnType::Date), Some(Cell::Text("2026-02-28")));
        for cell in ["2026-02-29", "2026-2-28", "02/28/2026", "2026-02-28T00:00", "+026-02-28", "２026-02-2"]
        {
            assert_eq!(convert(cell, ColumnType::Date), None, "{cell}");
        }
    }

    #[test]
    fn datetimes_with_an_offset_become_utc() {
        for (cell, value) in [
            ("2026-01-31T23:59:59+01:00", "2026-01-31T22:59:59Z"),
            ("2026-01-31 23:59:59Z", "2026-01-31T23:59:59Z"),
            ("2026-01-31T23:59:59.250Z", "2026-01-31T23:59:59.250Z"),
            ("2026-01-31 23:59", "2026-01-31T23:59:00"),
            ("2026-01-31T23:59:59.5", "2026-01-31T23:59:59.500"),
        ] {
            assert_eq!(convert(cell, ColumnType::Datetime), Some(owned(value)), "{cell}");
        }
        for cell in [
            "2026-01-31",
            "2026-01-31 9:05",
            "2026-01-31T24:00:00",
            "31.01.2026 10:00",
            "2026-01-31T10:00 am",
        ] {
            assert_eq!(convert(cell, ColumnType::Datetime), None, "{cell}");
        }
    }

    #[test]
    fn uuids_json_and_arrays() {
        let canonical = Some(owned("67e55044-10b1-426f-9247-bb680e5fe0c8"));
        assert_eq!(convert("67E5504410B1426F9247BB680E5FE0C8", ColumnType::Uuid), canonical);
        assert_eq!(convert("67e55044", ColumnType::Uuid), None);
        assert_eq!(convert(" {\"a\": 1}", ColumnType::Json), Some(Cell::Text(" {\"a\": 1}")));
        assert_eq!(convert("{a: 1}", ColumnType::Json), None);
        for (cell, value) in [
            ("vip, new,,b2b", r#"["vip","new","b2b"]"#),
            (r#""a, b",c"#, r#"["a, b","c"]"#),
            (r#"["x", " y"]"#, r#"["x","y"]"#),
            ("[1, two]", r#"["1","two"]"#),
        ] {
            assert_eq!(convert(cell, ColumnType::ArrayString), Some(owned(value)), "{cell}");
        }
        assert_eq!(convert("[\"open\"", ColumnType::ArrayString), None);
    }
}
