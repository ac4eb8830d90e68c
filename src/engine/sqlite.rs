//! The connection of one execution and its scratch files.
//!
//! What is filled or read beside the script, `input`, `kizen` and `output`, is a file each in the execution's scratch
//! folder. The other schemas are files that SQLite makes when their page cache is full, as it does for sorters and
//! temporary tables: memory stays flat however large the input is, and a small run makes no files that it does not
//! need. All are thrown away after the run, so nothing is journalled or synced.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use super::error::EngineError;

/// The schemas that are attached to `main`, and whether they are `<schema>.db` in the scratch folder from the start.
const ATTACHED: [(&str, bool); 5] =
    [("input", true), ("output", true), ("kizen", true), ("meta", false), ("connector", false)];
/// The name of a database whose file SQLite makes when it needs one, and removes.
const NAMELESS: &str = "";

/// Page caches in KiB. That of `main` also bounds what a sorter holds in memory.
const CACHE_KIB: [(&str, u32); 7] = [
    ("main", 16_384),
    ("input", 16_384),
    ("output", 16_384),
    ("kizen", 8_192),
    ("connector", 8_192),
    ("temp", 8_192),
    ("meta", 1_024),
];

/// How `max_scratch_mb` is shared out, in eighths.
const SCRATCH_EIGHTHS: [(&str, u64); 4] = [("output", 4), ("connector", 2), ("main", 1), ("temp", 1)];

/// Fewer, larger pages make bulk loads and scans cheaper.
pub(super) const PAGE_SIZE: u32 = 8_192;

static TEMP_DIR: OnceLock<PathBuf> = OnceLock::new();

/// Says, once per process and before the first engine, where SQLite puts its sorters and temporary
/// tables. The same folder again is fine.
///
/// # Errors
/// When another folder was set before, or the folder can't be written to.
pub fn set_temp_dir(folder: &Path) -> Result<(), EngineError> {
    let doing = "setting the folder for temporary files";
    let set = TEMP_DIR.get_or_init(|| folder.to_owned());
    if set != folder {
        let cause = format!("it is {} already, and can't become {}", set.display(), folder.display());
        return Err(EngineError::Scratch { doing, cause });
    }
    // SQLite keeps this in one variable for the whole process and has no other way to set it. The
    // pragma refuses a folder that it can't write to.
    let db = Connection::open_in_memory().map_err(scratch(doing))?;
    let sql = format!("PRAGMA temp_store_directory = {}", text_literal(&folder.to_string_lossy()));
    db.execute_batch(&sql).map_err(scratch(doing))
}

/// Where a schema is.
pub(super) fn schema_file(folder: &Path, schema: &str) -> PathBuf {
    folder.join(format!("{schema}.db"))
}

/// Opens the scratch databases in `folder`, which exists.
pub(super) fn open(folder: &Path, max_scratch_mb: u64) -> Result<Connection, Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(NAMELESS, flags)?;
    for (schema, is_file) in ATTACHED {
        let file = if is_file { schema_file(folder, schema) } else { NAMELESS.into() };
        db.execute(&format!("ATTACH ?1 AS {schema}"), [file.to_string_lossy()])?;
    }
    db.execute_batch("PRAGMA temp_store = FILE")?;
    for (schema, cache) in CACHE_KIB {
        db.execute_batch(&format!("PRAGMA {schema}.page_size = {PAGE_SIZE}"))?;
        // Answers a row, which execute_batch steps over.
        db.execute_batch(&format!("PRAGMA {schema}.journal_mode = OFF"))?;
        db.execute_batch(&format!("PRAGMA {schema}.synchronous = OFF"))?;
        db.execute_batch(&format!("PRAGMA {schema}.cache_size = -{cache}"))?;
    }
    for (schema, eighths) in SCRATCH_EIGHTHS {
        let pages = (max_scratch_mb.saturating_mul(1024 * 1024 / 8 * eighths) / u64::from(PAGE_SIZE)).max(2);
        let pages = pages.min(u64::from(u32::MAX) - 1);
        db.execute_batch(&format!("PRAGMA {schema}.max_page_count = {pages}"))?;
    }
    Ok(db)
}

/// Opens `output.db` in `folder` for reading, beside the connection that wrote it.
pub(super) fn open_output(folder: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(schema_file(folder, "output"), flags)?;
    db.execute_batch("PRAGMA cache_size = -4096")?;
    Ok(db)
}

/// A name as SQL: `"a ""b"""`.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string as SQL, for the few places that take no parameter.
pub(super) fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// For `map_err`: SQLite failed while `doing` something that is not the script's fault.
pub(super) fn scratch(doing: &'static str) -> impl Fn(Error) -> EngineError {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => EngineError::DiskFull { doing },
        _ => EngineError::Scratch { doing, cause: error.to_string() },
    }
}
