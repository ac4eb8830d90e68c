//! What a flow is refused for when it is saved: a 400 that names both sides.

use serde_json::{Value as Json, json};

use crate::flow::Fixture;

const TYPES: [&str; 8] = ["string", "boolean", "date", "datetime", "number", "email", "phone_number", "uuid"];

/// Which types of variables a field takes.
const FITS: [(&str, &[&str]); 20] = [
    ("text", &TYPES),
    ("longtext", &TYPES),
    ("email", &["email"]),
    ("phonenumber", &["phone_number"]),
    ("integer", &["number"]),
    ("decimal", &["number"]),
    ("money", &["number"]),
    ("rating", &["number"]),
    ("date", &["date"]),
    ("datetime", &["datetime"]),
    ("checkbox", &["boolean"]),
    ("yesnomaybe", &["string", "boolean"]),
    ("dropdown", &["string"]),
    ("radio", &["string"]),
    ("checkboxes", &["string"]),
    ("dynamictags", &["string"]),
    ("relationship", &["uuid"]),
    ("timezone", &["string"]),
    ("uuid", &["uuid"]),
    ("team_selector", &["uuid", "email", "string"]),
];

struct Flows {
    f: Fixture,
    variables: Json,
    /// Type and id of each field.
    fields: Vec<(&'static str, String)>,
}

fn flows() -> Flows {
    let f = Fixture::new();
    let rows: Vec<Json> = TYPES
        .iter()
        .map(|data_type| {
            let format = if data_type.starts_with("date") { json!("%Y-%m-%d") } else { Json::Null };
            json!({"name": format!("the {data_type}"), "data_type": data_type, "scope": "orders",
                "data_source": "number", "input_format": format})
        })
        .collect();
    let variables = f.set("execution_variables", &json!(rows));
    let object = f.step(&variables)["custom_object"].as_str().unwrap().to_owned();
    let path = format!("/api/custom-objects/{object}/fields");
    let fields = FITS
        .iter()
        .map(|(field_type, _)| {
            let name = format!("a_{field_type}");
            let mut body = json!({"name": name, "display_name": name, "field_type": field_type});
            match *field_type {
                "relationship" => body["relation"] = json!({"object": "orders", "cardinality": "one"}),
                "dropdown" | "radio" | "checkboxes" => body["options"] = json!([{"name": "A"}]),
                _ => {}
            }
            let made = f.client.post(&path, &body).created();
            (*field_type, made["id"].as_str().unwrap().to_owned())
        })
        .collect();
    Flows { f, variables, fields }
}

impl Flows {
    fn variable(&self, data_type: &str) -> &Json {
        let at = TYPES.iter().position(|known| *known == data_type).unwrap();
        &self.variables[at]["id"]
    }

