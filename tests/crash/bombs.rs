//! Bombs cost the process no memory: what is packed small is refused, or read in pieces.

use std::{
    fs,
    io::{Cursor, Write as _},
};

use flate2::{Compression, write::GzEncoder};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    process::{self, Process, TOKEN, set_up},
    support::journey::{run_ended, text, upload},
};

/// Megabytes of zeros in each bomb.
const SIZE_MB: usize = 512;
/// How much the process may grow meanwhile, KB. A run that reads a file takes about a third of it.
const GROWTH_KB: u64 = 96 * 1024;

/// The largest that the process has been, KB.
fn peak(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn zeros(out: &mut impl std::io::Write) {
    let piece = vec![b'0'; 1 << 20];
    for _ in 0..SIZE_MB {
        out.write_all(&piece).unwrap();
    }
}

fn zip_of(parts: &[(&str, &[u8])], bomb: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.start_file(bomb, SimpleFileOptions::default()).unwrap();
    zeros(&mut zip);
    zip.finish().unwrap().into_inner()
}

fn gzip() -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    zeros(&mut gzip);
    gzip.finish().unwrap()
}

#[test]
fn bombs_do_not_grow_the_process() {
    let data = tempfile::tempdir().unwrap();
    let rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = format!(
        "<Relationships><Relationship Id='r' Type='{rels}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
    );
    let parts = format!(
        "<Relationships><Relationship Id='r' Type='{rels}/sharedStrings' Target='sharedStrings.xml'/></Relationships>"
    );
    let book = [
        ("[Content_Types].xml", b"<Types/>".as_slice()),
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", b"<workbook><sheets/></workbook>"),
        ("xl/_rels/workbook.xml.rels", parts.as_bytes()),
    ];
    let strings = zip_of(&book, "xl/sharedStrings.xml");
    let files = [("bomb.zip", zip_of(&[], "bomb.csv")), ("bomb.csv.gz", gzip()), ("bomb.xlsx", strings)];
    // Refused by what it says, and where that is allowed, by what it is: one line, one string without an end.
    for (ratio, reasons) in [
        ("250", ["looks like a bomb", "looks like a bomb", "looks like a bomb"]),
        ("5000", ["larger than 16 MB", "larger than 16 MB", "one element is larger than a row can be"]),
    ] {
        let mut command = process::server(&data.path().join(ratio));
        let server = Process::started(command.env("SMARTCONNECTOR_FILES_MAX_UNPACK_RATIO", ratio));
        set_up(&server.client);
        // What a run costs anyway.
        let first = upload(&server.client, TOKEN, "small.csv", b"Number,Total\n1,1\n", &[]).created();
        run_ended(&server.client, TOKEN, text(&first["execution_id"]));
        let before = peak(&server);
        for ((name, bytes), reason) in files.iter().zip(reasons) {
            let sent = upload(&server.client, TOKEN, name, bytes, &[]).created();
            let row = run_ended(&server.client, TOKEN, text(&sent["execution_id"]));
            assert_eq!(row["status"], "failed", "{name}: {row}");
            assert!(text(&row["error_details"]).contains(reason), "{name}: {row}");
            // The system counts in steps: a peak may be told a little lower than before.
            let grown = peak(&server).saturating_sub(before);
            println!("{name} at a ratio of {ratio}: the process grew by {grown} KB");
            assert!(grown < GROWTH_KB, "{name} at a ratio of {ratio}: {grown} KB");
        }
        server.kill();
    }
}
