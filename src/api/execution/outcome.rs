//! What a run says about its rows, and its log.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::parse_path;
use crate::{
    api::{
        auth::Auth,
        blocking,
        body::Params,
        error::{ApiError, ErrorBody},
        page::{Links, Page},
        spooled,
        time::local,
    },
    app::App,
    execution::{
        RowStatus,
        outcome::{Change, Message},
    },
    id::RecordId,
    service::{execution, paging::Paging, rejected},
};

/// One row with its messages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OutcomeRow {
    /// The load step's order.
    pub step: i64,
    /// The output table.
    pub scope: String,
    /// The row's number in the scope, from 1.
    pub row: u64,
    /// The source line, where the script selected `_line`.
    #[schema(required)]
    pub line: Option<i64>,
    /// The input table, where the script selected `_table`.
    #[schema(required)]
    pub table: Option<String>,
    /// What kind of outcome.
    pub status: RowStatus,
    /// The record that it matched or made.
    #[schema(required)]
    pub record_id: Option<Uuid>,
    /// What there is to say.
    pub messages: Vec<Message>,
    /// In a dry run: what would change.
    pub changes: Vec<Change>,
}

/// Which rows a list shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRows {
    /// Of this output table.
    pub scope: Option<String>,
    /// Of this kind.
    #[param(inline)]
    pub status: Option<RowStatus>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// Rejected, skipped and warned rows with their messages; in dry runs also what would be updated.
#[utoipa::path(tag = "Execution Status", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = Uuid, Path), ListRows), responses((status = 200, body = Page<OutcomeRow>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions/{id}/rows")]
pub async fn outcomes(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
    query: Params<ListRows>,
) -> Result<web::Json<Page<OutcomeRow>>, ApiError> {
    let (connector, id) = parse_path(path)?;
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let (count, rows) = blocking(app, move |app| {
        execution::rows(app, &caller.0, &connector, id, (query.0.scope.as_deref(), query.0.status), paging)
    })
    .await?;
    let rows = rows
        .into_iter()
        .map(|(row, record)| OutcomeRow {
            step: row.step,
            scope: row.scope,
            row: row.row,
            line: row.line,
            table: row.table,
            status: row.status,
            record_id: record.map(RecordId::uuid),
            messages: row.messages,
            changes: row.changes,
        })
        .collect();
    Ok(web::Json(links.page(paging, count, rows)))
}

/// One log line.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LogRow {
    /// Position, from 1.
    pub n: i64,
    /// When.
    pub at: DateTime<FixedOffset>,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The stage that it is about.
    #[schema(required)]
    pub stage: Option<String>,
    /// The sentence.
    pub message: String,
}

/// Which lines a list shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListLogs {
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// The run's log lines, oldest first.
#[utoipa::path(tag = "Execution Status", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = Uuid, Path), ListLogs), responses((status = 200, body = Page<LogRow>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions/{id}/logs")]
pub async fn logs(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<(String, String)>,
    query: Params<ListLogs>,
) -> Result<web::Json<Page<LogRow>>, ApiError> {
    let (connector, id) = parse_path(path)?;
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let page = blocking(app, move |app| {
        let (count, lines) = execution::logs(app, &caller.0, &connector, id, paging)?;
        let rows = lines
            .into_iter()
            .map(|line| LogRow {
                n: line.n,
                at: local(app, line.at),
                level: line.level,
                stage: line.stage,
                message: line.message,
            })
            .collect();
        Ok(links.page(paging, count, rows))
    })
    .await?;
    Ok(web::Json(page))
}

/// Which rejected rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RejectedQuery {
    /// Of this output table alone; one that the run did not have is not found.
    pub scope: Option<String>,
}

/// The rejected rows as a file, ready to be corrected and uploaded again.
///
/// Source rows with their original header and cells in the source's own encoding, and a last column
/// `_errors`, which an upload ignores. Where the script did not select `_line`, the rows of the scope.
///
/// Of a workbook that counts days from 1904-01-01 its numbers still do; where a variable reads `excel_epoch`, a
/// column `_days_from_1904` says so to the upload.
///
/// Of a file of several tables it is a ZIP archive to be sent in the file's place: each table as CSV, those of
/// which rows were rejected with these, the others whole. Where the script did not select `_table`, the rows of
/// the scope.
#[utoipa::path(tag = "Execution Status", params(("connector" = String, Path, description = "Id or api name"),
    ("id" = Uuid, Path), RejectedQuery), responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/zip"))),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/executions/{id}/rejected.csv")]
pub async fn rejected_csv(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<(String, String)>,
    query: Params<RejectedQuery>,
) -> Result<HttpResponse, ApiError> {
    let (connector, id) = parse_path(path)?;
    let made =
        blocking(app, move |app| rejected::csv(app, &caller.0, &connector, id, query.0.scope.as_deref()))
            .await?;
    let (content_type, name) =
        if made.is_archive { ("application/zip", "rejected.zip") } else { ("text/csv", "rejected.csv") };
    Ok(spooled::attachment(made.file, content_type, name)?)
}
