//! How values are shown to callers: the JSON of api §6.

use std::collections::HashMap;

use chrono::SecondsFormat;
use chrono_tz::Tz;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Field, FieldOption, FieldType, FieldValue, Relation};
use crate::id::{ObjectId, RecordId};

/// A member as values show and take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The member's id.
    pub id: Uuid,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// No longer a member.
    pub deleted: bool,
}

/// What showing a value takes besides the value.
#[derive(Debug, Clone)]
pub struct Labels {
    /// The workspace's zone, for moments.
    pub zone: Tz,
    /// The workspace's currency, for money.
    pub currency: String,
    /// The members that values name.
    pub people: HashMap<Uuid, Person>,
    /// Labels of the related records that values name.
    pub records: HashMap<(ObjectId, i64), String>,
}

/// The value as JSON.
#[must_use]
pub fn shown(field: &Field, value: &FieldValue, labels: &Labels) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Text(text) => Value::from(text.as_str()),
        FieldValue::Integer(n) => Value::from(*n),
        FieldValue::Decimal(n) if field.field_type == FieldType::Money => json!({
            "currency": labels.currency,
            "symbol": symbol(&labels.currency),
            "amount": number(*n),
        }),
        FieldValue::Decimal(n) => number(*n),
        FieldValue::Date(day) => Value::from(day.format("%Y-%m-%d").to_string()),
        FieldValue::Datetime(time) => {
            Value::from(time.with_timezone(&labels.zone).to_rfc3339_opts(SecondsFormat::AutoSi, false))
        }
        FieldValue::Bool(yes) => Value::from(*yes),
        FieldValue::Uuid(id) if field.field_type == FieldType::TeamSelector => person(*id, labels),
        FieldValue::Uuid(id) => Value::from(id.to_string()),
        FieldValue::Key(key) => one(field, *key, labels),
        FieldValue::Many(keys) => keys.iter().map(|key| one(field, *key, labels)).collect(),
    }
}

fn one(field: &Field, key: i64, labels: &Labels) -> Value {
    match &field.relation {
        Some(relation) => related(relation, key, labels),
        None => field.option(key).map_or(Value::Null, option),
    }
}

/// An option as values show it.
#[must_use]
pub fn option(option: &FieldOption) -> Value {
    json!({"id": option.id, "name": option.name, "code": option.code})
}

fn related(relation: &Relation, row: i64, labels: &Labels) -> Value {
    let id = RecordId::of(relation.object, row).to_string();
    let name = labels.records.get(&(relation.object, row));
    json!({"id": id, "name": name, "display_name": name})
}

fn person(id: Uuid, labels: &Labels) -> Value {
    match labels.people.get(&id) {
        Some(person) => json!({
            "id": id.to_string(),
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "deleted": person.deleted,
        }),
        None => {
            json!({"id": id.to_string(), "first_name": "", "last_name": "", "email": "", "deleted": true})
        }
    }
}

/// A JSON number when it reads back as exactly `n`, else a string.
#[must_use]
pub fn number(n: Decimal) -> Value {
    let n = n.normalize();
    if n.scale() == 0
        && let Some(whole) = n.to_i64()
    {
        return Value::from(whole);
    }
    let text = n.to_string();
    match text.parse::<f64>() {
        Ok(double) if double.to_string() == text => Value::from(double),
        _ => Value::from(text),
    }
}

/// The sign that people know a currency by, its code where there is none.
fn symbol(currency: &str) -> &str {
    match currency {
        "USD" | "CAD" | "AUD" | "NZD" | "MXN" | "SGD" | "HKD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        "INR" => "₹",
        "BRL" => "R$",
        "TRY" => "₺",
        "KRW" => "₩",
        "ILS" => "₪",
        "UAH" => "₴",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_text() {
        for (text, shown) in [
            ("19.90", json!(19.9)),
            ("3.0", json!(3)),
            ("-0.000001", json!(-0.000_001)),
            ("999999999999999", json!(999_999_999_999_999_i64)),
            ("0.1234567890123456789", json!("0.1234567890123456789")),
        ] {
            assert_eq!(number(text.parse().unwrap()), shown);
        }
    }
}
