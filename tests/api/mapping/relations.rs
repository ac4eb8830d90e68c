//! Rows related to records: by id, by look-up, by an earlier step.

use serde_json::json;

use super::{ID, field, loads, names, others, said, value};
use crate::{
    matching::{People, TOKEN, add, rule},
    run::totals,
    support::{
        configure::{configure, maps, matches, step, variable, with},
        journey::{self, object_id},
    },
};

fn people() -> People {
    let people = People::new(&[], "n,v\n1,x\n");
    let fields = [
        json!({"name": "code", "field_type": "text"}),
        json!({"name": "mail", "field_type": "email"}),
        json!({"name": "size", "field_type": "integer"}),
    ];
    journey::object(&people.client, "cities", &fields);
    for (name, cardinality) in [("one", "one"), ("many", "many")] {
        let relation = json!({"object": "cities", "cardinality": cardinality});
        field(&people, name, &json!({"field_type": "relationship", "relation": relation}));
    }
    people
}

#[test]
fn a_relationship_takes_the_id_of_a_live_record_of_its_object_and_nothing_else() {
    let people = people();
    let cities = others(&people, "cities", &["Rome", "Oslo"]);
    let object = object_id(&people.client, "cities");
    people.client.delete(&format!("/api/records/{object}/{}", cities[1])).expect(204);
    let person = people.add(&json!({"name": "p"}));
    for target in ["one", "many"] {
        loads(&people, "uuid", &maps(target, "V"));
        let csv = format!("n,v\n{target}1,{}\n{target}2,\n3,{}\n4,{person}\n5,{ID}\n", cities[0], cities[1]);
        let run = people.run(&csv);
        assert_eq!(totals(&run), [2, 0, 0, 0, 3], "{target}");
        assert_eq!(names(&value(&people, &format!("{target}1"), target)), ["Rome"]);
        assert_eq!(names(&value(&people, &format!("{target}2"), target)), [""; 0]);
        for ((line, message), found) in said(&people, &run).iter().zip([&cities[1], &person, &ID.to_owned()])
        {
            assert_eq!(
                (&message["code"], &message["value"]),
                (&json!("does_not_exist"), &json!(found)),
                "{line}"
            );
            assert!(message["message"].as_str().unwrap().contains("of cities"), "{message}");
        }
    }
}

#[test]
fn a_look_up_takes_the_one_record_that_has_the_value_and_rejects_none_and_several() {
    let people = people();
    let object = object_id(&people.client, "cities");
    for values in [
        json!({"name": "Rome", "code": "r", "mail": "Rome@x.org", "size": 3}),
        json!({"name": "Oslo", "code": "o", "mail": "oslo@x.org", "size": 1}),
        json!({"name": "Bern", "code": "twice", "mail": "bern@x.org", "size": 1}),
        json!({"name": "Basel", "code": "twice"}),
    ] {
        add(&people.client, &object, &values);
    }
    for (by, data_type, good, none, several) in [
        ("code", "string", "r", "R", Some("twice")),
        ("mail", "email", "ROME@x.org", "nobody@x.org", None),
        ("size", "number", "3.0", "4", Some("1")),
    ] {
        for target in ["one", "many"] {
            let rule = with(maps(target, "V"), "lookup_field", json!(by));
            loads(&people, data_type, &with(rule, "lookup_object", json!("cities")));
            // It is indexed as what rules match by is.
            let indexed = people.sql(&format!(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'record_cities'
                 AND name GLOB 'match_*' AND sql LIKE '%\"{by}\"%'"
            ));
            assert_eq!(indexed, ["1"], "{by}");
            let name = format!("{target} by {by}");
            let several_line = several.map(|value| format!("x,{value}\n")).unwrap_or_default();
            let run = people.run(&format!("n,v\n{name},{good}\nx,{none}\n{several_line}"));
            assert_eq!(totals(&run), [1, 0, 0, 0, 1 + u64::from(several.is_some())], "{name}");
            assert_eq!(names(&value(&people, &name, target)), ["Rome"], "{name}");
            let said = said(&people, &run);
            let message = &said[0].1;
            assert_eq!(message["code"], "does_not_exist", "{message}");
            let sentence = format!("{target}: there is no record of cities with {by} \"{none}\"");
            assert_eq!(message["message"], sentence);
            if several.is_some() {
                let message = &said[1].1;
                assert_eq!(message["code"], "several_records", "{message}");
                assert!(message["message"].as_str().unwrap().contains("several records (2)"), "{message}");
            }
        }
    }
}

