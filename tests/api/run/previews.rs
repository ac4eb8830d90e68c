//! What a dry run shows beforehand, and what is odd about a row without keeping it out.

use calamine::{Data, Reader as _, Xlsx};
use serde_json::{Value as Json, json};

use super::{Shop, TOKEN, totals};
use crate::support::journey::{path, text};

const HEAD: &str = "Number,E-Mail,Total\n";
const DRY: &[(&str, &str)] = &[("is_dry_run", "true")];

fn upload_sheet(shop: &Shop, run: &Json) -> Vec<Vec<String>> {
    let bytes = shop.client.download(text(&run["final_report"]["url"])).expect(200).bytes;
    let mut book = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("The orders Upload (orders)").unwrap();
    range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
}

#[test]
fn a_row_of_an_odd_line_is_warned_of_with_its_line() {
    let shop = Shop::new();
    let csv = format!("{HEAD}1,,1\n2\n3,,1,more\n");
    for fields in [DRY, &[]] {
        let run = shop.run_with("a.csv", &csv, fields);
        assert_eq!((totals(&run), &run["totals"]["warnings"]), ([3, 0, 0, 0, 0], &json!(2)));
        let rows = shop.rows(&run, "status=warning");
        let said: Vec<_> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["line"].as_u64().unwrap(), text(&row["messages"][0]["code"])))
            .collect();
        assert_eq!(said, [(3, "short_row"), (4, "long_row")]);
        let sheet = upload_sheet(&shop, &run);
        assert_eq!(sheet[2][1], "3");
        assert!(sheet[2].contains(&"1 cell, expected 3; the missing ones are NULL.".to_owned()), "{sheet:?}");
    }
}

#[test]
fn an_update_that_is_warned_of_is_in_both_lists_and_the_sheet_shows_old_and_new() {
    let shop = Shop::new();
    shop.run("a.csv", &format!("{HEAD}1,,1\n2,,2\n"));
    let csv = format!("{HEAD}1,,5\n2,,6,more\n3,,x\n");
    let dry = shop.run_with("b.csv", &csv, DRY);
    assert_eq!(totals(&dry), [0, 2, 0, 0, 1]);
    let updated = shop.rows(&dry, "status=updated");
    let changes: Vec<&Json> = updated.as_array().unwrap().iter().map(|row| &row["changes"]).collect();
    let total = |old: &str, new: &str| json!([{"field": "total", "old": old, "new": new}]);
    assert_eq!(changes, [&total("1", "5"), &total("2", "6")]);
    assert_eq!(shop.rows(&dry, "status=warning")[0]["changes"], total("2", "6"));
    assert_eq!(shop.rows(&dry, "status=warning").as_array().unwrap().len(), 1);
    let sheet = upload_sheet(&shop, &dry);
    // The rejected row first, with what was found.
    assert_eq!(sheet[1][4..7], ["3", "", "x"], "{sheet:?}");
    assert_eq!(sheet[2][7..], ["total: 1 → 5", "", "", "Would be updated"], "{sheet:?}");
    let live = shop.run("b.csv", &csv);
    assert_eq!(live["totals"], dry["totals"]);
    assert_eq!(shop.rows(&live, "status=warning").as_array().unwrap().len(), 1);
    assert_eq!(shop.rows(&live, "status=updated"), json!([]));
}

#[test]
fn where_the_cap_is_reached_errors_go_before_previews_and_the_run_says_so() {
    use std::fmt::Write as _;

    let shop = Shop::with(|config| config.runner.max_row_outcomes = 4, super::SQL);
    let mut csv = HEAD.to_owned();
    for n in 0..6 {
        writeln!(csv, "{n},,1").unwrap();
    }
    shop.run("a.csv", &csv);
    let mut csv = csv.replace(",,1\n", ",,2\n");
    csv.push_str("7,,x\n8,,x\n9,,x\n");
    let dry = shop.run_with("b.csv", &csv, DRY);
    assert_eq!((totals(&dry), &dry["rows_not_kept"]), ([0, 6, 0, 0, 3], &json!(5)));
    assert_eq!(shop.rows(&dry, "status=error").as_array().unwrap().len(), 3);
    assert_eq!(shop.rows(&dry, "status=updated").as_array().unwrap().len(), 1);
    let sentence =
        "5 rows are only counted: a run keeps what is said about 4 rows (runner.max_row_outcomes).";
    assert_eq!(dry["warning"], sentence);

    csv.push_str("10,,x\n11,,x\n");
    let live = shop.run("c.csv", &csv);
    assert_eq!((totals(&live), &live["rows_not_kept"]), ([0, 6, 0, 0, 5], &json!(1)));
    assert!(text(&live["warning"]).ends_with(" rejected.csv lacks 1 of 5 rejected rows."), "{live}");
    let url = format!("{}/executions/{}/rejected.csv", path(TOKEN), text(&live["id"]));
    assert_eq!(shop.client.download(&url).expect(200).text().lines().count(), 5);
    assert_eq!(shop.client.download(&format!("{url}?scope=orders")).expect(200).text().lines().count(), 5);
    // A scope that the run did not have is no scope without rejected rows.
    let refused = shop.client.get(&format!("{url}?scope=ordres")).refused(404, "not_found");
    assert_eq!(refused, "The run has no scope \"ordres\", but these: orders.");
}

#[test]
fn a_dry_run_ends_while_somebody_else_holds_the_write_lock() {
    let shop = Shop::new();
    let mut writer = shop.server.app.store.records.writer();
    let tx = writer.transaction().unwrap();
    tx.execute_batch("INSERT INTO record_orders (created, updated, name) VALUES (0, 0, 'mine')").unwrap();
    let dry = shop.run_with("a.csv", &format!("{HEAD}1,,1\nmine,,2\n"), DRY);
    // What is not committed is not seen.
    assert_eq!((&dry["status"], totals(&dry)), (&json!("success"), [2, 0, 0, 0, 0]));
    drop(tx);
}
