//! The formats of each type: what is checked when a variable is saved is what the metadata prints.

use serde::Serialize;
use utoipa::ToSchema;

use super::{DataType, phone};

/// One legal value of a setting, with the words that a person sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Choice {
    /// As it is sent.
    pub value: String,
    /// As it is shown.
    pub label: String,
}

impl Choice {
    fn new(value: &str, label: &str) -> Self {
        Self { value: value.to_owned(), label: label.to_owned() }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every format, the default first.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word as the API spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the API's word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|format| format.as_str() == word)
            }

            fn choices() -> Vec<Choice> {
                vec![$(Choice::new($word, $label)),+]
            }
        }
    };
}

words! {
    /// How a boolean is read.
    BooleanFormat {
        /// The words of every other format.
        #[default]
        Auto = "auto", "Any of these";
        /// `true`, `false`
        TrueFalse = "true_false", "true / false";
        /// `yes`, `no`
        YesNo = "yes_no", "yes / no";
        /// `on`, `off`
        OnOff = "on_off", "on / off";
        /// `1`, `0`
        OneZero = "one_zero", "1 / 0";
        /// `t`, `f`
        TF = "t_f", "t / f";
        /// `checked`, `unchecked`
        CheckedUnchecked = "checked_unchecked", "checked / unchecked";
    }
}

words! {
    /// How a boolean is written.
    BooleanOutput {
        /// `true`, `false`
        #[default]
        TrueFalse = "true_false", "true / false";
        /// `yes`, `no`
        YesNo = "yes_no", "yes / no";
        /// `on`, `off`
        OnOff = "on_off", "on / off";
    }
}

words! {
    /// How a number is read.
    NumberFormat {
        /// Sign or parentheses, one currency sign, digits with or without groups, a decimal point.
        #[default]
        Auto = "auto", "1,234.56 with sign, currency sign or parentheses";
        /// Digits and a decimal point.
        Plain = "plain", "1234.56";
        /// Groups of three by commas.
        CommaThousands = "comma_thousands", "1,234.56";
        /// Groups of three by dots, a decimal comma.
        DotThousands = "dot_thousands", "1.234,56";
        /// Groups of three by spaces, a decimal comma.
        SpaceThousands = "space_thousands", "1 234,56";
    }
}

words! {
    /// How a number is written.
    NumberOutput {
        /// `1234.56`
        #[default]
        NoComma = "no_comma", "1234.56";
        /// `1,234.56`
        Comma = "comma", "1,234.56";
    }
}

words! {
    /// How a phone number is written.
    PhoneOutput {
        /// `+16502530000`
        #[default]
        E164 = "e164", "+16502530000";
        /// `(650) 253-0000`
        National = "national", "(650) 253-0000";
        /// `+1 650-253-0000`
        International = "international", "+1 650-253-0000";
    }
}

/// The date patterns of the catalogue, ISO first, and how they look.
pub const DATE_PATTERNS: [(&str, &str); 9] = [
    ("%Y-%m-%d", "YYYY-MM-DD"),
    ("%m/%d/%Y", "MM/DD/YYYY"),
    ("%m-%d-%Y", "MM-DD-YYYY"),
    ("%m.%d.%Y", "MM.DD.YYYY"),
    ("%d/%m/%Y", "DD/MM/YYYY"),
    ("%d-%m-%Y", "DD-MM-YYYY"),
    ("%d.%m.%Y", "DD.MM.YYYY"),
    ("%Y/%m/%d", "YYYY/MM/DD"),
    ("%Y.%m.%d", "YYYY.MM.DD"),
];

/// The times of day that follow a date pattern, and how they look.
pub const TIME_PATTERNS: [(&str, &str); 3] =
    [("%H:%M", "HH:MM"), ("%H:%M:%S", "HH:MM:SS"), ("%I:%M %p", "HH:MM AM/PM")];

/// The word for RFC 3339 moments.
pub const RFC3339: &str = "rfc3339";
/// ISO with a blank (or `T`) in the middle and seconds that may be missing.
pub const ISO_DATETIME: &str = "%Y-%m-%d %H:%M[:%S]";

