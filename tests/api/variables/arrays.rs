//! One cell that holds several values.

use serde_json::{Value as Json, json};

use super::{Blank, Format, Is, Not, check, with};

fn array(delimiter: &str, cells: &[(&'static str, super::Want)]) -> Format {
    with(json!({"is_array": true, "array_delimiter": delimiter}), cells)
}

#[test]
fn every_delimiter_splits_trims_drops_empty_items_and_knows_quotes() {
    const NOT: &str = "not_a_list";
    check(
        "string",
        |_| {},
        &[
            array(
                ",",
                &[
                    ("a, b,,c ,", Is("a,b,c")),
                    (r#""a,b","say ""hi""""#, Is(r#""a,b","say ""hi""""#)),
                    (" , ", Blank),
                    (r#""a,b"#, Not(NOT, "commas")),
                    (r#""a"b,c"#, Not(NOT, "after a quoted item")),
                ],
            ),
            array(";", &[("a;b, c; ", Is("a;b, c")), (r#""a;b";c"#, Is(r#""a;b";c"#))]),
            array("|", &[("a|b;c||", Is("a|b;c"))]),
            array("\t", &[("\ta\t b\t\tc\t", Is("a\tb\tc"))]),
            array(
                "{}",
                &[
                    ("{a, b}", Is("{a,b}")),
                    (r#"{"a,b","q\"q"}"#, Is(r#"{"a,b","q\"q"}"#)),
                    (r#"{a,NULL, null ,"NULL"}"#, Is(r#"{a,"NULL"}"#)),
                    ("{NULL}", Blank),
                    ("{ }", Blank),
                    ("a,b", Not(NOT, "in braces")),
                    ("{a,b", Not(NOT, "")),
                ],
            ),
            array(
                "[]",
                &[
                    (r#"["a","b, c"]"#, Is(r#"["a","b, c"]"#)),
                    (r#"[ "x\u00e9", 12 ]"#, Is(r#"["xé","12"]"#)),
                    (r#"["a", null, "null"]"#, Is(r#"["a","null"]"#)),
                    ("[null]", Blank),
                    ("[]", Blank),
                    ("{a}", Not(NOT, "in brackets")),
                    (r#"["a\x"]"#, Not(NOT, "")),
                ],
            ),
        ],
    );
}

/// A type, more settings, a good list, how it is written, a list with a bad item, the code.
type Row = (&'static str, Json, &'static str, &'static str, &'static str, &'static str);

#[test]
fn items_of_every_type_are_checked_and_the_bad_one_is_named() {
    let rows: [Row; 6] = [
        ("number", json!({"output_format": "comma"}), "1|2,345.5 ||", "1|2,345.5", "1|x|3", "not_a_number"),
        (
            "date",
            json!({"input_format": "%d.%m.%Y"}),
            "4.3.2026|5.3.2026",
            "2026-03-04|2026-03-05",
            "4.3.2026|x",
            "not_a_date",
        ),
        (
            "datetime",
            json!({"input_format": "unix_epoch"}),
            "0|60",
            "1970-01-01T00:00:00Z|1970-01-01T00:01:00Z",
            "0|x",
            "not_a_date",
        ),
        ("email", json!({}), "a@X.org|b@x.org", "a@x.org|b@x.org", "a@x.org|x", "not_an_email"),
        (
            "phone_number",
            json!({}),
            "+16502530000|650-253-0001",
            "+16502530000|+16502530001",
            "+16502530000|x",
            "not_a_phone_number",
        ),
        (
            "uuid",
            json!({}),
            "123e4567e89b12d3a456426614174000",
            "123e4567-e89b-12d3-a456-426614174000",
            "123e4567e89b12d3a456426614174000|x",
            "not_a_uuid",
        ),
    ];
    for (data_type, mut settings, good, written, bad, code) in rows {
        settings["is_array"] = json!(true);
        settings["array_delimiter"] = json!("|");
        let named = if data_type == "number" { "number 2, \\\"x\\\"" } else { "\\\"x\\\"" };
        check(data_type, |_| {}, &[with(settings, &[(good, Is(written)), (bad, Not(code, named))])]);
    }
}
