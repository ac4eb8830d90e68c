//! The traits of the well-known public suites of CSV edge cases (RFC 4180's seven rules, csv-spectrum), in
//! files of our own: `fixtures/csv`, each beside what it holds.

use std::{fs, path::Path};

use super::*;

#[test]
fn public_edge_cases_read_as_they_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/csv");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        let expected = fs::read_to_string(path.with_extension("json")).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
        let mut reader = open(&fs::read(&path).unwrap()).unwrap();
        let header: Vec<String> =
            reader.header.columns.iter().map(|column| column.original.clone()).collect();
        let rows: Vec<serde_json::Value> = rows(&mut reader)
            .unwrap()
            .into_iter()
            .map(|(_, cells)| header.iter().cloned().zip(cells).collect())
            .collect();
        assert_eq!(serde_json::Value::from(rows), expected, "{}", path.display());
        assert_eq!(reader.warnings.total(), 0, "{}", path.display());
        count += 1;
    }
    assert_eq!(count, 16);
}
