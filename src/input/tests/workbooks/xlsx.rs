//! `.xlsx`, by a library and by hand.

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

use super::*;

#[test]
fn cells_are_text_whatever_they_are() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let format = |code: &str| Format::new().set_num_format(code);
    for (column, header) in
        ["Text", "Number", "Date", "Moment", "Time", "Duration", "Flag", "Formula", "Error", "Error formula"]
            .into_iter()
            .enumerate()
    {
        sheet.write_string(0, u16::try_from(column).unwrap(), header).unwrap();
    }
    let moment = ExcelDateTime::parse_from_str("2026-01-31T13:30:00").unwrap();
    sheet.write_string(1, 0, " <b>\"Zoë\" & 名\n2nd ").unwrap();
    sheet.write_number(1, 1, 1.1).unwrap();
    sheet.write_number_with_format(1, 2, 46_053, &format("dd.mm.yyyy")).unwrap();
    sheet.write_datetime_with_format(1, 3, &moment, &format("yyyy-mm-dd hh:mm")).unwrap();
    sheet.write_number_with_format(1, 4, 0.5, &format("h:mm AM/PM")).unwrap();
    sheet.write_number_with_format(1, 5, 1.5, &format("[h]:mm")).unwrap();
    sheet.write_boolean(1, 6, true).unwrap();
    sheet.write_formula(1, 7, Formula::new("=A1&\"x\"").set_result("Textx")).unwrap();
    sheet.write_formula(1, 8, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    sheet.write_formula(1, 9, Formula::new("=1+1").set_result("2")).unwrap();
    let bytes = book.save_to_buffer().unwrap();
    let mut input = file("Orders 2026.xlsx", &bytes).unwrap();
    assert_eq!(tables(&input), [("Orders 2026.xlsx", "orders_2026_xlsx")]);
    let (_, rows, warnings) = table(&mut input, 0).unwrap();
    assert_eq!(
        rows,
        [row(
            2,
            &[
                " <b>\"Zoë\" & 名\n2nd ",
                "1.1",
                "2026-01-31",
                "2026-01-31T13:30:00",
                "12:00:00",
                "36:00:00",
                "TRUE",
                "Textx",
                "",
                "2"
            ]
        )]
    );
    assert_eq!(warnings, ["Row 2: column error: the cell shows the error #DIV/0!; NULL was used."]);
    compare_with_calamine(&bytes, "x.xlsx");
}

#[test]
fn every_sheet_with_a_header_is_a_table() {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Orders").unwrap().write_string(0, 0, "a").unwrap();
    book.add_worksheet().set_name("Empty").unwrap();
    let hidden = book.add_worksheet().set_name("Größen & more").unwrap();
    hidden.write_string(0, 0, "b").unwrap();
    hidden.set_hidden(true);
    book.add_worksheet().set_name("orders ").unwrap().write_string(0, 0, "c").unwrap();
    let mut input = file("book.xlsx", &book.save_to_buffer().unwrap()).unwrap();
    assert_eq!(
        tables(&input),
        [("Orders", "orders"), ("Größen & more", "gr__en___more"), ("orders ", "orders__duplicate_1__")]
    );
    assert_eq!(table(&mut input, 2).unwrap().0, ["c"]);
    assert_eq!(table(&mut input, 0).unwrap().0, ["a"]);

    let mut empty = Workbook::new();
    empty.add_worksheet();
    assert_eq!(
        refusal("x.xlsx", &empty.save_to_buffer().unwrap()),
        "The workbook is empty: none of its sheets has a header row."
    );
}

