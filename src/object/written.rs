//! How callers write values: the JSON of api §6, or a bare id or label in its place.
//!
//! What only the store can know (does a record with this label exist?) is left open in [`Written`].

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Field, FieldOption, FieldType, FieldValue,
    shown::Person,
    value::{ValueFault, check},
};
use crate::{id::RecordId, variable::api_time};

/// What reading a value takes besides the value. The two parsers are `variable`'s: one code for files
/// and for the API.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The workspace's zone, for moments without an offset.
    pub zone: Tz,
    /// The members.
    pub people: &'a [Person],
    /// An e-mail address in canonical form.
    pub email: fn(&str) -> Option<String>,
    /// A phone number as E.164.
    pub phone: &'a dyn Fn(&str) -> Option<String>,
}

/// A value as far as it can be read without the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Read.
    Value(FieldValue),
    /// Options of a field that makes them on the fly.
    Tags(Vec<Tag>),
    /// Related records.
    Records(Vec<RecordRef>),
}

/// An option that is there, or the label of one to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// Its key.
    Known(i64),
    /// Its label.
    New(String),
}

/// A record by its id or by its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordRef {
    /// Its id.
    Id(RecordId),
    /// The value of its object's label field.
    Label(String),
}

type Outcome<T> = Result<T, ValueFault>;

/// Reads and checks the value that a caller wrote for `field`.
pub fn written(field: &Field, json: &Value, reading: Reading<'_>) -> Outcome<Written> {
    if is_blank(json) {
        return Ok(Written::Value(FieldValue::blank(field)));
    }
    match field.field_type {
        FieldType::Relationship => {
            let items = if field.is_many() { list(json) } else { std::slice::from_ref(json) };
            items.iter().map(record).collect::<Outcome<_>>().map(Written::Records)
        }
        FieldType::Dynamictags => list(json)
            .iter()
            .map(|item| match option(field, item) {
                Ok(option) => Ok(Tag::Known(option.key)),
                Err(fault) => new_label(item).map(Tag::New).ok_or(fault),
            })
            .collect::<Outcome<_>>()
            .map(Written::Tags),
        FieldType::Checkboxes => list(json)
            .iter()
            .map(|item| option(field, item).map(|option| option.key))
            .collect::<Outcome<Vec<_>>>()
            .map(|keys| Written::Value(FieldValue::many(keys))),
        _ => scalar(field, json, reading).map(Written::Value),
    }
}

/// Reads and checks one value of a field that holds no list and no record.
pub fn scalar(field: &Field, json: &Value, reading: Reading<'_>) -> Outcome<FieldValue> {
    let value = match field.field_type {
        FieldType::Text | FieldType::Longtext => FieldValue::Text(text(json)?.to_owned()),
        FieldType::Email => {
            let text = text(json)?;
            let canonical = (reading.email)(text);
            FieldValue::Text(canonical.ok_or_else(|| expected("not_an_email", json, "an e-mail address"))?)
        }
        FieldType::Phonenumber => {
            let canonical = (reading.phone)(text(json)?);
            FieldValue::Text(canonical.ok_or_else(|| expected("not_a_phone_number", json, "a phone number"))?)
        }
        FieldType::Integer | FieldType::Rating => FieldValue::Integer(integer(json)?),
        FieldType::Decimal => FieldValue::Decimal(decimal(json)?),
        FieldType::Money => FieldValue::Decimal(decimal(json.get("amount").unwrap_or(json))?),
        FieldType::Date => FieldValue::Date(
            api_time::day(text(json)?).ok_or_else(|| expected("not_a_date", json, "a date as YYYY-MM-DD"))?,
        ),
        FieldType::Datetime => FieldValue::Datetime(moment(text(json)?, reading.zone)?),
        FieldType::Checkbox => FieldValue::Bool(yes_or_no(json)?),
        FieldType::Yesnomaybe
        | FieldType::Dropdown
        | FieldType::Radio
        | FieldType::Checkboxes
        | FieldType::Dynamictags => FieldValue::Key(option(field, json)?.key),
        FieldType::Relationship => {
            return Err(expected("invalid", json, "a value that is no record"));
        }
        FieldType::Timezone => {
            let zone: Tz = text(json)?
                .trim()
                .parse()
                .map_err(|_| expected("invalid", json, "a time zone such as Europe/Berlin"))?;
            FieldValue::Text(zone.name().to_owned())
        }
        FieldType::Uuid => FieldValue::Uuid(
            Uuid::parse_str(text(json)?.trim()).map_err(|_| expected("not_a_uuid", json, "a UUID"))?,
        ),
        FieldType::TeamSelector => FieldValue::Uuid(person(json, reading.people)?.id),
    };
    check(field.field_type, &value)?;
    Ok(value)
}

/// The option that JSON names: its object, id, label (without regard to case) or code.
pub fn option<'f>(field: &'f Field, json: &Value) -> Outcome<&'f FieldOption> {
    let found = match reference(json) {
        Some(Reference::Id(id)) => field.options.iter().find(|option| option.id.0 == id),
        Some(Reference::Label(label)) => find_option(field, label),
        None => None,
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = field.options.iter().take(20).map(|option| option.name.as_str()).collect();
        let more = field.options.len().saturating_sub(known.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        expected("does_not_exist", json, &format!("one of the options {}{more}", known.join(", ")))
    })
}

