//! The CSV that we write: UTF-8, RFC 4180 (`\r\n`, quotes only where needed), NULL as an empty cell.
//!
//! A row of one empty cell is written `""`: a bare line end would be no row at all to most readers.

use std::{borrow::Cow, io::Write};

/// Few large writes: behind this is a deflater or a file.
const BUFFER: usize = 64 * 1024;

/// A writer of our dialect. It refuses a row whose length differs from the first one's.
pub fn writer<W: Write>(out: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).buffer_capacity(BUFFER).from_writer(out)
}

/// A cell for a file that a person opens in a spreadsheet: a leading `'` keeps text that starts like a
/// formula text. Never for programs' CSV, which stays exact (spec: loading §5).
#[must_use]
pub fn guard_formula(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_spreadsheet_would_run_is_guarded() {
        for cell in ["=1+1", "+49", "-1", "@SUM(A1)", "\tx", "\rx"] {
            assert_eq!(guard_formula(cell), format!("'{cell}"));
        }
        for cell in ["", "1", "a=b", " =1", "'=1", "\nx"] {
            assert!(matches!(guard_formula(cell), Cow::Borrowed(same) if same == cell), "{cell:?}");
        }
    }

    #[test]
    fn quotes_stand_only_where_needed() {
        let mut csv = writer(Vec::new());
        csv.write_record(["a", "b"]).unwrap();
        csv.write_record(["plain text", "ü 'x' =1+1"]).unwrap();
        csv.write_record(["a,b", "say \"hi\""]).unwrap();
        csv.write_record(["two\nlines", "\r"]).unwrap();
        csv.write_record(["", " padded "]).unwrap();
        let text = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        assert_eq!(
            text,
            "a,b\r\nplain text,ü 'x' =1+1\r\n\"a,b\",\"say \"\"hi\"\"\"\r\n\"two\nlines\",\"\r\"\r\n, padded \r\n"
        );
    }
}
