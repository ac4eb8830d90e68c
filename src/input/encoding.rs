//! Encodings: which one a file has, and its cells as text.

use std::{borrow::Cow, fmt, io::Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{UTF_8, WINDOWS_1252};

use super::{detect::SAMPLE_BYTES, error::InputError, source::read_some};
use crate::cancel::CancelToken;

/// How much of a file that is not UTF-8 the detector is shown, from its first chunk that is not.
const SHOWN_BYTES: usize = 1024 * 1024;

/// How a file's text is encoded: any encoding of the web (<https://encoding.spec.whatwg.org>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Encoding {
    /// UTF-8.
    pub const UTF_8: Self = Self(UTF_8);
    /// Windows-1252, as the web defines it: all 256 bytes are characters.
    pub const WINDOWS_1252: Self = Self(WINDOWS_1252);
    /// UTF-16, the lower byte first.
    pub const UTF_16LE: Self = Self(encoding_rs::UTF_16LE);
    /// UTF-16, the higher byte first.
    pub const UTF_16BE: Self = Self(encoding_rs::UTF_16BE);

    /// The name that a run reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// By any of the labels that the web knows it by (`latin1` is one of Windows-1252's).
    pub(super) fn for_label(label: &str) -> Option<Self> {
        encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()).map(Self)
    }

    /// The encoding of the cells: this one where each byte is a character, and otherwise UTF-8, which the
    /// text is decoded to before it is cut.
    #[must_use]
    pub fn of_cells(self) -> Self {
        if self.0.is_single_byte() { self } else { Self::UTF_8 }
    }

    pub(super) fn is_utf16(self) -> bool {
        self == Self::UTF_16LE || self == Self::UTF_16BE
    }

    /// What must be decoded before cells are cut.
    pub(super) fn to_decode(self) -> Option<&'static encoding_rs::Encoding> {
        (self.of_cells() != self).then_some(self.0)
    }

    /// `text` in this encoding: what writes a file back in the encoding that it came in. Characters that
    /// it does not have become `&#…;`.
    #[must_use]
    pub fn encode(self, text: &str) -> Cow<'_, [u8]> {
        self.0.encode(text).0
    }

    /// `bytes` in this encoding as text, undecodable ones replaced: what a reader made of them.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(bytes).0
    }

    /// All of `bytes` when each of the cells in it is text as it stands: what nearly every record of nearly every
    /// file is.
    pub(super) fn whole<'a>(self, bytes: &'a [u8], cells: &[(usize, usize)]) -> Option<&'a str> {
        if self != Self::UTF_8 && !bytes.is_ascii() {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        // Two halves of a character in neighbouring cells are valid together, and two errors.
        cells.iter().all(|(_, end)| text.is_char_boundary(*end)).then_some(text)
    }

    /// Appends one cell's text; the answer is how many bytes had to be replaced.
    pub(super) fn append(self, cell: &[u8], text: &mut String) -> u64 {
        if self == Self::UTF_8 {
            return append_utf8(cell, text);
        }
        if let Some(decoded) = self.0.decode_without_bom_handling_and_without_replacement(cell) {
            text.push_str(&decoded);
            return 0;
        }
        // Each byte is a character, or nothing and U+FFFD: none of these encodings has that one.
        let decoded = self.decode(cell);
        text.push_str(&decoded);
        decoded.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count() as u64
    }
}

