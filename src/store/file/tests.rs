//! The store's promises about files.

use std::{
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    sync::Arc,
};

use super::*;
use crate::{clock::Clock, error::Code, store::Store};

fn store() -> (tempfile::TempDir, Arc<Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    (dir, Arc::new(store))
}

fn named(name: &str) -> NewFile {
    NewFile {
        id: FileId::new(),
        name: name.to_owned(),
        content_type: "text/csv".to_owned(),
        source: Source::Upload,
        owner: Some(MemberId::new()),
        owner_key: None,
        connector: None,
    }
}

/// Bytes that differ from chunk to chunk.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(((at * 31) ^ (at >> 13)) % 256).unwrap()).collect()
}

fn write(store: &Arc<Store>, file: NewFile, bytes: &[u8]) -> Result<StoredFile> {
    let mut writer = FileWriter::create(store, file);
    for part in bytes.chunks(700_001) {
        writer.append(part)?;
    }
    assert_eq!(writer.size(), bytes.len() as u64);
    writer.finish()
}

fn read(store: &Arc<Store>, file: &StoredFile) -> Vec<u8> {
    let mut got = Vec::new();
    FileReader::open(store, file).read_to_end(&mut got).unwrap();
    got
}

fn count(store: &Store, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    store.files.read(|conn| Ok(conn.query_row(&sql, [], |row| row.get(0))?)).unwrap()
}

#[test]
fn bytes_come_back_at_every_size() {
    let (_dir, store) = store();
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, COMMIT, COMMIT + CHUNK + 3] {
        let bytes = bytes(size);
        let new = named("orders.csv");
        let file = write(&store, new.clone(), &bytes).unwrap();
        assert_eq!((file.id, file.size, file.owner), (new.id, size as u64, new.owner));
        assert!(read(&store, &file) == bytes, "{size}");
        assert_eq!(store.files.read(|conn| find(conn, new.id)).unwrap(), Some(file));
    }
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    let (_dir, store) = store();
    // The two examples of FIPS 180-4 and the empty message.
    for (text, sha256) in [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ] {
        assert_eq!(write(&store, named("x"), text.as_bytes()).unwrap().sha256, sha256);
    }
}

#[test]
fn reading_starts_anywhere() {
    let (_dir, store) = store();
    let bytes = bytes(2 * CHUNK + 100);
    let file = write(&store, named("x"), &bytes).unwrap();
    let mut reader = FileReader::open(&store, &file);
    for at in [0, CHUNK - 5, 2 * CHUNK + 90, 17] {
        reader.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut got = [0; 10];
        reader.read_exact(&mut got).unwrap();
        assert_eq!(got, bytes[at..at + 10], "{at}");
    }
    assert_eq!(reader.seek(SeekFrom::End(-1)).unwrap(), file.size - 1);
    assert_eq!(reader.seek(SeekFrom::Current(50)).unwrap(), file.size + 49);
    assert_eq!(reader.read(&mut [0; 10]).unwrap(), 0);
    assert!(reader.seek(SeekFrom::Current(-i64::MAX)).is_err());
}

#[test]
fn content_seen_before_is_stored_once_and_goes_with_its_last_file() {
    let (_dir, store) = store();
    for size in [CHUNK + 1, COMMIT + 1] {
        let bytes = bytes(size);
        let chunks = size.div_ceil(CHUNK) as i64;
        let files = [write(&store, named("a"), &bytes).unwrap(), write(&store, named("b"), &bytes).unwrap()];
        assert_eq!((count(&store, "file"), count(&store, "content"), count(&store, "chunk")), (2, 1, chunks));
        assert!(store.files.write(|tx| delete(tx, files[0].id)).unwrap());
        assert!(read(&store, &files[1]) == bytes);
        assert!(store.files.write(|tx| delete(tx, files[1].id)).unwrap());
        assert_eq!((count(&store, "content"), count(&store, "chunk")), (0, 0));
        assert!(!store.files.write(|tx| delete(tx, files[1].id)).unwrap());
    }
}

#[test]
fn an_unfinished_file_is_never_seen_and_leaves_nothing() {
    let (_dir, store) = store();
    let new = named("half");
    let mut writer = FileWriter::create(&store, new.clone());
    writer.write_all(&bytes(COMMIT + 5)).unwrap();
    assert_eq!(count(&store, "chunk"), 16, "a part is committed");
    assert_eq!(store.files.read(|conn| find(conn, new.id)).unwrap(), None);
    drop(writer);
    assert_eq!((count(&store, "content"), count(&store, "chunk")), (0, 0));
}

