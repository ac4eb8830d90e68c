//! The SQL output: one `<scope>.csv` per output table, in a ZIP or in a folder.
//!
//! Both go through [`SqlOutput`], so that a dev package's run gives the server's bytes. Nothing in the
//! ZIP depends on when or where it was made: fixed timestamps and permissions, members in the order of
//! the calls.
//!
//! Deflate level 1 (zlib-rs): of 150 MB of CSV, made in 0.2 s, storing costs 0.1 s more, level 1 0.7 s more for
//! half the size, level 6 2.7 s more for a third.

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{Error, Result, csv};
use crate::{cancel::CancelToken, object};

/// The SQL output as a ZIP.
pub type SqlZip<W> = SqlOutput<Zip<W>>;
/// The SQL output as files in a folder.
pub type SqlFolder = SqlOutput<Folder>;

/// Writes the output tables, one after the other: [`begin_scope`](Self::begin_scope), then its rows.
pub struct SqlOutput<M: Members> {
    /// `None` after a failure: what follows would be torn.
    csv: Option<::csv::Writer<M>>,
    cancel: CancelToken,
}

/// Where the CSV files go. What is written lands in the member begun last.
pub trait Members: Write {
    /// What is left when all is written.
    type Done;
    /// Ends the open member and begins the next.
    fn begin(&mut self, file_name: &str) -> io::Result<()>;
    /// Ends the last member and everything.
    fn done(self) -> io::Result<Self::Done>;
}

impl<W: Write + Seek> SqlZip<W> {
    /// A ZIP written to `file`.
    pub fn create(file: W, cancel: CancelToken) -> Self {
        Self::into_members(Zip(ZipWriter::new(file)), cancel)
    }
}

impl SqlFolder {
    /// Files in the folder `path`, which is made when it is not there.
    pub fn create_in(path: &Path, cancel: CancelToken) -> Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self::into_members(Folder { path: path.to_owned(), open: None }, cancel))
    }
}

impl<M: Members> SqlOutput<M> {
    fn into_members(members: M, cancel: CancelToken) -> Self {
        Self { csv: Some(csv::writer(members)), cancel }
    }

    /// Begins `<scope>.csv` with a header of `columns`.
    pub fn begin_scope<C: AsRef<str>>(&mut self, scope: &str, columns: &[C]) -> Result<()> {
        // The engine refuses other scopes; this is what keeps a file name from being a path.
        if !object::is_api_name(scope) {
            return Err(Error::Shape(format!("{scope:?} is no name of a scope")));
        }
        let mut members = self.close_scope()?;
        members.begin(&format!("{scope}.csv"))?;
        let csv = self.csv.insert(csv::writer(members));
        csv.write_record(columns.iter().map(|column| column.as_ref().as_bytes()))?;
        Ok(())
    }

    /// One row of the scope; `None` is NULL.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = Option<&'a str>>) -> Result<()> {
        self.cancel.check()?;
        let csv = self.csv.as_mut().ok_or_else(after_a_failure)?;
        for cell in cells {
            csv.write_field(cell.unwrap_or(""))?;
        }
        csv.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Completes the output. Without it there is no readable ZIP.
    pub fn finish(mut self) -> Result<M::Done> {
        Ok(self.close_scope()?.done()?)
    }

    fn close_scope(&mut self) -> Result<M> {
        let csv = self.csv.take().ok_or_else(after_a_failure)?;
        csv.into_inner().map_err(|error| Error::Io(error.into_error()))
    }
}

fn after_a_failure() -> Error {
    Error::Shape("more SQL output after a failure".to_owned())
}

fn no_scope() -> io::Error {
    io::Error::other("a row before the first scope")
}

/// Members of a ZIP.
pub struct Zip<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Members for Zip<W> {
    type Done = W;

    fn begin(&mut self, file_name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            // ZIP64 must be chosen before the size is known; it costs 20 bytes.
            .large_file(true);
        Ok(self.0.start_file(file_name, options)?)
    }

    fn done(self) -> io::Result<W> {
        Ok(self.0.finish()?)
    }
}

impl<W: Write + Seek> Write for Zip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.0.is_writing_file() {
            return Err(no_scope());
        }
        self.0.write(bytes)
    }

    /// Nothing: flushing a deflater cuts its block and costs size.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Files of a folder.
