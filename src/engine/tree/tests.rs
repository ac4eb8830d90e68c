//! What is written here, read by SQLite.

use std::path::PathBuf;

use rusqlite::{
    Connection,
    types::{Value, ValueRef},
};

use super::{
    page::{MOST_LOCAL, OVERFLOW},
    *,
};
use crate::engine::value::Cell;

struct Bench {
    db: Connection,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// A database with an empty table and another that has a row.
fn bench(columns: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size = {PAGE}; PRAGMA journal_mode = OFF;
         CREATE TABLE other (a); INSERT INTO other VALUES ('stays'); CREATE TABLE t ({columns});"
    ))
    .unwrap();
    Bench { db, path, _folder: folder }
}

fn fill<'c>(mut writer: TreeWriter, rows: impl IntoIterator<Item = (i64, Vec<Cell<'c>>)>) {
    let mut record = Record::default();
    for (rowid, cells) in rows {
        record.clear();
        for cell in cells {
            record.push(cell);
        }
        writer.add(rowid, record.whole()).unwrap();
    }
    writer.finish().unwrap();
}

impl Bench {
    fn writer(&self) -> TreeWriter {
        let root = self.db.query_row("SELECT rootpage FROM sqlite_master WHERE name = 't'", [], |r| r.get(0));
        TreeWriter::open(&self.path, root.unwrap()).unwrap()
    }

    fn check(&self) {
        let found: String = self.db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
    }

