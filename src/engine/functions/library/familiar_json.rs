//! ClickHouse's `JSONExtract…`: a path of keys and of places, counted from 1 or from -1 at the end, also
//! among the members of an object. What is not there, of another type, or no JSON at all is the type's
//! default: '' or 0.
//!
//! The text is read once, and only what the path leads to is kept; a place far from the end is counted out
//! first. Of several members with one name the first counts.

use std::{collections::VecDeque, fmt};

use rusqlite::{Error, types::ValueRef};
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    Answer, Call, Function,
    familiar::{float, float_text, whole},
    other::read_json,
    rows,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "clickhouse";
    JSONExtractString "(json[, key or place, …])" [-1] Scalar(string):
        "The string at the path, or a number or truth value as text; empty when there is none. An object or array is an error: json_extract answers those.";
        "JSONExtractString('{\"a\": [{\"b\": \"x\"}]}', 'a', 1, 'b')" => "x";
    JSONExtractInt "(json[, key or place, …])" [-1] Scalar(int):
        "The whole number at the path, also from text; the places of others are cut off. 0 when there is none.";
        "JSONExtractInt('{\"a\": [1, 20, 300]}', 'a', -1)" => "300";
    JSONExtractFloat "(json[, key or place, …])" [-1] Scalar(real):
        "The number at the path, also from text; 0 when there is none.";
        "JSONExtractFloat('{\"a\": \"2.5\"}', 'a')" => "2.5";
    JSONExtractBool "(json[, key or place, …])" [-1] Scalar(boolean):
        "1 for true or a whole number other than 0 at the path, else 0.";
        "JSONExtractBool('{\"a\": true}', 'a')" => "1";
};

/// Places from here to -1 are found in one reading, with as many parts in memory.
const NEAR_THE_END: i64 = -64;

/// One step of a path.
#[derive(Clone, Copy)]
enum Step<'c> {
    Key(&'c str),
    Place(i64),
    /// The last step: how many parts there are.
    Count,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    Compound,
    /// So many parts.
    Parts(u64),
    /// Nothing is there.
    Missing,
}

