//! Ours against SQLite's own, on random arguments.

use proptest::prelude::*;
use rusqlite::types::Value;

use super::*;
use crate::{cancel::CancelToken, engine::limits::EngineLimits, variable::Locale};

/// As if a script named all functions.
pub(super) fn every() -> Words {
    Words::of(&offered().collect::<Vec<_>>().join(" "))
}

fn ours() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    let limits = EngineLimits { min_free_mb: 0, ..EngineLimits::default() };
    let watch = Watch::new(CancelToken::new(), std::path::Path::new("/"), &limits);
    register(&db, &Arc::new(Host::new(Arc::new(watch), Locale::default())), &every()).unwrap();
    db
}

/// Type and bytes of the answer, or the error's sentence.
fn ask(db: &Connection, sql: &str, arguments: &[Value]) -> Result<(String, Value), String> {
    let sql = format!("SELECT typeof(x), CAST(x AS BLOB) FROM (SELECT {sql} AS x)");
    db.query_row(&sql, rusqlite::params_from_iter(arguments), |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|error| error.to_string())
}

/// Text over a small alphabet, so that matches happen, with every sign that means something.
fn text() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        Just('a'),
        Just('A'),
        Just('b'),
        Just('%'),
        Just('_'),
        Just('*'),
        Just('?'),
        Just('['),
        Just(']'),
        Just('^'),
        Just('-'),
        Just('\\'),
        Just('é'),
        Just('É'),
        Just('日'),
        Just('\u{80}'),
        Just('\u{fffd}'),
        Just('K'),
        Just('\0')
    ];
    proptest::collection::vec(sign, 0..12).prop_map(String::from_iter)
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = prop_oneof![
        Just(0x80_u8),
        Just(0xc3),
        Just(0xa9),
        Just(0xff),
        Just(0xed),
        Just(0xbf),
        Just(b'a'),
        Just(b'[')
    ];
    prop_oneof![
        12 => text().prop_map(Value::Text),
        1 => Just(Value::Null),
        1 => (-20_i64..2000).prop_map(Value::Integer),
        1 => prop_oneof![Just(1.5), Just(0.1 + 0.2), Just(1e300), Just(-0.0), Just(f64::INFINITY)]
            .prop_map(Value::Real),
        3 => proptest::collection::vec(bytes, 0..6).prop_map(Value::Blob),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_sqlite(a in value(), b in value(), c in value()) {
        let (ours, reference) = (OURS.with(Clone::clone), REFERENCE.with(Clone::clone));
        for sql in [
            "instr(?1, ?2)",
            "trim(?1, ?2)",
            "ltrim(?1, ?2)",
            "rtrim(CAST(?1 AS TEXT), CAST(?2 AS TEXT))",
            "unhex(?1, ?2)",
            "json_patch(?1, ?2)",
            "replace(?1, ?2, ?3)",
            "like(?1, ?2)",
            "?2 LIKE ?1",
            "like(?1, ?2, ?3)",
            "like(?1, ?2, '\\')",
            "glob(?1, ?2)",
            // The bytes of a blob as text that need not be UTF-8.
            "instr(CAST(?1 AS TEXT), CAST(?2 AS TEXT))",
            "like(CAST(?1 AS TEXT), CAST(?2 AS TEXT))",
            "like('%' || ?1 || '%', ?2)",
            "glob('*' || ?1 || '*', ?2)",
        ] {
            let arguments = [a.clone(), b.clone(), c.clone()];
            let used = &arguments[..if sql.contains("?3") { 3 } else { 2 }];
            prop_assert_eq!(ask(&ours, sql, used), ask(&reference, sql, used), "{}", sql);
        }
    }

    #[test]
    fn sets_of_glob_are_those_of_sqlite(set in "[a-c^\\]\\[é-]{0,6}", tail in "[a\\]*?]{0,3}", text in "[a-c^\\]\\[é-]{0,5}") {
        let (ours, reference) = (OURS.with(Clone::clone), REFERENCE.with(Clone::clone));
        for pattern in [format!("[{set}]{tail}"), format!("*[{set}]{tail}"), format!("[{set}{tail}")] {
            let arguments = [Value::Text(pattern), Value::Text(text.clone())];
            prop_assert_eq!(ask(&ours, "glob(?1, ?2)", &arguments), ask(&reference, "glob(?1, ?2)", &arguments));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hexadecimal_digits_are_those_of_sqlite(hex in "[0-9aF -é]{0,8}", ignored in "[ -éa]{0,3}") {
        let (ours, reference) = (OURS.with(Clone::clone), REFERENCE.with(Clone::clone));
        let arguments = [Value::Text(hex), Value::Text(ignored)];
        prop_assert_eq!(ask(&ours, "unhex(?1, ?2)", &arguments), ask(&reference, "unhex(?1, ?2)", &arguments));
    }

    #[test]
    fn patched_json_is_that_of_sqlite(a in "[\\{\\}\\[\\]\":,a1]{0,7}", b in "\\{\"[ab]\":(1|null|2.50|\"x\")\\}") {
        let (ours, reference) = (OURS.with(Clone::clone), REFERENCE.with(Clone::clone));
        for sql in [
            "json_patch(?1, ?2)",
            "json_patch(?2, ?1)",
            "json_patch('{\"a\":{\"b\":1}}', ?2)",
            "json_array(json_patch(?2, ?2))",
            "jsonb_patch(?2, '{\"a\":null}')",
            "json(jsonb_patch(jsonb(?2), '{\"c\":[1]}'))",
        ] {
            let arguments = [Value::Text(a.clone()), Value::Text(b.clone())];
            let used = if sql.contains("?1") { &arguments[..] } else { &arguments[1..] };
            let sql = if sql.contains("?1") { sql.to_owned() } else { sql.replace("?2", "?1") };
            prop_assert_eq!(ask(&ours, &sql, used), ask(&reference, &sql, used), "{}", sql);
        }
    }
}

thread_local! {
    static OURS: std::rc::Rc<Connection> = std::rc::Rc::new(ours());
    static REFERENCE: std::rc::Rc<Connection> = std::rc::Rc::new(Connection::open_in_memory().unwrap());
}

#[test]
fn a_pattern_that_varies_by_row_is_read_anew() {
    let found: String = ours()
        .query_row(
            "SELECT group_concat(column1 LIKE column2 ESCAPE column3, '') FROM
             (VALUES ('a%', 'a!%', '!'), ('a%', 'a!%', '?'), ('ab', 'a_', '!'), ('b', 'a_', '!'))",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(found, "1010");
}

#[test]
fn windows_find_what_lies_across_their_edges() {
    let db = ours();
    for (sql, expected) in [
        ("instr(printf('%.*c', 1048570, 'a') || 'needle_in_hay', 'needle_in_hay')", 1_048_571),
        ("instr(printf('%.*c', 3000000, 'é') || 'x', 'x')", 3_000_001),
        ("instr(printf('%.*c', 3000000, 'a'), printf('%.*c', 1500000, 'a') || 'b')", 0),
        ("length(replace(printf('%.*c', 60000, 'a'), 'aa', 'b'))", 30_000),
    ] {
        let found: i64 = db.query_row(&format!("SELECT {sql}"), [], |row| row.get(0)).unwrap();
        assert_eq!(found, expected, "{sql}");
    }
}

#[test]
fn a_replacement_stops_growing_at_the_value_limit() {
    let sql = "SELECT replace(printf('%.*c', 60000, 'a'), 'a', printf('%.*c', 60000, 'b'))";
    let error = ours().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap_err();
    assert_eq!(error.to_string(), "string or blob too big");
}

#[test]
fn every_function_of_sqlite_is_offered_or_known_to_be_refused() {
    let refused = [
        "fts3_tokenizer",
        "fts5",
        "fts5_get_locale",
        "fts5_insttoken",
        "fts5_locale",
        "fts5_source_id",
        "load_extension",
        "matchinfo",
        "offsets",
        "optimize",
        "rtreecheck",
        "rtreedepth",
        "rtreenode",
        "snippet",
        "bm25",
        "highlight",
        "sqlite_compileoption_get",
        "sqlite_compileoption_used",
        "sqlite_log",
        "sqlite_source_id",
    ];
    let db = Connection::open_in_memory().unwrap();
    let mut query = db.prepare("SELECT DISTINCT name FROM pragma_function_list ORDER BY 1").unwrap();
    let names = query.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let unknown: Vec<_> = names.filter(|n| !is_offered(n) && !refused.contains(&n.as_str())).collect();
    assert!(unknown.is_empty(), "decide about {unknown:?}");
}
