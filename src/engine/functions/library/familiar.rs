//! Names that people know from ClickHouse, where the meaning is the same to the letter. What ClickHouse
//! refuses by type is refused here too; a function that would differ without a word is not offered.

use rusqlite::{Error, types::ValueRef};

use super::{
    Answer, Call, Function,
    condition::holds,
    other::{parts, uuid},
    pick,
    regexp::{self, Dialect, Expression},
    rows,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "clickhouse";
    toString "(x)" [1] Scalar(to_string):
        "Text: numbers by their shortest digits.";
        "toString(0.1 + 0.2)" => "0.30000000000000004";
    toInt64OrNull "(s)" [1] Scalar(to_int):
        "A whole number from text that is nothing else; NULL for all other text, also with spaces around it.";
        "toInt64OrNull('12 ')" => NULL;
    toFloat64OrNull "(s)" [1] Scalar(to_float):
        "A REAL from text that is nothing else; NULL for all other text, also with spaces around it.";
        "toFloat64OrNull('1e3')" => "1000";
    multiIf "(c1, x1[, c2, x2, …], otherwise)" [-1] Scalar(multi_if):
        "The x behind the first condition that holds, else the last argument.";
        "multiIf(1 > 2, 'a', 2 > 1, 'b', 'c')" => "b";
    empty "(s)" [1] Json(empty):
        "1 for an empty text or array, else 0.";
        "empty('')" => "1";
    notEmpty "(s)" [1] Json(not_empty):
        "0 for an empty text or array, else 1.";
        "notEmpty(' ')" => "1";
    splitByChar "(char, s)" [2] Json(split_by_char):
        "The parts of s between the characters, as a JSON array.";
        "splitByChar(',', 'a,,b')" => "[\"a\",\"\",\"b\"]";
    replaceRegexpAll "(s, pattern, to)" [3] Scalar(replace_regexp_all):
        "Every match replaced; \\1 to \\9 are the groups, \\0 the match. Patterns are read as RE2 reads them, and . matches line ends.";
        "replaceRegexpAll('2026-03-04', '(\\d+)-(\\d+)-(\\d+)', '\\3.\\2.\\1')" => "04.03.2026";
    extract "(s, pattern)" [2] Scalar(extract):
        "The first match, or its first group when the pattern has one; empty when there is none.";
        "extract('order 4711', 'order (\\d+)')" => "4711";
    match "(s, pattern)" [2] Scalar(matches):
        "1 when the pattern matches anywhere in s, else 0. Write it as a function: in x MATCH y SQLite turns the sides around.";
        "match('abc-12', '^[a-z]+-\\d{2}$')" => "1";
    argMax "(x, by)" [2] Aggregate(pick::greatest):
        "The x of the row with the greatest by; rows with a NULL don't count.";
        "argMax(column1, column2) FROM (VALUES ('a', 1), ('b', 3), ('c', 2))" => "b";
    argMin "(x, by)" [2] Aggregate(pick::least):
        "The x of the row with the least by; rows with a NULL don't count.";
        "argMin(column1, column2) FROM (VALUES ('a', 1), ('b', 3), (NULL, 0))" => "a";
    any "(x)" [1] Aggregate(pick::first):
        "The first value that is not NULL.";
        "any(column1) FROM (VALUES (NULL), (7), (8))" => "7";
    anyLast "(x)" [1] Aggregate(pick::last):
        "The last value that is not NULL.";
        "anyLast(column1) FROM (VALUES (7), (8), (NULL))" => "8";
    generateUUIDv4 "()" [0] Volatile(uuid):
        "A new random UUID at every call.";
        "substr(generateUUIDv4(), 15, 1)" => "4";
};

fn to_string(call: &Call<'_>) -> Result<Answer, Error> {
    Ok(match call.raw(0) {
        ValueRef::Null => Answer::Null,
        ValueRef::Real(number) => Answer::Text(float_text(number)),
        ValueRef::Text(_) => Answer::Argument(0),
        _ => call.text(0)?.map_or(Answer::Null, |text| Answer::Text(text.into_owned())),
    })
}

/// A float as ClickHouse writes it.
pub(super) fn float_text(number: f64) -> String {
    let size = number.abs();
    if size.is_infinite() || size == 0.0 || (1e-6..1e21).contains(&size) {
        format!("{number}")
    } else {
        format!("{number:e}")
    }
}

fn to_int(call: &Call<'_>) -> Result<Answer, Error> {
    match call.raw(0) {
        ValueRef::Integer(_) => Ok(Answer::Argument(0)),
        ValueRef::Real(_) => Err(call.wrong(format_args!("{} is not text", call.shown(0)))),
        _ => Ok(call.text(0)?.and_then(|text| whole(&text)).map_or(Answer::Null, Answer::Integer)),
    }
}

/// A sign and digits.
pub(super) fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn to_float(call: &Call<'_>) -> Result<Answer, Error> {
    match call.raw(0) {
        ValueRef::Integer(number) => Ok(Answer::Real(number as f64)),
        ValueRef::Real(_) => Ok(Answer::Argument(0)),
        _ => Ok(call.text(0)?.and_then(|text| float(&text)).map_or(Answer::Null, Answer::Real)),
    }
}

/// A number, `inf` or `nan`, which SQLite takes for NULL.
pub(super) fn float(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn multi_if(call: &Call<'_>) -> Result<Answer, Error> {
    let count = call.len();
    if count < 3 || count.is_multiple_of(2) {
        return Err(call.wrong(format_args!(
            "takes pairs of a condition and a value, then one value more, and there are {count} arguments"
        )));
    }
    for n in (0..count - 1).step_by(2) {
        if holds(call, n)? {
            return Ok(Answer::Argument(n + 1));
        }
    }
    Ok(Answer::Argument(count - 1))
}

fn empty(call: &Call<'_>) -> Result<Answer, Error> {
    Ok(is_empty(call)?.map_or(Answer::Null, Answer::from))
}

fn not_empty(call: &Call<'_>) -> Result<Answer, Error> {
    Ok(is_empty(call)?.map_or(Answer::Null, |empty| Answer::from(!empty)))
}

fn is_empty(call: &Call<'_>) -> Result<Option<bool>, Error> {
    match call.raw(0) {
        ValueRef::Null => Ok(None),
        // What a JSON function answered is an array, which is text only on SQLite.
        ValueRef::Text(b"[]" | b"{}") if call.is_json(0) => Ok(Some(true)),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(Some(bytes.is_empty())),
        ValueRef::Integer(_) | ValueRef::Real(_) => {
            Err(call.wrong(format_args!("{} is a number, which is never empty", call.shown(0))))
        }
    }
}

fn split_by_char(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(separator), Some(text)) = (call.text(0)?, call.text(1)?) else { return Ok(Answer::Null) };
    if separator.len() != 1 {
        return Err(call.wrong(format_args!(
            "the separator {} must be one ASCII character; split(s, delim) takes any",
            call.shown(0)
        )));
    }
    parts(call, &text, &separator)
}

fn replace_regexp_all(call: &Call<'_>) -> Result<Answer, Error> {
    regexp::replace(call, Dialect::Re2)
}

fn matches(call: &Call<'_>) -> Result<Answer, Error> {
    regexp::matches(call, Dialect::Re2)
}

fn extract(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(text), Some(pattern)) = (call.text(0)?, Expression::of(call, 1, Dialect::Re2)?) else {
        return Ok(Answer::Null);
    };
    let found = pattern.group(&text, usize::from(pattern.groups() > 0), call)?;
    Ok(Answer::Text(found.unwrap_or_default().to_owned()))
}
