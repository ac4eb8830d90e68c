//! The counting identity through the whole product: random files and rules, dry and then live.

use std::fmt::Write as _;

use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value as Json, json};

use super::{Shop, totals};
use crate::support::configure::{configure, maps, matches, step, variable, with};

const CASES: usize = 30;
const SQL: &str = "CREATE TABLE output.orders AS
    SELECT rowid AS _line, number, e_mail AS mail, total FROM input.orders_csv;
    CREATE TABLE output.known AS SELECT rowid AS _line, e_mail AS mail, total FROM input.orders_csv
    WHERE number <> '1';";

#[test]
fn rows_are_what_became_of_them_and_a_dry_run_counts_as_the_live_run_after_it() {
    let shop = Shop::with(|_| {}, SQL);
    let config = Config { failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, random);
    let mut seen = [0; 5];
    for case in 0..CASES {
        let (steps, rows) = (steps(), rows()).new_tree(&mut runner).unwrap().current();
        configure(&shop.client, super::TOKEN, &variables(), &steps);
        let mut csv = "Number,E-Mail,Total\n".to_owned();
        for [number, mail, total] in rows {
            writeln!(csv, "{number},{mail},{total}").unwrap();
        }
        let before = shop.orders();
        let dry = shop.run_with("dry.csv", &csv, &[("is_dry_run", "true")]);
        assert_eq!(shop.orders(), before);
        let live = shop.run("live.csv", &csv);
        assert_eq!(counts(&dry), counts(&live), "case {case}: {csv}\n{steps:#?}");
        assert_eq!(dry["status"], live["status"]);
        for status in ["error", "skipped", "warning"] {
            let said = |run| shop.rows(run, &format!("status={status}")).as_array().unwrap().len();
            assert_eq!(said(&dry), said(&live), "case {case}: {status}");
        }
        for (sum, count) in seen.iter_mut().zip(totals(&live)) {
            *sum += count;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "the cases come everywhere: {seen:?}");
}

/// The counters of every load step, and their sum.
fn counts(run: &Json) -> (Vec<Json>, Json) {
    let stages = run["step_progress"].as_array().unwrap();
    let steps = stages.iter().flat_map(|stage| stage["steps"].as_array().unwrap());
    (steps.map(|step| step["counters"].clone()).collect(), run["totals"].clone())
}

fn variables() -> Vec<Json> {
    vec![
        variable("Number", "string", "orders", "number"),
        variable("Mail", "email", "orders", "mail"),
        variable("Total", "number", "orders", "total"),
        variable("Known mail", "email", "known", "mail"),
        variable("Known total", "number", "known", "total"),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Json>> {
    let conflict = || select(vec!["overwrite", "only_update_blank", "overwrite_except_null"]);
    let actions = (
        select(vec!["create_new", "do_not_upload"]),
        select(vec!["update_current", "do_not_upload"]),
        select(vec!["name", "mail", "total"]),
    );
    (actions.clone(), actions, conflict(), conflict(), any::<bool>()).prop_map(
        |(first, second, name, total, by_both)| {
            let rule = |(none, single, field): (&str, &str, &str), variable: &str| {
                let rule = with(matches(field, variable), "no_match_action", json!(none));
                with(rule, "single_match_action", json!(single))
            };
            let with_conflict = |rule, conflict: &str| with(rule, "conflict_resolution", json!(conflict));
            let variable = |field: &str| match field {
                "name" => "Number",
                "mail" => "Mail",
                _ => "Total",
            };
            let mut rules = vec![rule(first, variable(first.2))];
            if by_both && first.2 != "mail" {
                rules[0]["no_match_action"] = json!("next_rule_ignore_previous");
                rules.push(matches("mail", "Mail"));
            }
            let mapping = json!([
                with_conflict(maps("name", "Number"), name),
                with_conflict(maps("mail", "Mail"), total),
                with_conflict(maps("total", "Total"), total)
            ]);
            let orders = step("orders", "orders", None, json!(rules), mapping);
            let (field, name) =
                if second.2 == "total" { ("total", "Known total") } else { ("mail", "Known mail") };
            let mapping =
                json!([maps("name", "Known mail"), with_conflict(maps("total", "Known total"), total)]);
            let known =
                step("orders", "known", None, json!([rule((second.0, second.1, field), name)]), mapping);
            vec![orders, known]
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<[&'static str; 3]>> {
    let row = [
        select(vec!["1", "2", "3", "4", "", "5"]),
        select(vec!["a@x.org", "b@x.org", "", "", "nobody", "A@x.org"]),
        select(vec!["1", "2.50", "", "x", "3,1", "4"]),
    ];
    prop::collection::vec(row, 0..12)
}
