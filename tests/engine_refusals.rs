//! Hostile scripts, each with the exact sentence that refuses it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::{Duration, Instant};

use smartconnector::{
    cancel::CancelToken,
    engine::{Cell, ColumnKind, Engine, EngineLimits, Scalar},
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
        timeout: Duration::from_millis(300),
        max_value_mb: 1,
    }
}

/// What running `sql` says, and how long that took.
fn answer(sql: &str, limits: EngineLimits) -> (String, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(folder.path(), limits, CancelToken::new()).unwrap();
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
    assert_eq!(files, ["connector.db", "input.db", "kizen.db", "main.db", "meta.db", "output.db"], "{sql}");
    (ran.map_or_else(|error| error.to_string(), |_| "it ran".to_owned()), took)
}

/// Every script is refused with exactly its sentence.
fn refused<S: AsRef<str>, T: AsRef<str>>(cases: &[(S, T)]) {
    for (sql, sentence) in cases {
        let sql = sql.as_ref();
        let (found, took) = answer(sql, limits());
        let shown: String = sql.chars().take(200).collect();
        assert_eq!(found, sentence.as_ref(), "{shown}");
        // Generous, for a busy machine: the point is that nothing runs on.
        assert!(took < Duration::from_secs(4), "{took:?}: {shown}");
    }
}

fn script(line: usize, column: usize, message: &str) -> String {
    format!("Error running connector SQL script: line {line}, column {column}: {message}")
}

fn at_once(message: &str) -> String {
    script(1, 1, message)
}

#[test]
fn commands_that_reach_outside() {
    refused(&[
        ("attach 'x.db' as x", at_once("ATTACH is not available in scripts")),
        ("/* x */ attach ':memory:' as x", script(1, 9, "ATTACH is not available in scripts")),
        ("detach input", at_once("DETACH is not available in scripts")),
        ("vacuum", at_once("VACUUM is not available in scripts")),
        ("vacuum into '/tmp/stolen.db'", at_once("VACUUM is not available in scripts")),
        ("select 1;\n  vacuum output into 'x.db'", script(2, 3, "VACUUM is not available in scripts")),
        ("analyze", at_once("ANALYZE is not available in scripts")),
        ("analyze output", at_once("ANALYZE is not available in scripts")),
        ("reindex", at_once("REINDEX is not available in scripts")),
        ("pragma user_version", at_once("PRAGMA is not available in scripts")),
        ("pragma writable_schema = 1", at_once("PRAGMA is not available in scripts")),
        ("pragma input.user_version = 3", at_once("PRAGMA is not available in scripts")),
        ("pragma temp_store_directory = '/etc'", at_once("PRAGMA is not available in scripts")),
        ("pragma table_info('orders')", at_once("PRAGMA is not available in scripts")),
        ("explain pragma journal_mode = wal", at_once("PRAGMA is not available in scripts")),
    ]);
}

#[test]
fn transactions() {
    let commands = [
        "begin",
        "begin immediate",
        "commit",
        "end",
        "rollback",
        "savepoint a",
        "release a",
        "rollback to a",
    ];
    refused(&commands.map(|sql| (sql, at_once(NO_TRANSACTIONS))));
}

#[test]
fn tables_and_functions_that_tell_about_the_server() {
    refused(&[
        (
            "select * from pragma_database_list",
            at_once("the table pragma_database_list is not available in scripts"),
        ),
        (
            "create table output.x as select file from main.pragma_database_list",
            at_once("the table pragma_database_list is not available in scripts"),
        ),
        ("select count(*) from dbstat", at_once("the table dbstat is not available in scripts")),
        (
            "select 1 from pragma_module_list",
            at_once("the table pragma_module_list is not available in scripts"),
        ),
        (
            "select * from pragma_journal_mode('wal')",
            at_once("the table pragma_journal_mode is not available in scripts"),
        ),
        (
            "select * from fts3tokenize('simple', 'a b')",
            at_once("the table fts3tokenize is not available in scripts"),
        ),
        ("select * from sqlite_dbpage", script(1, 15, "no such table: sqlite_dbpage")),
        ("select * from generate_series(1, 1e18)", script(1, 15, "no such table: generate_series")),
        ("select load_extension('x.so')", at_once("the function load_extension is not available in scripts")),
        (
            "select fts3_tokenizer('simple')",
            at_once("the function fts3_tokenizer is not available in scripts"),
        ),
        ("select sqlite_log(1, 'x')", at_once("the function sqlite_log is not available in scripts")),
        (
            "select sqlite_compileoption_get(1)",
            at_once("the function sqlite_compileoption_get is not available in scripts"),
        ),
        ("select writefile('/tmp/x', 'a')", script(1, 8, "no such function: writefile")),
        ("select readfile('/etc/passwd')", script(1, 8, "no such function: readfile")),
        ("select edit('x')", script(1, 8, "no such function: edit")),
    ]);
}

