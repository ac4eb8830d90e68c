//! True and false, in the words that exports use.

use super::{
    fault::{Fault, FaultCode},
    format::{BooleanFormat, BooleanOutput},
};

/// The word pairs, in the order of [`BooleanFormat`] without `auto`: true, then false.
const WORDS: [(BooleanFormat, &str, &str); 6] = [
    (BooleanFormat::TrueFalse, "true", "false"),
    (BooleanFormat::YesNo, "yes", "no"),
    (BooleanFormat::OnOff, "on", "off"),
    (BooleanFormat::OneZero, "1", "0"),
    (BooleanFormat::TF, "t", "f"),
    (BooleanFormat::CheckedUnchecked, "checked", "unchecked"),
];

/// Reads one value; letter case and white space around it don't count. `auto` takes the words of every
/// format: no word has two meanings.
pub fn parse_boolean(text: &str, format: BooleanFormat) -> Result<bool, Fault> {
    let text = text.trim();
    for (of, yes, no) in WORDS {
        if format != BooleanFormat::Auto && format != of {
            continue;
        }
        if text.eq_ignore_ascii_case(yes) {
            return Ok(true);
        }
        if text.eq_ignore_ascii_case(no) {
            return Ok(false);
        }
    }
    Err(Fault::new(FaultCode::NotABoolean, expected(format)))
}

const fn expected(format: BooleanFormat) -> &'static str {
    match format {
        BooleanFormat::Auto => "true/false, yes/no, on/off, 1/0, t/f or checked/unchecked",
        BooleanFormat::TrueFalse => "true or false",
        BooleanFormat::YesNo => "yes or no",
        BooleanFormat::OnOff => "on or off",
        BooleanFormat::OneZero => "1 or 0",
        BooleanFormat::TF => "t or f",
        BooleanFormat::CheckedUnchecked => "checked or unchecked",
    }
}

/// The word for a value.
#[must_use]
pub const fn render_boolean(value: bool, format: BooleanOutput) -> &'static str {
    match (format, value) {
        (BooleanOutput::TrueFalse, true) => "true",
        (BooleanOutput::TrueFalse, false) => "false",
        (BooleanOutput::YesNo, true) => "yes",
        (BooleanOutput::YesNo, false) => "no",
        (BooleanOutput::OnOff, true) => "on",
        (BooleanOutput::OnOff, false) => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_reads_its_own_words_in_any_case_and_no_others() {
        for (format, yes, no) in WORDS {
            for (other, ..) in WORDS {
                let fits = other == format;
                assert_eq!(parse_boolean(&yes.to_uppercase(), other).ok(), fits.then_some(true), "{yes}");
                assert_eq!(parse_boolean(&format!(" {no} "), other).ok(), fits.then_some(false), "{no}");
            }
            assert_eq!(parse_boolean(yes, BooleanFormat::Auto), Ok(true));
            assert_eq!(parse_boolean(no, BooleanFormat::Auto), Ok(false));
        }
    }

    #[test]
    fn anything_else_is_an_error_that_names_the_words() {
        for text in ["y", "n", "2", "maybe", "wahr", "yesno"] {
            let fault = parse_boolean(text, BooleanFormat::Auto).unwrap_err();
            assert_eq!(fault.code, FaultCode::NotABoolean, "{text}");
            assert!(fault.expected.contains("checked/unchecked"));
        }
    }
}
