//! Seeds of a connector.

use serde_json::{Value as Json, json};
use smartconnector::object::FieldType;

use crate::{
    flow::Fixture,
    setup::{field, object},
};

#[test]
fn seeds_are_a_full_set_too() {
    let f = Fixture::new();
    let people = object(&f.server, "people", &[("email", FieldType::Email)]);
    let email = field(&people, "email");
    let rows = f.set(
        "kizen_data_seeds",
        &json!([{"custom_object_id": people.id, "group_id": null, "fields_ids": [email, email]}]),
    );
    assert_eq!(rows[0]["fields_ids"], json!([email]));
    assert_eq!(rows[0]["custom_object"], json!({"id": people.id, "name": "people"}));
    assert_eq!((&rows[0]["group_id"], &rows[0]["group"]), (&Json::Null, &Json::Null));
    assert_eq!(f.set("kizen_data_seeds", &rows), rows);
    let mut without = rows.clone();
    without[0].as_object_mut().unwrap().remove("fields_ids");
    assert_eq!(f.set("kizen_data_seeds", &without), rows);
    for (seeds, code) in [
        (json!([{"custom_object_id": people.id, "group_id": uuid::Uuid::new_v4()}]), "does_not_exist"),
        (json!([{"custom_object_id": uuid::Uuid::new_v4(), "group_id": null}]), "does_not_exist"),
        (json!([{"custom_object_id": people.id, "fields_ids": [f.field("name")]}]), "does_not_exist"),
        (json!([rows[0], {"custom_object_id": people.id}]), "unique"),
        (json!([{"group_id": null}]), "required"),
    ] {
        let detail = f.refused("kizen_data_seeds", &seeds, code);
        assert!(code != "does_not_exist" || detail.contains("object does not exist"), "{detail}");
    }
    // Saving seeds touches no script.
    let draft = f.client.get(&f.path).ok()["last_draft_script"].clone();
    assert_eq!(draft["config_metadata"]["seed_tables"], json!([]));
    assert_eq!(f.set("kizen_data_seeds", &json!([])), json!([]));
}
