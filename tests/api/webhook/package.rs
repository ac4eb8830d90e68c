//! A batch on a laptop.

use std::{fs, io::Cursor};

use super::{TOKEN, flushed, ready, send_order};
use crate::support::journey::{path, text, unzip};

#[test]
fn the_dev_package_of_a_batch_gives_the_servers_bytes() {
    let server = ready(|_| {});
    let client = server.client();
    send_order(&client, "A", 1);
    send_order(&client, "B", 2);
    let run = flushed(&client, 1);
    let expected = unzip(&client, &run["sql_output_zip"]);
    let package = format!("{}/executions/{}/dev-package", path(TOKEN), text(&run["id"]));
    let bytes = client.download(&package).expect(200).bytes;
    drop(server);

    let dir = tempfile::tempdir().unwrap();
    zip::ZipArchive::new(Cursor::new(bytes)).unwrap().extract(dir.path()).unwrap();
    let folder = dir.path().join(TOKEN);
    let ran = assert_cmd::Command::new(env!("CARGO_BIN_EXE_smartconnector"))
        .args(["run", folder.to_str().unwrap(), "--json"])
        .env("SMARTCONNECTOR_ENGINE_MIN_FREE_MB", "1")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for (name, text) in expected {
        assert_eq!(fs::read_to_string(folder.join("data/output").join(&name)).unwrap(), text, "{name}");
    }
}
