//! Files and the tables that scripts expect.

use super::*;
use crate::script::{ColumnMapping, ColumnType, InputTable};

fn expected(table: &str, columns: &[(&str, ColumnType)]) -> Vec<InputTable> {
    let header = open(b"x").unwrap().header;
    let reference = file("reference.csv", b"x").unwrap().tables()[0].clone();
    let columns_mapping = columns.iter().map(|(col, kind)| ColumnMapping {
        col: (*col).to_owned(),
        kind: *kind,
        original: None,
    });
    vec![InputTable {
        table_name: table.to_owned(),
        columns_mapping: columns_mapping.collect(),
        ..describe(&reference, 0, None, &header)
    }]
}

/// A file of one table with what a script expects.
fn pair_one(
    entries: &[InputTable],
    name: &str,
    header: &Header,
    warnings: &mut Warnings,
) -> Result<Plan, InputError> {
    let name = entries.first().map_or_else(|| table_name(name), |entry| entry.table_name.clone());
    pair(entries.first(), &name, header, warnings)
}

fn columns(plan: &Plan) -> Vec<(&str, ColumnType, usize)> {
    plan.columns.iter().map(|c| (c.name.as_str(), c.kind, c.source)).collect()
}

#[test]
fn columns_are_paired_by_name_in_any_order_whatever_the_file_is_called() {
    let mut reader = open(b"Qty,Order Number,\"E-Mail\"\n").unwrap();
    let tables = expected(
        "orders_csv",
        &[("order_number", ColumnType::Str), ("e_mail", ColumnType::Str), ("qty", ColumnType::Int)],
    );
    let plan = pair_one(&tables, "export (3).csv", &reader.header, &mut reader.warnings).unwrap();
    assert_eq!(plan.table, "orders_csv");
    assert_eq!(
        columns(&plan),
        [("order_number", ColumnType::Str, 1), ("e_mail", ColumnType::Str, 2), ("qty", ColumnType::Int, 0)]
    );
    assert_eq!(reader.warnings.total(), 0);
}

#[test]
fn a_missing_column_fails_with_what_is_missing_and_what_is_there() {
    let mut reader = open(b"order number,colour,size\n").unwrap();
    let tables = expected(
        "orders_csv",
        &[("order_number", ColumnType::Str), ("qty", ColumnType::Int), ("price", ColumnType::Str)],
    );
    let error = pair_one(&tables, "o.csv", &reader.header, &mut reader.warnings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The file lacks columns of the input table orders_csv: qty, price. Found: order_number, colour, size."
    );

    let mut reader =
        open((1..=60).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",").as_bytes()).unwrap();
    let error =
        pair_one(&expected("t", &[("qty", ColumnType::Int)]), "o.csv", &reader.header, &mut reader.warnings);
    let sentence = error.unwrap_err().to_string();
    assert!(
        sentence.starts_with("The file lacks a column of the input table t: qty. Found: c1, c2,"),
        "{sentence}"
    );
    assert!(sentence.ends_with("c49, c50 and 10 more."), "{sentence}");
}

#[test]
fn an_extra_column_is_added_as_text_with_a_warning() {
    let mut reader = open(b"New one,a,_errors\n").unwrap();
    let plan =
        pair_one(&expected("t", &[("a", ColumnType::Float)]), "o.csv", &reader.header, &mut reader.warnings)
            .unwrap();
    assert_eq!(columns(&plan), [("a", ColumnType::Float, 1), ("new_one", ColumnType::Str, 0)]);
    assert_eq!(
        sentences(&reader.warnings),
        ["The column new_one is not in the script's mapping; it was added as str."]
    );
}

#[test]
fn a_mapping_that_names_a_column_twice_is_refused() {
    let mut reader = open(b"qty,b\n").unwrap();
    let tables = expected("t", &[("qty", ColumnType::Int), ("Qty", ColumnType::Str)]);
    let error = pair_one(&tables, "o.csv", &reader.header, &mut reader.warnings).unwrap_err();
    assert_eq!(error.to_string(), "The columns_mapping of the input table t names the column Qty twice.");
}

#[test]
fn without_entries_the_file_names_everything() {
    let mut reader = open(b"A,B b\n").unwrap();
    let plan = pair_one(&[], "Orders 2026.csv", &reader.header, &mut reader.warnings).unwrap();
    assert_eq!(plan.table, "orders_2026_csv");
    assert_eq!(columns(&plan), [("a", ColumnType::Str, 0), ("b_b", ColumnType::Str, 1)]);
    let plan =
        pair_one(&expected("t", &[]), "Orders 2026.csv", &reader.header, &mut reader.warnings).unwrap();
    assert_eq!((plan.table.as_str(), plan.columns.len()), ("t", 2));
    assert_eq!(reader.warnings.total(), 0);
}

