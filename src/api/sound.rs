//! JSON that means one thing: every name once in its object, no NUL in any text, and no deeper than a stack is.
//!
//! Of a name that stands twice some programs take the first value and some the last, so one of the two readers of
//! a request is deceived. A NUL ends a text for some of SQLite's functions and not for others.

use std::{collections::HashSet, fmt, fmt::Write as _};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::Error;

/// Refuses what is no JSON, and what is JSON and means two things: before anything is said of what it holds.
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    let mut walk = Walk { path: String::new(), refusal: None };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let Err(error) = Place(&mut walk).deserialize(&mut reader) else {
        return reader.end().map_err(|e| Error::invalid(format!("The body is not one JSON document: {e}")));
    };
    if error.to_string().starts_with("recursion limit exceeded") {
        return Err(Error::invalid("The body is nested deeper than 127 levels."));
    }
    Err(walk.refusal.unwrap_or_else(|| Error::invalid(format!("The body is not valid JSON: {error}"))))
}

struct Walk {
    path: String,
    refusal: Option<Error>,
}

impl Walk {
    fn refuse<E: serde::de::Error>(&mut self, what: &str) -> E {
        let path = std::mem::take(&mut self.path);
        self.refusal = Some(if path.is_empty() {
            Error::invalid(format!("The body is wrong: {what}"))
        } else {
            Error::invalid(format!("{path}: {what}")).at(&path)
        });
        E::custom(what)
    }

    fn text<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.contains('\0') { Err(self.refuse("Null characters are not allowed.")) } else { Ok(()) }
    }
}

/// The value at the walk's path.
struct Place<'a>(&'a mut Walk);

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let walk = self.0;
        let length = walk.path.len();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            walk.text(&name)?;
            if length > 0 {
                walk.path.push('.');
            }
            walk.path.push_str(&name);
            if !seen.insert(name) {
                return Err(walk.refuse("This name stands twice in its object."));
            }
            map.next_value_seed(Place(walk))?;
            walk.path.truncate(length);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let walk = self.0;
        let length = walk.path.len();
        for n in 0.. {
            // Writing to a String can't fail.
            let _ = write!(walk.path, "[{n}]");
            if list.next_element_seed(Place(walk))?.is_none() {
                break;
            }
            walk.path.truncate(length);
        }
        walk.path.truncate(length);
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text)
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_two_things_is_refused_with_its_place() {
        for (text, detail) in [
            (r#"{"a": 1, "a": 1}"#, "a: This name stands twice in its object."),
            (
                r#"{"a": [1, {"b": {}, "c": 2.5, "b": null}]}"#,
                "a[1].b: This name stands twice in its object.",
            ),
            (r#"{"a": "x\u0000"}"#, "a: Null characters are not allowed."),
            (r#"{"a": {"\u0000": 1}}"#, "a: Null characters are not allowed."),
            (r#"["", "\u0000"]"#, "[1]: Null characters are not allowed."),
            (r#"{"\u0000": 1}"#, "The body is wrong: Null characters are not allowed."),
            ("", "The body is not valid JSON: EOF while parsing a value at line 1 column 0"),
            ("{} {}", "The body is not one JSON document: trailing characters at line 1 column 4"),
            (&"[".repeat(128), "The body is nested deeper than 127 levels."),
        ] {
            assert_eq!(check(text.as_bytes()).unwrap_err().detail, detail, "{text}");
        }
        check(format!("{}{}", "[".repeat(127), "]".repeat(127)).as_bytes()).unwrap();
    }

    #[test]
    fn anything_else_passes() {
        check(br#"{"a": {"a": [{"a": true}, {"a": -1}]}, "b": "a"}"#).unwrap();
    }
}
