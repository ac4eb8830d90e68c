//! Numbers: decimals from the first digit to the last, never through a float.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::{
    fault::{Fault, FaultCode},
    format::{NumberFormat, NumberOutput},
};

/// What a [`Decimal`] holds: 96 bits and at most 28 places after the point.
const MAX_MANTISSA: u128 = (1 << 96) - 1;
const MAX_SCALE: u32 = 28;

/// Reads one number; white space around it does not count. Exponents, `%`, `NaN` and `Infinity` are
/// errors in every format; so is a number with more digits than can be kept exactly.
pub fn parse_number(text: &str, format: NumberFormat) -> Result<Decimal, Fault> {
    let (negative, digits) = match format {
        NumberFormat::Auto => undress(text.trim()),
        _ => signed(text.trim()),
    };
    read_digits(digits.as_bytes(), format)
        .map(|(mantissa, scale)| decimal(negative, mantissa, scale))
        .map_err(|wrong| match wrong {
            Wrong::Syntax => Fault::new(FaultCode::NotANumber, expected(format)),
            Wrong::Range => Fault::new(
                FaultCode::OutOfRange,
                "at most 28 significant digits, so that the number can be kept exactly",
            ),
        })
}

const fn expected(format: NumberFormat) -> &'static str {
    match format {
        NumberFormat::Auto => "a number such as 1234.56, 1,234.56, $1,234.56 or (1.50)",
        NumberFormat::Plain => "digits with a decimal point, such as 1234.56",
        NumberFormat::CommaThousands => "a number such as 1,234.56",
        NumberFormat::DotThousands => "a number such as 1.234,56",
        NumberFormat::SpaceThousands => "a number such as 1 234,56",
    }
}

/// Takes a sign off the front.
fn signed(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// Takes parentheses or a sign, and one currency sign on either side, off a number. Whatever is there
/// twice stays and fails as a digit.
fn undress(text: &str) -> (bool, &str) {
    // Nearly every number begins and ends with a digit: nothing to take off.
    if let [first, .., last] = text.as_bytes()
        && first.is_ascii_digit()
        && last.is_ascii_digit()
    {
        return (false, text);
    }
    if let Some(inner) = in_parentheses(text) {
        return (true, without_currency(inner.trim()).0);
    }
    let (before, had_currency) = without_currency(text);
    if had_currency && let Some(inner) = in_parentheses(before) {
        return (true, inner.trim());
    }
    let (negative, rest) = signed(before);
    let rest = rest.trim_start();
    if had_currency { (negative, rest) } else { (negative, without_currency(rest).0) }
}

fn in_parentheses(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.strip_suffix(')')
}

/// Takes one currency sign off the front or the end, and says whether there was one.
fn without_currency(text: &str) -> (&str, bool) {
    if let Some(rest) = text.strip_prefix(is_currency) {
        return (rest.trim_start(), true);
    }
    text.strip_suffix(is_currency).map_or((text, false), |rest| (rest.trim_end(), true))
}

/// Unicode's category Sc, the parts in use.
const fn is_currency(c: char) -> bool {
    matches!(c, '$' | '¢' | '£' | '¤' | '¥' | '\u{20a0}'..='\u{20c0}' | '฿' | '៛' | '﷼' | '＄' | '￡' | '￥')
}

enum Wrong {
    Syntax,
    Range,
}

/// Reads digits, groups and the decimal sign of `format` into mantissa and scale.
fn read_digits(bytes: &[u8], format: NumberFormat) -> Result<(u128, u32), Wrong> {
    let point = match format {
        NumberFormat::Auto | NumberFormat::Plain | NumberFormat::CommaThousands => b'.',
        NumberFormat::DotThousands | NumberFormat::SpaceThousands => b',',
    };
    let mut number = Digits::default();
    let (mut at, mut any, mut grouped, mut run) = (0, false, false, 0);
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            number.push(byte - b'0', false)?;
            (any, run, at) = (true, run + 1, at + 1);
        } else if byte == point {
            break;
        } else {
            let length = group_sign(&bytes[at..], format);
            let closes_a_group = if grouped { run == 3 } else { (1..=3).contains(&run) };
            if length == 0 || !closes_a_group {
                return Err(Wrong::Syntax);
            }
            (grouped, run, at) = (true, 0, at + length);
        }
    }
    if grouped && run != 3 {
        return Err(Wrong::Syntax);
    }
    for &byte in bytes.get(at + 1..).unwrap_or_default() {
        if !byte.is_ascii_digit() {
            return Err(Wrong::Syntax);
        }
        number.push(byte - b'0', true)?;
        any = true;
    }
    if any { Ok((number.mantissa, number.scale)) } else { Err(Wrong::Syntax) }
}

