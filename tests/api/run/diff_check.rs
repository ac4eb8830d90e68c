//! The diff check: rows equal to rows that were loaded are not loaded again, and the records are those of a run without it.

use serde_json::{Value as Json, json};

use super::{SQL, Shop, TOKEN, totals};
use crate::support::{
    configure::{configure, maps, matches, step, variable},
    journey::{self, path, run_ended, run_is, text, upload},
    until,
};

const FIRST: &str = "Number,E-Mail,Total\n1,a@example.org,1\n2,,2\n3,,3\n";

fn shop() -> Shop {
    let shop = Shop::new();
    assert_eq!(journey::detail(&shop.client, TOKEN)["diff_check_enabled"], false);
    assert_eq!(shop.patch(&json!({"diff_check_enabled": true}))["diff_check_enabled"], true);
    shop
}

/// What the run's log says of the diff check.
fn said(shop: &Shop, run: &Json) -> String {
    let url = format!("{}/executions/{}/logs", path(TOKEN), text(&run["id"]));
    let lines = shop.client.get(&url).ok()["results"].clone();
    let about = lines.as_array().unwrap().iter().map(|line| text(&line["message"]).to_owned());
    about.filter(|line| line.contains("iff check")).collect::<Vec<_>>().join("\n")
}

/// A record of the shop as somebody changes it by hand.
fn by_hand(shop: &Shop, number: &str, total: u32) {
    let found = journey::search(&shop.client, &journey::object_id(&shop.client, "orders"), &json!([]));
    let is_it = |record: &&Json| {
        record["fields"]
            .as_object()
            .unwrap()
            .values()
            .any(|field| field["name"] == "name" && field["value"] == number)
    };
    let id = text(&found.iter().find(is_it).unwrap()["id"]).to_owned();
    let body = json!({"fields": [{"name": "total", "value": total}]});
    shop.client.patch(&format!("/api/records/orders/{id}"), &body).ok();
}

fn totals_of(shop: &Shop) -> Vec<Json> {
    shop.orders().iter().map(|order| order[2].clone()).collect()
}

#[test]
fn equal_rows_go_to_no_step() {
    let shop = shop();
    let first = shop.run("a.csv", FIRST);
    assert_eq!((totals(&first), &first["totals"]["missing_since_last_run"]), ([3, 0, 0, 0, 0], &Json::Null));
    assert!(said(&shop, &first).contains("no completed run to compare with"), "{}", said(&shop, &first));
    // It compares with what was loaded, not with the records: this edit stays.
    by_hand(&shop, "2", 20);
    let second = shop.run("a.csv", FIRST);
    assert_eq!((totals(&second), &second["totals"]["missing_since_last_run"]), ([0, 0, 3, 0, 0], &json!(0)));
    assert_eq!(second["status"], "success", "{second}");
    assert_eq!(totals_of(&shop), [json!(1), json!(20), json!(3)]);
    assert!(said(&shop, &second).contains("3 rows compared with 3 that the last run loaded, 3 unchanged"));
    // A changed line is loaded, a new one too; the rest stays.
    let third = shop.run("b.csv", "Number,E-Mail,Total\n3,,33\n1,a@example.org,1\n2,,2\n4,,4\n");
    assert_eq!(totals(&third), [1, 1, 2, 0, 0]);
    assert_eq!(totals_of(&shop), [json!(1), json!(20), json!(33), json!(4)]);
    // And what it loaded is compared with the time after.
    assert_eq!(totals(&shop.run("b.csv", "Number,E-Mail,Total\n3,,33\n4,,4\n2,,2\n")), [0, 0, 3, 0, 0]);
    assert_eq!(totals_of(&shop)[1], 20);
}

#[test]
fn two_lines_for_one_record_are_played_in_order() {
    let shop = shop();
    let twice = "Number,E-Mail,Total\n1,,1\n2,,2\n1,,10\n";
    assert_eq!(totals(&shop.run("a.csv", twice)), [2, 1, 0, 0, 0]);
    // Both lines of order 1 again, only order 2 is left alone.
    assert_eq!(totals(&shop.run("a.csv", twice)), [0, 2, 1, 0, 0]);
    // The first line alone: it was loaded, but not last.
    assert_eq!(totals(&shop.run("b.csv", "Number,E-Mail,Total\n1,,1\n2,,2\n")), [0, 1, 1, 0, 0]);
    assert_eq!(totals_of(&shop), [json!(1), json!(2)]);
    // A second line comes to one that is equal.
    assert_eq!(totals(&shop.run("c.csv", "Number,E-Mail,Total\n1,,5\n1,,1\n2,,2\n")), [0, 2, 1, 0, 0]);
    assert_eq!(totals_of(&shop), [json!(1), json!(2)]);
}

