//! Hostile scripts, each with the exact sentence that refuses it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod limits;
mod mistakes;
mod sandbox;

use std::time::{Duration, Instant};

use smartconnector::{
    cancel::CancelToken,
    engine::{Cell, ColumnKind, Engine, EngineLimits, Scalar},
    variable::Locale,
};

const READ_ONLY: &str = "is read-only: write to output, connector or a temporary table";
const NO_TRANSACTIONS: &str =
    "transactions are not available in scripts: a failed script leaves nothing behind anyway";
const CLICKHOUSE: &str = "(this looks like ClickHouse's dialect, and this server runs scripts on SQLite)";
const NO_OUTPUT: &str = "No output tables found in output database, create at least one: \
                         CREATE TABLE output.<name> AS SELECT …";
const TIME: &str = "Query execution time limit exceeded (0.3 s). Stopped in statement 1 (line 1, column 1); \
                    the limit is engine.timeout_s.";
const SCRATCH: &str = "Scratch space limit exceeded (8 MB). Stopped in statement 1 (line 1, column 1); the \
                       limit is engine.max_scratch_mb.";
const VALUE: &str = "Value size limit exceeded (1 MB). Stopped in statement 1 (line 1, column 1); the limit is \
                     engine.max_value_mb.";

fn limits() -> EngineLimits {
    EngineLimits {
        max_scratch_mb: 8,
        min_free_mb: 0,
        max_rows: 1_000,
        is_own_timeout: false,
        timeout: Duration::from_millis(300),
        max_value_mb: 1,
        max_aggregate_mb: 1,
    }
}

/// What running `sql` says, and how long that took.
fn answer(sql: &str, limits: EngineLimits) -> (String, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(folder.path(), limits, Locale::default(), CancelToken::new()).unwrap();
    let columns = [("email", ColumnKind::Text), ("qty", ColumnKind::Integer)];
    let mut loader = engine.create_input("orders", 0, "orders.csv", &columns).unwrap();
    loader.insert(2, [Cell::Text("a@b.c"), Cell::Integer(1)]).unwrap();
    loader.finish().unwrap();
    engine.create_seed("customers", &[("kizen_id", ColumnKind::Text)]).unwrap().finish().unwrap();
    let started = Instant::now();
    let ran = engine.run_script(sql, &[("region".to_owned(), Scalar::Null)]);
    let took = started.elapsed();
    // Nothing was made beside the scratch files.
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["input.db", "kizen.db", "output.db"], "{sql}");
    (ran.map_or_else(|error| error.to_string(), |_| "it ran".to_owned()), took)
}

/// Every script is refused with exactly its sentence.
fn refused<S: AsRef<str>, T: AsRef<str>>(cases: &[(S, T)]) {
    for (sql, sentence) in cases {
        let sql = sql.as_ref();
        // Only what has no end shall run out of time, however busy the machine is.
        let timeout = if sentence.as_ref() == TIME { limits().timeout } else { Duration::from_secs(20) };
        let (found, took) = answer(sql, EngineLimits { timeout, ..limits() });
        let shown: String = sql.chars().take(200).collect();
        assert_eq!(found, sentence.as_ref(), "{shown}");
        // Generous, for a busy machine: the point is that nothing runs on.
        assert!(took < timeout + Duration::from_secs(4), "{took:?}: {shown}");
    }
}

fn script(line: usize, column: usize, message: &str) -> String {
    format!("Error running connector SQL script: line {line}, column {column}: {message}")
}

fn at_once(message: &str) -> String {
    script(1, 1, message)
}

#[test]
fn what_is_allowed_stays_allowed() {
    let (found, _) = answer(
        "create temp view o as select rowid as _line, * from input.orders;
         create table connector.t (a integer primary key, b text unique); create index connector.i on t (b);
         insert into t select n, n from (select 1 as n union select 2) where true
           on conflict do nothing;
         update t set b = b || '!' where a = 1; delete from t where a = 2; drop index connector.i;
         create table output.x (a, b as (upper(a) || 'x')); insert into output.x (a) select email from o;
         alter table output.x rename to y; alter table output.y rename column a to c;
         alter table output.y add column d; alter table output.y drop column d;
         create table output.names as select name from pragma_table_info('orders', 'input')
           union select name from pragma_table_xinfo('orders');
         create table output.schema as select name, sql from input.sqlite_master;
         create table output.json as select e.value ->> '$.a' as v from json_each('[{\"a\":1}]') e, json_tree('[1]');
         explain query plan select * from orders; select count(*) over (order by qty) from orders;
         select :region, json_patch('{}', '{\"a\":1}'), trim('xax', 'x')",
        EngineLimits { timeout: Duration::from_secs(20), ..limits() },
    );
    assert_eq!(found, "it ran");
}
