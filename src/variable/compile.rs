//! The settings of a variable, checked and compiled. A refusal names the variable, the setting, what was
//! found and what is legal.

use std::borrow::Cow;

use chrono::format::Item;
use chrono_tz::Tz;

use super::{
    DataType, Locale, Variable,
    array::Delimiter,
    date::{DateFormat, Precision},
    format::{BooleanFormat, BooleanOutput, Choice, NumberFormat, NumberOutput, PhoneOutput, RFC3339},
    pattern::output_items,
    phone::PhoneFormat,
};
use crate::error::{Error, Result};

/// How a type reads text.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Text,
    Boolean(BooleanFormat),
    Date(DateFormat),
    Datetime(DateFormat),
    Email,
    Number(NumberFormat),
    Phone(PhoneFormat),
    Uuid,
}

/// How a type writes text.
#[derive(Debug, Clone)]
pub(super) enum Output {
    Plain,
    Boolean(BooleanOutput),
    Items(Vec<Item<'static>>),
    Number(NumberOutput),
    Phone(PhoneOutput),
}

/// How the variable's cells are read.
pub(super) fn input(variable: &Variable, locale: Locale) -> Result<Input> {
    let format = declared(variable.input_format.as_ref());
    read_by(variable.data_type, format, locale).map_err(|wrong| wrong.about(variable, "input_format", format))
}

/// How the variable's values are written.
pub(super) fn output(variable: &Variable) -> Result<Output> {
    let format = declared(variable.output_format.as_ref());
    written_by(variable.data_type, format).map_err(|wrong| wrong.about(variable, "output_format", format))
}

/// An empty format is none: forms send it so.
fn declared(format: Option<&String>) -> Option<&str> {
    format.map(String::as_str).filter(|format| !format.is_empty())
}

/// Why a format was refused.
enum Wrong {
    /// What is wrong with it, as the end of a sentence.
    Pattern(String),
    /// It is not in the list.
    Unknown,
    /// The type takes none.
    NoneTaken,
}

impl Wrong {
    fn about(self, variable: &Variable, setting: &str, found: Option<&str>) -> Error {
        let (name, of) = (&variable.name, variable.data_type.as_str());
        let found = found.unwrap_or_default();
        let legal = |choices: Vec<Choice>| {
            // The regions are named by their rule, the patterns by a few.
            let words: Vec<_> =
                choices.into_iter().map(|c| c.value).filter(|w| !w.starts_with("region:")).collect();
            words.join(", ")
        };
        let choices = match setting {
            "input_format" => legal(variable.data_type.input_formats()),
            _ => legal(variable.data_type.output_formats()),
        };
        let more = match (variable.data_type, setting) {
            (DataType::Date | DataType::Datetime, _) => ", any strftime pattern",
            (DataType::PhoneNumber, "input_format") => ", region:<ISO 3166 code>",
            _ => "",
        };
        Error::invalid(match self {
            Self::NoneTaken => {
                format!(
                    "Variable \"{name}\": {setting} is \"{found}\", but {of} takes no format; leave it out."
                )
            }
            Self::Unknown => {
                format!(
                    "Variable \"{name}\": {setting} \"{found}\" is not a format of {of}. Legal are: {choices}{more}."
                )
            }
            Self::Pattern(why) => {
                format!(
                    "Variable \"{name}\": {setting} \"{found}\" {why}. Legal for {of} are: {choices}{more}."
                )
            }
        })
    }
}

fn read_by(data_type: DataType, format: Option<&str>, locale: Locale) -> Result<Input, Wrong> {
    Ok(match data_type {
        DataType::String => no_format(format, Input::Text)?,
        DataType::Email => no_format(format, Input::Email)?,
        DataType::Uuid => no_format(format, Input::Uuid)?,
        DataType::Boolean => Input::Boolean(known(format, BooleanFormat::parse)?),
        DataType::Number => Input::Number(known(format, NumberFormat::parse)?),
        DataType::Date => Input::Date(
            DateFormat::compile(format.unwrap_or("auto"), Precision::Day).map_err(Wrong::Pattern)?,
        ),
        DataType::Datetime => Input::Datetime(
            DateFormat::compile(format.unwrap_or("auto"), Precision::Moment).map_err(Wrong::Pattern)?,
        ),
        DataType::PhoneNumber => Input::Phone(
            PhoneFormat::parse(format.unwrap_or("auto"), locale.phone_region).map_err(Wrong::Pattern)?,
        ),
    })
}

fn written_by(data_type: DataType, format: Option<&str>) -> Result<Output, Wrong> {
    Ok(match data_type {
        DataType::String | DataType::Email | DataType::Uuid => no_format(format, Output::Plain)?,
        DataType::Boolean => Output::Boolean(known(format, BooleanOutput::parse)?),
        DataType::Number => Output::Number(known(format, NumberOutput::parse)?),
        DataType::PhoneNumber => Output::Phone(known(format, PhoneOutput::parse)?),
        DataType::Date | DataType::Datetime => match format {
            None => Output::Plain,
            Some(RFC3339) if data_type == DataType::Datetime => Output::Plain,
            Some(pattern) => Output::Items(writable(pattern, data_type).map_err(Wrong::Pattern)?),
        },
    })
}

/// The items of an output pattern that a value of the type can fill.
fn writable(pattern: &str, data_type: DataType) -> Result<Vec<Item<'static>>, String> {
    use std::fmt::Write as _;
    if !pattern.contains('%') {
        return Err("is neither a named format nor a strftime pattern".to_owned());
    }
    let items = output_items(pattern)?;
    let sample = chrono::DateTime::UNIX_EPOCH.with_timezone(&Tz::UTC);
    let mut text = String::new();
    let written = match data_type {
        DataType::Date => write!(text, "{}", sample.date_naive().format_with_items(items.iter())),
        _ => write!(text, "{}", sample.format_with_items(items.iter())),
    };
    written.map(|()| items).map_err(|_| "has a time of day, which a date does not have".to_owned())
}