fn datetime_patterns() -> impl Iterator<Item = Choice> {
    DATE_PATTERNS.into_iter().flat_map(|(date, date_label)| {
        TIME_PATTERNS.into_iter().map(move |(time, time_label)| {
            Choice::new(&format!("{date} {time}"), &format!("{date_label} {time_label}"))
        })
    })
}

fn date_inputs() -> Vec<Choice> {
    let mut choices = vec![
        Choice::new("auto", "Detect in the column"),
        Choice::new("auto_us", "Detect, month before day"),
        Choice::new("auto_eu", "Detect, day before month"),
    ];
    choices.extend(date_outputs());
    choices.push(Choice::new("excel_epoch", "Days since 1899-12-30"));
    choices.push(Choice::new("unix_epoch", "Seconds since 1970-01-01"));
    choices
}

fn date_outputs() -> Vec<Choice> {
    DATE_PATTERNS.into_iter().map(|(pattern, label)| Choice::new(pattern, label)).collect()
}

fn datetime_inputs() -> Vec<Choice> {
    let mut choices = vec![
        Choice::new("auto", "Detect in the column"),
        Choice::new("auto_us", "Detect, month before day"),
        Choice::new("auto_eu", "Detect, day before month"),
        Choice::new(RFC3339, "RFC 3339"),
        Choice::new(ISO_DATETIME, "YYYY-MM-DD HH:MM[:SS]"),
    ];
    choices.extend(datetime_patterns());
    choices.push(Choice::new("excel_epoch", "Days since 1899-12-30"));
    choices.push(Choice::new("unix_epoch", "Seconds since 1970-01-01"));
    choices.push(Choice::new("unix_epoch_ms", "Milliseconds since 1970-01-01"));
    choices
}

fn datetime_outputs() -> Vec<Choice> {
    std::iter::once(Choice::new(RFC3339, "RFC 3339")).chain(datetime_patterns()).collect()
}

fn phone_inputs() -> Vec<Choice> {
    let mut choices = vec![
        Choice::new("auto", "International, or of the workspace's region"),
        Choice::new("e164", "+16502530000"),
    ];
    choices.extend(
        phone::regions().map(|region| Choice::new(&format!("region:{region}"), &format!("Region {region}"))),
    );
    choices
}

impl DataType {
    /// Every type, in the order that the metadata lists them.
    pub const ALL: [Self; 8] = [
        Self::String,
        Self::Boolean,
        Self::Date,
        Self::Datetime,
        Self::Number,
        Self::Email,
        Self::PhoneNumber,
        Self::Uuid,
    ];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Email => "email",
            Self::Number => "number",
            Self::PhoneNumber => "phone_number",
            Self::Uuid => "uuid",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|data_type| data_type.as_str() == word)
    }

    /// Whether a variable of this type may be an array.
    #[must_use]
    pub const fn takes_arrays(self) -> bool {
        !matches!(self, Self::Boolean)
    }

    /// The named input formats, the default first. Dates and datetimes take any strftime pattern
    /// besides; a type with an empty list takes no format.
    #[must_use]
    pub fn input_formats(self) -> Vec<Choice> {
        match self {
            Self::String | Self::Email | Self::Uuid => Vec::new(),
            Self::Boolean => BooleanFormat::choices(),
            Self::Date => date_inputs(),
            Self::Datetime => datetime_inputs(),
            Self::Number => NumberFormat::choices(),
            Self::PhoneNumber => phone_inputs(),
        }
    }

    /// The named output formats, the default first; the same holds for patterns.
    #[must_use]
    pub fn output_formats(self) -> Vec<Choice> {
        match self {
            Self::String | Self::Email | Self::Uuid => Vec::new(),
            Self::Boolean => BooleanOutput::choices(),
            Self::Date => date_outputs(),
            Self::Datetime => datetime_outputs(),
            Self::Number => NumberOutput::choices(),
            Self::PhoneNumber => PhoneOutput::choices(),
        }
    }
}
