//! Previews: the first rows that a script gives, for whoever edits it.

use std::{thread, time::Instant};

use serde_json::{Value as Json, json};

use crate::{
    setup::{connector, file, object, path, with_template},
    support::{
        Client, TestServer,
        journey::{draft_path, publish, text},
        until,
    },
};

const ENDLESS: &str = "CREATE TABLE output.x AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n;";

/// A connector with this file and script, and the path of its draft.
fn edited(server: &TestServer, csv: &str, sql: &str) -> (Json, String) {
    let made = with_template(server, &object(server, "orders", &[]), csv);
    let draft = draft_path(&made);
    server.client().patch(&draft, &json!({"user_script": sql})).ok();
    (made, draft)
}

fn preview(client: &Client, draft: &str, body: &Json) -> Json {
    client.post(&format!("{draft}/preview"), body).ok()
}

fn cells(table: &Json) -> Vec<&Json> {
    table["rows"].as_array().unwrap().iter().map(|row| &row["cells"]).collect()
}

#[test]
fn every_output_table_shows_its_first_rows_and_what_its_columns_are() {
    let sql =
        "CREATE TABLE output.orders AS SELECT rowid AS _line, number, mail, day, total FROM input.input_csv;
        CREATE TABLE output.sums AS SELECT sum(total) AS total, 0.1 + 0.2 AS odd, 9007199254740993 AS large,
            count(*) AS rows FROM input.input_csv;";
    let csv = "number,mail,day,total\n1,a@example.org,2026-05-31,1.50\n2,b@example.org,2026-06-01,\n";
    let server = TestServer::start();
    let client = server.client();
    let (_, draft) = edited(&server, csv, sql);
    let answer = preview(&client, &draft, &json!({}));
    let [orders, sums] = answer["tables"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    assert_eq!((&orders["scope"], &orders["row_count"]), (&json!("orders"), &json!(2)));
    let columns: Vec<_> = orders["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| json!([column["name"], column["data_type"], column["input_format"]]))
        .collect();
    assert_eq!(columns[1], json!(["mail", "email", null]));
    assert_eq!(columns[2], json!(["day", "date", "%Y-%m-%d"]));
    assert_eq!((&columns[0][1], &columns[3][1]), (&json!("number"), &json!("number")));
    assert_eq!(
        orders["rows"],
        json!([
            {"line": 2, "table": null, "cells": ["1", "a@example.org", "2026-05-31", "1.50"], "cut": [], "error": null},
            {"line": 3, "table": null, "cells": ["2", "b@example.org", "2026-06-01", null], "cut": [], "error": null}
        ])
    );
    // Values are text, exactly as they leave SQL: no client rounds them.
    assert_eq!(cells(sums), [&json!(["1.5", "0.30000000000000004", "9007199254740993", "2"])]);
    assert_eq!((&answer["input_is_cut"], &answer["warning"]), (&json!(false), &Json::Null));
    assert!(answer["took_ms"].is_u64());
    // It keeps nothing: the script is as it was, and there is no execution.
    let script = client.get(&draft).ok();
    assert_eq!((&script["state"], &script["output_csv_file"]), (&json!("setup"), &Json::Null));
    assert_eq!(client.get("/api/executions?include_dry_run=true").ok()["count"], 0);
    let left = std::fs::read_dir(server.app.store.scratch_dir()).unwrap();
    assert_eq!(left.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 0);
}

#[test]
fn one_output_table_and_so_many_rows_can_be_asked_for() {
    let sql =
        "CREATE TABLE output.a AS SELECT n FROM input.input_csv; CREATE TABLE output.b AS SELECT 1 AS one;";
    let csv = (0..200).fold("n\n".to_owned(), |csv, n| format!("{csv}{n}\n"));
    let server = TestServer::start();
    let client = server.client();
    let (_, draft) = edited(&server, &csv, sql);
    let scopes = |answer: &Json| -> Vec<String> {
        answer["tables"].as_array().unwrap().iter().map(|table| text(&table["scope"]).to_owned()).collect()
    };
    let answer = preview(&client, &draft, &json!({"scope": "a", "limit": 2}));
    assert_eq!(
        (scopes(&answer), cells(&answer["tables"][0])),
        (vec!["a".to_owned()], vec![&json!(["0"]), &json!(["1"])])
    );
    assert_eq!(answer["tables"][0]["row_count"], 200);
    let answer = client.post_empty(&format!("{draft}/preview")).ok();
    assert_eq!(
        (scopes(&answer), cells(&answer["tables"][0]).len()),
        (vec!["a".to_owned(), "b".to_owned()], 50)
    );
    assert_eq!(cells(&preview(&client, &draft, &json!({"limit": 500}))["tables"][0]).len(), 200);

    let refused = |body: &Json| client.post(&format!("{draft}/preview"), body).refused(400, "invalid");
    assert_eq!(refused(&json!({"limit": 0})), "limit: found 0, expected 1 to 500");
    assert_eq!(refused(&json!({"limit": 501})), "limit: found 501, expected 1 to 500");
    assert!(refused(&json!({"limit": -1})).starts_with("limit: "));
    assert_eq!(
        refused(&json!({"scope": "c"})),
        "scope: found \"c\", expected an output table of the script: a, b"
    );
    assert!(refused(&json!({"scop": "a"})).contains("scop"));
}

#[test]
fn no_more_rows_are_read_than_configured() {
    let server = TestServer::with(|config| config.preview.max_input_rows = 2);
    let client = server.client();
    let sql = "CREATE TABLE output.a AS SELECT count(*) AS n, max(a) AS last FROM input.input_csv;";
    let (_, draft) = edited(&server, "a\n1\n2\n", sql);
    let whole = preview(&client, &draft, &json!({}));
    assert_eq!(
        (cells(&whole["tables"][0]), &whole["input_is_cut"]),
        (vec![&json!(["2", "2"])], &json!(false))
    );
    let longer = file(&server, "input.csv", "a\n1\n2\n3\n");
    let config = json!({"input_tables": [{"name": "input.csv", "table_name": "input_csv"}],
        "triggered": {"fileupload_file_id": longer}});
    client.patch(&draft, &json!({"config_metadata": config})).ok();
    let part = preview(&client, &draft, &json!({}));
    assert_eq!((cells(&part["tables"][0]), &part["input_is_cut"]), (vec![&json!(["2", "2"])], &json!(true)));
}

#[test]
fn what_is_wrong_with_the_script_is_said_with_its_place() {
    let server = TestServer::start();
    let client = server.client();
    let (_, draft) = edited(
        &server,
        "email\na@example.org\n",
        "CREATE TABLE output.a AS\nSELECT emial FROM input.input_csv",
    );
    let refused = client.post(&format!("{draft}/preview"), &json!({})).refused(400, "invalid");
    assert!(
        refused.starts_with("Error running connector SQL script: line 2, column 8: no such column: emial"),
        "{refused}"
    );
    client.patch(&draft, &json!({"user_script": "SELECT 1"})).ok();
    let refused = client.post(&format!("{draft}/preview"), &json!({})).refused(400, "invalid");
    assert!(refused.contains("CREATE TABLE output."), "{refused}");
}

#[test]
fn a_value_without_text_is_described_and_a_long_one_is_cut() {
    let sql = "CREATE TABLE output.a AS SELECT 1 AS n, x'ff00' AS b, 'ü' AS c
        UNION ALL SELECT 2, 'text', printf('%.*c', 3000, 'y') UNION ALL SELECT 3, 9e999, NULL;";
    let server = TestServer::start();
    let (_, draft) = edited(&server, "a\n1\n", sql);
    let answer = preview(&server.client(), &draft, &json!({}));
    let rows = answer["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(rows[0]["cells"], json!(["1", null, "ü"]));
    assert_eq!(rows[0]["error"], "b: the blob is not valid UTF-8");
    assert_eq!((&rows[1]["cut"], text(&rows[1]["cells"][2]).len()), (&json!(["c"]), 2000));
    assert_eq!(rows[2]["error"], "b: an infinite number has no text");
}

#[test]
fn an_answer_has_only_so_much_text() {
    let sql =
        "CREATE TABLE output.a AS SELECT printf('%.*c', 2000, 'y') AS a, printf('%.*c', 2000, 'y') AS b,
        printf('%.*c', 2000, 'y') AS c, printf('%.*c', 2000, 'y') AS d, printf('%.*c', 2000, 'y') AS e,
        printf('%.*c', 2000, 'y') AS f, printf('%.*c', 2000, 'y') AS g, printf('%.*c', 2000, 'y') AS h,
        printf('%.*c', 2000, 'y') AS i, printf('%.*c', 2000, 'y') AS j FROM input.input_csv;";
    let csv = (0..500).fold("n\n".to_owned(), |csv, n| format!("{csv}{n}\n"));
    let server = TestServer::start();
    let (_, draft) = edited(&server, &csv, sql);
    let answer = preview(&server.client(), &draft, &json!({"limit": 500}));
    let table = &answer["tables"][0];
    assert_eq!((cells(table).len(), &table["is_cut"]), (8 * 1024 * 1024 / 20_000, &json!(true)));
}

#[test]
fn an_endless_query_is_stopped_and_others_are_told_to_wait() {
    let server = TestServer::with(|config| {
        config.preview.timeout_s = 2;
        config.preview.max_at_once = 1;
    });
    let client = server.client();
    let (_, draft) = edited(&server, "a\n1\n", ENDLESS);
    let asked = format!("{draft}/preview");
    let began = Instant::now();
    thread::scope(|threads| {
        let endless = threads.spawn(|| client.post(&asked, &json!({})));
        until("the first one runs", || {
            let mut entries = std::fs::read_dir(server.app.store.scratch_dir()).ok()?;
            entries.find(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()))
        })
        .unwrap();
        let busy = client.post(&asked, &json!({}));
        assert!(busy.headers.contains_key("retry-after"));
        let sentence = busy.refused(503, "busy");
        assert!(sentence.contains("preview.max_at_once"), "{sentence}");
        let refused = endless.join().unwrap().refused(400, "invalid");
        assert!(refused.contains("stopped after 2 s (preview.timeout_s)"), "{refused}");
    });
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    // There is room again, and nothing is left of them.
    client.patch(&draft, &json!({"user_script": ""})).ok();
    preview(&client, &draft, &json!({}));
}

#[test]
fn an_empty_draft_passes_its_table_through_and_a_live_script_shows_what_is_published() {
    let server = TestServer::start();
    let client = server.client();
    let (made, draft) = edited(&server, "a,b\n1,x\n", "");
    let answer = preview(&client, &draft, &json!({}));
    assert_eq!(
        (&answer["tables"][0]["scope"], cells(&answer["tables"][0])),
        (&json!("orders"), vec![&json!(["1", "x"])])
    );
    assert_eq!(answer["tables"][0]["rows"][0]["line"], 2);

    let token = text(&made["id"]);
    publish(&client, token, "CREATE TABLE output.live AS SELECT a FROM input.input_csv;");
    let detail = client.get(&path(&made)).ok();
    let live = format!("{}/sql-scripts/{}", path(&made), text(&detail["live_script"]["id"]));
    client
        .patch(
            &draft_path(&detail),
            &json!({"user_script": "CREATE TABLE output.next AS SELECT b FROM input.input_csv;"}),
        )
        .ok();
    assert_eq!(preview(&client, &live, &json!({}))["tables"][0]["scope"], "live");
    assert_eq!(preview(&client, &draft_path(&detail), &json!({}))["tables"][0]["scope"], "next");
}

#[test]
fn seeds_and_parameters_are_those_of_the_connector() {
    let server = TestServer::start();
    let client = server.client();
    let customers = object(&server, "customers", &[]);
    let body = json!({"fields": [{"name": "name", "value": "Ada"}]});
    client.post("/api/records/customers/add", &body).created();
    let made = with_template(&server, &object(&server, "orders", &[]), "a\n1\n");
    let name = customers.field_named("name").unwrap().id;
    let seeds = json!([{"custom_object_id": customers.id, "group_id": null, "fields_ids": [name]}]);
    client
        .patch(&path(&made), &json!({"kizen_data_seeds": seeds, "sql_parameters": {"greeting": "Hello"}}))
        .ok();
    let template = format!("{}/get-file-template", path(&made));
    client.post(&template, &json!({"source_file_id": made["source_file"]["id"]})).ok();
    let draft = draft_path(&client.get(&path(&made)).ok());
    let sql = "CREATE TABLE output.a AS SELECT :greeting || ' ' || name AS said FROM kizen.customers;";
    client.patch(&draft, &json!({"user_script": sql})).ok();
    assert_eq!(cells(&preview(&client, &draft, &json!({}))["tables"][0]), [&json!(["Hello Ada"])]);
}

#[test]
fn only_who_may_edit_the_script_and_read_its_file_sees_one() {
    let server = TestServer::start();
    let client = server.client();
    let (made, draft) = edited(&server, "a\n1\n", "");
    let asked = format!("{draft}/preview");
    for role in ["sender", "viewer", "runner"] {
        let other = server.client_as(role, None);
        other.post(&asked, &json!({})).refused(403, "permission_required");
    }
    preview(&server.client_as("editor", None), &draft, &json!({}));

    // A connector without any file, and one whose script names the file of another connector.
    let second = connector(&server, "Second", &object(&server, "other", &[]));
    let second_draft = draft_path(&second);
    let sentence = client.post(&format!("{second_draft}/preview"), &json!({})).refused(400, "invalid");
    assert!(sentence.contains("no file"), "{sentence}");
    let config = json!({"triggered": {"fileupload_file_id": made["source_file"]["id"]}});
    client.patch(&second_draft, &json!({"config_metadata": config})).ok();
    let limited = server.client_as("editor", Some(&[text(&second["id"])]));
    limited.post(&asked, &json!({})).refused(404, "not_found");
    limited.post(&format!("{second_draft}/preview"), &json!({})).refused(400, "does_not_exist");
    // A script under another connector's path, and one that is none.
    let beside = format!("{}/sql-scripts/{}/preview", path(&second), text(&made["last_draft_script"]["id"]));
    client.post(&beside, &json!({})).refused(404, "not_found");
    client.post(&format!("{}/sql-scripts/x/preview", path(&made)), &json!({})).refused(404, "not_found");
}
