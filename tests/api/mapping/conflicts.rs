//! What an update does to what a record holds, for every kind of field.

use serde_json::{Map, Value as Json, json};

use super::{ID, field, names, others, sizes, value};
use crate::{
    matching::{People, rule},
    run::totals,
    support::{
        configure::{maps, variable, with},
        journey,
    },
};

/// A field, what a record holds in it, and how a row brings something else.
struct Kind {
    name: &'static str,
    field: Json,
    held: Json,
    reads: (&'static str, &'static str),
    /// The cells that bring what is held, and something else.
    same: String,
    other: String,
    /// What is held after the other was written.
    after: Json,
}

fn kinds(people: &People, me: &str) -> Vec<Kind> {
    let kind = |name, field: Json, held: Json, reads, same: &str, other: &str, after: Json| Kind {
        name,
        field,
        held,
        reads,
        same: same.to_owned(),
        other: other.to_owned(),
        after,
    };
    let of = |field_type: &str| json!({ "field_type": field_type });
    let mine = others(people, "cities", &["Rome", "Oslo"]);
    let relation = |many: &str| json!({"field_type": "relationship", "relation": {"object": "cities", "cardinality": many}});
    let uuid = "123e4567-e89b-12d3-a456-426614174001";
    vec![
        kind("a_text", of("text"), json!("a"), ("string", ""), "a", "A", json!("A")),
        kind("a_longtext", of("longtext"), json!("a"), ("string", ""), "a", "b", json!("b")),
        kind(
            "an_email",
            of("email"),
            json!("a@x.org"),
            ("email", ""),
            "a@x.org",
            "b@x.org",
            json!("b@x.org"),
        ),
        kind(
            "a_phone",
            of("phonenumber"),
            json!("+16502530000"),
            ("phone_number", ""),
            "650-253-0000",
            "650-253-0001",
            json!("+16502530001"),
        ),
        kind("an_integer", of("integer"), json!(1), ("number", ""), "1.0", "2", json!(2)),
        kind("a_decimal", of("decimal"), json!(0.1), ("number", ""), "0.10", "0.2", json!(0.2)),
        kind("money", of("money"), json!(1.5), ("number", ""), "$1.50", "2", json!(2)),
        kind("a_rating", of("rating"), json!(1), ("number", ""), "1", "2", json!(2)),
        kind(
            "a_date",
            of("date"),
            json!("2026-01-02"),
            ("date", "%d.%m.%Y"),
            "2.1.2026",
            "3.1.2026",
            json!("2026-01-03"),
        ),
        kind(
            "a_datetime",
            of("datetime"),
            json!("2026-01-02T00:00:00Z"),
            ("datetime", "rfc3339"),
            "2026-01-02T01:00:00+01:00",
            "2026-01-02T00:00:01Z",
            json!("2026-01-02T00:00:01Z"),
        ),
        kind("a_checkbox", of("checkbox"), json!(true), ("boolean", ""), "yes", "no", json!(false)),
        kind("yesnomaybe", of("yesnomaybe"), json!("Yes"), ("string", ""), "yes", "Maybe", json!("Maybe")),
        kind("a_dropdown", sizes("dropdown"), json!("Large"), ("string", ""), "l", "small", json!("Small")),
        kind("a_radio", sizes("radio"), json!("Large"), ("string", ""), "LARGE", "s", json!("Small")),
        kind("checkboxes", sizes("checkboxes"), json!(["Large"]), ("string", ""), "l", "s", json!(["Small"])),
        kind("tags", of("dynamictags"), json!(["red"]), ("string", ""), "Red", "blue", json!(["blue"])),
        kind("one_city", relation("one"), json!(mine[0]), ("uuid", ""), &mine[0], &mine[1], json!(mine[1])),
        kind(
            "many_cities",
            relation("many"),
            json!([mine[0]]),
            ("uuid", ""),
            &mine[0],
            &mine[1],
            json!([mine[1]]),
        ),
        kind(
            "a_zone",
            of("timezone"),
            json!("UTC"),
            ("string", ""),
            "UTC",
            "Europe/Berlin",
            json!("Europe/Berlin"),
        ),
        kind("a_uuid", of("uuid"), json!(ID), ("uuid", ""), ID, uuid, json!(uuid)),
        kind("a_member", of("team_selector"), json!(me), ("string", ""), me, "", json!(me)),
    ]
}

const MANY: [&str; 3] = ["checkboxes", "tags", "many_cities"];

/// A record that holds a value or none, a row that brings another, a blank or the same.
const PAIRS: [&str; 5] = ["blank-other", "held-other", "held-blank", "blank-blank", "held-same"];

/// A resolution, what each pair comes to, and how many rows are updates.
const RESOLUTIONS: [(&str, [&str; 5], u64); 4] = [
    ("only_update_blank", ["other", "held", "held", "blank", "held"], 1),
    ("overwrite", ["other", "other", "blank", "blank", "held"], 3),
    ("overwrite_except_null", ["other", "other", "held", "blank", "held"], 2),
    ("only_add_options", ["other", "both", "held", "blank", "held"], 2),
];

