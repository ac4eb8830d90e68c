//! Baselines: what a connector's last completed run loaded, per scope, for its diff check.
//!
//! A baseline is valid or it is not there, as far as runs go. The first batch of every live run of the connector
//! takes the validity in its own transaction; only the transaction that writes the run's `finished` gives it, to the
//! baselines that it brings. Pieces are written before, in transactions of their own, to a baseline that is not
//! valid yet; what a crash leaves of them goes at the next start.
//!
//! Entries are sorted by their value hash and packed, some thousands in a blob: 25 bytes a row, and read in one walk.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::column;
use crate::{
    error::{Error, Result},
    id::ConnectorId,
};

/// Bytes of an entry.
const ENTRY: usize = 25;
/// Entries of a piece: with the row's head in the fewest pages.
pub const PIECE: usize = 2_600;

/// A valid baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// Short identity.
    pub key: i64,
    /// The scope.
    pub scope: String,
    /// Of what gives a row its meaning.
    pub fingerprint: Vec<u8>,
    /// How many rows it has.
    pub rows: u64,
}

/// One row that was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Hash of its values.
    pub value: u128,
    /// Hash of its match values.
    pub matched: u64,
    /// Another row of its file was about the same record, or may have been.
    pub is_repeated: bool,
}

impl Entry {
    /// Appends it to a piece.
    pub fn push(self, piece: &mut Vec<u8>) {
        piece.extend(self.value.to_be_bytes());
        piece.extend(self.matched.to_be_bytes());
        piece.push(u8::from(self.is_repeated));
    }

    fn read(bytes: &[u8; ENTRY]) -> Self {
        Self {
            value: u128::from_be_bytes(std::array::from_fn(|n| bytes[n])),
            matched: u64::from_be_bytes(std::array::from_fn(|n| bytes[16 + n])),
            is_repeated: bytes[24] != 0,
        }
    }
}

