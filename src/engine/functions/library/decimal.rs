//! Exact decimals: what SQLite would compute in floating point.
//!
//! Numbers come as INTEGER or as text of digits with a decimal point, and go as text. A decimal has at
//! most 28 digits. What does not fit is an error and never rounded: only `dec_div` and `dec_round` round,
//! to the places that they are told, halves away from zero.

use rusqlite::Error;
use rust_decimal::Decimal;

use super::{
    Answer, Call, Function,
    fold::{Budget, Fold},
    rows,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "decimal";
    dec_add "(a, b)" [2] Scalar(add):
        "a + b, exactly, as text.";
        "dec_add('0.1', '0.2')" => "0.3";
    dec_sub "(a, b)" [2] Scalar(sub):
        "a - b, exactly, as text.";
        "dec_sub('1', '0.9')" => "0.1";
    dec_mul "(a, b)" [2] Scalar(mul):
        "a × b, exactly, as text. An error when the product has more than 28 digits: round a factor first.";
        "dec_mul('19.99', 3)" => "59.97";
    dec_div "(a, b, scale)" [3] Scalar(div):
        "a ÷ b with that many places, as text; a half is rounded away from zero. NULL when b is 0.";
        "dec_div('10.00', 3, 2)" => "3.33";
    dec_round "(a[, scale])" [1, 2] Scalar(round):
        "Rounded to that many places (0 when left out), as text; a half is rounded away from zero.";
        "dec_round('2.675', 2)" => "2.68";
    dec_sum "(a)" [1] Aggregate(|| Box::new(Sum(None))):
        "The exact sum of all rows, as text. NULL rows don't count; without any other it is NULL.";
        "dec_sum(column1) FROM (VALUES ('0.10'), ('0.20'), (NULL), (3))" => "3.30";
};

/// The largest mantissa of a [`Decimal`], and its most places.
const MAX_MANTISSA: u128 = (1 << 96) - 1;
const MAX_SCALE: u32 = 28;

fn add(call: &Call<'_>) -> Result<Answer, Error> {
    two(call, "sum", exact_sum)
}

fn sub(call: &Call<'_>) -> Result<Answer, Error> {
    two(call, "difference", |a, b| exact_sum(a, -b))
}

fn mul(call: &Call<'_>) -> Result<Answer, Error> {
    two(call, "product", exact_product)
}

fn two(
    call: &Call<'_>,
    what: &str,
    compute: impl Fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Answer, Error> {
    let (Some(a), Some(b)) = (call.decimal(0)?, call.decimal(1)?) else { return Ok(Answer::Null) };
    match compute(a, b) {
        Some(exact) => Ok(Answer::Text(exact.to_string())),
        None => Err(call.wrong(format_args!("the exact {what} of {a} and {b} has more than 28 digits"))),
    }
}

fn div(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(a), Some(b), Some(scale)) = (call.decimal(0)?, call.decimal(1)?, scale(call, 2)?) else {
        return Ok(Answer::Null);
    };
    if b.is_zero() {
        return Ok(Answer::Null);
    }
    rounded(a, b, scale, call)
}

fn round(call: &Call<'_>) -> Result<Answer, Error> {
    let scale = if call.len() == 2 { scale(call, 1)? } else { Some(0) };
    let (Some(a), Some(scale)) = (call.decimal(0)?, scale) else { return Ok(Answer::Null) };
    rounded(a, Decimal::ONE, scale, call)
}

fn rounded(a: Decimal, b: Decimal, scale: u32, call: &Call<'_>) -> Result<Answer, Error> {
    match quotient(a, b, scale) {
        Some(rounded) => Ok(Answer::Text(rounded.to_string())),
        None => Err(call.wrong(format_args!("the result with {scale} places has more than 28 digits"))),
    }
}

fn scale(call: &Call<'_>, n: usize) -> Result<Option<u32>, Error> {
    let Some(scale) = call.integer(n)? else { return Ok(None) };
    match u32::try_from(scale) {
        Ok(scale) if scale <= MAX_SCALE => Ok(Some(scale)),
        _ => Err(call.wrong(format_args!("the scale is {scale}, and goes from 0 to {MAX_SCALE}"))),
    }
}

/// The decimal of a mantissa and a scale, if there is one; zeros at the end are dropped where that helps.
fn decimal(negative: bool, mut mantissa: u128, mut scale: u32) -> Option<Decimal> {
    while (mantissa > MAX_MANTISSA || scale > MAX_SCALE) && scale > 0 && mantissa.is_multiple_of(10) {
        (mantissa, scale) = (mantissa / 10, scale - 1);
    }
    let signed = i128::try_from(mantissa).ok()?;
    Decimal::try_from_i128_with_scale(if negative { -signed } else { signed }, scale).ok()
}

