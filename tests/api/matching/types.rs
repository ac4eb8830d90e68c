//! How each field type compares.

use serde_json::{Value as Json, json};

use super::{People, add, rule};
use crate::support::{
    configure::{maps, variable, with},
    journey,
};

/// A field type with more keys of the field; what the record holds; variable type and input format; cells
/// that match and cells that don't.
struct Compared {
    field: Json,
    held: Json,
    reads: (&'static str, &'static str),
    same: Vec<String>,
    other: Vec<String>,
}

fn compared(
    field: Json,
    held: Json,
    reads: (&'static str, &'static str),
    same: &[&str],
    other: &[&str],
) -> Compared {
    let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    Compared { field, held, reads, same: owned(same), other: owned(other) }
}

fn of(field_type: &str) -> Json {
    json!({ "field_type": field_type })
}

fn sizes(field_type: &str) -> Json {
    let options = json!([{"name": "Large", "code": "l"}, {"name": "Small", "code": "s"}, {"name": "Medium"}]);
    json!({"field_type": field_type, "options": options})
}

const ID: &str = "123e4567-e89b-12d3-a456-426614174000";

fn plain() -> Vec<Compared> {
    vec![
        compared(of("text"), json!("Ada L"), ("string", ""), &["Ada L"], &["ada l", "Ada  L", " Ada L"]),
        compared(of("longtext"), json!("Ada L"), ("string", ""), &["Ada L"], &["ada l", "Ada L "]),
        compared(
            of("email"),
            json!("Ada@Example.org"),
            ("email", ""),
            &["aDA@EXAMPLE.org"],
            &["bob@example.org"],
        ),
        compared(
            of("phonenumber"),
            json!("+16502530000"),
            ("phone_number", ""),
            &["(650) 253-0000", "+1 650 253 0000"],
            &["650-253-0001"],
        ),
        compared(of("integer"), json!(12), ("number", ""), &["12", "12.00", "$12"], &["13", "12.5"]),
        compared(of("decimal"), json!(0.1), ("number", ""), &["0.1", "0.100"], &["0.1000001", "1"]),
        compared(of("money"), json!(1234.5), ("number", ""), &["$1,234.50"], &["1234.51"]),
        compared(of("rating"), json!(4), ("number", ""), &["4"], &["5"]),
        compared(of("date"), json!("2026-03-04"), ("date", "%d.%m.%Y"), &["4.3.2026"], &["5.3.2026"]),
        compared(
            of("datetime"),
            json!("2026-03-04T10:00:00Z"),
            ("datetime", "rfc3339"),
            &["2026-03-04T11:00:00+01:00"],
            &["2026-03-04T10:00:01Z"],
        ),
        compared(of("checkbox"), json!(true), ("boolean", ""), &["yes"], &["0"]),
        compared(of("yesnomaybe"), json!("Yes"), ("boolean", ""), &["true"], &["f"]),
        compared(of("yesnomaybe"), json!("Maybe"), ("string", ""), &["maybe"], &["Yes", "perhaps"]),
        compared(sizes("dropdown"), json!("Large"), ("string", ""), &["large", "L"], &["Small", "Huge"]),
        compared(sizes("radio"), json!("Large"), ("string", ""), &["LARGE", "l"], &["s", "Huge"]),
        compared(
            sizes("checkboxes"),
            json!(["Large", "Small"]),
            ("string", ""),
            &["large", "S"],
            &["Medium"],
        ),
        compared(of("dynamictags"), json!(["red", "blue"]), ("string", ""), &["Red", "blue"], &["green"]),
        compared(
            of("timezone"),
            json!("Europe/Berlin"),
            ("string", ""),
            &["Europe/Berlin"],
            &["UTC", "nowhere"],
        ),
        compared(
            of("uuid"),
            json!(ID),
            ("uuid", ""),
            &["123E4567E89B12D3A456426614174000"],
            &["123e4567-e89b-12d3-a456-426614174001"],
        ),
    ]
}

