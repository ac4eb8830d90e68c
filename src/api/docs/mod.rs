//! The OpenAPI document: paths and shapes come from the handlers, `complete` adds what holds for all of them.

mod complete;
mod examples;
mod refusals;

use std::sync::Arc;

use actix_web::{HttpResponse, get, web};
use serde_json::Value as Json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::auth::COOKIE;

/// What every document starts from; the paths come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(title = "smartconnector", description = include_str!("about.md")),
    modifiers(&Security, &Topics)
)]
pub struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key = ApiKeyValue::with_description(
            "X-API-KEY",
            "An API key. It alone identifies member and workspace; `X-BUSINESS-ID` and `X-USER-ID` may be sent \
             besides and must then agree with it.",
        );
        let cookie = ApiKeyValue::with_description(
            COOKIE,
            "The session that `POST /api/session` begins. What changes something must come with an `Origin` of \
             this server.",
        );
        let signature = ApiKeyValue::with_description(
            "webhook-signature",
            "Of a webhook alone, and instead of a key: HMAC-SHA256 as Standard Webhooks say, or in the header that the \
             connector's `webhook_settings.signature` names.",
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        components.add_security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(signature)));
        document.security = Some(
            ["key", "bearer", "session"]
                .map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()))
                .to_vec(),
        );
    }
}

/// The groups of operations in the order in which they are shown: first what other programs do.
const TOPICS: &[(&str, &str)] = &[
    ("File Upload (Trigger Run)", include_str!("topics/upload.md")),
    ("Webhook Trigger", include_str!("topics/webhook.md")),
    ("Execution Status", include_str!("topics/status.md")),
    ("Cancel Execution", include_str!("topics/cancel.md")),
    ("Dev Package", include_str!("topics/package.md")),
    ("Connectors", "What runs: type, status, script, variables, flow, seeds and settings."),
    ("Scripts", "The SQL of a connector: one draft, at most one live script, and what was published before."),
    ("Objects", "The data model that load steps write to: objects, their fields, saved filters."),
    ("Records", "What the objects hold."),
    ("Files", "What was sent and what runs have made. A file is read by whoever may read what uses it."),
    ("People", "Members, their roles, their keys."),
    ("Session", "Signing in and out, for the page."),
    ("Server", "What happened on the server, and its backup. For admins."),
    ("Health", "For whatever watches the process."),
    ("Documentation", "This."),
];

struct Topics;

impl Modify for Topics {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let tag =
            |(name, text): &(&str, &str)| TagBuilder::new().name(*name).description(Some(*text)).build();
        document.tags = Some(TOPICS.iter().map(tag).collect());
    }
}

/// The finished document, shared by all workers.
#[derive(Clone)]
pub struct Schema(pub Arc<str>);

impl Schema {
    /// Completes what the handlers tell.
    #[must_use]
    pub fn of(document: &utoipa::openapi::OpenApi) -> Self {
        Self(format!("{:#}", complete::complete(document)).into())
    }
}

/// This document, the same for everybody.
#[utoipa::path(tag = "Documentation", security(()), responses((status = 200, body = Json)))]
#[get("/api/docs/schema")]
pub async fn schema(schema: web::Data<Schema>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(schema.0.to_string())
}
