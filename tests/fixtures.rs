//! The demo's files are what `fixtures/README.md` says they are: whoever changes a file changes the page.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read is a failing test")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    path::PathBuf,
};

use smartconnector::{
    cancel::CancelToken,
    connector::InputOptions,
    input::{DelimitedReader, RowBuf},
    variable::{
        boolean::parse_boolean,
        email::parse_email,
        format::{BooleanFormat, NumberFormat},
        number::parse_number,
        phone::{PhoneFormat, parse_phone},
    },
};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The file's rows by column name; blank cells are missing.
fn rows(name: &str) -> Vec<HashMap<String, String>> {
    let file = File::open(path(name)).unwrap();
    let mut reader = DelimitedReader::open(file, &InputOptions::default(), &CancelToken::new()).unwrap();
    let names: Vec<String> = reader.header.columns.iter().map(|c| c.name.clone()).collect();
    let (mut rows, mut row) = (Vec::new(), RowBuf::new());
    while reader.read(&mut row).unwrap() {
        let cells = names.iter().zip(row.iter()).filter_map(|(n, c)| Some((n.clone(), c?.to_owned())));
        rows.push(cells.collect());
    }
    assert_eq!(reader.warnings.total(), 0, "{name}");
    rows
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn is_quantity(text: &str) -> bool {
    parse_number(text, NumberFormat::Auto).is_ok_and(|n| n.is_integer())
}

/// Each customer's first day, by e-mail.
fn customers() -> HashMap<String, String> {
    let rows = rows("customers.csv");
    rows.iter().map(|row| (row["email"].clone(), row["customer_since"].clone())).collect()
}

#[test]
fn customers_are_good_and_distinct() {
    let rows = rows("customers.csv");
    assert_eq!(rows.len(), 800);
    assert_eq!(customers().len(), 800);
    for row in &rows {
        assert!(parse_email(&row["email"]).is_ok(), "{row:?}");
        assert!(
            row.get("phone").is_none_or(|phone| parse_phone(phone, PhoneFormat::Region(None))
                .is_ok_and(|(_, warning)| warning.is_none())),
            "{row:?}"
        );
        assert!(row.get("birthday").is_none_or(|birthday| is_date(birthday)), "{row:?}");
        assert!(is_date(&row["customer_since"]), "{row:?}");
        assert!(parse_boolean(&row["newsletter"], BooleanFormat::YesNo).is_ok(), "{row:?}");
    }
}

#[test]
fn orders_are_wrong_where_the_readme_says_so_and_nowhere_else() {
    let (customers, orders) = (customers(), rows("orders.csv"));
    assert_eq!(orders.len(), 5_200);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut seen, mut prices) = (HashSet::new(), HashMap::new());
    for order in &orders {
        let email = order["customer_email"].to_lowercase();
        let mut faults = Vec::new();
        if !is_date(&order["placed_on"]) {
            faults.push("bad date");
        }
        if !is_quantity(&order["quantity"]) {
            faults.push("bad quantity");
        }
        if parse_number(&order["unit_price"], NumberFormat::Auto).is_err() {
            faults.push("bad price");
        }
        if parse_email(&email).is_err() {
            faults.push("bad e-mail");
        } else if !customers.contains_key(&email) {
            faults.push("unknown customer");
        }
        match order.get("order_number") {
            None => faults.push("blank order number"),
            Some(number) if !seen.insert(number) => faults.push("duplicate order number"),
            Some(_) => {}
        }
        assert!(faults.len() <= 1, "{order:?}: {faults:?}");
        if let Some(fault) = faults.first() {
            *counts.entry(fault).or_default() += 1;
        } else {
            assert!(customers[&email] <= order["placed_on"], "{order:?}");
            let price = prices.entry((&order["product"], &order["currency"])).or_insert(&order["unit_price"]);
            assert_eq!(*price, &order["unit_price"], "{order:?}");
        }
        assert!(parse_boolean(&order["is_gift"], BooleanFormat::YesNo).is_ok(), "{order:?}");
    }
    let readme = std::fs::read_to_string(path("README.md")).unwrap();
    assert_eq!(counts.len(), 7);
    assert_eq!(counts.values().sum::<usize>(), 78);
    for (fault, rows) in counts {
        assert!(readme.contains(&format!("\n| {fault} | {rows} |")), "{fault}: {rows}");
    }
}

#[test]
fn orders_have_what_makes_files_hard() {
    let orders = rows("orders.csv");
    let with = |column: &str, part: &str| {
        orders.iter().filter(|order| order.get(column).is_some_and(|cell| cell.contains(part))).count()
    };
    assert!(with("unit_price", ",") > 50);
    assert!(with("notes", "\n") > 100);
    assert!(with("notes", "\"") > 50);
    assert!(with("notes", "配送") > 10);
}
