//! The answers of refusal that many operations have, each told once.

use serde_json::{Value as Json, json};

/// Status, name in the document, what it means, and an example: code, sentence.
type Refusal = (u16, &'static str, &'static str, &'static str, &'static str);

const REFUSALS: &[Refusal] = &[
    (
        400,
        "Invalid",
        "Something in the request is wrong, or names what is not there; `errors` says where in the body. Also: the \
         `Host` is not this server's.",
        "required",
        "name: This field is required.",
    ),
    (
        401,
        "Unauthorized",
        "No credentials (`missing_credentials`), unknown, expired or revoked ones (`invalid_credentials`), or those of \
         another workspace (`wrong_workspace`).",
        "missing_credentials",
        "No credentials were sent. Send a key in X-API-KEY or as a bearer token.",
    ),
    (
        403,
        "Forbidden",
        "The key's role or its list of connectors does not allow this.",
        "permission_required",
        "This needs the role editor; this key has the role viewer.",
    ),
    (
        404,
        "NotFound",
        "What the path names is not there, or not for this key.",
        "not_found",
        "No such connector.",
    ),
    (
        409,
        "Conflict",
        "The state of the thing does not allow this now.",
        "conflict",
        "The execution has ended already: success.",
    ),
    (
        413,
        "TooLarge",
        "The body is larger than the limit that the sentence names.",
        "too_large",
        "The body is larger than 8 MB (server.max_json_mb).",
    ),
    (
        415,
        "Unsupported",
        "The body's media type is none that is taken here.",
        "unsupported",
        "Content-Type: found \"text/plain\", expected multipart/form-data with a boundary",
    ),
    (
        429,
        "TooManyRequests",
        "This sender has sent too often. `Retry-After` says when to try again.",
        "too_many_requests",
        "Too many tries to sign in from this address in a minute (server.login_tries_per_minute).",
    ),
    (
        500,
        "Internal",
        "A defect, or a failing disk. The sentence is fixed; the server's log has the facts under the answer's \
         `X-Request-ID`.",
        "internal",
        "Something went wrong on the server. Its log has the details.",
    ),
    (
        503,
        "Busy",
        "The server has too much to do, is stopping, or its disk is full. `Retry-After` says when to try again.",
        "busy",
        "The server is stopping.",
    ),
];

/// The name of a status's answer.
pub fn name(status: &str) -> Option<&'static str> {
    REFUSALS.iter().find(|refusal| refusal.0.to_string() == status).map(|refusal| refusal.1)
}

/// All of them, by name.
pub fn all() -> Json {
    let mut all = Json::Object(serde_json::Map::new());
    for (status, name, meaning, code, sentence) in REFUSALS {
        let mut example = json!({"detail": sentence, "code": code});
        if *code == "required" {
            example["errors"] = json!({"name": [{"message": "This field is required.", "code": code}]});
        }
        all[*name] = json!({
            "description": meaning,
            "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/ErrorBody"},
                "example": example,
            }},
        });
        if matches!(status, 429 | 503) {
            all[*name]["headers"] = json!({"Retry-After": {
                "description": "Seconds.",
                "schema": {"type": "integer", "minimum": 0},
            }});
        }
    }
    all
}