fn exact_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    plain_sum(a, b).or_else(|| plain_sum(a.normalize(), b.normalize()))
}

fn plain_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale().max(b.scale());
    let at_scale = |x: Decimal| x.mantissa().checked_mul(10_i128.checked_pow(scale - x.scale())?);
    let sum = at_scale(a)?.checked_add(at_scale(b)?)?;
    decimal(sum < 0, sum.unsigned_abs(), scale)
}

fn exact_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let negative = a.is_sign_negative() != b.is_sign_negative();
    let plain = |a: Decimal, b: Decimal| {
        let mantissa = a.mantissa().unsigned_abs().checked_mul(b.mantissa().unsigned_abs())?;
        decimal(negative, mantissa, a.scale() + b.scale())
    };
    plain(a, b).or_else(|| plain(a.normalize(), b.normalize()))
}

/// a ÷ b with `scale` places, by long division: `b` is not 0. `None`: it does not fit.
fn quotient(a: Decimal, b: Decimal, scale: u32) -> Option<Decimal> {
    let (dividend, divisor) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
    let (mut digits, mut rest) = (dividend / divisor, dividend % divisor);
    let up = if b.scale() + scale >= a.scale() {
        for _ in 0..(b.scale() + scale - a.scale()) {
            rest *= 10;
            digits = digits.checked_mul(10)?.checked_add(rest / divisor)?;
            rest %= divisor;
        }
        rest * 2 >= divisor
    } else {
        // Places to cut off; whatever of the division is left over can't lift a digit below the half.
        let cut = 10_u128.checked_pow(a.scale() - b.scale() - scale)?;
        let below = digits % cut;
        digits /= cut;
        below >= cut / 2
    };
    let mantissa = digits.checked_add(u128::from(up))?;
    let negative = a.is_sign_negative() != b.is_sign_negative();
    (mantissa <= MAX_MANTISSA).then(|| decimal(negative, mantissa, scale)).flatten()
}

/// An exact sum.
struct Sum(Option<Decimal>);

impl Fold for Sum {
    fn step(&mut self, call: &Call<'_>, _: &mut Budget) -> Result<(), Error> {
        let Some(number) = call.decimal(0)? else { return Ok(()) };
        let before = self.0.unwrap_or_default();
        let Some(sum) = exact_sum(before, number) else {
            return Err(
                call.wrong(format_args!("the exact sum of {before} and {number} has more than 28 digits"))
            );
        };
        self.0 = Some(sum);
        Ok(())
    }

    fn answer(self: Box<Self>) -> Result<Answer, Error> {
        Ok(self.0.map_or(Answer::Null, |sum| Answer::Text(sum.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn quotient_of(a: &str, b: &str, scale: u32) -> Option<String> {
        quotient(dec(a), dec(b), scale).map(|found| found.to_string())
    }

    #[test]
    fn divisions_round_once_and_halves_go_away_from_zero() {
        for (a, b, scale, expected) in [
            ("1", "3", 4, "0.3333"),
            ("2", "3", 4, "0.6667"),
            ("-2", "3", 0, "-1"),
            ("1", "8", 2, "0.13"),
            ("-1", "8", 2, "-0.13"),
            ("0.0049999", "1", 2, "0.00"),
            ("0.005", "1", 2, "0.01"),
            ("12.345678", "0.5", 1, "24.7"),
            ("1", "7", 28, "0.1428571428571428571428571429"),
            // Rounded to 28 digits first this would be a half.
            ("4.4999999999999999999999999999", "1", 0, "4"),
            ("10", "4", 2, "2.50"),
            ("0.0000000000000000000000000001", "3", 0, "0"),
        ] {
            assert_eq!(quotient_of(a, b, scale).as_deref(), Some(expected), "{a} / {b}");
        }
        assert_eq!(quotient_of("79228162514264337593543950335", "0.1", 0), None);
    }

    #[test]
    fn what_does_not_fit_is_not_rounded() {
        let largest = dec("79228162514264337593543950335");
        assert_eq!(exact_sum(largest, Decimal::ONE), None);
        assert_eq!(exact_sum(largest, dec("0.1")), None);
        assert_eq!(exact_sum(dec("1.0000000000000000000000000000"), largest), None);
        assert_eq!(
            exact_sum(dec("1.0000000000000000000000000000"), dec("1e20")),
            Some(dec("100000000000000000001"))
        );
        assert_eq!(exact_product(largest, dec("1.0")), Some(largest));
        assert_eq!(exact_product(dec("1.23456789012341"), dec("1.234567890123453")), None);
        assert_eq!(exact_product(dec("0.00000000000000000005"), dec("0.000000002")), Some(dec("1e-28")));
    }
}