#[test]
fn rows_and_columns_are_those_of_the_sheet() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    // A blank first row and column, a gap, a row past the header's width, a merged cell.
    sheet.write_string(2, 1, "name").unwrap().write_string(2, 3, "qty").unwrap();
    sheet.write_string(4, 1, "bolt").unwrap().write_number(4, 3, 12).unwrap();
    sheet.write_string(7, 1, "nut").unwrap().write_number(7, 5, 1).unwrap();
    sheet.merge_range(9, 1, 9, 3, "merged", &Format::new()).unwrap();
    sheet.set_row_hidden(4).unwrap();
    let mut input = file("x.xlsx", &book.save_to_buffer().unwrap()).unwrap();
    let line = input.read(0).unwrap().header().line;
    let (header, rows, warnings) = table(&mut input, 0).unwrap();
    assert_eq!((line, header), (3, vec![String::new(), "name".to_owned(), String::new(), "qty".to_owned()]));
    assert_eq!(
        rows,
        [row(5, &["", "bolt", "", "12"]), row(8, &["", "nut", "", ""]), row(10, &["", "merged", "", ""])]
    );
    assert_eq!(warnings, ["Row 8: 6 cells, expected 4; the extra ones were left out."]);
}

#[test]
fn options_hold_for_sheets_as_for_text() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "A report of").unwrap();
    sheet.write_string(3, 0, "id").unwrap().write_string(3, 1, "note").unwrap();
    sheet.write_number(4, 0, 1).unwrap().write_string(4, 1, "n/a").unwrap();
    let bytes = book.save_to_buffer().unwrap();
    let options =
        InputOptions { header_row: Some(3), null_values: vec!["n/a".to_owned()], ..InputOptions::default() };
    let mut input = file_with("x.xlsx", &bytes, &options, LIMITS).unwrap();
    let (header, rows, _) = table(&mut input, 0).unwrap();
    assert_eq!(header, ["id", "note"]);
    assert_eq!(rows, [row(5, &["1", ""])]);
    let options = InputOptions { header_row: Some(6), ..InputOptions::default() };
    assert!(file_with("x.xlsx", &bytes, &options, LIMITS).is_err());
}

/// A workbook of one sheet from its XML, with these shared strings.
pub(super) fn by_hand(workbook: &str, sheet: &str, strings: &str) -> Vec<u8> {
    let rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = format!(
        "<Relationships><Relationship Id='r' Type='{rels}/officeDocument' Target='/xl/workbook.xml'/></Relationships>"
    );
    let parts = format!(
        "<Relationships><Relationship Id='r1' Type='{rels}/worksheet' Target='worksheets/sheet1.xml'/>\
         <Relationship Id='r2' Type='{rels}/sharedStrings' Target='sharedStrings.xml'/>\
         <Relationship Id='r3' Type='{rels}/styles' Target='styles.xml'/></Relationships>"
    );
    let workbook = format!("<workbook>{workbook}<sheets><sheet name='S' r:id='r1'/></sheets></workbook>");
    let styles = "<styleSheet><numFmts><numFmt numFmtId='170' formatCode='yyyy&quot;y&quot;'/></numFmts>\
                  <cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>\
                  <cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='170'/></cellXfs></styleSheet>";
    archives::zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", parts.as_bytes()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet>{sheet}</worksheet>").as_bytes()),
        ("xl/SharedStrings.xml", format!("<sst uniqueCount='99999999999'>{strings}</sst>").as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
    ])
}

const STRINGS: &str = "<si><t>head</t></si><si><r><t xml:space='preserve'>rich </t></r><r><t>t&#101;xt</t></r>\
    <rPh><t>reading</t></rPh></si><si/>";

#[test]
fn what_other_programs_write_is_read() {
    let sheet = "<sheetData>\
        <row><c t='s'><v>0</v></c><c t='inlineStr'><is><t>in_x000D_line</t></is></c><c t='str'><v>c</v></c></row>\
        <x:row r='3'><c r='C3' t='s'><v>1</v></c><c r='A3' s='1'><v>46053</v></c><c r='B3' s='2'><v>46053</v></c></x:row>\
        <row r='4'><c r='A4' t='s'><v>2</v></c><c r='B4' t='e'><v>#SPILL!</v></c><c r='C4' t='b'><v>0</v></c></row>\
        <row><c t='d'><v>2026-01-31T10:00:00</v></c><c><v>12345678901234567890</v></c><c t='s'><v>77</v></c></row>\
        <row r='6'><c r='A6'><f>NOW()</f></c></row>\
        </sheetData><mergeCells/>";
    let mut input = file("x.xlsx", &by_hand("", sheet, STRINGS)).unwrap();
    let (header, rows, warnings) = table(&mut input, 0).unwrap();
    assert_eq!(header, ["head", "in\rline", "c"]);
    assert_eq!(
        rows,
        [
            row(3, &["2026-01-31", "2026-01-31", "rich text"]),
            row(4, &["", "", "FALSE"]),
            row(5, &["2026-01-31T10:00:00", "12345678901234567890", ""])
        ]
    );
    assert_eq!(warnings, ["Row 4: column in_line: the cell shows the error #SPILL!; NULL was used."]);
}

