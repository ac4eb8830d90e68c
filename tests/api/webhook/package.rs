//! A batch on a laptop.

use std::{
    fs,
    io::{Cursor, Read as _},
};

use serde_json::json;

use super::{TOKEN, flushed, ready, send_order};
use crate::support::{
    TestServer,
    journey::{path, text, unzip},
};

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

/// The two secrets as they are kept.
fn sealed(server: &TestServer) -> [String; 2] {
    let conn = rusqlite::Connection::open(server.dir.path().join("control.db")).unwrap();
    let sql = "SELECT webhook_settings ->> '$.signing_secrets[0].sealed',
                      notification_settings ->> '$.signing_secret.sealed' FROM connector";
    conn.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?])).unwrap()
}

#[test]
fn no_secret_is_in_a_package() {
    let server = ready(|config| config.notify.allowed_hosts = vec!["example.org".to_owned()]);
    let client = server.client();
    let (signing, telling) =
        ("a signing secret of some length", "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==");
    let settings = json!({
        "webhook_settings": {"signing_secrets": [signing], "signature": {"preset": "github"}},
        "notification_settings": {
            "on": ["failed"], "webhook_url": "https://example.org/runs?token=hidden-in-the-address",
            "signing_secret": telling,
        },
    });
    client.patch(&path(TOKEN), &settings).ok();
    send_order(&client, "A", 1);
    let run = flushed(&client, 1);
    let sealed = sealed(&server);
    for package in [
        format!("{}/dev-package?records=matched", path(TOKEN)),
        format!("{}/executions/{}/dev-package", path(TOKEN), text(&run["id"])),
    ] {
        let mut zip = zip::ZipArchive::new(Cursor::new(client.download(&package).expect(200).bytes)).unwrap();
        for n in 0..zip.len() {
            let mut member = String::new();
            let mut found = zip.by_index(n).unwrap();
            found.read_to_string(&mut member).unwrap();
            let secrets = [signing, telling, "hidden-in-the-address", &server.key];
            for secret in secrets.into_iter().chain(sealed.iter().map(String::as_str)) {
                assert!(!member.contains(secret), "{package} has {secret:?}");
            }
        }
    }
}
