//! Bad input and what it gets, message by message (spec: triggers §5, as far as delimited text goes).

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/odd/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn refused(bytes: &[u8]) -> String {
    failure(bytes, &InputOptions::default())
}

#[test]
fn an_empty_file() {
    for bytes in [b"".as_slice(), b"\xef\xbb\xbf", b"\n\r\n\n", b"\0\0"] {
        assert_eq!(refused(bytes), "The file is empty: it has no header line.", "{bytes:?}");
    }
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    for bytes in [b"a,b".as_slice(), b"a,b\r\n", b"a,b\n\n\n"] {
        let mut reader = open(bytes).unwrap();
        assert_eq!(names(&reader), ["a", "b"]);
        assert_eq!(rows(&mut reader).unwrap(), []);
        assert_eq!(reader.warnings.total(), 0);
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_header() {
    let mut reader = open(&fixture("utf8_bom.csv")).unwrap();
    assert_eq!(reader.header.columns[0].original, "Größe");
    assert_eq!(reader.format.encoding, Encoding::UTF_8);
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["XL", "Zoë"])]);

    // It says UTF-8 also where a byte is not: that byte is replaced.
    let mut reader = open(b"\xef\xbb\xbfa,b\n\xe9,\xc3\xa9\n").unwrap();
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["\u{fffd}", "é"])]);
    assert_eq!(sentences(&reader.warnings), ["Line 2: 1 byte is not UTF-8; replaced with \u{fffd}."]);

    // A declared encoding holds for the text; the mark is none.
    let latin = InputOptions { encoding: Some("windows-1252".to_owned()), ..InputOptions::default() };
    let reader = open_with(b"\xef\xbb\xbfa\xe9\n", &latin).unwrap();
    assert_eq!(reader.header.columns[0].original, "aé");
}

#[test]
fn windows_1252_is_what_is_not_utf8() {
    let mut reader = open(&fixture("windows_1252.csv")).unwrap();
    assert_eq!(reader.format.encoding.to_string(), "windows-1252");
    assert_eq!(reader.header.columns[0].original, "Straße");
    assert_eq!(names(&reader), ["stra_e", "preis"]);
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["Allée – “Nord”", "5 €"]), row(3, &["Größe", "7 €"])]);
    assert_eq!(reader.warnings.total(), 0);
}

#[test]
fn the_last_byte_of_a_large_file_decides_its_encoding() {
    let mut bytes = b"n\xc3\xa4me,x\n".to_vec();
    for n in 0..30_000 {
        bytes.extend(format!("row {n},x\n").into_bytes());
    }
    assert_eq!(open(&bytes).unwrap().header.columns[0].original, "näme");
    bytes.extend(b"caf\xe9,x");
    let mut reader = open(&bytes).unwrap();
    assert_eq!(reader.header.columns[0].original, "nÃ¤me");
    assert_eq!(rows(&mut reader).unwrap()[30_000], row(30_002, &["café", "x"]));
}

#[test]
fn declared_utf8_replaces_what_is_not() {
    let options = InputOptions { encoding: Some("utf-8".to_owned()), ..InputOptions::default() };
    let mut reader = open_with(b"a,b\n\xc3,\xa9\nok,\xe4\xbd\n", &options).unwrap();
    let replaced = "\u{fffd}";
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &[replaced, replaced]), row(3, &["ok", replaced])]);
    assert_eq!(
        sentences(&reader.warnings),
        [
            "Line 2: 2 bytes are not UTF-8; replaced with \u{fffd}.",
            "Line 3: 2 bytes are not UTF-8; replaced with \u{fffd}."
        ]
    );
}