#[test]
fn a_file_describes_itself_for_a_template() {
    let mut input = file("Orders 2026.csv", b"Order Number,qty\n").unwrap();
    let described = input.tables()[0].clone();
    let entry = describe(&described, 0, None, input.read(0).unwrap().header());
    assert_eq!((entry.table_name.as_str(), entry.name.as_str()), ("orders_2026_csv", "Orders 2026.csv"));
    let mapping: Vec<_> =
        entry.columns_mapping.iter().map(|m| (m.col.as_str(), m.original.as_deref())).collect();
    assert_eq!(mapping, [("order_number", Some("Order Number")), ("qty", None)]);
}

#[test]
fn cells_convert_or_are_null_with_a_warning() {
    let mut reader = open(b"qty,name,on\n12, x ,yes\nlots,,maybe\n , ,\n").unwrap();
    let tables =
        expected("t", &[("name", ColumnType::Str), ("qty", ColumnType::Int), ("on", ColumnType::Bool)]);
    let plan = pair_one(&tables, "o.csv", &reader.header, &mut reader.warnings).unwrap();
    let mut buffer = RowBuf::new();
    let mut next = || {
        assert!(reader.read(&mut buffer).unwrap());
        let cells: Vec<String> =
            (0..3).map(|n| format!("{:?}", plan.cell(n, &buffer, &mut reader.warnings))).collect();
        cells
    };
    assert_eq!(next(), ["Text(\" x \")", "Integer(12)", "Integer(1)"]);
    assert_eq!(next(), ["Null", "Null", "Null"]);
    assert_eq!(next(), ["Text(\" \")", "Null", "Null"]);
    assert_eq!(
        sentences(&reader.warnings),
        [
            "Line 3: column qty: \"lots\" is not a 64 bit integer (int); NULL was used.",
            "Line 3: column on: \"maybe\" is not a boolean (bool); NULL was used."
        ]
    );
}

/// A ZIP archive of these one-column files, as its tables.
fn several(names: &[&str]) -> InputFile {
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, b"a\n1\n".as_slice())).collect();
    file("several.zip", &super::archives::zip_of(&members)).unwrap()
}

fn entry(name: &str, page_idx: u32) -> InputTable {
    InputTable { page_idx, ..expected(name, &[]).remove(0) }
}

/// What each table becomes: its title, its name, its page, and whether the script expects it.
fn becomes(input: &InputFile, entries: &[InputTable]) -> Result<Vec<(String, String, u32, bool)>, String> {
    let paired = pair_tables(entries, input.tables()).map_err(|error| error.to_string())?;
    Ok(paired
        .into_iter()
        .map(|one| (input.tables()[one.table].title.clone(), one.name, one.page, one.entry.is_some()))
        .collect())
}

fn one(title: &str, name: &str, page: u32, is_expected: bool) -> (String, String, u32, bool) {
    (title.to_owned(), name.to_owned(), page, is_expected)
}

#[test]
fn several_tables_are_paired_by_name_when_all_names_are_found() {
    let input = several(&["customers.csv", "items.csv", "orders.csv"]);
    assert_eq!(
        becomes(&input, &[entry("orders", 0), entry("customers", 1)]).unwrap(),
        [
            one("orders", "orders", 0, true),
            one("customers", "customers", 1, true),
            one("items", "items", 2, false)
        ]
    );
}

#[test]
fn else_by_page() {
    let input = several(&["a.csv", "b.csv", "c.csv"]);
    assert_eq!(
        becomes(&input, &[entry("orders", 2), entry("b", 0)]).unwrap(),
        [one("c", "orders", 2, true), one("a", "b", 0, true), one("b", "b__duplicate_1__", 1, false)]
    );
    // Pages that nobody set are the order.
    assert_eq!(
        becomes(&input, &[entry("x", 0), entry("y", 0)]).unwrap(),
        [one("a", "x", 0, true), one("b", "y", 1, true), one("c", "c", 2, false)]
    );
    assert_eq!(
        becomes(&input, &[entry("x", 0), entry("y", 7)]).unwrap_err(),
        "The file lacks a table that the script expects: y. Found: a, b, c."
    );
}

#[test]
fn one_table_takes_the_first_entry_whatever_it_is_called() {
    let input = file("export.csv", b"a\n1\n").unwrap();
    assert_eq!(becomes(&input, &[entry("orders", 3)]).unwrap(), [one("export.csv", "orders", 3, true)]);
    assert_eq!(becomes(&input, &[]).unwrap(), [one("export.csv", "export_csv", 0, false)]);
    assert_eq!(
        becomes(&input, &[entry("orders", 0), entry("items", 1)]).unwrap_err(),
        "The file lacks a table that the script expects: items. Found: export.csv."
    );
}