#[test]
fn writes_to_what_is_only_read() {
    let input = at_once(&format!("the schema input {READ_ONLY}"));
    let cases = [
        "create table input.x (a)",
        "drop table input.orders",
        "alter table input.orders rename to x",
        "alter table input.orders add column z",
        "alter table input.orders drop column qty",
        "update input.orders set qty = 2",
        "update page_idx_0 set qty = 2",
        "delete from orders",
        "insert into orders values (1, 2)",
        "create index input.i on orders (qty)",
        "create view input.v as select 1",
    ];
    refused(&cases.map(|sql| (sql, input.as_str())));
    refused(&[
        ("insert into kizen.customers values (1)", at_once(&format!("the schema kizen {READ_ONLY}"))),
        ("drop table kizen.customers", at_once(&format!("the schema kizen {READ_ONLY}"))),
        ("insert into meta.inputs values (1, 2, 3)", at_once(&format!("the schema meta {READ_ONLY}"))),
        ("delete from meta.current_execution", at_once(&format!("the schema meta {READ_ONLY}"))),
        ("update sqlite_master set sql = 'x'", at_once("table sqlite_master may not be modified")),
        ("delete from output.sqlite_schema", at_once("table sqlite_master may not be modified")),
        ("create table output.sqlite_x (a)", script(1, 1, "object name reserved for internal use: sqlite_x")),
    ]);
}

#[test]
fn views_triggers_and_virtual_tables() {
    let no_view = "(a view over another schema must be a CREATE TEMP VIEW)";
    refused(&[
        (
            "create view output.v as select 1",
            at_once(
                "output.v is a view, and only tables are outputs: write CREATE TABLE output.v AS SELECT …",
            ),
        ),
        (
            "create view connector.v as select * from input.orders",
            script(1, 23, &format!("view v cannot reference objects in database input {no_view}")),
        ),
        (
            "create view v as select * from kizen.customers",
            script(1, 13, &format!("view v cannot reference objects in database kizen {no_view}")),
        ),
        (
            "create view a as select * from b; create view b as select * from a; select * from a",
            script(1, 69, "view a is circularly defined"),
        ),
        (
            "create table t (a); create temp trigger t1 after insert on t begin select 1; end",
            script(1, 21, "triggers are not available in scripts"),
        ),
        (
            "create table output.t (a); create trigger output.t1 after insert on t begin delete from t; end",
            script(1, 28, "triggers are not available in scripts"),
        ),
        (
            "create virtual table connector.f using fts5(a)",
            at_once("virtual tables (fts5) are not available in scripts"),
        ),
        (
            "create virtual table temp.f using rtree(a, b, c)",
            at_once("virtual tables (rtree) are not available in scripts"),
        ),
        (
            "create virtual table output.f using csv(filename='/etc/passwd')",
            at_once("virtual tables (csv) are not available in scripts"),
        ),
    ]);
}

#[test]
fn names_that_can_not_be_scopes() {
    let rule = "can't be a scope: its name must match ^[a-z_][a-z0-9_]{0,62}$.";
    refused(&[
        (
            "create table output.\"../../x\" as select 1".to_owned(),
            format!("The output table \"../../x\" {rule}"),
        ),
        ("create table output.Orders as select 1".to_owned(), format!("The output table \"Orders\" {rule}")),
        ("create table output.[1a] as select 1".to_owned(), format!("The output table \"1a\" {rule}")),
        (
            "create table output.a (x); alter table output.a rename to \"b;c\"".to_owned(),
            format!("The output table \"b;c\" {rule}"),
        ),
        (
            format!("create table output.{} as select 1", "a".repeat(64)),
            format!("The output table \"{}\" {rule}", "a".repeat(64)),
        ),
        ("create table output._only_mine as select 1".to_owned(), NO_OUTPUT.to_owned()),
        ("create table x as select 1".to_owned(), NO_OUTPUT.to_owned()),
        ("create table output.x (a); drop table output.x".to_owned(), NO_OUTPUT.to_owned()),
        ("-- nothing".to_owned(), NO_OUTPUT.to_owned()),
    ]);
}

