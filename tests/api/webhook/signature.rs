//! Senders without a key, and the secrets that they sign with.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value as Json, json};
use smartconnector::auth::signature;

use super::{TOKEN, hook, ready};
use crate::support::{
    Answer, Client, TestServer,
    journey::{detail, path},
};

const FIRST: &str = "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==";
const SECOND: &str = "whsec_c2Vjb25kIHNlY3JldCBzZWNvbmQgc2VjcmV0";

fn hex_to_base64(hex: &str) -> String {
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// A request without a key, signed as Standard Webhooks say.
fn signed(server: &TestServer, secret: &str, id: &str, time: i64, body: &str) -> Answer {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signature = signature::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    let request = server
        .client()
        .http
        .post(format!("{}{}", server.url, hook("")))
        .header("webhook-id", id)
        .header("webhook-timestamp", time.to_string())
        .header("webhook-signature", format!("v1,{}", hex_to_base64(&signature)))
        .header("Content-Type", "application/json")
        .body(body.to_owned());
    Answer::of("signed", request)
}

fn set(client: &Client, settings: &Json) -> Json {
    client.patch(&path(TOKEN), &json!({ "webhook_settings": settings })).ok()["webhook_settings"].clone()
}

#[test]
fn a_signature_alone_is_enough() {
    let server = ready(|_| {});
    let client = server.client();
    let now = chrono::Utc::now().timestamp();
    signed(&server, FIRST, "m1", now, "{}").refused(401, "missing_credentials");
    set(&client, &json!({"signing_secrets": [FIRST]}));
    signed(&server, FIRST, "m1", now, "{}").expect(201);
    signed(&server, FIRST, "m1", now, "{}").expect(201);
    signed(&server, SECOND, "m2", now, "{}").refused(401, "invalid_credentials");
    assert!(
        signed(&server, FIRST, "m3", now - 400, "{}").refused(401, "invalid_credentials").contains("off")
    );
    let bare = client.http.post(format!("{}{}", server.url, hook(""))).body("{}");
    Answer::of("unsigned", bare).refused(401, "missing_credentials");
    // The replay added nothing, and nobody is named as its sender.
    assert_eq!(detail(&client, TOKEN)["webhook_inbox"]["pending"], 1);
    let run = super::flushed(&client, 1);
    assert_eq!(super::input(&client, &run)[0][1], "");
}

#[test]
fn what_is_not_signed_takes_nothing_from_those_that_sign() {
    let server = ready(|config| config.webhook.max_per_minute = 2);
    set(&server.client(), &json!({"signing_secrets": [FIRST]}));
    let now = chrono::Utc::now().timestamp();
    for id in ["m1", "m2"] {
        signed(&server, SECOND, id, now, "{}").refused(401, "invalid_credentials");
    }
    signed(&server, SECOND, "m3", now, "{}").refused(429, "too_many_requests");
    for id in ["m4", "m5"] {
        signed(&server, FIRST, id, now, "{}").expect(201);
    }
    signed(&server, FIRST, "m6", now, "{}").refused(429, "too_many_requests");
}

#[test]
fn secrets_are_rotated_and_never_shown() {
    let server = ready(|_| {});
    let client = server.client();
    let now = chrono::Utc::now().timestamp();
    let one = set(&client, &json!({"signing_secrets": [FIRST]}));
    let row = one["signing_secrets"][0].clone();
    assert_eq!(row["is_readable"], true);
    let both = set(&client, &json!({"signing_secrets": [row, SECOND], "signature": {"preset": "standard"}}));
    signed(&server, FIRST, "a", now, "{}").expect(201);
    signed(&server, SECOND, "b", now, "{}").expect(201);
    // As it was read.
    assert_eq!(set(&client, &both), both);
    set(&client, &json!({"signing_secrets": [both["signing_secrets"][1]]}));
    signed(&server, FIRST, "c", now, "{}").refused(401, "invalid_credentials");
    signed(&server, SECOND, "d", now, "{}").expect(201);
    let id = detail(&client, TOKEN)["id"].as_str().unwrap().to_owned();
    for secret in [FIRST, SECOND, "Zmlyc3Qgc2VjcmV0", "c2Vjb25kIHNlY3JldCBz"] {
        for shown in [path(TOKEN), format!("/api/smart-connectors/{id}/events-history")] {
            assert!(!client.get(&shown).text().contains(secret), "{shown}");
        }
        for file in ["control.db", "control.db-wal"] {
            let bytes = std::fs::read(server.dir.path().join(file)).unwrap_or_default();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{file}");
        }
    }
    let refused = |settings: Json| {
        client.patch(&path(TOKEN), &json!({ "webhook_settings": settings })).refused(400, "invalid")
    };
    for secret in ["short", "not base64 at all, but long"] {
        assert!(!refused(json!({ "signing_secrets": [secret] })).contains(secret));
    }
    refused(json!({"signature": {"preset": "github", "header": "X"}}));
    refused(json!({"signature": {"preset": "gitlab"}}));
    refused(json!({"signing_secret": []}));
}

#[test]
fn other_senders_sign_their_own_way() {
    let server = ready(|_| {});
    let client = server.client();
    let secret = "a secret of some length";
    let now = chrono::Utc::now().timestamp();
    let body = r#"{"number":"1"}"#;
    let of_body = signature::sign(secret.as_bytes(), body.as_bytes());
    let of_time = signature::sign(secret.as_bytes(), format!("{now}.{body}").as_bytes());
    for (rule, header, value) in [
        (json!({"preset": "github"}), "X-Hub-Signature-256", format!("sha256={of_body}")),
        (json!({"preset": "stripe"}), "Stripe-Signature", format!("t={now},v1={of_time}")),
        (json!({"preset": "shopify"}), "X-Shopify-Hmac-Sha256", hex_to_base64(&of_body)),
        (json!({"header": "X-Own", "encoding": "hex", "prefix": "v0:"}), "X-Own", format!("v0:{of_body}")),
    ] {
        set(&client, &json!({"signature": rule, "signing_secrets": [secret]}));
        let send = |value: &str| {
            let request = client.http.post(format!("{}{}", server.url, hook(""))).header(header, value);
            Answer::of("signed", request.header("Content-Type", "application/json").body(body))
        };
        send(&value).expect(201);
        send(&value.replace(|c: char| c.is_ascii_digit(), "0")).refused(401, "invalid_credentials");
    }
    assert_eq!(detail(&client, TOKEN)["webhook_inbox"]["pending"], 4);
}
