//! Encodings: by mark, by look, by detection, by option.

use super::*;

const TEXT: &str = "Größe;Preis\r\nXL;\"5,–\r\n€\"\r\n名;7\r\n";

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn declared(encoding: &str) -> InputOptions {
    InputOptions { encoding: Some(encoding.to_owned()), ..InputOptions::default() }
}

#[test]
fn utf16_is_read_with_a_mark_and_without() {
    let marked = format!("\u{feff}{TEXT}");
    for (bytes, encoding) in [
        (utf16(&marked, u16::to_le_bytes), "UTF-16LE"),
        (utf16(&marked, u16::to_be_bytes), "UTF-16BE"),
        (utf16(TEXT, u16::to_le_bytes), "UTF-16LE"),
        (utf16(TEXT, u16::to_be_bytes), "UTF-16BE"),
    ] {
        let mut reader = open(&bytes).unwrap();
        assert_eq!(reader.format.encoding.name(), encoding);
        assert_eq!((reader.format.delimiter, names(&reader)), (b';', vec!["gr__e", "preis"]));
        assert_eq!(rows(&mut reader).unwrap(), [row(2, &["XL", "5,–\r\n€"]), row(4, &["名", "7"])]);
        assert_eq!(reader.warnings.total(), 0);
    }
}

#[test]
fn half_a_character_of_utf16_is_replaced_and_counted() {
    let mut bytes = utf16("a,b\nx,y\n", u16::to_le_bytes);
    bytes.extend([0x3d, 0xd8]);
    bytes.extend(utf16(",z\n", u16::to_le_bytes));
    bytes.push(b'!');
    let mut reader = open_with(&bytes, &declared("utf-16le")).unwrap();
    assert_eq!(
        rows(&mut reader).unwrap(),
        [row(2, &["x", "y"]), row(3, &["\u{fffd}\u{fffd}", "z"]), row(4, &["\u{fffd}", ""])]
    );
    assert_eq!(
        sentences(&reader.warnings),
        [
            "Line 3: 2 bytes are not UTF-16LE; replaced with \u{fffd}.",
            "Line 4: 1 byte is not UTF-16LE; replaced with \u{fffd}.",
            "Line 4: 1 cell, expected 2; the missing ones are NULL."
        ]
    );
}

#[test]
fn bytes_that_look_like_delimiters_within_characters_are_none() {
    // The second byte of ソ in Shift_JIS is a backslash, that of ポ a pipe.
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode("名前|品\nソ|ポスター\nキ|ポット\n");
    let mut reader = open(&bytes).unwrap();
    assert_eq!((reader.format.encoding.name(), reader.format.delimiter), ("Shift_JIS", b'|'));
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["ソ", "ポスター"]), row(3, &["キ", "ポット"])]);
}

#[test]
fn an_encoding_that_was_declared_counts() {
    for (label, text) in [
        ("koi8-r", "имя,город\nАнна,Москва\n"),
        ("cp1251", "имя,город\nАнна,Москва\n"),
        ("gbk", "姓名,城市\n王,北京\n"),
        ("euc-kr", "이름,도시\n김,서울\n"),
        ("iso-8859-2", "Imię,Miasto\nŁukasz,Łódź\n"),
        ("macintosh", "Größe,x\n√,Ω\n"),
    ] {
        let (bytes, _, lost) = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().encode(text);
        assert!(!lost, "{label}");
        let mut reader = open_with(&bytes, &declared(label)).unwrap();
        let header: Vec<_> = reader.header.columns.iter().map(|column| column.original.as_str()).collect();
        let mut lines = text.lines();
        assert_eq!(header.join(","), lines.next().unwrap(), "{label}");
        let cells = lines.next().unwrap().split(',').collect::<Vec<_>>();
        assert_eq!(rows(&mut reader).unwrap(), [row(2, &cells)], "{label}");
    }
}

#[test]
fn a_mark_settles_what_the_option_leaves_open() {
    // `utf-16` is the lower byte first, unless the file says otherwise.
    let marked = utf16("\u{feff}a,b\n1,2\n", u16::to_be_bytes);
    let mut reader = open_with(&marked, &declared("utf-16")).unwrap();
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["1", "2"])]);
    // A file that was decoded comes back in UTF-8 with a mark.
    let mut reader = open_with("\u{feff}名,b\nソ,2\n".as_bytes(), &declared("shift_jis")).unwrap();
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["ソ", "2"])]);
}

#[test]
fn nul_characters_are_removed_after_decoding() {
    let mut reader = open(&utf16("\u{feff}name,city\nA\0da,Pa\0ris\n", u16::to_le_bytes)).unwrap();
    assert_eq!(rows(&mut reader).unwrap(), [row(2, &["Ada", "Paris"])]);
    assert_eq!(sentences(&reader.warnings), ["Line 2: 2 NUL bytes were removed."]);
}
