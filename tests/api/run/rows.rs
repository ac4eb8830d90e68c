//! What is said of single rows, and the way back for those that were rejected.

use serde_json::{Value as Json, json};

use super::{Shop, TOKEN, totals};
use crate::support::{
    configure::{configure, maps, matches, step, variable},
    journey::{self, path, text},
};

const HEAD: &str = "Number,E-Mail,Total\n";

/// `rejected.csv` of a run, as records.
fn rejected(shop: &Shop, run: &Json) -> (String, Vec<Vec<String>>) {
    let url = format!("{}/executions/{}/rejected.csv", path(TOKEN), text(&run["id"]));
    let body = shop.client.download(&url).expect(200).text();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body.as_bytes());
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (body, rows)
}

#[test]
fn a_rejected_row_names_its_line_also_after_a_join() {
    let sql = "CREATE TABLE connector.rate AS SELECT '1' AS number, 2 AS factor UNION ALL SELECT '3', 3;
        CREATE TABLE output.orders AS
        SELECT o.rowid AS _line, o.number, o.e_mail AS mail, coalesce(o.total * r.factor, o.total) AS total
        FROM input.orders_csv o LEFT JOIN connector.rate r ON r.number = o.number ORDER BY o.number DESC;";
    let shop = Shop::with(|_| {}, sql);
    let run = shop.run("a.csv", &format!("{HEAD}1,ada@example.org,2\n2,\"a\nb\",x\n3,,1\n4,,y\n"));
    assert_eq!((&run["status"], totals(&run)), (&json!("partial_success"), [2, 0, 0, 0, 2]));
    let rows = shop.rows(&run, "status=error");
    // The second order's record has a line break in it, so the fourth order stands a line lower.
    let mut lines: Vec<u64> =
        rows.as_array().unwrap().iter().map(|row| row["line"].as_u64().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, [3, 6]);
    let messages = rows.to_string();
    for word in ["Total", "\\\"y\\\"", "not_a_number"] {
        assert!(messages.contains(word), "{word}: {messages}");
    }
    assert_eq!(shop.rows(&run, "status=skipped"), json!([]));
}

