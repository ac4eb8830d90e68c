//! The three legs of a file's way into the store: form, file, word.

use actix_web::{HttpRequest, HttpResponse, get, http::header, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    FileRef,
    form::{LargeForm, text},
    receive::{Received, refuse_long},
};
use crate::{
    api::{
        auth::Auth,
        blocking,
        body::{Form, Params},
        error::{ApiError, ErrorBody},
        page::Links,
    },
    app::App,
    error::{Error, Result},
    id::FileId,
    service::file::{self, Sent, Source},
};

/// What a file is sent for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormSource {
    /// For a connector.
    SmartConnectorImport,
    /// To import records.
    RecordImport,
}

impl From<FormSource> for Source {
    fn from(source: FormSource) -> Self {
        match source {
            FormSource::SmartConnectorImport => Self::SmartConnectorImport,
            FormSource::RecordImport => Self::RecordImport,
        }
    }
}

/// The file that a form is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FormFor {
    /// Its media type; left out: bytes.
    #[serde(default)]
    pub contenttype: String,
    /// Its name.
    #[param(min_length = 1)]
    pub filename: String,
    /// What it is sent for.
    #[param(inline)]
    pub source: FormSource,
}

/// A form and where it is sent.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PresignedPost {
    /// Where the form is sent, as `multipart/form-data`.
    pub url: String,
    /// Sent as they are, before the file.
    pub fields: FormFields,
    /// The id of the file to be.
    pub s3object_id: Uuid,
    /// The most bytes that the file may have.
    pub max_file_size: u64,
}

/// The fields of a form.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FormFields {
    /// Names the file in the store.
    pub key: String,
    /// What the form allows.
    pub policy: String,
    /// Of key and policy.
    pub signature: String,
}

/// Ask for a form to send a file with.
#[utoipa::path(tag = "Files", params(FormFor), responses(
    (status = 200, body = PresignedPost), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[get("/api/s3/presigned-post")]
pub async fn presigned_post(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<FormFor>,
) -> Result<web::Json<PresignedPost>, ApiError> {
    let max_file_size = file::limit(&app);
    let FormFor { contenttype, filename, source } = query.0;
    let form =
        blocking(app, move |app| file::give_form(app, &caller.0, source.into(), &filename, &contenttype))
            .await?;
    Ok(web::Json(PresignedPost {
        url: links.absolute("/api/s3/upload"),
        fields: FormFields { key: form.key, policy: form.policy, signature: form.signature },
        s3object_id: form.id.0,
        max_file_size,
    }))
}

/// A form with its file.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the form to callers; it is read as a stream")]
pub struct FilledForm {
    /// As given out.
    key: String,
    /// As given out.
    policy: String,
    /// As given out.
    signature: String,
    /// The file, last.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Send a file with a form. The form is the credential; the answer's `ETag` is the file's SHA-256.
#[utoipa::path(tag = "Files", security(()),
    request_body(content = FilledForm, content_type = "multipart/form-data"), responses(
    (status = 204, headers(("ETag" = String, description = "The file's SHA-256, in quotes"))),
    (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "The form was used already, with other bytes"),
    (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
    (status = 503, body = ErrorBody, description = "Too many uploads are under way, or the disk is full")))]
#[post("/api/s3/upload")]
pub async fn store(
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    refuse_long(&app, &request)?;
    let mut form = LargeForm::new(&app, &request, payload)?;
    let [mut key, mut policy, mut signature] = [const { None }; 3];
    let file = loop {
        let Some(field) = form.next().await? else { return Err(Error::required("file").into()) };
        let known = match field.name() {
            Some("file") => break field,
            Some("key") => &mut key,
            Some("policy") => &mut policy,
            Some("signature") => &mut signature,
            other => return Err(unexpected(other).into()),
        };
        *known = Some(text(field).await?);
    };
    let part = |value: Option<String>| value.unwrap_or_default();
    let incoming = file::accept(&app, &part(key), &part(policy), &part(signature))?;
    let received = Received::field(incoming, file).await?;
    // Only a form that ends as it should was sent whole.
    if let Some(field) = form.next().await? {
        return Err(Error::invalid(format!(
            "{}: found after the file, which must come last",
            field.name().unwrap_or_default()
        ))
        .into());
    }
    let incoming = received.whole()?;
    let stored = blocking(app, move |_| incoming.finish()).await?;
    Ok(HttpResponse::NoContent().insert_header((header::ETAG, format!("\"{}\"", stored.sha256))).finish())
}

fn unexpected(name: Option<&str>) -> Error {
    let name = name.unwrap_or_default();
    Error::invalid(format!("{name}: found an unknown field, expected key, policy, signature, then file"))
        .at(name)
}

/// What for, once more.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SentFor {
    /// As in the form's request.
    #[param(inline)]
    pub source: FormSource,
}

/// What the sender of a file says of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// The form's `s3object_id`.
    pub uuid: Uuid,
    /// The form's `key`.
    pub key: String,
    /// What the file shall be called.
    #[schema(min_length = 1)]
    pub name: String,
    /// The `ETag` that the file was answered with, quotes or not.
    pub etag: String,
    /// Taken and without effect: no file is public here.
    #[serde(default)]
    #[schema(nullable = false)]
    pub is_public: Option<bool>,
}

/// Say that the file was sent. It exists from now on; saying it again is harmless.
#[utoipa::path(tag = "Files", params(SentFor),
    request_body(content = Success, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 201, body = FileRef), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 413, body = ErrorBody)))]
#[post("/api/s3/success")]
pub async fn success(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<SentFor>,
    body: Form<Success>,
) -> Result<HttpResponse, ApiError> {
    let Success { uuid, key, name, etag, .. } = body.0;
    let sent = Sent { id: FileId(uuid), key, name, etag, source: query.0.source.into() };
    let file = blocking(app, move |app| file::register(app, &caller.0, &sent)).await?;
    Ok(HttpResponse::Created().json(FileRef::new(file, &links)))
}
