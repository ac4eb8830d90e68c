//! One variable, compiled: what turns its cells into values and its values into text.

use chrono_tz::Tz;

use super::{
    AutoDate, Value, Variable, VariableKind,
    array::{self, Delimiter},
    auto::Auto,
    boolean::{parse_boolean, render_boolean},
    compile::{self, Input, Output},
    date::{DateFormat, Precision, parse_date, parse_datetime},
    email::parse_email,
    fault::{Fault, FaultCode, Warning},
    format::{BooleanOutput, NumberOutput},
    number::{parse_number, render_number},
    phone::{Region, parse_phone, render_phone},
};
use crate::error::{Error, Result};

/// What the formats leave open and the workspace or the file decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// The zone of moments without an offset, and of moments written as text.
    pub timezone: Tz,
    /// Whose national phone numbers `auto` reads.
    pub phone_region: Option<Region>,
    /// The workbook counts days from 1904-01-01.
    pub excel_1904: bool,
}

impl Locale {
    /// Of a workspace: its zone, and its region where that is one with phone numbers.
    #[must_use]
    pub fn of_workspace(timezone: Tz, phone_region: &str) -> Self {
        Self { timezone, phone_region: phone_region.parse().ok(), excel_1904: false }
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self { timezone: Tz::UTC, phone_region: None, excel_1904: false }
    }
}

/// A cell that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub value: Value,
    /// What was odd about it.
    pub warning: Option<Warning>,
}

impl Parsed {
    const fn plain(value: Value) -> Self {
        Self { value, warning: None }
    }
}

/// A compiled variable.
#[derive(Debug, Clone)]
pub struct Parser {
    input: Input,
    output: Output,
    required: bool,
    array: Option<Delimiter>,
    locale: Locale,
    literal: Option<Value>,
}

impl Parser {
    /// Compiles a variable. A refusal names the variable, the setting, what was found and what is legal.
    pub fn compile(variable: &Variable, locale: Locale) -> Result<Self> {
        let mut parser = Self {
            input: compile::input(variable, locale)?,
            output: compile::output(variable)?,
            required: variable.required,
            array: compile::delimiter(variable)?,
            locale,
            literal: None,
        };
        if variable.kind == VariableKind::DataSource && variable.data_source.is_none() {
            // What stands in the connector does not change with the workbook.
            parser.locale.excel_1904 = false;
            parser.literal = Some(parser.check_literal(variable)?);
        }
        Ok(parser)
    }

    /// The value of a variable that reads no column.
    #[must_use]
    pub const fn literal(&self) -> Option<&Value> {
        self.literal.as_ref()
    }

    /// Whether the column must be read once, by [`Parser::observer`], before rows are parsed.
    #[must_use]
    pub fn needs_column_pass(&self) -> bool {
        self.literal.is_none() && self.auto().is_some_and(|auto| !auto.is_decided())
    }

    /// What reads the column, where that is needed.
    #[must_use]
    pub fn observer(&self) -> Option<AutoDate> {
        AutoDate::of(self)
    }

    /// Reads one cell. Numbers, booleans and dates are read without allocation.
    pub fn parse(&self, cell: Option<&str>) -> Result<Parsed, Fault> {
        let parsed = match cell {
            Some(text) if !self.is_blank(text) => match self.array {
                None => self.scalar(text)?,
                Some(delimiter) => self.list(text, delimiter)?,
            },
            _ => Parsed::plain(Value::Null),
        };
        if self.required && parsed.value == Value::Null {
            return Err(Fault::required());
        }
        Ok(parsed)
    }

