//! Indexes that a first load leaves until its end.
//!
//! An index entry per new record, in random order, costs more than sorting all of them once. So the first
//! large load into an empty object drops the indexes that neither enforce anything nor serve the run, and
//! makes them again at its end. `late_index` remembers which, in the file that they are in: what a cancel, a full
//! disk or a crash left, the runner makes once nothing runs. Another run that matches by one of them finds it missing and makes it earlier.

use rusqlite::{Connection, Transaction, params};

use super::{
    column::parsed,
    object,
    table::{self, ensure_match_index, has_match_index},
};
use crate::{
    error::Result,
    id::{FieldId, ObjectId},
    object::Object,
};

/// An index to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateIndex {
    /// The object.
    pub object: ObjectId,
    /// The field that it is on.
    pub field: FieldId,
}

/// Drops what `object` has indexes for besides `needed` and the unique ones, when it has no records.
/// Answers how many indexes are left until the end.
pub fn set_aside(tx: &Transaction<'_>, object: &Object, needed: &[FieldId]) -> Result<usize> {
    let mut dropped = 0;
    let has_records: bool = tx
        .prepare_cached(&format!("SELECT EXISTS (SELECT 1 FROM {})", table::table(object)))?
        .query_row([], |row| row.get(0))?;
    if has_records {
        return Ok(dropped);
    }
    for field in &object.fields {
        let serves = field.is_unique || needed.contains(&field.id);
        if serves || !field.has_column() || !has_match_index(tx, field)? {
            continue;
        }
        tx.execute_batch(&format!("DROP INDEX {}", table::match_index(field)))?;
        tx.execute(
            "INSERT OR REPLACE INTO late_index (field_id, object_id) VALUES (?1, ?2)",
            params![field.id.to_string(), object.id.to_string()],
        )?;
        dropped += 1;
    }
    Ok(dropped)
}

/// The indexes to be made on `of`, or on all objects.
pub fn pending(connection: &Connection, of: Option<ObjectId>) -> Result<Vec<LateIndex>> {
    let mut statement = connection.prepare_cached(
        "SELECT field_id, object_id FROM late_index WHERE ?1 IS NULL OR object_id = ?1 ORDER BY field_id",
    )?;
    let rows = statement.query_map([of.map(|id| id.to_string())], |row| {
        Ok(LateIndex { field: parsed(row, "field_id")?, object: parsed(row, "object_id")? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Makes one of them. A field that is gone needs none.
pub fn make(tx: &Transaction<'_>, late: LateIndex) -> Result<()> {
    if let Some(object) = object::find(tx, late.object)?
        && let Some(field) = object.field(late.field)
    {
        ensure_match_index(tx, &object, field)?;
    }
    tx.execute("DELETE FROM late_index WHERE field_id = ?1", [late.field.to_string()])?;
    Ok(())
}
