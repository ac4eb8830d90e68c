//! What is deep, long or many is answered alike, in bounded memory.

use super::*;

#[test]
fn places_far_from_the_end_are_counted_out() {
    let db = connection(chrono_tz::UTC);
    let list = "(WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 20000)
                SELECT json_object('a', json_group_array(json_array(n, n * 2)), 'b', '') AS j FROM r)";
    for (path, expected) in [
        ("'a', -20000, 1", "1"),
        ("'a', -19999, 2", "4"),
        ("'a', -65, -1", "39872"),
        ("'a', -64, -1", "39874"),
        ("'a', -20001, 1", "0"),
        ("'a', -9000000, 1", "0"),
        ("'a', -9223372036854775808, -9223372036854775808", "0"),
        ("'a', 7, -100", "0"),
        ("'b', -100", "0"),
        ("'c', -100", "0"),
        ("-100", "0"),
    ] {
        let found = ask(&db, &format!("JSONExtractInt(j, {path}) FROM {list}"));
        assert_eq!(found, Ok(Some(expected.to_owned())), "{path}");
    }
    // Members count like items, and broken JSON has none.
    let members = "printf('{%s\"z\": 1}', replace(printf('%.*c', 100, 'x'), 'x', '\"y\": 2, '))";
    assert_eq!(ask(&db, &format!("JSONExtractInt({members}, -100)")), Ok(Some("2".to_owned())));
    assert_eq!(ask(&db, &format!("JSONExtractInt({members} || '!', -100)")), Ok(Some("0".to_owned())));
}

#[test]
fn json_may_be_as_deep_as_sqlite_reads_it() {
    let db = connection(chrono_tz::UTC);
    let nested = |depth: usize| format!("'{}1{}'", "[".repeat(depth), "]".repeat(depth));
    for depth in [127, 128, 1000, 1001, 5000] {
        let json = nested(depth);
        let by_sqlite = ask(&db, &format!("json_valid({json})"));
        assert_eq!(ask(&db, &format!("try_json({json}) IS NOT NULL")), by_sqlite, "{depth}");
        assert_eq!(by_sqlite, Ok(Some(u8::from(depth <= 1000).to_string())), "{depth}");
    }
    // Brackets in strings are none.
    let text = format!("'[\"\\\"{}\\\\\", {}]'", "[".repeat(3000), "[[2]]");
    assert_eq!(ask(&db, &format!("json_extract(try_json({text}), '$[1][0][0]')")), Ok(Some("2".to_owned())));
    let path = vec!["1"; 90].join(", ");
    assert_eq!(
        ask(&db, &format!("JSONExtractInt('{}7{}', {path})", "[".repeat(90), "]".repeat(90))),
        Ok(Some("7".to_owned()))
    );
    let beside = nested(3000).replace('\'', "");
    assert_eq!(ask(&db, &format!("JSONExtractInt('[{beside}, 5]', 2)")), Ok(Some("5".to_owned())));
}

#[test]
fn long_arguments_and_many_patterns_answer_alike_however_much_is_kept() {
    let db = connection(chrono_tz::UTC);
    // The second has over one kilobyte of text.
    let numbers =
        "(WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 40) SELECT n FROM r)";
    for pattern in [r"'^\w{3}' || n || '$'", "'^abc' || n || '(' || printf('%.*c', 2000, 'x') || ')?$'"] {
        let matching = format!(
            "sum(regexp_matches('abc' || n, {pattern})) || sum(regexp_matches('abc' || n, {pattern})) FROM {numbers}"
        );
        assert_eq!(ask(&db, &matching), Ok(Some("4040".to_owned())));
    }
    // More constants than a statement may hold at once.
    let many: Vec<String> =
        (0..300).map(|n| format!("regexp_matches('{n}', '^([a-z]{{4}}|{n})$')")).collect();
    let sql = format!("sum({}) FROM (VALUES (1), (2))", many.join(" + "));
    assert_eq!(ask(&db, &sql), Ok(Some("600".to_owned())));
}

#[test]
fn a_replacement_that_grows_stops_at_the_value_limit() {
    let db = connection(chrono_tz::UTC);
    let to = r"replace(printf('%.*c', 100000, 'x'), 'x', '\0')";
    let found = ask(&db, &format!("regexp_replace(printf('%.*c', 1000000, 'a'), 'a+', {to})"));
    assert_eq!(found, Err("string or blob too big".to_owned()));
}
