//! Packages of runs whose file has several tables.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use serde_json::json;

use crate::{
    read_json,
    support::{
        TestServer,
        journey::{self, text as text_of},
    },
    world::{TOKEN, members, program, run, text, unpack},
};

const SCRIPT: &str = "CREATE TABLE output.joined AS
SELECT o.rowid AS _line, 'orders' AS _table, o.number, c.name, i.rows
FROM input.orders AS o LEFT JOIN page_idx_0 AS c ON c.id = o.customer, (SELECT count(*) AS rows FROM input.customers) AS i;
";
const CUSTOMERS: &str = "id;name\n7;Zo\u{eb}\n8;Bob\n";
const ORDERS: &str = "number,customer\n1,7\n2,9\n";

fn archive() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("customers.csv", CUSTOMERS), ("orders.csv", ORDERS)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn ran(folder: &Path) -> String {
    let ran = program(&["run", folder.to_str().unwrap()]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    fs::read_to_string(folder.join("data/output/joined.csv")).unwrap()
}

#[test]
fn all_tables_are_in_the_package_as_one_file_or_as_another_client_takes_them_apart() {
    let server = TestServer::start();
    let client = server.client();
    journey::object(&client, "things", &[]);
    journey::create(&client, "things", "Order import");
    let path = journey::path(TOKEN);
    let file = client.send_file("both.zip", &archive())["id"].clone();
    client.patch(&path, &json!({"source_file_id": file})).ok();
    let template = client.post(&format!("{path}/get-file-template"), &json!({"source_file_id": file})).ok();
    let draft = client.get(&path).ok()["last_draft_script"]["id"].clone();
    let metadata = json!({"config_metadata": template["config_metadata"]});
    client.patch(&format!("{path}/sql-scripts/{}", text_of(&draft)), &metadata).ok();
    journey::publish(&client, TOKEN, SCRIPT);
    let execution = run(&client, &json!({"is_dry_run": true}));
    assert_eq!(execution["status"], "success", "{execution}");
    let url = text_of(&execution["sql_output_zip"]["url"]);
    let expected = text(&members(&client.download(url).expect(200).bytes)[0].1);
    assert_eq!(expected, "number,name,rows\r\n1,Zo\u{eb},2\r\n2,,2\r\n");

    let package = format!("{path}/executions/{}/dev-package", text_of(&execution["id"]));
    let dir = tempfile::tempdir().unwrap();
    let folder = unpack(&client.download(&package).expect(200).bytes, dir.path());
    assert_eq!(fs::read(folder.join("data/both.zip")).unwrap(), archive());
    assert_eq!(ran(&folder), expected);

    // Each table a file of its own, none called as in the archive.
    fs::remove_file(folder.join("connector.json")).unwrap();
    fs::remove_file(folder.join("data/both.zip")).unwrap();
    fs::write(folder.join("data/z_1.csv"), CUSTOMERS).unwrap();
    fs::write(folder.join("data/a_2.csv"), ORDERS).unwrap();
    let mut config = read_json(&folder.join("__config.json"));
    for (table, name) in [(0, "z_1.csv"), (1, "a_2.csv")] {
        config["input_tables"][table]["name"] = json!(name);
        config["input_tables"][table]["file_path"] = json!(format!("data/{name}"));
    }
    fs::write(folder.join("__config.json"), config.to_string()).unwrap();
    assert_eq!(ran(&folder), expected);
}