#[test]
fn what_is_no_text_is_called_by_its_name() {
    let tail = "What is read is delimited text (CSV), workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods), ZIP archives of \
                these, and gzip archives of delimited text.";
    let noise: Vec<u8> = (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (bytes, found) in [
        (b"%PDF-1.7\n%".as_slice(), "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\x7fELF\x02\x01", "an executable program"),
        (&noise, "no text but binary data"),
    ] {
        assert_eq!(refused(bytes), format!("The file is {found}. {tail}"));
        assert_eq!(refusal("data.csv", bytes), refused(bytes));
    }
}

#[test]
fn mixed_line_ends_count_one_line_each() {
    let mut reader = open(&fixture("mixed_line_ends.csv")).unwrap();
    let got = rows(&mut reader).unwrap();
    let expected = [
        row(2, &["1", "unix"]),
        row(3, &["2", "windows"]),
        row(4, &["3", "old mac"]),
        // A blank line before, and a cell of three lines with three kinds of ends.
        row(6, &["4", "one\ntwo\r\nthree\rfour"]),
        row(10, &["5", "after"]),
        row(11, &["6", "last, without an end"]),
    ];
    assert_eq!(got, expected);
    assert_eq!(reader.warnings.total(), 0);
}

#[test]
fn a_lone_quote() {
    // Inside a cell it is text.
    let mut reader = open(b"item,size\npipe,5\"\n\"say \"\"hi\"\"\",3' 2\"\n").unwrap();
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["pipe", "5\""]), row(3, &["say \"hi\"", "3' 2\""])]);

    // At a cell's start it opens one, and what never closes is refused.
    assert_eq!(
        refused(&fixture("lone_quote.csv")),
        "Line 3: a quote (\") opens in the record that starts here and is not closed before the end of the file."
    );
    for closed in [b"a\n\"x\"".as_slice(), b"a\n\"\"", b"a\n\"x\"\"\"", b"a\nx\""] {
        assert!(rows(&mut open(closed).unwrap()).is_ok(), "{closed:?}");
    }
    for open_ in [b"a\n\"x\"\"".as_slice(), b"a\n\"", b"\"a\n", b"a\n1\n\"\n"] {
        assert!(refused(open_).ends_with("is not closed before the end of the file."), "{open_:?}");
    }
}

#[test]
fn a_cell_of_ten_megabytes_is_read_and_one_of_twenty_refused() {
    let cell = |megabytes: usize| {
        let mut bytes = b"a,b,c\n1,2,3\nx,\"".to_vec();
        bytes.resize(bytes.len() + megabytes * 1_000_000, b'y');
        bytes.extend(b"\",z\n4,5,6\n");
        bytes
    };
    let mut reader = open(&cell(10)).unwrap();
    let got = rows(&mut reader).unwrap();
    assert_eq!(got[1].1[1].as_ref().map(String::len), Some(10_000_000));
    assert_eq!(got[2], row(4, &["4", "5", "6"]));

    assert_eq!(
        refused(&cell(20)),
        "Line 3: the record that starts here is larger than 16 MB, reached in column 2. Is a quote left open \
         there?"
    );
}

#[test]
fn text_that_grows_past_the_limit_is_refused() {
    let mut bytes = b"a,b\n1,".to_vec();
    bytes.resize(bytes.len() + 9_000_000, 0x80);
    assert_eq!(
        refused(&bytes),
        "Line 2: the record that starts here is larger than 16 MB, reached in column 2. Is a quote left open \
         there?"
    );
}

#[test]
fn five_thousand_columns() {
    let header = |n: usize| (0..n).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    assert_eq!(
        refused(header(5_000).as_bytes()),
        "Line 1: the header has 5000 columns, at most 2000 are possible."
    );
    assert_eq!(open(header(2_000).as_bytes()).unwrap().header.columns.len(), 2_000);
}

#[test]
fn duplicate_and_blank_headers() {
    let mut reader = open(&fixture("headers.csv")).unwrap();
    assert_eq!(
        names(&reader),
        ["e_mail", "_2", "e_mail__duplicate_1__", "_2nd_address", "_5", "e_mail__duplicate_2__"]
    );
    let originals: Vec<&str> = reader.header.columns.iter().map(|c| c.original.as_str()).collect();
    assert_eq!(originals, ["E-Mail", "", "e-mail", "2nd Address", " ", "E Mail"]);
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["a", "b", "c", "d", "e", "f"])]);
}

#[test]
fn ragged_rows() {
    let mut reader = open(&fixture("ragged.csv")).unwrap();
    assert_eq!(
        rows(&mut reader).unwrap(),
        [row(2, &["1", "2", "3"]), row(3, &["4", "", ""]), row(4, &["5", "6", "7"]), row(5, &["", "", ""])]
    );
    assert_eq!(
        sentences(&reader.warnings),
        [
            "Line 3: 1 cell, expected 3; the missing ones are NULL.",
            "Line 4: 5 cells, expected 3; the extra ones were left out."
        ]
    );
}

#[test]
fn a_row_far_wider_than_its_header_is_cut() {
    let wide = vec!["x"; 10_000].join(",");
    let mut reader = open(format!("a,b\n{wide}\n1,2\n").as_bytes()).unwrap();
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["x", "x"]), row(3, &["1", "2"])]);
    assert_eq!(
        sentences(&reader.warnings),
        ["Line 2: 10000 cells, expected 2; the extra ones were left out."]
    );
}

