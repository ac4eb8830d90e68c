//! Workbooks that are small and would become large: in memory, on the disk, or in the time that they take.

use super::{
    ods::{ods, row_of, table_of, text},
    xlsx::by_hand,
    *,
};

/// Limits under which a part may be much larger than it is packed.
const LOOSE: UnpackLimits = UnpackLimits { max_unpack_ratio: 100_000, ..LIMITS };

fn refused_with(name: &str, bytes: &[u8], limits: UnpackLimits) -> String {
    let read = file_with(name, bytes, &InputOptions::default(), limits)
        .and_then(|mut file| (0..file.tables().len()).try_for_each(|n| table(&mut file, n).map(drop)));
    read.unwrap_err().to_string()
}

/// The archive with another part in the place of one of its own.
fn replaced(archive: &[u8], name: &str, with: &str) -> Vec<u8> {
    archives::repacked(archive, |parts| {
        let place = parts.iter_mut().find(|(found, _)| found == name).unwrap();
        place.1 = with.as_bytes().to_vec();
    })
}

/// The cell has no end: who asked for its length only then would say that the part ends before its end.
#[test]
fn a_cell_is_measured_while_it_is_read() {
    let piece = "x".repeat(1_000);
    let cell = |inner: &str| {
        format!("<sheetData><row><c t='str'><v>a</v></c></row><row r='5'><c/><c t='inlineStr'>{inner}")
    };
    let rows = |inner: &str| {
        let header = row_of(&[text("a")]);
        let open = format!("<table:table-row><table:table-cell office:value-type='string'><text:p>{inner}");
        ods(&table_of("S", &[header, open]))
    };
    let xlsx = "Row 5 is larger than 16 MB, reached in column 2.";
    let ods = "Row 2 is larger than 16 MB, reached in column 1.";
    for (name, bytes, sentence) in [
        ("v.xlsx", by_hand("", &cell(&format!("<v>{piece}</v>").repeat(17_000)), ""), xlsx),
        ("is.xlsx", by_hand("", &cell(&format!("<is><t>{piece}</t></is>").repeat(17_000)), ""), xlsx),
        (
            "t.xlsx",
            by_hand("", &cell(&format!("<is>{}", format!("<t>{piece}</t>").repeat(17_000))), ""),
            xlsx,
        ),
        ("s.ods", rows(&"<text:s text:c='1000'/>".repeat(17_000)), ods),
        ("p.ods", rows(&format!("<text:span>{piece}</text:span>").repeat(17_000)), ods),
    ] {
        assert_eq!(refused_with(name, &bytes, LOOSE), sentence, "{name}");
    }
    let strings = format!("<si>{}", format!("<t>{piece}</t>").repeat(9_000));
    assert_eq!(
        refused_with("x.xlsx", &by_hand("", "<sheetData/>", &strings), LOOSE),
        "The workbook's shared strings take more than 8 MB (files.max_workbook_memory_mb). Save it as CSV."
    );
}

#[test]
fn the_pieces_of_a_cell_are_unescaped_once_each() {
    // Each look at what stood before would take as long as reading that did.
    let sheet = format!(
        "<sheetData><row><c t='inlineStr'><is><t>_x005F_x000D_</t></is></c></row>\
         <row><c t='inlineStr'><is><t>{}</t></is>{}</c></row></sheetData>",
        "x_".repeat(500_000),
        "<is/>".repeat(50_000)
    );
    let mut input = file_with("x.xlsx", &by_hand("", &sheet, ""), &InputOptions::default(), LOOSE).unwrap();
    let (header, rows, _) = table(&mut input, 0).unwrap();
    assert_eq!(header, ["_x000D_"]);
    assert_eq!(rows[0].1[0].as_ref().unwrap().len(), 1_000_000);
}

#[test]
fn elements_stand_only_so_deep_and_have_names_of_some_length() {
    let nested = by_hand("", &format!("<sheetData>{}", "<row>".repeat(300)), "");
    assert_eq!(
        refusal("x.xlsx", &nested),
        "The workbook is damaged: xl/worksheets/sheet1.xml: its elements stand more than 256 deep in one another."
    );
    let named = by_hand("", &format!("<{}>", "n".repeat(2_000)), "");
    assert_eq!(
        refusal("x.xlsx", &named),
        "The workbook is damaged: xl/worksheets/sheet1.xml: the name of an element is longer than 1024 bytes."
    );
}

#[test]
fn all_lists_of_a_workbook_share_its_memory() {
    let book = by_hand("", "<sheetData/>", "");
    let little = UnpackLimits { max_workbook_memory_mb: 1, ..LOOSE };
    let relationship = "<Relationship Id='r' Type='t' Target='t'/>";
    let relationships = format!("<Relationships>{}</Relationships>", relationship.repeat(15_000));
    let formats: Vec<String> =
        (0..70_000).map(|n| format!("<numFmt numFmtId='{n}' formatCode='0'/>")).collect();
    let styles = format!("<styleSheet><cellXfs>{}", "<xf/>".repeat(1_100_000));
    for (part, with, what) in [
        ("xl/_rels/workbook.xml.rels", relationships, "relationships"),
        ("xl/styles.xml", format!("<styleSheet>{}", formats.concat()), "number formats"),
        ("xl/styles.xml", styles, "styles"),
    ] {
        assert_eq!(
            refused_with("x.xlsx", &replaced(&book, part, &with), little),
            format!(
                "The workbook's {what} take more than 1 MB (files.max_workbook_memory_mb). Save it as CSV."
            )
        );
    }
}

