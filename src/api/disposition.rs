//! What a download is called.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 8187 leaves these as they are.
const REST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The value of `Content-Disposition`. `filename` comes last and is plain, as existing clients read it; a name with
/// other letters is told besides.
pub fn attachment(name: &str) -> String {
    let plain = plain(name);
    if name.is_ascii() {
        return format!("attachment; filename=\"{plain}\"");
    }
    format!("attachment; filename*=UTF-8''{}; filename=\"{plain}\"", utf8_percent_encode(name, REST))
}

/// A name that is safe on any disk and between quotes. A semicolon would end it for existing clients.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '/' | '\\' | '"' | ';' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_told_whole_besides() {
        for (name, expected) in [
            ("orders.csv", "attachment; filename=\"orders.csv\""),
            ("a/b\\c\"d;e\0f\r\ng.csv", "attachment; filename=\"a_b_c_d_e_f__g.csv\""),
            ("ü ~.csv", "attachment; filename*=UTF-8''%C3%BC%20~.csv; filename=\"_ ~.csv\""),
        ] {
            assert_eq!(attachment(name), expected);
        }
    }
}