#[test]
fn what_a_crash_left_is_swept_and_whole_files_stay() {
    let (_dir, store) = store();
    let whole = write(&store, named("whole"), &bytes(10)).unwrap();
    let mut writer = FileWriter::create(&store, named("half"));
    writer.append(&bytes(COMMIT)).unwrap();
    // A killed process runs no destructors.
    std::mem::forget(writer);
    assert_eq!(store.files.write(sweep).unwrap(), 1);
    assert_eq!((count(&store, "content"), count(&store, "chunk")), (1, 1));
    assert_eq!(read(&store, &whole), bytes(10));
}

#[test]
fn sending_again_is_the_same_file_and_other_bytes_are_refused() {
    let (_dir, store) = store();
    let new = named("again");
    for size in [10, COMMIT + 1] {
        let new = NewFile { id: FileId::new(), ..new.clone() };
        let first = write(&store, new.clone(), &bytes(size)).unwrap();
        assert_eq!(write(&store, new.clone(), &bytes(size)).unwrap(), first);
        for other in [11, COMMIT + 2] {
            assert_eq!(write(&store, new.clone(), &bytes(other)).unwrap_err().code, Code::Conflict);
        }
    }
    assert_eq!((count(&store, "file"), count(&store, "content")), (2, 2));
}

const NAMES_IT: &str = "INSERT INTO connector (id, api_name, name, name_key, description, connector_type,
        status, custom_object, source_file, headers, variables, loads, seeds, sql_parameters, input_options,
        max_concurrency, webhook_settings, notification_settings, retention_days, retention_runs,
        diff_check_enabled, created, updated)
    VALUES ('c', 'shop', 'Shop', 'shop', '', 'spreadsheet', 'setup', 'o', ?, '[]', '[]', '[]', '[]', '{}', '{}',
        1, '{}', '{}', 0, 0, 0, 0, 0)";

/// Retention and a new run meet: one of them is told, whichever comes first.
#[test]
fn a_file_that_is_being_put_to_use_is_not_deleted() {
    let (_dir, store) = store();
    let file = write(&store, named("x"), b"x").unwrap();
    let (deletes, asked) = std::sync::mpsc::channel();
    let deleted = std::thread::scope(|scope| {
        let deleter = while_there(&store, file.id, || {
            let deleter = scope.spawn(|| {
                deletes.send(()).unwrap();
                delete_unless_used(&store, file.id).unwrap()
            });
            asked.recv().unwrap();
            store.control.write(|tx| Ok(tx.execute(NAMES_IT, [file.id.to_string()])?))?;
            Ok(deleter)
        });
        deleter.unwrap().expect("it is there").join().unwrap()
    });
    assert_eq!(deleted.as_deref(), Some("the connector shop"));
    assert_eq!(read(&store, &file), b"x");
    store.control.write(|tx| Ok(tx.execute("UPDATE connector SET source_file = NULL", [])?)).unwrap();
    assert_eq!(delete_unless_used(&store, file.id).unwrap(), None);
    assert!(while_there(&store, file.id, || -> Result<()> { unreachable!("it is gone") }).unwrap().is_none());
}

#[test]
fn a_file_follows_the_first_connector_it_is_attached_to() {
    let (_dir, store) = store();
    let file = write(&store, named("x"), b"x").unwrap();
    let (first, second) = (ConnectorId::new(), ConnectorId::new());
    for connector in [first, second] {
        store.files.write(|tx| attach(tx, file.id, connector)).unwrap();
    }
    let found = store.files.read(|conn| find(conn, file.id)).unwrap().unwrap();
    assert_eq!(found.connector, Some(first));
}

#[test]
fn a_file_deleted_while_it_is_read_is_an_error_and_no_end() {
    let (_dir, store) = store();
    let file = write(&store, named("x"), &bytes(CHUNK + 1)).unwrap();
    let mut reader = FileReader::open(&store, &file);
    reader.read_exact(&mut [0; 10]).unwrap();
    store.files.write(|tx| delete(tx, file.id)).unwrap();
    assert!(reader.read_to_end(&mut Vec::new()).is_err());
}
