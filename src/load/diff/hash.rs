//! A row's values as bytes to be hashed: each with its type and, where its length varies, its length, so that no two
//! rows of different values have the same bytes.

use chrono::Datelike as _;

use crate::{load::Cell, variable::Value};

/// Appends a cell. Why a value is faulty is left out: where a step uses it, the row is rejected and never kept.
pub(super) fn push_cell(to: &mut Vec<u8>, cell: &Cell) {
    match cell {
        Ok(value) => push(to, value),
        Err(_) => to.push(0xff),
    }
}

/// Appends a value. Numbers keep their trailing zeros: a text field shows them.
pub(super) fn push(to: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => to.push(0),
        Value::Text(text) => {
            to.push(1);
            push_bytes(to, text.as_bytes());
        }
        Value::Boolean(yes) => to.extend([2, u8::from(*yes)]),
        Value::Date(day) => {
            to.push(3);
            to.extend(day.num_days_from_ce().to_le_bytes());
        }
        Value::Datetime(moment) => {
            to.push(4);
            to.extend(moment.timestamp_micros().to_le_bytes());
        }
        Value::Number(number) => {
            to.push(5);
            to.extend(number.serialize());
        }
        Value::Uuid(id) => {
            to.push(6);
            to.extend(id.as_bytes());
        }
        Value::List(values) => {
            to.push(7);
            to.extend((values.len() as u64).to_le_bytes());
            for value in values {
                push(to, value);
            }
        }
    }
}

/// Appends bytes with their length.
pub(super) fn push_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend((bytes.len() as u64).to_le_bytes());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[Value]) -> Vec<u8> {
        let mut to = Vec::new();
        for value in values {
            push(&mut to, value);
        }
        to
    }

    #[test]
    fn different_values_have_different_bytes() {
        let text = |text: &str| Value::Text(text.to_owned());
        let number = |text: &str| Value::Number(text.parse().unwrap());
        let rows = [
            vec![text("ab"), text("c")],
            vec![text("a"), text("bc")],
            vec![text("abc"), Value::Null],
            vec![Value::Null, text("abc")],
            vec![text("1"), Value::Null],
            vec![number("1"), Value::Null],
            vec![number("1.0"), Value::Null],
            vec![number("-1"), Value::Null],
            vec![Value::Boolean(true), Value::Null],
            vec![Value::Date("2026-01-02".parse().unwrap()), Value::Null],
            vec![Value::Datetime("2026-01-02T00:00:00Z".parse().unwrap()), Value::Null],
            vec![Value::List(vec![text("a"), text("b")]), text("c")],
            vec![Value::List(vec![text("a")]), text("b"), text("c")],
        ];
        for (n, row) in rows.iter().enumerate() {
            assert_eq!(bytes(row), bytes(row));
            for other in &rows[..n] {
                assert_ne!(bytes(row), bytes(other), "{row:?} {other:?}");
            }
        }
    }
}
