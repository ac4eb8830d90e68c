//! Numbers: exact, and never guessed beyond what the format says.

use serde_json::json;

use super::{Blank, Is, Not, check, reads, with};

#[test]
fn every_number_format_reads_its_own_writing_exactly_and_nothing_else() {
    const NAN: &str = "not_a_number";
    let long = "0.1234567890123456789012345678";
    check(
        "number",
        |_| {},
        &[
            with(
                json!({}),
                &[
                    ("1,234.50", Is("1234.50")),
                    ("$1,234.50", Is("1234.50")),
                    ("€ 5.10", Is("5.10")),
                    ("5.10 €", Is("5.10")),
                    ("-£5", Is("-5")),
                    ("£-5", Is("-5")),
                    ("+7", Is("7")),
                    ("(1.50)", Is("-1.50")),
                    ("$(1.50)", Is("-1.50")),
                    ("(1.50) €", Is("-1.50")),
                    ("$($1.50)", Not("not_a_number", "")),
                    ("($1,000.50)", Is("-1000.50")),
                    ("0.10", Is("0.10")),
                    ("00123", Is("123")),
                    ("9007199254740993", Is("9007199254740993")),
                    (long, Is(long)),
                    ("  ", Blank),
                    ("1e999", Not(NAN, "1,234.56")),
                    ("1e3", Not(NAN, "")),
                    ("NaN", Not(NAN, "")),
                    ("Infinity", Not(NAN, "")),
                    ("-inf", Not(NAN, "")),
                    ("12%", Not(NAN, "")),
                    ("$5€", Not(NAN, "")),
                    ("$$5", Not(NAN, "")),
                    ("(-5)", Not(NAN, "")),
                    ("1,23", Not(NAN, "")),
                    ("1.234,56", Not(NAN, "")),
                    ("1 234", Not(NAN, "")),
                    ("79228162514264337593543950336", Not("out_of_range", "28 significant digits")),
                ],
            ),
            reads("auto", &[("$1,234.50", Is("1234.50"))]),
            reads(
                "plain",
                &[
                    ("1234.56", Is("1234.56")),
                    ("-.5", Is("-0.5")),
                    ("1,234.56", Not(NAN, "1234.56")),
                    ("$5", Not(NAN, "")),
                    ("(5)", Not(NAN, "")),
                    ("1 234", Not(NAN, "")),
                ],
            ),
            reads(
                "comma_thousands",
                &[
                    ("1,234.56", Is("1234.56")),
                    ("1234.56", Is("1234.56")),
                    ("-12,345,678", Is("-12345678")),
                    ("1.234,56", Not(NAN, "1,234.56")),
                    ("12,34", Not(NAN, "")),
                    ("$5", Not(NAN, "")),
                ],
            ),
            reads(
                "dot_thousands",
                &[
                    ("1.234,56", Is("1234.56")),
                    ("1234,5", Is("1234.5")),
                    ("1,234.56", Not(NAN, "1.234,56")),
                    ("1.5", Not(NAN, "")),
                ],
            ),
            reads(
                "space_thousands",
                &[
                    ("1 234,56", Is("1234.56")),
                    ("1\u{a0}234\u{202f}567,8", Is("1234567.8")),
                    ("1 234.56", Not(NAN, "1 234,56")),
                    ("1  234", Not(NAN, "")),
                ],
            ),
            with(json!({"output_format": "no_comma"}), &[("1,234,567.50", Is("1234567.50"))]),
            with(
                json!({"output_format": "comma"}),
                &[("1234567.50", Is("1,234,567.50")), ("-1234", Is("-1,234")), ("999", Is("999"))],
            ),
        ],
    );
}
