//! Text that people wrote, read by the parsers of execution variables (`variable`): a rule about dates,
//! numbers or phone numbers exists once. What can't be read is NULL; a format that is none is an error.

use std::sync::LazyLock;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use rusqlite::Error;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::{Answer, Call, Function, call::real_text, rows};
use crate::variable::{
    Locale,
    boolean::parse_boolean,
    date::{DateFormat, Precision, parse_date, parse_datetime},
    email::parse_email,
    format::{BooleanFormat, NumberFormat},
    number::parse_number,
    phone::{PhoneFormat, parse_phone},
};

pub(super) const FUNCTIONS: &[Function] = rows! { "parse";
    parse_number "(s[, format])" [1, 2] Scalar(number):
        "A number as files write it: auto (the default: 1,234.56 with sign, currency sign or parentheses), plain, comma_thousands, dot_thousands or space_thousands. INTEGER or REAL where that holds it exactly, else text, which the dec_ functions take.";
        "parse_number('1.234,50', 'dot_thousands')" => "1234.5";
    parse_date "(s[, format])" [1, 2] Scalar(date):
        "A day as YYYY-MM-DD, read by a format of date variables: any strftime pattern, excel_epoch, unix_epoch, auto_us, auto_eu, or auto (the default), which is NULL for a day with two readings such as 03/04/2026.";
        "parse_date('24.12.2026', '%d.%m.%Y')" => "2026-12-24";
    parse_datetime "(s[, format[, tz]])" [1, 2, 3] Scalar(datetime):
        "A moment as RFC 3339 in UTC, read by a format of datetime variables. Without an offset it is a wall clock in the time zone tz, or the workspace's; one that does not exist there, or exists twice, is NULL.";
        "parse_datetime('12/24/2026 6:30 PM', '%m/%d/%Y %I:%M %p', 'America/New_York')" => "2026-12-24T23:30:00Z";
    parse_bool "(s)" [1] Scalar(boolean):
        "1 for true, yes, on, 1, t and checked, 0 for their opposites.";
        "parse_bool('Yes')" => "1";
    parse_email "(s)" [1] Scalar(email):
        "One e-mail address, its domain in lower case.";
        "parse_email(' Ada@Example.COM ')" => "Ada@example.com";
    parse_phone "(s[, region])" [1, 2] Scalar(phone):
        "A phone number as E.164. A national one is of the region (ISO 3166), or the workspace's.";
        "parse_phone('(650) 253-0000', 'US')" => "+16502530000";
};

static AUTO_DAY: LazyLock<Option<DateFormat>> = LazyLock::new(|| format("auto", Precision::Day).ok());
static AUTO_MOMENT: LazyLock<Option<DateFormat>> = LazyLock::new(|| format("auto", Precision::Moment).ok());

fn format(text: &str, precision: Precision) -> Result<DateFormat, String> {
    DateFormat::compile(text, precision)
}

fn number(call: &Call<'_>) -> Result<Answer, Error> {
    let format = if call.len() == 2 {
        let parse = |word: &str| NumberFormat::parse(word).ok_or_else(unknown_number_format);
        let Some(format) = call.compiled(1, "number format", parse)? else { return Ok(Answer::Null) };
        *format
    } else {
        NumberFormat::Auto
    };
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    Ok(parse_number(&text, format).map_or(Answer::Null, exact))
}

fn unknown_number_format() -> String {
    let words: Vec<&str> = NumberFormat::ALL.iter().map(|format| format.as_str()).collect();
    format!("is none of {}", words.join(", "))
}

/// The number as SQL computes with it, where that loses nothing.
fn exact(number: Decimal) -> Answer {
    let number = number.normalize();
    if let Some(whole) = number.is_integer().then(|| number.to_i64()).flatten() {
        return Answer::Integer(whole);
    }
    let text = number.to_string();
    match text.parse::<f64>() {
        Ok(real) if real_text(real) == text => Answer::Real(real),
        _ => Answer::Text(text),
    }
}

fn date(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    let read = |format: &DateFormat| match parse_date(&text, format, call.host.locale_of_input()) {
        Ok((day, _)) => Answer::Text(day.to_string()),
        Err(_) => Answer::Null,
    };
    if call.len() == 1 {
        return Ok(AUTO_DAY.as_ref().map_or(Answer::Null, read));
    }
    let format = call.compiled(1, "date format", |text| format(text, Precision::Day))?;
    Ok(format.map_or(Answer::Null, |format| read(&format)))
}

fn datetime(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(locale) = locale(call, 2)? else { return Ok(Answer::Null) };
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    let read = |format: &DateFormat| parse_datetime(&text, format, locale).map_or(Answer::Null, in_utc);
    if call.len() == 1 {
        return Ok(AUTO_MOMENT.as_ref().map_or(Answer::Null, read));
    }
    let format = call.compiled(1, "datetime format", |text| format(text, Precision::Moment))?;
    Ok(format.map_or(Answer::Null, |format| read(&format)))
}

/// The workspace's locale, with the time zone of argument `n` where there is one; `None` for NULL.
pub(super) fn locale(call: &Call<'_>, n: usize) -> Result<Option<Locale>, Error> {
    if call.len() <= n {
        return Ok(Some(call.host.locale_of_input()));
    }
    Ok(zone(call, n)?.map(|timezone| Locale { timezone, ..call.host.locale_of_input() }))
}

/// The time zone in argument `n`; `None` for NULL.
pub(super) fn zone(call: &Call<'_>, n: usize) -> Result<Option<Tz>, Error> {
    let parse = |name: &str| {
        name.parse::<Tz>().map_err(|_| "is not in the IANA list (such as Europe/Berlin)".to_owned())
    };
    Ok(call.compiled(n, "time zone", parse)?.map(|zone| *zone))
}

/// A moment as text that compares as it does.
pub(super) fn in_utc(moment: DateTime<Utc>) -> Answer {
    Answer::Text(moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn boolean(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    Ok(parse_boolean(&text, BooleanFormat::Auto).map_or(Answer::Null, Answer::from))
}

fn email(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    Ok(parse_email(&text).map_or(Answer::Null, Answer::Text))
}

fn phone(call: &Call<'_>) -> Result<Answer, Error> {
    let region = if call.len() == 2 {
        let Some(region) = call.compiled(1, "region", str::parse)? else { return Ok(Answer::Null) };
        Some(*region)
    } else {
        call.host.locale.phone_region
    };
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    Ok(parse_phone(&text, PhoneFormat::Region(region))
        .map_or(Answer::Null, |(number, _)| Answer::Text(number)))
}
