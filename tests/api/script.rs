//! Scripts: edited as drafts, published, restored.

use serde_json::{Value as Json, json};

use crate::{
    run::{SQL, Shop, TOKEN},
    setup::{file, object, path, sampled, with_template},
    support::{
        TestServer,
        journey::{detail, publish, run_ended, text, unzip, upload},
    },
};

fn scripts(connector: &Json) -> String {
    format!("{}/sql-scripts", path(connector))
}

fn draft(connector: &Json) -> String {
    format!("{}/{}", scripts(connector), connector["last_draft_script"]["id"].as_str().unwrap())
}

#[test]
fn an_edit_keeps_the_state_and_makes_the_sample_stale() {
    let server = TestServer::start();
    let client = server.client();
    let made = with_template(&server, &object(&server, "orders", &[]), "a,b\n1,2\n");
    let draft = draft(&made);
    let body = json!({"user_script": "SELECT 1", "source_file_id": "anything"});
    let answer = client.patch(&draft, &body).ok();
    assert_eq!((&answer["user_script"], &answer["state"]), (&json!("SELECT 1"), &json!("setup")));
    assert_eq!(answer["sample_is_stale"], false);
    sampled(&server, &made["last_draft_script"]);
    let answer = client.patch(&draft, &json!({"user_script": "SELECT 1"})).ok();
    assert_eq!((&answer["state"], &answer["sample_is_stale"]), (&json!("success"), &json!(false)));
    let answer = client.patch(&draft, &json!({"user_script": "SELECT 2"})).ok();
    assert_eq!((&answer["state"], &answer["sample_is_stale"]), (&json!("success"), &json!(true)));
    assert_eq!(answer["output_csv_file"]["name"], "sample.zip");
    let answer = client.patch(&draft, &json!({"sql_version": "3.1.x"})).ok();
    assert_eq!((&answer["sql_version"], &answer["state"]), (&json!("sqlite-3"), &json!("success")));
    assert!(answer["warning"].as_str().unwrap().contains("3.1.x"));
    for body in [
        json!({"config_metadata": null}),
        json!({"config_metadata": "{}"}),
        json!({"user_scrip": ""}),
        json!({"sql_version": "x"}),
        json!({"config_metadata": {"input_tables": [{"name": "a", "table_name": ""}]}}),
        json!({"config_metadata": {"input_tables": [
            {"name": "a", "table_name": "a"}, {"name": "b", "table_name": "A"}]}}),
        json!({"config_metadata": {"input_tables": [
            {"name": "a", "table_name": "a", "file_id": uuid::Uuid::new_v4()}]}}),
    ] {
        client.patch(&draft, &body).expect(400);
    }
    for (pointer, misspelt) in [
        ("/input_tables/0", "file_idd"),
        ("/input_tables/0/columns_mapping/0", "typ"),
        ("/seed_tables/0", "databse"),
    ] {
        let mut config = made["last_draft_script"]["config_metadata"].clone();
        config["seed_tables"] = json!([{"name": "x.csv", "table_name": "x"}]);
        config.pointer_mut(pointer).unwrap()[misspelt] = json!("x");
        let detail = client.patch(&draft, &json!({"config_metadata": config})).refused(400, "invalid");
        assert!(detail.contains(misspelt) && detail.contains("config_metadata"), "{detail}");
    }
    let config = &made["last_draft_script"]["config_metadata"];
    let answer = client.patch(&draft, &json!({"config_metadata": config})).ok();
    assert_eq!(&answer["config_metadata"], config);
}

