//! What kind of file it is, told from its first bytes: the content decides, not the name.

use std::fmt;

use super::{MAX_COLUMNS, encoding::Encoding, transcode::decoded};

/// How much of a file is looked at.
pub(super) const SAMPLE_BYTES: usize = 64 * 1024;

/// In order of preference where the sample fits several equally well.
const DELIMITERS: [u8; 4] = *b",\t;|";

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Text, for all that is known.
    Text,
    /// A ZIP archive: also what `.xlsx`, `.xlsm`, `.xlsb` and `.ods` are.
    Zip,
    /// A gzip archive.
    Gzip,
    /// A compound file: `.xls`, and workbooks with a password.
    CompoundFile,
    /// Something that is not read here.
    Other(&'static str),
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Zip => "a ZIP archive or a workbook (.xlsx, .xlsm, .xlsb, .ods)",
            Self::Gzip => "a gzip archive",
            Self::CompoundFile => "an old or encrypted workbook (.xls)",
            Self::Other(words) => words,
        })
    }
}

/// First bytes of what people send by mistake, and the words for it.
const OTHERS: [(&[u8], &str); 18] = [
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x7fELF", "an executable program"),
    (b"MZ\x90\0", "an executable program"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive"),
];

/// What the first bytes say.
pub(super) fn content(head: &[u8]) -> Content {
    const ZIP: [&[u8]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"];
    if ZIP.iter().any(|magic| head.starts_with(magic)) {
        return Content::Zip;
    }
    if head.starts_with(b"\x1f\x8b") {
        return Content::Gzip;
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Content::CompoundFile;
    }
    if let Some((_, words)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Content::Other(words);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Content::Other("a tar archive");
    }
    Content::Text
}

/// What [`is_binary`] finds.
pub(super) const BINARY: Content = Content::Other("no text but binary data");

/// Text has next to no control characters, whatever its encoding, and NUL bytes only by mistake: five in a
/// hundred of the ones, or thirty of the others, are neither.
pub(super) fn is_binary(head: &[u8]) -> bool {
    if utf16(head).is_some() {
        return false;
    }
    let is_control = |b: &&u8| matches!(b, 1..=8 | 0x0e..=0x19 | 0x1c..=0x1f | 0x7f);
    let controls = head.iter().filter(is_control).count();
    let nuls = memchr::memchr_iter(0, head).count();
    head.len() >= 16 && nuls < head.len() && (controls * 20 > head.len() || nuls * 10 > head.len() * 3)
}

/// Where the text starts behind a byte order mark, and the encoding that the mark names.
pub(super) fn mark(head: &[u8]) -> Option<(usize, Encoding)> {
    [
        (b"\xef\xbb\xbf".as_slice(), Encoding::UTF_8),
        (b"\xff\xfe", Encoding::UTF_16LE),
        (b"\xfe\xff", Encoding::UTF_16BE),
    ]
    .into_iter()
    .find_map(|(mark, encoding)| head.starts_with(mark).then_some((mark.len(), encoding)))
}

/// UTF-16, with a mark or without. Read as bytes it would lose its NULs and look nearly right, with as many
/// warnings as rows. Without a mark it is recognised where one in ten pairs has a NUL on the same side,
/// none on the other, and all of it is text.
pub(super) fn utf16(head: &[u8]) -> Option<Encoding> {
    if let Some((_, encoding)) = mark(head) {
        return (encoding != Encoding::UTF_8).then_some(encoding);
    }
    let pairs = head.len() / 2;
    if pairs < 8 {
        return None;
    }
    let nuls = |parity: usize| head.iter().skip(parity).step_by(2).take(pairs).filter(|b| **b == 0).count();
    let encoding = match (nuls(0), nuls(1)) {
        (0, low) if low * 10 >= pairs => Encoding::UTF_16LE,
        (high, 0) if high * 10 >= pairs => Encoding::UTF_16BE,
        _ => return None,
    };
    let text = decoded(&head[..pairs * 2], encoding.to_decode()?)?;
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\r' | '\n');
    text.chars().all(is_text).then_some(encoding)
}

/// The delimiter that explains `sample` best. The sample starts with the header; unless it is the whole
/// rest of the file its last record, which may be cut, does not count.
///
/// A candidate must split the header. Of those that do, the one wins under which the most records have as
/// many cells as the header; then the one that makes more columns. Without any: one column, a comma.
pub(super) fn delimiter(sample: &[u8], quote: u8, whole: bool) -> u8 {
    let mut best = (0, 0, b',');
    for candidate in DELIMITERS.into_iter().filter(|c| *c != quote) {
        let (fitting, width) = fit(sample, candidate, quote, whole);
        if width >= 2 && (fitting, width) > (best.0, best.1) {
            best = (fitting, width, candidate);
        }
    }
    best.2
}

/// Of 1,000 records how many are as wide as the header, and how wide that is.
fn fit(sample: &[u8], delimiter: u8, quote: u8, whole: bool) -> (usize, usize) {
    let widths = widths(sample, delimiter, quote, whole);
    let Some((header, rows)) = widths.split_first() else { return (0, 0) };
    let fitting = rows.iter().filter(|w| *w == header).count();
    (if rows.is_empty() { 1_000 } else { fitting * 1_000 / rows.len() }, *header)
}

fn widths(mut sample: &[u8], delimiter: u8, quote: u8, whole: bool) -> Vec<usize> {
    use csv_core::ReadRecordResult as Step;
    let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter).quote(quote).build();
    let (mut out, mut ends) = (vec![0; sample.len().max(1)], vec![0; MAX_COLUMNS]);
    let (mut widths, mut width) = (Vec::new(), 0);
    loop {
        let (step, taken, _, cells) = core.read_record(sample, &mut out, &mut ends);
        sample = &sample[taken..];
        width += cells;
        match step {
            Step::Record => widths.push(std::mem::take(&mut width)),
            Step::InputEmpty if whole => {}
            Step::InputEmpty | Step::End => return widths,
            Step::OutputFull | Step::OutputEndsFull => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn the_first_bytes_name_the_kind() {
        let noise: Vec<u8> = (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (head, expected) in [
            (b"PK\x03\x04rest".as_slice(), Content::Zip),
            (b"PK\x05\x06", Content::Zip),
            (b"\x1f\x8b\x08", Content::Gzip),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Content::CompoundFile),
            (b"%PDF-1.7\n", Content::Other("a PDF document")),
            (b"PK,name", Content::Text),
            (b"MZ,name", Content::Text),
            (b"a,b\n1,\0\0\0\0\n2,3\n,,,,,,,", Content::Text),
            ("名前,都市\n".as_bytes(), Content::Text),
            (b"", Content::Text),
        ] {
            assert_eq!(content(head), expected, "{head:?}");
            assert!(!is_binary(head) || expected != Content::Text, "{head:?}");
        }
        assert!(is_binary(&noise));
    }

    #[test]
    fn utf16_is_recognised_with_a_mark_and_without() {
        for text in ["name,city\r\nAda,Paris", "Имя;Город\nАнна;Москва\n", "\u{feff}名"] {
            let (le, be) = (bytes(text, u16::to_le_bytes), bytes(text, u16::to_be_bytes));
            assert_eq!(utf16(&le), Some(Encoding::UTF_16LE), "{text}");
            assert_eq!(utf16(&be), Some(Encoding::UTF_16BE), "{text}");
            assert!(!is_binary(&le) && !is_binary(&be));
        }
        for text in ["a,b\n1,\0\0\0\0\n2,3\n,,,,,,", "x\0y\0z", "\u{feff}name,city", "name,city of no NULs"] {
            assert_eq!(utf16(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_delimiter_is_the_one_that_explains_the_records() {
        for (sample, expected) in [
            ("a,b,c\n1,2,3\n", b','),
            ("a\tb\n1,5\t2,5\n", b'\t'),
            ("name;price\n\"Smith, A\";1,50\nB;2,50\n", b';'),
            ("a|b|c\n1|2|3\n", b'|'),
            // A list inside cells, with the other delimiter in the header too.
            ("id,tags;labels,note\n1,a;b;c,x\n2,d,y\n3,,z\n", b','),
            // Delimiters inside quotes are text.
            ("\"a;b;c\",d\n\"1;2\",3\n", b','),
            // Ragged rows do not hide the delimiter.
            ("a;b;c\n1;2\n1;2;3;4\n1;2;3\n", b';'),
            ("one\ncolumn\nonly; really\n", b','),
            ("a;b", b';'),
            ("", b','),
        ] {
            assert_eq!(
                char::from(delimiter(sample.as_bytes(), b'"', true)),
                char::from(expected),
                "{sample:?}"
            );
        }
    }

    #[test]
    fn a_record_cut_by_the_sample_does_not_count() {
        let sample = b"a;b,c\n1;2,3\n4;5,6\n7;8";
        // With it, three records of three would fit under ';' and two of three under ','.
        assert_eq!(fit(sample, b';', b'"', false), (1_000, 2));
        assert_eq!(fit(sample, b',', b'"', false), (1_000, 2));
        assert_eq!(fit(sample, b',', b'"', true), (666, 2));
    }
}
