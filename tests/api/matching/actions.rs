//! What each outcome of a rule leads to.

use serde_json::{Value as Json, json};

use super::{People, rule};
use crate::support::configure::{maps, variable};

/// What a row comes to.
#[derive(Debug)]
enum Then {
    Created,
    /// The record of this letter is updated (and live).
    Updated(&'static str),
    /// The record of this letter comes back as it was.
    BroughtBack(&'static str),
    Skipped(&'static str, &'static [&'static str]),
}
use Then::{BroughtBack, Created, Skipped, Updated};

/// Outcome, key and action of the first rule. The second looks by city and takes one live or archived record.
const CASES: [(&str, &str, &str, Then); 16] = [
    ("none", "no_match_action", "create_new", Created),
    ("none", "no_match_action", "next_rule_ignore_previous", Updated("b")),
    ("none", "no_match_action", "do_not_upload", Skipped("no record matches", &[])),
    ("one", "single_match_action", "update_current", Updated("a")),
    // Of the one candidate the city is another.
    ("one", "single_match_action", "next_rule", Skipped("no record matches", &[])),
    ("one", "single_match_action", "next_rule_ignore_previous", Updated("b")),
    ("one", "single_match_action", "do_not_upload", Skipped("a record matches: ", &["a"])),
    (
        "several",
        "multiple_match_action",
        "do_not_upload",
        Skipped("several records match (2): ", &["a", "c"]),
    ),
    // One of the two is of that city; of all records two are.
    ("several", "multiple_match_action", "next_rule", Updated("c")),
    (
        "several",
        "multiple_match_action",
        "next_rule_ignore_previous",
        Skipped("several records match (2): ", &["b", "c"]),
    ),
    ("archived", "match_archive_action", "create_new", Created),
    ("archived", "match_archive_action", "unarchive_and_update", Updated("z")),
    ("archived", "match_archive_action", "unarchive_only", BroughtBack("z")),
    // The archived one is all there is to choose from; of all records a live one is of that city.
    ("archived", "match_archive_action", "next_rule", Updated("z")),
    ("archived", "match_archive_action", "next_rule_ignore_previous", Updated("b")),
    (
        "archived",
        "match_archive_action",
        "do_not_upload",
        Skipped("only an archived record matches: ", &["z"]),
    ),
];

fn people() -> People {
    let fields =
        [json!({"name": "city", "field_type": "text"}), json!({"name": "note", "field_type": "text"})];
    People::new(&fields, "n,city,note\nx,y,z\n")
}

fn variables() -> [Json; 3] {
    [
        variable("Name", "string", "people", "n"),
        variable("City", "string", "people", "city"),
        variable("Note", "string", "people", "note"),
    ]
}

/// The records of a case, by letter: which are found by name (`key`) and which by city (`key`).
fn records_of(people: &People, outcome: &str, key: &str) -> Vec<(&'static str, String)> {
    let add = |name: &str, city: &str| people.add(&json!({"name": name, "city": city, "note": "old"}));
    let mut records = Vec::new();
    if outcome == "several" {
        records.push(("c", add(key, key)));
    }
    records.push(("b", add("other", key)));
    match outcome {
        "one" | "several" => records.push(("a", add(key, "elsewhere"))),
        "archived" => {
            records.push(("z", add(key, key)));
            people.archive(&records[1].1);
        }
        _ => {}
    }
    records
}

#[test]
fn every_outcome_and_action_does_what_its_name_says_live_and_dry() {
    let people = people();
    for (n, (outcome, action_key, action, then)) in CASES.iter().enumerate() {
        let key = format!("k{n}");
        let records = records_of(&people, outcome, &key);
        let id = |letter: &str| &records.iter().find(|(known, _)| known == &letter).unwrap().1;
        let first = rule("name", "Name", &json!({ *action_key: action }));
        let second =
            json!({"no_match_action": "do_not_upload", "match_archive_action": "unarchive_and_update"});
        let mapping = json!([maps("note", "Note"), maps("name", "Name")]);
        let rules = json!([first, rule("city", "City", &second)]);
        // A record found by its city would get the name, too.
        let mapping = if matches!(then, Created) { mapping } else { json!([mapping[0]]) };
        people.configure(&variables(), &rules, &with_name(mapping));
        people.activate();
        let run = people.run(&format!("n,city,note\n{key},{key},new\n"));
        let said = people.rows(&run)[0].clone();
        let case = format!("{outcome} {action}: {} {said}", run["totals"]);
        let count = |what: &str| run["totals"][what] == 1;
        let state = |letter: &str| {
            let found = people.client.get(&format!("/api/records/{}/{}", people.object, id(letter))).ok();
            let note = found["fields"].as_object().unwrap().values().find(|f| f["name"] == "note").unwrap();
            (note["value"].clone(), !found["archived"].is_null())
        };
        let touched = match then {
            Created => {
                assert!(count("created"), "{case}");
                None
            }
            Updated(letter) => {
                assert!(count("updated"), "{case}");
                assert_eq!(state(letter), (json!("new"), false), "{case}");
                Some(letter)
            }
            BroughtBack(letter) => {
                assert!(count("updated"), "{case}");
                assert_eq!(state(letter), (json!("old"), false), "{case}");
                Some(letter)
            }
            Skipped(reason, named) => {
                assert!(count("skipped") && said["status"] == "skipped", "{case}");
                let message = said["messages"][0]["message"].as_str().unwrap();
                assert!(message.starts_with(reason), "{case}");
                for letter in *named {
                    assert!(message.contains(id(letter).as_str()), "{letter}: {case}");
                }
                assert_eq!((&said["line"], &said["record_id"]), (&json!(2), &Json::Null), "{case}");
                None
            }
        };
        for (letter, _) in records.iter().filter(|(letter, _)| Some(letter) != touched) {
            assert_eq!(state(letter), (json!("old"), *letter == "z"), "{letter}: {case}");
        }
    }
}

/// Activation wants the label mapped; only blanks are filled, and no record's name is.
fn with_name(mut mapping: Json) -> Json {
    let rules = mapping.as_array_mut().unwrap();
    if !rules.iter().any(|rule| rule["field"] == "name") {
        let mut name = maps("name", "Name");
        name["conflict_resolution"] = json!("only_update_blank");
        rules.push(name);
    }
    mapping
}

#[test]
fn live_records_win_over_archived_ones_and_several_archived_ones_are_several() {
    let people = people();
    let live = people.add(&json!({"name": "twin", "note": "old"}));
    for name in ["twin", "gone", "gone"] {
        people.archive(&people.add(&json!({"name": name, "note": "old"})));
    }
    let rules = json!([rule("name", "Name", &json!({"match_archive_action": "unarchive_and_update"}))]);
    people.configure(&variables(), &rules, &json!([maps("name", "Name"), maps("note", "Note")]));
    people.activate();
    let run = people.run("n,city,note\ntwin,,new\ngone,,new\n");
    assert_eq!(crate::run::totals(&run), [0, 1, 0, 1, 0]);
    let said = people.rows(&run)[0]["messages"][0]["message"].clone();
    assert!(said.as_str().unwrap().starts_with("several records match (2): "), "{said}");
    let found = people.sql("SELECT name, note, archived IS NULL FROM record_people ORDER BY id");
    assert_eq!(found, ["twin|new|1", "twin|old|0", "gone|old|0", "gone|old|0"], "{live}");
}

#[test]
fn a_blank_match_value_matches_nothing_and_makes_no_record_by_itself() {
    let people = people();
    people.add(&json!({"city": "", "note": "blank"}));
    let by_name = rule("name", "Name", &json!({"no_match_action": "next_rule_ignore_previous"}));
    let rules = json!([by_name, rule("city", "City", &json!({}))]);
    let mapping = json!([maps("name", "Name"), maps("city", "City"), maps("note", "Note")]);
    people.configure(&variables(), &rules, &mapping);
    people.activate();
    // All blank; a city was tried; and it is found the second time.
    let run = people.run("n,city,note\n,,a\n,Rome,b\n,Rome,c\n");
    assert_eq!(crate::run::totals(&run), [1, 1, 0, 0, 1]);
    let said = people.rows(&run)[0].clone();
    let message = &said["messages"][0];
    assert_eq!((&said["line"], &message["code"]), (&json!(2), &json!("match_value_blank")));
    assert!(message["message"].as_str().unwrap().starts_with("Name, City is blank"), "{message}");
    assert_eq!(people.sql("SELECT city, note FROM record_people ORDER BY id"), ["-|blank", "Rome|c"]);
}
