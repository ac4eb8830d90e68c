//! Values of fields: what a record holds, and which values a field takes.
//!
//! How callers write them is in [`written`](super::written), how they are shown in
//! [`shown`](super::shown).

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Field, FieldType};
use crate::error::{Code, Error};

/// The value of one field of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// Blank. An empty list of a many-valued field is `Many(vec![])`.
    Null,
    /// `text, longtext, email, phonenumber` (E.164), `timezone`.
    Text(String),
    /// `integer`, `rating`.
    Integer(i64),
    /// `decimal`, `money`: at most 15 significant digits.
    Decimal(Decimal),
    /// `date`.
    Date(NaiveDate),
    /// `datetime`, whole microseconds.
    Datetime(DateTime<Utc>),
    /// `checkbox`.
    Bool(bool),
    /// `uuid`, and `team_selector` (the member's id).
    Uuid(Uuid),
    /// One option (its key) or one related record (its row).
    Key(i64),
    /// Several of them, in order, without repeats.
    Many(Vec<i64>),
}

impl FieldValue {
    /// Whether nothing is there.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Many(keys) => keys.is_empty(),
            _ => false,
        }
    }

    /// Several keys in order without repeats.
    #[must_use]
    pub fn many(mut keys: Vec<i64>) -> Self {
        keys.sort_unstable();
        keys.dedup();
        Self::Many(keys)
    }

    /// The blank of this field.
    #[must_use]
    pub fn blank(field: &Field) -> Self {
        if field.is_many() { Self::Many(Vec::new()) } else { Self::Null }
    }
}

/// Most characters of a `text` value.
pub const MAX_TEXT: usize = 255;
/// Most significant digits of a `decimal` or `money` value.
pub const MAX_DIGITS: u32 = 15;
/// The highest rating.
pub const MAX_RATING: i64 = 10;

/// Why a field does not take a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFault {
    /// The word of the reason: `too_long`, `out_of_range`, `required`, `unique`, …
    pub code: &'static str,
    /// What was found and what was expected, without the field's name.
    pub message: String,
    /// The value, where the message may not have it whole.
    pub found: Option<String>,
    /// What would have been right.
    pub expected: Option<String>,
}

impl ValueFault {
    /// A fault.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), found: None, expected: None }
    }

    /// The same with the value that it is about.
    #[must_use]
    pub fn about(self, found: impl Into<String>) -> Self {
        Self { found: Some(found.into()), ..self }
    }

    /// The same with what would have been right, for those who read by program.
    #[must_use]
    pub fn expecting(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }
}

impl Error {
    /// A refused value of the field with this api name.
    #[must_use]
    pub fn from_value(field: &str, fault: &ValueFault) -> Self {
        let code = match fault.code {
            "required" => Code::Required,
            "unique" => Code::Unique,
            "does_not_exist" => Code::DoesNotExist,
            _ => Code::Invalid,
        };
        Self::new(code, format!("{field}: {}.", fault.message)).at(&format!("fields.{field}"))
    }
}

/// Checks a value of the right kind against its field's limits: length, digits, range. Blanks pass;
/// whether the field may be blank is asked where it is known what the record holds.
pub fn check(field_type: FieldType, value: &FieldValue) -> Result<(), ValueFault> {
    match value {
        FieldValue::Text(text) if field_type == FieldType::Text => check_length(text),
        FieldValue::Integer(n) if field_type == FieldType::Rating && !(0..=MAX_RATING).contains(n) => {
            let expected = format!("a rating from 0 to {MAX_RATING}");
            Err(ValueFault::new("out_of_range", format!("{n} is not {expected}")).expecting(expected))
        }
        FieldValue::Decimal(n) => check_digits(*n),
        FieldValue::Date(day) => check_year(day.year()),
        FieldValue::Datetime(time) => check_year(time.year()),
        _ => Ok(()),
    }
}

fn check_length(text: &str) -> Result<(), ValueFault> {
    // Every character has at least one byte: the usual text needs no count.
    if text.len() <= MAX_TEXT {
        return Ok(());
    }
    let found = text.chars().count();
    if found <= MAX_TEXT {
        return Ok(());
    }
    let message = format!("{found} characters; a text field takes at most {MAX_TEXT}");
    Err(ValueFault::new("too_long", message).expecting(format!("at most {MAX_TEXT} characters")))
}

fn check_digits(n: Decimal) -> Result<(), ValueFault> {
    // Cheap and nearly always enough: a mantissa below 10^15 has at most 15 digits, zeros included.
    if n.mantissa().unsigned_abs() < 10_u128.pow(MAX_DIGITS) {
        return Ok(());
    }
    let mut mantissa = n.mantissa().unsigned_abs();
    while mantissa.is_multiple_of(10) {
        mantissa /= 10;
    }
    let digits = mantissa.ilog10() + 1;
    if digits <= MAX_DIGITS {
        return Ok(());
    }
    Err(ValueFault::new(
        "out_of_range",
        format!("{n} has {digits} significant digits; a number field takes at most {MAX_DIGITS}"),
    )
    .expecting(format!("at most {MAX_DIGITS} significant digits")))
}

fn check_year(year: i32) -> Result<(), ValueFault> {
    if (1..=9999).contains(&year) {
        return Ok(());
    }
    let message = format!("the year {year} is not between 1 and 9999");
    Err(ValueFault::new("out_of_range", message).expecting("a year between 1 and 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_field_types() {
        let text = |n| FieldValue::Text("ü".repeat(n));
        assert_eq!(check(FieldType::Text, &text(255)), Ok(()));
        assert_eq!(check(FieldType::Text, &text(256)).unwrap_err().code, "too_long");
        assert_eq!(check(FieldType::Longtext, &text(256)), Ok(()));
        assert_eq!(check(FieldType::Rating, &FieldValue::Integer(10)), Ok(()));
        assert_eq!(check(FieldType::Rating, &FieldValue::Integer(11)).unwrap_err().code, "out_of_range");
        assert_eq!(check(FieldType::Integer, &FieldValue::Integer(i64::MIN)), Ok(()));
    }

    #[test]
    fn fifteen_significant_digits_are_kept_and_sixteen_refused() {
        for (text, fits) in [
            ("999999999999999", true),
            ("1000000000000000", true),
            ("1000000000000001", false),
            ("0.000000000000001234", true),
            ("123456789.0123456", false),
            ("123456789.012345000", true),
            ("-99999999999999.9", true),
            ("0", true),
        ] {
            let n = FieldValue::Decimal(text.parse().unwrap());
            assert_eq!(check(FieldType::Money, &n).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_year_must_sort_as_text() {
        let day = |year| FieldValue::Date(NaiveDate::from_ymd_opt(year, 1, 1).unwrap());
        assert!(check(FieldType::Date, &day(1)).is_ok() && check(FieldType::Date, &day(9999)).is_ok());
        assert!(check(FieldType::Date, &day(0)).is_err() && check(FieldType::Date, &day(10_000)).is_err());
    }
}
