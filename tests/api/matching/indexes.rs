//! What records are looked up by has an index: made when the flow is saved, or, where the object is large,
//! in a stage of the next run.

use serde_json::{Value as Json, json};

use super::{People, TOKEN, rule};
use crate::{
    run::totals,
    support::{
        configure::{maps, variable},
        journey::{detail, path},
    },
};

const STAGE: &str = "smart_connector_match_index";
const CSV: &str = "n,code\nA,x1\nB,x99999\nC,new\n";

fn people() -> People {
    let fields = [
        json!({"name": "code", "field_type": "text"}),
        json!({"name": "mail", "field_type": "email"}),
        json!({"name": "tags", "field_type": "dynamictags"}),
    ];
    People::new(&fields, CSV)
}

fn indexes(people: &People) -> Vec<String> {
    people.sql(
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name GLOB 'match_*' AND tbl_name = 'record_people'
         AND sql NOT LIKE '%\"owner\"%' ORDER BY sql",
    )
}

fn save(people: &People, field: &str, data_type: &str) -> Json {
    let variables = [variable("Name", "string", "people", "n"), variable("Key", data_type, "people", "code")];
    let mapping = json!([maps("name", "Name"), maps("code", "Name")]);
    people.configure(&variables, &json!([rule(field, "Key", &json!({}))]), &mapping)
}

#[test]
fn saving_the_flow_makes_the_index_that_its_rules_look_up_by() {
    let people = people();
    assert_eq!(indexes(&people), [""; 0]);
    assert!(save(&people, "code", "string")["warning"].is_null());
    let found = indexes(&people);
    assert!(found.len() == 1 && found[0].contains(r#""record_people" ("code")"#), "{found:?}");
    // Without regard to case, as it compares.
    save(&people, "mail", "email");
    let found = indexes(&people);
    assert!(found.iter().any(|sql| sql.contains(r#"(lower("mail"))"#)), "{found:?}");
    // A list is looked up in its own table.
    let links = people.sql(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = (SELECT 'link_' || f.key || '_value'
         FROM field f JOIN object o ON o.id = f.object_id WHERE o.name = 'people' AND f.name = 'tags')",
    );
    assert_eq!(links, ["1"]);
}

#[test]
fn of_a_large_object_the_next_run_makes_it_in_a_stage_of_its_own_and_a_dry_run_for_itself() {
    let people = people();
    people
        .server
        .app
        .store
        .records
        .write(|tx| {
            tx.execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                 INSERT INTO record_people (created, updated, name, code) SELECT 0, 0, 'old', 'x' || i FROM n",
            )?;
            Ok(())
        })
        .unwrap();
    let saved = save(&people, "code", "string");
    let warning = saved["warning"].as_str().unwrap_or_default();
    assert!(warning.contains("people.code") && warning.contains("next live run"), "{warning}");
    assert_eq!(indexes(&people), [""; 0]);
    people.activate();
    let stage = |run: &Json| {
        let stages = run["step_progress"].as_array().unwrap();
        let at = stages.iter().position(|stage| stage["type"] == STAGE)?;
        assert_eq!(stages[at + 1]["type"], "smart_connector_load_step_run");
        Some(stages[at].clone())
    };

    let dry = people.dry_run(CSV);
    assert_eq!(totals(&dry), [1, 2, 0, 0, 0]);
    assert_eq!(stage(&dry).unwrap()["status"], "completed");
    assert_eq!(indexes(&people), [""; 0], "a dry run writes nothing");

    let live = people.run(CSV);
    assert_eq!(totals(&live), [1, 2, 0, 0, 0]);
    let made = stage(&live).unwrap();
    let part = &made["steps"][0];
    assert_eq!((&made["status"], &part["custom_object"]["name"]), (&json!("completed"), &json!("people")));
    assert_eq!((&part["valid_records"], &part["total"]), (&json!(100_000), &json!(100_000)));
    assert!(part["started_at"].is_string() && part["ended_at"].is_string(), "{part}");
    assert_eq!(indexes(&people).len(), 1);
    let id = live["id"].as_str().unwrap();
    let logs = people.client.get(&format!("{}/executions/{id}/logs", path(TOKEN))).ok();
    assert!(logs.to_string().contains("Made an index on people.code over 100000 records."), "{logs}");

    // It is there: nothing to say and nothing to make.
    assert!(detail(&people.client, TOKEN)["warning"].is_null());
    assert!(stage(&people.run(CSV)).is_none());
}
