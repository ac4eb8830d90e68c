//! From variables to field values: what a mapping rule makes of a row's values.
//!
//! Which variable types a field takes is settled when the flow is saved ([`crate::connector::rules`]);
//! here the single value is checked as a write through the API is. What goes into a text field comes as
//! text. An empty text is a blank field, as NULL is; white space is text.

use chrono::{DateTime, Timelike as _, Utc};
use rust_decimal::prelude::ToPrimitive as _;

use super::plan::Members;
use crate::{
    id::MemberId,
    object::{
        FieldType, FieldValue,
        value::{ValueFault, check},
    },
    variable::{Value, fault::cut},
};

/// The value of a field whose values stand for themselves. Choices and relationships are not here: what
/// they refer to is in the store.
pub(super) fn plain(
    field_type: FieldType,
    value: Value,
    members: &Members,
) -> Result<FieldValue, ValueFault> {
    let value = match (field_type, value) {
        (_, Value::Null) => return Ok(FieldValue::Null),
        (FieldType::Integer | FieldType::Rating, Value::Number(n)) => {
            let whole = n.to_i64().filter(|_| n.fract().is_zero());
            FieldValue::Integer(whole.ok_or_else(|| {
                let expected = "a whole number of 64 bits";
                ValueFault::new("out_of_range", format!("{n} is not {expected}"))
                    .about(n.to_string())
                    .expecting(expected)
            })?)
        }
        (FieldType::Decimal | FieldType::Money, Value::Number(n)) => FieldValue::Decimal(n.normalize()),
        (FieldType::Date, Value::Date(day)) => FieldValue::Date(day),
        (FieldType::Datetime, Value::Datetime(time)) => FieldValue::Datetime(in_microseconds(time)),
        (FieldType::Checkbox, Value::Boolean(yes)) => FieldValue::Bool(yes),
        (FieldType::Uuid, Value::Uuid(id)) => FieldValue::Uuid(id),
        (FieldType::TeamSelector, value) => return member(value, members),
        (_, Value::Text(text)) if text.is_empty() => return Ok(FieldValue::Null),
        (
            FieldType::Text | FieldType::Longtext | FieldType::Email | FieldType::Phonenumber,
            Value::Text(text),
        ) => FieldValue::Text(text),
        (FieldType::Timezone, Value::Text(text)) => {
            let zone = text.parse::<chrono_tz::Tz>().map_err(|_| {
                let expected = "an IANA time zone, such as Europe/Berlin";
                ValueFault::new("invalid", format!("\"{}\" is not {expected}", cut(&text)))
                    .about(cut(&text))
                    .expecting(expected)
            })?;
            FieldValue::Text(zone.name().to_owned())
        }
        (field_type, value) => {
            let message = format!("\"{}\" is no {}", quoted(&value), field_type.as_str());
            return Err(ValueFault::new("invalid", message)
                .about(quoted(&value))
                .expecting(field_type.as_str()));
        }
    };
    match check(field_type, &value) {
        Ok(()) => Ok(value),
        Err(fault) => Err(fault.about(shown(&value))),
    }
}

/// A value whose meaning needs no store as text.
pub(super) fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => cut(text).to_owned(),
        FieldValue::Integer(n) | FieldValue::Key(n) => n.to_string(),
        FieldValue::Decimal(n) => n.to_string(),
        FieldValue::Date(day) => day.to_string(),
        FieldValue::Datetime(time) => time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        FieldValue::Bool(yes) => yes.to_string(),
        FieldValue::Uuid(id) => id.to_string(),
        FieldValue::Null | FieldValue::Many(_) => String::new(),
    }
}

/// The value in a message.
pub(super) fn quoted(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => cut(text).to_owned(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Date(day) => day.to_string(),
        Value::Datetime(time) => time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        Value::Number(n) => n.to_string(),
        Value::Uuid(id) => id.to_string(),
        Value::List(items) => items.iter().map(quoted).collect::<Vec<_>>().join(", "),
    }
}

/// What the store keeps, so that a value compares equal to the one read back.
fn in_microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    time.with_nanosecond(time.nanosecond() / 1_000 * 1_000).unwrap_or(time)
}

fn member(value: Value, members: &Members) -> Result<FieldValue, ValueFault> {
    let text = match value {
        Value::Text(text) => text,
        value => quoted(&value),
    };
    let text = text.trim();
    if text.is_empty() {
        return Ok(FieldValue::Null);
    }
    let by_id = text.parse().ok().filter(|id| members.email(*id).is_some());
    by_id.or_else(|| members.with_email(text)).map(|MemberId(id)| FieldValue::Uuid(id)).ok_or_else(|| {
        let expected = "a member's id or e-mail address";
        ValueFault::new("does_not_exist", format!("\"{}\" is not {expected}", cut(text)))
            .about(cut(text))
            .expecting(expected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(field_type: FieldType, text: &str) -> Result<FieldValue, ValueFault> {
        plain(field_type, Value::Number(text.parse().unwrap()), &Members::default())
    }

    #[test]
    fn numbers_are_checked_against_their_field() {
        assert_eq!(number(FieldType::Integer, "12.00"), Ok(FieldValue::Integer(12)));
        for (field_type, text) in [
            (FieldType::Integer, "1.5"),
            (FieldType::Integer, "9223372036854775808"),
            (FieldType::Rating, "11"),
            (FieldType::Rating, "-1"),
            (FieldType::Decimal, "1234567890.123456"),
        ] {
            assert_eq!(number(field_type, text).unwrap_err().code, "out_of_range", "{text}");
        }
        assert!(number(FieldType::Money, "0.100000000000000000").is_ok());
        assert!(number(FieldType::Money, "123456789012345").is_ok());
        assert!(number(FieldType::Money, "12345678901234500000").is_ok());
    }

    #[test]
    fn text_counts_characters_and_empty_text_is_blank() {
        let text = |text: String| plain(FieldType::Text, Value::Text(text), &Members::default());
        assert!(text("é".repeat(255)).is_ok());
        assert_eq!(text("é".repeat(256)).unwrap_err().code, "too_long");
        assert_eq!(text(String::new()), Ok(FieldValue::Null));
        assert_eq!(text(" ".into()), Ok(FieldValue::Text(" ".into())));
    }

    #[test]
    fn members_go_by_id_or_address() {
        let id = MemberId::new();
        let members = Members::new([(id, "Ada@example.org".to_owned())]);
        let owner = |value| plain(FieldType::TeamSelector, value, &members);
        assert_eq!(owner(Value::Text("ada@Example.org".into())), Ok(FieldValue::Uuid(id.0)));
        assert_eq!(owner(Value::Uuid(id.0)), Ok(FieldValue::Uuid(id.0)));
        assert_eq!(owner(Value::Text("bob@example.org".into())).unwrap_err().code, "does_not_exist");
    }
}
