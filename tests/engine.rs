//! The engine from outside: tables in, a script, rows out.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use smartconnector::{
    cancel::CancelToken,
    engine::{Cell, ColumnKind, Engine, EngineError, EngineLimits, OutputReader, OutputTable, Scalar},
    variable::Locale,
};

struct Bench {
    engine: Engine,
    token: CancelToken,
    _folder: tempfile::TempDir,
}

fn bench_with(limits: EngineLimits) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let token = CancelToken::new();
    let mut engine = Engine::open(folder.path(), limits, Locale::default(), token.clone()).unwrap();
    let columns = [("order_no", ColumnKind::Text), ("email", ColumnKind::Text), ("qty", ColumnKind::Integer)];
    let mut loader = engine.create_input("orders_csv", 0, "orders.csv", &columns).unwrap();
    loader.insert(2, [Cell::Text("A-1"), Cell::Text("ann@example.com"), Cell::Integer(3)]).unwrap();
    loader.insert(3, [Cell::Text("A-2"), Cell::Null, Cell::Integer(1)]).unwrap();
    loader.insert(7, [Cell::Text("A-3"), Cell::Text("bob@example.com"), Cell::Null]).unwrap();
    assert_eq!(loader.finish().unwrap(), 3);
    let columns = [("kizen_id", ColumnKind::Text), ("name", ColumnKind::Text)];
    let mut loader = engine.create_seed("customers", &columns).unwrap();
    loader.insert(1, [Cell::Text("1"), Cell::Text("Ann")]).unwrap();
    loader.finish().unwrap();
    let execution = json!({"trigger_type": "api", "is_dry_run": false, "fileupload_file_size_bytes": 12});
    let parameters = [("region".to_owned(), Scalar::Text("EU".to_owned()))];
    engine.set_meta(execution.as_object().unwrap(), &parameters).unwrap();
    Bench { engine, token, _folder: folder }
}

fn bench() -> Bench {
    bench_with(EngineLimits { min_free_mb: 0, ..EngineLimits::default() })
}

fn run(engine: &mut Engine, sql: &str) -> Result<(), EngineError> {
    engine.run_script(sql, &[("region".to_owned(), Scalar::Text("EU".to_owned()))]).map(|_| ())
}

/// `line|cell|cell` of every row.
fn rows(reader: &OutputReader, table: &OutputTable) -> Vec<String> {
    let columns: Vec<&str> = table.columns.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    reader
        .stream(table, &columns, |row| {
            let line = row.line().map_or("-".to_owned(), |line| line.to_string());
            let cells = row.cells().map(|cell| cell.unwrap_or("NULL").to_owned());
            found.push(std::iter::once(line).chain(cells).collect::<Vec<_>>().join("|"));
            Ok::<_, EngineError>(())
        })
        .unwrap();
    found
}

fn output(sql: &str) -> Vec<String> {
    let mut bench = bench();
    run(&mut bench.engine, sql).unwrap_or_else(|error| panic!("{error}"));
    let tables = bench.engine.outputs();
    rows(&bench.engine.output_reader().unwrap(), &tables[0])
}

#[test]
fn a_script_reads_every_schema_and_keeps_source_lines() {
    let found = output(
        "create temp view o as select rowid as line, * from input.orders_csv;
         create table connector.names as select * from kizen.customers;
         create table output.orders as
           select o.line as _line, order_no, coalesce(email, 'none') as email, qty * 1.5 as amount,
                  (select name from connector.names) as name, :region as region,
                  (select trigger_type from meta.current_execution) as trig,
                  (select value from meta.parameters) as p,
                  (select file from meta.inputs) as file
           from o order by order_no desc",
    );
    assert_eq!(
        found,
        [
            "7|A-3|bob@example.com|NULL|Ann|EU|api|EU|orders.csv",
            "3|A-2|none|1.5|Ann|EU|api|EU|orders.csv",
            "2|A-1|ann@example.com|4.5|Ann|EU|api|EU|orders.csv",
        ]
    );
}

#[test]
fn the_second_name_of_an_input_has_its_lines_too() {
    let found = output(
        "create table output.a as select p.rowid as _line, p.order_no, o.rowid as r
         from input.page_idx_0 p join orders_csv o using (order_no)",
    );
    assert_eq!(found, ["2|A-1|2", "3|A-2|3", "7|A-3|7"]);
}

#[test]
fn an_empty_script_passes_the_only_input_through() {
    let mut bench = bench();
    bench.engine.pass_through("client_client").unwrap();
    let tables = bench.engine.outputs().to_vec();
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].scope, "client_client");
    assert_eq!(tables[0].columns, ["order_no", "email", "qty"]);
    assert!(tables[0].has_line && !tables[0].has_table);
    assert_eq!(tables[0].rows, 3);
    let reader = bench.engine.output_reader().unwrap();
    let found = thread::spawn(move || rows(&reader, &tables[0])).join().unwrap();
    assert_eq!(found, ["2|A-1|ann@example.com|3", "3|A-2|NULL|1", "7|A-3|bob@example.com|NULL"]);
}

