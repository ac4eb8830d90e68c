//! A SQL output read back: the ZIP with one `<scope>.csv` per output table that a run or sample leaves.

use std::io::{Read, Seek};

use super::error::InputError;

/// What comes out, in the order of the ZIP.
#[derive(Debug)]
pub enum Part<'a> {
    /// A scope begins: its name and its columns.
    Scope(&'a str, &'a csv::StringRecord),
    /// One of its rows; an empty cell is NULL.
    Row(&'a csv::StringRecord),
}

/// What to do after a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read on.
    Row,
    /// Leave the rest of this scope.
    Scope,
}

/// Hands every scope and its rows to `take`. One row is in memory at a time.
///
/// # Errors
/// [`InputError::Io`]: the file is no such ZIP, or could not be read.
pub fn read_scopes(
    source: impl Read + Seek,
    mut take: impl FnMut(Part<'_>) -> Next,
) -> Result<(), InputError> {
    let mut archive = zip::ZipArchive::new(source).map_err(std::io::Error::other)?;
    let mut row = csv::StringRecord::new();
    for n in 0..archive.len() {
        let member = archive.by_index(n).map_err(std::io::Error::other)?;
        let Some(scope) =
            member.name().map_err(std::io::Error::other)?.strip_suffix(".csv").map(str::to_owned)
        else {
            continue;
        };
        let mut reader = csv::Reader::from_reader(member);
        let columns = reader.headers().map_err(std::io::Error::other)?;
        let mut next = take(Part::Scope(&scope, columns));
        while next == Next::Row && reader.read_record(&mut row).map_err(std::io::Error::other)? {
            next = take(Part::Row(&row));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use super::*;

    #[test]
    fn scopes_come_with_their_rows_and_can_be_left() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [("a.csv", "x,y\n1,\n2,\"b,c\"\n"), ("notes.txt", "no"), ("b.csv", "z\n3\n4\n")] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        let mut seen = Vec::new();
        read_scopes(zip.finish().unwrap(), |part| {
            match part {
                Part::Scope(name, columns) => seen.push(format!("{name}: {}", columns.len())),
                Part::Row(row) => seen.push(row.iter().collect::<Vec<_>>().join("|")),
            }
            if seen.last().is_some_and(|last| last == "3") { Next::Scope } else { Next::Row }
        })
        .unwrap();
        assert_eq!(seen, ["a: 2", "1|", "2|b,c", "b: 1", "3"]);
        assert!(read_scopes(Cursor::new(b"no zip"), |_| Next::Row).is_err());
    }
}
