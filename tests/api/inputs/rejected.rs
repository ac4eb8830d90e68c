//! Rejected rows of files of several tables, and back.

use serde_json::{Value as Json, json};

use super::{Desk, zip_of};
use crate::support::{
    Answer,
    configure::{configure, maps, matches, step, variable},
    journey::{self, path, records, run_ended, set_input, text, upload},
};

const SQL: &str = "CREATE TABLE output.sales AS
SELECT o.rowid AS _line, 'north_orders' AS _table, o.number, o.total, r.rate
FROM input.north_orders AS o LEFT JOIN input.rates AS r ON r.code = o.code
UNION ALL
SELECT o.rowid, 'South', o.number, o.total, r.rate
FROM input.south AS o LEFT JOIN input.rates AS r ON r.code = o.code;
";
/// Line 4 of the south is short.
const SOUTH: &str = "number,total,code\n3,3,a\n4,drei,a\n5\n";
const RATES: &str = "code,rate\na,1.5\nb,2\n";

/// A connector that loads the orders of two tables, with rates that it looks up in a third.
fn sales() -> Desk {
    let desk = Desk::new();
    let fields =
        [json!({"name": "total", "field_type": "decimal"}), json!({"name": "rate", "field_type": "text"})];
    journey::object(&desk.client, "sales", &fields);
    set_input(&desk.client, &desk.token, "sales.zip", &archive(b"number;total;code\n1;1;a\n"));
    journey::publish(&desk.client, &desk.token, SQL);
    let variables = [
        variable("number", "string", "sales", "number"),
        variable("total", "number", "sales", "total"),
        variable("rate", "string", "sales", "rate"),
    ];
    let mapping = json!([maps("name", "number"), maps("total", "total"), maps("rate", "rate")]);
    let step = step("sales", "sales", None, json!([matches("name", "number")]), mapping);
    configure(&desk.client, &desk.token, &variables, &[step]);
    journey::activate(&desk.client, &desk.token);
    desk
}

fn archive(north: &[u8]) -> Vec<u8> {
    zip_of(&[("North orders.csv", north), ("south.csv", SOUTH.as_bytes()), ("rates.csv", RATES.as_bytes())])
}

/// The same as sheets, in another order.
fn workbook(north: &str) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (title, text) in [("South", SOUTH), ("Rates", RATES), ("North orders", north)] {
        let sheet = book.add_worksheet().set_name(title).unwrap();
        for (row, line) in (0..).zip(text.lines()) {
            for (column, cell) in (0..).zip(line.split([',', ';'])) {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

fn rejected(desk: &Desk, run: &Json) -> Answer {
    desk.client
        .download(&format!("{}/executions/{}/rejected.csv", path(&desk.token), text(&run["id"])))
        .expect(200)
}

fn members(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut member = zip.by_index(at).unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut member, &mut bytes).unwrap();
            (member.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

fn send(desk: &Desk, name: &str, bytes: &[u8]) -> Json {
    let sent = upload(&desk.client, &desk.token, name, bytes, &[]).created();
    run_ended(&desk.client, &desk.token, text(&sent["execution_id"]))
}

#[test]
fn the_rejected_rows_of_several_tables_come_as_an_archive_and_load_when_corrected() {
    // The one in its own encoding and dialect; a workbook has neither.
    let north = b"number;total;code\nM\xfcller;zwei;a\n2;2;b\n6;6;a\n".as_slice();
    let as_text = "number;total;code\nMüller;zwei;a\n2;2;b\n6;6;a\n";
    let own = (b"number;total;code;_errors\r\nM\xfcller;zwei;a;".as_slice(), "archive");
    let plain = ("number,total,code,_errors\r\nMüller,zwei,a,".as_bytes(), "workbook");
    for ((expected, what), name, file) in
        [(own, "sales.zip", archive(north)), (plain, "sales.xlsx", workbook(as_text))]
    {
        let desk = sales();
        let run = send(&desk, name, &file);
        assert_eq!(
            (&run["totals"]["created"], &run["totals"]["errors"]),
            (&json!(4), &json!(2)),
            "{what}: {run}"
        );
        let answer = rejected(&desk, &run);
        assert_eq!(answer.headers["content-type"], "application/zip");
        assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"rejected.zip\"");
        let found = members(&answer.bytes);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["north_orders.csv", "rates.csv", "south.csv"], "{what}");
        assert!(found[0].1.starts_with(expected), "{what}: {:?}", String::from_utf8_lossy(&found[0].1));
        assert_eq!(found[0].1.split(|byte| *byte == b'\n').count(), 3, "{what}: the header, a row, the end");
        // Nothing of it was rejected, and the corrected rows need it.
        assert_eq!(found[1].1, b"code,rate,_errors\r\na,1.5,\r\nb,2,\r\n", "{what}");
        assert!(found[2].1.starts_with(b"number,total,code,_errors\r\n4,drei,a,"), "{what}");

        let north = replaced(&found[0].1, "zwei", "2");
        let south = replaced(&found[2].1, "drei", "3");
        let corrected = zip_of(&[
            (names[0], north.as_slice()),
            (names[1], found[1].1.as_slice()),
            (names[2], south.as_slice()),
        ]);
        let again = send(&desk, "rejected.zip", &corrected);
        assert_eq!(
            (&again["status"], &again["totals"]["created"]),
            (&json!("success"), &json!(2)),
            "{what}: {again}"
        );
        let all = records(&desk.client, "sales", &["name", "rate"]);
        let rates = [("2", "2"), ("3", "1.5"), ("4", "1.5"), ("5", ""), ("6", "1.5"), ("Müller", "1.5")];
        let rates =
            rates.map(|(name, rate)| [json!(name), if rate.is_empty() { Json::Null } else { json!(rate) }]);
        assert_eq!(all, rates, "{what}");
    }
}

#[test]
fn what_is_odd_about_a_line_is_told_by_the_row_of_its_table_alone() {
    let desk = sales();
    let run = send(&desk, "sales.zip", &archive(b"number;total;code\n1;1;a\n2;2;b\n6;6;a\n"));
    let rows = |status: &str| {
        let url = format!("{}/executions/{}/rows?status={status}", path(&desk.token), text(&run["id"]));
        desk.client.get(&url).ok()["results"].as_array().unwrap().clone()
    };
    let warned = rows("warning");
    let origins: Vec<_> = warned.iter().map(|row| (&row["table"], &row["line"])).collect();
    assert_eq!(origins, [(&json!("South"), &json!(4))], "{warned:?}");
    assert!(warned[0]["messages"][0]["message"].to_string().contains("1 cell"), "{warned:?}");
}

#[test]
fn rows_that_know_no_table_of_several_come_as_rows_of_their_scope() {
    let desk = sales();
    let without = SQL.replace("'north_orders' AS _table, ", "").replace("'South', ", "");
    journey::publish(&desk.client, &desk.token, &without);
    let run = send(&desk, "sales.zip", &archive(b"number;total;code\n1;1;a\n"));
    let answer = rejected(&desk, &run);
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"rejected.csv\"");
    assert!(answer.text().starts_with("number,total,rate,_errors\r\n4,drei,1.5,"), "{}", answer.text());
}
