//! Suggestions: the narrowest type that reads every value of a column, and how sure that is.
//!
//! Here guessing is allowed, because a person sees the result before anything is loaded. A suggestion
//! always names an explicit format. Where a number or a date would lose or twist what the text says
//! (leading zeros, long numbers, dates with two readings), it is `string` with a note that says why.
//!
//! One exception to the order of types: `+16502530000` reads as a number, but a column in which every
//! value begins with `+` and can be a phone number is one of phone numbers.

use super::{
    DataType, Locale, Pattern,
    boolean::parse_boolean,
    cut,
    date::Precision,
    email::parse_email,
    format::{BooleanFormat, NumberFormat},
    number::parse_number,
    parser::parse_uuid,
    phone::{PhoneFormat, is_in_service, parse_phone},
};

/// How many different values are shown.
const SAMPLES: usize = 5;
/// A spreadsheet (and a decimal field) keeps this many digits of a number.
const MOST_DIGITS: usize = 15;
/// Patterns beside those of the catalogue that are unmistakable, or as common as theirs.
const MORE_DATES: [&str; 3] = ["%d %b %Y", "%b %d, %Y", "%d-%b-%Y"];
const MORE_DATETIMES: [&str; 3] = ["%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%d %b %Y %H:%M"];

/// What a column could be loaded as.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The type.
    pub data_type: DataType,
    /// The format; `None` for types without one.
    pub input_format: Option<String>,
    /// No value is blank.
    pub required: bool,
    /// From 0 (no values seen) to 1; two decimals.
    pub confidence: f64,
    /// The first few different values, each cut at 200 characters.
    pub sample_values: Vec<String>,
    /// What a person should know before accepting it.
    pub note: Option<String>,
}

/// Reads a column value by value and drops what does not fit.
#[derive(Debug, Clone)]
pub struct Suggester {
    locale: Locale,
    values: u64,
    blanks: u64,
    samples: Vec<String>,
    booleans: Vec<BooleanFormat>,
    uuid: bool,
    email: bool,
    dates: Vec<Pattern>,
    datetimes: Vec<Pattern>,
    numbers: Vec<NumberFormat>,
    /// Some number has a dot or a comma, which formats read differently.
    separated: bool,
    /// Values that would lose something as a number.
    leading_zeros: Option<String>,
    long: Option<String>,
    phone: bool,
    /// Every value so far is `+` and digits, or at least begins with `+`.
    e164: bool,
    international: bool,
}

impl Suggester {
    /// Everything is possible until a value is seen.
    #[must_use]
    pub fn new(locale: Locale) -> Self {
        let patterns = |precision, more: [&str; 3]| {
            let mut patterns = super::auto::candidates(precision);
            patterns.extend(more.iter().filter_map(|pattern| Pattern::compile(pattern).ok()));
            patterns
        };
        Self {
            locale,
            values: 0,
            blanks: 0,
            samples: Vec::new(),
            booleans: BooleanFormat::ALL.to_vec(),
            uuid: true,
            email: true,
            dates: patterns(Precision::Day, MORE_DATES),
            datetimes: patterns(Precision::Moment, MORE_DATETIMES),
            numbers: NumberFormat::ALL.to_vec(),
            separated: false,
            leading_zeros: None,
            long: None,
            phone: true,
            e164: true,
            international: true,
        }
    }

    /// Looks at one cell of the column.
    pub fn observe(&mut self, cell: Option<&str>) {
        let text = cell.unwrap_or_default().trim();
        if text.is_empty() {
            self.blanks += 1;
            return;
        }
        self.values += 1;
        self.sample(text);
        self.booleans.retain(|format| parse_boolean(text, *format).is_ok());
        self.uuid = self.uuid && parse_uuid(text).is_ok();
        self.email = self.email && parse_email(text).is_ok();
        self.dates.retain(|pattern| pattern.read(text, false).is_some());
        self.datetimes.retain(|pattern| pattern.read(text, false).is_some());
        self.observe_number(text);
        self.observe_phone(text);
    }

    fn sample(&mut self, text: &str) {
        let text = cut(text);
        if self.samples.len() < SAMPLES && !self.samples.iter().any(|sample| sample == text) {
            self.samples.push(text.to_owned());
        }
    }

    fn observe_number(&mut self, text: &str) {
        self.numbers.retain(|format| parse_number(text, *format).is_ok());
        if self.numbers.is_empty() {
            return;
        }
        self.separated |= text.contains(['.', ',']);
        let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let leading_zero = matches!(digits.as_bytes(), [b'0', b'0'..=b'9', ..]);
        if leading_zero && self.leading_zeros.is_none() {
            self.leading_zeros = Some(cut(text).to_owned());
        }
        let significant =
            digits.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
        if significant > MOST_DIGITS && self.long.is_none() {
            self.long = Some(cut(text).to_owned());
        }
    }