/// How many bytes of a thousands sign are at the front; 0: none.
fn group_sign(bytes: &[u8], format: NumberFormat) -> usize {
    match (format, bytes) {
        (NumberFormat::Auto | NumberFormat::CommaThousands, [b',', ..])
        | (NumberFormat::DotThousands, [b'.', ..])
        | (NumberFormat::SpaceThousands, [b' ', ..]) => 1,
        // No-break space, thin space, narrow no-break space.
        (NumberFormat::SpaceThousands, [0xc2, 0xa0, ..]) => 2,
        (NumberFormat::SpaceThousands, [0xe2, 0x80, 0x89 | 0xaf, ..]) => 3,
        _ => 0,
    }
}

#[derive(Default)]
struct Digits {
    mantissa: u128,
    scale: u32,
    /// Zeros after the point that no longer fit were left out: what follows must be zeros too.
    full: bool,
}

impl Digits {
    fn push(&mut self, digit: u8, after_point: bool) -> Result<(), Wrong> {
        let next = self.mantissa * 10 + u128::from(digit);
        let fits = next <= MAX_MANTISSA && (!after_point || self.scale < MAX_SCALE) && !self.full;
        if fits {
            self.mantissa = next;
            self.scale += u32::from(after_point);
            return Ok(());
        }
        self.full = true;
        if after_point && digit == 0 { Ok(()) } else { Err(Wrong::Range) }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "cuts 96 bits into three words")]
const fn decimal(negative: bool, mantissa: u128, scale: u32) -> Decimal {
    Decimal::from_parts(mantissa as u32, (mantissa >> 32) as u32, (mantissa >> 64) as u32, negative, scale)
}

/// Writes a number with the places that it was read with.
pub fn render_number(value: Decimal, format: NumberOutput, out: &mut String) {
    let start = out.len();
    // Writing into a string can't fail.
    let _ = write!(out, "{value}");
    if format == NumberOutput::Comma {
        insert_commas(out, start);
    }
}

fn insert_commas(out: &mut String, start: usize) {
    let first = start + usize::from(out[start..].starts_with('-'));
    let mut at = out[start..].find('.').map_or(out.len(), |point| start + point);
    while at > first + 3 {
        at -= 3;
        out.insert(at, ',');
    }
}