#[test]
fn rejected_rows_are_tried_again() {
    let shop = shop();
    let bad = "Number,E-Mail,Total\n1,,1\n2,,x\n,,3\n";
    for (run, unchanged) in [(1, [1, 0, 0, 0, 2]), (2, [0, 0, 1, 0, 2])] {
        let row = shop.run("a.csv", bad);
        assert_eq!((totals(&row), &row["status"]), (unchanged, &json!("partial_success")), "run {run}");
        assert_eq!(shop.rows(&row, "status=error").as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_change_of_variables_or_flow_loads_everything() {
    let shop = shop();
    shop.run("a.csv", FIRST);
    by_hand(&shop, "2", 20);
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Mail", "email", "orders", "mail"),
        variable("Total", "number", "orders", "total"),
        variable("Spare", "string", "orders", "total"),
    ];
    let mapping = json!([maps("name", "Number"), maps("mail", "Mail"), maps("total", "Total")]);
    let steps = [step("orders", "orders", None, json!([matches("name", "Number")]), mapping)];
    configure(&shop.client, TOKEN, &variables, &steps);
    let run = shop.run("a.csv", FIRST);
    assert_eq!((totals(&run), &run["totals"]["missing_since_last_run"]), ([0, 1, 2, 0, 0], &Json::Null));
    assert!(said(&shop, &run).contains("variables, flow or seeds changed"), "{}", said(&shop, &run));
    assert_eq!(totals_of(&shop)[1], 2);
    // Then it compares again.
    by_hand(&shop, "2", 20);
    assert_eq!(totals(&shop.run("a.csv", FIRST)), [0, 0, 3, 0, 0]);
    assert_eq!(totals_of(&shop)[1], 20);
}

#[test]
fn a_skipped_row_is_tried_again() {
    let shop = shop();
    let orders = journey::object_id(&shop.client, "orders");
    let [_, twin] = [1, 2].map(|_| crate::matching::add(&shop.client, &orders, &json!({"name": "twin"})));
    let csv = "Number,E-Mail,Total\ntwin,,5\n1,,1\n";
    assert_eq!(totals(&shop.run("a.csv", csv)), [1, 0, 0, 1, 0]);
    assert_eq!(totals(&shop.run("a.csv", csv)), [0, 0, 1, 1, 0]);
    // Nothing of the file has changed, but the records have.
    shop.client.delete(&format!("/api/records/orders/{twin}")).expect(204);
    assert_eq!(totals(&shop.run("a.csv", csv)), [0, 1, 1, 0, 0]);
    assert_eq!(totals(&shop.run("a.csv", csv)), [0, 0, 2, 0, 0]);
}

#[test]
fn a_change_of_the_flow_alone_or_of_the_seeds_loads_everything() {
    let shop = shop();
    shop.run("a.csv", FIRST);
    let changed = |change: &dyn Fn()| {
        by_hand(&shop, "2", 20);
        assert_eq!(totals(&shop.run("a.csv", FIRST)), [0, 0, 3, 0, 0]);
        change();
        let run = shop.run("a.csv", FIRST);
        assert_eq!((totals(&run), &run["totals"]["missing_since_last_run"]), ([0, 1, 2, 0, 0], &Json::Null));
        assert!(said(&shop, &run).contains("variables, flow or seeds changed"), "{}", said(&shop, &run));
        assert_eq!(totals_of(&shop)[1], 2);
    };
    changed(&|| {
        let mut flow = journey::detail(&shop.client, TOKEN)["flow"].clone();
        let rule = &mut flow["loads"][0]["field_mapping_rules"][1];
        assert_eq!(rule["conflict_resolution"], "overwrite");
        rule["conflict_resolution"] = json!("only_update_blank");
        shop.patch(&json!({ "flow": flow }));
    });
    let orders = journey::object_id(&shop.client, "orders");
    changed(&|| {
        shop.patch(&json!({"kizen_data_seeds": [{"custom_object_id": orders, "group_id": null}]}));
    });
}

#[test]
fn each_of_several_scopes_is_compared_with_its_own_rows() {
    let sql = "CREATE TABLE output.orders AS
        SELECT rowid AS _line, number, e_mail AS mail, total FROM input.orders_csv;
        CREATE TABLE output.people AS
        SELECT DISTINCT e_mail AS mail FROM input.orders_csv WHERE e_mail IS NOT NULL;";
    let shop = Shop::in_setup(|_| {}, sql);
    journey::object(&shop.client, "people", &[]);
    let variables = [
        variable("Number", "string", "orders", "number"),
        variable("Total", "number", "orders", "total"),
        variable("Who", "email", "people", "mail"),
    ];
    let mapping = json!([maps("name", "Number"), maps("total", "Total")]);
    let orders = step("orders", "orders", None, json!([matches("name", "Number")]), mapping);
    let people =
        step("people", "people", None, json!([matches("name", "Who")]), json!([maps("name", "Who")]));
    configure(&shop.client, TOKEN, &variables, &[orders, people]);
    journey::activate(&shop.client, TOKEN);
    shop.patch(&json!({"diff_check_enabled": true}));
    let run = |csv: &str| {
        let run = shop.run("a.csv", &format!("Number,E-Mail,Total\n{csv}"));
        let missing = run["totals"]["missing_since_last_run"].clone();
        (totals(&run), missing)
    };
    let first = "1,a@x.org,1\n2,b@x.org,2\n3,a@x.org,3\n";
    assert_eq!(run(first), ([5, 0, 0, 0, 0], Json::Null));
    assert_eq!(run(first), ([0, 0, 5, 0, 0], json!(0)));
    // A changed order changes nothing of the people.
    assert_eq!(run("1,a@x.org,1\n2,b@x.org,20\n3,a@x.org,3\n"), ([0, 1, 4, 0, 0], json!(0)));
    // Two orders and one of the people are gone, one of each is new.
    assert_eq!(run("1,a@x.org,1\n4,c@x.org,4\n"), ([2, 0, 2, 0, 0], json!(3)));
    assert_eq!(shop.orders().len(), 4);
}

#[test]
fn a_run_may_switch_it_off_and_leaves_a_baseline_all_the_same() {
    let shop = shop();
    shop.run("a.csv", FIRST);
    by_hand(&shop, "2", 20);
    let off = shop.run_with("b.csv", "Number,E-Mail,Total\n2,,2\n3,,3\n", &[("disable_diff_check", "true")]);
    assert_eq!((totals(&off), &off["disable_diff_check"]), ([0, 1, 1, 0, 0], &json!(true)));
    assert!(off["totals"]["missing_since_last_run"].is_null());
    assert!(said(&shop, &off).contains("switched off for this run"));
    // Its rows are the ones that the next run knows; that of order 1 is not among them.
    let on = shop.run("a.csv", FIRST);
    assert!(said(&shop, &on).contains("3 rows compared with 2 that the last run loaded, 2 unchanged"));
    let flow = format!("{}/start-connector-flow", path(TOKEN));
    let started = shop.client.post(&flow, &json!({"is_dry_run": true, "disable_diff_check": true})).ok();
    assert_eq!(started["disable_diff_check"], true);
}

#[test]
fn a_dry_run_only_reads() {
    let shop = shop();
    let dry = |csv: &str| shop.run_with("d.csv", csv, &[("is_dry_run", "true")]);
    // Nothing to compare with, and it leaves nothing.
    assert_eq!(totals(&dry(FIRST)), [3, 0, 0, 0, 0]);
    assert_eq!(totals(&shop.run("a.csv", FIRST)), [3, 0, 0, 0, 0]);
    by_hand(&shop, "2", 20);
    let other = "Number,E-Mail,Total\n2,,2\n3,,30\n";
    for _ in 0..2 {
        let run = dry(other);
        assert_eq!((totals(&run), &run["totals"]["missing_since_last_run"]), ([0, 1, 1, 0, 0], &json!(1)));
    }
    assert_eq!(totals_of(&shop), [json!(1), json!(20), json!(3)]);
    let live = shop.run("b.csv", other);
    assert_eq!((totals(&live), &live["totals"]["missing_since_last_run"]), ([0, 1, 1, 0, 0], &json!(1)));
}

#[test]
fn what_is_missing_is_counted_and_stays() {
    let shop = shop();
    shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,2\n2,,3\n3,,3\n");
    // Order 2 stood in two lines and counts once; order 3 is there, changed.
    let run = shop.run("b.csv", "Number,E-Mail,Total\n3,,4\n");
    assert_eq!(run["totals"]["missing_since_last_run"], 2);
    assert_eq!(shop.orders().len(), 3);
    let run = shop.run("b.csv", "Number,E-Mail,Total\n3,,4\n");
    assert_eq!(run["totals"]["missing_since_last_run"], 0);
}

#[test]
fn after_a_failed_run_that_wrote_everything_is_loaded() {
    let shop = Shop::with(|config| config.runner.batch_rows = 1, SQL);
    shop.patch(&json!({"diff_check_enabled": true}));
    shop.run("a.csv", FIRST);
    by_hand(&shop, "2", 20);
    // A run that failed before it wrote leaves the baseline as it was.
    assert_eq!(shop.run("b.csv", "Number\n1\n")["status"], "failed");
    assert_eq!(totals(&shop.run("a.csv", FIRST)), [0, 0, 3, 0, 0]);
    assert_eq!(totals_of(&shop)[1], 20);
    // One that failed at its second row had written its first.
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON record_orders WHEN NEW.name = 'trap'
                BEGIN SELECT RAISE(ABORT, 'trapped'); END";
    shop.server.app.store.records.write(|tx| Ok(tx.execute_batch(trap)?)).unwrap();
    let failed = shop.run("b.csv", "Number,E-Mail,Total\n3,,33\ntrap,,0\n");
    assert_eq!((&failed["status"], totals(&failed)), (&json!("failed"), [0, 1, 0, 0, 0]), "{failed}");
    let run = shop.run("a.csv", FIRST);
    assert_eq!(totals(&run), [0, 2, 1, 0, 0]);
    assert!(said(&shop, &run).contains("a later one stopped after it had written"));
    assert_eq!(totals_of(&shop), [json!(1), json!(2), json!(3)]);
    assert_eq!(totals(&shop.run("a.csv", FIRST)), [0, 0, 3, 0, 0]);
}

#[test]
fn after_a_cancelled_run_that_wrote_everything_is_loaded() {
    use std::fmt::Write as _;
    let shop = Shop::with(|config| config.runner.batch_rows = 20, SQL);
    shop.patch(&json!({"diff_check_enabled": true}));
    shop.run("a.csv", FIRST);
    let mut csv = "Number,E-Mail,Total\n2,,50\n".to_owned();
    for at in 0..20_000 {
        writeln!(csv, "x{at:06},,{at}").unwrap();
    }
    let sent = upload(&shop.client, TOKEN, "b.csv", csv.as_bytes(), &[]).created();
    let id = text(&sent["execution_id"]);
    until("rows are loaded", || {
        let row = journey::execution(&shop.client, TOKEN, id);
        assert!(row["ended_at"].is_null(), "too fast to be cancelled: {row}");
        (row["totals"]["updated"].as_u64().unwrap() > 0).then_some(())
    });
    shop.client.post_empty(&format!("{}/executions/{id}/cancel", path(TOKEN))).expect(202);
    run_is(&shop.client, TOKEN, id, "cancelled");
    assert_eq!(totals(&shop.run("a.csv", FIRST)), [0, 1, 2, 0, 0]);
    assert_eq!(totals_of(&shop)[..3], [json!(1), json!(2), json!(3)]);
}

#[test]
fn live_runs_wait_for_each_other_whatever_max_concurrency_says() {
    let shop = Shop::with(|config| config.runner.workers = 3, super::waiting::MAY_HANG);
    shop.patch(&json!({"diff_check_enabled": true, "max_concurrency": 3}));
    let send = |csv: &str, fields: &[(&str, &str)]| {
        let sent = upload(&shop.client, TOKEN, "a.csv", csv.as_bytes(), fields).created();
        text(&sent["execution_id"]).to_owned()
    };
    let first = send("Number,E-Mail,Total\n1,,endless\n", &[]);
    run_is(&shop.client, TOKEN, &first, "in_progress");
    let second = send(FIRST, &[]);
    // Workers are free: a dry run passes.
    let dry = send(FIRST, &[("is_dry_run", "true")]);
    assert_eq!(run_ended(&shop.client, TOKEN, &dry)["status"], "success");
    assert_eq!(journey::execution(&shop.client, TOKEN, &second)["status"], "queued");
    // Also when it is switched off meanwhile: the first one compares.
    shop.patch(&json!({"diff_check_enabled": false}));
    let dry = send(FIRST, &[("is_dry_run", "true")]);
    assert_eq!(run_ended(&shop.client, TOKEN, &dry)["status"], "success");
    assert_eq!(journey::execution(&shop.client, TOKEN, &second)["status"], "queued");
    shop.client.post_empty(&format!("{}/executions/{first}/cancel", path(TOKEN))).expect(202);
    assert_eq!(run_ended(&shop.client, TOKEN, &second)["status"], "success");
}

#[test]
fn a_baseline_goes_with_its_connector() {
    let shop = shop();
    shop.run("a.csv", FIRST);
    let count = || -> i64 {
        let sql = "SELECT (SELECT count(*) FROM baseline) + (SELECT count(*) FROM baseline_piece)";
        shop.server.app.store.records.read(|conn| Ok(conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
    };
    assert_eq!(count(), 2);
    // Switched off, the next live run makes it worthless.
    shop.patch(&json!({"diff_check_enabled": false}));
    shop.run("a.csv", FIRST);
    assert_eq!(count(), 0);
    shop.patch(&json!({"diff_check_enabled": true}));
    shop.run("a.csv", FIRST);
    assert_eq!(count(), 2);
    shop.client.delete(&path(TOKEN)).expect(204);
    until("it is gone", || (count() == 0).then_some(()));
}
