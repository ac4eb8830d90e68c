//! Field values in SQLite's types, and back.
//!
//! | field types | column |
//! |---|---|
//! | text, longtext, email, phonenumber, timezone | TEXT as it is |
//! | date | TEXT `YYYY-MM-DD` |
//! | datetime | TEXT `YYYY-MM-DDTHH:MM:SS.ffffffZ`, always six decimals: sorts as text |
//! | uuid, `team_selector` | TEXT, lower case with hyphens |
//! | integer, rating | INTEGER |
//! | checkbox | INTEGER 0 or 1 |
//! | one option, one record | INTEGER: the option's key, the record's row |
//! | decimal, money | REAL: at most 15 significant digits survive it exactly |
//!
//! Lists are not here: they are rows of link tables.

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use rusqlite::{Statement, types::ValueRef};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    object::{FieldType, FieldValue},
};

/// Binds a value to parameter `index` (from 1) without allocating. A list can't be bound.
pub fn bind(statement: &mut Statement<'_>, index: usize, value: &FieldValue) -> rusqlite::Result<()> {
    match value {
        FieldValue::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
        FieldValue::Text(text) => statement.raw_bind_parameter(index, text.as_str()),
        FieldValue::Integer(n) | FieldValue::Key(n) => statement.raw_bind_parameter(index, n),
        FieldValue::Decimal(n) => statement.raw_bind_parameter(index, real(*n)),
        FieldValue::Date(day) => statement.raw_bind_parameter(index, DateText::of(*day)?.as_str()),
        FieldValue::Datetime(time) => statement.raw_bind_parameter(index, DatetimeText::of(*time)?.as_str()),
        FieldValue::Bool(yes) => statement.raw_bind_parameter(index, yes),
        FieldValue::Uuid(id) => {
            let mut buffer = Uuid::encode_buffer();
            statement.raw_bind_parameter(index, &*id.hyphenated().encode_lower(&mut buffer))
        }
        FieldValue::Many(_) => Err(unstorable("a list of values has no column")),
    }
}

/// The value as one that SQLite owns, where a statement's parameters are collected first.
pub fn owned(value: &FieldValue) -> rusqlite::Result<rusqlite::types::Value> {
    use rusqlite::types::Value;
    Ok(match value {
        FieldValue::Null => Value::Null,
        FieldValue::Text(text) => Value::Text(text.clone()),
        FieldValue::Integer(n) | FieldValue::Key(n) => Value::Integer(*n),
        FieldValue::Decimal(n) => Value::Real(real(*n)),
        FieldValue::Date(day) => Value::Text(DateText::of(*day)?.as_str().to_owned()),
        FieldValue::Datetime(time) => Value::Text(DatetimeText::of(*time)?.as_str().to_owned()),
        FieldValue::Bool(yes) => Value::Integer(i64::from(*yes)),
        FieldValue::Uuid(id) => Value::Text(id.to_string()),
        FieldValue::Many(_) => return Err(unstorable("a list of values has no column")),
    })
}

/// Reads the column of a field of this type.
///
/// # Errors
/// When the column holds what this program never writes: the database was edited by hand.
pub fn read(field_type: FieldType, found: ValueRef<'_>) -> Result<FieldValue> {
    let value = match (field_type, found) {
        (_, ValueRef::Null) => Some(FieldValue::Null),
        (
            FieldType::Text
            | FieldType::Longtext
            | FieldType::Email
            | FieldType::Phonenumber
            | FieldType::Timezone,
            ValueRef::Text(bytes),
        ) => std::str::from_utf8(bytes).ok().map(|text| FieldValue::Text(text.to_owned())),
        (FieldType::Integer | FieldType::Rating, ValueRef::Integer(n)) => Some(FieldValue::Integer(n)),
        (FieldType::Checkbox, ValueRef::Integer(n)) => Some(FieldValue::Bool(n != 0)),
        (
            FieldType::Yesnomaybe | FieldType::Dropdown | FieldType::Radio | FieldType::Relationship,
            ValueRef::Integer(n),
        ) => Some(FieldValue::Key(n)),
        (FieldType::Decimal | FieldType::Money, ValueRef::Real(n)) => decimal(n).map(FieldValue::Decimal),
        (FieldType::Date, ValueRef::Text(bytes)) => day_of(bytes).map(FieldValue::Date),
        (FieldType::Datetime, ValueRef::Text(bytes)) => time_of(bytes).map(FieldValue::Datetime),
        (FieldType::Uuid | FieldType::TeamSelector, ValueRef::Text(bytes)) => {
            Uuid::try_parse_ascii(bytes).ok().map(FieldValue::Uuid)
        }
        _ => None,
    };
    value.ok_or_else(|| {
        Error::internal(format!("a column of type {} holds {found:?}, which is none", field_type.as_str()))
    })
}

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53

/// The double nearest to `n`.
#[must_use]
pub fn real(n: Decimal) -> f64 {
    let mantissa = n.mantissa() as f64;
    // Both exact, so the one division rounds once: the nearest double.
    if mantissa.abs() < EXACT && n.scale() <= 22 {
        return mantissa / POWERS[n.scale() as usize];
    }
    n.to_string().parse().unwrap_or_else(|_| n.to_f64().unwrap_or(f64::NAN))
}