    /// Rowids and the length of the text, which is the rowid's last digit again and again.
    fn lengths(&self) -> Vec<(i64, usize)> {
        let mut query = self.db.prepare("SELECT rowid, a FROM t").unwrap();
        let rows = query.query_map([], |row| {
            let (rowid, text): (i64, String) = (row.get(0)?, row.get(1)?);
            assert!(text.bytes().all(|byte| byte == digit(rowid)), "row {rowid}");
            Ok((rowid, text.len()))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

fn digit(rowid: i64) -> u8 {
    b'0' + u8::try_from(rowid % 10).unwrap()
}

/// Fills `t (a)` with texts of these lengths and asks SQLite for them.
fn round_trip(fan_out: usize, lengths: &[usize]) {
    let bench = bench("a TEXT");
    let mut writer = bench.writer();
    writer.fan_out = fan_out;
    let texts: Vec<(i64, String)> =
        (1..).zip(lengths).map(|(n, length)| (n, char::from(digit(n)).to_string().repeat(*length))).collect();
    fill(writer, texts.iter().map(|(n, text)| (*n, vec![Cell::Text(text)])));
    bench.check();
    let expected: Vec<(i64, usize)> = (1..).zip(lengths.iter().copied()).collect();
    assert_eq!(bench.lengths(), expected);
    // What follows finds the file as it should be.
    bench
        .db
        .execute_batch("INSERT INTO t VALUES ('x'); UPDATE t SET a = a || a WHERE rowid % 3 = 0")
        .unwrap();
    bench.check();
    let stayed: String = bench.db.query_row("SELECT a FROM other", [], |row| row.get(0)).unwrap();
    assert_eq!(stayed, "stays");
}

#[test]
fn trees_of_every_height_are_whole() {
    for rows in [0, 1, 2, 50, 51, 52, 53, 54, 100, 500, 1_000, 3_000] {
        // About fifty in a leaf, and few leaves below a page.
        round_trip(3, &vec![150; rows]);
    }
    round_trip(page::FAN_OUT, &[4_000].repeat(2 * page::FAN_OUT + 7));
}

#[test]
fn records_of_every_length_are_whole() {
    let around = |length: usize| length.saturating_sub(12)..length + 12;
    let lengths: Vec<usize> = (0..300)
        .chain(around(PAGE / 2))
        .chain(around(MOST_LOCAL))
        .chain(around(PAGE))
        .chain(around(OVERFLOW + MOST_LOCAL))
        .chain(around(2 * OVERFLOW + 1_000))
        .chain([1_000_000, 3, 2_097_151])
        .collect();
    round_trip(page::FAN_OUT, &lengths);
}

#[test]
fn every_value_and_rowid_comes_back() {
    let powers = (0..63).flat_map(|n| [1_i64 << n, (1 << n) - 1, -(1 << n), -(1 << n) - 1]);
    let mut rowids: Vec<i64> = powers.chain([i64::MAX, i64::MIN]).collect();
    let bench = bench("i INTEGER, r REAL, t TEXT, n TEXT");
    rowids.sort_unstable();
    rowids.dedup();
    let text = "ü\0\u{1f381}";
    let cells = |n: i64| vec![Cell::Integer(n), Cell::Real(n as f64 / 3.0), Cell::Text(text), Cell::Null];
    fill(bench.writer(), rowids.iter().map(|n| (*n, cells(*n))));
    bench.check();
    let mut query = bench.db.prepare("SELECT rowid, * FROM t").unwrap();
    let found: Vec<i64> = query
        .query_map([], |row| {
            let n: i64 = row.get(0)?;
            let (i, r): (i64, f64) = (row.get(1)?, row.get(2)?);
            assert_eq!((i, r.to_bits()), (n, (n as f64 / 3.0).to_bits()));
            assert_eq!(row.get_ref(3)?, ValueRef::Text(text.as_bytes()));
            assert_eq!(row.get_ref(4)?, ValueRef::Null);
            Ok(n)
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(found, rowids);
}

#[test]
fn numbers_are_kept_as_sqlite_keeps_them() {
    let reals = [0.0, -0.0, 1.0, 0.1, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN];
    let bench = bench("r REAL");
    bench.db.execute_batch("CREATE TABLE own (r REAL)").unwrap();
    for real in reals {
        bench.db.execute("INSERT INTO own VALUES (?1)", [real]).unwrap();
    }
    fill(bench.writer(), (1..).zip(reals.map(|real| vec![Cell::Real(real)])));
    let read = |table: &str| -> Vec<(Value, String)> {
        let sql = format!("SELECT r, typeof(r) || printf('%!.20g', r) FROM {table}");
        let mut query = bench.db.prepare(&sql).unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(read("t"), read("own"));
}

#[test]
fn wide_rows_are_whole() {
    for columns in [1, 60, 127, 128, 130, 2_000] {
        let names: Vec<String> = (0..columns).map(|n| format!("c{n} TEXT")).collect();
        let bench = bench(&names.join(", "));
        let row = |n: i64| (n, vec![Cell::Text("ab"); columns]);
        fill(bench.writer(), (1..40).map(row));
        bench.check();
        let sql = format!("SELECT count(*) FROM t WHERE c0 = 'ab' AND c{} = 'ab'", columns - 1);
        assert_eq!(bench.db.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 39);
    }
}

#[test]
fn the_page_that_sqlite_locks_is_passed_over() {
    // A file with a hole up to three pages before it: leaves stand on both sides, then a chain of pages.
    let gap = u64::from(LOCK_PAGE - 4) * PAGE as u64;
    for lengths in [vec![3_000; 20], vec![10, 60_000, 10]] {
        let bench = bench("a TEXT");
        let file = OpenOptions::new().write(true).open(&bench.path).unwrap();
        file.set_len(gap).unwrap();
        let writer = bench.writer();
        let texts: Vec<(i64, String)> = (1..)
            .zip(&lengths)
            .map(|(n, length)| (n, char::from(digit(n)).to_string().repeat(*length)))
            .collect();
        fill(writer, texts.iter().map(|(n, text)| (*n, vec![Cell::Text(text)])));
        assert_eq!(bench.lengths(), (1..).zip(lengths).collect::<Vec<_>>());
        assert!(bench.path.metadata().unwrap().len() > u64::from(LOCK_PAGE) * PAGE as u64);
        bench.db.execute_batch("INSERT INTO t VALUES ('x')").unwrap();
    }
}