/// The option with this label (without regard to case), else with this code, where the code stands for it.
#[must_use]
pub fn find_option<'f>(field: &'f Field, label: &str) -> Option<&'f FieldOption> {
    let label = label.trim();
    let lower = label.to_lowercase();
    let by_name = field.options.iter().find(|option| option.name.to_lowercase() == lower);
    by_name.or_else(|| field.options.iter().find(|option| option.code == label && option.goes_by_code()))
}

/// The record that JSON names: its object, id or label.
pub fn record(json: &Value) -> Outcome<RecordRef> {
    match reference(json) {
        Some(Reference::Id(id)) => Ok(RecordRef::Id(id.into())),
        Some(Reference::Label(label)) => Ok(RecordRef::Label(label.to_owned())),
        None => Err(expected("invalid", json, "a record's id or label")),
    }
}

/// The member that JSON names: object, id, e-mail address or full name.
pub fn person<'p>(json: &Value, people: &'p [Person]) -> Outcome<&'p Person> {
    let nobody = || expected("does_not_exist", json, "a member's id or e-mail address");
    let reference = match (json.get("id").or_else(|| json.get("email")), json) {
        (Some(inner), _) => reference(inner),
        (None, outer) => reference(outer),
    };
    match reference {
        Some(Reference::Id(id)) => people.iter().find(|person| person.id == id).ok_or_else(nobody),
        Some(Reference::Label(label)) => {
            let label = label.trim().to_lowercase();
            if let Some(found) = people.iter().find(|person| person.email.to_lowercase() == label) {
                return Ok(found);
            }
            let mut named = people.iter().filter(|person| {
                format!("{} {}", person.first_name, person.last_name).trim().to_lowercase() == label
            });
            match (named.next(), named.next()) {
                (Some(one), None) => Ok(one),
                _ => Err(nobody()),
            }
        }
        None => Err(nobody()),
    }
}

/// A moment: RFC 3339, or a local time of `zone` without offset.
pub fn moment(text: &str, zone: Tz) -> Outcome<DateTime<Utc>> {
    api_time::moment(text, zone).map(whole_micros).map_err(|fault| {
        ValueFault::new(fault.code.as_str(), format!("{text:?} {fault}; expected {}", fault.expected))
    })
}

fn whole_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    use chrono::SubsecRound as _;
    time.trunc_subsecs(6)
}

enum Reference<'j> {
    Id(Uuid),
    Label(&'j str),
}

/// An object's `id`, else its `name` or `code`; or a bare id or label.
fn reference(json: &Value) -> Option<Reference<'_>> {
    let text = match json {
        Value::Object(object) => ["id", "name", "code"]
            .iter()
            .find_map(|key| object.get(*key).and_then(Value::as_str).filter(|text| !text.is_empty()))?,
        other => other.as_str()?,
    };
    Some(Uuid::parse_str(text).map_or(Reference::Label(text), Reference::Id))
}

fn new_label(json: &Value) -> Option<String> {
    let named = json.get("name").unwrap_or(json);
    match reference(named) {
        Some(Reference::Label(label)) if !label.trim().is_empty() => Some(label.trim().to_owned()),
        _ => None,
    }
}

fn is_blank(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn list(json: &Value) -> &[Value] {
    match json {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn text(json: &Value) -> Outcome<&str> {
    json.as_str().ok_or_else(|| expected("invalid", json, "text"))
}

fn integer(json: &Value) -> Outcome<i64> {
    let not = |code| expected(code, json, "a whole number of at most 64 bits");
    let n = decimal(json).map_err(|_| match json {
        Value::Number(_) => not("out_of_range"),
        _ => not("not_a_number"),
    })?;
    if !n.is_integer() {
        return Err(not("not_a_number"));
    }
    i64::try_from(n.trunc()).map_err(|_| not("out_of_range"))
}

fn decimal(json: &Value) -> Outcome<Decimal> {
    let parsed = match json {
        Value::Number(n) => parse_decimal(&n.to_string()),
        Value::String(text) => parse_decimal(text.trim()),
        _ => None,
    };
    parsed.ok_or_else(|| expected("not_a_number", json, "a number"))
}

fn parse_decimal(text: &str) -> Option<Decimal> {
    // from_str_exact refuses what it would have to round.
    Decimal::from_str_exact(text).ok().or_else(|| {
        let has_exponent = text.bytes().any(|b| b.eq_ignore_ascii_case(&b'e'));
        has_exponent.then(|| Decimal::from_scientific(text).ok())?
    })
}

fn yes_or_no(json: &Value) -> Outcome<bool> {
    match json {
        Value::Bool(yes) => Ok(*yes),
        Value::String(text) if ["true", "yes"].contains(&text.to_lowercase().as_str()) => Ok(true),
        Value::String(text) if ["false", "no"].contains(&text.to_lowercase().as_str()) => Ok(false),
        _ => Err(expected("not_a_boolean", json, "true or false")),
    }
}

fn expected(code: &'static str, found: &Value, what: &str) -> ValueFault {
    let found: String = found.to_string().chars().take(200).collect();
    ValueFault::new(code, format!("{found} is not {what}"))
}