#[test]
fn outputs_are_listed_in_order_of_creation_without_underscored_ones() {
    let mut bench = bench();
    let stats = bench
        .engine
        .run_script(
            "create table output.zeta (a, b, _line, _table); insert into output.zeta values (1, 2, 3, 'x');
             create table output._scratch as select 1; create table output.alpha as select 1 as x; ",
            &[],
        )
        .unwrap();
    assert_eq!(stats.statements, 4);
    let tables = bench.engine.outputs();
    let names: Vec<_> = tables.iter().map(|table| table.scope.as_str()).collect();
    assert_eq!(names, ["zeta", "alpha"]);
    assert_eq!(tables[0].columns, ["a", "b"]);
    let reader = bench.engine.output_reader().unwrap();
    reader
        .stream(&tables[0], &["b"], |row| {
            assert_eq!(
                (row.number(), row.line(), row.table(), row.cell(0)),
                (1, Some(3), Some("x"), Some("2"))
            );
            Ok::<_, EngineError>(())
        })
        .unwrap();
}

#[test]
fn cells_without_a_text_are_errors_of_their_row() {
    let mut bench = bench();
    run(
        &mut bench.engine,
        "create table output.t (a, b); insert into output.t values (1, x'ff'), (-9e999, x'fe'), ('ok', x'c3a4')",
    )
    .unwrap();
    let tables = bench.engine.outputs();
    let mut found = Vec::new();
    bench
        .engine
        .output_reader()
        .unwrap()
        .stream(&tables[0], &["a", "b"], |row| {
            found.push((row.cell(0).map(str::to_owned), row.errors().to_vec()));
            Ok::<_, EngineError>(())
        })
        .unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(cell, errors)| {
            let errors: Vec<_> =
                errors.iter().map(|e| (e.column, e.message, e.found.as_str(), e.expected)).collect();
            (cell.as_deref(), errors)
        })
        .collect();
    let blob = |found| (1, "the blob is not valid UTF-8", found, "text in UTF-8");
    let infinite = (0, "an infinite number has no text", "-Infinity", "a finite number");
    assert_eq!(
        found,
        [(Some("1"), vec![blob("x'ff'")]), (None, vec![infinite, blob("x'fe'")]), (Some("ok"), vec![]),]
    );
}

#[test]
fn rows_come_in_rowid_order_whatever_indexes_and_names_there_are() {
    let found = output(
        "create table output.t (rowid text, _rowid_ text, oid text);
         create index output.i on t (rowid desc, _rowid_, oid);
         insert into output.t values ('a', 1, 2), ('c', 3, 4), ('b', 5, 6)",
    );
    assert_eq!(found, ["-|a|1|2", "-|c|3|4", "-|b|5|6"]);
}

#[test]
fn cancelling_stops_an_endless_query_within_250_ms() {
    let endless = [
        "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r",
        "with r(n) as (select value from json_each(json_array(1,2,3,4,5,6,7,8,9,10)))
         select count(*) from r a, r b, r c, r d, r e, r f, r g, r h, r i, r j",
        "select like('%' || printf('%.*c', 900, 'a') || 'b%', printf('%.*c', 16000000, 'a'))",
        "select glob('*' || printf('%.*c', 900, 'a') || 'b*', printf('%.*c', 16000000, 'a'))",
        "with recursive r(n) as (select 1 union all select n + 1 from r)
         select instr(printf('%.*c', 16000000, 'a'), printf('%.*c', 8000000, 'a') || 'b') from r",
        "with recursive r(n) as (select 1 union all select n + 1 from r)
         select length(replace(printf('%.*c', 15000000, 'a'), 'a', 'b')) from r",
    ];
    for sql in endless {
        // The promise is about the median; a busy machine may have one slow moment.
        let mut took = [cancel(sql), cancel(sql), cancel(sql)];
        took.sort();
        assert!(took[1] < Duration::from_millis(250), "{took:?}: {sql}");
    }
}

#[test]
fn cancelling_stops_a_replacement_whose_every_match_reads_to_the_end() {
    for sql in [
        "select length(regexp_replace(printf('%.*c', 4000000, 'a'), '.*b|a', 'x'))",
        "select length(replaceRegexpAll(printf('%.*c', 4000000, 'a'), '.*b|a', 'x'))",
        "select length(regexp_replace(printf('%.*c', 60000, 'a'), '.*b|a', 'x'))",
    ] {
        let took = cancel(sql);
        assert!(took < Duration::from_secs(1), "{took:?}: {sql}");
    }
}

/// Cancels `sql` while it runs; how long it went on.
fn cancel(sql: &'static str) -> Duration {
    let mut bench = bench();
    let token = bench.token.clone();
    let worker = thread::spawn(move || {
        let answer = run(&mut bench.engine, sql);
        (answer, Instant::now())
    });
    // Long enough that the statement runs; were it not, the test would still hold.
    thread::park_timeout(Duration::from_millis(100));
    let asked = Instant::now();
    token.cancel();
    let (answer, ended) = worker.join().unwrap();
    assert_eq!(answer, Err(EngineError::Cancelled), "{sql}");
    ended.saturating_duration_since(asked)
}

