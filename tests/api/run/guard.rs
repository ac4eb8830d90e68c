//! The guard holds a run before it writes.

use serde_json::{Value as Json, json};

use super::{Shop, TOKEN, totals};
use crate::support::journey::{self, path, text};

const GOOD: &str = "Number,E-Mail,Total\n1,,1\n2,,2\n3,,3\n4,,4\n";
/// Two of four totals are no numbers.
const BAD: &str = "Number,E-Mail,Total\n1,,1\n2,,2\n3,,x\n4,,y\n";

fn guarded(guard: &Json) -> Shop {
    let shop = Shop::new();
    let answer = shop.patch(&json!({ "guard": guard }));
    for (key, value) in guard.as_object().unwrap() {
        assert_eq!(&answer["guard"][key], value, "{answer}");
    }
    shop
}

/// It failed with this sentence, and nothing of it was written.
#[track_caller]
fn is_held(shop: &Shop, run: &Json, sentence: &str) {
    let before = shop.orders();
    assert_eq!((&run["status"], &run["error_details"]), (&json!("failed"), &json!(sentence)), "{run}");
    assert_eq!(totals(run), [0; 5], "{run}");
    assert_eq!(run["totals"]["not_processed"], run["totals"]["rows"]);
    assert!(run["final_report"].is_null() && !run["input_file"].is_null());
    assert_eq!(shop.orders(), before);
}

#[test]
fn too_many_rejected_rows_hold_a_run_and_a_rerun_may_ignore_it() {
    let shop = guarded(&json!({"max_error_percent": 49.5}));
    assert_eq!(shop.run("a.csv", GOOD)["status"], "success");
    let run = shop.run("b.csv", BAD);
    is_held(&shop, &run, "held by guard: 50 % of rows rejected (limit 49.5 %)");
    assert_eq!(run["ignore_guard"], false);
    // A dry run is not held: it shows which rows.
    let dry = shop.run_with("b.csv", BAD, &[("is_dry_run", "true")]);
    assert_eq!((&dry["status"], totals(&dry)), (&json!("partial_success"), [0, 0, 2, 0, 2]));

    let rerun = format!("{}/executions/{}/rerun", path(TOKEN), text(&run["id"]));
    let again = shop.client.post(&rerun, &json!({"ignore_guard": true})).created();
    let again = journey::run_ended(&shop.client, TOKEN, text(&again["id"]));
    assert_eq!((&again["status"], &again["ignore_guard"]), (&json!("partial_success"), &json!(true)));
    // It is said for one run.
    let third = shop.client.post(&rerun, &json!({})).created();
    let third = journey::run_ended(&shop.client, TOKEN, text(&third["id"]));
    is_held(&shop, &third, "held by guard: 50 % of rows rejected (limit 49.5 %)");
}

#[test]
fn a_number_of_rejected_rows() {
    let shop = guarded(&json!({"max_error_rows": 1}));
    is_held(&shop, &shop.run("a.csv", BAD), "held by guard: 2 rows rejected (limit 1)");
    shop.patch(&json!({"guard": {"max_error_rows": 2}}));
    let run = shop.run("a.csv", BAD);
    assert_eq!((&run["status"], totals(&run)), (&json!("partial_success"), [2, 0, 0, 0, 2]));
}

#[test]
fn too_many_updates() {
    let shop = guarded(&json!({"max_update_percent": 25}));
    assert_eq!(totals(&shop.run("a.csv", GOOD)), [4, 0, 0, 0, 0]);
    let one = "Number,E-Mail,Total\n1,a@example.org,1\n2,,2\n3,,3\n4,,4\n";
    assert_eq!(totals(&shop.run("b.csv", one)), [0, 1, 3, 0, 0]);
    let two = "Number,E-Mail,Total\n1,a@example.org,1\n2,b@example.org,2\n3,c@example.org,3\n4,,4\n";
    is_held(&shop, &shop.run("c.csv", two), "held by guard: 50 % of rows would be updated (limit 25 %)");
}

#[test]
fn too_few_rows() {
    let shop = guarded(&json!({"min_rows": 4}));
    assert_eq!(shop.run("a.csv", GOOD)["status"], "success");
    let half = "Number,E-Mail,Total\n1,,1\n2,,2\n";
    let run = shop.run("b.csv", half);
    is_held(&shop, &run, "held by guard: 2 rows in the file (at least 4 expected)");
    shop.patch(&json!({ "guard": null }));
    assert_eq!(shop.run("b.csv", half)["status"], "success");
}

#[test]
fn limits_are_checked_and_kept() {
    let shop = Shop::new();
    let client = &shop.client;
    assert!(journey::detail(client, TOKEN)["guard"].is_null());
    for (guard, place) in [
        (json!({"max_error_percent": 101}), "guard.max_error_percent"),
        (json!({"max_update_percent": -1}), "guard.max_update_percent"),
        (json!({"max_error_rows": -1}), "guard"),
        (json!({"min_row": 1}), "min_row"),
    ] {
        let refusal = client.patch(&path(TOKEN), &json!({ "guard": guard })).refused(400, "invalid");
        assert!(refusal.contains(place), "{refusal}");
    }
    // A guard without a limit is none.
    assert!(shop.patch(&json!({"guard": {"min_rows": null}}))["guard"].is_null());
    let guard =
        json!({"max_error_rows": 0, "max_error_percent": 0.5, "max_update_percent": null, "min_rows": 1});
    assert_eq!(shop.patch(&json!({ "guard": guard }))["guard"], guard);
    // What was read is accepted back.
    assert_eq!(shop.patch(&json!({ "guard": guard }))["guard"], guard);
}
