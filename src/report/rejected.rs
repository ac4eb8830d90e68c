//! `rejected.csv`: the rejected rows as they came, with their reasons in a last column `_errors`.
//!
//! It is made to be corrected and uploaded again to the same connector, so cells are the source's
//! bytes, in the source's encoding, delimiter and quote, and the header stands in the line where the
//! connector expects it. A file that came from one of these has an `_errors` column already: its old
//! reasons give way to the new ones.

use std::io::Write;

use super::{Error, Result};

/// The column of the reasons; readers ignore it.
pub const ERRORS_COLUMN: &str = "_errors";

/// How the source is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: u8,
    /// Around cells.
    pub quote: u8,
    /// The header's line, from 1.
    pub header_row: u32,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', quote: b'"', header_row: 1 }
    }
}

/// Writes `rejected.csv`, row by row.
pub struct RejectedCsv<W: Write> {
    csv: ::csv::Writer<W>,
    /// Columns of the original header.
    width: usize,
    /// Where the original header has old reasons.
    old_errors: Option<usize>,
}

impl<W: Write> RejectedCsv<W> {
    /// Writes the header: `columns` as the source names them, or the scope's, and `_errors`.
    pub fn create<C: AsRef<[u8]>>(mut out: W, dialect: Dialect, columns: &[C]) -> Result<Self> {
        for _ in 1..dialect.header_row {
            out.write_all(b"\r\n")?;
        }
        let csv = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::CRLF)
            .delimiter(dialect.delimiter)
            .quote(dialect.quote)
            .from_writer(out);
        let old_errors = columns.iter().position(|column| column.as_ref() == ERRORS_COLUMN.as_bytes());
        let mut this = Self { csv, width: columns.len(), old_errors };
        this.row(columns.iter().map(AsRef::as_ref), ERRORS_COLUMN.as_bytes())?;
        Ok(this)
    }

    /// One rejected row under the header's columns. A short row is filled up with empty cells; cells
    /// past the header are left out, as the run left them out.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a [u8]>, errors: &[u8]) -> Result<()> {
        let mut cells = cells.into_iter();
        for column in 0..self.width {
            let cell = cells.next().unwrap_or_default();
            if self.old_errors != Some(column) {
                self.csv.write_field(cell)?;
            }
        }
        self.csv.write_field(errors)?;
        self.csv.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Hands back what was written to.
    pub fn finish(self) -> Result<W> {
        self.csv.into_inner().map_err(|error| Error::Io(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(csv: RejectedCsv<Vec<u8>>) -> String {
        String::from_utf8(csv.finish().unwrap()).unwrap()
    }

    fn row<'a>(cells: &'a [&'a str]) -> impl Iterator<Item = &'a [u8]> {
        cells.iter().map(|cell| cell.as_bytes())
    }

    #[test]
    fn cells_stay_exact_and_reasons_come_last() {
        let mut csv = RejectedCsv::create(Vec::new(), Dialect::default(), &["Order No.", "Total"]).unwrap();
        csv.row(row(&[" 007 ", "=1+1"]), b"Total is no number: \"=1+1\"; no e-mail").unwrap();
        csv.row(row(&["8"]), b"short").unwrap();
        csv.row(row(&["9", "1", "extra"]), b"long").unwrap();
        assert_eq!(
            text(csv),
            "Order No.,Total,_errors\r\n 007 ,=1+1,\"Total is no number: \"\"=1+1\"\"; no e-mail\"\r\n8,,short\r\n9,1,long\r\n"
        );
    }

    #[test]
    fn reasons_of_an_earlier_round_give_way() {
        let mut csv = RejectedCsv::create(Vec::new(), Dialect::default(), &["a", "_errors", "b"]).unwrap();
        csv.row(row(&["1", "old", "2"]), b"new").unwrap();
        csv.row(row(&["3"]), b"new").unwrap();
        assert_eq!(text(csv), "a,b,_errors\r\n1,2,new\r\n3,,new\r\n");
    }

    #[test]
    fn the_source_s_dialect_and_bytes_are_kept() {
        let dialect = Dialect { delimiter: b';', quote: b'\'', header_row: 3 };
        let mut csv = RejectedCsv::create(Vec::new(), dialect, &[&b"Stra\xdfe"[..], b"n"]).unwrap();
        csv.row([&b"a;b"[..], b"1,5"], b"no number").unwrap();
        assert_eq!(csv.finish().unwrap(), b"\r\n\r\nStra\xdfe;n;_errors\r\n'a;b';1,5;no number\r\n");
    }
}
