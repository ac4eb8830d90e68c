//! People, keys, sessions, and the server itself.

use super::table::{ADMIN, Row, VIEWER, delete, get, patch, post};

pub fn rows() -> Vec<Row> {
    vec![
        get("/api/team/typeahead").from(VIEWER, 200).of_workspace(),
        get("/api/team").from(ADMIN, 200).of_workspace(),
        post("/api/team", r#"{"email": "<fresh>@example.org", "role": "viewer"}"#)
            .from(ADMIN, 201)
            .of_workspace(),
        patch("/api/team/<member>", r#"{"last_name": "<fresh>"}"#).from(ADMIN, 200).of_workspace(),
        delete("/api/team/<nothing>").from(ADMIN, 404).of_workspace(),
        get("/api/api-keys").from(ADMIN, 200).of_workspace(),
        post("/api/api-keys", r#"{"name": "<fresh>", "role": "sender", "connectors": ["<a>"]}"#)
            .from(ADMIN, 201)
            .of_workspace(),
        delete("/api/api-keys/<nothing>").from(ADMIN, 404).of_workspace(),
        get("/api/events").from(ADMIN, 200).of_workspace(),
        // Each takes its time, and there is one at a time.
        get("/api/backup").from(ADMIN, 200).of_workspace().no_head(),
        get("/metrics").from(VIEWER, 200).of_workspace(),
        get("/healthz").open(200),
        get("/readyz").open(200),
        get("/api/docs").open(200),
        get("/api/docs/schema").open(200),
        // The key in the body is the credential.
        post("/api/session", r#"{"api_key": "<key>"}"#).open(200),
        delete("/api/session").by_role([204; 5]),
        // What a script may call is the same for everybody.
        get("/api/sql-functions").by_role([200; 5]),
        get("/api/activities").from(VIEWER, 200),
    ]
}
