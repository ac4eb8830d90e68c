//! The connector's `input_options`, checked: each is one thing, or an error that names it.

use super::{encoding::Encoding, error::InputError};
use crate::connector::InputOptions;

/// The options in the reader's terms; `None`: the file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    pub encoding: Option<Encoding>,
    pub delimiter: Option<u8>,
    pub quote: u8,
    pub header_row: u32,
}

/// Whether a reader would take these options; what a connector's PATCH asks before it saves them.
///
/// # Errors
/// [`InputError::Option`] for the first that it would not take.
pub fn check_options(options: &InputOptions) -> Result<(), InputError> {
    declared(options).map(|_| ())
}

pub(super) fn declared(options: &InputOptions) -> Result<Declared, InputError> {
    let encoding = options.encoding.as_deref().map(encoding).transpose()?;
    let delimiter = options.delimiter.as_deref().map(|d| byte("delimiter", d)).transpose()?;
    let quote = options.quote.as_deref().map_or(Ok(b'"'), |q| byte("quote", q))?;
    if delimiter == Some(quote) {
        let value = char::from(quote).to_string();
        return Err(InputError::Option {
            key: "delimiter",
            value,
            expected: "another character than the quote",
        });
    }
    let header_row = options.header_row.unwrap_or(1);
    if header_row == 0 {
        let expected = "the line of the header, counted from 1";
        return Err(InputError::Option { key: "header_row", value: "0".to_owned(), expected });
    }
    Ok(Declared { encoding, delimiter, quote, header_row })
}

fn encoding(label: &str) -> Result<Encoding, InputError> {
    Encoding::for_label(label).ok_or_else(|| InputError::Option {
        key: "encoding",
        value: label.to_owned(),
        expected: "the name of an encoding, such as utf-8, windows-1252 or shift_jis",
    })
}

fn byte(key: &'static str, value: &str) -> Result<u8, InputError> {
    match value.as_bytes() {
        // A line end would end records, NULs are removed before anything looks at them.
        [b] if b.is_ascii() && !matches!(b, b'\r' | b'\n' | 0) => Ok(*b),
        _ => Err(InputError::Option {
            key,
            value: value.to_owned(),
            expected: "one ASCII character that is no line end",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &InputOptions) -> String {
        check_options(options).unwrap_err().to_string()
    }

    #[test]
    fn defaults_leave_encoding_and_delimiter_to_the_file() {
        let got = declared(&InputOptions::default()).unwrap();
        assert_eq!(got, Declared { encoding: None, delimiter: None, quote: b'"', header_row: 1 });
    }

    #[test]
    fn each_option_is_refused_by_name() {
        let base = InputOptions::default;
        let text = |s: &str| Some(s.to_owned());
        for (options, sentence) in [
            (
                InputOptions { encoding: text("ebcdic"), ..base() },
                "input_options.encoding is \"ebcdic\", expected the name of an encoding, such as utf-8, windows-1252 or \
                 shift_jis.",
            ),
            (
                InputOptions { delimiter: text("||"), ..base() },
                "input_options.delimiter is \"||\", expected one ASCII character that is no line end.",
            ),
            (
                InputOptions { delimiter: text("\n"), ..base() },
                "input_options.delimiter is \"\\n\", expected one ASCII character that is no line end.",
            ),
            (
                InputOptions { quote: text("„"), ..base() },
                "input_options.quote is \"„\", expected one ASCII character that is no line end.",
            ),
            (
                InputOptions { delimiter: text("'"), quote: text("'"), ..base() },
                "input_options.delimiter is \"'\", expected another character than the quote.",
            ),
            (
                InputOptions { header_row: Some(0), ..base() },
                "input_options.header_row is \"0\", expected the line of the header, counted from 1.",
            ),
        ] {
            assert_eq!(refused(&options), sentence);
        }
    }
}
