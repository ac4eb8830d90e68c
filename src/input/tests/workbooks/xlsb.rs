//! `.xlsb`, by hand: the records of each part.

use super::*;

fn record(kind: u16, data: &[&[u8]]) -> Vec<u8> {
    let data = data.concat();
    let mut bytes = match u8::try_from(kind) {
        Ok(low) if low < 0x80 => vec![low],
        _ => vec![kind.to_le_bytes()[0] | 0x80, u8::try_from(kind >> 7).unwrap()],
    };
    let mut length = data.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend(data);
    bytes
}

fn string(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    [&u32::try_from(units.len()).unwrap().to_le_bytes()[..], &bytes].concat()
}

fn cell(kind: u16, column: u32, style: u32, value: &[u8]) -> Vec<u8> {
    record(kind, &[&column.to_le_bytes(), &style.to_le_bytes(), value])
}

fn xlsb(is_1904: bool, cells: &[Vec<u8>]) -> Vec<u8> {
    let rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = format!(
        "<Relationships><Relationship Id=\"r\" Type=\"{rels}/officeDocument\" Target=\"xl/workbook.bin\"/></Relationships>"
    );
    let parts = format!(
        "<Relationships><Relationship Id=\"rId1\" Type=\"{rels}/worksheet\" Target=\"worksheets/sheet1.bin\"/>\
         <Relationship Id=\"rId2\" Type=\"{rels}/sharedStrings\" Target=\"sharedStrings.bin\"/>\
         <Relationship Id=\"rId3\" Type=\"{rels}/styles\" Target=\"styles.bin\"/></Relationships>"
    );
    let workbook = [
        record(0x99, &[&u32::from(is_1904).to_le_bytes(), &[0; 8]]),
        record(0x8f, &[]),
        record(0x9c, &[&[0; 8], &string("rId1"), &string("Größe")]),
        record(0x90, &[]),
        record(0x9d, &[&[0; 26]]),
        record(0x84, &[]),
    ]
    .concat();
    let xf = |id: u16| record(0x2f, &[&[0, 0], &id.to_le_bytes(), &[0; 12]]);
    let styles = [
        record(0x267, &[&1_u32.to_le_bytes()]),
        record(0x2c, &[&170_u16.to_le_bytes(), &string("yyyy-mm-dd hh:mm")]),
        record(0x268, &[]),
        record(0x269, &[&3_u32.to_le_bytes()]),
        xf(0),
        xf(14),
        xf(170),
        record(0x26a, &[]),
    ]
    .concat();
    let strings = [
        record(0x9f, &[&1_u32.to_le_bytes(), &1_u32.to_le_bytes()]),
        record(0x13, &[&[0], &string("sh名red")]),
        record(0xa0, &[]),
    ]
    .concat();
    let sheet = [
        record(0x81, &[]),
        record(0x94, &[&[0; 16]]),
        record(0x91, &[]),
        cells.concat(),
        record(0x92, &[]),
        record(0x82, &[]),
    ]
    .concat();
    archives::zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", parts.as_bytes()),
        ("xl/worksheets/sheet1.bin", &sheet),
        ("xl/sharedStrings.bin", &strings),
        ("xl/styles.bin", &styles),
    ])
}

/// A small one.
pub(super) fn sample() -> Vec<u8> {
    let cells = [
        row_at(0),
        cell(6, 0, 0, &string("a")),
        row_at(1),
        cell(7, 0, 0, &[0; 4]),
        cell(2, 1, 1, &rk(44_591)),
    ];
    xlsb(false, &cells)
}

fn row_at(row: u32) -> Vec<u8> {
    record(0, &[&row.to_le_bytes(), &[0; 12]])
}

fn rk(value: u32) -> [u8; 4] {
    ((value << 2) | 2).to_le_bytes()
}

#[test]
fn cells_are_text_whatever_they_are() {
    let mut cells = vec![row_at(0)];
    cells.extend((0..10).map(|n| cell(6, n, 0, &string(&format!("c{n}")))));
    cells.extend([
        row_at(2),
        cell(7, 0, 0, &0_u32.to_le_bytes()),
        cell(5, 1, 0, &1.1_f64.to_le_bytes()),
        cell(2, 2, 1, &rk(46_053)),
        cell(5, 3, 2, &46_053.562_5_f64.to_le_bytes()),
        cell(4, 4, 0, &[1]),
        cell(3, 5, 0, &[0x07]),
        cell(8, 6, 0, &[string("of a formula"), vec![0; 10]].concat()),
        cell(9, 7, 0, &[2.5_f64.to_le_bytes().to_vec(), vec![0; 10]].concat()),
        cell(11, 8, 0, &[0x17, 0, 0]),
        cell(10, 9, 0, &[0, 0, 0]),
        row_at(3),
        cell(1, 0, 0, &[]),
        cell(62, 1, 0, &[vec![0], string("rich")].concat()),
    ]);
    let bytes = xlsb(false, &cells);
    let mut input = file("Book.xlsb", &bytes).unwrap();
    assert_eq!(tables(&input), [("Book.xlsb", "book_xlsb")]);
    let (_, rows, warnings) = table(&mut input, 0).unwrap();
    assert_eq!(
        rows,
        [
            row(
                3,
                &[
                    "sh名red",
                    "1.1",
                    "2026-01-31",
                    "2026-01-31T13:30:00",
                    "TRUE",
                    "",
                    "of a formula",
                    "2.5",
                    "",
                    "FALSE"
                ]
            ),
            row(4, &["", "rich", "", "", "", "", "", "", "", ""])
        ]
    );
    assert_eq!(
        warnings,
        [
            "Row 3: column c5: the cell shows the error #DIV/0!; NULL was used.",
            "Row 3: column c8: the cell shows the error #REF!; NULL was used."
        ]
    );
    compare_with_calamine(&bytes, "x.xlsb");
}

#[test]
fn the_years_may_count_from_1904() {
    let cells = [row_at(0), cell(6, 0, 0, &string("a")), row_at(1), cell(2, 0, 1, &rk(44_591))];
    let mut input = file("x.xlsb", &xlsb(true, &cells)).unwrap();
    assert!(input.is_1904());
    assert_eq!(table(&mut input, 0).unwrap().1, [row(2, &["2026-01-31"])]);
}

#[test]
fn records_that_lie_are_refused() {
    let head = [row_at(0), cell(6, 0, 0, &string("a")), row_at(1)].concat();
    for (record, sentence) in [
        (cell(6, 0, 0, &99_u32.to_le_bytes()), "a record is shorter than it should be"),
        (cell(5, 0, 0, &[1, 2]), "a record is shorter than it should be"),
        (vec![5, 0xff, 0xff, 0xff, 0x7f], "one record is larger than a row can be"),
    ] {
        assert_eq!(
            refusal("x.xlsb", &xlsb(false, &[head.clone(), record])),
            format!("The workbook is damaged: xl/worksheets/sheet1.bin: {sentence}.")
        );
    }
}
