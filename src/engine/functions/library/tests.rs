//! The table against itself: every example is run.

use std::sync::Arc;

use rusqlite::types::Value;

use super::*;
use crate::{
    cancel::CancelToken,
    engine::{
        functions::tests::every,
        limits::{EngineLimits, Watch},
        output,
    },
    variable::Locale,
};

mod bounds;

fn connection(timezone: chrono_tz::Tz) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    let limits = EngineLimits { min_free_mb: 0, ..EngineLimits::default() };
    let watch = Watch::new(CancelToken::new(), std::path::Path::new("/"), &limits);
    let host = Host::new(Arc::new(watch), Locale::of_workspace(timezone, "DE"));
    register(&db, &Arc::new(host), &every()).unwrap();
    db
}

/// The answer as it leaves SQL, or the error's sentence.
fn ask(db: &Connection, sql: &str) -> Result<Option<String>, String> {
    let value = db.query_row(&format!("SELECT {sql}"), [], |row| row.get::<_, Value>(0));
    value.map_err(|error| error.to_string()).map(|value| output::text_of(&value).unwrap())
}

#[test]
fn every_example_gives_its_result() {
    let db = connection(chrono_tz::UTC);
    for function in functions() {
        let found = ask(&db, function.example);
        assert_eq!(found.as_ref().map(Option::as_deref), Ok(function.result), "{}", function.example);
        assert!(function.example.contains(&format!("{}(", function.name)), "{}", function.name);
        assert!(function.meaning.ends_with('.'), "{}", function.name);
    }
}

/// The functions of the specification (sql §2), by its words.
#[test]
fn every_function_of_the_specification_is_there() {
    let named = "initcap split_part regexp_matches regexp_replace regexp_extract normalize_space digits_only
        slugify left right lpad rpad starts_with ends_with md5 sha256 unaccent parse_number parse_date
        parse_datetime parse_bool parse_email parse_phone format_datetime to_timezone date_diff date_add
        start_of uuid uuid_v5 try_json median percentile any_value arg_min arg_max group_array split dec_add
        dec_sub dec_mul dec_div dec_round dec_sum toString toInt64OrNull toFloat64OrNull toDate toDateTime
        parseDateTimeBestEffortOrNull formatDateTime today now multiIf empty notEmpty splitByChar
        JSONExtractString JSONExtractInt JSONExtractFloat JSONExtractBool replaceRegexpAll extract match argMax
        argMin countIf sumIf any anyLast uniqExact generateUUIDv4 acos acosh asin asinh atan atan2 atanh ceil
        ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power radians sin sinh sqrt tan tanh trunc";
    let names: HashSet<&str> = functions().map(|function| function.name).collect();
    let missing: Vec<_> = named.split_whitespace().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(functions().count(), named.split_whitespace().count());
    assert_eq!(NAMES.len(), names.len(), "two names differ in case only");
}

