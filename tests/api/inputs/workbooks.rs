//! Workbooks from upload to records and back as rejected rows.

use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value as Json, json};

use super::{Desk, fixture, zip_of};
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
    let row = desk.run("mac.xlsx", &book_of_1904(&[("mac", 44_591.0)]), &[]);
    assert_eq!(row["status"], "success", "{row}");
    let said = desk.said(&row);
    assert_eq!(said[0], "mac.xlsx counts days from 1904-01-01; excel_epoch does so too.");
    assert_eq!(days(&desk), [["mac", "2026-01-31"]]);
    assert_eq!(execution(&desk.client, &desk.token, text(&row["id"]))["warning"], Json::Null);
    // What stands in the connector means the same whatever the file is.
    change_day(&desk, &json!({"data_source": null, "value": "46054"}));
    desk.run("mac.xlsx", &book_of_1904(&[("mac", 44_591.0)]), &[]);
    assert_eq!(days(&desk), [["mac", "2026-02-01"]]);
}

/// Changes the variable of the day.
fn change_day(desk: &Desk, settings: &Json) {
    let mut variables = desk.client.get(&path(&desk.token)).ok()["execution_variables"].clone();
    assert_eq!(variables[1]["name"], "day");
    variables[1].as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    desk.client.patch(&path(&desk.token), &json!({ "execution_variables": variables })).ok();
}

/// The library writes no such workbook: its property is set by hand.
fn book_of_1904(days: &[(&str, f64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut from = zip::ZipArchive::new(std::io::Cursor::new(book(days, false))).unwrap();
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
    bytes
}

/// Name and day of every record.
fn days(desk: &Desk) -> Vec<Vec<Json>> {
    records(&desk.client, "days", &["name", "day"])
}

fn rejected_of(desk: &Desk, run: &Json) -> String {
    let url = format!("{}/executions/{}/rejected.csv", path(&desk.token), text(&run["id"]));
    desk.client.get(&url).expect(200).text()
}

#[test]
fn rejected_rows_of_a_workbook_that_counts_from_1904_still_do_when_they_come_back() {
    let by_script = "rowid AS _line, name, coalesce(parse_date(day, 'excel_epoch'), day) AS day";
    for (columns, format, head) in [
        ("rowid AS _line, name, day", "excel_epoch", "Name,Day"),
        // Without lines these are the rows of the scope.
        ("name, day", "excel_epoch", "name,day"),
        (by_script, "%Y-%m-%d", "Name,Day"),
    ] {
        let desk = loading(&book(&[("first", 46_053.0)], false));
        let sql = format!("CREATE TABLE output.days AS SELECT {columns} FROM input.days_xlsx");
        journey::publish(&desk.client, &desk.token, &sql);
        change_day(&desk, &json!({ "input_format": format }));
        let run = desk.run("mac.xlsx", &book_of_1904(&[("mac", 44_591.0), ("bad", -5.0)]), &[]);
        assert_eq!(run["status"], "partial_success", "{run}");
        let mut rejected = rejected_of(&desk, &run);
        let start = format!("{head},_days_from_1904,_errors\r\nbad,-5,,");
        assert!(rejected.starts_with(&start), "{rejected}");
        // Still wrong, it is rejected as it came.
        for (cell, status) in [("-6", "partial_success"), ("44592", "success")] {
            let again = rejected.replacen("bad,-5", &format!("bad,{cell}"), 1);
            let run = desk.run("rejected.csv", again.as_bytes(), &[]);
            assert_eq!(run["status"], status, "{cell}: {run}");
            let said = desk.said(&run);
            assert!(
                said.contains(
                    &"rejected.csv counts days from 1904-01-01; excel_epoch does so too.".to_owned()
                ),
                "{said:?}"
            );
            if status == "partial_success" {
                let start = format!("{head},_days_from_1904,_errors\r\nbad,-6,,");
                assert!(rejected_of(&desk, &run).starts_with(&start), "{}", rejected_of(&desk, &run));
                rejected = rejected_of(&desk, &run).replacen("bad,-6", "bad,-5", 1);
            }
        }
        assert_eq!(days(&desk), [["bad", "2026-02-01"], ["mac", "2026-01-31"]]);
    }
}

#[test]
fn files_of_an_archive_that_count_days_differently_are_refused_where_it_matters() {
    let desk = loading(&book(&[("first", 46_053.0)], false));
    let (new, old) = (book(&[("new", 46_053.0)], false), book_of_1904(&[("old", 44_591.0)]));
    for (other, name) in [(new.as_slice(), "more.xlsx"), (b"rate\n1\n".as_slice(), "more.csv")] {
        let run = desk.run("days.zip", &zip_of(&[("days.xlsx", &old), (name, other)]), &[]);
        assert_eq!(run["status"], "failed", "{run}");
        let details = text(&run["error_details"]);
        let sentence = "days.zip: days counts days from 1904-01-01 and more from 1899-12-30, and the variable \
            day (excel_epoch) can't tell which a number is from.";
        assert!(details.starts_with(sentence), "{details}");
    }
    assert_eq!(days(&desk), Vec::<Vec<Json>>::new());
    // Those that agree are read as they count.
    let run = desk.run("days.zip", &zip_of(&[("days.xlsx", &old), ("more.xlsx", &old)]), &[]);
    assert_eq!(run["status"], "success", "{run}");
    let run = desk.run("days.zip", &zip_of(&[("days.xlsx", &new), ("more.xlsx", &new)]), &[]);
    assert_eq!(run["status"], "success", "{run}");
    assert_eq!(days(&desk), [["new", "2026-01-31"], ["old", "2026-01-31"]]);
    // No variable reads days by number: nothing is amiss.
    change_day(&desk, &json!({"input_format": "%Y-%m-%d"}));
    let dated = book(&[("dated", 46_054.0)], true);
    let run = desk.run("days.zip", &zip_of(&[("days.xlsx", &dated), ("more.xlsx", &old)]), &[]);
    assert_eq!(run["status"], "success", "{run}");
    assert_eq!(days(&desk)[0], ["dated", "2026-02-01"]);
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
