//! Bytes as hexadecimal digits.

/// Two digits for each byte, in lower case.
#[must_use]
pub fn written(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of pairs of digits, in upper or lower case; `None`: it is something else.
#[must_use]
pub fn read(text: &str) -> Option<Vec<u8>> {
    // A sign would count as a digit.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = [0, 9, 10, 0xa0, 0xff];
        assert_eq!(written(&bytes), "00090aa0ff");
        assert_eq!(read("00090Aa0fF").as_deref(), Some(&bytes[..]));
        assert_eq!((written(&[]).as_str(), read("")), ("", Some(Vec::new())));
    }

    #[test]
    fn nothing_else_is_read() {
        for text in ["0", "abc", "0g", "+1", "é", "00 0", "0x00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
