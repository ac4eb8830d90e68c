//! Variables, load steps and seeds: full sets with ids that stay.

use serde_json::{Value as Json, json};
use smartconnector::object::{FieldType, Object};

use crate::{
    setup::{field, object, path, with_template},
    support::{Client, TestServer},
};

/// A connector for orders whose scope has the columns `number`, `mail` and `total`.
pub struct Fixture {
    pub server: TestServer,
    pub client: Client,
    orders: Object,
    pub path: String,
}

impl Fixture {
    pub fn new() -> Self {
        let server = TestServer::start();
        let client = server.client();
        let orders = object(&server, "orders", &[("email", FieldType::Email), ("total", FieldType::Decimal)]);
        let path = path(&with_template(&server, &orders, "number,mail,total\n1,a@example.org,2\n"));
        Self { server, client, orders, path }
    }

    pub fn field(&self, name: &str) -> String {
        field(&self.orders, name)
    }

    pub fn set(&self, key: &str, value: &Json) -> Json {
        self.client.patch(&self.path, &json!({ key: value })).ok()[key].clone()
    }

    pub fn refused(&self, key: &str, value: &Json, code: &str) -> String {
        let before = self.client.get(&self.path).ok();
        let detail = self.client.patch(&self.path, &json!({ key: value })).refused(400, code);
        assert_eq!(self.client.get(&self.path).ok(), before, "{value}");
        detail
    }

    /// Variables `number`, `mail` and `total`.
    pub fn variables(&self) -> Json {
        self.set(
            "execution_variables",
            &json!([variable("number", "string"), variable("mail", "email"), variable("total", "number")]),
        )
    }

    /// A step that matches by name and writes name and total.
    pub fn step(&self, variables: &Json) -> Json {
        json!({
            "custom_object": self.orders.id, "scope": "orders", "type": "csv_load", "order": 0,
            "matching_rules": [{"order": 0, "field": self.field("name"), "variable": variables[0]["id"],
                "is_match_by_kizen_id": false, "no_match_action": "create_new",
                "single_match_action": "update_current", "multiple_match_action": "do_not_upload",
                "match_archive_action": "create_new"}],
            "field_mapping_rules": [
                {"field": self.field("name"), "variables": [variables[0]["id"]], "can_create_field_options": false,
                    "display_order": 0},
                {"field": self.field("total"), "variables": [variables[2]["id"]], "display_order": 1,
                    "conflict_resolution": "overwrite"}],
        })
    }

    pub fn flow(&self, loads: &Json) -> Json {
        self.set("flow", &json!({"additional_variables": [], "transformations": [], "loads": loads}))["loads"]
            .clone()
    }
}

fn variable(name: &str, data_type: &str) -> Json {
    json!({"name": name, "data_type": data_type, "scope": "orders", "type": "data_source",
        "data_source": name, "display_order": 1, "is_array": false})
}

#[test]
fn variables_are_a_full_set_whose_ids_stay() {
    let f = Fixture::new();
    let rows = f.variables();
    assert_eq!(rows[1]["data_source"], "mail");
    assert_eq!(rows[1]["type"], "data_source");
    assert_eq!(f.set("execution_variables", &rows), rows);
    let mut renamed = json!([rows[2], rows[0]]);
    renamed[0]["name"] = json!("sum");
    renamed[0]["confidence"] = json!(0.9);
    renamed
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "kind", "data_type": "number", "scope": "orders", "value": 7}));
    let after = f.set("execution_variables", &renamed);
    assert_eq!((&after[0]["id"], &after[0]["name"]), (&rows[2]["id"], &json!("sum")));
    assert_eq!(after[1], rows[0]);
    assert_eq!((&after[2]["value"], &after[2]["data_source"]), (&json!("7"), &Json::Null));
    assert_eq!(after.as_array().unwrap().len(), 3);
}