/// Those that need ids of this server.
fn related(people: &People, me: &str) -> Vec<Compared> {
    let cities = journey::object_id(&people.client, "cities");
    let [rome, oslo, bern] =
        ["Rome", "Oslo", "Bern"].map(|name| add(&people.client, &cities, &json!({ "name": name })));
    let relation = |cardinality: &str| json!({"field_type": "relationship", "relation": {"object": "cities", "cardinality": cardinality}});
    vec![
        compared(relation("one"), json!(rome), ("uuid", ""), &[&rome], &[&oslo, ID]),
        compared(relation("many"), json!([rome, oslo]), ("uuid", ""), &[&rome, &oslo], &[&bern]),
        compared(of("team_selector"), json!(me), ("string", ""), &[ME], &["nobody@example.org"]),
        compared(of("team_selector"), json!(me), ("uuid", ""), &[me], &[ID]),
    ]
}

/// Stands for the caller's address.
const ME: &str = "me";

#[test]
fn every_field_type_compares_as_it_should_live_and_dry() {
    let people = People::new(&[json!({"name": "note", "field_type": "text"})], "n,v\n1,x\n");
    journey::object(&people.client, "cities", &[]);
    let me = people.client.get("/api/team/typeahead").ok()["results"][0].clone();
    let mut cases = plain();
    cases.extend(related(&people, me["id"].as_str().unwrap()));
    for (n, case) in cases.iter_mut().enumerate() {
        for cell in case.same.iter_mut().filter(|cell| *cell == ME) {
            *cell = me["email"].as_str().unwrap().to_uppercase();
        }
        let name = format!("f{n}");
        let mut field = case.field.clone();
        field["name"] = json!(name);
        field["display_name"] = json!(name);
        people.client.post(&format!("/api/custom-objects/{}/fields", people.object), &field).created();
        people.add(&json!({"name": name, &name: case.held, "note": "old"}));
        let (data_type, format) = case.reads;
        let key =
            with(variable(&format!("Key {n}"), data_type, "people", "v"), "input_format", json!(format));
        let variables = [variable("Line", "string", "people", "n"), key];
        let rules = json!([rule(&name, &format!("Key {n}"), &json!({"no_match_action": "do_not_upload"}))]);
        let label = with(maps("name", "Line"), "conflict_resolution", json!("only_update_blank"));
        people.configure(&variables, &rules, &json!([label, maps("note", "Line")]));
        people.activate();
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["n", "v"]).unwrap();
        for (line, cell) in case.same.iter().chain(&case.other).enumerate() {
            csv.write_record([&format!("{name} {line}"), cell]).unwrap();
        }
        let run = people.run(&String::from_utf8(csv.into_inner().unwrap()).unwrap());
        let said = people.rows(&run);
        let skipped: Vec<u64> = said
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["status"] == "skipped")
            .map(|row| row["line"].as_u64().unwrap())
            .collect();
        let first = case.same.len() as u64 + 2;
        let expected: Vec<u64> = (first..first + case.other.len() as u64).collect();
        assert_eq!(skipped, expected, "{}: {said}", case.field);
        assert_eq!(run["totals"]["updated"], case.same.len(), "{}: {said}", case.field);
    }
}

#[test]
fn a_record_is_matched_by_its_own_id_and_by_no_other() {
    let people = People::new(&[json!({"name": "note", "field_type": "text"})], "n,v\n1,x\n");
    let others = journey::object(&people.client, "others", &[]);
    let other = add(&people.client, &others, &json!({"name": "a"}));
    let (mine, archived) = (people.add(&json!({"name": "a"})), people.add(&json!({"name": "b"})));
    people.archive(&archived);
    let variables = [variable("Line", "string", "people", "n"), variable("Id", "uuid", "people", "v")];
    let mut by_id = rule(
        "name",
        "Id",
        &json!({"no_match_action": "do_not_upload",
        "match_archive_action": "do_not_upload"}),
    );
    by_id["is_match_by_kizen_id"] = json!(true);
    people.configure(&variables, &json!([by_id]), &json!([maps("name", "Line")]));
    people.activate();
    let run = people.run(&format!("n,v\n1,{}\n2,{other}\n3,{archived}\n4,\n5,{ID}\n", mine.to_uppercase()));
    assert_eq!(crate::run::totals(&run), [0, 1, 0, 4, 0]);
    assert_eq!(people.sql("SELECT name FROM record_people ORDER BY id"), ["1", "b"]);
    let said = people.rows(&run);
    let reason = |n: usize| said[n]["messages"][0]["message"].clone();
    assert_eq!(reason(0), "no record matches");
    assert_eq!(reason(1), format!("only an archived record matches: {archived}"));
}
