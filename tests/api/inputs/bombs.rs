//! Files that are small and would become large, and files of each name that is read.

use super::{Desk, zip_of};
use crate::support::{
    Answer,
    journey::{path, text, unzip},
};

/// An `.ods` whose one sheet has a header and these rows.
fn ods(columns: u32, rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name='S'>\
         <table:table-row><table:table-cell table:number-columns-repeated='{columns}' office:value-type='string'>\
         <text:p>h</text:p></table:table-cell></table:table-row>{rows}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    zip_of(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
        ("content.xml", content.as_bytes()),
    ])
}

const EIGHT_MILLION_ROWS: &str = "<table:table-row table:number-rows-repeated='8000000'><table:table-cell \
    office:value-type='float' office:value='1'/></table:table-row>";

#[test]
fn a_workbook_of_few_bytes_that_gives_many_rows_is_refused() {
    let desk = Desk::with(|config| config.files.max_unpacked_mb = 2);
    let row = desk.dry_run("rows.ods", &ods(1_000, EIGHT_MILLION_ROWS));
    assert_eq!(row["status"], "failed", "{row}");
    assert_eq!(row["error_details"], "The file unpacks to more than 2 MB (files.max_unpacked_mb).");
}

#[test]
fn reading_a_file_has_the_time_that_a_script_has() {
    let desk = Desk::with(|config| config.engine.timeout_s = 1);
    let row = desk.dry_run("rows.ods", &ods(1, EIGHT_MILLION_ROWS));
    assert_eq!(row["status"], "failed", "{row}");
    assert_eq!(
        row["error_details"],
        "Reading the input file took longer than 1 s (engine.timeout_s). Send it as CSV, or in parts."
    );
}

#[test]
fn nothing_is_unpacked_when_the_disk_is_nearly_full() {
    let desk = Desk::with(|config| config.engine.min_free_mb = 1 << 40);
    let row = desk.dry_run("a.zip", &zip_of(&[("a.csv", b"a\n1\n")]));
    assert_eq!(row["status"], "failed", "{row}");
    assert_eq!(
        row["error_details"],
        "disk full: The file was not unpacked: less than 1099511627776 MB are free on the disk (engine.min_free_mb)."
    );
}

#[test]
fn each_name_of_a_text_and_a_workbook_is_read() {
    let desk = Desk::new();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (n, cells) in (0..).zip([["a", "b"], ["1", "x y"]]) {
        sheet.write_string(n, 0, cells[0]).unwrap().write_string(n, 1, cells[1]).unwrap();
    }
    let book = book.save_to_buffer().unwrap();
    for (name, bytes) in [
        ("a.csv", b"a,b\n1,x y\n".as_slice()),
        ("a.tsv", b"a\tb\n1\tx y\n"),
        ("a.dat", b"a|b\n1|x y\n"),
        ("a.txt", b"a;b\n1;x y\n"),
        ("A.TXT", b"a\tb\n1\tx y\n"),
        ("a.xlsx", &book),
        ("a.xlsm", &book),
    ] {
        let row = desk.dry_run(name, bytes);
        assert_eq!(row["status"], "success", "{name}: {row}");
        let outputs = unzip(&desk.client, &row["sql_output_zip"]);
        assert_eq!(outputs, [("things.csv".to_owned(), "a,b\r\n1,x y\r\n".to_owned())], "{name}");
    }
}

#[test]
fn rejected_rows_are_read_for_one_request_at_a_time_and_for_some_in_all() {
    let desk = Desk::with(|config| config.files.max_unpackings = 1);
    let row = desk.dry_run("a.csv", b"a\n1\n");
    let url = format!("{}/executions/{}/rejected.csv", path(&desk.token), text(&row["id"]));
    let busy = |answer: Answer| {
        assert_eq!(answer.headers["retry-after"], "2");
        answer.refused(503, "busy")
    };
    desk.client.get(&url).expect(200);
    let under_way = &desk.server.app.unpacking;
    under_way.lock().insert(text(&row["id"]).parse().unwrap());
    assert_eq!(
        busy(desk.client.get(&url)),
        "The rejected rows of this execution are being read for another request. Ask again in a moment."
    );
    under_way.lock().clear();
    under_way.lock().insert(smartconnector::id::ExecutionId::new());
    assert_eq!(
        busy(desk.client.get(&url)),
        "1 files are being unpacked for requests already (files.max_unpackings). Ask again in a moment."
    );
    under_way.lock().clear();
    desk.client.get(&url).expect(200);
    assert!(under_way.lock().is_empty());
}
