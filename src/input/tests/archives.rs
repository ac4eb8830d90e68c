//! ZIP and gzip, good and bad.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

pub(super) fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        if let Some(folder) = name.strip_suffix('/') {
            zip.add_directory(folder, SimpleFileOptions::default()).unwrap();
        } else {
            zip.start_file(*name, SimpleFileOptions::default().compression_level(Some(9))).unwrap();
            zip.write_all(bytes).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

/// The archive after its members were changed.
pub(super) fn repacked(archive: &[u8], change: impl FnOnce(&mut [(String, Vec<u8>)])) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut members = Vec::new();
    for n in 0..zip.len() {
        let mut member = zip.by_index(n).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut bytes).unwrap();
        members.push((member.name().unwrap().into_owned(), bytes));
    }
    change(&mut members);
    let members: Vec<_> = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    zip_of(&members)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn book(sheets: &[(&str, &str)]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (title, header) in sheets {
        book.add_worksheet().set_name(*title).unwrap().write_string(0, 0, *header).unwrap();
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn a_zip_is_a_table_for_each_file_and_sheet() {
    let bytes = zip_of(&[
        ("data/", b""),
        ("data/Orders 2026.csv", b"id;name\n1;\"a;b\"\n"),
        ("data/.hidden.csv", b"no"),
        ("__MACOSX/data/._Orders 2026.csv", b"\0\x05\x16\x07"),
        ("data/books.xlsx", &book(&[("First", "a"), ("Second one", "b")])),
        ("data/book.xlsx", &book(&[("Only", "c")])),
    ]);
    let mut input = file("export.zip", &bytes).unwrap();
    assert_eq!(
        tables(&input),
        [
            ("Orders 2026", "orders_2026"),
            ("book", "book"),
            ("books First", "books_first"),
            ("books Second one", "books_second_one"),
        ]
    );
    assert_eq!(table(&mut input, 0).unwrap().1, [row(2, &["1", "a;b"])]);
    // In any order: one workbook is open at a time.
    assert_eq!(table(&mut input, 3).unwrap().0, ["b"]);
    assert_eq!(table(&mut input, 1).unwrap().0, ["c"]);
    assert_eq!(table(&mut input, 2).unwrap().0, ["a"]);
    assert_eq!(table(&mut input, 0).unwrap().1, [row(2, &["1", "a;b"])]);
}

#[test]
fn what_was_unpacked_goes_with_the_file() {
    let scratch = tempfile::tempdir().unwrap();
    let (options, cancel) = (InputOptions::default(), CancelToken::new());
    let opening = Opening {
        name: "x.zip",
        options: &options,
        limits: LIMITS,
        scratch: scratch.path(),
        cancel: &cancel,
    };
    let left = || std::fs::read_dir(scratch.path()).unwrap().count();
    for bytes in [zip_of(&[("a.csv", b"a\n1\n")]), gzip(b"a\n1\n")] {
        let opening = Opening { name: "x", ..opening };
        let input = InputFile::open(Box::new(Cursor::new(bytes)), &opening).unwrap();
        assert_eq!(left(), 1);
        drop(input);
        assert_eq!(left(), 0);
    }
    let refused =
        InputFile::open(Box::new(Cursor::new(zip_of(&[("a.csv", b"a\n"), ("b.csv", b"")]))), &opening);
    assert!(refused.is_ok(), "an empty member shows when it is read");
    drop(refused);
    let refused =
        InputFile::open(Box::new(Cursor::new(zip_of(&[("a.csv", b"a\n"), ("b.pdf", b"%PDF-1")]))), &opening);
    assert!(refused.is_err());
    assert_eq!(left(), 0);
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../up.csv", "a/../../up.csv", "/etc/up.csv", "C:/up.csv", "a\\..\\..\\up.csv"] {
        // Writers do not write such names: a name as long stands in its place.
        let other = "x".repeat(name.len());
        let mut bytes = zip_of(&[("fine.csv", b"a\n1\n"), (&other, b"a\n")]);
        for at in 0..bytes.len() - other.len() {
            if bytes[at..].starts_with(other.as_bytes()) {
                bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
            }
        }
        assert_eq!(
            refusal("x.zip", &bytes),
            format!(
                "The ZIP archive holds a file named {:?}, which leads out of the archive.",
                name.replace('\\', "/")
            )
        );
    }
}

#[test]
fn archives_in_archives_and_folders_in_folders_are_refused() {
    let inner = zip_of(&[("a.csv", b"a\n1\n")]);
    assert_eq!(
        refusal("x.zip", &zip_of(&[("inner.zip", &inner)])),
        "The ZIP archive holds another archive, inner.zip. Put the files themselves into one archive."
    );
    let packed = zip_of(&[("a.csv.gz", &gzip(b"a\n1\n"))]);
    assert!(refusal("x.zip", &packed).contains("holds another archive, a.csv.gz."));
    assert_eq!(
        refusal("x.zip", &zip_of(&[("a/b/c.csv", b"a\n1\n")])),
        "a/b/c.csv in the ZIP archive lies in a folder of a folder. Put the files into one folder, or into none."
    );
    assert_eq!(
        refusal("x.zip", &zip_of(&[("a/c.csv", b"a\n1\n"), ("b.csv", b"a\n1\n")])),
        "The ZIP archive holds files in several folders: a/c.csv and b.csv. Put them all into one, or into none."
    );
    assert_eq!(refusal("x.zip", &zip_of(&[("__MACOSX/x", b"x")])), "The ZIP archive holds no file to read.");
    assert_eq!(
        refusal("x.zip", &zip_of(&[("a.csv", b"a\n1\n"), ("readme.pdf", b"%PDF-1.4")])),
        "readme.pdf: The file is a PDF document. What is read is delimited text (CSV), workbooks (.xlsx, .xlsm, \
         .xlsb, .xls, .ods), ZIP archives of these, and gzip archives of delimited text."
    );
}

#[test]
fn what_is_wrong_in_one_of_several_says_in_which() {
    let bytes = zip_of(&[("a.csv", b"a\n1\n"), ("b.csv", b"a\n\"open\n")]);
    assert_eq!(
        refusal("x.zip", &bytes),
        "b: Line 2: a quote (\") opens in the record that starts here and is not closed before the end of the \
         file."
    );
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let zeros = vec![b'0'; 20 << 20];
    assert_eq!(
        bomb_refusal("x.zip", &zip_of(&[("bomb.csv", &zeros)])),
        "bomb.csv unpacks to N times its size, more than 250 times (files.max_unpack_ratio): it looks like a bomb."
    );
    let many: Vec<(String, &[u8])> = (0..51).map(|n| (format!("{n}.csv"), b"a".as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    assert_eq!(
        refusal("x.zip", &zip_of(&many)),
        "The file is an archive of 51 files, more than the 50 that are unpacked (files.max_archive_files)."
    );
    let small = UnpackLimits { max_unpacked_mb: 1, max_unpack_ratio: 10_000, ..LIMITS };
    let refused = |name, bytes: &[u8]| {
        file_with(name, bytes, &InputOptions::default(), small).map(drop).unwrap_err().to_string()
    };
    let sentence = "The file unpacks to more than 1 MB (files.max_unpacked_mb).";
    assert_eq!(refused("x.zip", &zip_of(&[("bomb.csv", &zeros)])), sentence);
    assert_eq!(refused("x.csv.gz", &gzip(&zeros)), sentence);
    assert_eq!(
        bomb_refusal("x.csv.gz", &gzip(&zeros)),
        "The gzip archive unpacks to N times its size, more than 250 times (files.max_unpack_ratio): it looks \
         like a bomb."
    );
}

/// The larger count is in the ZIP64 end, and the other one says nothing of it: the directory of ten million files
/// must not be read to find out.
#[test]
fn the_count_of_a_zip64_end_counts_whatever_the_other_says() {
    let mut bytes = zip_of(&[("a.csv", b"a\n1\n")]);
    let end_at = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let mut end = bytes.split_off(end_at);
    end[16..20].fill(0xff);
    let record = [
        b"PK\x06\x06".as_slice(),
        &44_u64.to_le_bytes(),
        &[45, 0, 45, 0],
        &[0; 8],
        &10_000_000_u64.to_le_bytes(),
        &10_000_000_u64.to_le_bytes(),
        &[0; 16],
    ];
    let locator = [b"PK\x06\x07".as_slice(), &[0; 4], &(end_at as u64).to_le_bytes(), &[1, 0, 0, 0]];
    bytes.extend([record.concat(), locator.concat(), end].concat());
    assert_eq!(
        refusal("x.zip", &bytes),
        "The file is an archive of 10000000 files, more than the 50 that are unpacked (files.max_archive_files)."
    );
}

#[test]
fn nothing_is_unpacked_onto_a_disk_that_is_nearly_full() {
    let limits = UnpackLimits { min_free_mb: u64::MAX, ..LIMITS };
    for (name, bytes) in [("x.zip", zip_of(&[("a.csv", b"a\n1\n")])), ("x.csv.gz", gzip(b"a\n1\n"))] {
        let refused = file_with(name, &bytes, &InputOptions::default(), limits).map(drop).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "The file was not unpacked: less than 18446744073709551615 MB are free on the disk \
             (engine.min_free_mb)."
        );
        assert_eq!(crate::error::Error::from(refused).code, crate::error::Code::DiskFull);
    }
    let full = InputError::Io(std::io::ErrorKind::StorageFull.into()).within("a.csv");
    assert_eq!(crate::error::Error::from(full).code, crate::error::Code::DiskFull);
}

#[test]
fn a_name_that_promises_a_workbook_or_an_archive_is_held_to_it() {
    let (books, zip, packed) = (book(&[("S", "a")]), zip_of(&[("a.csv", b"a\n1\n")]), gzip(b"a\n1\n"));
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    compound.flush().unwrap();
    let compound = compound.into_inner().into_inner();
    for (name, bytes, found) in [
        ("a.xlsx", &packed, "a gzip archive and not a workbook"),
        ("a.csv.gz", &zip, "a ZIP archive or a workbook (.xlsx, .xlsm, .xlsb, .ods) and not a gzip archive"),
        ("a.zip", &packed, "a gzip archive and not a ZIP archive"),
        ("a.ZIP", &compound, "an old or encrypted workbook (.xls) and not a ZIP archive"),
        ("a.xls", &b"%PDF-1.7\n".to_vec(), "a PDF document and not a workbook"),
    ] {
        let sentence = refusal(name, bytes);
        assert!(sentence.contains(&format!(", but it is {found}. Save it")), "{name}: {sentence}");
    }
    // Which kind of workbook, and what a text is called, content alone decides.
    for (name, bytes) in
        [("a.xls", &books), ("a.zip", &books), ("a.csv", &books), ("a.csv", &zip), ("a.tsv", &packed)]
    {
        assert!(file(name, bytes).is_ok(), "{name}");
    }
}

#[test]
fn a_file_that_is_larger_than_it_says_is_refused() {
    let mut bytes = zip_of(&[("lie.csv", &b"a,b\n1,2\n".repeat(10_000))]);
    let size = 80_000_u32.to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    let sentence = refusal("x.zip", &bytes);
    assert!(sentence.starts_with("lie.csv: The ZIP archive is damaged: "), "{sentence}");
}

#[test]
fn archives_that_are_cut_or_damaged_say_so() {
    let whole = zip_of(&[("a.csv", &b"a,b\n1,2\n".repeat(1_000))]);
    assert_eq!(
        refusal("x.zip", &whole[..whole.len() / 2]),
        "The ZIP archive is damaged: its directory is missing, as if it was not sent whole."
    );
    let mut damaged = whole;
    damaged[50] ^= 0xff;
    assert!(
        refusal("x.zip", &damaged).contains("The ZIP archive is damaged: "),
        "{}",
        refusal("x.zip", &damaged)
    );

    let packed = gzip(&b"a,b\n1,2\n".repeat(10_000));
    for length in [packed.len() - 1, packed.len() - 8, packed.len() / 2, 12, 3] {
        assert_eq!(
            refusal("x.csv.gz", &packed[..length]),
            "The gzip archive ends before its end: it is truncated. Send it again.",
            "{length}"
        );
    }
    let mut damaged = packed;
    let at = damaged.len() - 6;
    damaged[at] ^= 0xff;
    assert!(refusal("x.csv.gz", &damaged).starts_with("The gzip archive is damaged: "));
}

#[test]
fn a_gzip_archive_may_have_several_members_and_something_behind_them() {
    let mut packed = gzip(b"a,b\n1,2\n");
    packed.extend(gzip(b"3,4\n"));
    let expected = [row(2, &["1", "2"]), row(3, &["3", "4"])];
    let mut input = file("Orders 2026.csv.gz", &packed).unwrap();
    assert_eq!(tables(&input), [("Orders 2026.csv.gz", "orders_2026_csv_gz")]);
    assert_eq!(table(&mut input, 0).unwrap().1, expected);
    packed.extend([0; 512]);
    assert_eq!(file("x.gz", &packed).unwrap().warnings.total(), 0, "padding");
    packed.extend(b"garbage");
    let mut input = file("x.gz", &packed).unwrap();
    assert_eq!(table(&mut input, 0).unwrap().1, expected);
    assert_eq!(sentences(&input.warnings), ["519 bytes stand behind the end of the gzip archive; left out."]);
}

#[test]
fn gzip_is_for_text() {
    let packed = gzip(&book(&[("x", "a")]));
    assert_eq!(
        refusal("x.xlsx.gz", &packed),
        "The file is a gzip archive of something else than text: a ZIP archive or a workbook (.xlsx, .xlsm, .xlsb, \
         .ods). Send that as it is, without gzip."
    );
}

#[test]
fn files_that_are_encrypted_or_packed_otherwise_are_refused() {
    let mut bytes = zip_of(&[("secret.csv", b"a\n1\n")]);
    // The first flag of a file, in both of its directories.
    let central = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[central + 8] |= 1;
    assert_eq!(
        refusal("x.zip", &bytes),
        "secret.csv in the ZIP archive is encrypted. Send it without a password."
    );
    let mut bytes = zip_of(&[("a.csv", b"a\n1\n")]);
    let central = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    bytes[8] = 12;
    bytes[central + 10] = 12;
    assert_eq!(
        refusal("x.zip", &bytes),
        "a.csv in the ZIP archive is packed by a method that is not read. Pack it as a plain ZIP (deflate)."
    );
}

#[test]
fn other_office_documents_are_called_by_their_names() {
    for (names, found) in [
        (["[Content_Types].xml", "word/document.xml"], "a Word document"),
        (["[Content_Types].xml", "ppt/presentation.xml"], "a presentation"),
        (["[Content_Types].xml", "visio/document.xml"], "an office document"),
    ] {
        let members: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, b"<x/>".as_slice())).collect();
        assert_eq!(refusal("x", &zip_of(&members)), format!("The file is {found} and no workbook."));
    }
    let text = zip_of(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("META-INF/manifest.xml", b"<m/>"),
        ("content.xml", b"<c/>"),
    ]);
    assert_eq!(refusal("x.odt", &text), "The file is an OpenDocument file and no workbook.");
}

#[test]
fn a_stored_file_is_read_too() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("a.tsv", stored).unwrap();
    zip.write_all(b"a\tb\n1\t2\n").unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert_eq!(table(&mut file("x.zip", &bytes).unwrap(), 0).unwrap().1, [row(2, &["1", "2"])]);
}
