//! `query`: the quick look.

use std::fs;

use crate::world::{program, text};

fn files() -> (tempfile::TempDir, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rows: Vec<String> = (1..=12).map(|n| format!("{n};name {n}\n")).collect();
    let rows = rows.concat();
    let a = path("A b.csv", &format!("Id;Full name\n{rows}"));
    let b = path("b.csv", "id,city\n1,Köln\n2,\n");
    (dir, a, b)
}

#[test]
fn a_select_prints_its_rows() {
    let (_dir, a, b) = files();
    let sql = "CREATE TABLE connector.t AS SELECT * FROM input.b_csv;\n-- joined\n\
        SELECT a.id, full_name, city FROM input.a_b_csv a JOIN connector.t USING (id) ORDER BY id;";
    let ran = program(&["query", &a, &b, sql, "--csv"]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stdout), "id,full_name,city\r\n1,name 1,Köln\r\n2,name 2,\r\n");
    let ran = program(&["query", &a, &b, sql, "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(rows[1], serde_json::json!({"id": "2", "full_name": "name 2", "city": null}));
    let ran = program(&["query", &a, &b, sql]);
    assert!(text(&ran.stdout).contains("│ 1  ┆ name 1    ┆ Köln │"), "{}", text(&ran.stdout));
    for last in [
        "VALUES (1), (2)",
        "WITH x(y) AS (VALUES (1), (2)) SELECT y FROM x",
        "CREATE TABLE output.x AS SELECT 1",
    ] {
        assert!(program(&["query", &a, last]).status.success(), "{last}");
    }
}

#[test]
fn an_error_names_the_place_as_it_was_written() {
    let (_dir, a, _) = files();
    let ran = program(&["query", &a, "SELECT 1;\n  SELECT\n    ful_name FROM input.a_b_csv"]);
    assert_eq!(ran.status.code(), Some(1));
    let said = text(&ran.stderr);
    assert!(said.contains("line 3, column 5: no such column: ful_name"), "{said}");
    let ran = program(&["query", &a, "SELECT * FROM elsewhere"]);
    assert!(text(&ran.stderr).contains("line 1, column 15"), "{}", text(&ran.stderr));
    assert_eq!(program(&["query", "nowhere.csv"]).status.code(), Some(1));
    assert_eq!(program(&["query"]).status.code(), Some(2));
}

#[test]
fn without_sql_it_shows_columns_and_the_first_rows() {
    let (_dir, a, b) = files();
    let ran = program(&["query", &a, &b]);
    let said = text(&ran.stdout);
    assert!(said.contains("input.a_b_csv (12 rows): id, full_name"), "{said}");
    assert!(
        said.contains("name 10") && !said.contains("name 11") && said.contains("and 2 more rows"),
        "{said}"
    );
    assert!(said.contains("input.b_csv (2 rows): id, city"), "{said}");
}

#[test]
fn the_functions_are_listed_and_work_here_too() {
    let ran = program(&["query", "--functions"]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(text(&ran.stdout).contains("split_part(s, delim, n)"));
    let ran = program(&["query", "--functions", "--json"]);
    let functions: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert!(functions.as_array().unwrap().iter().any(|function| function["name"] == "dec_sum"));
    let (_dir, _, b) = files();
    let ran =
        program(&["query", &b, "SELECT dec_sum(id), any_value(unaccent(city)) FROM input.b_csv", "--csv"]);
    assert!(text(&ran.stdout).ends_with("\r\n3,Koln\r\n"), "{}", text(&ran.stdout));
    assert_eq!(program(&["query", &b, "--functions"]).status.code(), Some(2));
}