#[test]
fn after_an_aggregate_there_is_no_line_and_all_else_is_as_ever() {
    let sql = "CREATE TABLE output.orders AS
        SELECT number, max(e_mail) AS mail, group_concat(total, '+') AS total
        FROM input.orders_csv GROUP BY number ORDER BY number;";
    let shop = Shop::with(|_| {}, sql);
    let run = shop.run("a.csv", &format!("{HEAD}1,,2\n2,,1\n2,,1\n3,,4\n"));
    assert_eq!((&run["status"], totals(&run)), (&json!("partial_success"), [2, 0, 0, 0, 1]));
    let row = &shop.rows(&run, "status=error")[0];
    assert_eq!((&row["line"], &row["row"]), (&Json::Null, &json!(2)), "{row}");
    assert!(run["final_report"].is_object() && run["sql_output_zip"].is_object(), "{run}");
    // No source rows are known, so the scope's are shown.
    let (_, rows) = rejected(&shop, &run);
    assert_eq!(rows[0], ["number", "mail", "total", "_errors"]);
    assert_eq!(rows[1][..3], ["2", "", "1+1"]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn rejected_rows_corrected_and_sent_again_load() {
    let shop = Shop::new();
    let run = shop.run(
        "a.csv",
        "Number,Extra,E-Mail,Total\r\n1,a,,1\r\n2,\" b,\"\"c\",eve@example.org,zwei\r\n3,c,,3\r\n4,=d,nobody,4\r\n",
    );
    assert_eq!(totals(&run), [2, 0, 0, 0, 2]);
    let (body, rows) = rejected(&shop, &run);
    // Original header and cells, exact; why it was rejected comes last.
    assert_eq!(rows[0], ["Number", "Extra", "E-Mail", "Total", "_errors"]);
    assert_eq!(rows[1][..4], ["2", " b,\"c", "eve@example.org", "zwei"]);
    assert_eq!(rows[2][..4], ["4", "=d", "nobody", "4"]);
    assert!(rows[1][4].contains("zwei") && rows[2][4].contains("nobody"), "{rows:?}");
    assert_eq!(rows.len(), 3);
    let corrected = body.replacen("zwei", "2", 1).replacen("nobody", "bob@example.org", 1);
    let again = shop.run("rejected.csv", &corrected);
    assert_eq!((&again["status"], totals(&again)), (&json!("success"), [2, 0, 0, 0, 0]), "{again}");
    let names: Vec<Json> = shop.orders().into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, ["1", "2", "3", "4"]);
    // The column with the errors is no news.
    let logs = shop.client.get(&format!("{}/executions/{}/logs", path(TOKEN), text(&again["id"]))).ok();
    assert!(!logs.to_string().contains("_errors"), "{logs}");
}

#[test]
fn skipped_and_warned_rows_are_told_too() {
    let shop = Shop::new();
    let object = crate::support::journey::object_id(&shop.client, "orders");
    for _ in 0..2 {
        let fields = json!({"fields": [{"name": "name", "value": "twin"}]});
        shop.client.post(&format!("/api/records/{object}/add"), &fields).created();
    }
    // A key that two records have; a short record; a long one; a blank key.
    let run = shop.run("a.csv", &format!("{HEAD}twin,,1\n5\n6,,1,more\n,,9\n"));
    assert_eq!(totals(&run), [2, 0, 0, 1, 1]);
    let skipped = &shop.rows(&run, "status=skipped")[0];
    assert_eq!(skipped["line"], 2);
    assert!(skipped.to_string().contains("several records match (2)"), "{skipped}");
    let blank = &shop.rows(&run, "status=error")[0];
    assert_eq!(blank["line"], 5);
    assert!(blank.to_string().contains("match_value_blank"), "{blank}");
    let url = format!("{}/executions/{}/logs", path(TOKEN), text(&run["id"]));
    let logs = shop.client.get(&url).ok()["results"].to_string();
    assert!(logs.contains("Line 3: 1 cell") && logs.contains("Line 4: 4 cells"), "{logs}");
}

#[test]
fn every_value_without_a_text_is_rejected_by_the_steps_that_use_it() {
    let sql = "CREATE TABLE output.orders AS SELECT rowid AS _line, number, e_mail AS mail,
        CASE total WHEN 'inf' THEN -9e999 ELSE total END AS total,
        CASE e_mail WHEN 'blob' THEN x'ff00' ELSE e_mail END AS note FROM input.orders_csv;";
    let shop = Shop::in_setup(|_| {}, sql);
    journey::object(&shop.client, "notes", &[json!({"name": "note", "field_type": "text"})]);
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Total", "number", "orders", "total"),
        variable("Note", "string", "orders", "note"),
    ];
    let by_number = || json!([matches("name", "Number")]);
    let mapping = json!([maps("name", "Number"), maps("total", "Total")]);
    let orders = step("orders", "orders", None, by_number(), mapping);
    let mapping = json!([maps("name", "Number"), maps("note", "Note")]);
    let notes = step("notes", "orders", None, by_number(), mapping);
    configure(&shop.client, TOKEN, &variables, &[orders, notes]);
    journey::activate(&shop.client, TOKEN);
    let run = shop.run("a.csv", &format!("{HEAD}1,fine,1\n2,blob,inf\n3,blob,3\n4,fine,inf\n"));
    assert_eq!(totals(&run), [4, 0, 0, 0, 4], "{run}");
    let names = |object: &str| -> Vec<Json> {
        journey::records(&shop.client, object, &["name"]).into_iter().map(|row| row[0].clone()).collect()
    };
    assert_eq!(
        (names("orders"), names("notes")),
        (vec![json!("1"), json!("3")], vec![json!("1"), json!("4")])
    );
    let infinite = json!([{"message": "Total: an infinite number has no text; expected a finite number",
        "code": "invalid", "variable": "Total", "column": "total", "value": "-Infinity",
        "expected": "a finite number"}]);
    let blob = json!([{"message": "Note: the blob is not valid UTF-8; expected text in UTF-8",
        "code": "invalid", "variable": "Note", "column": "note", "value": "x'ff00'",
        "expected": "text in UTF-8"}]);
    let told = shop.rows(&run, "status=error");
    let mut told: Vec<(u64, u64, &Json)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["step"].as_u64().unwrap(), row["line"].as_u64().unwrap(), &row["messages"]))
        .collect();
    told.sort_by_key(|(step, line, _)| (*step, *line));
    let places: Vec<u64> = told.iter().map(|(_, line, _)| *line).collect();
    assert_eq!(places, [3, 5, 3, 4], "{told:?}");
    let messages: Vec<&Json> = told.into_iter().map(|(_, _, messages)| messages).collect();
    assert_eq!(messages, [&infinite, &infinite, &blob, &blob]);
}

