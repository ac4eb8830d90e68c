//! Records as they stand in their file.

use super::*;

#[test]
fn originals_keep_their_encoding_their_blanks_and_their_extra_cells() {
    let bytes = b"Name;Stra\xdfe\n\"M\xfcller; A\";\"\"\n\nNULL;2;extra\n;\nx\n";
    let options = InputOptions { null_values: vec!["NULL".to_owned()], ..InputOptions::default() };
    // Line 3 is blank, line 9 is past the end; both start no record. Line 4 is asked for twice.
    let lines = [2, 3, 4, 4, 6, 9];
    let mut input = file_with("x.csv", bytes, &options, LIMITS).unwrap();
    let mut originals = OriginalRecords::open(&mut input, 0, Some(lines)).unwrap();
    assert_eq!(originals.header, [b"Name".to_vec(), b"Stra\xdfe".to_vec()]);
    assert_eq!((originals.format.encoding, originals.format.delimiter), (Encoding::WINDOWS_1252, b';'));
    let mut got = Vec::new();
    while let Some(record) = originals.read().unwrap() {
        got.push((record.line(), record.cells().map(<[u8]>::to_vec).collect::<Vec<_>>()));
    }
    let cells = |cells: &[&[u8]]| cells.iter().map(|c| c.to_vec()).collect::<Vec<_>>();
    assert_eq!(
        got,
        [(2, cells(&[b"M\xfcller; A", b""])), (4, cells(&[b"NULL", b"2", b"extra"])), (6, cells(&[b"x"]))]
    );
}

#[test]
fn originals_of_a_sheet_are_its_cells() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(1, 0, "Straße").unwrap().write_string(1, 1, "qty").unwrap();
    sheet.write_string(2, 0, "a,b").unwrap().write_number(2, 1, 0.1).unwrap();
    sheet.write_string(5, 1, "NULL").unwrap();
    let options =
        InputOptions { null_values: vec!["x".to_owned()], header_row: Some(2), ..InputOptions::default() };
    let mut input = file_with("x.xlsx", &book.save_to_buffer().unwrap(), &options, LIMITS).unwrap();
    let mut originals = OriginalRecords::open(&mut input, 0, Some([3, 6])).unwrap();
    assert_eq!(originals.header, ["Straße".as_bytes().to_vec(), b"qty".to_vec()]);
    assert_eq!((originals.format.encoding, originals.format.header_row), (Encoding::UTF_8, 2));
    let mut got = Vec::new();
    while let Some(record) = originals.read().unwrap() {
        let cells: Vec<_> = record.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        got.push((record.line(), cells.join("|")));
    }
    assert_eq!(got, [(3, "a,b|0.1".to_owned()), (6, "|NULL".to_owned())]);
}
