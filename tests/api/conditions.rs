//! What conditions mean: for every type of field each one that it has, with a record that it means, one that it does
//! not, and one whose field is blank.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::{
    run::Shop,
    support::{
        Client, TestServer,
        journey::{object, row, search, text},
    },
};

const TEXTS: [&str; 9] = [
    "=",
    "!=",
    "contains",
    "!contains",
    "starts_with",
    "ends_with",
    "!starts_with",
    "!ends_with",
    "is_blank",
];
const NUMBERS: [&str; 8] = ["=", "!=", "<", "<=", ">", ">=", "between", "is_blank"];
const DAYS: [&str; 9] = ["=", "!=", "<", "<=", ">", ">=", "between", "month_equals", "is_blank"];
const ONE: [&str; 5] = ["=", "!=", "is_any_of", "is_none_of", "is_blank"];
const MANY: [&str; 5] = ["has", "!has", "has_any", "!has_any", "is_blank"];
const RELATED: [&str; 5] = ["contains", "!contains", "is_any_of", "is_none_of", "is_blank"];

/// The conditions of every type, each type a field of the same name.
const TYPES: [(&str, &[&str]); 20] = [
    ("text", &TEXTS),
    ("email", &TEXTS),
    ("integer", &NUMBERS),
    ("decimal", &NUMBERS),
    ("money", &NUMBERS),
    ("rating", &NUMBERS),
    ("date", &DAYS),
    ("datetime", &NUMBERS),
    ("dropdown", &ONE),
    ("radio", &ONE),
    ("yesnomaybe", &ONE),
    ("timezone", &ONE),
    ("uuid", &ONE),
    ("team_selector", &ONE),
    ("checkboxes", &MANY),
    ("dynamictags", &MANY),
    ("relationship", &RELATED),
    ("checkbox", &["="]),
    ("longtext", &["is_blank"]),
    ("phonenumber", &["=", "contains", "is_blank"]),
];

/// Every condition that there is.
fn all_conditions() -> BTreeSet<&'static str> {
    TYPES.iter().flat_map(|(_, conditions)| conditions.iter().copied()).collect()
}

/// Three records: `A` and `B` have another value in each field, `C` has none.
struct Desk {
    client: Client,
    fields: Json,
    /// Of `A` and of `B`, as a condition names it.
    values: BTreeMap<&'static str, [Json; 2]>,
    _server: TestServer,
}

fn cells(values: &[(&str, Json)]) -> Json {
    let cells: Vec<Json> = values.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({ "fields": cells })
}

impl Desk {
    fn new() -> Self {
        let server = TestServer::start();
        let client = server.client();
        object(&client, "people", &[]);
        let make = |object: &str, cells: &Json| {
            client.post(&format!("/api/records/{object}/add"), cells).created()["id"].clone()
        };
        let [ada, bob] = ["Ada", "Bob"].map(|name| make("people", &cells(&[("name", json!(name))])));
        let other = json!({"email": "b@example.org", "role": "viewer"});
        let other = client.post("/api/team", &other).created()["id"].clone();
        let fields: Vec<Json> = TYPES.iter().map(|(kind, _)| field(kind)).collect();
        object(&client, "things", &fields);
        let mut values = BTreeMap::from([
            ("text", [json!("Alpha one"), json!("Beta two")]),
            ("email", [json!("ada@example.org"), json!("bob@example.com")]),
            ("integer", [json!(1), json!(2)]),
            ("decimal", [json!(0.1), json!(0.2)]),
            ("money", [json!(10), json!(20.5)]),
            ("rating", [json!(1), json!(2)]),
            ("date", [json!("2026-05-31"), json!("2026-06-01")]),
            ("datetime", [json!("2026-05-31T23:59:59Z"), json!("2026-06-01T00:00:00Z")]),
            ("dropdown", [json!("Red"), json!("Blue")]),
            ("radio", [json!("Red"), json!("Blue")]),
            ("yesnomaybe", [json!("yes"), json!("maybe")]),
            ("timezone", [json!("Europe/Berlin"), json!("Asia/Tokyo")]),
            ("uuid", [1, 2].map(|n| json!(uuid::Uuid::from_u128(n)))),
            ("team_selector", [json!(client.user_id), other]),
            ("checkboxes", [json!(["Red", "Blue"]), json!(["Blue"])]),
            ("dynamictags", [json!(["Red", "Blue"]), json!(["Blue"])]),
            ("relationship", [json!([ada, bob]), json!([bob])]),
            ("checkbox", [json!(true), json!(false)]),
            ("longtext", [json!("x"), json!("y")]),
            ("phonenumber", [json!("+4930123456"), json!("+4989654321")]),
        ]);
        for (n, name) in ["A", "B"].into_iter().enumerate() {
            let mut all = vec![("name", json!(name))];
            all.extend(values.iter().map(|(field, values)| (*field, values[n].clone())));
            make("things", &cells(&all));
        }
        make("things", &cells(&[("name", json!("C"))]));
        let fields = client.get("/api/custom-objects/things/fields").ok();
        // Conditions name options by id, and of the many the first alone.
        for kind in ["dropdown", "radio", "yesnomaybe", "checkboxes", "dynamictags"] {
            let options = &row(&fields, "name", kind)["options"];
            let id = |value: &Json| {
                let label = value.as_array().map_or(value, |labels| &labels[0]);
                let is = |option: &&Json| text(&option["name"]).eq_ignore_ascii_case(text(label));
                options.as_array().unwrap().iter().find(is).unwrap()["id"].clone()
            };
            let ids = values[kind].each_ref().map(id);
            values.insert(kind, ids);
        }
        values.insert("relationship", [ada, bob]);
        Self { client, fields, values, _server: server }
    }