#[test]
fn a_variable_is_refused_for_what_is_wrong_with_it() {
    let f = Fixture::new();
    let rows = f.variables();
    let with = |key: &str, value: Json| {
        let mut row = variable("fresh", "string");
        row["data_source"] = json!("mail");
        row[key] = value;
        json!([row])
    };
    for (rows, code, sentence) in [
        (
            with("scope", json!("x")),
            "invalid",
            "execution_variables[0].scope: Scope x is not found in headers",
        ),
        (with("data_source", json!("y")), "invalid", "data_source y is not a column of scope orders"),
        (with("value", json!("1")), "invalid", "takes one of them"),
        (with("data_source", Json::Null), "required", "execution_variables[0].data_source"),
        (with("name", Json::Null), "required", "execution_variables[0].name"),
        (with("id", json!(uuid::Uuid::new_v4())), "does_not_exist", "Invalid pk - object does not exist."),
        (with("data_type", json!("colour")), "invalid", "execution_variables[0].data_type"),
        (with("input_format", json!("yes_no")), "invalid", "input_format"),
        (with("type", json!("related_object_upload")), "invalid", "load step"),
        (with("dispaly_order", json!(1)), "invalid", "dispaly_order"),
        (json!([rows[0], rows[0]]), "does_not_exist", "Invalid pk"),
        // The name counts as taken though its holder goes in the same save.
        (with("name", json!("total")), "unique", "An execution variable with this name already exists"),
        (
            json!([variable("mail", "string"), variable("mail", "string")]),
            "unique",
            "An execution variable with this name already exists",
        ),
    ] {
        let detail = f.refused("execution_variables", &rows, code);
        assert!(detail.contains(sentence), "{detail}");
    }
    let mut literal = variable("literal", "number");
    literal["data_source"] = Json::Null;
    literal["value"] = json!("twelve");
    let detail = f.refused("execution_variables", &json!([literal]), "invalid");
    assert!(detail.contains("twelve"), "{detail}");
}

#[test]
fn a_row_is_taken_back_as_it_was_read_though_its_column_is_gone() {
    let f = Fixture::new();
    let rows = f.variables();
    let other = crate::setup::file(&f.server, "other.csv", "number\n1\n");
    f.client.post(&format!("{}/get-file-template", f.path), &json!({"source_file_id": other})).ok();
    assert_eq!(f.set("execution_variables", &rows), rows);
    let mut changed = rows.clone();
    changed[1]["required"] = json!(true);
    f.refused("execution_variables", &changed, "invalid");
    assert_eq!(f.set("execution_variables", &json!([rows[0]])), json!([rows[0]]));
}

#[test]
fn steps_are_a_full_set_and_come_back_as_they_were_read() {
    let f = Fixture::new();
    let variables = f.variables();
    let loads = f.flow(&json!([f.step(&variables)]));
    let step = &loads[0];
    assert_eq!(step["custom_object"], json!(f.orders.id));
    assert_eq!(step["matching_rules"][0]["field"], json!(f.field("name")));
    assert_eq!(step["matching_rules"][0]["variable"], variables[0]["id"]);
    assert_eq!(step["field_mapping_rules"][0]["conflict_resolution"], "only_update_blank");
    assert!(step["execution_variable"].is_null());
    assert_eq!(f.flow(&loads), loads);
    let mut noted = loads.clone();
    noted[0]["stats"] = json!({"used_count": 3});
    noted[0]["matching_rules"][0]["stats"] = json!({});
    assert_eq!(f.flow(&noted), loads);

    let mut second = f.step(&variables);
    second["order"] = json!(1);
    let two = f.flow(&json!([second, step]));
    assert_eq!(two[0], *step);
    assert_eq!(f.flow(&json!([two[1]]))[0]["id"], two[1]["id"]);
    assert_eq!(f.client.patch(&f.path, &json!({"flow": {}})).ok()["flow"]["loads"][0]["id"], two[1]["id"]);
}

