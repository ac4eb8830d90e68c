//! What can be wrong with one value: facts in [`Fault`], a sentence at the edge.

use std::{borrow::Cow, fmt};

/// How many characters of a value are quoted in a message.
const QUOTED_CHARACTERS: usize = 200;

/// Why a row is rejected. The word is part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultCode {
    /// Not a number in the declared format.
    NotANumber,
    /// Not a date or moment in the declared format, or one that does not exist.
    NotADate,
    /// A date with two readings, or a local time that exists twice.
    AmbiguousDate,
    /// None of the words of the declared format.
    NotABoolean,
    /// Not an e-mail address.
    NotAnEmail,
    /// Not a phone number.
    NotAPhoneNumber,
    /// Not a UUID.
    NotAUuid,
    /// An array value that is not wrapped or quoted as its delimiter says.
    NotAList,
    /// Blank, and must not be.
    Required,
    /// More characters than the field takes.
    TooLong,
    /// Well written, but larger or smaller than what can be kept.
    OutOfRange,
}

impl FaultCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::NotANumber,
        Self::NotADate,
        Self::AmbiguousDate,
        Self::NotABoolean,
        Self::NotAnEmail,
        Self::NotAPhoneNumber,
        Self::NotAUuid,
        Self::NotAList,
        Self::Required,
        Self::TooLong,
        Self::OutOfRange,
    ];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::NotADate => "not_a_date",
            Self::AmbiguousDate => "ambiguous_date",
            Self::NotABoolean => "not_a_boolean",
            Self::NotAnEmail => "not_an_email",
            Self::NotAPhoneNumber => "not_a_phone_number",
            Self::NotAUuid => "not_a_uuid",
            Self::NotAList => "not_a_list",
            Self::Required => "required",
            Self::TooLong => "too_long",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// What is wrong, as the end of a sentence that began with the value.
    const fn predicate(self) -> &'static str {
        match self {
            Self::NotANumber => "is not a number",
            Self::NotADate => "is not a date",
            Self::AmbiguousDate => "has two readings",
            Self::NotABoolean => "is neither true nor false",
            Self::NotAnEmail => "is not an e-mail address",
            Self::NotAPhoneNumber => "is not a phone number",
            Self::NotAUuid => "is not a UUID",
            Self::NotAList => "is not a list",
            Self::Required => "is required",
            Self::TooLong => "is too long",
            Self::OutOfRange => "is out of range",
        }
    }
}

/// One value that does not fit its variable. The value itself is the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub code: FaultCode,
    /// What would have been right.
    pub expected: Cow<'static, str>,
    /// What exactly is wrong, as the end of a sentence that began with the value, where the kind does
    /// not say it all.
    pub reason: Option<Cow<'static, str>>,
}

impl Fault {
    /// A value that is not what was expected.
    pub fn new(code: FaultCode, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { code, expected: expected.into(), reason: None }
    }

    /// A blank value of a required variable.
    #[must_use]
    pub const fn required() -> Self {
        Self { code: FaultCode::Required, expected: Cow::Borrowed("a value"), reason: None }
    }

    /// Says what exactly is wrong.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The sentence for a person. `name` is the variable's (or the field's), `value` what was found.
    #[must_use]
    pub fn sentence(&self, name: &str, value: Option<&str>) -> String {
        if self.code == FaultCode::Required {
            return format!("{name} is required");
        }
        let value = cut(value.unwrap_or_default());
        let what = self.reason.as_deref().unwrap_or(self.code.predicate());
        if self.expected.is_empty() {
            return format!("{name}: \"{value}\" {what}");
        }
        format!("{name}: \"{value}\" {what}; expected {}", self.expected)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.as_deref().unwrap_or(self.code.predicate()))
    }
}

/// What is odd about a value that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Warning {
    /// A date came with a time of day.
    TimeDropped,
    /// A phone number came with an extension, which E.164 can't hold.
    ExtensionDropped,
}

impl Warning {
    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimeDropped => "time_dropped",
            Self::ExtensionDropped => "extension_dropped",
        }
    }

    /// The sentence for a person.
    #[must_use]
    pub fn sentence(self, name: &str, value: &str) -> String {
        let value = cut(value);
        match self {
            Self::TimeDropped => format!("{name}: the time part of \"{value}\" was dropped"),
            Self::ExtensionDropped => format!("{name}: the extension of \"{value}\" was dropped"),
        }
    }
}

/// The value as it is quoted in messages: its first 200 characters.
#[must_use]
pub fn cut(value: &str) -> &str {
    // A character has at least one byte: a short value needs no counting.
    if value.len() <= QUOTED_CHARACTERS {
        return value;
    }
    value.char_indices().nth(QUOTED_CHARACTERS).map_or(value, |(end, _)| &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_at_200_characters_not_bytes() {
        assert_eq!(cut("short"), "short");
        let exact = "é".repeat(200);
        assert_eq!(cut(&exact), exact);
        assert_eq!(cut(&format!("{exact}x")), exact);
    }

    #[test]
    fn sentences_name_the_variable_the_value_and_what_was_expected() {
        let fault = Fault::new(FaultCode::NotANumber, "digits");
        assert_eq!(fault.sentence("price", Some("abc")), "price: \"abc\" is not a number; expected digits");
        let fault = Fault::new(FaultCode::NotADate, "").because("does not exist");
        assert_eq!(fault.sentence("day", Some("x")), "day: \"x\" does not exist");
        assert_eq!(Fault::required().sentence("email", None), "email is required");
    }

    #[test]
    fn codes_are_the_words_of_the_specification() {
        let words: Vec<_> = FaultCode::ALL.into_iter().map(FaultCode::as_str).collect();
        assert_eq!(
            words,
            [
                "not_a_number",
                "not_a_date",
                "ambiguous_date",
                "not_a_boolean",
                "not_an_email",
                "not_a_phone_number",
                "not_a_uuid",
                "not_a_list",
                "required",
                "too_long",
                "out_of_range",
            ]
        );
    }
}
