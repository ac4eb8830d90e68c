//! What is wrong, misnamed or in another dialect.

use super::{CLICKHOUSE, NO_OUTPUT, at_once, refused, script};

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
            "select arrayJoin(splitByString(', ', email)) from orders",
            script(1, 18, &format!("no such function: splitByString {CLICKHOUSE}")),
        ),
        (
            "select splitByChar(',') from orders",
            script(1, 8, "wrong number of arguments to function splitByChar()"),
        ),
        (
            "select toInt64OrNul('1')",
            script(1, 8, "no such function: toInt64OrNul (did you mean toInt64OrNull?)"),
        ),
        (
            "select regexp_matches(email, '(') from orders",
            at_once("regexp_matches: the pattern '(' is wrong: unclosed group"),
        ),
    ]);
}
