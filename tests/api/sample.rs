//! Output samples, and what is suggested from them.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::{
    setup::{file, object, path, with_template},
    support::{Client, TestServer},
};

const ENDLESS: &str = "CREATE TABLE output.x AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n;";

fn draft(connector: &Json) -> String {
    format!("{}/sql-scripts/{}", path(connector), connector["last_draft_script"]["id"].as_str().unwrap())
}

/// Reads the script as existing clients do, until its sample has ended.
fn ended(client: &Client, script: &str) -> Json {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = client.get(script).ok();
        if answer["state"] != "in_progress" {
            return answer;
        }
        assert!(Instant::now() < until, "the sample does not end: {answer}");
        std::thread::yield_now();
    }
}

#[test]
fn a_sample_is_generated_in_the_background_and_then_published() {
    let server = TestServer::start();
    let client = server.client();
    let orders = object(&server, "orders", &[]);
    let made = with_template(
        &server,
        &orders,
        "number,mail,day,total\n1,a@example.org,2026-05-31,1.50\n2,b@example.org,2026-06-01,\n",
    );
    let script = draft(&made);
    let suggestions = format!("{}/generate-execution-variables", path(&made));
    client.post_empty(&suggestions).refused(400, "invalid");

    let input = &made["source_file"]["id"];
    let answer =
        client.post(&format!("{script}/start"), &json!({"source_file_id": input})).expect(202).json();
    assert_eq!(answer["state"], "in_progress");
    assert_eq!(&answer["config_metadata"]["triggered"]["fileupload_file_id"], input);
    let answer = ended(&client, &script);
    assert_eq!((&answer["state"], &answer["error"]), (&json!("success"), &Json::Null));
    let name = answer["output_csv_file"]["name"].as_str().unwrap();
    assert!(name.starts_with("Draft_import_of_orders_sample_output_") && name.contains("_2"), "{name}");
    let bytes = client.download(answer["output_csv_file"]["url"].as_str().unwrap()).expect(200).bytes;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let text = std::io::read_to_string(zip.by_name("orders.csv").unwrap()).unwrap();
    assert_eq!(
        text,
        "number,mail,day,total\r\n1,a@example.org,2026-05-31,1.50\r\n2,b@example.org,2026-06-01,\r\n"
    );

    let rows = client.post_empty(&suggestions).ok();
    let kinds: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["name"], &row["data_type"], &row["required"]))
        .collect();
    assert_eq!(
        json!(kinds),
        json!([
            ["number", "number", true],
            ["mail", "email", true],
            ["day", "date", true],
            ["total", "number", false]
        ])
    );
    assert_eq!(rows[2]["input_format"], "%Y-%m-%d");
    assert_eq!(rows[0]["rows_read"], 2);
    // What was suggested can be saved as it is, without the ids that are good for nothing.
    let mut rows = rows;
    for row in rows.as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("id");
    }
    let saved = client.patch(&path(&made), &json!({"execution_variables": rows})).ok();
    assert_eq!(saved["execution_variables"].as_array().unwrap().len(), 4);

    client.post_empty(&format!("{script}/publish")).ok();
    let after = client.get(&path(&made)).ok();
    assert_eq!(after["headers"], made["headers"]);
    client.post(&format!("{script}/start"), &json!({})).refused(400, "invalid");
    // The forked draft has no sample of its own yet: the live one serves.
    client.post_empty(&suggestions).ok();
    // Without a file in the body it reads the one of the last time.
    let next = draft(&after);
    client.post_empty(&format!("{next}/start")).expect(202);
    assert_eq!(ended(&client, &next)["state"], "success");
}

#[test]
fn a_sample_that_fails_says_why_and_keeps_the_last_good_one() {
    let server = TestServer::start();
    let client = server.client();
    let made = with_template(&server, &object(&server, "orders", &[]), "a\n1\n");
    let script = draft(&made);
    client.post_empty(&format!("{script}/start")).expect(202);
    let good = ended(&client, &script);
    client.patch(&script, &json!({"user_script": "SELECT nowhere FROM input.input_csv"})).ok();
    client.post_empty(&format!("{script}/start")).expect(202);
    let answer = ended(&client, &script);
    assert_eq!(answer["state"], "failed");
    assert!(answer["error"].as_str().unwrap().contains("no such column: nowhere"), "{answer}");
    assert_eq!(answer["output_csv_file"], good["output_csv_file"]);
}

#[test]
fn a_sample_can_be_cancelled() {
    let server = TestServer::start();
    let client = server.client();
    let made = with_template(&server, &object(&server, "orders", &[]), "a\n1\n");
    let script = draft(&made);
    client.post_empty(&format!("{script}/cancel")).refused(409, "conflict");
    client.patch(&script, &json!({"user_script": ENDLESS})).ok();
    client.post_empty(&format!("{script}/start")).expect(202);
    client.post_empty(&format!("{script}/start")).refused(409, "conflict");
    // A draft that goes takes its sample along.
    let input = file(&server, "b.csv", "b\n2\n");
    let template = format!("{}/get-file-template", path(&made));
    client.post(&template, &json!({"source_file_id": input})).ok();
    let next = draft(&client.get(&path(&made)).ok());
    client.patch(&next, &json!({"user_script": ENDLESS})).ok();
    client.post(&format!("{next}/start"), &json!({"source_file_id": input})).expect(202);
    let answer = client.post_empty(&format!("{next}/cancel")).ok();
    assert_eq!((&answer["state"], &answer["error"]), (&json!("failed"), &json!("Cancelled")));
    assert_eq!(client.get(&next).ok()["state"], "failed");
    client.patch(&next, &json!({"user_script": ""})).ok();
    let until = Instant::now() + Duration::from_secs(10);
    while client.post_empty(&format!("{next}/start")).status == 409 {
        assert!(Instant::now() < until, "the cancelled sample does not stop");
    }
    assert_eq!(ended(&client, &next)["state"], "success");
}