/// Goes down a path.
#[derive(Clone, Copy)]
struct Walk<'p>(&'p [Step<'p>]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl Walk<'_> {
    /// A value without parts: the end of a path, or nothing.
    fn leaf(self, found: Found) -> Found {
        if self.0.is_empty() { found } else { Found::Missing }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.leaf(Found::Null))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Self::Value, E> {
        Ok(self.leaf(Found::Bool(yes)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.leaf(Found::Int(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.leaf(i64::try_from(number).map_or(Found::UInt(number), Found::Int)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.leaf(Found::Float(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(if self.0.is_empty() { Found::Text(text.to_owned()) } else { Found::Missing })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Found::Compound);
        };
        let mut choice = Choice::new(step);
        loop {
            let next = if choice.wants(None) {
                items.next_element_seed(Walk(rest))?.map(Some)
            } else {
                items.next_element::<IgnoredAny>()?.map(|_| None)
            };
            let Some(found) = next else { return Ok(choice.taken()) };
            choice.take(found);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Found::Compound);
        };
        let mut choice = Choice::new(step);
        while let Some(key) = members.next_key::<String>()? {
            let found = if choice.wants(Some(&key)) {
                Some(members.next_value_seed(Walk(rest))?)
            } else {
                members.next_value::<IgnoredAny>()?;
                None
            };
            choice.take(found);
        }
        Ok(choice.taken())
    }
}

/// Which of the parts is the one.
enum Choice<'p> {
    Key {
        key: &'p str,
        found: Option<Found>,
    },
    /// The part with this number, from 0.
    FromStart {
        before: u64,
        found: Option<Found>,
    },
    /// The last parts that were seen, as many as one counts from the end.
    FromEnd {
        count: usize,
        last: VecDeque<Found>,
    },
    Count(u64),
    Nothing,
}

impl<'p> Choice<'p> {
    fn new(step: &Step<'p>) -> Self {
        match step {
            Step::Key(key) => Self::Key { key, found: None },
            Step::Count => Self::Count(0),
            Step::Place(0) => Self::Nothing,
            Step::Place(n @ 1..) => Self::FromStart { before: n.unsigned_abs() - 1, found: None },
            Step::Place(n) => Self::FromEnd {
                count: usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX),
                last: VecDeque::new(),
            },
        }
    }

    /// Whether the next part matters.
    fn wants(&self, name: Option<&str>) -> bool {
        match self {
            Self::Key { key, found } => found.is_none() && name == Some(key),
            Self::FromStart { before, found } => *before == 0 && found.is_none(),
            Self::FromEnd { .. } => true,
            Self::Count(_) | Self::Nothing => false,
        }
    }

    /// The next part, looked at if it was wanted.
    fn take(&mut self, part: Option<Found>) {
        match self {
            Self::Key { found, .. } => *found = found.take().or(part),
            Self::FromStart { before, found } => {
                *before = before.saturating_sub(1);
                *found = found.take().or(part);
            }
            Self::FromEnd { count, last } => {
                if last.len() == *count {
                    last.pop_front();
                }
                last.push_back(part.unwrap_or(Found::Missing));
            }
            Self::Count(seen) => *seen += 1,
            Self::Nothing => {}
        }
    }

    fn taken(self) -> Found {
        let found = match self {
            Self::Key { found, .. } | Self::FromStart { found, .. } => found,
            Self::FromEnd { count, mut last } => (last.len() == count).then(|| last.pop_front()).flatten(),
            Self::Count(seen) => Some(Found::Parts(seen)),
            Self::Nothing => None,
        };
        found.unwrap_or(Found::Missing)
    }
}

/// What is at the path; `None` when an argument is NULL.
fn extract(call: &Call<'_>) -> Result<Option<Found>, Error> {
    if call.len() == 0 {
        return Err(call.wrong(format_args!("there is no argument")));
    }
    let mut keys = Vec::with_capacity(call.len() - 1);
    for n in 1..call.len() {
        keys.push(call.text(n)?);
    }
    let mut path = Vec::with_capacity(keys.len());
    for (n, key) in keys.iter().enumerate() {
        path.push(match (call.raw(n + 1), key) {
            (ValueRef::Null, _) | (_, None) => return Ok(None),
            (ValueRef::Integer(place), _) => Step::Place(place),
            (ValueRef::Text(_) | ValueRef::Blob(_), Some(key)) => Step::Key(key),
            (ValueRef::Real(_), Some(_)) => {
                return Err(call.wrong(format_args!("{} is neither a key nor a place", call.shown(n + 1))));
            }
        });
    }
    let Some(json) = call.bytes(0)? else { return Ok(None) };
    for at in 0..path.len() {
        let Step::Place(place @ ..NEAR_THE_END) = path[at] else { continue };
        let counting = [&path[..at], &[Step::Count]].concat();
        let Found::Parts(parts) = walk(call, &json, &counting)? else { return Ok(Some(Found::Missing)) };
        let Some(before) = parts.checked_sub(place.unsigned_abs()) else { return Ok(Some(Found::Missing)) };
        path[at] = Step::Place(i64::try_from(before).unwrap_or(i64::MAX).saturating_add(1));
    }
    walk(call, &json, &path).map(Some)
}

fn walk(call: &Call<'_>, json: &[u8], path: &[Step<'_>]) -> Result<Found, Error> {
    match read_json(call, json, Walk(path))? {
        Ok(found) => Ok(found),
        // Only on the way: what the path passes by may be as deep as it likes.
        Err(error) if error.to_string().contains("recursion limit") => {
            Err(call.wrong(format_args!("the path leads more than 126 levels deep")))
        }
        Err(_) => Ok(Found::Missing),
    }
}

fn string(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(found) = extract(call)? else { return Ok(Answer::Null) };
    Ok(Answer::Text(match found {
        Found::Missing | Found::Null | Found::Parts(_) => String::new(),
        Found::Text(text) => text,
        Found::Bool(yes) => yes.to_string(),
        Found::Int(number) => number.to_string(),
        Found::UInt(number) => number.to_string(),
        Found::Float(number) => float_text(number),
        Found::Compound => {
            return Err(call.wrong(format_args!(
                "there is an object or array, which ClickHouse would write in its own way; json_extract answers it"
            )));
        }
    }))
}

fn int(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(found) = extract(call)? else { return Ok(Answer::Null) };
    Ok(Answer::Integer(match found {
        Found::Int(number) => number,
        Found::Float(number) => cut(number),
        Found::Text(text) => whole(&text).unwrap_or_else(|| float(&text).map_or(0, cut)),
        _ => 0,
    }))
}

/// Without the places after the point; 0 for what no whole number holds.
#[expect(clippy::cast_possible_truncation, reason = "the ends of i64 are told apart before")]
fn cut(number: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits { number as i64 } else { 0 }
}

fn real(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(found) = extract(call)? else { return Ok(Answer::Null) };
    Ok(Answer::Real(match found {
        Found::Int(number) => number as f64,
        Found::UInt(number) => number as f64,
        Found::Float(number) => number,
        Found::Text(text) => float(&text).unwrap_or(0.0),
        _ => 0.0,
    }))
}

fn boolean(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(found) = extract(call)? else { return Ok(Answer::Null) };
    Ok(Answer::from(match found {
        Found::Bool(yes) => yes,
        Found::Int(number) => number != 0,
        Found::UInt(_) => true,
        _ => false,
    }))
}
