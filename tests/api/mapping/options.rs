//! Texts into choices.

use serde_json::{Value as Json, json};

use super::{field, loads, names, said, sizes, value};
use crate::{
    matching::People,
    run::totals,
    support::{
        configure::{maps, with},
        journey::row,
    },
};

fn labels(people: &People, name: &str) -> Vec<String> {
    let fields = people.client.get(&format!("/api/custom-objects/{}/fields", people.object)).ok();
    let options = row(&fields, "name", name)["options"].clone();
    options.as_array().unwrap().iter().map(|option| option["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_text_is_an_option_by_its_label_and_then_by_its_code_in_any_case() {
    for field_type in ["dropdown", "radio", "checkboxes"] {
        let people = People::new(&[], "n,v\n1,x\n");
        // The code of one is the label of another: the label wins.
        let options = json!([{"name": "Large", "code": "l"}, {"name": "Small", "code": "large"},
            {"name": "L", "code": "x"}]);
        field(&people, "f", &json!({"field_type": field_type, "options": options}));
        loads(&people, "string", &maps("f", "V"));
        let run = people.run("n,v\n1,LARGE\n2,l\n3,X\n4, small \n5,\n6,Huge\n");
        assert_eq!(totals(&run), [5, 0, 0, 0, 1], "{field_type}");
        for (record, label) in [("1", "Large"), ("2", "L"), ("3", "L"), ("4", "Small")] {
            assert_eq!(names(&value(&people, record, "f")), [label], "{field_type} {record}");
        }
        assert_eq!(names(&value(&people, "5", "f")), [""; 0]);
        let (line, message) = said(&people, &run).remove(0);
        assert_eq!((line, &message["code"]), (7, &json!("unknown_option")));
        assert_eq!(message["message"], "f: \"Huge\" is no option; expected one of Large, Small, L");
        assert_eq!(labels(&people, "f"), ["Large", "Small", "L"]);
    }
}

#[test]
fn an_unknown_label_becomes_an_option_where_the_rule_says_so_and_only_for_a_row_that_is_written() {
    for field_type in ["dropdown", "radio", "checkboxes"] {
        let people = People::new(&[], "n,v\n1,x\n");
        field(&people, "f", &sizes(field_type));
        field(&people, "must", &json!({"field_type": "text", "is_required": true}));
        people.add(&json!({"name": "1", "must": "x"}));
        people.add(&json!({"name": "2", "must": "x"}));
        let rule = with(maps("f", "V"), "can_create_field_options", json!(true));
        loads(&people, "string", &with(rule, "conflict_resolution", json!("overwrite")));
        // The last would be a new record without what it must have.
        let run = people.run("n,v\n1,Huge\n2,HUGE\n3,Tiny\n");
        assert_eq!(totals(&run), [0, 2, 0, 0, 1], "{field_type}");
        assert_eq!(labels(&people, "f"), ["Large", "Small", "Medium", "Huge"], "{field_type}");
        assert_eq!(value(&people, "1", "f"), value(&people, "2", "f"));
    }
}

#[test]
fn an_array_goes_into_a_list_and_tags_are_made_on_the_fly() {
    let people = People::new(&[json!({"name": "f", "field_type": "dynamictags"})], "n,v\n1,x\n");
    loads(&people, "string", &maps("f", "V"));
    let variables: Json =
        people.client.get("/api/smart-connectors/people").ok()["execution_variables"].clone();
    let mut variables = variables;
    variables[1]["is_array"] = json!(true);
    variables[1]["array_delimiter"] = json!(";");
    people.client.patch("/api/smart-connectors/people", &json!({"execution_variables": variables})).ok();
    let run = people.run("n,v\n1,red; Blue;RED\n2,blue\n3,;\n");
    assert_eq!(totals(&run), [3, 0, 0, 0, 0]);
    assert_eq!(names(&value(&people, "1", "f")), ["Blue", "red"]);
    assert_eq!(names(&value(&people, "2", "f")), ["Blue"]);
    assert_eq!(names(&value(&people, "3", "f")), [""; 0]);
    assert_eq!(labels(&people, "f"), ["red", "Blue"]);
}

#[test]
fn labels_of_one_code_are_options_of_their_own() {
    let people = People::new(&[], "n,v\n1,x\n");
    field(&people, "f", &json!({"field_type": "dropdown", "options": [{"name": "Plus", "code": "p"}]}));
    loads(&people, "string", &with(maps("f", "V"), "can_create_field_options", json!(true)));
    let labels_of = ["A+", "A", "C++", "C", "日本", "中国", "Option", "A_2"];
    let lines = labels_of.iter().enumerate().map(|(n, label)| format!("{n},{label}\n"));
    // A chosen code still stands for its option, and the same label for the same.
    let csv = format!("n,v\n{}98,P\n99,c\n", lines.collect::<String>());
    let run = people.run(&csv);
    assert_eq!(totals(&run), [10, 0, 0, 0, 0]);
    for (n, label) in labels_of.iter().enumerate() {
        assert_eq!(names(&value(&people, &n.to_string(), "f")), [*label]);
    }
    assert_eq!(names(&value(&people, "98", "f")), ["Plus"]);
    assert_eq!(names(&value(&people, "99", "f")), ["C"]);
    let codes = people.sql(
        "SELECT o.code FROM field_option o JOIN field f ON f.key = o.field_key WHERE f.name = 'f' ORDER BY o.position",
    );
    assert_eq!(codes, ["p", "a", "a_2", "c", "c_2", "option", "option_2", "option_3", "a_2_2"]);
    // The next run finds all of them, and goes on numbering.
    let run = people.run(&format!("{csv}100,한국\n"));
    assert_eq!(totals(&run), [1, 0, 10, 0, 0]);
    let options = labels(&people, "f");
    assert_eq!((options.len(), options.last().unwrap().as_str()), (10, "한국"));
}

#[test]
fn a_code_that_was_made_of_another_label_is_no_option() {
    let people = People::new(&[], "n,v\n1,x\n");
    let options = json!([{"name": "A+"}, {"name": "B+"}, {"name": "Not so good"}]);
    field(&people, "f", &json!({"field_type": "dropdown", "options": options}));
    loads(&people, "string", &maps("f", "V"));
    let run = people.run("n,v\n1,A\n2,a+\n3,not_so_good\n4,b\n");
    assert_eq!(totals(&run), [2, 0, 0, 0, 2]);
    assert_eq!(names(&value(&people, "2", "f")), ["A+"]);
    assert_eq!(names(&value(&people, "3", "f")), ["Not so good"]);
    let said = said(&people, &run);
    assert_eq!(said.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(said[0].1["code"], "unknown_option");
    assert_eq!(said[0].1["message"], "f: \"A\" is no option; expected one of A+, B+, Not so good");
}

#[test]
fn what_can_be_no_label_becomes_no_option_and_no_tag() {
    for field_type in ["dropdown", "checkboxes", "dynamictags"] {
        let people = People::new(&[json!({"name": "f", "field_type": field_type})], "n,v\n1,x\n");
        let creates = json!(field_type != "dynamictags");
        loads(&people, "string", &with(maps("f", "V"), "can_create_field_options", creates));
        let (most, more) = ("é".repeat(255), "é".repeat(256));
        let run = people.run(&format!("n,v\n1,\"two\nlines\"\n2,{more}\n3,{most}\n4,\"fine\n\"\n"));
        assert_eq!(totals(&run), [2, 0, 0, 0, 2], "{field_type}");
        let said: Vec<Json> = said(&people, &run).into_iter().map(|(_, message)| message).collect();
        let [lines, long] = &said[..] else { panic!("{said:?}") };
        assert_eq!((&lines["code"], &lines["value"]), (&json!("invalid"), &json!("two\nlines")));
        assert_eq!(lines["message"], "f: control characters are not kept");
        assert_eq!((&long["code"], &long["column"]), (&json!("too_long"), &json!("v")));
        assert_eq!(long["message"], "f: 256 characters; at most 255 are kept");
        assert_eq!(long["expected"], "a label of at most 255 characters");
        assert_eq!(labels(&people, "f"), [most.as_str(), "fine"], "{field_type}");
    }
}

#[test]
fn a_tag_that_is_no_label_is_refused_by_the_api_too() {
    let people = People::new(&[json!({"name": "f", "field_type": "dynamictags"})], "n,v\n1,x\n");
    for (tag, sentence) in [
        ("two\nlines".to_owned(), "control characters are not kept"),
        ("x".repeat(256), "at most 255 are kept"),
    ] {
        let fields = json!([{"name": "name", "value": "n"}, {"name": "f", "value": [tag]}]);
        let url = format!("/api/records/{}/add", people.object);
        let refused = people.client.post(&url, &json!({ "fields": fields })).refused(400, "invalid");
        assert!(refused.starts_with("fields.f: ") && refused.contains(sentence), "{refused}");
    }
    assert_eq!(labels(&people, "f"), [""; 0]);
}