    fn observe_phone(&mut self, text: &str) {
        if !self.phone {
            return;
        }
        let has_plus = text.starts_with('+');
        let region = self.locale.phone_region;
        // Any ten digits are possible somewhere: without a `+` the number must be one that exists.
        self.phone = parse_phone(text, PhoneFormat::Region(region)).is_ok()
            && (has_plus || is_in_service(text, region));
        self.international &= has_plus;
        self.e164 &= parse_phone(text, PhoneFormat::E164).is_ok();
    }

    /// The suggestion for the values that were observed.
    #[must_use]
    pub fn finish(self) -> Suggestion {
        let (data_type, input_format, note, doubtful) = self.narrowest();
        Suggestion {
            data_type,
            input_format,
            required: self.values > 0 && self.blanks == 0,
            confidence: confidence(self.values, doubtful),
            note,
            sample_values: self.samples,
        }
    }

    /// Type, format, note, and whether a person should look twice.
    fn narrowest(&self) -> (DataType, Option<String>, Option<String>, bool) {
        let plain = |data_type| (data_type, None, None, false);
        if self.values == 0 {
            return (DataType::String, None, Some("The column has no values.".to_owned()), true);
        }
        if let Some(boolean) = self.boolean() {
            return boolean;
        }
        if self.uuid {
            return plain(DataType::Uuid);
        }
        if self.email {
            return plain(DataType::Email);
        }
        for (data_type, patterns) in [(DataType::Date, &self.dates), (DataType::Datetime, &self.datetimes)] {
            match patterns.as_slice() {
                [] => {}
                [one] => return (data_type, Some(one.as_str().to_owned()), None, false),
                several => return (DataType::String, None, Some(two_readings(several)), true),
            }
        }
        let is_phone = self.phone && self.international;
        if !self.numbers.is_empty() && !is_phone {
            return self.number();
        }
        if self.phone {
            return (DataType::PhoneNumber, Some(self.phone_format()), None, false);
        }
        plain(DataType::String)
    }

    fn boolean(&self) -> Option<(DataType, Option<String>, Option<String>, bool)> {
        // `auto` fits whenever a narrower one does: it is listed first and taken last.
        let format = self.booleans.last()?;
        let is_number = *format == BooleanFormat::OneZero;
        let note = is_number.then(|| "Only 0 and 1: this may be a number instead.".to_owned());
        Some((DataType::Boolean, Some(format.as_str().to_owned()), note, is_number))
    }

    fn number(&self) -> (DataType, Option<String>, Option<String>, bool) {
        let lossy = |why: String| (DataType::String, None, Some(why), false);
        if let Some(text) = &self.leading_zeros {
            return lossy(format!("Leading zeros (\"{text}\") would be lost in a number."));
        }
        if let Some(text) = &self.long {
            return lossy(format!(
                "Numbers of more than {MOST_DIGITS} digits (\"{text}\") would lose digits elsewhere."
            ));
        }
        let order = [
            NumberFormat::Plain,
            NumberFormat::CommaThousands,
            NumberFormat::DotThousands,
            NumberFormat::SpaceThousands,
        ];
        let format = order.into_iter().find(|format| self.numbers.contains(format)).unwrap_or_default();
        let by_point = matches!(format, NumberFormat::Plain | NumberFormat::CommaThousands);
        let by_comma = [NumberFormat::DotThousands, NumberFormat::SpaceThousands];
        let rival = by_comma
            .into_iter()
            .find(|rival| by_point && self.separated && self.numbers.contains(rival))
            .map(NumberFormat::as_str);
        let note = rival.map(|rival| {
            format!(
                "Every value also reads as {rival}, where comma and dot have other meanings. Check one value."
            )
        });
        let doubtful = note.is_some();
        (DataType::Number, Some(format.as_str().to_owned()), note, doubtful)
    }

    fn phone_format(&self) -> String {
        match self.locale.phone_region {
            _ if self.e164 => "e164".to_owned(),
            Some(region) if !self.international => format!("region:{region}"),
            _ => "auto".to_owned(),
        }
    }
}

fn two_readings(patterns: &[Pattern]) -> String {
    let names: Vec<_> = patterns.iter().map(Pattern::as_str).collect();
    format!("Dates with more than one reading: every value fits {}. Choose one.", names.join(" and "))
}

