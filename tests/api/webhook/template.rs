//! The tables that a script of a webhook connector reads.

use serde_json::json;

use super::{TOKEN, configured, created, publish};
use crate::support::journey::{self, detail, draft_path, path, row, sample, text, unzip};

const FILE: &[u8] = b"timestamp,employee_id,querystring,body\r\n1700000000123,,a=1,\"{\"\"E-Mail\"\":\"\"ada@example.org\"\",\"\"tags\"\":[1,2]}\"\r\n2026-01-31T10:00:00Z,,,\r\n";

#[test]
fn the_template_selects_what_the_bodies_of_the_reference_file_hold() {
    let server = created(|_| {});
    let client = server.client();
    let draft = journey::set_input(&client, TOKEN, "anything.csv", FILE);
    let table = &draft["config_metadata"]["input_tables"][0];
    assert_eq!((&table["table_name"], &table["name"]), (&json!("webhooks_raw"), &json!("anything.csv")));
    assert!(text(&draft["user_script"]).contains("FROM input.webhooks;"), "{draft}");
    let after = sample(&client, TOKEN);
    let members = unzip(&client, &after["last_draft_script"]["output_csv_file"]);
    assert_eq!(
        members,
        [(
            "orders.csv".to_owned(),
            "timestamp,employee_id,querystring,body,e_mail,tags\r\n\
             2023-11-14T22:13:20.123Z,,a=1,\"{\"\"E-Mail\"\":\"\"ada@example.org\"\",\"\"tags\"\":[1,2]}\",ada@example.org,\"[1,2]\"\r\n\
             2026-01-31T10:00:00Z,,,,,\r\n"
                .to_owned()
        )]
    );
    let columns = after["headers"]["orders"].as_array().unwrap().clone();
    assert_eq!(row(&json!(columns), "name", "e_mail")["index"], "E");
}

#[test]
fn both_tables_are_there_under_their_names_and_positions() {
    let server = created(|_| {});
    let client = server.client();
    journey::set_input(&client, TOKEN, "reference.csv", FILE);
    let sql = "CREATE TABLE output.orders AS SELECT r.timestamp AS raw, w.timestamp, p.body IS w.body AS same,
        (SELECT group_concat(\"table\" || ':' || \"file\") FROM meta.inputs) AS inputs
        FROM input.webhooks_raw r JOIN input.webhooks w ON w.rowid = r.rowid JOIN input.page_idx_1 p ON p.rowid = r.rowid
        ORDER BY r.rowid LIMIT 1";
    client.patch(&draft_path(&detail(&client, TOKEN)), &json!({"user_script": sql})).ok();
    let after = sample(&client, TOKEN);
    let members = unzip(&client, &after["last_draft_script"]["output_csv_file"]);
    let expected = "raw,timestamp,same,inputs\r\n1700000000123,2023-11-14T22:13:20.123Z,1,\"webhooks_raw:reference.csv,webhooks:reference.csv\"\r\n";
    assert_eq!(members[0].1, expected);
}

#[test]
fn a_file_of_another_shape_and_an_empty_script_are_refused() {
    let server = created(|_| {});
    let client = server.client();
    let file = client.send_file("orders.csv", b"a,b\r\n1,2\r\n");
    let refusal = client.patch(&path(TOKEN), &json!({"source_file_id": file["id"]})).refused(400, "invalid");
    assert!(refusal.contains("timestamp, employee_id, querystring, body"), "{refusal}");
    configured(&client);
    let script = draft_path(&detail(&client, TOKEN));
    client.patch(&script, &json!({"user_script": " -- nothing"})).ok();
    let refusal = client.post_empty(&format!("{script}/publish")).refused(400, "invalid");
    assert!(refusal.contains("webhook connector needs one"), "{refusal}");
    client.patch(&script, &json!({"user_script": super::SQL})).ok();
    sample(&client, TOKEN);
    publish(&client);
}
