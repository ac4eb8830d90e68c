//! Triggers and executions.
//!
//! `<run>` was started by somebody else and has ended. `<own_run>` is the caller's own where it is a sender
//! that reaches the connector, else a sender's.

use super::table::{Body, RUNNER, Row, VIEWER, call, get, post};

const CSV: Body = Body::Other { kind: "text/csv", text: "Number,E-Mail,Total\n<fresh>,,1\n" };

pub fn rows() -> Vec<Row> {
    let mut rows = triggers();
    rows.extend(reads());
    rows
}

fn triggers() -> Vec<Row> {
    vec![
        call("POST", "/api/smart-connectors/<a>/upload?filename=a.csv", CSV)
            .by_role([201, 403, 201, 201, 201])
            .of_connector(),
        call("POST", "/api/smart-connectors/<a>/upload?filename=a.csv&is_dry_run=true", CSV)
            .from(RUNNER, 201)
            .of_connector(),
        post("/api/smart-connectors/<a>/start-connector-flow", r#"{"is_dry_run": false}"#)
            .from(RUNNER, 200)
            .of_connector(),
        post("/api/smart-connectors/<a>/start-connector-flow", r#"{"source_file_id": "<input_a>"}"#)
            .from(RUNNER, 200)
            .of_connector(),
        post("/api/smart-connectors/<a>/start-connector-flow", r#"{"source_file_id": "<file_b>"}"#)
            .from(RUNNER, 200)
            .of_connector()
            .here([403, 403, 400, 400, 400]),
        post("/api/smart-connectors/<a>/start-connector-flow", r#"{"source_file_id": "<loose_too>"}"#)
            .by_role([403, 403, 400, 400, 200])
            .of_connector()
            .here([403, 403, 400, 400, 400]),
        post("/api/smart-connectors/<w>/webhook?source=<fresh>", r#"{"number": "1"}"#)
            .by_role([201, 403, 201, 201, 201])
            .of_connector(),
        post("/api/smart-connectors/<w>/webhook/flush", "").from(RUNNER, 202).of_connector(),
        // It has ended.
        post("/api/smart-connectors/<a>/executions/<run>/cancel", "").from(RUNNER, 409).of_connector(),
        post("/api/smart-connectors/<a>/executions/<run_b>/cancel", "").from(RUNNER, 404),
        post("/api/smart-connectors/<a>/executions/<run>/rerun", "{}").from(RUNNER, 201).of_connector(),
        post("/api/smart-connectors/<a>/executions/<run_b>/rerun", "{}").from(RUNNER, 404),
    ]
}

fn reads() -> Vec<Row> {
    let others = |path| get(path).by_role([404, 200, 200, 200, 200]).of_connector();
    let of_another_connector = |path| get(path).by_role([404; 5]);
    vec![
        get("/api/executions").by_role([200; 5]),
        get("/api/smart-connectors/<a>/executions").by_role([200; 5]).of_connector(),
        get("/api/smart-connectors/<a>/executions?ids=<run_b>").by_role([200; 5]).of_connector(),
        get("/api/smart-connectors/<a>/executions/<own_run>").by_role([200; 5]).of_connector(),
        get("/api/smart-connectors/<a>/executions/<own_run>/rows").by_role([200; 5]).of_connector(),
        get("/api/smart-connectors/<a>/executions/<own_run>/logs").by_role([200; 5]).of_connector(),
        others("/api/smart-connectors/<a>/executions/<run>"),
        others("/api/smart-connectors/<a>/executions/<run>/progress"),
        others("/api/smart-connectors/<a>/executions/<run>/rows"),
        others("/api/smart-connectors/<a>/executions/<run>/logs"),
        others("/api/smart-connectors/<a>/executions/<run>/rejected.csv"),
        get("/api/smart-connectors/<a>/executions/<run>/sql-script").from(VIEWER, 200).of_connector(),
        get("/api/smart-connectors/<a>/executions/<run>/dev-package").from(VIEWER, 200).of_connector(),
        of_another_connector("/api/smart-connectors/<a>/executions/<run_b>"),
        of_another_connector("/api/smart-connectors/<a>/executions/<run_b>/progress"),
        of_another_connector("/api/smart-connectors/<a>/executions/<run_b>/rows"),
        of_another_connector("/api/smart-connectors/<a>/executions/<run_b>/logs"),
        of_another_connector("/api/smart-connectors/<a>/executions/<run_b>/rejected.csv"),
        get("/api/smart-connectors/<a>/executions/<run_b>/sql-script").from(VIEWER, 404),
        get("/api/smart-connectors/<a>/executions/<run_b>/dev-package").from(VIEWER, 404),
    ]
}
