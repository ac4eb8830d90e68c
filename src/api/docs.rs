//! The OpenAPI document.

use actix_web::{HttpResponse, web};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

/// What every document starts from; the paths come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "smartconnector",
        description = "Files in, SQL in the middle, records out. Every call needs a key, in `X-API-KEY` or as a bearer token. Whatever answers `GET` answers `HEAD` too. In a JSON body, a name that stands twice in its object, a NUL in a text, or more than 127 levels are refused with 400."
    ),
    modifiers(&Security)
)]
pub struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "key",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-KEY"))),
        );
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        document.security = Some(vec![
            SecurityRequirement::new("key", Vec::<String>::new()),
            SecurityRequirement::new("bearer", Vec::<String>::new()),
        ]);
    }
}

/// The finished document, shared by all workers.
#[derive(Clone)]
pub struct Schema(pub std::sync::Arc<str>);

/// `GET /api/docs/schema`.
pub async fn schema(schema: web::Data<Schema>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(schema.0.to_string())
}