#[test]
fn what_is_misspelt_gets_its_place_and_a_suggestion() {
    refused(&[
        (
            "select 1;\n\ncreate table output.x as\n  select emial from orders",
            script(4, 10, "no such column: emial (did you mean email?)"),
        ),
        (
            "create table output.x as select o.emial from orders o",
            script(1, 33, "no such column: o.emial (did you mean o.email?)"),
        ),
        ("select * from ordres", script(1, 15, "no such table: ordres (did you mean orders?)")),
        (
            "select * from input.ordres",
            script(1, 21, "no such table: input.ordres (did you mean input.orders?)"),
        ),
        ("select uper('x')", script(1, 8, "no such function: uper (did you mean upper?)")),
        ("select zzzzzz from orders", script(1, 8, "no such column: zzzzzz")),
        ("selct 1", script(1, 1, "near \"selct\": syntax error")),
        ("select * from (select 1", script(1, 24, "incomplete input")),
        ("select 'abc", script(1, 8, "unrecognized token: \"'abc\"")),
        (
            "select * from orders where email = \"a@b.c\"",
            script(1, 36, "no such column: \"a@b.c\" - should this be a string literal in single-quotes?"),
        ),
        ("select :regoin", script(1, 8, "the parameter :regoin is not bound (did you mean :region?)")),
        ("select 1, :x", script(1, 11, "the parameter :x is not bound")),
        ("select ?1", script(1, 8, "the parameter ?1 has no name to bind (write :name)")),
        ("select @region", script(1, 8, "the parameter @region has no name to bind (write :name)")),
        ("select 1\0; attach 'x' as y", script(1, 9, "a NUL character can't be in a script")),
        (
            "create table output.x (a unique); insert into output.x values (1), (1)",
            script(1, 35, "UNIQUE constraint failed: x.a"),
        ),
    ]);
}

#[test]
fn another_dialect_gets_a_hint() {
    refused(&[
        ("select qty::int from orders", script(1, 11, &format!("unrecognized token: \":\" {CLICKHOUSE}"))),
        (
            "create table output.x engine = MergeTree as select 1",
            script(1, 23, &format!("near \"engine\": syntax error {CLICKHOUSE}")),
        ),
        (
            "select * from orders limit 1 by email",
            script(1, 30, &format!("near \"by\": syntax error {CLICKHOUSE}")),
        ),
        (
            "select arrayJoin(split(email)) from orders",
            script(1, 18, &format!("no such function: split {CLICKHOUSE}")),
        ),
    ]);
}

#[test]
fn work_without_end() {
    let numbers = "with recursive r(n) as (select 1 union all select n + 1 from r)";
    let a = |n: u32| format!("printf('%.*c', {n}, 'a')");
    let endless = [
        format!("{numbers} select count(*) from r"),
        format!("{numbers} select count(*) from r a, r b"),
        format!("create table output.x as {numbers} select n from r where n < 0"),
        "select count(*) from (with r(n) as (select value from json_each(json_array(1,2,3,4,5,6,7,8,9,0)))
         select 1 from r a, r b, r c, r d, r e, r f, r g, r h, r i, r j, r k)"
            .to_owned(),
        format!("{numbers} select sum(instr({}, {} || 'b')) from r", a(1_000_000), a(500_000)),
        format!("{numbers} select sum({} like '%' || {} || 'b%') from r", a(1_000_000), a(900)),
        format!("{numbers} select sum({} glob '*' || {} || 'b*') from r", a(1_000_000), a(900)),
        format!("{numbers} select sum(length(replace({}, {} || 'b', 'x'))) from r", a(1_000_000), a(900)),
        format!("select trim({}, printf('%.*c', 500000, 'b') || 'a')", a(1_000_000)),
        format!("{numbers} select sum(length(unhex({}, {}))) from r", a(500_000), a(500_000)),
        format!("{numbers} select n, {} from r order by random()", a(1_000)),
    ];
    refused(&endless.map(|sql| (sql, TIME)));
    refused(&[(
        format!(
            "{numbers} select json_patch(a, a) from (select json_group_object('k' || n, n) as a from
                 (select n from r limit 9000))"
        ),
        at_once("the arguments of json_patch are too large for one call"),
    )]);
}

