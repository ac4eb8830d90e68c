//! `/healthz`, `/readyz`, `/metrics`: for whoever watches the server.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::Auth,
    blocking,
    error::{ApiError, ErrorBody},
};
use crate::{app::App, service::health};

/// That the server answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
}

/// Whether the process lives. Nothing is asked of the store.
#[utoipa::path(tag = "Health", security(()), responses((status = 200, body = Health)))]
#[get("/healthz")]
pub async fn live() -> web::Json<Health> {
    web::Json(Health { status: "ok" })
}

/// Whether requests can be answered as they should be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `not_ready`.
    pub status: &'static str,
    /// Each check with `ok`, or a sentence that says what is wrong: `server`, `migrations`, `disk`, `store`.
    pub checks: BTreeMap<&'static str, String>,
}

/// Whether the server can work: migrations done, store writable, disk not full, not stopping.
#[utoipa::path(tag = "Health", security(()), responses(
    (status = 200, body = Readiness), (status = 503, description = "Some check failed.", body = Readiness)))]
#[get("/readyz")]
pub async fn ready(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let found = blocking(app, |app| Ok(health::readiness(app))).await?;
    let is_ready = found.iter().all(|(_, wrong)| wrong.is_none());
    let readiness = Readiness {
        status: if is_ready { "ready" } else { "not_ready" },
        checks: found.into_iter().map(|(name, wrong)| (name, wrong.unwrap_or("ok".to_owned()))).collect(),
    };
    let mut response = if is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Ok(response.json(readiness))
}

/// Counters and sizes as Prometheus text. Needs a key unless `server.open_metrics` is set.
#[utoipa::path(tag = "Health", responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[get("/metrics")]
pub async fn metrics(app: web::Data<App>, caller: Result<Auth, ApiError>) -> Result<HttpResponse, ApiError> {
    let caller = if app.config.server.open_metrics { None } else { Some(caller?.0) };
    let text = blocking(app, move |app| health::metrics(app, caller.as_ref())).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
