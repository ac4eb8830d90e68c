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

#[test]
fn every_format_is_read() {
    let odd = |name: &str| format!("{}/fixtures/odd/{name}", env!("CARGO_MANIFEST_DIR"));
    let sql = "SELECT item, price, sold_at, note FROM input.stock LEFT JOIN input.notes ON qty";
    for name in ["stock.xlsx", "stock.xls", "stock.ods"] {
        let ran = program(&["query", &odd(name), sql, "--csv"]);
        assert_eq!(
            text(&ran.stdout),
            "item,price,sold_at,note\r\n\"bolt, \"\"M8\"\"\",0.1,2026-01-31T13:30:00,\"two\nlines\"\r\n\
             Mutter größer,1299.95,2000-02-29T00:00:00,\r\n",
            "{name}: {}",
            text(&ran.stderr)
        );
    }
    // Names are distinct over all files, and pages count on.
    let files = ["two_files.zip", "utf16le.csv", "stock.ods", "stock.xls"].map(odd);
    let sql = "SELECT (SELECT preis FROM page_idx_2 LIMIT 1) AS preis, count(*) AS n FROM input.stock__duplicate_1__";
    let [zip, utf16, ods, xls] = &files;
    let ran = program(&["query", zip, utf16, ods, xls, sql, "--csv"]);
    assert_eq!(text(&ran.stdout), "preis,n\r\n5 €,2\r\n", "{}", text(&ran.stderr));
    let ran = program(&["query", &odd("encrypted.xlsx")]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).ends_with("Save it without one and send it again.\n"), "{}", text(&ran.stderr));
    let ran = program(&["query", &odd("formulas.xlsx")]);
    assert!(text(&ran.stderr).contains("2 cells show an error and became NULL."), "{}", text(&ran.stderr));
}

#[test]
fn a_package_runs_on_every_format() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    fs::write(dir.path().join("__config.json"), "{}").unwrap();
    let sql = "CREATE TABLE output.sold AS SELECT rowid AS _line, 'stock' AS _table, item, sold_on FROM input.stock";
    fs::write(dir.path().join("connector.sql"), sql).unwrap();
    for name in ["stock.xlsx", "stock.xls", "stock.ods"] {
        let input = format!("{}/fixtures/odd/{name}", env!("CARGO_MANIFEST_DIR"));
        let ran = program(&["run", dir.path().to_str().unwrap(), "--input", &input]);
        assert!(ran.status.success(), "{name}: {}{}", text(&ran.stdout), text(&ran.stderr));
        assert_eq!(
            fs::read_to_string(dir.path().join("data/output/sold.csv")).unwrap(),
            "item,sold_on\r\n\"bolt, \"\"M8\"\"\",2026-01-31\r\nMutter größer,1999-12-31\r\n",
            "{name}"
        );
    }
}