#[test]
fn sheets_are_as_many_as_files_may_be_and_parts_of_their_own() {
    let sheet = |n: usize| table_of(&format!("S{n}"), &[row_of(&[text("a")])]);
    let sheets = |count: usize| ods(&(0..count).map(sheet).collect::<String>());
    assert_eq!(file("x.ods", &sheets(50)).unwrap().tables().len(), 50);
    assert_eq!(
        refusal("x.ods", &sheets(51)),
        "The workbook has more than 50 sheets (files.max_archive_files). Save those that count as a workbook of \
         their own."
    );
    let archive = archives::zip_of(&[("a.ods", &sheets(30)), ("b.ods", &sheets(30))]);
    assert_eq!(
        refusal("x.zip", &archive),
        "The files of the archive have more than 50 tables together (files.max_archive_files)."
    );
    assert_eq!(
        refusal("x.xlsx", &by_hand("<sheet name='T' r:id='r1'/>", "<sheetData/>", "")),
        "The workbook is damaged: xl/worksheets/sheet1.xml: two of its sheets are this one part."
    );
}

#[test]
fn a_title_is_cut_before_it_is_repeated_in_every_sentence() {
    let long = "ä".repeat(100_000);
    let bytes =
        ods(&[table_of(&long, &[row_of(&[text("a")])]), table_of("b", &[row_of(&[text("b")])])].concat());
    let title = file("x.ods", &bytes).unwrap().tables()[0].title.clone();
    assert_eq!(title, format!("{}…", "ä".repeat(255)));
    let open = "<table:table-row><table:table-cell>".to_owned();
    let bytes = ods(&[table_of("a", &[row_of(&[text("a")])]), table_of(&long, &[open])].concat());
    let sentence = refusal("x.ods", &bytes);
    assert!(sentence.starts_with(&format!("{title}: The workbook is damaged")), "{}", sentence.len());
}

#[test]
fn what_cells_repeat_counts_as_unpacked() {
    let small = UnpackLimits { max_unpacked_mb: 1, ..LOOSE };
    let repeated = |rows: u32, columns: u32, shown: &str| {
        format!(
            "<table:table-row table:number-rows-repeated='{rows}'><table:table-cell \
             table:number-columns-repeated='{columns}' office:value-type='string'><text:p>{shown}</text:p>\
             </table:table-cell></table:table-row>"
        )
    };
    let sentence = "The file unpacks to more than 1 MB (files.max_unpacked_mb).";
    let half = "x".repeat(400_000);
    let shared = "<row><c t='s'><v>0</v></c></row>".repeat(4);
    for (name, bytes) in [
        ("rows.ods", ods(&table_of("S", &[repeated(1, 2_000, "h"), repeated(1 << 23, 2_000, "1")]))),
        // Wide rows of next to nothing are large too.
        ("blank.ods", ods(&table_of("S", &[repeated(1, 2_000, "h"), repeated(1 << 23, 1, "1")]))),
        // What is left out of the row was read all the same.
        ("past.ods", ods(&table_of("S", &[repeated(1, 1, "h"), repeated(1, 1 << 15, &half)]))),
        ("x.xlsx", by_hand("", &format!("<sheetData>{shared}"), &format!("<si><t>{half}</t></si>"))),
    ] {
        assert_eq!(refused_with(name, &bytes, small), sentence, "{name}");
    }
}

#[test]
fn the_last_row_number_that_there_is_has_no_next() {
    let sheet = "<sheetData><row r='4294967295'/><row/><row><c t='str'><v>a</v></c></row></sheetData>";
    let mut input = file("x.xlsx", &by_hand("", sheet, "")).unwrap();
    assert_eq!(table(&mut input, 0).unwrap().0, ["a"]);
}

#[test]
fn reading_ends_when_its_time_is_over() {
    let rows = "<table:table-row table:number-rows-repeated='8000000'><table:table-cell \
        office:value-type='float' office:value='1'/></table:table-row>";
    let bytes = ods(&table_of("S", &[row_of(&[text("a")]), rows.to_owned()]));
    let (options, scratch, token) = (InputOptions::default(), std::env::temp_dir(), CancelToken::new());
    let cancel = token.until(std::time::Instant::now() + std::time::Duration::from_millis(500));
    let opening =
        Opening { name: "x.ods", options: &options, limits: LIMITS, scratch: &scratch, cancel: &cancel };
    let read = InputFile::open(Box::new(Cursor::new(bytes)), &opening)
        .and_then(|mut input| table(&mut input, 0).map(drop));
    assert!(matches!(read, Err(InputError::Cancelled)));
    assert!(!token.is_cancelled());
}
