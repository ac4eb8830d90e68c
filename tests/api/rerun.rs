//! The same input again.

use serde_json::json;

use crate::{
    run::{Shop, TOKEN},
    support::journey::{path, run_ended, text},
};

#[test]
fn a_rerun_reads_the_same_file_with_the_live_script_of_today() {
    let shop = Shop::new();
    let first = shop.run("a.csv", "Number,E-Mail,Total\n7,,1\n");
    let one = format!("{}/executions/{}", path(TOKEN), text(&first["id"]));
    let answer = shop.client.post(&format!("{one}/rerun"), &json!({})).expect(201);
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let row = answer.json();
    assert_eq!(
        (&row["trigger_type"], &row["input_file"]["id"]),
        (&json!("rerun"), &first["input_file"]["id"])
    );
    let again = run_ended(&shop.client, TOKEN, text(&row["id"]));
    assert_eq!((&again["status"], &again["totals"]["unchanged"]), (&json!("success"), &json!(1)));
    assert_eq!(shop.client.get(&location).ok()["id"], row["id"]);
    let dry = shop.client.post(&format!("{one}/rerun"), &json!({"is_dry_run": true})).created();
    assert_eq!(dry["is_dry_run"], true);
    run_ended(&shop.client, TOKEN, text(&dry["id"]));

    // What a restored backup may lack.
    let input = text(&first["input_file"]["id"]).parse().unwrap();
    shop.server.app.store.files.write(|tx| smartconnector::store::file::delete(tx, input)).unwrap();
    let refusal = shop.client.post(&format!("{one}/rerun"), &json!({})).refused(409, "conflict");
    assert_eq!(refusal, "The input file of this run is not in the store any more.");
}