fn append_utf8(cell: &[u8], text: &mut String) -> u64 {
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

/// The encoding of a whole file, of which `head` was read already: UTF-8 when it is valid to the last byte.
/// Where it is not, what Firefox would take it for, judging from there on.
pub(super) fn detect(
    head: &[u8],
    rest: &mut impl Read,
    cancel: &CancelToken,
) -> Result<Encoding, InputError> {
    let mut buffer = head.to_vec();
    let mut filled = buffer.len();
    buffer.resize(filled.max(SAMPLE_BYTES), 0);
    loop {
        // Many bytes at once, but it does not tell a wrong byte from a character that is not whole yet.
        let valid = encoding_rs::Encoding::utf8_valid_up_to(&buffer[..filled]);
        let begun = match std::str::from_utf8(&buffer[valid..filled]) {
            Ok(_) => filled..filled,
            Err(error) if error.error_len().is_none() => valid + error.valid_up_to()..filled,
            Err(_) => return guess(&mut buffer, filled, rest, cancel),
        };
        // At most three bytes of a character that the next chunk completes.
        let kept = begun.len();
        buffer.copy_within(begun, 0);
        cancel.check()?;
        match read_some(rest, &mut buffer[kept..])? {
            0 if kept == 0 => return Ok(Encoding::UTF_8),
            0 => return guess(&mut buffer, kept, rest, cancel),
            n => filled = kept + n,
        }
    }
}

fn guess(
    buffer: &mut [u8],
    mut filled: usize,
    rest: &mut impl Read,
    cancel: &CancelToken,
) -> Result<Encoding, InputError> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let mut shown = 0;
    while filled > 0 && shown < SHOWN_BYTES {
        cancel.check()?;
        detector.feed(&buffer[..filled], false);
        shown += filled;
        filled = read_some(rest, buffer)?;
    }
    detector.feed(&[], true);
    Ok(Encoding(detector.guess(None, Utf8Detection::Deny)))
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
        assert_eq!(of(&late), Encoding::UTF_8);
        late.extend(b" caf\xc3");
        assert_ne!(of(&late), Encoding::UTF_8, "a character that is cut at the end is none");
        late.extend(b"\xa9");
        assert_eq!(of(&late), Encoding::UTF_8);
        late.extend(b", abc");
        late.resize(late.len() + 100_000, b'a');
        assert_eq!(of(&late), Encoding::UTF_8);
        late.extend("\nune crème brûlée, déjà".chars().map(|c| c as u8));
        assert_eq!(of(&late), Encoding::WINDOWS_1252);
    }

    #[test]
    fn characters_across_chunks_are_whole() {
        for offset in 0..4 {
            let mut bytes = vec![b'a'; offset];
            bytes.extend("🎁".repeat(50_000).as_bytes());
            assert_eq!(of(&bytes), Encoding::UTF_8, "{offset}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_told_by_its_letters() {
        for (text, encoding) in [
            ("Имя,Город\nАнна,Москва\nПётр,Санкт-Петербург\n", encoding_rs::WINDOWS_1251),
            ("名前,都市\n田中さん,東京\n鈴木さん,大阪\n", encoding_rs::SHIFT_JIS),
            ("Όνομα,Πόλη\nΜαρία,Αθήνα\nΓιώργος,Θεσσαλονίκη\n", encoding_rs::WINDOWS_1253),
            ("Imię,Miasto\nŁukasz,Łódź\nWiesława,Gdańsk\n", encoding_rs::WINDOWS_1250),
            ("Name,Straße\nJürgen,Königsallee – „Süd“\n", encoding_rs::WINDOWS_1252),
        ] {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost);
            assert_eq!(of(&bytes).name(), encoding.name(), "{text}");
        }
    }

    #[test]
    fn halves_of_a_character_in_two_cells_are_two_errors() {
        let cells = "é".as_bytes();
        assert_eq!(Encoding::UTF_8.whole(cells, &[(0, 2)]), Some("é"));
        assert_eq!(Encoding::UTF_8.whole(cells, &[(0, 1), (1, 2)]), None);
        let mut text = String::new();
        assert_eq!(Encoding::UTF_8.append(&cells[..1], &mut text), 1);
        assert_eq!(text, "\u{fffd}");
    }

    #[test]
    fn windows_1252_is_the_webs() {
        let mut text = String::new();
        assert_eq!(Encoding::WINDOWS_1252.append(b"\x80 caf\xe9 \x96 \x81", &mut text), 0);
        assert_eq!(text, "€ café – \u{81}");
        assert_eq!(Encoding::WINDOWS_1252.decode(b"\x80\xe9"), "€é");
        assert_eq!(Encoding::WINDOWS_1252.encode("€é").as_ref(), b"\x80\xe9");
    }

    #[test]
    fn bytes_that_an_encoding_lacks_are_counted() {
        let greek = Encoding::for_label("windows-1253").unwrap();
        let mut text = String::new();
        assert_eq!(greek.append(b"\xc1\xaa\xff", &mut text), 2);
        assert_eq!(text, "Α\u{fffd}\u{fffd}");
    }

    #[test]
    fn labels_are_the_webs() {
        for (label, name) in [
            ("UTF8", Some("UTF-8")),
            ("latin1", Some("windows-1252")),
            ("cp1252", Some("windows-1252")),
            ("utf-16", Some("UTF-16LE")),
            ("sjis", Some("Shift_JIS")),
            ("koi8-r", Some("KOI8-R")),
            ("hz-gb-2312", None),
            ("replacement", None),
            ("ebcdic", None),
        ] {
            assert_eq!(Encoding::for_label(label).map(Encoding::name), name, "{label}");
        }
    }
}
