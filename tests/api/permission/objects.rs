//! Objects, their fields and filter groups, and records.
//!
//! A limited key sees the names of objects and fields: it could not configure its connectors otherwise.

use super::table::{ADMIN, EDITOR, Row, VIEWER, delete, get, patch, post};

const GROUP: &str = r#"{"name": "<fresh>", "config": {"and": true, "query": []}}"#;
const RECORD: &str = r#"{"fields": [{"name": "name", "value": "<fresh>"}]}"#;

pub fn rows() -> Vec<Row> {
    let mut rows = designs();
    rows.extend(records());
    rows
}

fn designs() -> Vec<Row> {
    vec![
        get("/api/custom-objects").from(VIEWER, 200),
        get("/api/custom-objects/orders").from(VIEWER, 200),
        get("/api/custom-objects/<others>").from(VIEWER, 200),
        post("/api/custom-objects", r#"{"object_name": "<fresh>", "entity_name": "<fresh>"}"#)
            .from(EDITOR, 201)
            .of_workspace(),
        patch("/api/custom-objects/orders", r#"{"object_name": "<fresh>"}"#).from(EDITOR, 200).of_workspace(),
        // Connectors use it.
        delete("/api/custom-objects/orders").from(ADMIN, 409).of_workspace(),
        get("/api/custom-objects/orders/fields").from(VIEWER, 200),
        post("/api/custom-objects/orders/fields", r#"{"display_name": "<fresh>", "field_type": "text"}"#)
            .from(EDITOR, 201)
            .of_workspace(),
        patch("/api/custom-objects/orders/fields/<field>", r#"{"display_name": "<fresh>"}"#)
            .from(EDITOR, 200)
            .of_workspace(),
        // Every record has it.
        delete("/api/custom-objects/orders/fields/<field>").from(ADMIN, 409).of_workspace(),
        get("/api/custom-objects/orders/filter-groups").from(VIEWER, 200).of_workspace(),
        post("/api/custom-objects/orders/filter-groups", GROUP).from(EDITOR, 201).of_workspace(),
        get("/api/custom-objects/orders/filter-groups/<group>").from(VIEWER, 200).of_workspace(),
        patch("/api/custom-objects/orders/filter-groups/<group>", GROUP).from(EDITOR, 200).of_workspace(),
        delete("/api/custom-objects/orders/filter-groups/<nothing>").from(ADMIN, 404).of_workspace(),
    ]
}

fn records() -> Vec<Row> {
    vec![
        post("/api/records/orders/search", "{}").from(VIEWER, 200).of_workspace(),
        post("/api/records/<others>/search", r#"{"field_names": ["name"]}"#).from(VIEWER, 200).of_workspace(),
        post("/api/records/orders/add", RECORD).from(EDITOR, 201).of_workspace(),
        post("/api/records/orders/upsert", RECORD).from(EDITOR, 201).of_workspace(),
        get("/api/records/orders/lookup?identifier=1").from(VIEWER, 200).of_workspace(),
        get("/api/records/orders/export").from(VIEWER, 200).of_workspace(),
        get("/api/records/orders/<record>").from(VIEWER, 200).of_workspace(),
        patch("/api/records/orders/<record>", r#"{"fields": [{"name": "total", "value": 2}]}"#)
            .from(EDITOR, 200)
            .of_workspace(),
        delete("/api/records/orders/<record_too>").from(EDITOR, 204).of_workspace(),
        patch("/api/records/orders/<record_too>/unarchive", "").from(EDITOR, 200).of_workspace(),
    ]
}