#[test]
fn a_wrong_number_of_arguments_is_an_error() {
    let db = connection(chrono_tz::UTC);
    for function in functions() {
        if function.arguments != [-1] {
            let error = ask(&db, &format!("{}(1, 2, 3, 4)", function.name)).unwrap_err();
            assert!(error.contains("wrong number of arguments"), "{}: {error}", function.name);
        }
    }
    for (sql, said) in [
        ("multiIf(1, 2)", "multiIf: takes pairs"),
        ("uniqExact()", "uniqExact: there is no argument"),
        ("JSONExtractInt()", "JSONExtractInt: there is no argument"),
    ] {
        let error = ask(&db, sql).unwrap_err();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn null_in_gives_null_out() {
    let db = connection(chrono_tz::UTC);
    let counting = ["countIf", "sumIf", "uniqExact", "group_array", "multiIf"];
    for function in functions().filter(|function| !counting.contains(&function.name)) {
        for count in function.arguments.iter().filter(|count| **count != 0) {
            let nulls = vec!["NULL"; usize::try_from(*count).unwrap_or(2)].join(", ");
            if function.name == "percentile" {
                continue;
            }
            let found = ask(&db, &format!("{}({nulls})", function.name));
            assert_eq!(found, Ok(None), "{}", function.name);
        }
    }
    assert_eq!(ask(&db, "percentile(NULL, 50)"), Ok(None));
    assert_eq!(ask(&db, "group_array(1) FROM (SELECT 1) WHERE 0"), Ok(Some("[]".to_owned())));
    assert_eq!(ask(&db, "dec_sum(1) FROM (SELECT 1) WHERE 0"), Ok(None));
    assert_eq!(ask(&db, "countIf(1) FROM (SELECT 1) WHERE 0"), Ok(Some("0".to_owned())));
}

/// Each answer is what its expression is, by what stands above it; the zone is Berlin's.
fn same(cases: &[(&str, &str)]) {
    let db = connection(chrono_tz::Europe::Berlin);
    for (sql, expected) in cases {
        assert_eq!(ask(&db, sql), Ok(Some((*expected).to_owned())), "{sql}");
    }
}

#[test]
fn text_beyond_the_examples() {
    same(&[
        // PostgreSQL 16
        ("initcap('o''neill & sons 2nd')", "O'Neill & Sons 2nd"),
        ("split_part('abc~@~def~@~ghi', '~@~', 2)", "def"),
        ("split_part('a,b', ',', 5)", ""),
        ("split_part('abc~@~def~@~ghi', '~@~', -2)", "def"),
        ("split_part('a,b', ',', -3)", ""),
        ("split_part('a,b', ',', -9223372036854775808)", ""),
        ("split_part('aaa', 'aa', -1)", "a"),
        ("split_part('aaa', 'aa', -2)", ""),
        ("split_part('ab', '', 1) || split_part('ab', '', -1)", "abab"),
        ("split_part('ab', '', 2) || split_part('ab', '', -2)", ""),
        ("split_part('', ',', -1)", ""),
        ("split_part('a', NULL, 1) IS NULL AND split_part(NULL, ',', 0) IS NULL", "1"),
        ("left('abcde', -2)", "abc"),
        ("left('ab', -5)", ""),
        ("right('abcde', 2)", "de"),
        ("right('abcde', -2)", "cde"),
        ("right('ab', 0)", ""),
        ("lpad('hi', 5, 'xy')", "xyxhi"),
        ("lpad('hello', 2)", "he"),
        ("rpad('hi', -1)", ""),
        ("dec_round('-2.5')", "-3"),
        ("dec_round(2.3, 2)", "2.30"),
        // md5sum and sha256sum of nothing
        ("md5('')", "d41d8cd98f00b204e9800998ecf8427e"),
        ("sha256('')", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        // By hand
        (
            "unaccent('Ångström čeština İı Ǖ naïve й 한국 日本語 が')",
            "Angstrom cestina Ii U naive й 한국 日本語 が",
        ),
        ("unaccent('e' || char(769) || 'и' || char(774)) = 'eи' || char(774)", "1"),
        ("unaccent('Αθήνα')", "Αθηνα"),
        ("slugify('--Ä  ö--')", "a-o"),
        ("slugify('Київ 2026')", "київ-2026"),
        ("normalize_space(char(160) || 'a' || char(9, 10) || 'b ')", "a b"),
        ("regexp_replace('aXbX', 'x', '-')", "aXbX"),
        ("regexp_replace('aXbX', '(?i)x', '[\\0]')", "a[X]b[X]"),
        ("regexp_extract('a1b22', '([a-z])([0-9]+)', 2)", "1"),
        ("regexp_extract('ab', '(a)(x)?', 2) IS NULL", "1"),
    ]);
}

#[test]
fn parsing_beyond_the_examples() {
    same(&[
        ("parse_number('(1,234.50)')", "-1234.5"),
        (
            "typeof(parse_number('12')) || typeof(parse_number('1.5')) || typeof(parse_number('0.12345678901234567890'))",
            "integerrealtext",
        ),
        ("parse_number('12.') || parse_number('1e5') IS NULL", "1"),
        ("parse_date('03/04/2026') IS NULL", "1"),
        ("parse_date('03/04/2026', 'auto_eu')", "2026-04-03"),
        ("parse_datetime('2026-03-29 02:30', '%Y-%m-%d %H:%M') IS NULL", "1"),
        ("parse_datetime('2026-07-01 12:00', '%Y-%m-%d %H:%M')", "2026-07-01T10:00:00Z"),
        ("parse_phone('030 123456')", "+4930123456"),
        ("parse_bool('maybe') IS NULL", "1"),
    ]);
}

#[test]
fn time_beyond_the_examples() {
    same(&[
        ("to_timezone('2026-03-29T01:00:00Z', 'Europe/Berlin')", "2026-03-29T03:00:00+02:00"),
        ("to_timezone('2026-03-29T00:59:59Z', 'Europe/Berlin')", "2026-03-29T01:59:59+01:00"),
        ("to_timezone('2026-10-25T01:00:00Z', 'Europe/Berlin')", "2026-10-25T02:00:00+01:00"),
        ("format_datetime('2026-03-04', '%d.%m.%y')", "04.03.26"),
        ("format_datetime('soon', '%d') IS NULL", "1"),
        ("date_diff('day', '2026-03-28', '2026-03-30')", "2"),
        ("date_diff('hour', '2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z')", "1"),
        ("date_diff('week', '2026-03-01', '2026-03-02')", "1"),
        ("date_diff('year', '2026-01-01', '2025-12-31')", "-1"),
        // The day of 23 hours is one day, and 24 hours are more.
        ("date_add('day', 1, '2026-03-28T11:00:00Z')", "2026-03-29T10:00:00Z"),
        ("date_add('hour', 24, '2026-03-28T11:00:00Z')", "2026-03-29T11:00:00Z"),
        // 02:30 does not exist on that day.
        ("date_add('day', 1, '2026-03-28 02:30')", "2026-03-29T01:30:00Z"),
        ("date_add('month', -1, '2024-03-31')", "2024-02-29"),
        ("date_add('hour', 1, '2026-07-01')", "2026-06-30T23:00:00Z"),
        ("start_of('week', '2026-03-01')", "2026-02-23"),
        ("start_of('month', '2026-02-28T23:30:00Z')", "2026-03-01"),
        ("start_of('hour', '2026-03-04T10:59:59.5Z')", "2026-03-04T10:00:00Z"),
        ("start_of('year', '2026-03-04 10:00')", "2026-01-01"),
    ]);
}

#[test]
fn lists_and_aggregates_beyond_the_examples() {
    same(&[
        (
            "uuid_v5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'python.org')",
            "886313e1-3b8a-5372-9b90-0c9aee199e5d",
        ),
        ("json_extract(try_json('{\"a\":[1]}'), '$.a[0]')", "1"),
        ("json_array(try_json('[1]'))", "[[1]]"),
        ("json_array(split('a\"b', ','))", "[[\"a\\\"b\"]]"),
        ("group_array(json_array(column1)) FROM (VALUES (1), (2))", "[[1],[2]]"),
        ("median(column1) FROM (VALUES ('2'), (' 4 '))", "3"),
        ("percentile(column1, 100) FROM (VALUES (1), (9), (5))", "9"),
        ("uniqExact(column1, column2) FROM (VALUES (1, 'a'), (1.0, 'a'), ('1', 'a'), (1, 'b'))", "3"),
        ("sumIf(column1, 1) FROM (VALUES (1), (0.5), (NULL))", "1.5"),
    ]);
}

#[test]
fn clickhouse_beyond_the_examples() {
    same(&[
        // ClickHouse 24 (documentation and source)
        ("toString(1e21) || ' ' || toString(1e-7) || ' ' || toString(100.0)", "1e21 1e-7 100"),
        ("replaceRegexpAll('Hello, World!', '^', 'here: ')", "here: Hello, World!"),
        ("replaceRegexpAll('abc', 'b*', '-')", "-a--c-"),
        ("replaceRegexpAll('x', '^|.*', 'Hello')", "HelloxHello"),
        ("extract('a\nb', 'a.b') = 'a' || char(10) || 'b'", "1"),
        ("match('a' || char(10) || 'b', 'a.b')", "1"),
        ("match('٣', '\\d')", "0"),
        ("extract('none', 'x(y)')", ""),
        ("empty(json_array()) || notEmpty(splitByChar(',', ''))", "11"),
        ("JSONExtractString('{\"a\": 1.0, \"b\": null}', 'a')", "1"),
        ("JSONExtractString('{\"a\": \"x\", \"b\": \"y\"}', 2)", "y"),
        ("JSONExtractString('no json', 'a')", ""),
        ("JSONExtractString('{\"a\": 1, \"a\": 2}', 'a')", "1"),
        (
            "JSONExtractInt('{\"a\": -2.9}', 'a') || JSONExtractInt('{\"a\": \"7\"}', 'a') || JSONExtractInt('{\"a\": true}', 'a')",
            "-270",
        ),
        (
            "JSONExtractInt('[1,2,3]', 0) || JSONExtractInt('[1,2,3]', -3) || JSONExtractInt('[1,2,3]', -4)",
            "010",
        ),
        ("match('a<b>', '\\<b\\>') || match('b', '\\<b\\>')", "10"),
        ("JSONExtractBool('{\"a\": 2}', 'a') || JSONExtractBool('{\"a\": \"true\"}', 'a')", "10"),
        ("toDate(20000)", "2024-10-04"),
        ("toDateTime(1772582400)", "2026-03-04 01:00:00"),
        ("parseDateTimeBestEffortOrNull('2026-03-04T12:00:00Z')", "2026-03-04 13:00:00"),
        ("parseDateTimeBestEffortOrNull('n/a') IS NULL", "1"),
        ("formatDateTime('2026-07-01 12:00:00', '%F %T', 'UTC')", "2026-07-01 10:00:00"),
        ("toInt64OrNull('+5') || toInt64OrNull('-0')", "50"),
        ("toInt64OrNull('9223372036854775808') IS NULL", "1"),
    ]);
}

#[test]
fn sums_of_decimals_are_exact() {
    let db = connection(chrono_tz::UTC);
    let numbers =
        "FROM (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 10000) SELECT n FROM r)";
    assert_eq!(ask(&db, "dec_add('0.1', '0.2') = '0.3'"), Ok(Some("1".to_owned())));
    assert_eq!(ask(&db, "0.1 + 0.2 = 0.3"), Ok(Some("0".to_owned())));
    assert_eq!(ask(&db, &format!("dec_sum('0.01') {numbers}")), Ok(Some("100.00".to_owned())));
    assert_eq!(ask(&db, "dec_mul('19.99', 3)"), Ok(Some("59.97".to_owned())));
    assert_eq!(ask(&db, "dec_mul(19.99, 3)"), Ok(Some("59.97".to_owned())));
}

#[test]
fn patterns_and_formats_may_vary_from_row_to_row() {
    let db = connection(chrono_tz::UTC);
    for (sql, expected) in [
        (
            "group_concat(regexp_matches(column1, column2), '') FROM
             (VALUES ('a1', '[0-9]$'), ('a1', '^[0-9]'), ('a1', NULL), ('a', '[0-9]$'), ('b', 'b'))",
            "1001",
        ),
        (
            "group_concat(parse_date(column1, column2)) FROM
             (VALUES ('03/04/2026', '%m/%d/%Y'), ('03/04/2026', '%d/%m/%Y'), ('2026', '%m/%d/%Y'))",
            "2026-03-04,2026-04-03",
        ),
    ] {
        assert_eq!(ask(&db, sql), Ok(Some(expected.to_owned())));
    }
    let many = "count(*) FROM (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 200)
                SELECT n FROM r) WHERE regexp_matches(n, '^' || n || '$')";
    assert_eq!(ask(&db, many), Ok(Some("200".to_owned())));
}

#[test]
fn what_is_kept_of_one_function_does_not_answer_for_another() {
    let db = connection(chrono_tz::UTC);
    for _ in 0..2 {
        assert_eq!(ask(&db, "formatDateTime('2026-03-04 15:05:06', '%s')"), Ok(Some("06".to_owned())));
        assert_eq!(ask(&db, "format_datetime('1970-01-01T00:01:00Z', '%s')"), Ok(Some("60".to_owned())));
        assert_eq!(ask(&db, "match('٣', '\\d')"), Ok(Some("0".to_owned())));
        assert_eq!(ask(&db, "regexp_matches('٣', '\\d')"), Ok(Some("1".to_owned())));
    }
}

#[test]
fn long_json_is_read_like_short_json() {
    let db = connection(chrono_tz::UTC);
    let long = "json_object('a', printf('%.*c', 200000, 'x'), 'b', json_array(1, 2))";
    assert_eq!(ask(&db, &format!("JSONExtractInt({long}, 'b', -1)")), Ok(Some("2".to_owned())));
    assert_eq!(ask(&db, &format!("length(JSONExtractString({long}, 'a'))")), Ok(Some("200000".to_owned())));
    assert_eq!(ask(&db, &format!("try_json({long}) IS NOT NULL")), Ok(Some("1".to_owned())));
    assert_eq!(ask(&db, &format!("try_json({long} || 'x') IS NULL")), Ok(Some("1".to_owned())));
}

#[test]
fn what_is_wrong_is_named() {
    let db = connection(chrono_tz::UTC);
    for (sql, said) in [
        (
            "dec_add('1,5', 1)",
            "dec_add: '1,5' is not a number; expected digits with a decimal point, such as 1234.56",
        ),
        (
            "dec_mul('79228162514264337593543950335', 10)",
            "dec_mul: the exact product of 79228162514264337593543950335 and 10 has more than 28 digits",
        ),
        ("dec_div(1, 3, 29)", "dec_div: the scale is 29, and goes from 0 to 28"),
        (
            "dec_sum(column1) FROM (VALUES ('79228162514264337593543950335'), (1))",
            "dec_sum: the exact sum of 79228162514264337593543950335 and 1 has more than 28 digits",
        ),
        ("regexp_matches('a', '(')", "regexp_matches: the pattern '(' is wrong: unclosed group"),
        (
            "regexp_replace('a', 'a', '\\1')",
            "regexp_replace: the replacement '\\1' names group 1, and the pattern has 0",
        ),
        (
            "regexp_extract('a', 'a', 2)",
            "regexp_extract: there is no group 2 in the pattern 'a', which has 0",
        ),
        (
            "parse_date('x', 'YYYY')",
            "parse_date: the date format 'YYYY' is neither a named format nor a strftime pattern",
        ),
        (
            "parse_number('1', 'us')",
            "parse_number: the number format 'us' is none of auto, plain, comma_thousands, dot_thousands, space_thousands",
        ),
        (
            "to_timezone('2026-01-01', 'CEST')",
            "to_timezone: the time zone 'CEST' is not in the IANA list (such as Europe/Berlin)",
        ),
        (
            "date_add('fortnight', 1, '2026-01-01')",
            "date_add: the unit 'fortnight' is none of second, minute, hour, day, week, month, quarter, year",
        ),
        ("date_add('year', 9000, '2026-01-01')", "date_add: 9000 is too far from '2026-01-01'"),
        (
            "match('a', '\\Z')",
            "match: the RE2 pattern '\\Z' has \\Z, which this server does not read as ClickHouse does",
        ),
        ("split('a', '')", "split: the delimiter is empty"),
        ("split_part('a', ',', 0)", "split_part: parts count from 1 (or from -1, at the end), and n is 0"),
        ("left('a', 'b')", "left: argument 2 is 'b', not a whole number"),
        ("median('a')", "median: 'a' is not a number"),
        (
            "percentile(column1, column1) FROM (VALUES (1), (2))",
            "percentile: p is 2 in one row and differs in another",
        ),
        ("percentile(1, 101)", "percentile: p is 101, not a number from 0 to 100"),
        ("sumIf('1', 1)", "sumIf: '1' is text, not a number: convert it, for example by toInt64OrNull"),
        ("multiIf('a', 1, 2)", "multiIf: argument 1 is 'a', and a condition is a number or a comparison"),
        ("toDate('04.03.2026')", "toDate: '04.03.2026' is no YYYY-MM-DD from 1970 to 2149"),
        ("toDateTime('1969-01-01')", "toDateTime: '1969-01-01' is no moment from 1970 to 2106"),
        ("initcap(x'ff')", "initcap: argument 1 is not valid UTF-8"),
        ("lpad('a', 1000000000)", "string or blob too big"),
        (
            "JSONExtractString('{\"a\": {}}', 'a')",
            "JSONExtractString: there is an object or array, which ClickHouse would write in its own way; json_extract answers it",
        ),
    ] {
        assert_eq!(ask(&db, sql).unwrap_err(), said, "{sql}");
    }
}