#[test]
fn a_step_is_refused_for_what_is_wrong_with_it() {
    let f = Fixture::new();
    let variables = f.variables();
    let good = f.step(&variables);
    let kept = f.flow(&json!([good]))[0].clone();
    let unknown = json!(uuid::Uuid::new_v4());
    let with = |pointer: &str, value: Json| {
        let mut step = good.clone();
        match pointer.rsplit_once('/') {
            Some((parent, key)) => step.pointer_mut(parent).unwrap()[key] = value,
            None => step[pointer] = value,
        }
        json!([step])
    };
    let mut same_order = good.clone();
    same_order["scope"] = json!("orders");
    for (loads, code, sentence) in [
        (
            json!([kept, same_order]),
            "invalid",
            "flow.loads[1].order: Load step display orders must be unique",
        ),
        (with("scope", json!("x")), "invalid", "flow.loads[0].scope: Scope x is not found in headers"),
        (
            with("id", unknown.clone()),
            "does_not_exist",
            "flow.loads[0].id: Invalid pk - object does not exist.",
        ),
        (with("custom_object", unknown.clone()), "does_not_exist", "Invalid pk - object does not exist."),
        (
            with("/matching_rules/0/variable", unknown.clone()),
            "does_not_exist",
            "flow.loads[0].matching_rules[0].variable: Invalid pk - object does not exist.",
        ),
        (
            with("/matching_rules/0/field", unknown.clone()),
            "does_not_exist",
            "Invalid pk - object does not exist.",
        ),
        (
            with("/matching_rules/0/id", unknown.clone()),
            "does_not_exist",
            "Invalid pk - object does not exist.",
        ),
        (with("/field_mapping_rules/0/variables", json!([unknown])), "does_not_exist", "Invalid pk"),
        (with("/matching_rules/0/multiple_match_action", json!("next_rule")), "invalid", "next_rule"),
        (with("/matching_rules/0/no_match_action", json!("explode")), "invalid", "explode"),
        (with("/matching_rules/0/ordr", json!(1)), "invalid", "ordr"),
        (
            with("/field_mapping_rules/1/conflict_resolution", json!("only_add_options")),
            "invalid",
            "not valid for this field type",
        ),
        (with("/field_mapping_rules/1/variables", json!([variables[1]["id"]])), "invalid", "mail"),
        (with("order", Json::Null), "required", "flow.loads[0].order"),
        (with("mathcing_rules", json!([])), "invalid", "mathcing_rules"),
    ] {
        let pointer = loads.clone();
        let detail = f.refused("flow", &json!({ "loads": loads }), code);
        assert!(detail.contains(sentence), "{detail} for {pointer}");
    }
}

#[test]
fn an_exposed_variable_keeps_its_id_and_serves_later_steps() {
    let f = Fixture::new();
    let variables = f.variables();
    let mut first = f.step(&variables);
    first["execution_variable"] = json!({"name": "order_id", "data_type": "uuid", "scope": "orders"});
    let loads = f.flow(&json!([first]));
    let exposed = loads[0]["execution_variable"].clone();
    assert_eq!((&exposed["type"], &exposed["scope"]), (&json!("related_object_upload"), &json!("orders")));
    assert!(exposed["id"].is_string());

    let mut second = f.step(&variables);
    second["order"] = json!(1);
    second["matching_rules"][0] =
        json!({"order": 0, "is_match_by_kizen_id": true, "variable": exposed["id"]});
    let two = f.flow(&json!([loads[0], second]));
    assert!(two[1]["matching_rules"][0].get("field").is_none());

    // By id it is renamed; left out it is kept.
    let mut renamed = two.clone();
    renamed[0]["execution_variable"] =
        json!({"id": exposed["id"], "name": "the_order", "data_type": "uuid", "scope": "orders"});
    let renamed = f.flow(&renamed);
    assert_eq!(renamed[0]["execution_variable"]["id"], exposed["id"]);
    let mut left_out = renamed.clone();
    left_out[0].as_object_mut().unwrap().remove("execution_variable");
    left_out[0].as_object_mut().unwrap().remove("newly_created_records_automations");
    assert_eq!(f.flow(&left_out), renamed);

    // Its name is taken everywhere, also when its holder goes in the same save.
    let taken = |path: &str| format!("{path}.name: An execution variable with this name already exists");
    let mut rows = variables.clone();
    rows.as_array_mut().unwrap().push(variable("mail", "string"));
    rows[3]["name"] = json!("the_order");
    assert_eq!(f.refused("execution_variables", &rows, "unique"), taken("execution_variables[3]"));
    let mut fresh = f.step(&variables);
    fresh["order"] = json!(5);
    fresh["execution_variable"] = json!({"name": "the_order", "data_type": "uuid", "scope": "orders"});
    let exposed_at = |n: u8| taken(&format!("flow.loads[{n}].execution_variable"));
    assert_eq!(f.refused("flow", &json!({"loads": [fresh]}), "unique"), exposed_at(0));
    fresh["execution_variable"]["name"] = json!("mail");
    assert_eq!(f.refused("flow", &json!({"loads": [renamed[0], fresh]}), "unique"), exposed_at(1));

    // Not by the step itself or an earlier one, and not once it is gone.
    let mut swapped = renamed.clone();
    swapped[0]["order"] = json!(2);
    let detail = f.refused("flow", &json!({ "loads": swapped }), "invalid");
    assert!(detail.contains("the_order") && detail.contains("step 2"), "{detail}");
    let mut gone = renamed.clone();
    gone[0]["execution_variable"] = Json::Null;
    f.refused("flow", &json!({ "loads": gone }), "does_not_exist");
    f.refused("flow", &json!({"loads": [renamed[1]]}), "does_not_exist");
}

