//! `/api/smart-connectors/{connector}/webhook`: requests of other programs.
//!
//! This is the one endpoint that is asked thousands of times a second. Who may send is remembered for a
//! moment, and the request waits for its commit without holding a thread.

use actix_web::{HttpRequest, HttpResponse, post, web};
use futures_util::stream;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::{
    address,
    auth::{self, Auth},
    blocking,
    body::{Limits, read},
    connector::InboxRow,
    error::{ApiError, ErrorBody},
    idempotency::visible,
};
use crate::{
    app::App,
    error::{Code, Error, Result},
    service::{
        session::Credentials,
        webhook::{self, NewRequest, Sender, Visitor},
    },
    trigger::webhook::{body, fields, media_type},
};

/// Send a webhook. Any content type; JSON is kept as sent, forms become an object, anything else a string.
/// The answer comes once the request is on disk.
#[utoipa::path(tag = "Webhook Trigger",
    security(("key" = []), ("bearer" = []), ("session" = []), ("signature" = [])), params(
        ("connector" = String, Path, description = "Id or api name."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same request within 24 hours adds nothing."),
        ("webhook-id" = Option<String>, Header, description = "Likewise; of signed requests (Standard Webhooks).")),
    request_body(description = "Anything, or nothing; at most webhook.max_body_kb.", content(
        (serde_json::Value = "application/json"), (std::collections::HashMap<String, String> = "application/x-www-form-urlencoded"),
        (std::collections::HashMap<String, String> = "multipart/form-data"), (String = "application/xml"), (String = "text/plain"),
        (Vec<u8> = "*/*"))),
    responses((status = 201, description = "The request is on disk."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 414, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/webhook")]
pub async fn send(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
    mut payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let limits = &app.config.webhook;
    let query = request.query_string();
    if query.len() > limits.max_query_kb as usize * 1024 {
        let detail = format!(
            "The query string has {} bytes, expected at most {} KB (webhook.max_query_kb).",
            query.len(),
            limits.max_query_kb
        );
        return Err(Error::new(Code::QueryTooLong, detail).into());
    }
    let received = app.clock.now();
    let visitor = visitor(&app, auth::credentials(&request, &app)?, path.into_inner()).await?;
    if let Some(caller) = &visitor.caller {
        app.runner.gate().count(Sender::Key(caller.key))?;
        visitor.may_send()?;
    }
    let most = Limits::of(
        &request,
        limits.max_body_kb as usize * 1024,
        format!("{} KB (webhook.max_body_kb)", limits.max_body_kb),
    );
    let bytes = read(&mut payload, &most).await?;
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let (webhook_id, key) = (visible(&request, "webhook-id")?, visible(&request, "Idempotency-Key")?);
    if visitor.caller.is_none() {
        let proof = visitor.has_signed(text, &bytes, received);
        let from = address::of(&request, &app);
        let sender = if proof.is_ok() { Sender::Address(from) } else { Sender::Unproven(from) };
        app.runner.gate().count(sender)?;
        proof?;
        visitor.may_send()?;
    }
    let mut hash = Sha256::new();
    hash.update(query);
    hash.update([0]);
    hash.update(&bytes);
    let once = visitor.once(webhook_id, key, hash.finalize().into())?;
    let kept = NewRequest {
        connector: visitor.target.connector,
        received,
        member: visitor.caller.as_ref().map(|caller| caller.member.id),
        querystring: query.to_owned(),
        body: json(text("content-type"), bytes).await?,
        once,
    };
    keep(&app, kept).await?;
    Ok(HttpResponse::Created().finish())
}

async fn visitor(app: &web::Data<App>, credentials: Credentials, name: String) -> Result<Visitor, ApiError> {
    match webhook::known_visitor(app, &credentials, &name) {
        Some(known) => Ok(known?),
        None => blocking(app.clone(), move |app| webhook::visitor(app, &credentials, &name)).await,
    }
}

/// The body as JSON text.
async fn json(content_type: Option<&str>, bytes: Vec<u8>) -> Result<Option<String>> {
    match content_type {
        Some(form) if !bytes.is_empty() && media_type(form) == "multipart/form-data" => {
            multipart(form, bytes).await.map(Some)
        }
        _ => body(content_type, bytes),
    }
}

async fn multipart(content_type: &str, bytes: Vec<u8>) -> Result<String> {
    let broken = |e: multer::Error| Error::invalid(format!("The body claims to be a form and is not: {e}"));
    let boundary = multer::parse_boundary(content_type).map_err(broken)?;
    let whole = stream::iter([Ok::<_, std::io::Error>(web::Bytes::from(bytes))]);
    let mut form = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.bytes().await.map_err(broken)?;
        let value = String::from_utf8(value.to_vec())
            .map_err(|_| Error::invalid(format!("The form's field {name:?} is not UTF-8.")))?;
        pairs.push((name, value));
    }
    Ok(fields(pairs))
}

/// Waits for the commit that the request is in.
async fn keep(app: &App, request: NewRequest) -> Result<()> {
    let (tell, told) = oneshot::channel();
    let answer = Box::new(move |kept| {
        // A sender that has gone does not hear it; its request is kept all the same.
        let _ = tell.send(kept);
    });
    app.runner.keep(request, answer)?;
    told.await.map_err(|_| Error::internal("a webhook was dropped before its commit"))?
}

/// What a flushed window holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Flushed {
    /// What waited when it was closed.
    pub webhook_inbox: InboxRow,
}

/// Close the connector's window now: what waits becomes an execution.
#[utoipa::path(tag = "Webhook Trigger", params(("connector" = String, Path, description = "Id or api name.")), responses(
    (status = 202, body = Flushed), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/webhook/flush")]
pub async fn flush(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let inbox = blocking(app.clone(), move |app| webhook::flush(app, &caller.0, &path)).await?;
    let webhook_inbox = InboxRow::new(&app, inbox);
    Ok(HttpResponse::Accepted().json(Flushed { webhook_inbox }))
}