#[test]
fn values_that_are_too_large() {
    let bombs = [
        "select zeroblob(2000000)",
        "select zeroblob(2000000000)",
        "select randomblob(2000000)",
        "select printf('%.*c', 2000000, 'x')",
        "select printf('%2000000d', 1)",
        "select format('%1000000000s', 'x')",
        "select hex(zeroblob(600000))",
        "select printf('%.*c', 600000, 'x') || printf('%.*c', 600000, 'x')",
        "select concat_ws(',', printf('%.*c', 600000, 'x'), printf('%.*c', 600000, 'x'))",
        "select replace(printf('%.*c', 1000, 'x'), 'x', printf('%.*c', 2000, 'x'))",
        "select quote(zeroblob(600000))",
        "select json_array(printf('%.*c', 600000, 'x'), printf('%.*c', 600000, 'x'))",
        "select json_pretty('[[1,2,3]]', printf('%.*c', 600000, ' '))",
        "with recursive r(n) as (select 1 union all select n + 1 from r limit 5000)
         select group_concat(printf('%.*c', 1000, 'x')) from r",
        "with recursive r(n) as (select 1 union all select n + 1 from r limit 5000)
         select json_group_array(printf('%.*c', 1000, 'x')) from r",
        "with recursive r(s) as (select 'x' union all select s || s from r) select max(length(s)) from r",
    ];
    refused(&bombs.map(|sql| (sql, VALUE)));
}

#[test]
fn scratch_space_and_rows() {
    let rows = "with recursive r(n) as (select 1 union all select n + 1 from r) select printf('%.*c', 999, 'x') from r";
    refused(&[
        (format!("create table output.x as {rows}"), SCRATCH),
        (format!("create table connector.x as {rows}"), SCRATCH),
        (format!("create table x as {rows}"), SCRATCH),
        (format!("create temp table x as {rows}"), SCRATCH),
        (
            "create table output.x as with recursive r(n) as (select 1 union all select n + 1 from r limit 600)
             select n from r; create table output.y as select * from output.x"
                .to_owned(),
            "Row limit exceeded (1000 rows). The limit is engine.max_rows.",
        ),
    ]);
    let nearly_full = EngineLimits { min_free_mb: u64::MAX, ..limits() };
    let (found, _) = answer_without_input(&format!("{rows} order by random()"), nearly_full);
    assert_eq!(
        found,
        format!(
            "Scratch space limit exceeded (8 MB). Less than {} MB are free on the disk. Stopped in statement 1 \
             (line 1, column 1); the limit is engine.min_free_mb.",
            u64::MAX
        )
    );
}

fn answer_without_input(sql: &str, limits: EngineLimits) -> (String, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(folder.path(), limits, CancelToken::new()).unwrap();
    let started = Instant::now();
    let ran = engine.run_script(sql, &[]);
    (ran.map_or_else(|error| error.to_string(), |_| "it ran".to_owned()), started.elapsed())
}

#[test]
fn statements_that_are_too_large() {
    let nested = |open: &str, n: usize| format!("select {}1{}", open.repeat(n), ")".repeat(n));
    let joins = (0..70).map(|n| format!(" join orders o{n}")).collect::<Vec<_>>().concat();
    let doubling = (2..20)
        .map(|n| format!("create view v{n} as select a.x from v{0} a, v{0} b;", n - 1))
        .collect::<Vec<_>>()
        .concat();
    refused(&[
        (
            format!("select {}", vec!["1"; 1_200].join("+")),
            at_once("Expression tree is too large (maximum depth 1000)"),
        ),
        (nested("(", 3_000), at_once("Recursion limit")),
        (nested("abs(", 3_000), at_once("Recursion limit")),
        (format!("select {}", vec!["1"; 2_001].join(",")), at_once("too many columns in result set")),
        (
            format!(
                "create table output.x ({})",
                (0..2_001).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",")
            ),
            at_once("too many columns on x"),
        ),
        (vec!["select 1"; 501].join(" union all "), at_once("too many terms in compound SELECT")),
        ("select ?40000".to_owned(), script(1, 8, "variable number must be between ?1 and ?32766")),
        (
            format!("select max({})", vec!["1"; 101].join(",")),
            script(1, 8, "too many arguments on function max"),
        ),
        (format!("select '{}'", "x".repeat(1_000_001)), at_once("statement too long")),
        (format!("select 1 from orders{joins}"), at_once("at most 64 tables in a join")),
        (
            format!("select 1 in ({})", vec!["1"; 350_000].join(",")),
            at_once("the statement is too large (at most 1000000 operations)"),
        ),
        (
            format!("select 'a' like '{}'", "%".repeat(1_001)),
            at_once("LIKE or GLOB pattern too complex (at most 1000 bytes)"),
        ),
        (
            format!("select 'a' glob '{}'", "*a".repeat(501)),
            at_once("LIKE or GLOB pattern too complex (at most 1000 bytes)"),
        ),
        (format!("select json('{}{}')", "[".repeat(2_000), "]".repeat(2_000)), at_once("malformed JSON")),
        (
            format!("create view v1 as select 1 as x; {doubling} select * from v19"),
            script(1, doubling.len() + 35, "too many references to \"v1\": max 65535"),
        ),
    ]);
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
