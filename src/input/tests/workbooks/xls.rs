//! `.xls`, by hand: the records of a workbook in a compound file.

use std::io::Write as _;

use super::*;

/// A record: its kind, its length, and what stands in it.
fn record(kind: u16, data: &[&[u8]]) -> Vec<u8> {
    let data = data.concat();
    let length = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), &data].concat()
}

fn bof(kind: u16) -> Vec<u8> {
    record(0x0809, &[&0x0600_u16.to_le_bytes(), &kind.to_le_bytes(), &[0; 12]])
}

fn place(row: u16, column: u16, style: u16) -> Vec<u8> {
    [row, column, style].map(u16::to_le_bytes).concat()
}

/// A text with a length of 16 bits: in Latin-1 where that holds it, else in UTF-16.
fn string(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let length = u16::try_from(units.len()).unwrap().to_le_bytes();
    if units.iter().all(|unit| *unit < 256) {
        let bytes: Vec<u8> = units.iter().map(|unit| unit.to_le_bytes()[0]).collect();
        return [&length[..], &[0], &bytes].concat();
    }
    let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    [&length[..], &[1], &bytes].concat()
}

fn short_string(text: &str) -> Vec<u8> {
    string(text).into_iter().enumerate().filter(|(n, _)| *n != 1).map(|(_, byte)| byte).collect()
}

/// A workbook of these sheets, each its name and its records.
fn xls(globals: &[Vec<u8>], sheets: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    let end = record(0x000a, &[]);
    let bodies: Vec<Vec<u8>> =
        sheets.iter().map(|(_, records)| [bof(0x10), records.concat(), end.clone()].concat()).collect();
    let bound = |title: &str, start: usize| {
        record(0x0085, &[&u32::try_from(start).unwrap().to_le_bytes(), &[0, 0], &short_string(title)])
    };
    let head = [bof(5), globals.concat()].concat();
    let bounds: usize = sheets.iter().map(|(title, _)| bound(title, 0).len()).sum();
    let mut start = head.len() + bounds + end.len();
    let mut stream = head;
    for ((title, _), body) in sheets.iter().zip(&bodies) {
        stream.extend(bound(title, start));
        start += body.len();
    }
    stream.extend(end);
    stream.extend(bodies.concat());
    compound("/Workbook", &stream)
}

fn compound(name: &str, stream: &[u8]) -> Vec<u8> {
    let mut compound =
        cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new())).unwrap();
    compound.create_stream(name).unwrap().write_all(stream).unwrap();
    compound.flush().unwrap();
    compound.into_inner().into_inner()
}

/// Styles 0: as it is; 1: a date by its number; 2: a date and time by its text.
fn styles() -> Vec<Vec<u8>> {
    let format = record(0x041e, &[&170_u16.to_le_bytes(), &string("yyyy-mm-dd hh:mm")]);
    let xf = |id: u16| record(0x00e0, &[&[0, 0], &id.to_le_bytes(), &[0; 16]]);
    vec![format, xf(0), xf(14), xf(170)]
}

fn label(row: u16, column: u16, text: &str) -> Vec<u8> {
    record(0x0204, &[&place(row, column, 0), &string(text)])
}

fn number(row: u16, column: u16, style: u16, value: f64) -> Vec<u8> {
    record(0x0203, &[&place(row, column, style), &value.to_le_bytes()])
}

fn formula(row: u16, column: u16, value: [u8; 8]) -> Vec<u8> {
    record(0x0006, &[&place(row, column, 0), &value, &[0; 6], &[3, 0, 0x1e, 1, 0]])
}

