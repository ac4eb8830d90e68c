//! What a writer writes is what a reader reads, and lines are where a person would count them.

use proptest::prelude::*;

use super::*;

/// Cells that exercise every rule: quotes, delimiters, all line ends, other alphabets, nothing.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{0,8}",
        1 => "[\"',;|\t \r\n]{0,4}",
        1 => "(\r\n|\n|\r|\"|x){0,5}",
        1 => "\\PC{0,6}",
    ]
}

fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    (1..6_usize).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(cell(), width), 1..20))
}

/// The table as a file, with the line where each record starts, counted a character at a time.
fn write(table: &[Vec<String>], delimiter: u8, ends: &[&str]) -> (String, Vec<u64>) {
    let (mut file, mut lines) = (String::new(), Vec::new());
    for (n, record) in table.iter().enumerate() {
        lines.push(line_at_end(&file));
        let mut writer = csv_writer(delimiter);
        writer.write_record(record).unwrap();
        let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        file.push_str(written.strip_suffix('\n').unwrap());
        file.push_str(ends[n % ends.len()]);
    }
    (file, lines)
}

fn csv_writer(delimiter: u8) -> ::csv::Writer<Vec<u8>> {
    ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new())
}

fn line_at_end(text: &str) -> u64 {
    1 + text.replace("\r\n", "\n").chars().filter(|c| matches!(c, '\n' | '\r')).count() as u64
}

/// Hands out a few bytes at a time, so that records, characters and line ends are cut everywhere.
struct Trickle(Cursor<Vec<u8>>, usize);

impl std::io::Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(self.1);
        self.0.read(&mut buffer[..n])
    }
}

impl std::io::Seek for Trickle {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

proptest! {
    #[test]
    fn cells_and_lines_survive(
        table in table(),
        delimiter in prop::sample::select(b",\t;|".to_vec()),
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 1..4),
        step in 1..40_usize,
    ) {
        let (file, lines) = write(&table, delimiter, &ends);
        let options = InputOptions {
            delimiter: Some(char::from(delimiter).to_string()),
            ..InputOptions::default()
        };
        let source = Trickle(Cursor::new(file.clone().into_bytes()), step);
        let mut reader = DelimitedReader::open(source, &options, &CancelToken::new()).unwrap();
        let originals: Vec<&String> = reader.header.columns.iter().map(|c| &c.original).collect();
        prop_assert_eq!(originals, table[0].iter().collect::<Vec<_>>());

        let mut buffer = RowBuf::new();
        for (record, line) in table[1..].iter().zip(&lines[1..]) {
            prop_assert!(reader.read(&mut buffer).unwrap());
            let cells: Vec<&str> = buffer.iter().map(Option::unwrap_or_default).collect();
            prop_assert_eq!(cells, record.iter().map(String::as_str).collect::<Vec<_>>(), "{:?}", file);
            prop_assert_eq!(buffer.line(), *line, "{:?}", file);
        }
        prop_assert!(!reader.read(&mut buffer).unwrap());
        prop_assert_eq!(reader.warnings.total(), 0);
    }

    #[test]
    fn picked_records_are_exact(
        table in table(),
        picks in prop::collection::vec(any::<bool>(), 20),
        step in 1..40_usize,
    ) {
        let (file, lines) = write(&table, b',', &["\n"]);
        let options = InputOptions { delimiter: Some(",".to_owned()), ..InputOptions::default() };
        let picked: Vec<usize> = (1..table.len()).filter(|n| picks[*n]).collect();
        let wanted: Vec<u64> = picked.iter().map(|n| lines[*n]).collect();
        let source = Box::new(Trickle(Cursor::new(file.into_bytes()), step));
        let (scratch, cancel) = (std::env::temp_dir(), CancelToken::new());
        let opening = Opening { name: "x.csv", options: &options, limits: LIMITS, scratch: &scratch, cancel: &cancel };
        let mut input = InputFile::open(source, &opening).unwrap();
        let mut originals = OriginalRecords::open(&mut input, 0, Some(wanted)).unwrap();
        for n in picked {
            let record = originals.read().unwrap().unwrap();
            prop_assert_eq!(record.line(), lines[n]);
            prop_assert_eq!(record.cells().collect::<Vec<_>>(), table[n].iter().map(String::as_bytes).collect::<Vec<_>>());
        }
        prop_assert!(originals.read().unwrap().is_none());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(mut reader) = open(&bytes) {
            let width = reader.header.columns.len();
            if let Ok(rows) = rows(&mut reader) {
                prop_assert!(rows.iter().all(|(_, cells)| cells.len() == width));
            }
        }
    }
}
