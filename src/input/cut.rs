//! Records cut where they lie, a cell at a time.
//!
//! What `csv_core` finds byte by byte, `memchr` finds many bytes at once. Only what is simple is cut here, which is
//! nearly every record of nearly every file: the whole record is at hand, and no cell has a quote inside quotes, or
//! anything behind them. The rest is left to `csv_core`, which sees it from its start.

use memchr::{memchr, memchr3};

use super::record::Format;

/// Appends the places of the first `width` cells of the record that `text` begins with. Answers its length, line end
/// included, and how many cells it has; `None`: it is not simple, or not whole.
pub(super) fn cut(
    text: &[u8],
    format: Format,
    width: usize,
    cells: &mut Vec<(usize, usize)>,
) -> Option<(usize, usize)> {
    let Format { delimiter, quote, .. } = format;
    let (mut start, mut found) = (0, 0);
    loop {
        let rest = text.get(start..)?;
        let (cell, end) = if rest.first() == Some(&quote) {
            let length = memchr(quote, &rest[1..])?;
            ((start + 1, start + 1 + length), start + length + 2)
        } else {
            let end = start + memchr3(delimiter, b'\n', b'\r', rest)?;
            ((start, end), end)
        };
        found += 1;
        if found <= width {
            cells.push(cell);
        }
        match *text.get(end)? {
            b'\n' | b'\r' => return Some((end + 1, found)),
            behind if behind == delimiter => start = end + 1,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Encoding;

    const FORMAT: Format = Format { encoding: Encoding::UTF_8, delimiter: b';', quote: b'\'', header_row: 1 };

    /// The cells, and what is left of the text.
    fn cells(text: &str, width: usize) -> Option<(Vec<&str>, usize, &str)> {
        let mut places = Vec::new();
        let (length, found) = cut(text.as_bytes(), FORMAT, width, &mut places)?;
        Some((places.into_iter().map(|(start, end)| &text[start..end]).collect(), found, &text[length..]))
    }

    #[test]
    fn simple_records_are_cut_at_their_delimiters_and_line_ends() {
        for (text, expected, rest) in [
            ("a;b\nc", vec!["a", "b"], "c"),
            ("a;b\r\nc", vec!["a", "b"], "\nc"),
            (";;\r", vec!["", "", ""], ""),
            ("'a;\n';'';'b'\nc", vec!["a;\n", "", "b"], "c"),
            ("O'Neil;5' 2\n", vec!["O'Neil", "5' 2"], ""),
            ("ü;'ü'\n", vec!["ü", "ü"], ""),
        ] {
            let found = expected.len();
            assert_eq!(cells(text, 9), Some((expected, found, rest)), "{text:?}");
        }
    }

    #[test]
    fn cells_beyond_the_width_are_counted() {
        assert_eq!(cells("a;b;'c';d\n", 2), Some((vec!["a", "b"], 4, "")));
    }

    #[test]
    fn what_is_not_whole_or_not_simple_is_left_alone() {
        for text in
            ["", "a", "a;", "a;b", "'a", "'a'", "'a';", "'a'b;c\n", "a;'b' \n", "'a''b'\n", "'a\nb;c\n"]
        {
            assert_eq!(cells(text, 9), None, "{text:?}");
        }
    }
}
