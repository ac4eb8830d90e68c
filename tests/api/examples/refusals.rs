//! The sentences that the document shows for refusals are sentences that the server says.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    run::{Shop, TOKEN},
    support::{
        Answer, contract, http,
        journey::{path, text},
    },
};

/// What the document shows as the body of this refusal.
fn shown(name: &str) -> Json {
    let document = contract::document();
    let response = &document["components"]["responses"][name];
    response["content"]["application/json"]["example"].clone()
}

#[test]
fn the_refusals_that_are_shown_are_said() {
    // Those of a defect and of a server that stops are said where there is one: tests/crash/staying_up.rs.
    let shop = Shop::with(|config| config.server.login_tries_per_minute = 1, crate::run::SQL);
    let client = &shop.client;
    let connectors = "/api/smart-connectors";
    let made = json!({"custom_object": "orders", "connector_type": "spreadsheet"});
    let raw = |kind: &str, body: Vec<u8>| {
        let request = client.request(Method::POST, "/api/s3/upload").header("Content-Type", kind);
        Answer::of("raw", request.body(body))
    };
    let run = shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n");
    let ended = format!("{}/executions/{}/cancel", path(TOKEN), text(&run["id"]));
    let large = vec![b' '; 8 * 1024 * 1024 + 1];
    let large =
        client.request(Method::POST, connectors).header("Content-Type", "application/json").body(large);
    let sign_in = || client.post("/api/session", &json!({"api_key": "sck_unknown"}));
    sign_in().expect(401);
    for (name, answer) in [
        ("Invalid", client.post(connectors, &made)),
        ("Unauthorized", Answer::of("nobody", http().get(format!("{}{connectors}", shop.server.url)))),
        ("Forbidden", shop.server.client_as("viewer", None).post(connectors, &made)),
        ("NotFound", client.get(&path("none"))),
        ("Conflict", client.post_empty(&ended)),
        ("TooLarge", Answer::of("large", large)),
        ("Unsupported", raw("text/plain", Vec::new())),
        ("TooManyRequests", sign_in()),
    ] {
        assert_eq!(answer.json(), shown(name), "{name}");
    }
}
