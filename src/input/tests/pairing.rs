//! Files and the tables that scripts expect.

use super::*;
use crate::script::{ColumnMapping, ColumnType, InputTable};

fn expected(table: &str, columns: &[(&str, ColumnType)]) -> Vec<InputTable> {
    let header = open(b"x").unwrap().header;
    let columns_mapping = columns.iter().map(|(col, kind)| ColumnMapping {
        col: (*col).to_owned(),
        kind: *kind,
        original: None,
    });
    vec![InputTable {
        table_name: table.to_owned(),
        columns_mapping: columns_mapping.collect(),
        ..describe("reference.csv", None, &header)
    }]
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
    let plan = pair(&tables, "export (3).csv", &reader.header, &mut reader.warnings).unwrap();
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
    let error = pair(&tables, "o.csv", &reader.header, &mut reader.warnings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The file lacks columns of the input table orders_csv: qty, price. Found: order_number, colour, size."
    );

    let mut reader =
        open((1..=60).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",").as_bytes()).unwrap();
    let error =
        pair(&expected("t", &[("qty", ColumnType::Int)]), "o.csv", &reader.header, &mut reader.warnings);
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
        pair(&expected("t", &[("a", ColumnType::Float)]), "o.csv", &reader.header, &mut reader.warnings)
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
    let error = pair(&tables, "o.csv", &reader.header, &mut reader.warnings).unwrap_err();
    assert_eq!(error.to_string(), "The columns_mapping of the input table t names the column Qty twice.");
}

#[test]
fn without_entries_the_file_names_everything() {
    let mut reader = open(b"A,B b\n").unwrap();
    let plan = pair(&[], "Orders 2026.csv", &reader.header, &mut reader.warnings).unwrap();
    assert_eq!(plan.table, "orders_2026_csv");
    assert_eq!(columns(&plan), [("a", ColumnType::Str, 0), ("b_b", ColumnType::Str, 1)]);
    let plan = pair(&expected("t", &[]), "Orders 2026.csv", &reader.header, &mut reader.warnings).unwrap();
    assert_eq!((plan.table.as_str(), plan.columns.len()), ("t", 2));
    assert_eq!(reader.warnings.total(), 0);
}

#[test]
fn a_file_describes_itself_for_a_template() {
    let reader = open(b"Order Number,qty\n").unwrap();
    let entry = describe("Orders 2026.csv", None, &reader.header);
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
    let plan = pair(&tables, "o.csv", &reader.header, &mut reader.warnings).unwrap();
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