#[test]
fn cells_are_text_whatever_they_are() {
    // The second text continues in a record of its own, wide where the first piece was not.
    let strings = [
        record(
            0x00fc,
            &[
                &3_u32.to_le_bytes(),
                &3_u32.to_le_bytes(),
                &string("head"),
                &6_u16.to_le_bytes(),
                &[0],
                b"lat",
            ],
        ),
        record(
            0x003c,
            &[&[1], &"in名".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), &rich("rich")],
        ),
    ];
    let rk = |value: u32| value.to_le_bytes();
    let shared = |row, column, n: u32| record(0x00fd, &[&place(row, column, 0), &n.to_le_bytes()]);
    let mut rows = vec![shared(0, 0, 0)];
    rows.extend((1..9).map(|n| label(0, n, &format!("c{n}"))));
    rows.extend([
        shared(2, 0, 1),
        shared(2, 1, 2),
        number(2, 2, 0, 1.1),
        number(2, 3, 1, 46_053.0),
        record(0x027e, &[&place(2, 4, 2), &rk((46_053 << 2) | 2)]),
        record(0x0205, &[&place(2, 5, 0), &[1, 0]]),
        record(0x0205, &[&place(2, 6, 0), &[0x07, 1]]),
        formula(2, 7, [0, 0, 0, 0, 0, 0, 0xff, 0xff]),
        record(0x0207, &[&string("of a formula")]),
        formula(2, 8, [2, 0, 0x17, 0, 0, 0, 0xff, 0xff]),
        // A chart in the sheet has cells of its own.
        bof(0x20),
        number(2, 1, 0, 9.0),
        record(0x000a, &[]),
        record(
            0x00bd,
            &[&4_u16.to_le_bytes(), &[0, 0], &[0, 0], &rk((5 << 2) | 2), &[0, 0], &rk((5 << 2) | 3), &[1, 0]],
        ),
        formula(4, 2, 2.5_f64.to_le_bytes()),
    ]);
    let globals = [styles(), strings.to_vec()].concat();
    let bytes = xls(&globals, &[("Größe", rows)]);
    let mut input = file("Old book.xls", &bytes).unwrap();
    assert_eq!(tables(&input), [("Old book.xls", "old_book_xls")]);
    let (header, rows, warnings) = table(&mut input, 0).unwrap();
    assert_eq!(header, ["head", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"]);
    assert_eq!(
        rows,
        [
            row(
                3,
                &[
                    "latin名",
                    "rich",
                    "1.1",
                    "2026-01-31",
                    "2026-01-31T00:00:00",
                    "TRUE",
                    "",
                    "of a formula",
                    ""
                ]
            ),
            row(5, &["5", "0.05", "2.5", "", "", "", "", "", ""])
        ]
    );
    assert_eq!(
        warnings,
        [
            "Row 3: column c6: the cell shows the error #DIV/0!; NULL was used.",
            "Row 3: column c8: the cell shows the error #REF!; NULL was used."
        ]
    );
    compare_with_calamine(&bytes, "x.xls");
}

/// A text with a run of another font and furigana behind it.
fn rich(text: &str) -> Vec<u8> {
    let mut bytes = string(text);
    bytes[2] |= 8 | 4;
    bytes.splice(3..3, [1, 0, 2, 0, 0, 0]);
    bytes.extend([0, 0, 0, 0, 0xaa, 0xbb]);
    bytes
}

#[test]
fn every_sheet_is_a_table_and_the_years_may_count_from_1904() {
    let mode = record(0x0022, &[&[1, 0]]);
    let globals = [vec![mode], styles()].concat();
    let sheets = [
        ("First", vec![label(0, 0, "a"), number(1, 0, 1, 44_591.0)]),
        ("Empty", Vec::new()),
        ("Second", vec![label(0, 0, "b")]),
    ];
    let mut input = file("x.xls", &xls(&globals, &sheets)).unwrap();
    assert_eq!(tables(&input), [("First", "first"), ("Second", "second")]);
    assert!(input.is_1904());
    assert_eq!(table(&mut input, 1).unwrap().0, ["b"]);
    assert_eq!(table(&mut input, 0).unwrap().1, [row(2, &["2026-01-31"])]);
}

#[test]
fn excel_5_wrote_texts_in_a_code_page() {
    let bof = record(0x0809, &[&0x0500_u16.to_le_bytes(), &[5, 0], &[0; 4]]);
    let sheet_bof = record(0x0809, &[&0x0500_u16.to_le_bytes(), &[0x10, 0], &[0; 4]]);
    let page = record(0x0042, &[&1251_u16.to_le_bytes()]);
    let end = record(0x000a, &[]);
    let title = encoding_rs::WINDOWS_1251.encode("Лист").0;
    let bound_length = 4 + 4 + 2 + 1 + title.len();
    let start = u32::try_from(bof.len() + page.len() + bound_length + end.len()).unwrap();
    let bound =
        record(0x0085, &[&start.to_le_bytes(), &[0, 0], &[u8::try_from(title.len()).unwrap()], &title]);
    let text = encoding_rs::WINDOWS_1251.encode("Имя").0;
    let label = record(0x0204, &[&place(0, 0, 0), &u16::try_from(text.len()).unwrap().to_le_bytes(), &text]);
    let stream = [bof, page, bound, end.clone(), sheet_bof, label, end].concat();
    let mut input = file("x.xls", &compound("/Book", &stream)).unwrap();
    assert_eq!(table(&mut input, 0).unwrap().0, ["Имя"]);
}

#[test]
fn encrypted_damaged_and_other_documents_say_so() {
    let password = "The workbook is protected by a password. Save it without one and send it again.";
    let pass = record(0x002f, &[&[1, 0, 0, 0]]);
    assert_eq!(refusal("x.xls", &xls(&[pass], &[])), password);
    assert_eq!(
        refusal("x.doc", &compound("/WordDocument", b"x")),
        "The file is an office document and no workbook."
    );
    let cut =
        [bof(5), record(0x00fc, &[&9_u32.to_le_bytes(), &9_u32.to_le_bytes(), &string("only")])].concat();
    assert_eq!(
        refusal("x.xls", &compound("/Workbook", &cut)),
        "The workbook is damaged: /Workbook: a record is shorter than it should be."
    );
    let sentence = refusal("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and then nothing");
    assert!(sentence.starts_with("The workbook is damaged: the compound file: "), "{sentence}");
    let behind = xls(&[], &[("S", vec![label(0, 0, "a"), label(5, 0, "x"), label(3, 0, "y")])]);
    assert!(refusal("x.xls", &behind).starts_with("Row 4 of the sheet stands behind row 6."));
}
