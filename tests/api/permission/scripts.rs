//! Scripts, their samples and packages.

use super::table::{EDITOR, Row, VIEWER, get, patch, post};

pub fn rows() -> Vec<Row> {
    vec![
        get("/api/smart-connectors/<a>/sql-scripts").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<a>/sql-scripts/<live>").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<a>/sql-scripts/<draft>").from(VIEWER, 200).of_connector(),
        // Another connector's script is not this one's.
        get("/api/smart-connectors/<a>/sql-scripts/<script_b>").from(VIEWER, 404),
        get("/api/smart-connectors/<a>/sql-scripts/history").from(VIEWER, 200).of_connector(),
        post("/api/smart-connectors/<a>/sql-scripts/history/1/restore", "").from(EDITOR, 200).of_connector(),
        patch("/api/smart-connectors/<a>/sql-scripts/<live>", r#"{"user_script": "SELECT 1"}"#)
            .from(EDITOR, 200)
            .of_connector(),
        patch("/api/smart-connectors/<a>/sql-scripts/<draft>", r#"{"user_script": "-- <fresh>"}"#)
            .from(EDITOR, 200)
            .of_connector(),
        patch(
            "/api/smart-connectors/<a>/sql-scripts/<draft>",
            r#"{"config_metadata": {"input_tables": [{"name": "a", "table_name": "a", "file_id": "<file_b>"}]}}"#,
        )
        .from(EDITOR, 200)
        .of_connector()
        .here([403, 403, 403, 400, 400]),
        patch("/api/smart-connectors/<a>/sql-scripts/<script_b>", "{}").from(EDITOR, 404),
        post("/api/smart-connectors/<a>/sql-scripts/<live>/preview", "{}").from(EDITOR, 200).of_connector(),
        post("/api/smart-connectors/<a>/sql-scripts/<script_b>/preview", "{}").from(EDITOR, 404),
        post("/api/smart-connectors/<a>/sql-scripts/<draft>/start", r#"{"source_file_id": "<file_b>"}"#)
            .from(EDITOR, 202)
            .of_connector()
            .here([403, 403, 403, 400, 400]),
        post("/api/smart-connectors/<a>/sql-scripts/<draft>/start", r#"{"source_file_id": "<file_a>"}"#)
            .from(EDITOR, 202)
            .of_connector(),
        post("/api/smart-connectors/<a>/sql-scripts/<script_b>/start", "{}").from(EDITOR, 404),
        // No sample is being generated.
        post("/api/smart-connectors/<a>/sql-scripts/<live>/cancel", "").from(EDITOR, 409).of_connector(),
        // It is live already.
        post("/api/smart-connectors/<a>/sql-scripts/<live>/publish", "")
            .from(EDITOR, 400)
            .code("invalid")
            .of_connector(),
        post("/api/smart-connectors/<a>/sql-scripts/<script_b>/publish", "").from(EDITOR, 404),
        post(
            "/api/smart-connectors/<a>/sql-scripts/<live>/download-output-sample",
            r#"{"type": "reference"}"#,
        )
        .from(VIEWER, 200)
        .of_connector(),
        post(
            "/api/smart-connectors/<a>/sql-scripts/<script_b>/download-output-sample",
            r#"{"type": "reference"}"#,
        )
        .from(VIEWER, 404),
        get("/api/smart-connectors/<a>/sql-scripts/<live>/dev-package").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<a>/sql-scripts/<live>/connector-local-dev-package")
            .from(VIEWER, 200)
            .of_connector(),
        get("/api/smart-connectors/<a>/sql-scripts/<live>/dev-package?source_file_id=<file_b>")
            .from(VIEWER, 400)
            .of_connector(),
        get("/api/smart-connectors/<a>/sql-scripts/<script_b>/dev-package").from(VIEWER, 404),
    ]
}
