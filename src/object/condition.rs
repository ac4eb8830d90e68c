//! Conditions: which ones a field type has, and what they mean.
//!
//! | types | conditions |
//! |---|---|
//! | text, email | `= != contains !contains starts_with ends_with !starts_with !ends_with is_blank` |
//! | numbers, money, rating | `= != < <= > >= between is_blank` |
//! | dates, moments | the same; dates also `month_equals`. A day in place of a moment is that whole day in the workspace's zone |
//! | one option, time zone, UUID, member | `= != is_any_of is_none_of is_blank` |
//! | many options | `has !has has_any !has_any is_blank` |
//! | relationship | `contains !contains is_any_of is_none_of is_blank` |
//! | checkbox | `=` |
//! | longtext | `is_blank` |
//! | phone | `= contains is_blank` |
//! | runs | `= != is_any_of is_none_of is_blank` |

use chrono::{DateTime, Days, NaiveDate, TimeZone as _, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Field, FieldType, FieldValue, Relation,
    filter::Target,
    value::ValueFault,
    written::{self, Reading},
};
use crate::{id::RecordId, variable::api_time};

/// What must hold for the value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Nothing is there.
    Blank,
    /// It is this value, or one of them; a many-valued field holds at least one of them.
    Any(Vec<FieldValue>),
    /// A many-valued field holds all of them.
    All(Vec<FieldValue>),
    /// The text occurs in it.
    Contains(String),
    /// It starts with the text.
    Starts(String),
    /// It ends with the text.
    Ends(String),
    /// It lies between the bounds; a bound itself belongs to it where it says so.
    Range {
        /// From.
        low: Option<Edge>,
        /// To.
        high: Option<Edge>,
    },
    /// A day of this month (1 to 12) of any year.
    Month(u32),
}

/// A bound and whether it belongs to the range.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// The bound.
    pub value: FieldValue,
    /// Whether it belongs to the range.
    pub included: bool,
}

/// The fault's code when the condition itself is unknown.
pub(super) const UNKNOWN: &str = "unknown_condition";

type Outcome<T> = Result<T, ValueFault>;

/// What kinds of conditions a target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Day,
    Moment,
    One,
    Many,
    Record,
    Checkbox,
    Longtext,
    Phone,
}

impl Kind {
    fn of(target: &Target) -> Self {
        let Target::Field(field) = target else {
            return if matches!(target, Target::Time(_)) { Self::Moment } else { Self::One };
        };
        match field.field_type {
            FieldType::Text | FieldType::Email => Self::Text,
            FieldType::Integer | FieldType::Decimal | FieldType::Money | FieldType::Rating => Self::Number,
            FieldType::Date => Self::Day,
            FieldType::Datetime => Self::Moment,
            FieldType::Yesnomaybe
            | FieldType::Dropdown
            | FieldType::Radio
            | FieldType::Timezone
            | FieldType::Uuid
            | FieldType::TeamSelector => Self::One,
            FieldType::Checkboxes | FieldType::Dynamictags => Self::Many,
            FieldType::Relationship => Self::Record,
            FieldType::Checkbox => Self::Checkbox,
            FieldType::Longtext => Self::Longtext,
            FieldType::Phonenumber => Self::Phone,
        }
    }

    const fn conditions(self) -> &'static [&'static str] {
        match self {
            Self::Text => &[
                "=",
                "!=",
                "contains",
                "!contains",
                "starts_with",
                "ends_with",
                "!starts_with",
                "!ends_with",
                "is_blank",
            ],
            Self::Number | Self::Moment => &["=", "!=", "<", "<=", ">", ">=", "between", "is_blank"],
            Self::Day => &["=", "!=", "<", "<=", ">", ">=", "between", "month_equals", "is_blank"],
            Self::One => &["=", "!=", "is_any_of", "is_none_of", "is_blank"],
            Self::Many => &["has", "!has", "has_any", "!has_any", "is_blank"],
            Self::Record => &["contains", "!contains", "is_any_of", "is_none_of", "is_blank"],
            Self::Checkbox => &["="],
            Self::Longtext => &["is_blank"],
            Self::Phone => &["=", "contains", "is_blank"],
        }
    }
}

