//! The types that are words: booleans, e-mail addresses, phone numbers, UUIDs, strings.

use serde_json::{Value as Json, json};

use super::{Blank, Is, Not, Odd, TOKEN, check, connector, reads, with};
use crate::{
    run::run,
    support::{
        TestServer,
        configure::{configure, maps, matches, step, variable},
        journey::{self, records},
    },
};

#[test]
fn every_boolean_format_reads_its_own_words_in_any_case_and_nothing_else() {
    const NOT: &str = "not_a_boolean";
    let words = [
        ("true_false", "TRUE", "false"),
        ("yes_no", "Yes", "nO"),
        ("on_off", "on", "OFF"),
        ("one_zero", "1", "0"),
        ("t_f", "T", "f"),
        ("checked_unchecked", "Checked", "UNCHECKED"),
    ];
    let mut formats = vec![
        with(json!({}), &[(" ", Blank), ("y", Not(NOT, "checked/unchecked")), ("2", Not(NOT, ""))]),
        with(json!({"output_format": "true_false"}), &[("yes", Is("true")), ("no", Is("false"))]),
        with(json!({"output_format": "yes_no"}), &[("t", Is("yes")), ("f", Is("no"))]),
        with(json!({"output_format": "on_off"}), &[("1", Is("on")), ("0", Is("off"))]),
    ];
    for (n, (format, yes, no)) in words.into_iter().enumerate() {
        let (_, other, _) = words[(n + 1) % words.len()];
        formats.push(reads(format, &[(yes, Is("true")), (no, Is("false")), (other, Not(NOT, other))]));
        formats.push(reads("auto", &[(yes, Is("true")), (no, Is("false"))]));
    }
    check("boolean", |_| {}, &formats);
}

#[test]
fn an_email_is_one_mailbox_and_its_domain_is_lowered() {
    const NOT: &str = "not_an_email";
    check(
        "email",
        |_| {},
        &[with(
            json!({}),
            &[
                (" Ada.L+x@Example.COM ", Is("Ada.L+x@example.com")),
                ("jörg@BÜCHER.example", Is("jörg@bücher.example")),
                ("  ", Blank),
                ("ada", Not(NOT, "name@example.com")),
                ("ada@host", Not(NOT, "")),
                ("a@x.org,b@x.org", Not(NOT, "")),
                ("Ada <ada@example.com>", Not(NOT, "")),
                ("ada@example..com", Not(NOT, "")),
            ],
        )],
    );
}

#[test]
fn a_phone_number_is_of_its_region_or_the_workspaces_and_written_as_asked() {
    const NOT: &str = "not_a_phone_number";
    let german =
        |config: &mut smartconnector::config::Config| config.workspace.phone_region = "DE".to_owned();
    check(
        "phone_number",
        german,
        &[
            with(
                json!({}),
                &[
                    ("030 123456", Is("+4930123456")),
                    ("+1 650-253-0000", Is("+16502530000")),
                    ("0049 30 123456", Is("+4930123456")),
                    ("+1 650 253 0000 ext. 12", Odd("+16502530000", "extension_dropped")),
                    ("\t", Blank),
                    ("12", Not(NOT, "one of DE")),
                    ("call me", Not(NOT, "")),
                ],
            ),
            reads("auto", &[("030 123456", Is("+4930123456"))]),
            reads(
                "e164",
                &[
                    ("+16502530000", Is("+16502530000")),
                    ("+1 650 253 0000", Not(NOT, "+16502530000")),
                    ("030 123456", Not(NOT, "")),
                ],
            ),
            reads(
                "region:US",
                &[
                    ("(650) 253-0000", Is("+16502530000")),
                    ("+49 30 123456", Is("+4930123456")),
                    ("253-0000", Not(NOT, "one of US")),
                ],
            ),
            with(
                json!({"input_format": "e164", "output_format": "e164"}),
                &[("+16502530000", Is("+16502530000"))],
            ),
            with(
                json!({"input_format": "e164", "output_format": "national"}),
                &[("+16502530000", Is("(650) 253-0000"))],
            ),
            with(
                json!({"input_format": "e164", "output_format": "international"}),
                &[("+16502530000", Is("+1 650-253-0000"))],
            ),
        ],
    );
}

#[test]
fn a_uuid_comes_out_in_lower_case_with_hyphens() {
    const NOT: &str = "not_a_uuid";
    const ID: &str = "123e4567-e89b-12d3-a456-426614174000";
    check(
        "uuid",
        |_| {},
        &[with(
            json!({}),
            &[
                ("123E4567-E89B-12D3-A456-426614174000", Is(ID)),
                ("123e4567e89b12d3a456426614174000", Is(ID)),
                ("", Blank),
                ("123e4567", Not(NOT, "32 hexadecimal digits")),
            ],
        )],
    );
}

#[test]
fn a_string_is_byte_identical_and_null_stays_null() {
    let server = TestServer::start();
    let client = server.client();
    let csv = "n,c0\n1,\" a\tb  é\u{301} \"\n2,\n3,\" \"\n4,00123\n";
    connector(&client, csv);
    let variables = [variable("Case", "string", "cases", "n"), variable("V", "string", "cases", "c0")];
    let mapping = json!([maps("name", "Case"), maps("value", "V")]);
    configure(
        &client,
        TOKEN,
        &variables,
        &[step("cases", "cases", None, json!([matches("name", "Case")]), mapping)],
    );
    journey::activate(&client, TOKEN);
    run(&client, TOKEN, "cases.csv", csv, &[]);
    let values: Vec<Json> =
        records(&client, "cases", &["name", "value"]).into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(values, [json!(" a\tb  é\u{301} "), Json::Null, json!(" "), json!("00123")]);
}