    fn save(&self, matching: &Json, mapping: &Json) -> crate::support::Answer {
        let mut step = self.f.step(&self.variables);
        step["matching_rules"] = matching.clone();
        step["field_mapping_rules"] = mapping.clone();
        self.f.client.patch(&self.f.path, &json!({"flow": {"loads": [step]}}))
    }
}

#[test]
fn a_variable_must_fit_the_field_in_both_kinds_of_rule_and_a_refusal_names_both() {
    let flows = flows();
    for ((field_type, field), (_, fitting)) in flows.fields.iter().zip(FITS) {
        for data_type in TYPES {
            let variable = flows.variable(data_type);
            let matching = json!([{"order": 0, "field": field, "variable": variable}]);
            let mapping = json!([{"field": field, "variables": [variable]}]);
            for (answer, path) in [
                (flows.save(&matching, &json!([])), "matching_rules[0].variable"),
                (flows.save(&json!([]), &mapping), "field_mapping_rules[0].variables[0]"),
            ] {
                if fitting.contains(&data_type) {
                    answer.ok();
                    continue;
                }
                let body = answer.expect(400).json();
                let detail = body["detail"].as_str().unwrap();
                for named in [format!("the {data_type}"), format!("a_{field_type}")] {
                    assert!(detail.contains(&named), "{detail}");
                }
                assert!(body["errors"][format!("flow.loads[0].{path}")].is_array(), "{body}");
            }
        }
    }
}

#[test]
fn options_are_added_to_lists_only_and_every_other_resolution_fits_every_field() {
    let flows = flows();
    for ((field_type, field), (_, fitting)) in flows.fields.iter().zip(FITS) {
        for resolution in ["only_update_blank", "overwrite", "overwrite_except_null", "only_add_options"] {
            let rule = json!([{"field": field, "variables": [flows.variable(fitting[0])],
                "conflict_resolution": resolution}]);
            let answer = flows.save(&json!([]), &rule);
            if resolution == "only_add_options" && !["checkboxes", "dynamictags"].contains(field_type) {
                let detail = answer.refused(400, "invalid");
                assert!(detail.contains("not valid for this field type"), "{detail}");
            } else {
                answer.ok();
            }
        }
    }
}

#[test]
fn the_last_rule_hands_on_to_no_other_whichever_the_outcome() {
    let flows = flows();
    let field = &flows.fields[0].1;
    let rule = |order: i64, key: &str, action: &str| json!({"order": order, "field": field, "variable": flows.variable("string"), key: action});
    for (key, action) in [
        ("no_match_action", "next_rule_ignore_previous"),
        ("single_match_action", "next_rule"),
        ("single_match_action", "next_rule_ignore_previous"),
        ("multiple_match_action", "next_rule"),
        ("multiple_match_action", "next_rule_ignore_previous"),
        ("match_archive_action", "next_rule"),
        ("match_archive_action", "next_rule_ignore_previous"),
    ] {
        let detail = flows.save(&json!([rule(0, key, action)]), &json!([])).refused(400, "invalid");
        assert!(detail.contains(key) && detail.contains(action), "{detail}");
        // Last by its order, not by its place in the list.
        let two = json!([rule(2, key, action), rule(1, "no_match_action", "create_new")]);
        flows.save(&two, &json!([])).refused(400, "invalid");
        let two = json!([rule(2, "no_match_action", "create_new"), rule(1, key, action)]);
        flows.save(&two, &json!([])).ok();
    }
    let detail =
        flows.save(&json!([rule(0, "no_match_action", "next_rule")]), &json!([])).refused(400, "invalid");
    assert!(detail.contains("next_rule"), "there is no candidate to narrow: {detail}");
}

#[test]
fn what_else_a_rule_can_not_be() {
    let flows = flows();
    let (text, date) = (&flows.fields[0].1, &flows.fields[8].1);
    let (string, day) = (flows.variable("string"), flows.variable("date"));
    for (matching, mapping, sentence) in [
        (
            json!([{"order": 0, "is_match_by_kizen_id": true, "variable": string}]),
            json!([]),
            "the string is a string and a record's id is a uuid",
        ),
        (
            json!([{"order": 0, "is_match_by_kizen_id": true, "field": text, "variable": string}]),
            json!([]),
            "not by both",
        ),
        (json!([{"order": 0, "variable": string}]), json!([]), "matching_rules[0].field"),
        (
            json!([{"order": 0, "field": text, "variable": string}, {"order": 0, "field": date, "variable": day}]),
            json!([]),
            "must be unique",
        ),
        (json!([]), json!([{"field": text, "variables": []}]), "field_mapping_rules[0].variables"),
        (
            json!([]),
            json!([{"field": date, "variables": [day, day]}]),
            "Several variables are joined to a text",
        ),
        (
            json!([]),
            json!([{"field": text, "variables": [string]}, {"field": text, "variables": [string]}]),
            "mapped twice",
        ),
        (
            json!([]),
            json!([{"field": text, "variables": [string], "lookup_field": text}]),
            "lookup_field is for relationships",
        ),
    ] {
        let body = flows.save(&matching, &mapping).expect(400).json();
        assert!(body["detail"].as_str().unwrap().contains(sentence), "{body}");
    }
}