#[test]
fn a_dropped_variable_takes_its_rules_along() {
    let f = Fixture::new();
    let variables = f.variables();
    let loads = f.flow(&json!([f.step(&variables)]));
    let fewer = json!({"execution_variables": [variables[0], variables[1]]});
    let warning = f.client.patch(&f.path, &fewer).ok()["warning"].clone();
    assert_eq!(warning, "Load step 1 lost 1 mapping rule, which used variables that are gone.");
    let after = f.client.get(&f.path).ok()["flow"]["loads"].clone();
    assert_eq!(after[0]["matching_rules"], loads[0]["matching_rules"]);
    assert_eq!(after[0]["field_mapping_rules"], json!([loads[0]["field_mapping_rules"][0]]));
    let warning = f.client.patch(&f.path, &json!({"execution_variables": []})).ok()["warning"].clone();
    let lost = "Load step 1 lost 1 matching rule and 1 mapping rule, which used variables that are gone.";
    assert_eq!(warning, lost);
    let id = f.client.get(&f.path).ok()["id"].as_str().unwrap().to_owned();
    let events = f.client.get(&format!("/api/smart-connectors/{id}/events-history?event_type=warning")).ok();
    assert!(events.to_string().contains(lost), "{events}");
    let after = f.client.get(&f.path).ok()["flow"]["loads"].clone();
    assert_eq!((&after[0]["matching_rules"], &after[0]["field_mapping_rules"]), (&json!([]), &json!([])));
    assert_eq!(after[0]["id"], loads[0]["id"]);
}

#[test]
fn rules_go_with_a_variable_also_where_the_same_save_has_a_flow() {
    let f = Fixture::new();
    let variables = f.variables();
    let loads = f.flow(&json!([f.step(&variables)]));
    let fewer = json!([variables[0], variables[1]]);
    // Named in the same save it is missing.
    let body = json!({"execution_variables": fewer, "flow": {"loads": loads}});
    let detail = f.client.patch(&f.path, &body).refused(400, "does_not_exist");
    assert!(detail.contains("field_mapping_rules[1]"), "{detail}");
    assert_eq!(f.client.get(&f.path).ok()["flow"]["loads"], loads);
    // A step whose rules are left out keeps those that still mean something.
    let mut bare = loads[0].clone();
    bare.as_object_mut().unwrap().remove("matching_rules");
    bare.as_object_mut().unwrap().remove("field_mapping_rules");
    let body = json!({"execution_variables": fewer, "flow": {"loads": [bare]}});
    let after = f.client.patch(&f.path, &body).ok();
    let kept = &after["flow"]["loads"][0];
    assert_eq!(kept["matching_rules"], loads[0]["matching_rules"]);
    assert_eq!(kept["field_mapping_rules"], json!([loads[0]["field_mapping_rules"][0]]));
    assert_eq!(after["warning"], "Load step 1 lost 1 mapping rule, which used variables that are gone.");
    // So does a flow without steps in it.
    let body = json!({"execution_variables": [variables[1]], "flow": {}});
    let after = f.client.patch(&f.path, &body).ok();
    assert_eq!(after["flow"]["loads"][0]["matching_rules"], json!([]));
}
