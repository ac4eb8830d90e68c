//! What would run, write or grow without end.

use std::time::{Duration, Instant};

use smartconnector::{
    cancel::CancelToken,
    engine::{Cell, ColumnKind, Engine, EngineLimits},
    variable::Locale,
};

use super::{SCRATCH, TIME, VALUE, at_once, limits, refused, script};

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
fn aggregates_that_keep_too_much() {
    let numbers = "with recursive r(n) as (select 1 union all select n + 1 from r limit 2000000)";
    let large = "'x' || printf('%.*c', 1000, 'y') || n";
    let aggregates = ["median(n)", "percentile(n, 10)", "uniqExact(n)"].map(str::to_owned);
    let picks = [format!("uniqExact({large})")];
    // The last one is a value, too: the smaller limit speaks.
    let limits = EngineLimits { max_value_mb: 16, timeout: Duration::from_mins(1), ..limits() };
    let arrays = [format!("group_array({large})"), "group_array(split(n, ','))".to_owned()];
    let largest = "'x' || printf('%.*c', 1200000, 'y')";
    let values =
        [format!("any_value({largest})"), format!("argMax(n, {largest})"), format!("anyLast({largest})")];
    for aggregate in aggregates.iter().chain(&picks).chain(&arrays).chain(&values) {
        let (found, _) = super::answer(&format!("{numbers} select {aggregate} from r"), limits.clone());
        assert_eq!(
            found,
            "Aggregate size limit exceeded (1 MB). Stopped in statement 1 (line 1, column 1); the limit is \
             engine.max_aggregate_mb.",
            "{aggregate}"
        );
    }
    // Groups have a budget each, and what a pick no longer keeps is given back.
    let (found, _) = super::answer(
        &format!(
            "{numbers} select median(n), uniqExact(n), anyLast(printf('%.*c', 1000, n)) from r group by n / 1000;
             create table output.x as select 1"
        ),
        limits,
    );
    assert_eq!(found, "it ran");
}

#[test]
fn calls_that_would_take_long() {
    let numbers = "with recursive r(n) as (select 1 union all select n + 1 from r)";
    let a = "printf('%.*c', 1000000, 'a')";
    let endless = [
        format!("{numbers} select sum(length(initcap({a}))) from r"),
        format!("{numbers} select sum(length(regexp_replace({a}, 'a', 'b'))) from r"),
        format!("{numbers} select sum(length(sha256({a} || n))) from r"),
        format!("{numbers} select sum(length(lpad(n, 900000))) from r"),
        format!("{numbers} select sum(regexp_matches({a} || n, '(a|aa)+b')) from r"),
        format!("{numbers} select count(try_json('[' || {a} || n)) from r"),
    ];
    refused(&endless.map(|sql| (sql, TIME)));
    refused(&[(
        format!("select regexp_matches({a}, '(\\w{{1,50}}-){{3}}')"),
        at_once("regexp_matches: pattern and text are too large for one call (1000000 bytes of text)"),
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
        "select lpad('x', 2000000)",
        "select lpad('x', 600000, 'ä')",
        "select regexp_replace(printf('%.*c', 600000, 'x'), 'x', 'yy')",
        "select split(printf('%.*c', 600000, ','), ',')",
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
            "Less than {} MB are free on the disk. Stopped in statement 1 (line 1, column 1); the limit is \
             engine.min_free_mb.",
            u64::MAX
        )
    );
}

/// What a script reads has as much space as its own tables; nothing else bounds how many rows a file gives.
#[test]
fn scratch_space_of_what_a_script_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(folder.path(), limits(), Locale::default(), CancelToken::new()).unwrap();
    let text = "x".repeat(1_000);
    let fill = |mut table: smartconnector::engine::TableLoader<'_>, rows: i64| {
        (1..=rows).try_for_each(|line| table.insert(line, [Cell::Text(&text)])).and_then(|()| table.finish())
    };
    let columns = [("a", ColumnKind::Text)];
    assert_eq!(fill(engine.create_input("a", 0, "a.csv", &columns).unwrap(), 4_000), Ok(4_000));
    let refused = fill(engine.create_seed("b", &columns).unwrap(), 5_000).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "The input tables and seeds take more than 8 MB together. The limit is engine.max_scratch_mb."
    );
}

fn answer_without_input(sql: &str, limits: EngineLimits) -> (String, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(folder.path(), limits, Locale::default(), CancelToken::new()).unwrap();
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
