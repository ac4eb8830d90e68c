//! What the sandbox refuses.

use super::{NO_TRANSACTIONS, READ_ONLY, at_once, refused, script};

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
        (
            "select * from generate_series(1, 1e18)",
            script(
                1,
                15,
                "no such table: generate_series (count with WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10))",
            ),
        ),
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
