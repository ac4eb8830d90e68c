//! Webhook requests: what is kept of one, and the file that a batch of them becomes.
//!
//! | content type | kept |
//! |---|---|
//! | `…/json`, `…+json` | the text as sent; it must be JSON |
//! | a form, multipart or not | a JSON object of the fields; one that comes several times is a list |
//! | none | the text as sent when it is JSON, else a JSON string |
//! | any other: XML, text | a JSON string |
//!
//! Everything is UTF-8, whatever `charset` says. A body without a byte is no body, of whatever type: clients
//! say `application/json` on requests that have only a query string.

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use crate::error::{Error, Result};

/// The columns of a batch's file.
pub const COLUMNS: [&str; 4] = ["timestamp", "employee_id", "querystring", "body"];
/// The input table with the time as a date and time.
pub const TABLE: &str = "webhooks";
/// The input table with the file's cells as they stand.
pub const RAW_TABLE: &str = "webhooks_raw";

/// A body as JSON text; `None`: there was none. Multipart ones are taken apart by whoever reads them, see
/// [`fields`].
pub fn body(content_type: Option<&str>, bytes: Vec<u8>) -> Result<Option<String>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        Error::invalid(format!("The body is not UTF-8 (byte {}).", e.utf8_error().valid_up_to() + 1))
    })?;
    let media = content_type.map(media_type);
    match media.as_deref() {
        Some(media) if is_json(media) => {
            serde_json::from_str::<IgnoredAny>(&text)
                .map_err(|e| Error::invalid(format!("The body claims to be JSON and is not: {e}")))?;
            Ok(Some(text))
        }
        Some("application/x-www-form-urlencoded") => {
            let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(pair);
            Ok(Some(fields(pairs.collect::<Result<Vec<_>>>()?)))
        }
        None if serde_json::from_str::<IgnoredAny>(&text).is_ok() => Ok(Some(text)),
        _ => Ok(Some(Json::String(text).to_string())),
    }
}

/// The media type without its parameters, in lower case.
#[must_use]
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A field of a form, unescaped. Bytes that are no text are refused and not replaced: what is kept is what was sent.
fn pair(pair: &str) -> Result<(String, String)> {
    let plain = |part: &str| part.replace('+', " ");
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let (name, value) = (plain(name), plain(value));
    let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
    match (decoded(&name), decoded(&value)) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(Error::invalid(format!(
            "The form's field {:?} is not UTF-8.",
            percent_decode_str(&name).decode_utf8_lossy()
        ))),
    }
}

fn is_json(media: &str) -> bool {
    media.ends_with("/json") || media.ends_with("+json")
}

/// The fields of a form as a JSON object, in the order of their first appearance.
#[must_use]
pub fn fields(pairs: impl IntoIterator<Item = (String, String)>) -> String {
    let mut object: Map<String, Json> = Map::new();
    for (name, value) in pairs {
        let value = Json::String(value);
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Json::Array(list)) => list.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    Json::Object(object).to_string()
}

/// How a batch's file is called: by the connector and the seconds of its window.
#[must_use]
pub fn file_name(api_name: &str, start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    format!("{api_name}_webhooks_{}_{}.csv", start.timestamp(), end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(content_type: &str, text: &str) -> Option<String> {
        let content_type = (!content_type.is_empty()).then_some(content_type);
        body(content_type, text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn each_content_type_becomes_json() {
        for (content_type, text, expected) in [
            ("application/json", " {\"a\" : 1.0,\n\"a\":2} ", " {\"a\" : 1.0,\n\"a\":2} "),
            ("Application/Problem+JSON; charset=utf-8", "[1]", "[1]"),
            ("application/x-www-form-urlencoded", "a=1&b=x+y%26&a=2&a=", r#"{"a":["1","2",""],"b":"x y&"}"#),
            ("application/xml", "<a b=\"c\"/>", r#""<a b=\"c\"/>""#),
            ("text/plain; charset=utf-8", "zwölf\n", "\"zwölf\\n\""),
            ("image/png", "x", "\"x\""),
            ("", "{\"a\":1}", "{\"a\":1}"),
            ("", "a=1", "\"a=1\""),
        ] {
            assert_eq!(kept(content_type, text).as_deref(), Some(expected), "{content_type}");
        }
    }

    #[test]
    fn no_byte_is_no_body() {
        for content_type in ["application/json", "text/xml", "application/x-www-form-urlencoded", ""] {
            assert_eq!(kept(content_type, ""), None);
        }
    }

    #[test]
    fn a_body_that_is_not_what_it_claims_is_refused() {
        for text in ["{", "{} x", "a=1", "'x'", " "] {
            let refusal = body(Some("application/json"), text.as_bytes().to_vec()).unwrap_err();
            assert!(refusal.detail.starts_with("The body claims to be JSON"), "{refusal}");
        }
        for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
            let refusal = body(Some(content_type), b"ab\xff".to_vec()).unwrap_err();
            assert_eq!(refusal.detail, "The body is not UTF-8 (byte 3).");
        }
    }

    #[test]
    fn escaped_bytes_that_are_no_text_are_refused() {
        let form = "application/x-www-form-urlencoded";
        for (text, field) in [("a=%ff", "a"), ("x=1&b+c=%C3%28", "b c"), ("%ff=1", "\u{fffd}")] {
            let refusal = body(Some(form), text.as_bytes().to_vec()).unwrap_err();
            assert_eq!(refusal.detail, format!("The form's field {field:?} is not UTF-8."), "{text}");
        }
        assert_eq!(kept(form, "a=%c3%a4&&b&%=%zz").as_deref(), Some(r#"{"a":"ä","b":"","%":"%zz"}"#));
    }

    #[test]
    fn files_are_named_by_their_window() {
        let (start, end) = (
            DateTime::from_timestamp(1_700_000_000, 9).unwrap(),
            DateTime::from_timestamp(1_700_000_060, 0).unwrap(),
        );
        assert_eq!(file_name("shop", start, end), "shop_webhooks_1700000000_1700000060.csv");
    }
}