/// The valid baselines of a connector.
pub fn valid(conn: &Connection, connector: ConnectorId) -> Result<Vec<Baseline>> {
    let mut statement = conn.prepare_cached(
        "SELECT key, scope, fingerprint, rows FROM baseline WHERE connector_id = ? AND is_valid ORDER BY key",
    )?;
    let rows = statement.query_map([connector.to_string()], |row| {
        Ok(Baseline {
            key: row.get(0)?,
            scope: row.get(1)?,
            fingerprint: row.get(2)?,
            rows: row.get::<_, i64>(3)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Takes the validity of the connector's baselines; inside the first batch's transaction.
pub fn invalidate(tx: &Connection, connector: ConnectorId) -> Result<()> {
    tx.prepare_cached("UPDATE baseline SET is_valid = 0 WHERE connector_id = ? AND is_valid")?
        .execute([connector.to_string()])?;
    Ok(())
}

/// Begins a baseline that is not valid yet.
pub fn begin(tx: &Connection, connector: ConnectorId, scope: &str, fingerprint: &[u8]) -> Result<i64> {
    tx.prepare_cached(
        "INSERT INTO baseline (connector_id, scope, fingerprint, rows, is_valid) VALUES (?, ?, ?, 0, 0)",
    )?
    .execute(params![connector.to_string(), scope, fingerprint])?;
    Ok(tx.last_insert_rowid())
}

/// Adds the `n`-th piece.
pub fn add(tx: &Connection, baseline: i64, n: u64, piece: &[u8]) -> Result<()> {
    tx.prepare_cached("INSERT INTO baseline_piece (baseline, n, entries) VALUES (?, ?, ?)")?
        .execute(params![baseline, n.cast_signed(), piece])?;
    let rows = i64::try_from(piece.len() / ENTRY).unwrap_or(i64::MAX);
    tx.prepare_cached("UPDATE baseline SET rows = rows + ?2 WHERE key = ?1")?
        .execute(params![baseline, rows])?;
    Ok(())
}

/// Makes these the connector's only baselines, and valid; inside the transaction that writes `finished`.
pub fn complete(tx: &Connection, connector: ConnectorId, keys: &[i64]) -> Result<()> {
    let (connector, keys) = (connector.to_string(), column::to_json(&keys)?);
    tx.prepare_cached(
        "DELETE FROM baseline WHERE connector_id = ?1 AND key NOT IN (SELECT value FROM json_each(?2))",
    )?
    .execute(params![connector, keys])?;
    tx.prepare_cached("UPDATE baseline SET is_valid = 1 WHERE connector_id = ?1")?.execute([connector])?;
    Ok(())
}

/// Removes what is not valid of the connector's baselines; when a run has ended that leaves none.
pub fn sweep(tx: &Connection, connector: ConnectorId) -> Result<()> {
    tx.prepare_cached("DELETE FROM baseline WHERE connector_id = ? AND NOT is_valid")?
        .execute([connector.to_string()])?;
    Ok(())
}

/// Removes what is not valid of all connectors: at start-up, when nothing runs.
pub fn sweep_all(tx: &Connection) -> Result<()> {
    tx.execute("DELETE FROM baseline WHERE NOT is_valid", [])?;
    Ok(())
}

/// Removes the connector's baselines: it is deleted.
pub fn delete_of_connector(tx: &Connection, connector: ConnectorId) -> Result<()> {
    tx.execute("DELETE FROM baseline WHERE connector_id = ?", [connector.to_string()])?;
    Ok(())
}

/// The entries of a baseline in the order of their value hashes, a piece in memory at a time.
pub struct Entries<'c> {
    connection: &'c Connection,
    baseline: i64,
    next_piece: i64,
    piece: Vec<u8>,
    at: usize,
}

impl<'c> Entries<'c> {
    /// From the first one.
    #[must_use]
    pub const fn new(connection: &'c Connection, baseline: i64) -> Self {
        Self { connection, baseline, next_piece: 0, piece: Vec::new(), at: 0 }
    }

    /// The next one.
    #[expect(clippy::should_implement_trait, reason = "reading may fail, and `?` is at every call")]
    pub fn next(&mut self) -> Result<Option<Entry>> {
        if self.at == self.piece.len() {
            let piece = self
                .connection
                .prepare_cached("SELECT entries FROM baseline_piece WHERE baseline = ? AND n = ?")?
                .query_row(params![self.baseline, self.next_piece], |row| row.get(0))
                .optional()?;
            let Some(piece) = piece else { return Ok(None) };
            (self.piece, self.at) = (piece, 0);
            self.next_piece += 1;
        }
        let bytes = self.piece[self.at..]
            .first_chunk::<ENTRY>()
            .ok_or_else(|| Error::internal(format!("baseline {}: a piece is cut off", self.baseline)))?;
        self.at += ENTRY;
        Ok(Some(Entry::read(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, store::Store};

    fn entry(n: u64) -> Entry {
        Entry { value: u128::from(n) << 64, matched: n, is_repeated: n.is_multiple_of(3) }
    }

    #[test]
    fn entries_come_back_in_order_and_take_at_most_48_bytes_each() {
        const ROWS: u64 = 100_000;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let connector = ConnectorId::new();
        let bytes = || -> i64 {
            let sql = "SELECT (page_count - freelist_count) * page_size
                       FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
            store.records.read(|conn| Ok(conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
        };
        let before = bytes();
        let all: Vec<u64> = (0..ROWS).collect();
        let key = store
            .records
            .write(|tx| {
                let key = begin(tx, connector, "s", b"f")?;
                for (n, chunk) in (0..).zip(all.chunks(PIECE)) {
                    let mut piece = Vec::new();
                    for n in chunk {
                        entry(*n).push(&mut piece);
                    }
                    add(tx, key, n, &piece)?;
                }
                Ok(key)
            })
            .unwrap();
        let a_row = (bytes() - before) as f64 / ROWS as f64;
        assert!((25.0..=48.0).contains(&a_row), "{a_row} bytes a row");
        store
            .records
            .read(|conn| {
                let mut entries = Entries::new(conn, key);
                for n in 0..ROWS {
                    assert_eq!(entries.next()?, Some(entry(n)));
                }
                assert_eq!(entries.next()?, None);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_baseline_is_valid_only_between_its_runs_end_and_the_next_runs_first_batch() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let (connector, other) = (ConnectorId::new(), ConnectorId::new());
        let keys = |of| -> Vec<i64> {
            store.records.read(|conn| valid(conn, of)).unwrap().iter().map(|baseline| baseline.key).collect()
        };
        let make = |of, scope: &str| store.records.write(|tx| begin(tx, of, scope, b"f")).unwrap();
        let (first, gone, others) = (make(connector, "a"), make(connector, "b"), make(other, "a"));
        assert!(keys(connector).is_empty(), "not yet");
        store.records.write(|tx| complete(tx, connector, &[first, gone])).unwrap();
        store.records.write(|tx| complete(tx, other, &[others])).unwrap();
        assert_eq!(keys(connector), [first, gone]);
        store.records.write(|tx| invalidate(tx, connector)).unwrap();
        assert!(keys(connector).is_empty());
        // What a crash left of the next one goes with it; another connector's stays.
        make(connector, "a");
        store.records.write(|tx| sweep_all(tx)).unwrap();
        let left: i64 = store
            .records
            .read(|conn| Ok(conn.query_row("SELECT count(*) FROM baseline", [], |row| row.get(0))?))
            .unwrap();
        assert_eq!((left, keys(other)), (1, vec![others]));
        // A scope that the next run has not vanishes.
        let next = make(connector, "a");
        let vanished = make(connector, "b");
        store.records.write(|tx| complete(tx, connector, &[next])).unwrap();
        assert_eq!(keys(connector), [next]);
        assert_ne!(next, vanished);
    }
}
