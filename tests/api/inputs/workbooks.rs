//! Workbooks from upload to records and back as rejected rows.

use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value as Json, json};

use super::{Desk, fixture};
use crate::support::{
    configure::{configure, maps, matches, step, variable},
    journey::{self, execution, path, records, run_ended, set_input, text, upload},
};

/// A desk whose connector loads the sheet `name, day` into an object.
fn loading(bytes: &[u8]) -> Desk {
    let desk = Desk::new();
    let field = json!({"name": "day", "field_type": "date"});
    journey::object(&desk.client, "days", &[field]);
    set_input(&desk.client, &desk.token, "days.xlsx", bytes);
    journey::publish(
        &desk.client,
        &desk.token,
        "CREATE TABLE output.days AS SELECT rowid AS _line, name, day FROM input.days_xlsx",
    );
    let mut day = variable("day", "date", "days", "day");
    day["input_format"] = json!("excel_epoch");
    let variables = [variable("name", "string", "days", "name"), day];
    let mapping = json!([maps("name", "name"), maps("day", "day")]);
    configure(
        &desk.client,
        &desk.token,
        &variables,
        &[step("days", "days", None, json!([matches("name", "name")]), mapping)],
    );
    journey::activate(&desk.client, &desk.token);
    desk
}

fn book(days: &[(&str, f64)], is_dated: bool) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let dated = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write_string(1, 0, "Name").unwrap().write_string(1, 1, "Day").unwrap();
    for (row, (name, day)) in (2..).zip(days) {
        sheet.write_string(row, 0, *name).unwrap();
        let format = if is_dated { dated.clone() } else { Format::new() };
        sheet.write_number_with_format(row, 1, *day, &format).unwrap();
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn numbers_of_days_become_dates_and_rejected_rows_come_back_as_csv() {
    let desk = loading(&book(&[("first", 46_053.0)], false));
    let row =
        desk.run("days.xlsx", &book(&[("good", 46_053.0), ("bad", -5.0), ("next", 46_054.0)], false), &[]);
    assert_eq!(row["status"], "partial_success", "{row}");
    assert_eq!(
        records(&desk.client, "days", &["name", "day"]),
        [["good", "2026-01-31"], ["next", "2026-02-01"]].map(|cells| cells.map(Json::from).to_vec())
    );
    let url = format!("{}/executions/{}/rejected.csv", path(&desk.token), text(&row["id"]));
    let rejected = desk.client.get(&url).expect(200).text();
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines.len(), 2, "{rejected}");
    assert_eq!(lines[0], "Name,Day,_errors");
    assert!(lines[1].starts_with("bad,-5,"), "{rejected}");
    let again = rejected.replace("-5", "46055");
    let sent = upload(&desk.client, &desk.token, "rejected.csv", again.as_bytes(), &[]).expect(201).json();
    let ended = run_ended(&desk.client, &desk.token, text(&sent["execution_id"]));
    assert_eq!(ended["status"], "success", "{ended}");
    assert_eq!(records(&desk.client, "days", &["name"]).len(), 3);
}

#[test]
fn a_workbook_that_counts_from_1904_says_so_and_is_read_so() {
    let desk = loading(&book(&[("first", 46_053.0)], false));
    let mut bytes = Vec::new();
    // The library writes no such workbook: its property is set by hand.
    let mut from = zip::ZipArchive::new(std::io::Cursor::new(book(&[("mac", 44_591.0)], false))).unwrap();
    let mut to = zip::ZipWriter::new(std::io::Cursor::new(&mut bytes));
    for n in 0..from.len() {
        let mut part = from.by_index(n).unwrap();
        let name = part.name().unwrap().into_owned();
        let text = std::io::read_to_string(&mut part).unwrap();
        to.start_file(&name, zip::write::SimpleFileOptions::default()).unwrap();
        let text = text.replace("<workbookPr ", "<workbookPr date1904=\"1\" ");
        std::io::Write::write_all(&mut to, text.as_bytes()).unwrap();
    }
    to.finish().unwrap();
    let row = desk.run("mac.xlsx", &bytes, &[]);
    assert_eq!(row["status"], "success", "{row}");
    let said = desk.said(&row);
    assert_eq!(said[0], "mac.xlsx counts days from 1904-01-01; excel_epoch does so too.");
    assert_eq!(
        records(&desk.client, "days", &["name", "day"]),
        [["mac", "2026-01-31"]].map(|cells| cells.map(Json::from).to_vec())
    );
    assert_eq!(execution(&desk.client, &desk.token, text(&row["id"]))["warning"], Json::Null);
}

#[test]
fn text_in_another_encoding_comes_back_rejected_so_that_it_can_be_sent_again() {
    let desk = loading(&book(&[("first", 46_053.0)], false));
    desk.client.patch(&path(&desk.token), &json!({"input_options": {"encoding": "shift_jis"}})).ok();
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode("Name,Day\nソース,46053\n表,soon\n");
    let row = desk.run("days.csv", &bytes, &[]);
    assert_eq!(row["status"], "partial_success", "{row}");
    let url = format!("{}/executions/{}/rejected.csv", path(&desk.token), text(&row["id"]));
    let rejected = desk.client.get(&url).expect(200).text();
    assert!(rejected.starts_with("\u{feff}Name,Day,_errors\r\n表,soon,"), "{rejected:?}");
    let again = rejected.replace("soon", "46054");
    let sent = upload(&desk.client, &desk.token, "again.csv", again.as_bytes(), &[]).expect(201).json();
    run_ended(&desk.client, &desk.token, text(&sent["execution_id"]));
    assert_eq!(
        records(&desk.client, "days", &["name", "day"]),
        [["ソース", "2026-01-31"], ["表", "2026-02-01"]].map(|cells| cells.map(Json::from).to_vec())
    );
}

#[test]
fn a_binary_workbook_is_read_as_any_other() {
    let desk = Desk::new();
    let row = desk.dry_run("stock.xlsb", &fixture("stock.xlsb"));
    assert_eq!(row["status"], "success", "{row}");
    let tables = journey::unzip(&desk.client, &row["sql_output_zip"]);
    assert_eq!(
        tables,
        [("things.csv".to_owned(), "item,count,checked\r\nGröße,1.5,2026-01-31\r\n".to_owned())]
    );
}
