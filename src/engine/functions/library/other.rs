//! UUIDs, JSON and lists.

use std::{
    io::{self, BufReader, Read},
    marker::PhantomData,
};

use rusqlite::Error;
use serde::de::{DeserializeSeed, IgnoredAny};
use uuid::Uuid;

use super::{Answer, Call, Function, call::PIECE, rows};
use crate::variable::parse_uuid;

pub(super) const FUNCTIONS: &[Function] = rows! { "other";
    uuid "()" [0] Volatile(uuid):
        "A new random UUID (version 4) at every call.";
        "length(uuid())" => "36";
    uuid_v5 "(ns, name)" [2] Scalar(uuid_v5):
        "The UUID of a name (version 5): the same one every time. ns is a UUID, or one of dns, url, oid and x500.";
        "uuid_v5('dns', 'www.example.com')" => "2ed6657d-e927-568b-95e1-2665a8aea6a2";
    try_json "(s)" [1] Json(try_json):
        "The text as JSON, or NULL when it is none, or nested more than 1000 levels deep: JSON functions fail on these.";
        "try_json('{\"a\": 1') IS NULL" => "1";
    split "(s, delim)" [2] Json(split):
        "The parts between the delimiters as a JSON array, for json_each(split(s, delim)).";
        "group_concat(value, '+') FROM json_each(split('a;b;c', ';'))" => "a+b+c";
};

/// How deep JSON may be nested for SQLite's own functions.
const MAX_DEPTH: usize = 1000;

#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
pub(super) fn uuid(_: &Call<'_>) -> Result<Answer, Error> {
    Ok(Answer::Text(Uuid::new_v4().to_string()))
}

fn uuid_v5(call: &Call<'_>) -> Result<Answer, Error> {
    let namespace = call.compiled(0, "namespace", |text| match text {
        "dns" => Ok(Uuid::NAMESPACE_DNS),
        "url" => Ok(Uuid::NAMESPACE_URL),
        "oid" => Ok(Uuid::NAMESPACE_OID),
        "x500" => Ok(Uuid::NAMESPACE_X500),
        _ => parse_uuid(text).map_err(|_| "is neither a UUID nor one of dns, url, oid, x500".to_owned()),
    })?;
    let (Some(namespace), Some(name)) = (namespace, call.bytes(1)?) else { return Ok(Answer::Null) };
    Ok(Answer::Text(Uuid::new_v5(&namespace, &name).to_string()))
}

fn try_json(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(bytes) = call.bytes(0)? else { return Ok(Answer::Null) };
    let is_json = read_json(call, &bytes, PhantomData::<IgnoredAny>)?.is_ok();
    // Each level takes two signs at least.
    let is_flat = bytes.len() <= 2 * MAX_DEPTH || depth(&bytes) <= MAX_DEPTH;
    Ok(if is_json && is_flat { Answer::JsonArgument(0) } else { Answer::Null })
}

/// How many arrays and objects stand in one another, in what is known to be JSON.
fn depth(json: &[u8]) -> usize {
    let (mut now, mut most, mut at) = (0_usize, 0, 0);
    let mut inside_string = false;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => inside_string = !inside_string,
            // Only strings have it, and the next byte is no end of one.
            b'\\' => at += 1,
            b'[' | b'{' if !inside_string => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !inside_string => now = now.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    most
}

/// Bytes that ask the watch on the way.
struct Watched<'a> {
    rest: &'a [u8],
    call: &'a Call<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.call.poll().map_err(io::Error::other)?;
        self.rest.read(to)
    }
}

/// Reads JSON, and nothing behind it. The inner error is about the JSON.
pub(super) fn read_json<'de, S: DeserializeSeed<'de>>(
    call: &Call<'_>,
    json: &'de [u8],
    seed: S,
) -> Result<serde_json::Result<S::Value>, Error> {
    if json.len() <= PIECE {
        let mut reader = serde_json::Deserializer::from_slice(json);
        return Ok(seed.deserialize(&mut reader).and_then(|read| reader.end().map(|()| read)));
    }
    let watched = BufReader::with_capacity(PIECE, Watched { rest: json, call });
    let mut reader = serde_json::Deserializer::from_reader(watched);
    let read = seed.deserialize(&mut reader).and_then(|read| reader.end().map(|()| read));
    call.poll()?;
    Ok(read)
}

fn split(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(text), Some(delimiter)) = (call.text(0)?, call.text(1)?) else { return Ok(Answer::Null) };
    if delimiter.is_empty() {
        return Err(call.wrong(format_args!("the delimiter is empty")));
    }
    parts(call, &text, &delimiter)
}

/// The parts as a JSON array.
pub(super) fn parts(call: &Call<'_>, text: &str, delimiter: &str) -> Result<Answer, Error> {
    let mut json = String::with_capacity(text.len() + 16);
    json.push('[');
    for (n, part) in text.split(delimiter).enumerate() {
        if n > 0 {
            json.push(',');
        }
        push_json_text(part, &mut json);
        if n % 4096 == 4095 {
            call.poll()?;
            call.fits(json.len())?;
        }
    }
    json.push(']');
    Ok(Answer::Json(json))
}

/// A string as JSON writes it.
pub(super) fn push_json_text(text: &str, json: &mut String) {
    json.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        json.push_str(&text[copied..at]);
        if escape.is_empty() {
            use std::fmt::Write as _;
            // Writing into a string can't fail.
            let _ = write!(json, "\\u{byte:04x}");
        } else {
            json.push_str(escape);
        }
        copied = at + 1;
    }
    json.push_str(&text[copied..]);
    json.push('"');
}