#[test]
fn rejected_rows_without_lines_are_told_by_their_scope() {
    let sql = "CREATE TABLE output.orders AS SELECT number, total FROM input.orders_csv;
        CREATE TABLE output.notes AS SELECT number, e_mail AS mail FROM input.orders_csv;";
    let shop = Shop::in_setup(|_| {}, super::SQL);
    journey::publish(&shop.client, TOKEN, sql);
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Total", "number", "orders", "total"),
        variable("Note", "string", "notes", "number"),
        variable("Mail", "email", "notes", "mail"),
    ];
    let mapping = json!([maps("name", "Number"), maps("total", "Total")]);
    let orders = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    let mapping = json!([maps("name", "Note"), maps("mail", "Mail")]);
    let notes = step("orders", "notes", None, json!([matches("name", "Note")]), mapping);
    configure(&shop.client, TOKEN, &variables, &[orders, notes]);
    journey::activate(&shop.client, TOKEN);
    let url = |run: &Json, query: &str| {
        format!("{}/executions/{}/rejected.csv{query}", path(TOKEN), text(&run["id"]))
    };
    let run = shop.run("a.csv", &format!("{HEAD}1,a@x.org,x\n2,nobody,2\n3,no one,y\n"));
    assert_eq!(totals(&run), [2, 0, 0, 0, 4], "{run}");
    let body = shop.client.get(&url(&run, "")).expect(400).json();
    assert_eq!(
        body["detail"],
        "Rows of several scopes were rejected and know no source line: notes, orders. Choose one with ?scope=."
    );
    assert!(body["errors"]["scope"].is_array(), "{body}");
    for (scope, rows) in [("orders", [["1", "x"], ["3", "y"]]), ("notes", [["2", "nobody"], ["3", "no one"]])]
    {
        let answer = shop.client.download(&url(&run, &format!("?scope={scope}"))).expect(200).text();
        let mut reader = csv::Reader::from_reader(answer.as_bytes());
        let last = if scope == "orders" { "total" } else { "mail" };
        assert_eq!(reader.headers().unwrap(), vec!["number", last, "_errors"]);
        let found: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(found.len(), 2, "{answer}");
        for (record, cells) in found.iter().zip(rows) {
            assert_eq!([&record[0], &record[1]], cells, "{answer}");
            assert!(record[2].contains(cells[1]), "{answer}");
        }
    }
    // One scope alone has rejected rows: nothing to choose.
    let run = shop.run("a.csv", &format!("{HEAD}1,a@x.org,x\n"));
    let answer = shop.client.download(&url(&run, "")).expect(200).text();
    assert!(answer.starts_with("number,total,_errors\r\n1,x,"), "{answer}");
}