/// Each value that fits makes chance less likely: 1 value 0.33, 10 values 0.83, 100 values 0.98.
fn confidence(values: u64, doubtful: bool) -> f64 {
    let values = values as f64;
    let sure = values / (values + 2.0);
    let sure = if doubtful { sure / 2.0 } else { sure };
    (sure * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggest(cells: &[&str]) -> Suggestion {
        let locale = Locale { phone_region: "US".parse().ok(), ..Locale::default() };
        let mut column = Suggester::new(locale);
        for cell in cells {
            column.observe(Some(cell));
        }
        column.finish()
    }

    #[test]
    fn the_narrowest_type_that_reads_every_value_is_suggested_with_its_format() {
        for (cells, data_type, format) in [
            (&["yes", "No"][..], DataType::Boolean, Some("yes_no")),
            (&["yes", "true"], DataType::Boolean, Some("auto")),
            (&["1", "0"], DataType::Boolean, Some("one_zero")),
            (&["123e4567-e89b-12d3-a456-426614174000"], DataType::Uuid, None),
            (&["ada@example.com", " bob@example.org "], DataType::Email, None),
            (&["2026-03-04", "2026-03-05"], DataType::Date, Some("%Y-%m-%d")),
            (&["03/04/2026", "03/31/2026"], DataType::Date, Some("%m/%d/%Y")),
            (&["04.03.2026", "31.03.2026"], DataType::Date, Some("%d.%m.%Y")),
            (&["04 Mar 2026"], DataType::Date, Some("%d %b %Y")),
            (&["2026-03-04T10:00:00Z", "2026-03-04T10:00:00+01:00"], DataType::Datetime, Some("rfc3339")),
            (&["2026-03-04 10:00", "2026-03-04 10:00:30"], DataType::Datetime, Some("%Y-%m-%d %H:%M[:%S]")),
            (&["3/31/2026 3:05 PM"], DataType::Datetime, Some("%m/%d/%Y %I:%M %p")),
            (&["1", "2.5", "-3", "0.5"], DataType::Number, Some("plain")),
            (&["1,234.56", "7"], DataType::Number, Some("comma_thousands")),
            (&["1.234,56", "7"], DataType::Number, Some("dot_thousands")),
            (&["1 234,56", "7"], DataType::Number, Some("space_thousands")),
            (&["$5", "(1.50)"], DataType::Number, Some("auto")),
            (&["46085", "46086"], DataType::Number, Some("plain")),
            (&["+16502530000", "+4930123456"], DataType::PhoneNumber, Some("e164")),
            (&["+1 650 253 0000"], DataType::PhoneNumber, Some("auto")),
            (&["(650) 253-0000", "650-253-0001"], DataType::PhoneNumber, Some("region:US")),
            (&["ada", "2"], DataType::String, None),
            (&["2026-03-04", "2026-03-04 10:00"], DataType::String, None),
            (&["123-456-7890"], DataType::String, None),
        ] {
            let got = suggest(cells);
            assert_eq!((got.data_type, got.input_format.as_deref()), (data_type, format), "{cells:?}");
        }
    }

    #[test]
    fn what_would_lose_something_is_a_string_with_a_note() {
        for (cells, note) in [
            (&["00123", "124"][..], "Leading zeros (\"00123\")"),
            (&["1234567890123456"], "more than 15 digits (\"1234567890123456\")"),
            (&["03/04/2026", "05/06/2026"], "%m/%d/%Y and %d/%m/%Y"),
            (&["03/04/2026 10:00"], "%m/%d/%Y %H:%M and %d/%m/%Y %H:%M"),
            (&["", " "], "no values"),
        ] {
            let got = suggest(cells);
            assert_eq!((got.data_type, got.input_format), (DataType::String, None), "{cells:?}");
            assert!(got.note.as_deref().unwrap_or_default().contains(note), "{:?}", got.note);
        }
        assert_eq!(suggest(&["0", "0.5", "123456789012345"]).data_type, DataType::Number);
    }

    #[test]
    fn numbers_with_two_readings_are_doubted() {
        let got = suggest(&["1.234", "5.678"]);
        assert_eq!(got.input_format.as_deref(), Some("plain"));
        assert!(got.note.is_some() && got.confidence < 0.5);
        assert_eq!(suggest(&["1.234", "5.67"]).note, None);
        let got = suggest(&["1,234"]);
        assert_eq!(got.input_format.as_deref(), Some("comma_thousands"));
        assert!(got.note.is_some());
    }

    #[test]
    fn required_means_no_blank_and_confidence_grows_with_values() {
        assert!(suggest(&["1", "5"]).required);
        assert!(!suggest(&["1", " ", "5"]).required);
        assert!(!suggest(&[]).required);
        assert!(suggest(&[]).confidence == 0.0);
        assert!(suggest(&["a"; 100]).confidence > suggest(&["a"; 10]).confidence);
    }

    #[test]
    fn samples_are_few_different_and_short() {
        let long = "x".repeat(300);
        let got = suggest(&["a", "a", "b", &long, "c", "d", "e"]);
        assert_eq!(got.sample_values, ["a", "b", &long[..200], "c", "d"]);
    }
}
