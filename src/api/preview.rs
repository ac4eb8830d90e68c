//! `…/sql-scripts/{id}/preview`: the first rows that a script gives.

use actix_web::{post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Auth,
    blocking,
    body::Body,
    error::{ApiError, ErrorBody},
};
use crate::{
    app::App,
    id::ScriptId,
    service::preview::{self, Preview, PreviewRow, PreviewTable},
    variable::{DataType, Suggestion},
};

/// What to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scope": "orders", "limit": 2}))]
pub struct PreviewRequest {
    /// One output table; left out: all of them.
    pub scope: Option<String>,
    /// Rows of each output table; left out: 50.
    #[schema(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
}

/// What a script gives for the first rows of its file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "tables": [{
        "scope": "orders",
        "columns": [
            {"name": "number", "data_type": "number", "input_format": "number", "note": null},
            {"name": "total", "data_type": "number", "input_format": "number", "note": null},
            {"name": "ordered", "data_type": "date", "input_format": "%Y-%m-%d", "note": null}],
        "row_count": 1200,
        "rows": [
            {"line": 2, "table": null, "cells": ["1", "19.99", "2026-05-31"], "cut": [], "error": null},
            {"line": 3, "table": null, "cells": ["2", null, "2026-06-01"], "cut": [], "error": null}],
        "is_cut": false}],
    "input_is_cut": false, "warning": null, "took_ms": 12}))]
pub struct PreviewAnswer {
    /// The output tables in the order of their creation.
    pub tables: Vec<TableAnswer>,
    /// The input has more rows than a preview reads (`preview.max_input_rows` of each table).
    pub input_is_cut: bool,
    /// What is odd about the input.
    #[schema(required)]
    pub warning: Option<String>,
    /// Milliseconds for reading, seeds, script and output.
    pub took_ms: u64,
}

/// One output table.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableAnswer {
    /// Its name.
    pub scope: String,
    /// Its columns; `_line` and `_table` are told with the rows.
    pub columns: Vec<ColumnAnswer>,
    /// How many rows the script made of the input that was read.
    pub row_count: u64,
    /// The first of them.
    pub rows: Vec<RowAnswer>,
    /// They are fewer than were asked for: an answer shows 8 MB of text at most.
    pub is_cut: bool,
}

/// One column and what its values could be loaded as.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColumnAnswer {
    /// Its name.
    pub name: String,
    /// The narrowest type that reads all values.
    pub data_type: DataType,
    /// How they are written; null for types without a format.
    #[schema(required)]
    pub input_format: Option<String>,
    /// What to know before accepting it.
    #[schema(required)]
    pub note: Option<String>,
}

/// One row.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowAnswer {
    /// The source line, where the script selects `_line`.
    #[schema(required)]
    pub line: Option<i64>,
    /// The input table, where the script selects `_table`.
    #[schema(required)]
    pub table: Option<String>,
    /// The values as text, exactly as they leave SQL; null for NULL, and for a value that has no text.
    pub cells: Vec<Option<String>>,
    /// The columns whose text is longer than 2,000 characters, of which the first are shown.
    pub cut: Vec<String>,
    /// Which value has no text (a blob, an infinite number), and why: a run rejects the row.
    #[schema(required)]
    pub error: Option<String>,
}

/// Show the first rows that a draft or live script gives.
///
/// Runs the saved script over the first rows of the file that its sample is made of, with the connector's
/// seeds and parameters, and keeps nothing. Takes 10 seconds at most (`preview.timeout_s`). What is wrong with
/// the script is a 400 with the line and column; too many previews at a time are a 503.
#[utoipa::path(tag = "Scripts", params(("connector" = String, Path, description = "Id or api name."),
    ("id" = ScriptId, Path)), request_body = PreviewRequest, responses(
    (status = 200, body = PreviewAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/sql-scripts/{id}/preview")]
pub async fn make(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    body: Body<PreviewRequest>,
) -> Result<web::Json<PreviewAnswer>, ApiError> {
    let PreviewRequest { scope, limit } = body.0;
    let preview =
        blocking(app, move |app| preview::make(app, &caller.0, &path.0, &path.1, scope.as_deref(), limit))
            .await?;
    Ok(web::Json(preview.into()))
}

impl From<Preview> for PreviewAnswer {
    fn from(preview: Preview) -> Self {
        Self {
            tables: preview.tables.into_iter().map(TableAnswer::from).collect(),
            input_is_cut: preview.input_is_cut,
            warning: preview.warning,
            took_ms: preview.millis,
        }
    }
}

impl From<PreviewTable> for TableAnswer {
    fn from(table: PreviewTable) -> Self {
        Self {
            scope: table.scope,
            columns: table.columns.into_iter().map(ColumnAnswer::from).collect(),
            row_count: table.row_count,
            rows: table.rows.into_iter().map(RowAnswer::from).collect(),
            is_cut: table.is_cut,
        }
    }
}

impl From<(String, Suggestion)> for ColumnAnswer {
    fn from((name, found): (String, Suggestion)) -> Self {
        Self { name, data_type: found.data_type, input_format: found.input_format, note: found.note }
    }
}

impl From<PreviewRow> for RowAnswer {
    fn from(row: PreviewRow) -> Self {
        Self { line: row.line, table: row.table, cells: row.cells, cut: row.cut, error: row.error }
    }
}