    /// The names of the records that a condition means.
    fn meant(&self, field: &str, condition: &str, value: &Json) -> String {
        let clause = clause(&self.fields, field, condition, value);
        names(&search(&self.client, "things", &json!([{"and": true, "filters": [clause]}])))
    }

    /// What the condition is tried with, and what it means.
    fn tries(&self, kind: &str, condition: &str) -> Vec<(Json, &'static str)> {
        let [a, b] = &self.values[kind];
        let is_text = ["text", "email"].contains(&kind);
        let part = |from: usize, to: usize| json!(text(a)[from..to]);
        match condition {
            // An unticked box and one that nobody touched are the same.
            "=" if kind == "checkbox" => vec![(json!(true), "A"), (json!(false), "BC")],
            "=" if kind == "datetime" => vec![(a.clone(), "A"), (json!("2026-05-31"), "A"), (b.clone(), "B")],
            "=" => vec![(a.clone(), "A"), (b.clone(), "B")],
            "!=" => vec![(a.clone(), "BC"), (b.clone(), "AC")],
            "<" => vec![(a.clone(), ""), (b.clone(), "A")],
            "<=" => vec![(a.clone(), "A"), (b.clone(), "AB")],
            ">" => vec![(a.clone(), "B"), (b.clone(), "")],
            ">=" => vec![(a.clone(), "AB"), (b.clone(), "B")],
            "between" => vec![(json!([a, a]), "A"), (json!([a, b]), "AB"), (json!([b, a]), "")],
            "month_equals" => vec![(json!(5), "A"), (json!(6), "B"), (json!(7), "")],
            "is_blank" => vec![(json!(true), "C"), (json!(false), "AB")],
            "contains" if kind == "phonenumber" => vec![(json!("30 123"), "A"), (json!("777"), "")],
            "contains" if is_text => vec![(part(1, 6), "A"), (json!("nowhere"), "")],
            "!contains" if is_text => vec![(part(1, 6), "BC"), (json!("nowhere"), "ABC")],
            "starts_with" => vec![(part(0, 3), "A"), (part(1, 3), "")],
            "!starts_with" => vec![(part(0, 3), "BC"), (part(1, 3), "ABC")],
            "ends_with" => vec![(part(4, text(a).len()), "A"), (part(0, 3), "")],
            "!ends_with" => vec![(part(4, text(a).len()), "BC"), (part(0, 3), "ABC")],
            // Of the many-valued ones A has both, B the second.
            "has" | "contains" => {
                vec![(a.clone(), "A"), (b.clone(), "AB"), (json!([a, b]), "A")]
            }
            "!has" | "!contains" => vec![(a.clone(), "BC"), (b.clone(), "C"), (json!([a, b]), "BC")],
            "has_any" | "is_any_of" => vec![(json!([a]), "A"), (json!([a, b]), "AB")],
            "!has_any" | "is_none_of" => vec![(json!([a]), "BC"), (json!([a, b]), "C")],
            other => panic!("{other}"),
        }
    }
}

