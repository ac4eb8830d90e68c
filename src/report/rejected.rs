//! `rejected.csv`: the rejected rows as they came, with their reasons in a last column `_errors`.
//!
//! It is made to be corrected and uploaded again, so its cells are exact. A file that came from one
//! of these has an `_errors` column already: its old reasons give way to the new ones.

use std::io::Write;

use super::{Error, Result, csv};

/// The column of the reasons; readers ignore it.
pub const ERRORS_COLUMN: &str = "_errors";

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
    pub fn create<C: AsRef<str>>(out: W, columns: &[C]) -> Result<Self> {
        let old_errors = columns.iter().position(|column| column.as_ref() == ERRORS_COLUMN);
        let mut this = Self { csv: csv::writer(out), width: columns.len(), old_errors };
        this.row(columns.iter().map(|column| Some(column.as_ref())), ERRORS_COLUMN)?;
        Ok(this)
    }

    /// One rejected row under the header's columns; a short row is filled up with empty cells.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = Option<&'a str>>, errors: &str) -> Result<()> {
        let mut count = 0;
        for cell in cells {
            if self.old_errors != Some(count) {
                self.csv.write_field(cell.unwrap_or(""))?;
            }
            count += 1;
        }
        if count > self.width {
            return Err(Error::Shape(format!("a row of {count} cells under a header of {}", self.width)));
        }
        for missing in count..self.width {
            if self.old_errors != Some(missing) {
                self.csv.write_field("")?;
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

    #[test]
    fn cells_stay_exact_and_reasons_come_last() {
        let mut csv = RejectedCsv::create(Vec::new(), &["Order No.", "Total"]).unwrap();
        csv.row([Some(" 007 "), Some("=1+1")], "Total is no number: \"=1+1\"; no e-mail").unwrap();
        csv.row([Some("8")], "short").unwrap();
        assert_eq!(
            text(csv),
            "Order No.,Total,_errors\r\n 007 ,=1+1,\"Total is no number: \"\"=1+1\"\"; no e-mail\"\r\n8,,short\r\n"
        );
    }

    #[test]
    fn reasons_of_an_earlier_round_give_way() {
        let mut csv = RejectedCsv::create(Vec::new(), &["a", "_errors", "b"]).unwrap();
        csv.row([Some("1"), Some("old"), Some("2")], "new").unwrap();
        csv.row([Some("3")], "new").unwrap();
        assert_eq!(text(csv), "a,b,_errors\r\n1,2,new\r\n3,,new\r\n");
    }

    #[test]
    fn surplus_cells_are_a_defect() {
        let mut csv = RejectedCsv::create(Vec::new(), &["a"]).unwrap();
        assert!(matches!(csv.row([Some("1"), Some("2")], "e"), Err(Error::Shape(_))));
    }
}