/// Reads a condition and its value: the positive test, and whether it is negated.
pub(super) fn parse(
    target: &Target,
    condition: &str,
    value: &Value,
    reading: Reading<'_>,
) -> Outcome<(Test, bool)> {
    let kind = Kind::of(target);
    if !kind.conditions().contains(&condition) {
        return Err(ValueFault::new(
            UNKNOWN,
            format!("{condition:?} is not one of {}", kind.conditions().join(" ")),
        ));
    }
    let one = |value| operand(target, value, reading);
    let several = || list(value)?.iter().map(one).collect::<Outcome<Vec<_>>>();
    let test = match condition {
        "is_blank" => return blank(value),
        "=" | "!=" if kind == Kind::Moment => on_moment(value, reading)?,
        "<" | "<=" | ">" | ">=" if kind == Kind::Moment => moment_range(condition, value, reading)?,
        "between" if kind == Kind::Moment => {
            let (from, to) = pair(value)?;
            between(moment_range(">=", from, reading)?, moment_range("<=", to, reading)?)
        }
        "=" | "!=" => Test::Any(vec![one(value)?]),
        "<" | "<=" | ">" | ">=" => range(condition, one(value)?),
        "between" => {
            let (from, to) = pair(value)?;
            between(range(">=", one(from)?), range("<=", one(to)?))
        }
        "month_equals" => month(value)?,
        "starts_with" | "!starts_with" => Test::Starts(text(value)?),
        "ends_with" | "!ends_with" => Test::Ends(text(value)?),
        "contains" if kind == Kind::Phone => Test::Contains(digits(value)?),
        "contains" | "!contains" if kind == Kind::Text => Test::Contains(text(value)?),
        "has" | "!has" | "contains" | "!contains" => Test::All(several()?),
        // is_any_of is_none_of has_any !has_any
        _ => Test::Any(several()?),
    };
    Ok((test, condition.starts_with('!') || condition == "is_none_of"))
}

/// One value to compare with, in the kind of the target.
fn operand(target: &Target, value: &Value, reading: Reading<'_>) -> Outcome<FieldValue> {
    let Target::Field(field) = target else {
        return uuid(value, "an execution's id").map(FieldValue::Uuid);
    };
    if value.is_null() {
        return Err(ValueFault::new("required", "a value is needed; is_blank looks for blanks"));
    }
    match (field.field_type, &field.relation) {
        (FieldType::Relationship, Some(relation)) => related(relation, value),
        (FieldType::TeamSelector, _) => person(field, value, reading),
        _ => written::scalar(field, value, reading),
    }
}

/// By id also someone who is no longer a member: records may still name them.
fn person(field: &Field, value: &Value, reading: Reading<'_>) -> Outcome<FieldValue> {
    match uuid(value, "a member's id") {
        Ok(id) => Ok(FieldValue::Uuid(id)),
        Err(_) => written::scalar(field, value, reading),
    }
}

fn related(relation: &Relation, value: &Value) -> Outcome<FieldValue> {
    let id = RecordId::from(uuid(value, "a record's id")?);
    let row = id.row_in(relation.object);
    row.map(FieldValue::Key)
        .ok_or_else(|| ValueFault::new("does_not_exist", format!("{id} is no record of the related object")))
}

fn uuid(value: &Value, what: &str) -> Outcome<Uuid> {
    let text = value.get("id").unwrap_or(value).as_str();
    text.and_then(|text| Uuid::parse_str(text).ok())
        .ok_or_else(|| ValueFault::new("invalid", format!("{value} is not {what}")))
}

fn blank(value: &Value) -> Outcome<(Test, bool)> {
    match value {
        Value::Null | Value::Bool(true) => Ok((Test::Blank, false)),
        Value::Bool(false) => Ok((Test::Blank, true)),
        other => Err(ValueFault::new("invalid", format!("{other} is not true or false"))),
    }
}