#[test]
fn publishing_keeps_the_id_and_forks_the_next_draft() {
    let server = TestServer::start();
    let client = server.client();
    let made = with_template(&server, &object(&server, "orders", &[]), "a,b\n1,2\n");
    let first = draft(&made);
    let detail = client.post_empty(&format!("{first}/publish")).refused(400, "invalid");
    assert_eq!(detail, "Output sample file is not generated yet. Please run the script first.");
    sampled(&server, &made["last_draft_script"]);
    client.patch(&first, &json!({"user_script": "-- one"})).ok();
    let detail = client.post_empty(&format!("{first}/publish")).refused(400, "invalid");
    assert_eq!(detail, "The script changed after its sample was generated. Please run the script first.");
    sampled(&server, &made["last_draft_script"]);
    let answer = client.post_empty(&format!("{first}/publish")).ok();
    assert_eq!(answer["id"], made["last_draft_script"]["id"]);
    let detail = client.post_empty(&format!("{first}/publish")).refused(400, "invalid");
    assert!(detail.contains("already live"), "{detail}");

    let after = client.get(&path(&made)).ok();
    assert_eq!(after["status"], "setup");
    assert_eq!(after["live_script"]["id"], made["last_draft_script"]["id"]);
    assert_eq!(after["live_script"]["status"], "live");
    let next = &after["last_draft_script"];
    assert_ne!(next["id"], made["last_draft_script"]["id"]);
    assert_eq!((&next["state"], &next["user_script"]), (&json!("setup"), &json!("-- one")));
    assert_eq!(next["config_metadata"], after["live_script"]["config_metadata"]);
    assert!(next["output_csv_file"].is_null());

    // A live script does not change, and that is no error.
    let answer = client.patch(&first, &json!({"user_script": "-- other"})).ok();
    assert_eq!(answer["user_script"], "-- one");

    let second = draft(&after);
    client.patch(&second, &json!({"user_script": "-- two"})).ok();
    sampled(&server, next);
    client.post_empty(&format!("{second}/publish")).ok();
    client.get(&first).refused(404, "not_found");
    let list = client.get(&format!("{}?ordering=-created", scripts(&made))).ok();
    assert_eq!(list["count"], 2);
    assert_eq!(client.get(&format!("{}?status=live", scripts(&made))).ok()["count"], 1);
    for (state, count) in [("setup", 1), ("success", 1), ("queued", 0), ("in_progress", 0), ("failed", 0)] {
        let found = client.get(&format!("{}?state={state}", scripts(&made))).ok();
        assert_eq!(found["count"], count, "{state}");
    }
    client.get(&format!("{}?state=done", scripts(&made))).refused(400, "invalid");

    let history = client.get(&format!("{}/history", scripts(&made))).ok();
    let texts: Vec<_> = history["results"].as_array().unwrap().iter().map(|v| &v["user_script"]).collect();
    assert_eq!(texts, ["-- two", "-- one"]);
    assert_eq!(history["results"][1]["n"], 1);
    assert_eq!(history["results"][1]["published_by"]["id"], server.user_id.as_str());
    let restored = client.post_empty(&format!("{}/history/1/restore", scripts(&made))).ok();
    assert_eq!((&restored["status"], &restored["user_script"]), (&json!("draft"), &json!("-- one")));
    client.post_empty(&format!("{}/history/3/restore", scripts(&made))).refused(404, "not_found");
    let events = client.get(&format!("{}/events-history?event_type=published", path(&made))).ok();
    assert_eq!(events["count"], 2);
}

#[test]
fn a_sample_has_an_address() {
    let server = TestServer::start();
    let client = server.client();
    let made = with_template(&server, &object(&server, "orders", &[]), "a\n1\n");
    let path = format!("{}/download-output-sample", draft(&made));
    client.post(&path, &json!({"type": "reference"})).refused(400, "invalid");
    sampled(&server, &made["last_draft_script"]);
    let url = client.post(&path, &json!({"type": "reference"})).ok()["output_csv_file_url"].clone();
    assert!(url.as_str().unwrap().starts_with(&format!("{}/api/files/", server.url)), "{url}");
    client.post(&path, &json!({"type": "last_run"})).refused(400, "invalid");
    client.post(&path, &json!({"type": "other"})).refused(400, "invalid");
    client.post(&path, &json!({})).refused(400, "required");
    let foreign = file(&server, "x", "x");
    client.get(&format!("{}/{foreign}", scripts(&made))).refused(404, "not_found");
}

#[test]
fn a_script_has_the_output_of_its_last_run() {
    let shop = Shop::new();
    let live = detail(&shop.client, TOKEN)["live_script"]["id"].clone();
    let path = format!("{}/sql-scripts/{}/download-output-sample", path(&json!({"id": TOKEN})), text(&live));
    let ask = || shop.client.post(&path, &json!({"type": "last_run"}));
    assert_eq!(ask().refused(400, "invalid"), "No execution of this script has left its output yet.");
    for number in ["1", "2"] {
        let run = shop.run("a.csv", &format!("Number,E-Mail,Total\n{number},,{number}\n"));
        let answer = ask().ok();
        assert_eq!(answer, json!({"output_csv_file_url": run["sql_output_zip"]["url"]}));
        let files = unzip(&shop.client, &json!({"url": answer["output_csv_file_url"]}));
        let orders = format!("number,mail,total\r\n{number},,{number}\r\n");
        assert_eq!(files, [("orders.csv".to_owned(), orders)]);
    }
}

#[test]
fn before_a_run_is_claimed_its_script_is_the_current_one() {
    let shop = Shop::new();
    shop.patch(&json!({"max_concurrency": 0}));
    let sent = upload(&shop.client, TOKEN, "a.csv", b"Number,E-Mail,Total\n1,,1\n", &[]).created();
    let used = format!("/api/smart-connectors/{TOKEN}/executions/{}/sql-script", text(&sent["execution_id"]));
    let before = shop.client.get(&used).ok();
    assert_eq!((&before["status"], &before["user_script"]), (&json!("live"), &json!(SQL)));
    let other = SQL.replace("total FROM", "total + 1 AS total FROM");
    let published = publish(&shop.client, TOKEN, &other);
    let now = shop.client.get(&used).ok();
    assert_eq!((&now["id"], &now["user_script"]), (&published["live_script"]["id"], &json!(other)));
    // From then on it is the one that it ran with.
    shop.patch(&json!({"max_concurrency": 1}));
    run_ended(&shop.client, TOKEN, text(&sent["execution_id"]));
    publish(&shop.client, TOKEN, SQL);
    assert_eq!(shop.client.get(&used).ok()["user_script"], other);
}
