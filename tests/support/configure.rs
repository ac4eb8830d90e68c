//! How existing clients configure a flow: from names, in rounds, because a step that others refer to
//! gets the id of its exposed variable only when it is saved.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{
    Client,
    journey::{detail, path, text},
};

/// A variable that reads a column.
pub fn variable(name: &str, data_type: &str, scope: &str, column: &str) -> Json {
    json!({"name": name, "data_type": data_type, "scope": scope, "type": "data_source",
        "data_source": column, "is_array": false})
}

/// A matching rule with the defaults.
pub fn matches(field: &str, variable: &str) -> Json {
    json!({"field": field, "is_match_by_kizen_id": false, "variable": variable,
        "no_match_action": "create_new", "single_match_action": "update_current",
        "multiple_match_action": "do_not_upload", "match_archive_action": "create_new"})
}

/// A mapping rule that overwrites.
pub fn maps(field: &str, variable: &str) -> Json {
    json!({"field": field, "variables": [variable], "can_create_field_options": false,
        "conflict_resolution": "overwrite"})
}

/// A row with one more key, or another value.
pub fn with(mut row: Json, key: &str, value: Json) -> Json {
    row[key] = value;
    row
}

/// A load step: objects, fields and variables by name. `exposes` names the variable that holds the
/// record's id.
#[expect(clippy::needless_pass_by_value, reason = "callers write the rules in place")]
pub fn step(object: &str, scope: &str, exposes: Option<&str>, matching: Json, mapping: Json) -> Json {
    json!({"custom_object": object, "scope": scope, "exposes": exposes, "matching_rules": matching,
        "field_mapping_rules": mapping})
}

/// Names to ids.
struct Names {
    objects: BTreeMap<String, String>,
    fields: BTreeMap<(String, String), String>,
}

impl Names {
    fn read(client: &Client, steps: &[Json]) -> Self {
        let rows = client.get("/api/custom-objects?custom_only=false").ok();
        let objects = by_name(&rows["results"]);
        let mut fields = BTreeMap::new();
        // The fields of related objects too: a `lookup_field` is one of them.
        for name in steps.iter().flat_map(objects_of) {
            let rows = client.get(&format!("/api/custom-objects/{}/fields", objects[&name])).ok();
            fields.extend(by_name(&rows).into_iter().map(|(field, id)| ((name.clone(), field), id)));
        }
        Self { objects, fields }
    }
}

fn objects_of(step: &Json) -> Vec<String> {
    let mut names = vec![text(&step["custom_object"]).to_owned()];
    for rule in step["field_mapping_rules"].as_array().unwrap() {
        names.extend(rule["lookup_object"].as_str().map(str::to_owned));
    }
    names
}

fn by_name(rows: &Json) -> BTreeMap<String, String> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["name"]).to_owned(), text(&row["id"]).to_owned()))
        .collect()
}

/// Sequence 6. Answers the detail after it and how many rounds it took.
pub fn configure(client: &Client, token: &str, variables: &[Json], steps: &[Json]) -> (Json, usize) {
    let live = detail(client, token);
    let connector = path(text(&live["id"]));
    let names = Names::read(client, steps);

    let declared = declared(&live, variables);
    let dropped: Vec<Json> = live["execution_variables"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| declared.iter().all(|declared| declared["name"] != row["name"]))
        .cloned()
        .collect();
    let all: Vec<&Json> = declared.iter().chain(&dropped).collect();
    client.patch(&connector, &json!({ "execution_variables": all })).ok();
    let mut live = detail(client, token);

    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(rounds <= steps.len() + 1, "a step never became ready: {live}");
        let (loads, is_last) = round(&live, &names, steps);
        let mut flow = live["flow"].clone();
        flow["loads"] = json!(loads);
        client.patch(&connector, &json!({ "flow": flow })).ok();
        live = detail(client, token);
        if is_last {
            break;
        }
    }
    if !dropped.is_empty() {
        let declared = self::declared(&live, variables);
        client.patch(&connector, &json!({ "execution_variables": declared })).ok();
        live = detail(client, token);
    }
    (live, rounds)
}

