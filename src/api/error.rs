//! Errors as HTTP: one JSON shape, and the one table from [`Code`] to status.

use std::{collections::BTreeMap, fmt};

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Code, Error};

/// An [`Error`] on its way out.
#[derive(Debug)]
pub struct ApiError(pub Error);

/// The body of every error answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"detail": "name: This field is required.", "code": "required", "errors": {"name": [{"message": "This field is required.", "code": "required"}]}}))]
pub struct ErrorBody {
    /// One sentence for a person.
    pub detail: String,
    /// The kind of error.
    pub code: String,
    /// For refused bodies: per field path what is wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, Vec<FieldMessage>>,
}

/// One thing wrong with one field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldMessage {
    /// The sentence.
    pub message: String,
    /// The kind of error.
    pub code: String,
}

/// The status of a code.
#[must_use]
pub const fn status(code: Code) -> StatusCode {
    match code {
        Code::Required | Code::Invalid | Code::Unique | Code::DoesNotExist => StatusCode::BAD_REQUEST,
        Code::MissingCredentials | Code::InvalidCredentials | Code::WrongWorkspace => {
            StatusCode::UNAUTHORIZED
        }
        Code::PermissionRequired => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Conflict => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::QueryTooLong => StatusCode::URI_TOO_LONG,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::Busy | Code::DiskFull => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        status(self.0.code)
    }

    fn error_response(&self) -> HttpResponse {
        let mut errors: BTreeMap<String, Vec<FieldMessage>> = BTreeMap::new();
        for field in &self.0.fields {
            let message =
                FieldMessage { message: field.message.clone(), code: field.code.as_str().to_owned() };
            errors.entry(field.path.clone()).or_default().push(message);
        }
        let mut response = HttpResponse::build(self.status_code());
        match self.0.code {
            Code::Busy | Code::TooManyRequests => _ = response.insert_header((header::RETRY_AFTER, "2")),
            Code::DiskFull => _ = response.insert_header((header::RETRY_AFTER, "30")),
            _ => {}
        }
        response.json(ErrorBody {
            detail: self.0.detail.clone(),
            code: self.0.code.as_str().to_owned(),
            errors,
        })
    }
}
