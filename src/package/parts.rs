//! An input whose tables are files of their own.
//!
//! The package of another client may hold a workbook or an archive taken apart: one file for each table of the
//! script. A run reads one file, so they are put into a ZIP archive, under names by which each is paired with
//! its table.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::folder::{Package, file_of};
use crate::{
    error::{Error, Result},
    input::{stem, table_name},
    script::InputTable,
};

/// The file that a run reads: the only one, or an archive of them in `folder`.
pub(super) fn joined(package: &Package, files: &[PathBuf], folder: &Path) -> Result<PathBuf> {
    if let [only] = files {
        return Ok(only.clone());
    }
    let path = folder.join("input.zip");
    let failed = |e: &dyn std::fmt::Display| Error::internal(format!("{}: {e}", path.display()));
    let mut zip = ZipWriter::new(BufWriter::new(File::create(&path).map_err(|e| failed(&e))?));
    // They are read once, from the same disk.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    let mut taken = HashSet::new();
    for file in files {
        let mut source =
            File::open(file).map_err(|e| Error::invalid(format!("The input {}: {e}", file.display())))?;
        zip.start_file(member(package, file, &mut taken), options).map_err(|e| failed(&e))?;
        io::copy(&mut source, &mut zip).map_err(|e| failed(&e))?;
    }
    zip.finish().map_err(|e| failed(&e))?;
    Ok(path)
}

/// The file's name in the archive: its table's, with its own extension.
fn member(package: &Package, file: &Path, taken: &mut HashSet<String>) -> String {
    let is_its = |table: &&InputTable| package.root.join(file_of(table)) == file;
    let table = package.config.input_tables.iter().find(is_its);
    let stem = table.map_or_else(|| "input".to_owned(), |table| table_name(stem(table)));
    let extension = file.extension().map_or_else(|| "csv".into(), |extension| extension.to_string_lossy());
    let mut name = format!("{stem}.{extension}");
    let mut n = 1;
    while !taken.insert(name.to_lowercase()) {
        n += 1;
        name = format!("{stem}_{n}.{extension}");
    }
    name
}
