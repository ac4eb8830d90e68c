//! Bad input, what it gets (spec: triggers §5): how the run ends, and what it says.

use std::fmt::Write as _;

use super::{Desk, fixture, zip_of};
use serde_json::json;

use crate::support::journey::{path, run_ended, text};

fn cell_of(megabytes: usize) -> Vec<u8> {
    let mut bytes = b"a,b,c\n1,2,3\nx,\"".to_vec();
    bytes.resize(bytes.len() + megabytes * 1_000_000, b'y');
    bytes.extend(b"\",z\n");
    bytes
}

fn columns(count: usize) -> Vec<u8> {
    (0..count).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",").into_bytes()
}

/// A file that is nearly nothing when packed.
fn bomb() -> Vec<u8> {
    zip_of(&[("bomb.csv", &vec![b'0'; 40 << 20])])
}

#[test]
fn every_bad_input_gets_its_message_and_is_kept() {
    let desk = Desk::new();
    let fixtures = [
        "empty.csv",
        "header_only.csv",
        "utf8_bom.csv",
        "utf16le.csv",
        "utf16be_no_mark.csv",
        "windows_1252.csv",
        "mixed_line_ends.csv",
        "lone_quote.csv",
        "headers.csv",
        "ragged.csv",
        "nuls.csv",
        "delimited_text.xlsx",
        "encrypted.xlsx",
        "formulas.xlsx",
        "dot_dot.zip",
        "nested.zip",
        "truncated.csv.gz",
    ];
    let made = [
        ("ten_megabytes.csv", cell_of(10)),
        ("twenty_megabytes.csv", cell_of(20)),
        ("columns.csv", columns(5_000)),
        ("bomb.zip", bomb()),
        ("document.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec()),
    ];
    let files = fixtures.into_iter().map(|name| (name, fixture(name))).chain(made);
    let mut told = String::new();
    for (name, bytes) in files {
        let row = desk.dry_run(name, &bytes);
        writeln!(told, "{name}: {}", text(&row["status"])).unwrap();
        for (what, said) in [("error", &row["error_details"]), ("warning", &row["warning"])] {
            if let Some(said) = said.as_str() {
                writeln!(told, "    {what}: {said}").unwrap();
            }
        }
        for line in desk.said(&row) {
            writeln!(told, "    log: {line}").unwrap();
        }
    }
    // How far the packer got is its own business.
    let times = told.find("bomb.csv unpacks to ").unwrap() + "bomb.csv unpacks to ".len();
    let digits = told[times..].find(' ').unwrap();
    told.replace_range(times..times + digits, "N");
    insta::assert_snapshot!("bad", told);
}

#[test]
fn a_file_that_vanishes_from_the_store_fails_its_run() {
    let desk = Desk::new();
    let file = desk.client.send_file("orders.csv", b"a\n1\n");
    let store = &desk.server.app.store;
    store.files.write(|tx| Ok(tx.execute("DELETE FROM chunk", [])?)).unwrap();
    let body = json!({"is_dry_run": true, "source_file_id": file["id"]});
    let started = desk.client.post(&format!("{}/start-connector-flow", path(&desk.token)), &body).ok();
    let row = run_ended(&desk.client, &desk.token, text(&started["execution_id"]));
    assert_eq!(row["status"], "failed");
    assert_eq!(
        row["error_details"],
        "The input file could not be read: The file was deleted while it was read."
    );
}

#[test]
fn each_limit_is_the_configured_one() {
    let desk = Desk::with(|config| {
        config.files.max_archive_files = 3;
        config.files.max_unpacked_mb = 1;
        config.files.max_unpack_ratio = 2_000;
        config.files.max_workbook_memory_mb = 0;
    });
    let files: Vec<(String, &[u8])> = (0..4).map(|n| (format!("{n}.csv"), b"a\n".as_slice())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    for (name, bytes, sentence) in [
        (
            "many.zip",
            zip_of(&files),
            "The file is an archive of 4 files, more than the 3 that are unpacked (files.max_archive_files).",
        ),
        ("bomb.zip", bomb(), "The file unpacks to more than 1 MB (files.max_unpacked_mb)."),
    ] {
        let row = desk.dry_run(name, &bytes);
        assert_eq!((&row["status"], &row["error_details"]), (&"failed".into(), &sentence.into()), "{name}");
    }
    let desk = Desk::with(|config| config.files.max_workbook_memory_mb = 0);
    let row = desk.dry_run("formulas.xlsx", &fixture("formulas.xlsx"));
    assert_eq!(
        row["error_details"],
        "The workbook's relationships take more than 0 MB (files.max_workbook_memory_mb). Save it as CSV."
    );
}

#[test]
fn what_is_refused_in_a_run_is_refused_as_a_reference_file_too() {
    let desk = Desk::new();
    for (name, sentence) in [
        ("encrypted.xlsx", "The workbook is protected by a password. Save it without one and send it again."),
        ("truncated.csv.gz", "The gzip archive ends before its end: it is truncated. Send it again."),
        ("empty.csv", "The file is empty: it has no header line."),
    ] {
        let file = desk.client.send_file(name, &fixture(name));
        let body = json!({"source_file_id": file["id"]});
        let connector = path(&desk.token);
        assert_eq!(desk.client.patch(&connector, &body).refused(400, "invalid"), sentence);
        let template = desk.client.post(&format!("{connector}/get-file-template"), &body);
        assert_eq!(template.refused(400, "invalid"), sentence);
    }
    let options = json!({"input_options": {"encoding": "ebcdic"}});
    assert_eq!(
        desk.client.patch(&path(&desk.token), &options).refused(400, "invalid"),
        "input_options.encoding is \"ebcdic\", expected the name of an encoding, such as utf-8, windows-1252 or \
         shift_jis."
    );
}
