//! `generate-execution-variables`: suggestions for a connector's variables.

use actix_web::{post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::Auth,
    blocking,
    error::{ApiError, ErrorBody},
};
use crate::{
    app::App,
    service::variable::{self, Suggested},
    variable::Variable,
};

/// A variable that could be. It can be sent as it is, without its id.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuggestedVariable {
    /// The variable.
    #[serde(flatten)]
    pub variable: Variable,
    /// From 0 to 1.
    pub confidence: f64,
    /// The first few different values.
    pub sample_values: Vec<String>,
    /// What to know before accepting it.
    #[schema(required)]
    pub note: Option<String>,
    /// How many rows were looked at.
    pub rows_read: u64,
}

impl From<Suggested> for SuggestedVariable {
    fn from(suggested: Suggested) -> Self {
        let Suggested { variable, suggestion, rows_read } = suggested;
        Self {
            variable,
            confidence: suggestion.confidence,
            sample_values: suggestion.sample_values,
            note: suggestion.note,
            rows_read,
        }
    }
}

/// Suggest a variable for every column of the output sample. Saves nothing.
#[utoipa::path(tag = "Connectors", params(("connector" = String, Path, description = "Id or api name.")), responses(
    (status = 200, body = Vec<SuggestedVariable>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/generate-execution-variables")]
pub async fn suggest(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<web::Json<Vec<SuggestedVariable>>, ApiError> {
    let suggested = blocking(app, move |app| variable::suggest(app, &caller.0, &path)).await?;
    Ok(web::Json(suggested.into_iter().map(SuggestedVariable::from).collect()))
}