fn field(kind: &str) -> Json {
    let mut field = json!({"name": kind, "field_type": kind});
    if ["dropdown", "radio", "checkboxes"].contains(&kind) {
        field["options"] = json!([{"name": "Red"}, {"name": "Blue"}]);
    }
    if kind == "relationship" {
        field["relation"] = json!({"object": "people", "cardinality": "many"});
    }
    field
}

fn clause(fields: &Json, field: &str, condition: &str, value: &Json) -> Json {
    let id = text(&row(fields, "name", field)["id"]);
    json!({"type": "fields_v2", "subtype": "custom", "field": format!("\"custom\"::{id}"),
        "condition": condition, "value": value})
}

/// The records' names, in their order, in one word.
fn names(records: &[Json]) -> String {
    let name = |record: &Json| {
        let fields = record["fields"].as_object().unwrap();
        text(&fields.values().find(|field| field["name"] == "name").unwrap()["value"]).to_owned()
    };
    let mut names: Vec<String> = records.iter().map(name).collect();
    names.sort();
    names.concat()
}

#[test]
fn every_condition_of_every_type_means_what_it_says_and_negations_include_blanks() {
    let desk = Desk::new();
    let mut wrong = Vec::new();
    for (kind, conditions) in TYPES {
        for condition in conditions {
            for (value, expected) in desk.tries(kind, condition) {
                let found = desk.meant(kind, condition, &value);
                if found != expected {
                    wrong.push(format!("{kind} {condition} {value}: {found:?}, expected {expected:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Case is something in texts, and nothing in addresses.
    assert_eq!(desk.meant("text", "contains", &json!("alpha")), "");
    assert_eq!(desk.meant("email", "=", &json!("ADA@Example.ORG")), "A");
}

#[test]
fn a_condition_that_a_type_does_not_have_is_refused_with_those_that_it_has() {
    let desk = Desk::new();
    let conditions: BTreeSet<&str> = all_conditions();
    assert_eq!(conditions.len(), 21);
    for (kind, known) in TYPES {
        for condition in conditions.iter().filter(|condition| !known.contains(condition)) {
            let clause = clause(&desk.fields, kind, condition, &json!(true));
            let query = json!({"and": true, "query": [{"and": true, "filters": [clause]}]});
            let sentence = desk.client.post("/api/records/things/search", &query).refused(400, "invalid");
            assert!(
                sentence.starts_with("query[0].filters[0].condition: "),
                "{kind} {condition}: {sentence}"
            );
            assert!(sentence.contains(&known.join(" ")), "{kind} {condition}: {sentence}");
        }
    }
}

#[test]
fn records_are_found_by_the_runs_that_touched_them() {
    let shop = Shop::new();
    let first = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,2\n");
    let second = shop.run("b.csv", "Number,E-Mail,Total\n2,,20\n3,,3\n");
    let by_hand = json!({"fields": [{"name": "name", "value": "4"}]});
    shop.client.post("/api/records/orders/add", &by_hand).created();
    let (a, b) = (&first["id"], &second["id"]);
    for (field, condition, value, expected) in [
        ("created_by_execution", "=", a.clone(), "12"),
        ("created_by_execution", "=", b.clone(), "3"),
        ("created_by_execution", "!=", a.clone(), "34"),
        ("created_by_execution", "is_any_of", json!([a, b]), "123"),
        ("created_by_execution", "is_none_of", json!([a]), "34"),
        ("created_by_execution", "is_blank", json!(true), "4"),
        ("created_by_execution", "is_blank", json!(false), "123"),
        ("updated_by_execution", "=", a.clone(), "1"),
        ("updated_by_execution", "=", b.clone(), "23"),
        ("updated_by_execution", "!=", b.clone(), "14"),
        ("updated_by_execution", "is_blank", json!(true), "4"),
        ("updated_by_execution", "=", json!(uuid::Uuid::new_v4()), ""),
    ] {
        let clause = json!({"type": "fields", "subtype": "non_custom", "field": field,
            "condition": condition, "value": value});
        let found = search(&shop.client, "orders", &json!([{"and": true, "filters": [clause]}]));
        assert_eq!(names(&found), expected, "{field} {condition} {value}");
    }
}
