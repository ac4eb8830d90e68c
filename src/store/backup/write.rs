//! Taking a backup.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions, write::StreamWriter};

use super::{FORMAT, MANIFEST, Manifest, Part, copy_hashed, failed};
use crate::{
    error::{Code, Error, Result},
    store::{KEY_FILE, Store, disk, migrate::Kind, pool},
};

/// Pages between two looks at the disk.
const STEP: i32 = 256;
/// What must stay free on the disk that the copies are made on.
const MARGIN: u64 = 64 * 1024 * 1024;

/// Writes a backup of `store` to `out`, front to back. One database at a time is copied into the folder
/// `scratch` first: it must have space for the largest.
///
/// # Errors
/// When the scratch folder's disk has too little space, or `out` takes no more.
pub fn write(store: &Store, scratch: &Path, with_key: bool, out: impl Write) -> Result<Manifest> {
    let mut zip = ZipWriter::new_stream(out);
    let created = store.clock.now();
    let mut parts = Vec::new();
    for (kind, database) in store.databases() {
        let copy = scratch.join(kind.file_name());
        let schema = copy_database(database.path(), &copy)?;
        parts.push(add(&mut zip, kind.file_name(), Some(schema), &copy)?);
        fs::remove_file(&copy).map_err(|e| failed(&copy, &e))?;
    }
    let key = store.dir.join(KEY_FILE);
    if with_key && key.exists() {
        parts.push(add(&mut zip, KEY_FILE, None, &key)?);
    }
    let manifest = Manifest { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned(), created, parts };
    let text = serde_json::to_vec_pretty(&manifest).map_err(Error::internal)?;
    let written = zip.start_file(MANIFEST, options()).and_then(|()| Ok(zip.write_all(&text)?));
    written.and_then(|()| Ok(zip.finish()?.into_inner().flush()?)).map_err(not_taken)?;
    Ok(manifest)
}

fn options() -> SimpleFileOptions {
    // Of unknown length when its header is written.
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true)
}

fn add(
    zip: &mut ZipWriter<StreamWriter<impl Write>>,
    name: &str,
    schema: Option<i64>,
    from: &Path,
) -> Result<Part> {
    let mut file = File::open(from).map_err(|e| failed(from, &e))?;
    zip.start_file(name, options()).map_err(not_taken)?;
    let (size, sha256) = copy_hashed(
        |piece| file.read(piece).map_err(|e| failed(from, &e)),
        |piece| zip.write_all(piece).map_err(not_taken),
    )?;
    Ok(Part { name: name.to_owned(), schema, size, sha256 })
}

/// Copies a database as it is at one moment. Answers its schema.
fn copy_database(from: &Path, to: &Path) -> Result<i64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    pool::wait_when_busy(&source)?;
    // One moment: without the transaction, the copy would begin anew at every write of somebody else.
    source.execute_batch("PRAGMA query_only=ON; BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    let number = |name: &str| source.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let bytes = number("page_count")?.unsigned_abs() * number("page_size")?.unsigned_abs();
    has_room(to, bytes)?;
    super::restore::make_private(to).map_err(|e| failed(to, &e))?;
    let mut copy = Connection::open(to)?;
    // A copy that a crash tears is thrown away.
    copy.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")?;
    {
        let backup = Backup::new(&source, &mut copy)?;
        while backup.step(STEP)? != StepResult::Done {}
    }
    Ok(number("user_version")?)
}

fn has_room(at: &Path, bytes: u64) -> Result<()> {
    let folder = at.parent().unwrap_or(at);
    match disk::space_at(folder) {
        Some((free, _)) if free < bytes.saturating_add(MARGIN) => Err(Error::new(
            Code::DiskFull,
            format!(
                "{} has {} MB free; a copy of {} needs {} MB.",
                folder.display(),
                free / 1_000_000,
                at.file_name().unwrap_or_default().to_string_lossy(),
                (bytes + MARGIN) / 1_000_000
            ),
        )),
        _ => Ok(()),
    }
}

/// The other side went away, or its disk is full: no defect.
fn not_taken(error: impl std::fmt::Display) -> Error {
    Error::new(Code::Busy, format!("The backup could not be written on: {error}"))
}

/// The databases that every backup holds.
pub(super) fn is_database(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.file_name() == name)
}
