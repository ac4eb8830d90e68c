//! The files that a run leaves.

use calamine::{Data, Reader as _, Xlsx};
use serde_json::json;

use super::{Shop, totals};
use crate::support::{
    configure::{configure, maps, matches, step, variable},
    journey::{self, text, unzip},
};

#[test]
fn the_report_has_its_sheets() {
    let shop = Shop::new();
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n=2,,2\n3,,x\n");
    assert_eq!(totals(&run), [2, 0, 0, 0, 1]);
    assert_eq!(run["final_report"]["name"], "Shop Orders_output_1.xlsx");
    let bytes = shop.client.download(text(&run["final_report"]["url"])).expect(200).bytes;
    let mut book = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    // Cut to what a sheet's name may have.
    assert_eq!(
        book.sheet_names(),
        [
            "Summary Stats",
            "SQL Output (orders)",
            "Extracted Variables (orders)",
            "The orders Upload (orders)"
        ]
    );
    let cells = |book: &mut Xlsx<_>, sheet: &str| -> Vec<Vec<String>> {
        let range = book.worksheet_range(sheet).unwrap();
        range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
    };
    let upload = cells(&mut book, "The orders Upload (orders)");
    let head = &upload[0];
    assert_eq!(head[head.len() - 3..], ["Errors", "Warnings", "Status"]);
    // The rejected row first.
    assert!(
        upload[1].iter().any(|cell| cell == "x") || upload[1].iter().any(|cell| cell.contains('x')),
        "{upload:?}"
    );
    assert!(!upload[1][head.len() - 3].is_empty() && upload[2][head.len() - 3].is_empty(), "{upload:?}");
    assert_eq!(upload.len(), 4);
    // A cell that looks like a formula is text.
    assert!(upload.iter().flatten().any(|cell| cell == "=2"), "{upload:?}");
    assert!(book.worksheet_formula("The orders Upload (orders)").unwrap().is_empty());
    assert!(cells(&mut book, "SQL Output (orders)").iter().flatten().any(|cell| cell == "=2"));
    let summary = cells(&mut book, "Summary Stats");
    assert!(summary.iter().flatten().any(|cell| cell.contains("Shop Orders")), "{summary:?}");
}

#[test]
fn the_names_of_sheets_are_cut_and_told_apart() {
    let shop = Shop::in_setup(|_| {}, super::SQL);
    journey::object(&shop.client, "orders_of_the_shop_in_the_north", &[]);
    let variables =
        [variable("Number", "string", "orders", "number"), variable("Total", "string", "orders", "total")];
    let steps = ["Number", "Total"].map(|name| {
        let mapping = json!([maps("name", name)]);
        step("orders_of_the_shop_in_the_north", "orders", None, json!([matches("name", name)]), mapping)
    });
    configure(&shop.client, super::TOKEN, &variables, &steps);
    journey::activate(&shop.client, super::TOKEN);
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,2\n");
    assert_eq!(totals(&run), [2, 0, 0, 0, 0]);
    let bytes = shop.client.download(text(&run["final_report"]["url"])).expect(200).bytes;
    let mut book = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    assert_eq!(
        book.sheet_names(),
        [
            "Summary Stats",
            "SQL Output (orders)",
            "Extracted Variables (orders)",
            "The orders_of_the_shop_in_the_n",
            "The orders_of_the_shop_in_the~2"
        ]
    );
    // Each has its own step's rows.
    for (sheet, value) in [("The orders_of_the_shop_in_the_n", "1"), ("The orders_of_the_shop_in_the~2", "2")]
    {
        let range = book.worksheet_range(sheet).unwrap();
        let row: Vec<String> = range.rows().nth(1).unwrap().iter().map(Data::to_string).collect();
        assert!(row.iter().any(|cell| cell == value), "{sheet}: {row:?}");
    }
}

#[test]
fn the_output_of_the_sql_is_a_zip_of_its_scopes() {
    let sql = "CREATE TABLE output.orders AS SELECT rowid AS _line, number, e_mail AS mail, total FROM input.orders_csv;
        CREATE TABLE output.\"order\" AS SELECT 'a,b' AS x, 'say \"hi\"' AS y, NULL AS z, 0.1 AS r, x'41' AS b;
        CREATE TABLE output._hidden AS SELECT 1 AS one;";
    let shop = Shop::with(|_| {}, sql);
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,=cmd,1.50\n2,\"two\r\nlines\",\n");
    assert_eq!(run["sql_output_zip"]["name"], "Live_shop_orders_sample_output_1.zip");
    assert_eq!(run["sql_output_zip"]["content_type"], "application/zip");
    let mut members = unzip(&shop.client, &run["sql_output_zip"]);
    members.sort();
    assert_eq!(
        members,
        [
            ("order.csv".to_owned(), "x,y,z,r,b\r\n\"a,b\",\"say \"\"hi\"\"\",,0.1,A\r\n".to_owned()),
            (
                "orders.csv".to_owned(),
                "number,mail,total\r\n1,=cmd,1.50\r\n2,\"two\r\nlines\",\r\n".to_owned()
            ),
        ]
    );
    let dry = shop.run_with("a.csv", "Number,E-Mail,Total\n1,,1\n", &[("is_dry_run", "true")]);
    assert_eq!(dry["final_report"]["name"], "Shop Orders_dry_run_output_2.xlsx");
}

#[test]
fn a_sheet_that_is_cut_says_so_and_keeps_the_rejected_rows() {
    let shop = Shop::with(|config| config.report.max_rows = 10, super::SQL);
    let mut csv = "Number,E-Mail,Total\n".to_owned();
    for at in 0..30 {
        let total = if at >= 25 { "x" } else { "1" };
        csv.push_str(&[at.to_string().as_str(), "", total].join(","));
        csv.push('\n');
    }
    let run = shop.run("a.csv", &csv);
    let bytes = shop.client.download(text(&run["final_report"]["url"])).expect(200).bytes;
    let mut book = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("The orders Upload (orders)").unwrap();
    let first: String = range.rows().next().unwrap().iter().map(Data::to_string).collect();
    assert!(first.contains("20"), "{first}");
    let rejected = range
        .rows()
        .filter(|row| row.iter().any(|cell| cell.to_string().contains("is not a number")))
        .count();
    assert_eq!((rejected, json!(run["totals"]["errors"])), (5, json!(5)));
}