#[cfg(test)]
mod tests {
    use NumberFormat::{Auto, CommaThousands, DotThousands, Plain, SpaceThousands};
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, format: NumberFormat) -> Result<String, FaultCode> {
        parse_number(text, format).map(|n| n.to_string()).map_err(|f| f.code)
    }

    #[test]
    fn each_format_reads_its_own_writing() {
        for (text, format, value) in [
            ("1234.56", Plain, "1234.56"),
            (" -7 ", Plain, "-7"),
            ("+.5", Plain, "0.5"),
            ("5.", Plain, "5"),
            ("1,234.56", CommaThousands, "1234.56"),
            ("1234.56", CommaThousands, "1234.56"),
            ("-12,345,678", CommaThousands, "-12345678"),
            ("1.234,56", DotThousands, "1234.56"),
            ("1234,5", DotThousands, "1234.5"),
            ("1 234,56", SpaceThousands, "1234.56"),
            ("1\u{a0}234\u{202f}567,8", SpaceThousands, "1234567.8"),
            ("1,234.56", Auto, "1234.56"),
            ("$1,234.56", Auto, "1234.56"),
            ("-$5", Auto, "-5"),
            ("$-5", Auto, "-5"),
            ("- 5", Auto, "-5"),
            ("€ 5.10", Auto, "5.10"),
            ("5.10 €", Auto, "5.10"),
            ("-5 €", Auto, "-5"),
            ("(1.50)", Auto, "-1.50"),
            ("($1,000.50)", Auto, "-1000.50"),
            ("$(1.50)", Auto, "-1.50"),
            ("(1.50) €", Auto, "-1.50"),
            ("-0", Auto, "0"),
            ("00123", Auto, "123"),
        ] {
            assert_eq!(read(text, format).as_deref(), Ok(value), "{text} {format:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_said_to_be_none() {
        for (text, format) in [
            ("", Auto),
            ("abc", Auto),
            (".", Auto),
            ("-", Auto),
            ("$", Auto),
            ("$$5", Auto),
            ("$5€", Auto),
            ("--5", Auto),
            ("(-5)", Auto),
            ("-(5)", Auto),
            ("$(-5)", Auto),
            ("$($5)", Auto),
            ("(5", Auto),
            ("12%", Auto),
            ("1e3", Auto),
            ("1e999", Auto),
            ("NaN", Auto),
            ("Infinity", Auto),
            ("-inf", Auto),
            ("1,2345", Auto),
            ("12,34", Auto),
            ("1234,567", Auto),
            (",123", Auto),
            ("1,234,", Auto),
            ("1.2.3", Auto),
            ("1.234,56", Auto),
            ("1 234", Auto),
            ("٣", Auto),
            ("1,234", Plain),
            ("$5", Plain),
            ("(5)", Plain),
            ("1.234,56", CommaThousands),
            ("1,234.56", DotThousands),
            ("1 234.56", SpaceThousands),
            ("1  234", SpaceThousands),
        ] {
            assert_eq!(read(text, format), Err(FaultCode::NotANumber), "{text} {format:?}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_kept_exactly_are_out_of_range() {
        assert_eq!(read("79228162514264337593543950335", Auto).unwrap(), "79228162514264337593543950335");
        assert_eq!(read("79228162514264337593543950336", Auto), Err(FaultCode::OutOfRange));
        assert_eq!(read("0.00000000000000000000000000001", Auto), Err(FaultCode::OutOfRange));
        assert_eq!(read("1.00000000000000000000000000000000000", Auto).unwrap().parse(), Ok(Decimal::ONE));
        assert_eq!(read("1.000000000000000000000000000000000001", Auto), Err(FaultCode::OutOfRange));
    }

    #[test]
    fn output_keeps_the_places_and_groups_on_request() {
        for (text, comma) in [
            ("1234567.50", "1,234,567.50"),
            ("-123", "-123"),
            ("-1234", "-1,234"),
            ("999", "999"),
            ("0.12345", "0.12345"),
        ] {
            let value = parse_number(text, Plain).unwrap();
            let mut out = String::from("x");
            render_number(value, NumberOutput::NoComma, &mut out);
            assert_eq!(out, format!("x{text}"));
            out.clear();
            render_number(value, NumberOutput::Comma, &mut out);
            assert_eq!(out, comma);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(mantissa in -(1_i128 << 95)..(1_i128 << 95), scale in 0_u32..=28) {
            let value = Decimal::from_i128_with_scale(mantissa, scale);
            for (output, inputs) in [
                (NumberOutput::NoComma, &[Plain, CommaThousands, Auto][..]),
                (NumberOutput::Comma, &[CommaThousands, Auto][..]),
            ] {
                let mut text = String::new();
                render_number(value, output, &mut text);
                for &input in inputs {
                    prop_assert_eq!(parse_number(&text, input), Ok(value));
                }
            }
        }

        #[test]
        fn no_text_panics(text in "[-+$€()0-9., eE%]{0,40}|\\PC{0,20}") {
            for &format in NumberFormat::ALL {
                let _ = parse_number(&text, format);
            }
        }
    }
}
