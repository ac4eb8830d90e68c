//! Names and types of columns, from a file's header to what a script gives.

use serde_json::{Value as Json, json};

use super::{Desk, fixture};
use crate::support::journey::{self, path, set_input, text, unzip};

/// The header of the one member of a run's output.
fn header(desk: &Desk, run: &Json) -> String {
    let members = unzip(&desk.client, &run["sql_output_zip"]);
    assert_eq!(members.len(), 1, "{run}");
    members[0].1.lines().next().unwrap().to_owned()
}

#[test]
fn names_of_columns_are_made_by_one_rule_and_told_apart() {
    let desk = Desk::new();
    // Blank ones by position, a leading digit guarded, repeats numbered.
    let run = desk.dry_run("headers.csv", &fixture("headers.csv"));
    assert_eq!(
        header(&desk, &run),
        "e_mail,_2,e_mail__duplicate_1__,_2nd_address,_5,e_mail__duplicate_2__",
        "{run}"
    );
    // At most 63 characters, also of those that are told apart.
    let long = "Ä".repeat(60) + "bcdefgh";
    let run = desk.dry_run("long.csv", format!("{long},{long},9{long},SQLite_x\n1,2,3,4\n").as_bytes());
    let (kept, cut) = ("_".repeat(60) + "bcd", "_".repeat(63 - "__duplicate_1__".len()));
    let guarded = "_9".to_owned() + &"_".repeat(60) + "b";
    assert_eq!(header(&desk, &run), format!("{kept},{cut}__duplicate_1__,{guarded},_sqlite_x"), "{run}");
}

#[test]
fn a_mapping_gives_columns_types_and_a_cell_that_is_none_is_null_with_a_warning() {
    /// Type, what converts, what it becomes and is to SQL, what does not convert.
    type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);
    const ROWS: [Row; 9] = [
        ("str", " 007 ", " 007 ", "text", ""),
        ("int", " 42 ", "42", "integer", "4.2"),
        ("float", "1e3", "1000", "real", "1,5"),
        ("bool", "Yes", "1", "integer", "ja"),
        ("date", "2026-01-31", "2026-01-31", "text", "31.01.2026"),
        ("datetime", "2026-01-31T23:59:59+01:00", "2026-01-31T22:59:59Z", "text", "2026-01-31"),
        (
            "uuid",
            "67E5504410B1426F9247BB680E5FE0C8",
            "67e55044-10b1-426f-9247-bb680e5fe0c8",
            "text",
            "67e55044",
        ),
        ("json", "{\"a\": 1}", "{\"a\": 1}", "text", "{a: 1}"),
        ("array[string]", "vip, new,,\"b2b\"", "[\"vip\",\"new\",\"b2b\"]", "text", "[\"open\""),
    ];
    let csv = |cells: [&str; 9]| {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record((0..9).map(|n| format!("c{n}"))).unwrap();
        csv.write_record(ROWS.map(|row| row.1)).unwrap();
        csv.write_record(cells).unwrap();
        csv.into_inner().unwrap()
    };
    let desk = Desk::new();
    let file = csv(ROWS.map(|row| row.1));
    set_input(&desk.client, &desk.token, "typed.csv", &file);
    let draft = journey::draft_path(&journey::detail(&desk.client, &desk.token));
    let mut metadata = desk.client.get(&draft).ok()["config_metadata"].clone();
    let columns = &mut metadata["input_tables"][0]["columns_mapping"];
    for (n, row) in ROWS.iter().enumerate() {
        assert_eq!(columns[n]["type"], "str");
        columns[n]["type"] = json!(row.0);
    }
    desk.client.patch(&draft, &json!({ "config_metadata": metadata })).ok();
    let selected = |n: usize| format!("c{n}, typeof(c{n}) AS t{n}");
    let list = (0..9).map(selected).collect::<Vec<_>>().join(", ");
    let sql = format!("CREATE TABLE output.things AS SELECT {list} FROM input.typed_csv");
    journey::publish(&desk.client, &desk.token, &sql);

    let run = desk.dry_run("typed.csv", &csv(ROWS.map(|row| row.4)));
    let member = unzip(&desk.client, &run["sql_output_zip"]).remove(0).1;
    let mut reader = csv::Reader::from_reader(member.as_bytes());
    let rows: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    for (n, (kind, cell, value, sql_type, bad)) in ROWS.into_iter().enumerate() {
        assert_eq!(rows[0][n * 2..n * 2 + 2], [value, sql_type], "{kind} {cell}");
        assert_eq!(rows[1][n * 2..n * 2 + 2], ["", "null"], "{kind} {bad}");
    }
    // Each is told with its line.
    let said = desk.said(&run);
    for (n, (kind, _, _, _, bad)) in ROWS.into_iter().enumerate().skip(1) {
        let start = format!("Line 3: column c{n}: {bad:?} is not ");
        assert!(said.iter().any(|line| line.starts_with(&start)), "{kind}: {said:?}");
    }
    let warning = text(&run["warning"]);
    assert!(warning.contains("8 cells did not convert and became NULL."), "{warning}");
    let url = format!("{}/executions/{}/rows?status=warning", path(&desk.token), text(&run["id"]));
    assert_eq!(desk.client.get(&url).ok()["results"], json!([]), "no load step has read it");
}