#[test]
fn every_resolution_does_to_every_kind_of_field_what_its_name_says() {
    let people = People::new(&[], &csv_of(&[], "x"));
    journey::object(&people.client, "cities", &[]);
    let me = people.client.get("/api/team/typeahead").ok()["results"][0]["id"].as_str().unwrap().to_owned();
    let kinds = kinds(&people, &me);
    for kind in &kinds {
        field(&people, kind.name, &kind.field);
    }
    let set = |values: &dyn Fn(&Kind) -> Json| -> Map<String, Json> {
        kinds.iter().map(|kind| (kind.name.to_owned(), values(kind))).collect()
    };
    let (held, after) = (set(&|kind| kind.held.clone()), set(&|kind| kind.after.clone()));
    let add = |name: &str, values: &Map<String, Json>| {
        let mut values = values.clone();
        values.insert("name".to_owned(), json!(name));
        people.add(&Json::Object(values))
    };
    // What the API shows of each is compared with what it shows of these.
    add("held", &held);
    add("other", &after);
    add("blank", &Map::new());
    let csv = csv_of(&kinds, "ref");
    journey::set_input(&people.client, crate::matching::TOKEN, "people.csv", csv.as_bytes());
    journey::publish(
        &people.client,
        crate::matching::TOKEN,
        "CREATE TABLE output.people AS SELECT rowid AS _line, * FROM input.people_csv;",
    );

    for (resolution, expected, updates) in RESOLUTIONS {
        let mapped: Vec<&Kind> = kinds
            .iter()
            .filter(|kind| resolution != "only_add_options" || MANY.contains(&kind.name))
            .collect();
        for pair in PAIRS {
            let values = if pair.starts_with("held") { &held } else { &Map::new() };
            add(&format!("{resolution} {pair}"), values);
        }
        people
            .server
            .app
            .store
            .records
            .write(|tx| Ok(tx.execute_batch("UPDATE record_people SET updated = 7")?))
            .unwrap();
        configure(&people, resolution, &mapped);
        let run = people.run(&csv_of(&kinds, resolution));
        assert_eq!(totals(&run), [0, updates, 5 - updates, 0, 0], "{resolution}: {}", people.rows(&run));
        // What is unchanged is not written.
        let untouched = people.sql(&format!(
            "SELECT count(*) FROM record_people WHERE name GLOB '{resolution} *' AND updated = 7"
        ));
        assert_eq!(untouched, [(5 - updates).to_string()], "{resolution}");
        for (pair, expected) in PAIRS.into_iter().zip(expected) {
            for kind in &mapped {
                let found = value(&people, &format!("{resolution} {pair}"), kind.name);
                let case = format!("{resolution} {pair} {}: {found}", kind.name);
                if expected == "both" {
                    let one = |record: &str| names(&value(&people, record, kind.name));
                    let mut both = [one("held"), one("other")].concat();
                    both.sort();
                    assert_eq!(names(&found), both, "{case}");
                } else if kind.name == "a_member" {
                    // There is one member: no other can be brought.
                    let is_held = pair != "blank-other" && (pair.starts_with("held") && expected != "blank");
                    let cleared = resolution == "overwrite" && pair == "held-other";
                    assert_eq!(!found.is_null(), is_held && !cleared, "{case}");
                } else {
                    assert_eq!(found, value(&people, expected, kind.name), "{case}");
                }
            }
        }
    }
}

fn configure(people: &People, resolution: &str, kinds: &[&Kind]) {
    let mut variables = vec![variable("Name", "string", "people", "n")];
    let mut mapping = vec![with(maps("name", "Name"), "conflict_resolution", json!("only_update_blank"))];
    for kind in kinds {
        let (data_type, format) = kind.reads;
        let row = variable(&format!("V {}", kind.name), data_type, "people", kind.name);
        variables.push(with(row, "input_format", json!(format)));
        let rule = maps(kind.name, &format!("V {}", kind.name));
        mapping.push(with(rule, "conflict_resolution", json!(resolution)));
    }
    people.configure(&variables, &json!([rule("name", "Name", &json!({}))]), &json!(mapping));
    people.activate();
}

/// A row per pair.
fn csv_of(kinds: &[Kind], resolution: &str) -> String {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(std::iter::once("n").chain(kinds.iter().map(|kind| kind.name))).unwrap();
    for pair in PAIRS {
        let name = format!("{resolution} {pair}");
        let cells = kinds.iter().map(|kind| match pair.rsplit_once('-').unwrap().1 {
            "other" => kind.other.as_str(),
            "same" => kind.same.as_str(),
            _ => "",
        });
        csv.write_record(std::iter::once(name.as_str()).chain(cells)).unwrap();
    }
    String::from_utf8(csv.into_inner().unwrap()).unwrap()
}
