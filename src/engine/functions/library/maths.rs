//! The maths functions that SQLite has when it is compiled with them, with its answers: NULL for what is
//! no number and for what has no result. <https://www.sqlite.org/lang_mathfunc.html>

use rusqlite::Error;

use super::{
    Answer, Call, Function,
    call::{Number, number},
    rows,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "maths";
    acos "(x)" [1] Scalar(|call| of(call, f64::acos)): "The arc cosine, in radians."; "acos(1)" => "0";
    acosh "(x)" [1] Scalar(|call| of(call, f64::acosh)): "The inverse hyperbolic cosine."; "acosh(1)" => "0";
    asin "(x)" [1] Scalar(|call| of(call, f64::asin)): "The arc sine, in radians; NULL outside of -1 to 1."; "asin(2)" => NULL;
    asinh "(x)" [1] Scalar(|call| of(call, f64::asinh)): "The inverse hyperbolic sine."; "asinh(0)" => "0";
    atan "(x)" [1] Scalar(|call| of(call, f64::atan)): "The arc tangent, in radians."; "round(4 * atan(1), 6)" => "3.141593";
    atan2 "(y, x)" [2] Scalar(|call| of_two(call, f64::atan2)): "The angle of the point (x, y), in radians."; "atan2(0, 1)" => "0";
    atanh "(x)" [1] Scalar(|call| of(call, f64::atanh)): "The inverse hyperbolic tangent."; "atanh(0)" => "0";
    ceil "(x)" [1] Scalar(|call| whole(call, f64::ceil)): "The least whole number that is not below."; "ceil(-1.5)" => "-1";
    ceiling "(x)" [1] Scalar(|call| whole(call, f64::ceil)): "As ceil."; "ceiling(1.2)" => "2";
    cos "(x)" [1] Scalar(|call| of(call, f64::cos)): "The cosine of radians."; "cos(0)" => "1";
    cosh "(x)" [1] Scalar(|call| of(call, f64::cosh)): "The hyperbolic cosine."; "cosh(0)" => "1";
    degrees "(x)" [1] Scalar(|call| of(call, f64::to_degrees)): "Radians as degrees."; "degrees(pi())" => "180";
    exp "(x)" [1] Scalar(|call| of(call, f64::exp)): "e to the power of x."; "exp(0)" => "1";
    floor "(x)" [1] Scalar(|call| whole(call, f64::floor)): "The greatest whole number that is not above."; "floor(-1.5)" => "-2";
    ln "(x)" [1] Scalar(|call| logarithm(call, f64::ln)): "The natural logarithm; NULL at 0 and below."; "ln(0)" => NULL;
    log "(x) or log(base, x)" [1, 2] Scalar(log): "The logarithm to base 10, or to the given one; NULL at 0 and below."; "log(3, 81)" => "4";
    log10 "(x)" [1] Scalar(|call| logarithm(call, f64::log10)): "The logarithm to base 10; NULL at 0 and below."; "log10(1000)" => "3";
    log2 "(x)" [1] Scalar(|call| logarithm(call, f64::log2)): "The logarithm to base 2; NULL at 0 and below."; "log2(8)" => "3";
    mod "(x, y)" [2] Scalar(|call| of_two(call, |x, y| x % y)): "What is left of x ÷ y, also when they are not whole; it has the sign of x."; "mod(-7.5, 2)" => "-1.5";
    pi "()" [0] Scalar(pi): "π, as near as a REAL gets."; "pi()" => "3.141592653589793";
    pow "(x, y)" [2] Scalar(|call| of_two(call, f64::powf)): "x to the power of y."; "pow(2, 10)" => "1024";
    power "(x, y)" [2] Scalar(|call| of_two(call, f64::powf)): "As pow."; "power(9, 0.5)" => "3";
    radians "(x)" [1] Scalar(|call| of(call, f64::to_radians)): "Degrees as radians."; "round(radians(180), 6)" => "3.141593";
    sin "(x)" [1] Scalar(|call| of(call, f64::sin)): "The sine of radians."; "sin(0)" => "0";
    sinh "(x)" [1] Scalar(|call| of(call, f64::sinh)): "The hyperbolic sine."; "sinh(0)" => "0";
    sqrt "(x)" [1] Scalar(|call| of(call, f64::sqrt)): "The square root; NULL below 0."; "sqrt('6.25')" => "2.5";
    tan "(x)" [1] Scalar(|call| of(call, f64::tan)): "The tangent of radians."; "tan(0)" => "0";
    tanh "(x)" [1] Scalar(|call| of(call, f64::tanh)): "The hyperbolic tangent."; "tanh('high')" => NULL;
    trunc "(x)" [1] Scalar(|call| whole(call, f64::trunc)): "Without the places after the point."; "trunc(-1.5)" => "-1";
};

fn argument(call: &Call<'_>, n: usize) -> Option<f64> {
    number(call.raw(n)).map(Number::real)
}

/// SQLite has no NaN: it is NULL.
fn real(number: f64) -> Answer {
    if number.is_nan() { Answer::Null } else { Answer::Real(number) }
}

#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
fn of(call: &Call<'_>, compute: fn(f64) -> f64) -> Result<Answer, Error> {
    Ok(argument(call, 0).map_or(Answer::Null, |x| real(compute(x))))
}

#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
fn of_two(call: &Call<'_>, compute: fn(f64, f64) -> f64) -> Result<Answer, Error> {
    let (Some(x), Some(y)) = (argument(call, 0), argument(call, 1)) else { return Ok(Answer::Null) };
    Ok(real(compute(x, y)))
}

/// Whole numbers stay whole.
#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
fn whole(call: &Call<'_>, compute: fn(f64) -> f64) -> Result<Answer, Error> {
    Ok(match number(call.raw(0)) {
        None => Answer::Null,
        Some(Number::Integer(x)) => Answer::Integer(x),
        Some(Number::Real(x)) => real(compute(x)),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
fn logarithm(call: &Call<'_>, compute: fn(f64) -> f64) -> Result<Answer, Error> {
    Ok(argument(call, 0).filter(|x| *x > 0.0).map_or(Answer::Null, |x| real(compute(x))))
}

fn log(call: &Call<'_>) -> Result<Answer, Error> {
    if call.len() == 1 {
        return logarithm(call, f64::log10);
    }
    let (Some(base), Some(x)) = (argument(call, 0), argument(call, 1)) else { return Ok(Answer::Null) };
    let below = base.ln();
    if x <= 0.0 || base <= 0.0 || below <= 0.0 {
        return Ok(Answer::Null);
    }
    Ok(real(x.ln() / below))
}

#[expect(clippy::unnecessary_wraps, reason = "a function of the table")]
fn pi(_: &Call<'_>) -> Result<Answer, Error> {
    Ok(Answer::Real(std::f64::consts::PI))
}
