//! The private database of a dry run: empty tables named like those of `records.db`, which is attached
//! read-only beside them as `live`.
//!
//! Loading works on it as on `records.db` itself; [`super::lookup`] copies the live records that a row's
//! rules look up. So a dry run never takes the write lock of `records.db` and can't write to it, whatever
//! the code above does.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{Store, migrate::Kind, table};
use crate::{
    error::{Error, Result},
    id::ExecutionId,
    object::{Field, Object},
};

/// Makes the scratch database in the execution's scratch folder, with tables for `objects`.
pub fn create(store: &Store, dir: &Path, objects: &[&Object]) -> Result<Connection> {
    let scratch = Connection::open(dir.join("dry.db"))?;
    // It is gone with the run: nothing is synced.
    scratch.execute_batch(
        "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF; PRAGMA main.locking_mode=EXCLUSIVE;
         PRAGMA foreign_keys=OFF; PRAGMA cache_size=-32768; PRAGMA busy_timeout=5000;",
    )?;
    let live = store.dir.join(Kind::Records.file_name());
    scratch.execute("ATTACH DATABASE ?1 AS live", [read_only_uri(&live)?])?;
    scratch.execute_batch("BEGIN")?;
    for name in ["run", "run_step", "row_outcome", "field_option"] {
        copy_table(&scratch, name)?;
    }
    for object in objects {
        copy_table(&scratch, &format!("record_{}", object.name))?;
        for field in &object.fields {
            if field.is_many() && field.has_storage() {
                copy_table(&scratch, &table::link_table(field))?;
            }
            if field.field_type.has_options() {
                scratch.execute(
                    "INSERT OR IGNORE INTO main.field_option SELECT * FROM live.field_option WHERE field_key = ?1",
                    [field.key],
                )?;
            }
        }
    }
    // New options get keys that no live option has.
    scratch.execute_batch(
        "DELETE FROM main.sqlite_sequence WHERE name = 'field_option';
         INSERT INTO main.sqlite_sequence SELECT * FROM live.sqlite_sequence WHERE name = 'field_option';
         COMMIT;",
    )?;
    Ok(scratch)
}

/// The table that stands in for an index which `records.db` lacks: value and row, in the order of values.
pub(super) fn lookup_table(field: &Field) -> String {
    format!("lookup_{}", field.key)
}

/// Makes that table, of the records as they are now.
pub fn make_lookup(scratch: &Connection, object: &Object, field: &Field) -> Result<()> {
    let (lookup, value) = (lookup_table(field), table::comparable(field));
    // Values of a STRICT column come as they are: no affinity may change them here.
    scratch.execute_batch(&format!(
        "CREATE TABLE main.{lookup} (value ANY, id INTEGER, PRIMARY KEY (value, id)) STRICT, WITHOUT ROWID;
         INSERT INTO main.{lookup} SELECT {value}, id FROM live.{} WHERE {value} IS NOT NULL ORDER BY 1, 2;",
        table::table(object)
    ))?;
    Ok(())
}

/// Whether that table is there.
pub(super) fn has_lookup(scratch: &Connection, field: &Field) -> Result<bool> {
    Ok(scratch
        .prepare_cached("SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1")?
        .exists([lookup_table(field)])?)
}

/// Hands the outcomes that a dry run collected to `control.db`, a thousand at a time: nobody waits long.
pub fn deliver_outcomes(scratch: &Connection, store: &Store, execution: ExecutionId) -> Result<()> {
    let mut after = 0;
    loop {
        let page = super::outcome::page(scratch, execution, None, after, 1_000)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        store.control.write(|tx| {
            page.iter().try_for_each(|(n, outcome)| super::outcome::insert(tx, execution, *n, outcome))
        })?;
    }
}

/// The rows of `object` that were copied here: those that a run has looked up. What it made itself has other rows.
pub fn looked_up(scratch: &Connection, object: &Object) -> Result<Vec<i64>> {
    let table = table::table(object);
    let sql = format!("SELECT id FROM main.{table} WHERE id IN (SELECT id FROM live.{table}) ORDER BY id");
    let mut statement = scratch.prepare(&sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Makes an empty table like the live one, with its indexes.
fn copy_table(scratch: &Connection, name: &str) -> Result<()> {
    let is_there: bool = scratch
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = ?1)")?
        .query_row([name], |row| row.get(0))?;
    if is_there {
        return Ok(());
    }
    // The table before its indexes.
    let statements: Vec<String> = scratch
        .prepare_cached(
            "SELECT sql FROM live.sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL
             AND type IN ('table', 'index') ORDER BY type = 'index'",
        )?
        .query_map(params![name], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for sql in statements {
        scratch.execute_batch(&sql)?;
    }
    Ok(())
}

/// The path as a URI that opens the file read-only.
fn read_only_uri(path: &Path) -> Result<String> {
    let path =
        path.to_str().ok_or_else(|| Error::internal(format!("data folder {}: not UTF-8", path.display())))?;
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Ok(format!("file:{escaped}?mode=ro"))
}
