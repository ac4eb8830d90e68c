//! The two encodings: which one a file has, and its cells as text.

use std::{borrow::Cow, fmt, io::Read};

use super::{chunk::read_some, detect::SAMPLE_BYTES, error::InputError};
use crate::cancel::CancelToken;

/// How a file's text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// Windows-1252, as the web defines it: all 256 bytes are characters.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Encoding {
    /// The name that a run reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// By any of the labels that the web knows it by (`latin1` is one of Windows-1252's).
    pub(super) fn for_label(label: &str) -> Option<Self> {
        let known = encoding_rs::Encoding::for_label(label.as_bytes())?;
        match () {
            () if known == encoding_rs::UTF_8 => Some(Self::Utf8),
            () if known == encoding_rs::WINDOWS_1252 => Some(Self::Windows1252),
            () => None,
        }
    }

    /// `text` in this encoding: what writes a file back in the encoding that it came in. Characters that
    /// Windows-1252 does not have become `&#…;`.
    #[must_use]
    pub fn encode(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            Self::Utf8 => Cow::Borrowed(text.as_bytes()),
            Self::Windows1252 => encoding_rs::WINDOWS_1252.encode(text).0,
        }
    }

    /// `bytes` in this encoding as text, undecodable ones replaced: what a reader made of them.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Windows1252 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
        }
    }

    /// All of `cells` when each is text as it stands: what nearly every record of nearly every file is.
    pub(super) fn whole<'a>(self, cells: &'a [u8], ends: &[usize]) -> Option<&'a str> {
        if self == Self::Windows1252 && !cells.is_ascii() {
            return None;
        }
        let text = std::str::from_utf8(cells).ok()?;
        // Two halves of a character in neighbouring cells are valid together, and two errors.
        ends.iter().all(|end| text.is_char_boundary(*end)).then_some(text)
    }

    /// Appends one cell's text; the answer is how many bytes had to be replaced.
    pub(super) fn append(self, cell: &[u8], text: &mut String) -> u64 {
        match self {
            Self::Windows1252 => {
                text.push_str(&self.decode(cell));
                0
            }
            Self::Utf8 => {
                let mut replaced = 0;
                for chunk in cell.utf8_chunks() {
                    text.push_str(chunk.valid());
                    if !chunk.invalid().is_empty() {
                        text.push(char::REPLACEMENT_CHARACTER);
                        replaced += chunk.invalid().len() as u64;
                    }
                }
                replaced
            }
        }
    }
}

/// The encoding of a whole file, of which `head` was read already: UTF-8 when it is valid to the last byte.
/// Stops at the first invalid one.
pub(super) fn detect(
    head: &[u8],
    rest: &mut impl Read,
    cancel: &CancelToken,
) -> Result<Encoding, InputError> {
    let mut buffer = head.to_vec();
    let mut filled = buffer.len();
    buffer.resize(filled.max(SAMPLE_BYTES), 0);
    loop {
        let begun = match std::str::from_utf8(&buffer[..filled]) {
            Ok(_) => filled..filled,
            Err(error) if error.error_len().is_none() => error.valid_up_to()..filled,
            Err(_) => return Ok(Encoding::Windows1252),
        };
        // At most three bytes of a character that the next chunk completes.
        let kept = begun.len();
        buffer.copy_within(begun, 0);
        cancel.check()?;
        match read_some(rest, &mut buffer[kept..])? {
            0 => return Ok(if kept == 0 { Encoding::Utf8 } else { Encoding::Windows1252 }),
            n => filled = kept + n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Encoding {
        let (head, mut rest) = bytes.split_at(bytes.len().min(10));
        detect(head, &mut rest, &CancelToken::new()).unwrap()
    }

    #[test]
    fn the_whole_file_decides() {
        let mut late = vec![b'a'; 300_000];
        assert_eq!(of(&late), Encoding::Utf8);
        late.extend("é".as_bytes());
        assert_eq!(of(&late), Encoding::Utf8);
        late.push(0xe9);
        assert_eq!(of(&late), Encoding::Windows1252, "cut at the end");
        late.extend(b"abc");
        assert_eq!(of(&late), Encoding::Windows1252);
    }

    #[test]
    fn characters_across_chunks_are_whole() {
        for offset in 0..4 {
            let mut bytes = vec![b'a'; offset];
            bytes.extend("🎁".repeat(50_000).as_bytes());
            assert_eq!(of(&bytes), Encoding::Utf8, "{offset}");
        }
    }

    #[test]
    fn halves_of_a_character_in_two_cells_are_two_errors() {
        let cells = "é".as_bytes();
        assert_eq!(Encoding::Utf8.whole(cells, &[2]), Some("é"));
        assert_eq!(Encoding::Utf8.whole(cells, &[1, 2]), None);
        let mut text = String::new();
        assert_eq!(Encoding::Utf8.append(&cells[..1], &mut text), 1);
        assert_eq!(text, "\u{fffd}");
    }

    #[test]
    fn windows_1252_is_the_webs() {
        let mut text = String::new();
        assert_eq!(Encoding::Windows1252.append(b"\x80 caf\xe9 \x96 \x81", &mut text), 0);
        assert_eq!(text, "€ café – \u{81}");
        assert_eq!(Encoding::Windows1252.decode(b"\x80\xe9"), "€é");
        assert_eq!(Encoding::Windows1252.encode("€é").as_ref(), b"\x80\xe9");
    }
}
