//! Files of several tables: templates, pairing, provenance.

use serde_json::{Value as Json, json};

use super::{Desk, fixture, zip_of};
use crate::support::journey::{self, draft_path, path, row, sample, set_input, text, unzip};

/// The files of a sample, by name.
fn outputs(desk: &Desk) -> Vec<(String, String)> {
    let sampled = sample(&desk.client, &desk.token);
    unzip(&desk.client, &sampled["last_draft_script"]["output_csv_file"])
}

fn of<'a>(outputs: &'a [(String, String)], name: &str) -> &'a str {
    &outputs.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no {name}: {outputs:?}")).1
}

#[test]
fn a_template_has_a_statement_for_each_sheet_and_works() {
    for name in ["stock.xlsx", "stock.xls", "stock.ods"] {
        let desk = Desk::new();
        let draft = set_input(&desk.client, &desk.token, name, &fixture(name));
        assert_eq!(
            draft["user_script"],
            "CREATE TABLE output.things AS\nSELECT\n    rowid AS _line,\n    'stock' AS _table,\n    item, -- Item\n    \
             qty, -- Qty\n    price, -- Price\n    sold_on, -- Sold on\n    sold_at, -- Sold at\n    in_stock -- In stock\n\
             FROM input.stock;\n\nCREATE TABLE output.notes AS\nSELECT\n    rowid AS _line,\n    'notes' AS _table,\n    \
             _1,\n    note -- Note\nFROM input.notes;\n"
        );
        let tables: Vec<(&str, &Json)> = draft["config_metadata"]["input_tables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|table| (text(&table["table_name"]), &table["page_idx"]))
            .collect();
        assert_eq!(tables, [("stock", &json!(0)), ("notes", &json!(1))]);
        let outputs = outputs(&desk);
        assert_eq!(
            of(&outputs, "things.csv"),
            "item,qty,price,sold_on,sold_at,in_stock\r\n\
             \"bolt, \"\"M8\"\"\",12,0.1,2026-01-31,2026-01-31T13:30:00,TRUE\r\n\
             Mutter größer,,1299.95,1999-12-31,2000-02-29T00:00:00,FALSE\r\n",
            "{name}"
        );
        assert_eq!(of(&outputs, "notes.csv"), "_1,note\r\n,\"two\nlines\"\r\n", "{name}");
    }
}

#[test]
fn sheets_and_files_go_by_name_whatever_they_come_in() {
    let desk = Desk::new();
    set_input(&desk.client, &desk.token, "two_files.zip", &fixture("two_files.zip"));
    let sql = "CREATE TABLE output.joined AS
        SELECT o.rowid AS _line, 'orders' AS _table, o.number, c.name
        FROM input.orders AS o CROSS JOIN page_idx_0 AS c;
        CREATE TABLE output.origins AS SELECT \"table\" AS name, file FROM meta.inputs ORDER BY 1;";
    journey::publish(&desk.client, &desk.token, sql);
    // The same tables as sheets, in another order, and one more.
    let mut book = rust_xlsxwriter::Workbook::new();
    for (title, cells) in [
        ("Orders", [["number", "total"], ["7", "1"]]),
        ("More", [["x", "y"], ["1", "2"]]),
        ("Customers", [["city", "name"], ["Bonn", "Ada"]]),
    ] {
        let sheet = book.add_worksheet().set_name(title).unwrap();
        for (n, cells) in (0..).zip(cells) {
            sheet.write_string(n, 0, cells[0]).unwrap().write_string(n, 1, cells[1]).unwrap();
        }
    }
    let row = desk.dry_run("book.xlsx", &book.save_to_buffer().unwrap());
    assert_eq!((&row["status"], &row["warning"]), (&json!("success"), &Json::Null), "{row}");
    let said = desk.said(&row);
    assert!(
        said.contains(&"Read 1 rows of More of book.xlsx into input.more (a sheet).".to_owned()),
        "{said:?}"
    );
    let outputs = unzip(&desk.client, &row["sql_output_zip"]);
    assert_eq!(of(&outputs, "joined.csv"), "number,name\r\n7,Ada\r\n");
    assert_eq!(
        of(&outputs, "origins.csv"),
        "name,file\r\ncustomers,Customers\r\nmore,More\r\norders,Orders\r\n"
    );
}

#[test]
fn a_file_that_lacks_a_table_or_a_column_of_one_fails_naming_it() {
    let desk = Desk::new();
    set_input(&desk.client, &desk.token, "two_files.zip", &fixture("two_files.zip"));
    journey::publish(&desk.client, &desk.token, "CREATE TABLE output.x AS SELECT * FROM input.orders");
    let one = desk.dry_run("orders.csv", b"number,total\n1,2\n");
    assert_eq!(
        one["error_details"],
        "The file lacks a table that the script expects: orders. Found: orders.csv."
    );
    let other = zip_of(&[("orders.csv", b"number\n1\n"), ("customers.csv", b"name,city\nx,y\n")]);
    let other = desk.dry_run("two.zip", &other);
    assert_eq!(
        other["error_details"],
        "orders: The file lacks a column of the input table orders: total. Found: number."
    );
}

#[test]
fn an_empty_script_passes_only_one_table_through() {
    let desk = Desk::new();
    let row = desk.dry_run("two_files.zip", &fixture("two_files.zip"));
    assert_eq!(row["status"], "failed", "{row}");
    let sentence = text(&row["error_details"]);
    assert!(sentence.contains("customers") && sentence.contains("orders"), "{sentence}");
}

#[test]
fn an_empty_script_over_several_tables_is_not_published() {
    let desk = Desk::new();
    set_input(&desk.client, &desk.token, "two_files.zip", &fixture("two_files.zip"));
    let script = draft_path(&journey::detail(&desk.client, &desk.token));
    desk.client.patch(&script, &json!({"user_script": "-- nothing yet\n"})).ok();
    let sentence = desk.client.post_empty(&format!("{script}/publish")).refused(400, "invalid");
    assert!(sentence.starts_with("The script is empty, which passes one input table through;"), "{sentence}");
    assert!(
        sentence.contains("has 2: ") && sentence.contains("customers") && sentence.contains("orders"),
        "{sentence}"
    );
    // Of one table it is published.
    set_input(&desk.client, &desk.token, "orders.csv", b"number,total\n1,2\n");
    let detail = journey::publish(&desk.client, &desk.token, "");
    assert_eq!(detail["live_script"]["user_script"], "");
}

#[test]
fn a_detail_keeps_its_headers_for_every_scope() {
    let desk = Desk::new();
    set_input(&desk.client, &desk.token, "stock.xlsx", &fixture("stock.xlsx"));
    let detail = journey::detail(&desk.client, &desk.token);
    let headers = detail["headers"].clone();
    assert!(headers.to_string().contains("\"notes\""), "{headers}");
    assert!(draft_path(&detail).starts_with(&path(text(&detail["id"]))));
    let tables = detail["last_draft_script"]["config_metadata"]["input_tables"].clone();
    assert_eq!(row(&tables, "table_name", "notes")["columns_mapping"][1]["original"], "Note");
}

/// What a Mac puts beside the files of an archive is none of them.
#[test]
fn an_archive_with_folders_and_hidden_files_and_a_gzip_are_what_is_in_them() {
    let desk = Desk::new();
    let csv = b"name,city\nAda,London\n";
    let zip = zip_of(&[
        (".DS_Store", b"\0\0\0\x01Bud1"),
        ("export/people.csv", csv),
        ("export/.hidden.csv", b"a\n1\n"),
        ("__MACOSX/export/._people.csv", b"\0\x05\x16\x07"),
    ]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, csv).unwrap();
    for (name, bytes) in [("people.zip", zip), ("people.csv.gz", gzip.finish().unwrap())] {
        let row = desk.dry_run(name, &bytes);
        assert_eq!(row["status"], "success", "{name}: {row}");
        let outputs = unzip(&desk.client, &row["sql_output_zip"]);
        assert_eq!(outputs.len(), 1, "{name}: {outputs:?}");
        assert_eq!(outputs[0].1, "name,city\r\nAda,London\r\n", "{name}");
    }
}