pub struct Folder {
    path: PathBuf,
    open: Option<File>,
}

impl Members for Folder {
    type Done = ();

    fn begin(&mut self, file_name: &str) -> io::Result<()> {
        self.open = Some(File::create(self.path.join(file_name))?);
        Ok(())
    }

    fn done(self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Folder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open.as_mut().ok_or_else(no_scope)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    fn write_two_scopes<M: Members>(output: &mut SqlOutput<M>) {
        output.begin_scope("orders", &["id", "note"]).unwrap();
        output.row([Some("1"), Some("a \"b\", c")]).unwrap();
        output.row([None, Some("")]).unwrap();
        output.row([Some("Zoë"), Some("two\r\nlines")]).unwrap();
        output.begin_scope("empty", &["only".to_owned()]).unwrap();
        output.begin_scope("single", &["only"]).unwrap();
        output.row([None]).unwrap();
    }

    const ORDERS: &str = "id,note\r\n1,\"a \"\"b\"\", c\"\r\n,\r\nZoë,\"two\r\nlines\"\r\n";
    const FILES: [(&str, &str); 3] =
        [("orders.csv", ORDERS), ("empty.csv", "only\r\n"), ("single.csv", "only\r\n\"\"\r\n")];

    fn zipped() -> Vec<u8> {
        let mut zip = SqlZip::create(Cursor::new(Vec::new()), CancelToken::new());
        write_two_scopes(&mut zip);
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn a_zip_holds_one_csv_per_scope_in_order() {
        let mut archive = zip::ZipArchive::new(Cursor::new(zipped())).unwrap();
        assert_eq!(archive.len(), FILES.len());
        for (at, (name, content)) in FILES.into_iter().enumerate() {
            let mut member = archive.by_index(at).unwrap();
            let mut text = String::new();
            member.read_to_string(&mut text).unwrap();
            assert_eq!(member.name().unwrap(), name);
            assert_eq!(text, content);
        }
    }

    #[test]
    fn a_folder_holds_the_very_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/output");
        let mut output = SqlFolder::create_in(&path, CancelToken::new()).unwrap();
        write_two_scopes(&mut output);
        output.finish().unwrap();
        for (name, content) in FILES {
            assert_eq!(fs::read_to_string(path.join(name)).unwrap(), content, "{name}");
        }
        assert_eq!(fs::read_dir(&path).unwrap().count(), FILES.len());
    }

    #[test]
    fn the_same_rows_give_the_same_zip() {
        let first = zipped();
        // DOS timestamps count in steps of two seconds; the fixed one says 1980-01-01.
        assert_eq!(first[10..14], [0, 0, 0x21, 0]);
        assert_eq!(first, zipped());
    }

    #[test]
    fn an_output_of_no_scope_is_an_empty_zip() {
        let zip = SqlZip::create(Cursor::new(Vec::new()), CancelToken::new()).finish().unwrap();
        assert_eq!(zip::ZipArchive::new(zip).unwrap().len(), 0);
    }

    #[test]
    fn what_was_not_announced_is_refused() {
        let mut zip = SqlZip::create(Cursor::new(Vec::new()), CancelToken::new());
        assert!(matches!(zip.begin_scope("../../x", &["a"]), Err(Error::Shape(_))));
        zip.begin_scope("x", &["a", "b"]).unwrap();
        let error = zip.row([Some("1")]).unwrap_err();
        assert_eq!(error.to_string(), "the report was fed wrongly: a row of 1 cells under a header of 2");

        let mut zip = SqlZip::create(Cursor::new(Vec::new()), CancelToken::new());
        zip.row([Some("1")]).unwrap();
        assert!(matches!(zip.begin_scope("x", &["a"]), Err(Error::Io(_))));
        assert!(matches!(zip.finish(), Err(Error::Shape(_))));
    }

    #[test]
    fn a_set_token_stops_it_at_the_next_row() {
        let cancel = CancelToken::new();
        let mut zip = SqlZip::create(Cursor::new(Vec::new()), cancel.clone());
        zip.begin_scope("x", &["a"]).unwrap();
        zip.row([Some("1")]).unwrap();
        cancel.cancel();
        assert!(matches!(zip.row([Some("2")]), Err(Error::Cancelled)));
    }
}