fn range(condition: &str, value: FieldValue) -> Test {
    let edge = Some(Edge { value, included: condition.ends_with('=') });
    match condition.as_bytes()[0] {
        b'<' => Test::Range { low: None, high: edge },
        _ => Test::Range { low: edge, high: None },
    }
}

fn between(from: Test, to: Test) -> Test {
    match (from, to) {
        (Test::Range { low, .. }, Test::Range { high, .. }) => Test::Range { low, high },
        (from, _) => from,
    }
}

/// A moment to compare with is itself, or a whole day of the workspace's zone.
fn span(value: &Value, reading: Reading<'_>) -> Outcome<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    let text = value
        .as_str()
        .ok_or_else(|| ValueFault::new("not_a_date", format!("{value} is not a time or a date")))?;
    match api_time::day(text) {
        Some(day) => Ok((start_of(day, reading)?, Some(start_of(next(day)?, reading)?))),
        None => Ok((written::moment(text, reading.zone)?, None)),
    }
}

fn on_moment(value: &Value, reading: Reading<'_>) -> Outcome<Test> {
    let edge = |time, included| Some(Edge { value: FieldValue::Datetime(time), included });
    Ok(match span(value, reading)? {
        (from, Some(end)) => Test::Range { low: edge(from, true), high: edge(end, false) },
        (time, None) => Test::Range { low: edge(time, true), high: edge(time, true) },
    })
}

fn moment_range(condition: &str, value: &Value, reading: Reading<'_>) -> Outcome<Test> {
    let (from, end) = span(value, reading)?;
    let (time, condition) = match (condition, end) {
        // Up to a day means up to its end, after a day means from its end.
        ("<=", Some(end)) => (end, "<"),
        (">", Some(end)) => (end, ">="),
        (condition, _) => (from, condition),
    };
    Ok(range(condition, FieldValue::Datetime(time)))
}

fn next(day: NaiveDate) -> Outcome<NaiveDate> {
    day.checked_add_days(Days::new(1))
        .ok_or_else(|| ValueFault::new("out_of_range", format!("{day} has no next day")))
}

/// The first moment of a day; where clocks go forward at midnight, the first one that exists.
fn start_of(day: NaiveDate, reading: Reading<'_>) -> Outcome<DateTime<Utc>> {
    (0..24_u32)
        .filter_map(|hour| day.and_hms_opt(hour, 0, 0))
        .find_map(|local| reading.zone.from_local_datetime(&local).earliest())
        .map(|time| time.with_timezone(&Utc))
        .ok_or_else(|| ValueFault::new("not_a_date", format!("{day} does not exist in {}", reading.zone)))
}

fn month(value: &Value) -> Outcome<Test> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|n| u32::try_from(n).ok()),
    };
    number
        .filter(|month| (1..=12).contains(month))
        .map(Test::Month)
        .ok_or_else(|| ValueFault::new("invalid", format!("{value} is not a month from 1 to 12")))
}

fn text(value: &Value) -> Outcome<String> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(ValueFault::new("invalid", format!("{value} is not a text to look for"))),
    }
}

/// Part of a phone number: records hold E.164, people write spaces and hyphens.
fn digits(value: &Value) -> Outcome<String> {
    let text = text(value)?;
    let kept: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    if kept.is_empty() {
        return Err(ValueFault::new("invalid", format!("{text:?} has no digit")));
    }
    Ok(kept)
}

fn list(value: &Value) -> Outcome<&[Value]> {
    match value {
        Value::Array(items) if items.is_empty() => {
            Err(ValueFault::new("invalid", "an empty list; name at least one"))
        }
        Value::Array(items) => Ok(items),
        one => Ok(std::slice::from_ref(one)),
    }
}

fn pair(value: &Value) -> Outcome<(&Value, &Value)> {
    match value.as_array().map(Vec::as_slice) {
        Some([from, to]) => Ok((from, to)),
        _ => Err(ValueFault::new("invalid", format!("{value} is not a list of two: from and to"))),
    }
}
