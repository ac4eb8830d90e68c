//! What a run sees of records that change while its seeds are read.

use serde_json::json;

use crate::{
    process::{self, Process, TOKEN, set_up, wait_for_hold},
    support::{
        Client,
        journey::{self, path, unzip},
    },
};

/// Makes a record that has nothing but its name.
fn add(client: &Client, object: &str, name: &str) {
    let object = journey::object_id(client, object);
    let fields = json!([{"name": "name", "value": name}]);
    client.post(&format!("/api/records/{object}/add"), &json!({ "fields": fields })).created();
}

/// They were read in a state each: a record without the one that it goes with.
#[test]
fn all_seeds_of_a_run_are_one_state_of_the_records() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::start(data.path());
    let client = &first.client;
    set_up(client);
    journey::object(client, "people", &[]);
    add(client, "orders", "before");
    add(client, "people", "before");
    let seeds: Vec<_> = ["orders", "people"]
        .map(|object| {
            let id = journey::object_id(client, object);
            let fields = client.get(&format!("/api/custom-objects/{id}/fields")).ok();
            let name = journey::row(&fields, "name", "name")["id"].clone();
            json!({"custom_object_id": id, "group_id": null, "fields_ids": [name]})
        })
        .into();
    client.patch(&path(TOKEN), &json!({ "kizen_data_seeds": seeds })).ok();
    let file = journey::detail(client, TOKEN)["source_file"]["id"].clone();
    client.post(&format!("{}/get-file-template", path(TOKEN)), &json!({ "source_file_id": file })).ok();
    let sql = "CREATE TABLE output.orders AS SELECT rowid AS _line, number, total,
            (SELECT group_concat(name) FROM kizen.orders) AS orders,
            (SELECT group_concat(name) FROM kizen.people) AS people FROM input.orders_csv;";
    journey::publish(client, TOKEN, sql);
    assert!(first.stop().0);

    let held = data.path().join("held");
    let mut command = process::server(data.path());
    command.env("SMARTCONNECTOR_BREAK", "seed_read:1:hold").env("SMARTCONNECTOR_BREAK_HOLD", &held);
    let second = Process::started(&mut command);
    let client = &second.client;
    let run = || process::send(client, b"Number,Total\n1,1\n");
    let output = |id: &str| {
        let row = journey::run_ended(client, TOKEN, id);
        assert_eq!(row["status"], "success", "{row}");
        unzip(client, &row["sql_output_zip"]).remove(0).1.lines().nth(1).unwrap().to_owned()
    };
    let id = run();
    wait_for_hold(&held);
    add(client, "orders", "since");
    add(client, "people", "since");
    std::fs::remove_file(&held).unwrap();
    assert_eq!(output(&id), "1,1,before,before");
    // The run's own order is there by now, and the next run sees all.
    assert_eq!(output(&run()), "1,1,\"before,since,1\",\"before,since\"");
    assert!(second.stop().0);
}