#[test]
fn the_years_may_count_from_1904() {
    let sheet =
        "<sheetData><row><c t='str'><v>a</v></c></row><row><c s='1'><v>44591</v></c></row></sheetData>";
    for (properties, is_1904, text) in [
        ("<workbookPr date1904='1'/>", true, "2026-01-31"),
        ("<workbookPr date1904='false'/>", false, "2022-01-30"),
    ] {
        let mut input = file("x.xlsx", &by_hand(properties, sheet, "")).unwrap();
        assert_eq!(input.is_1904(), is_1904);
        assert_eq!(table(&mut input, 0).unwrap().1, [row(2, &[text])]);
    }
}

#[test]
fn hostile_sheets_are_refused() {
    let header = "<row r='1'><c t='str'><v>a</v></c></row>";
    for (sheet, sentence) in [
        (
            format!(
                "<sheetData>{header}<row r='9'><c><v>1</v></c></row><row r='5'><c><v>1</v></c></row></sheetData>"
            ),
            "Row 5 of the sheet stands behind row 9. Open the workbook in a spreadsheet program and save it.",
        ),
        (
            format!("<sheetData>{header}<row><c><v>1</v>"),
            "The workbook is damaged: xl/worksheets/sheet1.xml: it ends before its end.",
        ),
        (
            "<sheetData><row><c r='BYN1' t='str'><v>a</v></c></row></sheetData>".to_owned(),
            "Row 1: the header has 2016 columns, at most 2000 are possible.",
        ),
        (
            format!(
                "<sheetData>{header}<row><c t='str'><v>{}</v></c></row></sheetData>",
                "ab ".repeat(5_500_000)
            ),
            "Row 2 is larger than 16 MB, reached in column 1.",
        ),
        (
            format!(
                "<sheetData>{header}<row><c t='str'><v>{}</v></c></row></sheetData>",
                "ab ".repeat(11_000_000)
            ),
            "The workbook is damaged: xl/worksheets/sheet1.xml: one element is larger than a row can be.",
        ),
    ] {
        let limits = UnpackLimits { max_unpack_ratio: 2_000, ..LIMITS };
        let read = file_with("x.xlsx", &by_hand("", &sheet, ""), &InputOptions::default(), limits)
            .and_then(|mut input| table(&mut input, 0).map(drop));
        assert_eq!(read.unwrap_err().to_string(), sentence);
    }
}

#[test]
fn lists_are_held_within_a_limit() {
    let bytes = by_hand("", "<sheetData/>", STRINGS);
    let refused = file_with("x.xlsx", &bytes, &InputOptions::default(), little_memory());
    assert_eq!(
        refused.map(drop).unwrap_err().to_string(),
        "The workbook's relationships take more than 0 MB (files.max_workbook_memory_mb). Save it as CSV."
    );
}

#[test]
fn a_workbook_is_held_to_the_guard_of_archives() {
    let sheet = format!("<sheetData>{}</sheetData>", "<row/>".repeat(4_000_000));
    assert_eq!(
        bomb_refusal("x.xlsx", &by_hand("", &sheet, "")),
        "xl/worksheets/sheet1.xml unpacks to N times its size, more than 250 times (files.max_unpack_ratio): it \
         looks like a bomb."
    );
}

#[test]
fn an_encrypted_workbook_says_so() {
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for stream in ["/EncryptionInfo", "/EncryptedPackage"] {
        std::io::Write::write_all(&mut compound.create_stream(stream).unwrap(), &[7; 5_000]).unwrap();
    }
    compound.flush().unwrap();
    assert_eq!(
        refusal("x.xlsx", &compound.into_inner().into_inner()),
        "The workbook is protected by a password. Save it without one and send it again."
    );
}
