//! Gives back what deleted fields and rows have left. Only while nobody else works on the folder.

use rusqlite::{Connection, Transaction};

use super::{Store, table};
use crate::error::{Error, Result};

/// What it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vacuumed {
    /// Deleted fields whose values are gone now.
    pub fields: u64,
    /// Bytes of the databases before and after.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// Drops the columns and tables that deleted fields have hidden, and rewrites every database without its
/// free pages. The caller holds the folder ([`Store::open`]).
pub fn vacuum(store: &Store) -> Result<Vacuumed> {
    let before = bytes(store)?;
    let fields = store.records.write(drop_deleted_fields)?;
    for (_, database) in store.databases() {
        database.writer().execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
    }
    Ok(Vacuumed { fields, before, after: bytes(store)? })
}

fn bytes(store: &Store) -> Result<u64> {
    store.databases().map(|(_, database)| database.size().map(|(file, log, _)| file + log)).sum()
}

fn drop_deleted_fields(tx: &Transaction<'_>) -> Result<u64> {
    let deleted: Vec<(i64, String)> = tx
        .prepare(
            "SELECT f.key, o.name FROM field f JOIN object o ON o.id = f.object_id
             WHERE f.deleted IS NOT NULL ORDER BY f.key",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (key, object) in &deleted {
        let column = table::deleted_column(*key);
        if has_column(tx, object, &column)? {
            let (table, column) = (table::table_of(object), table::quoted(&column));
            tx.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN {column}"))?;
        }
        tx.execute_batch(&format!("DROP TABLE IF EXISTS link_{key}"))?;
        tx.execute("DELETE FROM field_option WHERE field_key = ?", [key])?;
        tx.execute("DELETE FROM field WHERE key = ?", [key])?;
    }
    Ok(deleted.len() as u64)
}

fn has_column(connection: &Connection, object: &str, column: &str) -> Result<bool> {
    connection
        .prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?")?
        .exists([&format!("record_{object}"), column])
        .map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        object::{
            FieldType,
            design::{NewField, NewObject},
        },
        store::{check::check, field, object},
    };

    #[test]
    fn what_deleted_fields_hid_is_gone_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let now = store.clock.now();
        let new = NewObject {
            name: Some("order".into()),
            object_name: "Orders".into(),
            entity_name: "Order".into(),
        };
        store
            .records
            .write(|tx| {
                let object = object::create(tx, &new, now)?;
                for (name, field_type) in [("gone", FieldType::Text), ("kept", FieldType::Text)] {
                    field::create(tx, &object, &NewField::plain(name, name, field_type))?;
                }
                tx.execute_batch(
                    "INSERT INTO record_order (id, created, updated, gone, kept)
                     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                     SELECT i, 1, 1, hex(zeroblob(1000)), 'k' || i FROM n",
                )?;
                let object = object::load(tx, object.id)?;
                let gone = object.fields.iter().find(|field| field.name == "gone").unwrap();
                field::delete(tx, &object, gone, now)
            })
            .unwrap();
        let done = vacuum(&store).unwrap();
        assert_eq!(done.fields, 1);
        assert!(done.after + 3_000_000 < done.before, "{done:?}");
        let kept: (i64, String) = store
            .records
            .read(|c| {
                let columns =
                    "SELECT count(*) FROM pragma_table_info('record_order') WHERE name LIKE '!_%' ESCAPE '!'";
                assert_eq!(c.query_row(columns, [], |row| row.get::<_, i64>(0))?, 0);
                let sql = "SELECT count(*), max(kept) FROM record_order WHERE kept = 'k' || id";
                Ok(c.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
            })
            .unwrap();
        assert_eq!(kept, (2000, "k999".to_owned()));
        assert_eq!(check(&store).unwrap().findings, []);
    }
}