#[test]
fn a_step_takes_the_record_that_an_earlier_one_matched_or_made_and_says_why_there_is_none() {
    let people = people();
    let object = object_id(&people.client, "cities");
    for name in ["Twin", "Twin", "Rome"] {
        add(&people.client, &object, &json!({ "name": name }));
    }
    let variables = [
        variable("Name", "string", "people", "n"),
        variable("City", "string", "people", "v"),
        with(variable("Size", "number", "people", "n"), "input_format", json!("plain")),
    ];
    let cities = step(
        "cities",
        "people",
        Some("The city"),
        json!([matches("name", "City")]),
        json!([maps("name", "City"), maps("size", "Size")]),
    );
    let rules = json!([rule("name", "Name", &json!({}))]);
    let mine = step("people", "people", None, rules, json!([maps("name", "Name"), maps("one", "The city")]));
    configure(&people.client, TOKEN, &variables, &[cities, mine]);
    people.activate();
    // Made, found, made by an earlier line; several; no size; blank.
    let run = people.run("n,v\n1,Oslo\n2,Rome\n3,Oslo\n4,Twin\nfive,Bern\n6,\n");
    assert_eq!(totals(&run), [4, 2, 0, 1, 5]);
    for (record, city) in [("1", "Oslo"), ("2", "Rome"), ("3", "Oslo")] {
        assert_eq!(names(&value(&people, record, "one")), [city]);
    }
    let said: Vec<_> = people.rows(&run).as_array().unwrap().clone();
    for (line, reason) in
        [(5, "several records match (2): "), (6, "Size: \"five\" is not a number"), (7, "City is blank")]
    {
        let row = said.iter().find(|row| row["line"] == line && row["step"] == 1).unwrap();
        let message = &row["messages"][0];
        let sentence = message["message"].as_str().unwrap();
        let expected = format!("depends on a row that was not loaded (step 1: {reason}");
        assert!(sentence.starts_with(&expected), "{sentence}");
        assert_eq!((&message["variable"], &message["code"]), (&json!("The city"), &json!("not_loaded")));
    }
}

#[test]
fn each_item_of_a_list_is_looked_up_as_a_text_field_has_it() {
    for (data_type, format, written, kept) in [
        ("number", ("input_format", "plain"), "7;8.50", ["7", "8.50"]),
        (
            "phone_number",
            ("output_format", "national"),
            "+49 30 901820; +49 30 901821",
            ["030 901820", "030 901821"],
        ),
    ] {
        let people = people();
        let object = object_id(&people.client, "cities");
        for (name, code) in ["Rome", "Oslo"].iter().zip(kept) {
            add(&people.client, &object, &json!({"name": name, "code": code}));
        }
        let rule =
            with(with(maps("many", "V"), "lookup_field", json!("code")), "lookup_object", json!("cities"));
        let v = with(variable("V", data_type, "people", "v"), "is_array", json!(true));
        let v = with(with(v, "array_delimiter", json!(";")), format.0, json!(format.1));
        let variables = [variable("Name", "string", "people", "n"), v];
        let rules = json!([crate::matching::rule("name", "Name", &json!({}))]);
        people.configure(&variables, &rules, &json!([maps("name", "Name"), rule]));
        people.activate();
        let run = people.run(&format!("n,v\n1,{written}\n"));
        assert_eq!(totals(&run), [1, 0, 0, 0, 0], "{data_type}: {:?}", said(&people, &run));
        assert_eq!(names(&value(&people, "1", "many")), ["Oslo", "Rome"], "{data_type}");
    }
}
