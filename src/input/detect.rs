//! What kind of file it is, told from its first bytes: the content decides, not the name.

use std::fmt;

use super::MAX_COLUMNS;

/// How much of a file is looked at.
pub(super) const SAMPLE_BYTES: usize = 64 * 1024;

/// In order of preference where the sample fits several equally well.
const DELIMITERS: [u8; 4] = *b",\t;|";

/// Content that is no text in UTF-8 or Windows-1252.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// A ZIP archive: also what `.xlsx`, `.xlsm`, `.xlsb` and `.ods` are.
    Zip,
    /// A gzip archive.
    Gzip,
    /// A compound file: `.xls`, and workbooks with a password.
    CompoundFile,
    /// Text in UTF-16.
    Utf16,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zip => "a ZIP archive or a workbook (.xlsx, .xlsm, .xlsb, .ods)",
            Self::Gzip => "a gzip archive",
            Self::CompoundFile => "an old or encrypted workbook (.xls)",
            Self::Utf16 => "text in UTF-16",
        })
    }
}

/// What the first bytes say, when they say that this is no text that is read here.
pub(super) fn signature(head: &[u8]) -> Option<Signature> {
    const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
    if ZIP.iter().any(|magic| head.starts_with(magic)) {
        return Some(Signature::Zip);
    }
    if head.starts_with(b"\x1f\x8b") {
        return Some(Signature::Gzip);
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(Signature::CompoundFile);
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || is_bare_utf16(head) {
        return Some(Signature::Utf16);
    }
    None
}

/// UTF-16 without a mark. Read as bytes it would lose every second one as a NUL and look nearly right,
/// with as many warnings as rows; so where nine in ten bytes of one parity are NUL and one in ten of the
/// other at most, it is called by its name.
fn is_bare_utf16(head: &[u8]) -> bool {
    let pairs = head.len() / 2;
    if pairs < 8 {
        return false;
    }
    let nuls = |parity: usize| head.iter().skip(parity).step_by(2).take(pairs).filter(|b| **b == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    even.max(odd) * 10 >= pairs * 9 && even.min(odd) * 10 <= pairs
}

/// The length of the UTF-8 byte order mark, when there is one.
pub(super) fn utf8_mark(head: &[u8]) -> usize {
    if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
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

    #[test]
    fn the_first_bytes_name_the_kind() {
        let utf16: Vec<u8> = "name,city\r\nA,B".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (head, signature_) in [
            (b"PK\x03\x04rest".as_slice(), Some(Signature::Zip)),
            (b"PK\x05\x06", Some(Signature::Zip)),
            (b"\x1f\x8b\x08", Some(Signature::Gzip)),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Some(Signature::CompoundFile)),
            (b"\xff\xfea\0", Some(Signature::Utf16)),
            (b"\xfe\xff\0a", Some(Signature::Utf16)),
            (&utf16, Some(Signature::Utf16)),
            (b"PK,name", None),
            (b"a,b\n1,\0\0\0\0\n2,3\n", None),
            (b"", None),
        ] {
            assert_eq!(signature(head), signature_, "{head:?}");
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
