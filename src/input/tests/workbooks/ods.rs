//! `.ods`, by hand.

use super::*;

pub(super) fn ods(content: &str) -> Vec<u8> {
    ods_with(content, "<manifest:manifest><manifest:file-entry/></manifest:manifest>")
}

fn ods_with(content: &str, manifest: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet>{content}</office:spreadsheet></office:body>\
         </office:document-content>"
    );
    archives::zip_of(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest.as_bytes()),
        ("content.xml", content.as_bytes()),
    ])
}

pub(super) fn text(text: &str) -> String {
    format!("<table:table-cell office:value-type='string'><text:p>{text}</text:p></table:table-cell>")
}

pub(super) fn row_of(cells: &[String]) -> String {
    format!("<table:table-row>{}</table:table-row>", cells.concat())
}

fn value(kind: &str, attribute: &str, value: &str) -> String {
    format!(
        "<table:table-cell office:value-type='{kind}' office:{attribute}='{value}'><text:p>shown</text:p></table:table-cell>"
    )
}

pub(super) fn table_of(name: &str, rows: &[String]) -> String {
    format!("<table:table table:name='{name}'>{}</table:table>", rows.concat())
}

#[test]
fn cells_are_text_whatever_they_are() {
    let header: Vec<String> =
        ["text", "number", "date", "moment", "time", "flag", "error"].map(text).into_iter().collect();
    let cells = [
        text("two <text:s text:c='3'/><text:span>spans</text:span> &amp; a<text:line-break/>line</text:p><text:p>2nd"),
        value("float", "value", "1.10"),
        value("date", "date-value", "2026-01-31"),
        value("date", "date-value", "2026-01-31T13:30:00"),
        value("time", "time-value", "PT13H30M00S"),
        value("boolean", "boolean-value", "true"),
        "<table:table-cell office:value-type='string' office:string-value='' calcext:value-type='error'>\
         <office:annotation><text:p>a note</text:p></office:annotation><text:p>#DIV/0!</text:p></table:table-cell>"
            .to_owned(),
    ];
    let bytes = ods(&table_of("Only", &[row_of(&header), row_of(&cells)]));
    let mut input = file("Orders.ods", &bytes).unwrap();
    assert_eq!(tables(&input), [("Orders.ods", "orders_ods")]);
    let (_, rows, warnings) = table(&mut input, 0).unwrap();
    assert_eq!(
        rows,
        [row(
            2,
            &[
                "two    spans & a\nline\n2nd",
                "1.1",
                "2026-01-31",
                "2026-01-31T13:30:00",
                "13:30:00",
                "TRUE",
                ""
            ]
        )]
    );
    assert_eq!(warnings, ["Row 2: column error: the cell shows the error #DIV/0!; NULL was used."]);
    let plain = ods(&table_of("Only", &[row_of(&header), row_of(&cells[..2])]));
    compare_with_calamine(&plain, "x.ods");
}

#[test]
fn repeated_rows_and_cells_are_given_out_one_by_one() {
    let blank =
        |attributes: &str| format!("<table:table-row {attributes}><table:table-cell/></table:table-row>");
    let twice = "<table:table-row table:number-rows-repeated='2'>\
        <table:table-cell table:number-columns-repeated='2' office:value-type='float' office:value='7'/>\
        <table:covered-table-cell table:number-columns-repeated='3'/></table:table-row>";
    let bytes = ods(&table_of(
        "S",
        &[
            blank("table:number-rows-repeated='2'"),
            row_of(&["a", "b", "c"].map(text)),
            twice.to_owned(),
            blank("table:number-rows-repeated='10'"),
            row_of(&[text("x")]),
            blank("table:number-rows-repeated='1048000'"),
        ],
    ));
    let mut input = file("x.ods", &bytes).unwrap();
    let (_, rows, warnings) = table(&mut input, 0).unwrap();
    assert_eq!(rows, [row(4, &["7", "7", ""]), row(5, &["7", "7", ""]), row(16, &["x", "", ""])]);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn sheets_come_one_by_one() {
    let inner = "<table:table-cell><table:table table:name='inner'><table:table-row><table:table-cell/>\
        </table:table-row></table:table></table:table-cell>";
    let bytes = ods(&[
        table_of("One", &[row_of(&[text("a"), inner.to_owned()])]),
        table_of("Blank", &[]),
        table_of("T&amp;wo", &[row_of(&[text("b")]), row_of(&[text("1")])]),
    ]
    .concat());
    let mut input = file("x.ods", &bytes).unwrap();
    assert_eq!(tables(&input), [("One", "one"), ("T&wo", "t_wo")]);
    assert_eq!(table(&mut input, 1).unwrap().1, [row(2, &["1"])]);
    assert_eq!(table(&mut input, 0).unwrap().0, ["a"]);
}

#[test]
fn the_years_may_count_from_1904() {
    let settings = "<table:calculation-settings><table:null-date table:date-value='1904-01-01'/>\
        </table:calculation-settings>";
    let sheet = table_of("S", &[row_of(&[text("a")])]);
    assert!(file("x.ods", &ods(&format!("{settings}{sheet}"))).unwrap().is_1904());
    assert!(!file("x.ods", &ods(&sheet)).unwrap().is_1904());
}

#[test]
fn hostile_numbers_of_rows_and_cells_are_refused() {
    let header = row_of(&[text("a")]);
    let cell = |times: &str| {
        format!(
            "<table:table-row><table:table-cell table:number-columns-repeated='{times}' office:value-type='float' office:value='1'/></table:table-row>"
        )
    };
    let rows = "<table:table-row table:number-rows-repeated='4000000000'><table:table-cell office:value-type='float' office:value='1'/></table:table-row>";
    for (row, sentence) in [
        (cell("4000000000"), "a row has more cells than rows have"),
        (rows.to_owned(), "a sheet has more rows than sheets have"),
    ] {
        assert_eq!(
            refusal("x.ods", &ods(&table_of("S", &[header.clone(), row]))),
            format!("The workbook is damaged: content.xml: {sentence}.")
        );
    }
    // So many cells that together they are too large, of a text that is not.
    let wide = format!(
        "<table:table-row><table:table-cell table:number-columns-repeated='2000' office:value-type='string'><text:p>{}</text:p></table:table-cell></table:table-row>",
        "x".repeat(9_000)
    );
    let header = "<table:table-row><table:table-cell table:number-columns-repeated='2000' office:value-type='string'><text:p>h</text:p></table:table-cell></table:table-row>".to_owned();
    assert_eq!(
        refusal("x.ods", &ods(&table_of("S", &[header, wide]))),
        "Row 2 is larger than 16 MB, reached in column 1778."
    );
}

#[test]
fn an_encrypted_workbook_says_so() {
    let manifest = "<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry>\
        </manifest:manifest>";
    assert_eq!(
        refusal("x.ods", &ods_with("", manifest)),
        "The workbook is protected by a password. Save it without one and send it again."
    );
}
