//! What each field takes of a row: values, and the checks that reject the row.

use serde_json::{Value as Json, json};

use super::{ID, field, loads, said, sizes, value};
use crate::{
    matching::{People, rule},
    run::totals,
    support::{
        configure::{maps, variable, with},
        journey::{self, records},
    },
};

/// A field, type and format of the variable, and cells: what the record holds then, or code, value as found and
/// a part of what was expected.
type Group = (
    Json,
    (&'static str, &'static str),
    Vec<(&'static str, Result<Json, (&'static str, Json, &'static str)>)>,
);

fn groups(long: &'static str, just: &'static str) -> Vec<Group> {
    let of = |field_type: &str| json!({ "field_type": field_type });
    let out = "out_of_range";
    vec![
        (
            of("text"),
            ("string", ""),
            vec![
                (just, Ok(json!(just))),
                (long, Err(("too_long", json!("é".repeat(200)), "at most 255 characters"))),
            ],
        ),
        (of("longtext"), ("string", ""), vec![(long, Ok(json!(long)))]),
        (
            of("integer"),
            ("number", ""),
            vec![
                ("9223372036854775807", Ok(json!(9_223_372_036_854_775_807_i64))),
                ("-9223372036854775808", Ok(json!(-9_223_372_036_854_775_808_i64))),
                ("12.00", Ok(json!(12))),
                ("9223372036854775808", Err((out, json!("9223372036854775808"), "64 bits"))),
                ("1.5", Err((out, json!("1.5"), "whole number"))),
            ],
        ),
        (
            of("decimal"),
            ("number", ""),
            vec![
                ("0.1", Ok(json!(0.1))),
                ("123456789.012345", Ok(json!(123_456_789.012_345))),
                ("0.300000000000000000", Ok(json!(0.3))),
                ("1234567890.123456", Err((out, json!("1234567890.123456"), "15 significant digits"))),
            ],
        ),
        (
            of("money"),
            ("number", ""),
            vec![
                ("($1,000.50)", Ok(json!({"currency": "USD", "symbol": "$", "amount": -1000.5}))),
                ("1234567890.123456", Err((out, json!("1234567890.123456"), "15 significant digits"))),
            ],
        ),
        (
            of("rating"),
            ("number", ""),
            vec![("0", Ok(json!(0))), ("10", Ok(json!(10))), ("11", Err((out, json!("11"), "0 to 10")))],
        ),
        (
            of("timezone"),
            ("string", ""),
            vec![
                ("Europe/Berlin", Ok(json!("Europe/Berlin"))),
                ("Berlin", Err(("invalid", json!("Berlin"), "IANA"))),
            ],
        ),
        (
            of("team_selector"),
            ("string", ""),
            vec![("nobody@example.org", Err(("does_not_exist", json!("nobody@example.org"), "member")))],
        ),
        (
            sizes("dropdown"),
            ("string", ""),
            vec![("Huge", Err(("unknown_option", json!("Huge"), "one of Large, Small, Medium")))],
        ),
    ]
}

#[test]
fn every_field_takes_what_it_can_keep_and_rejects_the_rest_with_value_and_expectation() {
    let long: &'static str = Box::leak("é".repeat(256).into_boxed_str());
    let just: &'static str = Box::leak("é".repeat(255).into_boxed_str());
    let groups = groups(long, just);
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = (0..groups.len()).map(|n| format!("c{n}"));
    csv.write_record(std::iter::once("n".to_owned()).chain(columns)).unwrap();
    let mut lines = Vec::new();
    for (n, (_, _, cells)) in groups.iter().enumerate() {
        for (cell, want) in cells {
            let name = format!("line {}", lines.len() + 2);
            let row = (0..groups.len()).map(|at| if at == n { *cell } else { "" });
            csv.write_record(std::iter::once(name.as_str()).chain(row)).unwrap();
            lines.push((n, name, want));
        }
    }
    let csv = String::from_utf8(csv.into_inner().unwrap()).unwrap();
    let people = People::new(&[], &csv);
    let mut variables = vec![variable("Name", "string", "people", "n")];
    let mut mapping = vec![maps("name", "Name")];
    for (n, (of, (data_type, format), _)) in groups.iter().enumerate() {
        field(&people, &format!("f{n}"), of);
        let row = variable(&format!("V{n}"), data_type, "people", &format!("c{n}"));
        variables.push(with(row, "input_format", json!(format)));
        mapping.push(maps(&format!("f{n}"), &format!("V{n}")));
    }
    people.configure(&variables, &json!([rule("name", "Name", &json!({}))]), &json!(mapping));
    people.activate();
    let run = people.run(&csv);
    let said = said(&people, &run);
    for (at, (n, name, want)) in lines.into_iter().enumerate() {
        let message = said.iter().find(|(line, _)| *line == at as u64 + 2).map(|(_, message)| message);
        match want {
            Ok(want) => {
                assert_eq!(message, None, "{name}");
                assert_eq!(&value(&people, &name, &format!("f{n}")), want, "{name}");
            }
            Err((code, found, expected)) => {
                let message = message.unwrap_or_else(|| panic!("{name} was not rejected"));
                assert_eq!((&message["code"], &message["value"]), (&json!(code), found), "{message}");
                let names = [("variable", "V"), ("column", "c"), ("field", "f")];
                for (key, letter) in names {
                    assert_eq!(message[key], format!("{letter}{n}"), "{message}");
                }
                assert!(message["expected"].as_str().unwrap().contains(expected), "{message}");
            }
        }
    }
}

#[test]
fn several_variables_are_joined_with_one_space_and_blanks_left_out() {
    let people = People::new(&[json!({"name": "full", "field_type": "text"})], "n,a,b,c\n1,x,y,z\n");
    let variables = [
        variable("Name", "string", "people", "n"),
        variable("A", "string", "people", "a"),
        with(variable("B", "number", "people", "b"), "output_format", json!("comma")),
        with(variable("C", "date", "people", "c"), "input_format", json!("%d.%m.%Y")),
    ];
    let full = with(maps("full", "A"), "variables", json!(["A", "B", "C"]));
    let rules = json!([rule("name", "Name", &json!({}))]);
    people.configure(&variables, &rules, &json!([maps("name", "Name"), full]));
    people.activate();
    let run = people.run("n,a,b,c\n1,x,1234.5,4.3.2026\n2,,7,\n3,x,\" \",4.3.2026\n4,,,\n5,\" \",1,\n");
    assert_eq!(totals(&run), [5, 0, 0, 0, 0]);
    let found = records(&people.client, "people", &["name", "full"]);
    let full: Vec<Json> = found.into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(
        full,
        [json!("x 1,234.5 2026-03-04"), json!("7"), json!("x 2026-03-04"), Json::Null, json!("1")]
    );
}

#[test]
fn a_unique_clash_rejects_the_row_on_create_and_update_and_names_the_other_record() {
    let people = People::new(&[json!({"name": "f", "field_type": "email", "is_unique": true})], "n,v\n1,x\n");
    let first = people.add(&json!({"name": "first", "f": "a@x.org"}));
    people.archive(&people.add(&json!({"name": "gone", "f": "b@x.org"})));
    loads(&people, "email", &maps("f", "V"));
    // A clash on create; an archived one has no claim; a clash on update; one's own value is none.
    let run = people.run("n,v\nnew,A@x.org\nsecond,b@x.org\nsecond,a@X.org\nfirst,a@x.org\n");
    assert_eq!(totals(&run), [1, 0, 1, 0, 2]);
    let said = said(&people, &run);
    for ((line, message), expected) in said.iter().zip([2, 4]) {
        assert_eq!((line, &message["code"], &message["field"]), (&expected, &json!("unique"), &json!("f")));
        assert!(message["message"].as_str().unwrap().contains(&first), "{message}");
    }
    assert_eq!(
        people.sql("SELECT name, f FROM record_people WHERE archived IS NULL ORDER BY id"),
        ["first|a@x.org", "second|b@x.org"]
    );
}

#[test]
fn a_required_field_is_asked_on_create_and_when_an_update_would_clear_it() {
    let people =
        People::new(&[json!({"name": "f", "field_type": "text", "is_required": true})], "n,v\n1,x\n");
    people.add(&json!({"name": "held", "f": "x"}));
    for (resolution, expected) in [
        ("overwrite", [0, 0, 0, 0, 2]),
        ("overwrite_except_null", [0, 0, 1, 0, 1]),
        ("only_update_blank", [0, 0, 1, 0, 1]),
    ] {
        loads(&people, "string", &with(maps("f", "V"), "conflict_resolution", json!(resolution)));
        let run = people.run("n,v\nnew,\nheld,\n");
        assert_eq!(totals(&run), expected, "{resolution}");
        let message = said(&people, &run)[0].1.clone();
        assert_eq!((&message["code"], &message["message"]), (&json!("required"), &json!("f is required")));
    }
    // Not mapped at all: no record can be made.
    let variables = [variable("Name", "string", "people", "n")];
    people.configure(&variables, &json!([rule("name", "Name", &json!({}))]), &json!([maps("name", "Name")]));
    journey::activate(&people.client, crate::matching::TOKEN);
    assert_eq!(totals(&people.run("n,v\nnew,\nheld,\n")), [0, 0, 1, 0, 1]);
    assert_eq!(ID.len(), 36);
}
