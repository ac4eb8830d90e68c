use std::{fs, io::Cursor, path::Path};

use super::*;
use crate::{clock::Clock, error::Code, store::Store};

fn store(dir: &Path) -> Store {
    let store = Store::open(dir, Clock::system()).unwrap();
    store
        .control
        .write(|tx| {
            tx.execute("INSERT INTO member VALUES ('m', 'a@example.org', 'A', 'B', 'admin', 1, NULL)", [])?;
            Ok(())
        })
        .unwrap();
    store
}

fn members(store: &Store) -> i64 {
    store.control.read(|c| Ok(c.query_row("SELECT count(*) FROM member", [], |r| r.get(0))?)).unwrap()
}

fn taken(store: &Store, with_key: bool) -> (Vec<u8>, Manifest) {
    let scratch = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    let manifest = write(store, scratch.path(), with_key, &mut bytes).unwrap();
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "copies are removed");
    (bytes, manifest)
}

#[test]
fn what_was_backed_up_is_what_is_restored_and_what_came_later_is_not() {
    let root = tempfile::tempdir().unwrap();
    let store = store(&root.path().join("data"));
    let (bytes, manifest) = taken(&store, false);
    store.control.write(|tx| Ok(tx.execute("DELETE FROM member", []).map(drop)?)).unwrap();
    let file = root.path().join("backup");
    fs::write(&file, bytes).unwrap();
    let to = root.path().join("other");
    assert_eq!(restore(&file, &to).unwrap(), manifest);
    assert_eq!(members(&Store::open(&to, Clock::system()).unwrap()), 1);
    let refusal = restore(&file, &to).unwrap_err();
    assert_eq!(refusal.code, Code::Conflict);
    assert!(refusal.detail.contains("not empty"), "{refusal}");
}

#[test]
fn the_key_file_is_in_it_on_demand() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    fs::write(root.path().join(crate::store::KEY_FILE), "secret").unwrap();
    let names =
        |with_key| taken(&store, with_key).1.parts.into_iter().map(|part| part.name).collect::<Vec<_>>();
    assert_eq!(names(false), super::super::migrate::Kind::ALL.map(|kind| kind.file_name().to_owned()));
    assert_eq!(names(true).last().unwrap(), crate::store::KEY_FILE);
}

#[test]
fn a_damaged_backup_leaves_no_folder() {
    let root = tempfile::tempdir().unwrap();
    let store = store(&root.path().join("data"));
    let (bytes, _) = taken(&store, false);
    let file = root.path().join("backup");
    let to = root.path().join("other");
    let mut flipped = bytes.clone();
    flipped[20_000] ^= 1;
    for (damaged, why) in [
        (bytes[..bytes.len() / 2].to_vec(), "no whole backup"),
        (b"no zip at all".to_vec(), "no whole backup"),
        (flipped, "inbox.db"),
    ] {
        fs::write(&file, damaged).unwrap();
        let refusal = restore(&file, &to).unwrap_err();
        assert!(refusal.detail.contains(why) && refusal.detail.contains("Nothing was restored"), "{refusal}");
        assert!(!to.exists());
    }
}

#[test]
fn a_backup_of_a_newer_program_and_one_with_strange_members_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (_, good) = taken(&store(&root.path().join("data")), false);
    let (file, to) = (root.path().join("backup"), root.path().join("other"));
    let with = |change: fn(&mut Manifest)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(MANIFEST, zip::write::SimpleFileOptions::default()).unwrap();
        serde_json::to_writer(&mut zip, &manifest).unwrap();
        fs::write(&file, zip.finish().unwrap().into_inner()).unwrap();
        let refusal = restore(&file, &to).unwrap_err().detail;
        assert!(!to.exists());
        refusal
    };
    assert!(with(|m| m.format = 2).contains("newer"));
    assert!(with(|m| m.parts[0].schema = Some(99)).contains("newer"));
    assert!(with(|m| m.parts[0].name = "../evil".to_owned()).contains("belongs in no data folder"));
    assert!(with(|m| drop(m.parts.remove(0))).contains("inbox.db is not in it"));
}

#[test]
fn no_server_starts_on_a_folder_whose_restore_was_cut_off() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("restoring")).unwrap();
    let refusal = Store::open(root.path(), Clock::system()).err().unwrap();
    assert!(refusal.detail.contains("restore"), "{refusal}");
}
