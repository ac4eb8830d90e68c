//! Connectors, their copies and their history.

use super::table::{ADMIN, EDITOR, Row, VIEWER, delete, get, patch, post};

pub fn rows() -> Vec<Row> {
    vec![
        get("/api/smart-connectors").from(VIEWER, 200),
        get("/api/smart-connectors/metadata").from(VIEWER, 200),
        post(
            "/api/smart-connectors",
            r#"{"name": "<fresh>", "custom_object": "orders", "connector_type": "spreadsheet"}"#,
        )
        .from(EDITOR, 201)
        .of_workspace(),
        get("/api/smart-connectors/<a>").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/shop_orders").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<b>").from(VIEWER, 200).of_other_connector(),
        patch("/api/smart-connectors/<a>", r#"{"description": "<fresh>"}"#).from(EDITOR, 200).of_connector(),
        // Another connector's file, and one that is still its sender's.
        patch("/api/smart-connectors/<a>", r#"{"source_file_id": "<file_b>"}"#)
            .from(EDITOR, 200)
            .of_connector()
            .here([403, 403, 403, 400, 400]),
        patch("/api/smart-connectors/<a>", r#"{"source_file_id": "<loose>"}"#)
            .by_role([403, 403, 403, 400, 200])
            .of_connector()
            .here([403, 403, 403, 400, 400]),
        patch("/api/smart-connectors/<a>", r#"{"source_file_id": "<file_a>"}"#)
            .from(EDITOR, 200)
            .of_connector(),
        // An object that only another connector uses.
        patch(
            "/api/smart-connectors/<a>",
            r#"{"kizen_data_seeds": [{"custom_object_id": "<others>", "group_id": null}]}"#,
        )
        .from(EDITOR, 200)
        .of_connector()
        .here([403, 403, 403, 400, 400]),
        patch(
            "/api/smart-connectors/<a>",
            r#"{"flow": {"loads": [{"custom_object": "<others>", "scope": "orders", "order": 0}]}}"#,
        )
        .from(EDITOR, 200)
        .of_connector()
        .here([403, 403, 403, 400, 400]),
        // It is running.
        delete("/api/smart-connectors/<a>").from(ADMIN, 409).of_connector(),
        post("/api/smart-connectors/<a>/duplicate", r#"{"name": "<fresh>"}"#)
            .from(EDITOR, 201)
            .of_workspace(),
        get("/api/smart-connectors/<a>/export").from(VIEWER, 200).of_connector(),
        // The connector is there already.
        post("/api/smart-connectors/import", "<document>").from(EDITOR, 400).code("unique").of_workspace(),
        post("/api/smart-connectors/<a>/get-file-template", "{}").from(EDITOR, 200).of_connector(),
        post("/api/smart-connectors/<a>/get-file-template", r#"{"source_file_id": "<file_b>"}"#)
            .from(EDITOR, 200)
            .of_connector()
            .here([403, 403, 403, 400, 400]),
        post("/api/smart-connectors/<a>/generate-execution-variables", "").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<a>/events-history").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<a>/dev-package").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<a>/dev-package?source_file_id=<input_a>")
            .from(VIEWER, 200)
            .of_connector(),
        get("/api/smart-connectors/<a>/dev-package?source_file_id=<file_b>").from(VIEWER, 400).of_connector(),
        get("/api/smart-connectors/<a>/dev-package?source_file_id=<loose>").from(VIEWER, 400).of_connector(),
    ]
}