fn no_format<T>(format: Option<&str>, compiled: T) -> Result<T, Wrong> {
    if format.is_some() { Err(Wrong::NoneTaken) } else { Ok(compiled) }
}

fn known<T: Default>(format: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<T, Wrong> {
    format.map_or_else(|| Ok(T::default()), |word| parse(word).ok_or(Wrong::Unknown))
}

/// What separates the items of an array variable.
pub(super) fn delimiter(variable: &Variable) -> Result<Option<Delimiter>> {
    if !variable.is_array {
        return Ok(None);
    }
    let name = &variable.name;
    if !variable.data_type.takes_arrays() {
        let data_type = variable.data_type.as_str();
        return Err(Error::invalid(format!("Variable \"{name}\": {data_type} can't be an array.")));
    }
    let legal = "\",\", \";\", \"|\", tab, \"{}\", \"[]\"";
    let found: Cow<'_, str> = match variable.array_delimiter.as_deref() {
        None => "missing".into(),
        Some(text) => match Delimiter::parse(text) {
            Some(delimiter) => return Ok(Some(delimiter)),
            None => format!("\"{text}\"").into(),
        },
    };
    Err(Error::invalid(format!(
        "Variable \"{name}\": array_delimiter is {found}. An array needs one of {legal}."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Code,
        variable::{Parser, tests::variable},
    };

    fn parser(data_type: DataType, input_format: Option<&str>) -> Parser {
        Parser::compile(&variable(data_type, input_format), Locale::default()).unwrap()
    }

    fn refusal(change: impl Fn(&mut Variable)) -> String {
        let mut wrong = variable(DataType::Number, None);
        change(&mut wrong);
        let error = Parser::compile(&wrong, Locale::default()).unwrap_err();
        assert_eq!(error.code, Code::Invalid);
        error.detail
    }

    #[test]
    fn refusals_name_the_variable_the_format_and_what_is_legal() {
        let detail = refusal(|v| v.input_format = Some("comma".to_owned()));
        for part in ["\"v\"", "input_format \"comma\"", "auto, plain, comma_thousands"] {
            assert!(detail.contains(part), "{detail}");
        }
        for change in [
            (|v: &mut Variable| v.output_format = Some("x".to_owned())) as fn(&mut Variable),
            |v| (v.data_type, v.input_format) = (DataType::String, Some("auto".to_owned())),
            |v| (v.data_type, v.input_format) = (DataType::Boolean, Some("ja_nein".to_owned())),
            |v| (v.data_type, v.input_format) = (DataType::PhoneNumber, Some("region:XX".to_owned())),
            |v| (v.data_type, v.output_format) = (DataType::Date, Some("%H:%M".to_owned())),
            |v| (v.data_type, v.output_format) = (DataType::Datetime, Some("iso".to_owned())),
            |v| {
                (v.data_type, v.is_array, v.array_delimiter) =
                    (DataType::Boolean, true, Some(",".to_owned()));
            },
            |v| v.is_array = true,
            |v| (v.is_array, v.array_delimiter) = (true, Some(":".to_owned())),
        ] {
            assert!(refusal(change).contains("\"v\""));
        }
    }

    #[test]
    fn every_named_format_of_the_catalogue_compiles() {
        for data_type in DataType::ALL {
            for choice in data_type.input_formats() {
                parser(data_type, Some(&choice.value));
            }
            for choice in data_type.output_formats() {
                let mut wanted = variable(data_type, None);
                wanted.output_format = Some(choice.value);
                Parser::compile(&wanted, Locale::default()).unwrap();
            }
        }
    }
}
