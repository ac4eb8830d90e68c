//! Cancelling: what waits, what runs, what has ended, and what a load had written by then.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    run::{Shop, TOKEN, assert_adds_up},
    support::{
        journey::{self, detail, execution, path, run_ended, run_is, text, upload},
        until,
    },
};

const ENDLESS: &str = "CREATE TABLE output.orders AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
SELECT max(i) AS number, NULL AS mail, NULL AS total FROM n;
";
const CSV: &[u8] = b"Number,E-Mail,Total\n1,,1\n";

fn send(shop: &Shop, csv: &[u8]) -> String {
    text(&upload(&shop.client, TOKEN, "a.csv", csv, &[]).created()["execution_id"]).to_owned()
}

fn cancel(id: &str) -> String {
    format!("{}/executions/{id}/cancel", path(TOKEN))
}

/// A connector whose live script is endless: it was published when its sample still ended.
fn endless() -> Shop {
    Shop::with(
        |_| {},
        &ENDLESS.replace("FROM n)", "FROM n WHERE (SELECT count(*) FROM input.orders_csv) > 1)"),
    )
}

const TWO: &[u8] = b"Number,E-Mail,Total\n1,,1\n2,,2\n";

#[test]
fn an_endless_query_ends_soon_after_the_cancel() {
    let shop = endless();
    let id = send(&shop, TWO);
    until("the script runs", || {
        let row = execution(&shop.client, TOKEN, &id);
        (row["step_progress"][1]["status"] == "in_progress").then_some(())
    });
    let asked = Instant::now();
    let row = shop.client.post_empty(&cancel(&id)).expect(202).json();
    assert!(["cancelling", "cancelled"].contains(&text(&row["status"])), "{row}");
    let row = run_is(&shop.client, TOKEN, &id, "cancelled");
    let took = asked.elapsed();
    println!("cancelled after {} ms", took.as_millis());
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(row["cancelled_by"]["id"], shop.server.user_id.as_str());
    assert!(row["cancel_requested_at"].is_string() && row["ended_at"].is_string(), "{row}");
    assert_eq!(row["step_progress"][1]["status"], "cancelled");
    assert_adds_up(&row);

    // Asked again it is the same row; what has ended otherwise can't be cancelled.
    assert_eq!(
        shop.client.post_empty(&cancel(&id)).ok(),
        shop.client.get(cancel(&id).trim_end_matches("/cancel")).ok()
    );
    let ended = send(&shop, CSV);
    assert_eq!(run_ended(&shop.client, TOKEN, &ended)["status"], "success");
    shop.client.post_empty(&cancel(&ended)).refused(409, "conflict");
    assert_eq!(execution(&shop.client, TOKEN, &ended)["status"], "success");
    let unknown = uuid::Uuid::new_v4().to_string();
    shop.client.post_empty(&cancel(&unknown)).refused(404, "not_found");
}

#[test]
fn what_waits_is_cancelled_at_once() {
    let shop = Shop::in_setup(|_| {}, crate::run::SQL);
    let id = send(&shop, CSV);
    let row = shop.client.post_empty(&cancel(&id)).expect(202).json();
    assert_eq!((&row["status"], row["started_at"].is_null()), (&json!("cancelled"), true));
    assert!(row["ended_at"].is_string(), "{row}");
    assert_eq!(shop.client.post_empty(&cancel(&id)).ok()["ended_at"], row["ended_at"]);
    journey::activate(&shop.client, TOKEN);
    // The next one runs, and that one does not.
    let next = send(&shop, CSV);
    assert_eq!(run_ended(&shop.client, TOKEN, &next)["status"], "success");
    assert_eq!(execution(&shop.client, TOKEN, &id)["status"], "cancelled");
    assert_eq!(detail(&shop.client, TOKEN)["status"], "operational");
}

#[test]
fn a_cancelled_load_keeps_what_it_committed_and_counts_it() {
    use std::fmt::Write as _;

    const ROWS: usize = 20_000;
    let shop = Shop::with(|config| config.runner.batch_rows = 20, crate::run::SQL);
    let mut csv = "Number,E-Mail,Total\n".to_owned();
    for at in 0..ROWS {
        writeln!(csv, "{at:06},,{at}").unwrap();
    }
    let id = send(&shop, csv.as_bytes());
    until("rows are loaded", || {
        let row = execution(&shop.client, TOKEN, &id);
        assert!(row["ended_at"].is_null(), "too fast to be cancelled: {row}");
        (row["totals"]["created"].as_u64().unwrap() > 0).then_some(())
    });
    shop.client.post_empty(&cancel(&id)).expect(202);
    let row = run_is(&shop.client, TOKEN, &id, "cancelled");
    assert_adds_up(&row);
    let totals = &row["totals"];
    let created = totals["created"].as_u64().unwrap();
    assert!(created > 0 && created < ROWS as u64 && created.is_multiple_of(20), "{totals}");
    assert_eq!(totals["not_processed"], ROWS as u64 - created, "{totals}");
    let object = journey::object_id(&shop.client, "orders");
    let url = format!("/api/records/{object}/search?page_size=1");
    let count = || shop.client.post(&url, &json!({"query": [], "and": true})).ok()["count"].clone();
    assert_eq!(count(), created);
    // A cancelled run ends at once: what it loaded is in the counters, no report is written first.
    assert!(row["final_report"].is_null(), "{row}");
    assert_eq!(row["error_details"].as_str(), None, "{row}");
}

/// The ledger has the end when the last batch is committed: a cancel after that takes nothing back.
#[test]
fn a_cancel_while_the_report_is_written_costs_the_report_alone() {
    use std::fmt::Write as _;

    const ROWS: usize = 30_000;
    let shop = Shop::new();
    let mut csv = "Number,E-Mail,Total\n".to_owned();
    for at in 0..ROWS {
        writeln!(csv, "{at:06},,{at}").unwrap();
    }
    let id = send(&shop, csv.as_bytes());
    until("the report is written", || {
        let row = execution(&shop.client, TOKEN, &id);
        assert!(row["ended_at"].is_null(), "too fast to be cancelled: {row}");
        (row["step_progress"][4]["status"] == "in_progress").then_some(())
    });
    shop.client.post_empty(&cancel(&id)).expect(202);
    let row = run_is(&shop.client, TOKEN, &id, "success");
    assert_adds_up(&row);
    assert_eq!(row["totals"]["created"], ROWS);
    let warning = "All rows had been loaded when the run was asked to stop; its report was not written.";
    assert_eq!((row["warning"].as_str(), row["final_report"].is_null()), (Some(warning), true), "{row}");
    assert_eq!(row["step_progress"][4]["status"], "cancelled");
    assert!(row["sql_output_zip"].is_object() && row["error_details"].is_null(), "{row}");
}