#[test]
fn nul_bytes() {
    let mut reader = open(&fixture("nuls.csv")).unwrap();
    assert_eq!(
        rows(&mut reader).unwrap(),
        [row(2, &["1", "one"]), row(3, &["2", "t,w\no"]), row(5, &["3", "three"])]
    );
    assert_eq!(
        sentences(&reader.warnings),
        [
            "Line 2: 1 NUL byte was removed.",
            "Line 3: 3 NUL bytes were removed.",
            "Line 6: 2 NUL bytes were removed."
        ]
    );
}

#[test]
fn a_csv_named_xlsx_is_refused() {
    let text = fixture("delimited_text.xlsx");
    for (name, extension, expected) in [
        ("delimited_text.xlsx", ".xlsx", "a workbook"),
        ("EXPORT.XLS", ".xls", "a workbook"),
        ("x.ods", ".ods", "a workbook"),
        ("x.zip", ".zip", "a ZIP archive"),
        ("x.csv.gz", ".gz", "a gzip archive"),
    ] {
        assert_eq!(
            file(name, &text).map(drop).unwrap_err().to_string(),
            format!(
                "The file's name ends in {extension}, but it is text and not {expected}. Save it as {expected}, or give \
                 it the name of what it is."
            )
        );
    }
    assert!(file("delimited_text.csv", &text).is_ok());
}

#[test]
fn blank_cells_are_null_quoted_or_not_and_nothing_is_trimmed() {
    let options =
        InputOptions { null_values: vec!["NULL".to_owned(), "n/a".to_owned()], ..InputOptions::default() };
    let mut reader = open_with(b"a,b,c,d,e\n,\"\", x ,NULL,\"n/a\"\nnull,N/A,NULLS, ,1\n", &options).unwrap();
    assert_eq!(
        rows(&mut reader).unwrap(),
        [row(2, &["", "", " x ", "", ""]), row(3, &["null", "N/A", "NULLS", " ", "1"])]
    );
}

#[test]
fn options_override_what_the_file_seems_to_say() {
    let options = InputOptions {
        delimiter: Some("|".to_owned()),
        quote: Some("'".to_owned()),
        header_row: Some(3),
        ..InputOptions::default()
    };
    let bytes = b"Report, 'of\r\n\r\nid|note\r\n1|'a|b'\r\n2|it,\"s\r\n";
    let mut reader = open_with(bytes, &options).unwrap();
    assert_eq!((names(&reader), reader.header.line), (vec!["id", "note"], 3));
    assert_eq!(rows(&mut reader).unwrap(), [row(4, &["1", "a|b"]), row(5, &["2", "it,\"s"])]);
}

#[test]
fn a_header_past_the_end_is_refused() {
    let at = |header_row| InputOptions { header_row: Some(header_row), ..InputOptions::default() };
    assert_eq!(
        failure(b"a\nb\n", &at(3)),
        "The header should be in line 3 (header_row), but the file has 2 lines."
    );
    assert_eq!(
        failure(b"a", &at(2)),
        "The header should be in line 2 (header_row), but the file has 1 line."
    );
    assert!(open_with(b"a\nb", &at(2)).is_ok());
}

#[test]
fn a_file_that_vanishes_says_so() {
    struct Vanishing(u64);
    impl std::io::Read for Vanishing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0 > 100_000 {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::NotFound,
                    "the file is gone from the store",
                ));
            }
            buffer.fill(b'a');
            self.0 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }
    impl std::io::Seek for Vanishing {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0 = 0;
            Ok(0)
        }
    }
    let error =
        DelimitedReader::open(Vanishing(0), &InputOptions::default(), &CancelToken::new()).err().unwrap();
    assert_eq!(error.to_string(), "The input file could not be read: the file is gone from the store.");
}

#[test]
fn a_set_token_stops_rows_at_hand() {
    let cancel = CancelToken::new();
    let source = Cursor::new(b"a\n1\n2\n".to_vec());
    let mut reader = DelimitedReader::open(source, &InputOptions::default(), &cancel).unwrap();
    let mut buffer = RowBuf::new();
    assert!(reader.read(&mut buffer).unwrap());
    cancel.cancel();
    assert!(matches!(reader.read(&mut buffer), Err(InputError::Cancelled)));
}