#[test]
fn a_cancelled_token_stops_loading_and_running() {
    let mut bench = bench();
    bench.token.cancel();
    let mut loader = bench.engine.create_input("more", 1, "more.csv", &[("a", ColumnKind::Text)]).unwrap();
    assert_eq!(loader.insert(1, [Cell::Null]), Err(EngineError::Cancelled));
    assert_eq!(loader.finish(), Err(EngineError::Cancelled));
    assert_eq!(run(&mut bench.engine, "create table output.t as select 1"), Err(EngineError::Cancelled));
}

#[test]
fn a_cell_over_the_value_limit_names_its_line() {
    let mut bench = bench_with(EngineLimits { min_free_mb: 0, max_value_mb: 1, ..EngineLimits::default() });
    let mut loader = bench.engine.create_input("big", 1, "big.csv", &[("a", ColumnKind::Text)]).unwrap();
    loader.insert(2, [Cell::Text("small")]).unwrap();
    let huge = "x".repeat(1024 * 1024 + 1);
    let error = loader.insert(9, [Cell::Text(&huge)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Value size limit exceeded (1 MB) by a cell of the row in line 9; the limit is engine.max_value_mb."
    );
}

#[test]
fn tables_with_awkward_names_and_widths_load_and_pass_through() {
    let folder = tempfile::tempdir().unwrap();
    let limits = EngineLimits { min_free_mb: 0, ..EngineLimits::default() };
    let mut engine = Engine::open(folder.path(), limits, Locale::default(), CancelToken::new()).unwrap();
    let mut names: Vec<String> = (0..1_500).map(|n| format!("c{n}")).collect();
    names.extend(["rowid", "select", "a\"b", "_line_"].map(str::to_owned));
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), ColumnKind::Text)).collect();
    let mut loader = engine.create_input("select", 3, "x.csv", &columns).unwrap();
    for line in [5, 9, 12] {
        loader.insert(line, names.iter().map(|name| Cell::Text(name))).unwrap();
    }
    loader.finish().unwrap();
    engine.pass_through("x").unwrap();
    let tables = engine.outputs();
    assert_eq!((tables[0].columns.len(), tables[0].rows), (1_504, 3));
    let mut lines = Vec::new();
    let wanted = ["a\"b", "rowid"];
    let reader = engine.output_reader().unwrap();
    reader
        .stream(&tables[0], &wanted, |row| {
            assert_eq!((row.cell(0), row.cell(1)), (Some("a\"b"), Some("rowid")));
            lines.push(row.line());
            Ok::<_, EngineError>(())
        })
        .unwrap();
    assert_eq!(lines, [Some(5), Some(9), Some(12)]);
    let missing = reader.stream(&tables[0], &["nope"], |_| Ok::<_, EngineError>(())).unwrap_err();
    assert!(missing.to_string().starts_with("There is no column \"x.nope\" among 1504 columns (c0, c1,"));
}

#[test]
fn several_inputs_can_not_pass_through() {
    let mut bench = bench();
    bench.engine.create_input("more", 1, "more.csv", &[("a", ColumnKind::Text)]).unwrap().finish().unwrap();
    assert_eq!(
        bench.engine.pass_through("x").unwrap_err().to_string(),
        "The script is empty, which passes the only input table through, but there are 2 input tables \
         (orders_csv, more). Write a script."
    );
}

#[test]
fn functions_go_by_the_locale_and_the_time_of_the_statement() {
    let folder = tempfile::tempdir().unwrap();
    let limits = EngineLimits { min_free_mb: 0, ..EngineLimits::default() };
    let locale = Locale::of_workspace(chrono_tz::Asia::Kathmandu, "DE");
    let mut engine = Engine::open(folder.path(), limits, locale, CancelToken::new()).unwrap();
    let before = chrono::Utc::now().with_timezone(&chrono_tz::Asia::Kathmandu).date_naive().to_string();
    engine
        .run_script(
            "create table connector.first as select now() as n;
             create table output.x (at, zone, phone, amount, same, b as (dec_mul(amount, '0.3')));
             insert into output.x with recursive r(n) as (select 1 union all select n + 1 from r limit 300000)
               select today(), parse_datetime('2026-03-04 12:00', '%Y-%m-%d %H:%M'), parse_phone('030 123456'),
                 dec_add('0.1', 0.2), count(distinct now()) from r",
            &[],
        )
        .unwrap();
    let after = chrono::Utc::now().with_timezone(&chrono_tz::Asia::Kathmandu).date_naive().to_string();
    let tables = engine.outputs();
    let found = rows(&engine.output_reader().unwrap(), &tables[0]);
    let rest = "2026-03-04T06:15:00Z|+4930123456|0.3|1|0.09";
    assert!(found == [format!("-|{before}|{rest}")] || found == [format!("-|{after}|{rest}")], "{found:?}");
}