/// The one decimal of at most 15 digits that `n` is the nearest double of.
#[must_use]
pub fn decimal(n: f64) -> Option<Decimal> {
    for (scale, power) in POWERS.iter().enumerate().take(16) {
        let mantissa = (n * power).round();
        if mantissa.abs() >= 1e15 {
            break;
        }
        #[expect(clippy::float_cmp, reason = "equal means: reads back to the same double")]
        if mantissa / power == n {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a whole number below 1e15; scale below 16"
            )]
            return Some(Decimal::new(mantissa as i64, scale as u32));
        }
    }
    let text = format!("{n:e}");
    Decimal::from_scientific(&text).ok().map(|n| n.normalize())
}

/// A day as the store writes it, without an allocation.
pub struct DateText([u8; 10]);

impl DateText {
    /// # Errors
    /// Years before 0 or after 9999 would not sort as text.
    pub fn of(day: NaiveDate) -> rusqlite::Result<Self> {
        let mut text = *b"0000-00-00";
        put_day(&mut text, day)?;
        Ok(Self(text))
    }

    /// `YYYY-MM-DD`
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and hyphens are ASCII")
    }
}

/// A moment as the store writes it, without an allocation.
pub struct DatetimeText([u8; 27]);

impl DatetimeText {
    /// # Errors
    /// Years before 0 or after 9999 would not sort as text.
    pub fn of(time: DateTime<Utc>) -> rusqlite::Result<Self> {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put_day(&mut text, time.date_naive())?;
        put(&mut text[11..13], time.hour());
        put(&mut text[14..16], time.minute());
        put(&mut text[17..19], time.second());
        // A leap second has 1,000,000 to 1,999,999 microseconds here; it is kept as the last one.
        put(&mut text[20..26], (time.nanosecond() / 1_000).min(999_999));
        Ok(Self(text))
    }

    /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and signs are ASCII")
    }
}

fn put_day(text: &mut [u8], day: NaiveDate) -> rusqlite::Result<()> {
    let year = u32::try_from(day.year())
        .ok()
        .filter(|year| *year <= 9999)
        .ok_or_else(|| unstorable("the year is not between 0 and 9999"))?;
    put(&mut text[0..4], year);
    put(&mut text[5..7], day.month());
    put(&mut text[8..10], day.day());
    Ok(())
}

/// Writes `n` right-aligned with zeros.
fn put(text: &mut [u8], mut n: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
    }
}

fn day_of(text: &[u8]) -> Option<NaiveDate> {
    let shape = text.len() == 10 && text[4] == b'-' && text[7] == b'-';
    if !shape {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(get(&text[0..4])?).ok()?, get(&text[5..7])?, get(&text[8..10])?)
}

fn time_of(text: &[u8]) -> Option<DateTime<Utc>> {
    let shape = text.len() == 27 && text[10] == b'T' && text[19] == b'.' && text[26] == b'Z';
    if !shape {
        return None;
    }
    let day = day_of(&text[..10])?;
    let (hour, minute, second) = (get(&text[11..13])?, get(&text[14..16])?, get(&text[17..19])?);
    Some(day.and_hms_micro_opt(hour, minute, second, get(&text[20..26])?)?.and_utc())
}

fn get(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
}

fn unstorable(why: &'static str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(why.into())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn through_sqlite(field_type: FieldType, value: &FieldValue) -> FieldValue {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let mut statement = connection.prepare("SELECT ?1").unwrap();
        bind(&mut statement, 1, value).unwrap();
        let mut rows = statement.raw_query();
        read(field_type, rows.next().unwrap().unwrap().get_ref(0).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_of_value_comes_back_as_it_went() {
        let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        for (field_type, value) in [
            (FieldType::Text, FieldValue::Text("a\u{1f600}".into())),
            (FieldType::Integer, FieldValue::Integer(i64::MIN)),
            (FieldType::Checkbox, FieldValue::Bool(true)),
            (FieldType::Dropdown, FieldValue::Key(7)),
            (FieldType::Date, FieldValue::Date(day)),
            (
                FieldType::Datetime,
                FieldValue::Datetime(day.and_hms_micro_opt(23, 59, 59, 1).unwrap().and_utc()),
            ),
            (FieldType::Uuid, FieldValue::Uuid(Uuid::new_v4())),
            (FieldType::Money, FieldValue::Null),
        ] {
            assert_eq!(through_sqlite(field_type, &value), value);
        }
    }

    #[test]
    fn fifteen_digits_survive_a_real_column() {
        for text in [
            "0.1",
            "19.99",
            "-0.000001",
            "999999999999999",
            "0.123456789012345",
            "123456789.012345",
            "100000000000000000000",
            "-1234567890.1",
            "0.0000000000000000000000000012",
            "0",
            "4.35",
            "1.005",
        ] {
            let n: Decimal = text.parse().unwrap();
            let back = through_sqlite(FieldType::Decimal, &FieldValue::Decimal(n));
            assert_eq!(back, FieldValue::Decimal(n), "{text}");
        }
    }

    #[test]
    fn times_are_text_that_sorts() {
        let time = Utc.with_ymd_and_hms(999, 1, 2, 3, 4, 5).unwrap();
        assert_eq!(DatetimeText::of(time).unwrap().as_str(), "0999-01-02T03:04:05.000000Z");
        assert!(DateText::of(NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap()).is_err());
        assert!(DateText::of(NaiveDate::from_ymd_opt(-1, 1, 1).unwrap()).is_err());
    }

    #[test]
    fn what_was_put_there_by_hand_is_an_error_and_not_a_guess() {
        assert!(read(FieldType::Date, ValueRef::Text(b"2024-02-30")).is_err());
        assert!(read(FieldType::Datetime, ValueRef::Text(b"2024-02-20")).is_err());
        assert!(read(FieldType::Integer, ValueRef::Text(b"1")).is_err());
    }
}
