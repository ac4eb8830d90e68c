//! How callers' JSON is read.

use serde_json::json;

use super::*;
use crate::id::{FieldId, OptionId};

fn field(field_type: FieldType) -> Field {
    let option = |key, name: &str| FieldOption {
        id: OptionId::new(),
        key,
        name: name.into(),
        code: format!("code_{key}"),
        order: key,
    };
    Field {
        id: FieldId::new(),
        key: 1,
        name: "f".into(),
        display_name: "F".into(),
        field_type,
        is_required: false,
        is_unique: false,
        is_read_only: false,
        order: 0,
        options: if field_type.has_options() { vec![option(1, "Red"), option(2, "Blue")] } else { vec![] },
        relation: None,
        deleted: false,
    }
}

fn read(field: &Field, json: &Value) -> Outcome<Written> {
    let people = [Person {
        id: Uuid::from_u128(7),
        first_name: "Ada".into(),
        last_name: "Lovelace".into(),
        email: "ada@example.com".into(),
        deleted: false,
    }];
    let phone = |text: &str| text.starts_with('+').then(|| text.replace(' ', ""));
    let email = |text: &str| text.contains('@').then(|| text.to_owned());
    written(field, json, Reading { zone: Tz::Europe__Berlin, people: &people, email, phone: &phone })
}

fn value(field_type: FieldType, json: &Value) -> FieldValue {
    match read(&field(field_type), json) {
        Ok(Written::Value(value)) => value,
        other => panic!("{json}: {other:?}"),
    }
}

#[test]
fn options_are_named_by_object_id_label_or_code() {
    let field = field(FieldType::Dropdown);
    let id = field.options[1].id;
    for json in [
        json!(id),
        json!({"id": id, "name": "whatever", "code": "x"}),
        json!({"name": "blue"}),
        json!("BLUE"),
        json!("code_2"),
    ] {
        assert_eq!(read(&field, &json), Ok(Written::Value(FieldValue::Key(2))), "{json}");
    }
    let fault = read(&field, &json!("green")).unwrap_err();
    assert_eq!(fault.code, "does_not_exist");
    assert!(fault.message.contains("Red, Blue"), "{}", fault.message);
}

#[test]
fn lists_take_one_or_many_and_tags_may_be_new() {
    assert_eq!(value(FieldType::Checkboxes, &json!(["blue", "red", "Red"])), FieldValue::Many(vec![1, 2]));
    assert_eq!(value(FieldType::Checkboxes, &json!([])), FieldValue::Many(vec![]));
    assert_eq!(
        read(&field(FieldType::Dynamictags), &json!(["red", " Green "])),
        Ok(Written::Tags(vec![Tag::Known(1), Tag::New("Green".into())]))
    );
    assert!(
        read(&field(FieldType::Dynamictags), &json!([Uuid::new_v4()])).is_err(),
        "an unknown id is no label"
    );
}

#[test]
fn numbers_are_read_as_decimals() {
    assert_eq!(value(FieldType::Decimal, &json!("0.10")), FieldValue::Decimal("0.10".parse().unwrap()));
    assert_eq!(value(FieldType::Decimal, &json!(1e-7)), FieldValue::Decimal("0.0000001".parse().unwrap()));
    assert_eq!(
        value(FieldType::Money, &json!({"currency": "EUR", "symbol": "€", "amount": 12.5})),
        FieldValue::Decimal("12.5".parse().unwrap())
    );
    assert_eq!(value(FieldType::Integer, &json!(i64::MIN)), FieldValue::Integer(i64::MIN));
    assert_eq!(value(FieldType::Integer, &json!("42")), FieldValue::Integer(42));
    for (field_type, json, code) in [
        (FieldType::Integer, json!(1.5), "not_a_number"),
        (FieldType::Integer, json!(u64::MAX), "out_of_range"),
        (FieldType::Integer, json!("1e999"), "not_a_number"),
        (FieldType::Rating, json!(11), "out_of_range"),
        (FieldType::Decimal, json!("1.234567890123456"), "out_of_range"),
        (FieldType::Decimal, json!("NaN"), "not_a_number"),
        (FieldType::Decimal, json!(true), "not_a_number"),
    ] {
        assert_eq!(read(&field(field_type), &json).unwrap_err().code, code, "{json}");
    }
}

#[test]
fn moments_without_offset_are_local_and_must_exist_once() {
    let utc = |text: &str| FieldValue::Datetime(text.parse().unwrap());
    assert_eq!(value(FieldType::Datetime, &json!("2026-07-31T09:30:00+02:00")), utc("2026-07-31T07:30:00Z"));
    assert_eq!(value(FieldType::Datetime, &json!("2026-01-31 09:30")), utc("2026-01-31T08:30:00Z"));
    let code = |text: &str| read(&field(FieldType::Datetime), &json!(text)).unwrap_err().code;
    assert_eq!(code("2026-03-29T02:30:00"), "not_a_date");
    assert_eq!(code("2026-10-25T02:30:00"), "ambiguous_date");
    assert_eq!(code("yesterday"), "not_a_date");
}

#[test]
fn members_are_found_by_id_address_or_name() {
    let ada = FieldValue::Uuid(Uuid::from_u128(7));
    for json in [
        json!(Uuid::from_u128(7)),
        json!({"id": Uuid::from_u128(7), "email": "x"}),
        json!("ADA@example.com"),
        json!({"email": "ada@example.com"}),
        json!("ada lovelace"),
    ] {
        assert_eq!(value(FieldType::TeamSelector, &json), ada, "{json}");
    }
    assert!(read(&field(FieldType::TeamSelector), &json!("bob@example.com")).is_err());
}

#[test]
fn other_types_refuse_what_they_are_not() {
    for (field_type, json) in [
        (FieldType::Text, json!(1)),
        (FieldType::Date, json!("31.12.2026")),
        (FieldType::Date, json!("2026-02-30")),
        (FieldType::Timezone, json!("Mars/Olympus")),
        (FieldType::Uuid, json!("x")),
        (FieldType::Checkbox, json!(2)),
        (FieldType::Email, json!("ada")),
        (FieldType::Phonenumber, json!("abc")),
    ] {
        assert!(read(&field(field_type), &json).is_err(), "{json}");
        assert_eq!(value(field_type, &json!("")), FieldValue::Null);
    }
}