    /// Writes a value as text, by the output format; blank writes nothing.
    pub fn render(&self, value: &Value, out: &mut String) {
        use std::fmt::Write as _;
        // Writing into a string can't fail, and the items were tried when the parser was compiled.
        match (value, &self.output) {
            (Value::Null, _) => {}
            (Value::Text(number), Output::Phone(format)) => render_phone(number, *format, out),
            (Value::Text(text), _) => out.push_str(text),
            (Value::Boolean(value), Output::Boolean(format)) => out.push_str(render_boolean(*value, *format)),
            (Value::Boolean(value), _) => out.push_str(render_boolean(*value, BooleanOutput::default())),
            (Value::Date(day), Output::Items(items)) => {
                let _ = write!(out, "{}", day.format_with_items(items.iter()));
            }
            (Value::Date(day), _) => {
                let _ = write!(out, "{day}");
            }
            (Value::Datetime(moment), Output::Items(items)) => {
                let local = moment.with_timezone(&self.locale.timezone);
                let _ = write!(out, "{}", local.format_with_items(items.iter()));
            }
            (Value::Datetime(moment), _) => {
                let local = moment.with_timezone(&self.locale.timezone);
                out.push_str(&local.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            }
            (Value::Number(number), Output::Number(format)) => render_number(*number, *format, out),
            (Value::Number(number), _) => render_number(*number, NumberOutput::default(), out),
            (Value::Uuid(id), _) => {
                let _ = write!(out, "{id}");
            }
            (Value::List(items), _) => self.render_list(items, out),
        }
    }

    fn render_list(&self, items: &[Value], out: &mut String) {
        let texts: Vec<String> = items
            .iter()
            .map(|item| {
                let mut text = String::new();
                self.render(item, &mut text);
                text
            })
            .collect();
        array::join(&texts, self.array.unwrap_or(Delimiter::Comma), out);
    }

    /// NULL is blank; for all types but `string`, and for lists, white space too.
    fn is_blank(&self, text: &str) -> bool {
        match (&self.input, self.array) {
            (Input::Text, None) => false,
            _ => {
                text.as_bytes().first().is_none_or(|first| !first.is_ascii_graphic())
                    && text.trim().is_empty()
            }
        }
    }

    fn scalar(&self, text: &str) -> Result<Parsed, Fault> {
        Ok(Parsed::plain(match &self.input {
            Input::Text => Value::Text(text.to_owned()),
            Input::Boolean(format) => Value::Boolean(parse_boolean(text, *format)?),
            Input::Date(format) => {
                let (day, warning) = parse_date(text, format, self.locale)?;
                return Ok(Parsed { value: Value::Date(day), warning });
            }
            Input::Datetime(format) => Value::Datetime(parse_datetime(text, format, self.locale)?),
            Input::Email => Value::Text(parse_email(text)?),
            Input::Number(format) => Value::Number(parse_number(text, *format)?),
            Input::Phone(format) => {
                let (number, warning) = parse_phone(text, *format)?;
                return Ok(Parsed { value: Value::Text(number), warning });
            }
            Input::Uuid => Value::Uuid(parse_uuid(text)?),
        }))
    }

    fn list(&self, text: &str, delimiter: Delimiter) -> Result<Parsed, Fault> {
        let mut items = Vec::new();
        let mut warning = None;
        array::split(text, delimiter, |item| {
            let parsed = self.scalar(&item).map_err(|fault| of_item(fault, items.len() + 1, &item))?;
            warning = warning.or(parsed.warning);
            items.push(parsed.value);
            Ok(())
        })?;
        Ok(Parsed { value: if items.is_empty() { Value::Null } else { Value::List(items) }, warning })
    }

    fn check_literal(&self, variable: &Variable) -> Result<Value> {
        let Some(text) = variable.value.as_deref() else {
            return Err(Error::invalid(format!(
                "Variable \"{}\" has neither data_source nor value: it needs a column or a literal.",
                variable.name
            )));
        };
        // A literal is a column of one row: `auto` has nothing else to look at.
        let observed = self.observer().map(|mut column| {
            column.observe(Some(text));
            column.decide()
        });
        observed.as_ref().unwrap_or(self).parse(Some(text)).map(|parsed| parsed.value).map_err(|fault| {
            Error::invalid(format!(
                "The literal value of variable \"{}\" does not fit: {}.",
                variable.name,
                fault.sentence(&variable.name, Some(text))
            ))
        })
    }

    pub(super) const fn delimiter(&self) -> Option<Delimiter> {
        self.array
    }

    pub(super) const fn precision(&self) -> Option<Precision> {
        match self.input {
            Input::Date(_) => Some(Precision::Day),
            Input::Datetime(_) => Some(Precision::Moment),
            _ => None,
        }
    }

    pub(super) const fn auto(&self) -> Option<&Auto> {
        match &self.input {
            Input::Date(DateFormat::Auto(auto)) | Input::Datetime(DateFormat::Auto(auto)) => Some(auto),
            _ => None,
        }
    }

    pub(super) const fn auto_mut(&mut self) -> Option<&mut Auto> {
        match &mut self.input {
            Input::Date(DateFormat::Auto(auto)) | Input::Datetime(DateFormat::Auto(auto)) => Some(auto),
            _ => None,
        }
    }
}

/// Reads a UUID in any of its usual writings; white space around it does not count.
pub fn parse_uuid(text: &str) -> Result<uuid::Uuid, Fault> {
    uuid::Uuid::parse_str(text.trim()).map_err(|_| {
        Fault::new(FaultCode::NotAUuid, "32 hexadecimal digits, such as 123e4567-e89b-12d3-a456-426614174000")
    })
}

fn of_item(fault: Fault, number: usize, item: &str) -> Fault {
    let reason = format!("has an item (number {number}, \"{}\") that {fault}", super::cut(item));
    fault.because(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variable::DataType;
    use crate::variable::tests::variable;

    fn parser(data_type: DataType, input_format: Option<&str>) -> Parser {
        Parser::compile(&variable(data_type, input_format), Locale::default()).unwrap()
    }

    #[test]
    fn strings_are_byte_identical_and_only_null_is_blank() {
        let text = parser(DataType::String, None);
        for cell in ["", " ", " a\tb ", "é"] {
            assert_eq!(text.parse(Some(cell)).unwrap().value, Value::Text(cell.to_owned()));
        }
        assert_eq!(text.parse(None).unwrap().value, Value::Null);
    }

    #[test]
    fn white_space_is_blank_for_every_other_type_and_required_rejects_it() {
        for data_type in DataType::ALL.into_iter().filter(|of| *of != DataType::String) {
            let mut wanted = variable(data_type, None);
            let optional = Parser::compile(&wanted, Locale::default()).unwrap();
            wanted.required = true;
            let required = Parser::compile(&wanted, Locale::default()).unwrap();
            for cell in [None, Some(""), Some(" \t\u{a0}")] {
                assert_eq!(optional.parse(cell).unwrap().value, Value::Null);
                assert_eq!(required.parse(cell), Err(Fault::required()));
            }
        }
    }

    #[test]
    fn each_type_says_in_its_own_code_that_a_cell_does_not_fit() {
        for (data_type, code) in [
            (DataType::Boolean, FaultCode::NotABoolean),
            (DataType::Date, FaultCode::NotADate),
            (DataType::Datetime, FaultCode::NotADate),
            (DataType::Email, FaultCode::NotAnEmail),
            (DataType::Number, FaultCode::NotANumber),
            (DataType::PhoneNumber, FaultCode::NotAPhoneNumber),
            (DataType::Uuid, FaultCode::NotAUuid),
        ] {
            let fault = parser(data_type, None).parse(Some("#!")).unwrap_err();
            assert_eq!(fault.code, code);
            assert!(!fault.expected.is_empty());
        }
    }

    #[test]
    fn values_are_written_by_the_output_format() {
        for (data_type, input, output, cell, want) in [
            (DataType::String, None, None, " x ", " x "),
            (DataType::Boolean, None, None, "YES", "true"),
            (DataType::Boolean, None, Some("yes_no"), "f", "no"),
            (DataType::Boolean, None, Some("on_off"), "1", "on"),
            (DataType::Date, Some("%m/%d/%Y"), None, "3/4/2026", "2026-03-04"),
            (DataType::Date, Some("%m/%d/%Y"), Some("%d.%m.%Y"), "3/4/2026", "04.03.2026"),
            (DataType::Datetime, Some("rfc3339"), None, "2026-07-04T10:00:00Z", "2026-07-04T12:00:00+02:00"),
            (
                DataType::Datetime,
                Some("rfc3339"),
                Some("%d.%m.%Y %H:%M"),
                "2026-07-04T10:00:00Z",
                "04.07.2026 12:00",
            ),
            (DataType::Number, None, None, "$1,234.50", "1234.50"),
            (DataType::Number, Some("plain"), Some("comma"), "1234.5", "1,234.5"),
            (DataType::Email, None, None, "Ada@Example.COM", "Ada@example.com"),
            (DataType::PhoneNumber, None, None, "+1 650 253 0000", "+16502530000"),
            (DataType::PhoneNumber, None, Some("international"), "+16502530000", "+1 650-253-0000"),
            (
                DataType::Uuid,
                None,
                None,
                "123E4567E89B12D3A456426614174000",
                "123e4567-e89b-12d3-a456-426614174000",
            ),
        ] {
            let mut wanted = variable(data_type, input);
            wanted.output_format = output.map(str::to_owned);
            let locale = Locale { timezone: Tz::Europe__Berlin, ..Locale::default() };
            let parser = Parser::compile(&wanted, locale).unwrap();
            let mut text = String::new();
            parser.render(&parser.parse(Some(cell)).unwrap().value, &mut text);
            assert_eq!(text, want, "{cell}");
        }
    }

    #[test]
    fn arrays_hold_checked_items() {
        let mut numbers = variable(DataType::Number, Some("plain"));
        (numbers.is_array, numbers.array_delimiter) = (true, Some("|".to_owned()));
        let parser = Parser::compile(&numbers, Locale::default()).unwrap();
        let parsed = parser.parse(Some("1| 2.5 ||")).unwrap().value;
        assert_eq!(parsed, Value::List(vec![Value::Number(1.into()), Value::Number("2.5".parse().unwrap())]));
        let mut text = String::new();
        parser.render(&parsed, &mut text);
        assert_eq!(text, "1|2.5");
        assert_eq!(parser.parse(Some(" | ")).unwrap().value, Value::Null);
        let fault = parser.parse(Some("1|x")).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotANumber);
        assert!(fault.to_string().contains("number 2, \"x\""), "{fault}");
    }

    #[test]
    fn literals_are_checked_when_compiled() {
        let literal = |data_type, format, value: &str| {
            let mut wanted = variable(data_type, format);
            (wanted.data_source, wanted.value) = (None, Some(value.to_owned()));
            Parser::compile(&wanted, Locale::default())
        };
        let parser = literal(DataType::Number, None, "5").unwrap();
        assert_eq!(parser.literal(), Some(&Value::Number(5.into())));
        let error = literal(DataType::Number, None, "five").unwrap_err();
        assert!(error.detail.contains("\"five\" is not a number"), "{error}");
        assert!(!literal(DataType::Date, None, "2026-03-04").unwrap().needs_column_pass());
        assert!(literal(DataType::Date, None, "03/04/2026").is_err());
        let mut nothing = variable(DataType::Number, None);
        nothing.data_source = None;
        let error = Parser::compile(&nothing, Locale::default()).unwrap_err();
        assert!(error.detail.contains("neither data_source nor value"), "{error}");
    }
}
