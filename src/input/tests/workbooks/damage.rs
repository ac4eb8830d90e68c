//! Bytes that changed on their way, of every format: whatever they are, the answer is rows or an error, and no more
//! of them than may be unpacked.

use proptest::prelude::*;

use super::*;

/// Reads all of it; what comes of that does not matter, how much it is does.
fn read(name: &str, bytes: &[u8]) {
    let mut given = 0;
    let _ = file(name, bytes).and_then(|mut input| {
        for n in 0..input.tables().len() {
            let mut reader = input.read(n)?;
            let mut row = RowBuf::new();
            while reader.read(&mut row)? {
                given += row.size();
            }
        }
        Ok(())
    });
    assert!(given <= (LIMITS.max_unpacked_mb as usize) << 20, "{name} gave {given} bytes");
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/odd/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The archive with each file changed before it is packed: inside, checksums would tell at once.
fn repacked(archive: &[u8], changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    archives::repacked(archive, |parts| {
        for (at, byte) in changes {
            let bytes = &mut parts[at.index(parts.len())].1;
            if !bytes.is_empty() {
                let place = at.index(bytes.len());
                bytes[place] = *byte;
            }
        }
    })
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_workbook_never_makes_the_reader_panic(changes in changes()) {
        for name in ["stock.xls", "encrypted.xlsx", "stock.ods", "two_files.zip", "truncated.csv.gz"] {
            let mut bytes = fixture(name);
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            read(name, &bytes);
        }
        for name in ["stock.xlsx", "formulas.xlsx", "stock.ods"] {
            read(name, &repacked(&fixture(name), &changes));
        }
        read("x.xlsb", &repacked(&xlsb::sample(), &changes));
        read("x.zip", &repacked(&fixture("two_files.zip"), &changes));
    }

    #[test]
    fn a_changed_text_never_makes_the_reader_panic(changes in changes()) {
        for name in [
            "header_only.csv", "headers.csv", "lone_quote.csv", "mixed_line_ends.csv", "nuls.csv", "ragged.csv",
            "utf16be_no_mark.csv", "utf16le.csv", "utf8_bom.csv", "windows_1252.csv", "truncated.csv.gz",
        ] {
            let mut bytes = fixture(name);
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            read(name, &bytes);
            read("x.tsv", &bytes[..changes[0].0.index(bytes.len())]);
        }
    }

    #[test]
    fn a_cut_workbook_never_makes_the_reader_panic(cut in any::<prop::sample::Index>()) {
        for name in ["stock.xls", "stock.xlsx", "stock.ods", "encrypted.xlsx", "two_files.zip"] {
            let bytes = fixture(name);
            read(name, &bytes[..cut.index(bytes.len())]);
        }
    }
}