/// The variables asked for, by id where their name lives.
fn declared(live: &Json, variables: &[Json]) -> Vec<Json> {
    let ids = by_name(&live["execution_variables"]);
    let row = |(at, variable): (usize, &Json)| {
        let row = with(variable.clone(), "display_order", json!(at + 1));
        match ids.get(text(&row["name"])) {
            Some(id) => with(row, "id", json!(id)),
            None => row,
        }
    };
    variables.iter().enumerate().map(row).collect()
}

/// The steps of one round: those whose names are known as asked for, others as they live. The last
/// round leaves out what is to be deleted.
fn round(live: &Json, names: &Names, steps: &[Json]) -> (Vec<Json>, bool) {
    let living = live["flow"]["loads"].as_array().unwrap();
    let mut ids = by_name(&live["execution_variables"]);
    for load in living.iter().filter(|load| !load["execution_variable"].is_null()) {
        let exposed = &load["execution_variable"];
        ids.insert(text(&exposed["name"]).to_owned(), text(&exposed["id"]).to_owned());
    }
    let mut unpaired: Vec<&Json> = living.iter().collect();
    let mut loads = Vec::new();
    let mut all_ready = true;
    for (order, step) in steps.iter().enumerate() {
        let object = &names.objects[text(&step["custom_object"])];
        let at = unpaired
            .iter()
            .position(|load| load["custom_object"] == *object && load["scope"] == step["scope"]);
        let pair = at.map(|at| unpaired.remove(at));
        if let Some(load) = wire(step, order, pair, names, &ids) {
            loads.push(load);
        } else {
            all_ready = false;
            loads.extend(pair.cloned());
        }
    }
    if !all_ready {
        for (at, load) in unpaired.into_iter().enumerate() {
            loads.push(with(load.clone(), "order", json!(steps.len() + at)));
        }
    }
    (loads, all_ready)
}

/// The step as it is sent; none while a name has no id.
fn wire(
    step: &Json,
    order: usize,
    pair: Option<&Json>,
    names: &Names,
    ids: &BTreeMap<String, String>,
) -> Option<Json> {
    let object = text(&step["custom_object"]);
    let field = |object: &str, name: &Json| {
        let key = (object.to_owned(), text(name).to_owned());
        json!(names.fields.get(&key).unwrap_or_else(|| panic!("no field {key:?}")))
    };
    let mut sent = pair.cloned().unwrap_or_else(|| json!({}));
    sent["custom_object"] = json!(names.objects[object]);
    sent["scope"] = step["scope"].clone();
    sent["type"] = json!("csv_load");
    sent["order"] = json!(order);
    let mut rules = step["matching_rules"].clone();
    for (at, rule) in rules.as_array_mut().unwrap().iter_mut().enumerate() {
        rule["order"] = json!(at);
        rule["variable"] = json!(ids.get(text(&rule["variable"]))?);
        if rule["is_match_by_kizen_id"] == json!(true) {
            rule.as_object_mut().unwrap().remove("field");
        } else {
            rule["field"] = field(object, &rule["field"]);
        }
    }
    sent["matching_rules"] = rules;
    let mut rules = step["field_mapping_rules"].clone();
    for (at, rule) in rules.as_array_mut().unwrap().iter_mut().enumerate() {
        rule["display_order"] = json!(at);
        rule["field"] = field(object, &rule["field"]);
        let mut variables = Vec::new();
        for name in rule["variables"].as_array().unwrap() {
            variables.push(ids.get(text(name))?);
        }
        rule["variables"] = json!(variables);
        if let Some(related) = rule.as_object_mut().unwrap().remove("lookup_object") {
            rule["lookup_field"] = field(text(&related), &rule["lookup_field"]);
        }
    }
    sent["field_mapping_rules"] = rules;
    if let Some(name) = step["exposes"].as_str() {
        let mut exposed = json!({"name": name, "data_type": "uuid", "scope": step["scope"]});
        if let Some(id) = pair.and_then(|pair| pair["execution_variable"]["id"].as_str()) {
            exposed["id"] = json!(id);
        }
        sent["execution_variable"] = exposed;
    }
    Some(sent)
}
