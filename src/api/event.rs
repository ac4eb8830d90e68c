//! `events-history`: what happened to a connector.

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    auth::Auth,
    blocking,
    body::Params,
    error::{ApiError, ErrorBody},
    page::{Links, Page},
    people::MemberRow,
    time::local,
};
use crate::{
    app::App,
    id::ExecutionId,
    service::{
        event::{self, Filter},
        paging::{self, Paging},
    },
};

/// Query of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Of this type.
    pub event_type: Option<String>,
    /// Not before: a day or an RFC 3339 time.
    pub date_from: Option<String>,
    /// Before: a day or an RFC 3339 time.
    pub date_to: Option<String>,
    /// `false` leaves out the events of executions.
    pub include_related: Option<bool>,
    /// `created`, or `-created` (the default).
    pub ordering: Option<String>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventRow {
    /// Identity.
    pub id: Uuid,
    /// When it happened.
    pub created: DateTime<FixedOffset>,
    /// What happened, as a word.
    pub event_type: String,
    /// What happened, as a sentence.
    pub message: String,
    /// Who did it; null: the server.
    #[schema(required)]
    pub actor: Option<MemberRow>,
    /// The execution that it is about.
    #[schema(required)]
    pub execution_id: Option<ExecutionId>,
}

/// List what happened to a connector. The path takes its id only.
#[utoipa::path(tag = "Connectors", params(("connector" = Uuid, Path, description = "Id."), EventQuery), responses(
    (status = 200, body = Page<EventRow>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
#[get("/api/smart-connectors/{connector}/events-history")]
pub async fn history(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
    query: Params<EventQuery>,
) -> Result<web::Json<Page<EventRow>>, ApiError> {
    let query = query.0;
    let paging = Paging::new(query.page, query.page_size)?;
    let ordering = paging::ordering(query.ordering.as_deref().unwrap_or("-created"), &["created"])?;
    let moment =
        |key: &str, text: Option<String>| text.map(|text| event::moment(&app, key, &text)).transpose();
    let filter = Filter {
        event_type: query.event_type,
        from: moment("date_from", query.date_from)?,
        to: moment("date_to", query.date_to)?,
        without_runs: query.include_related == Some(false),
        ascending: !ordering.1,
    };
    let (count, rows) =
        blocking(app.clone(), move |app| event::history(app, &caller.0, &path, &filter, paging)).await?;
    let rows = rows.into_iter().map(|(event, actor)| EventRow {
        id: event.id,
        created: local(&app, event.created),
        event_type: event.event_type,
        message: event.message,
        actor: actor.map(MemberRow::from),
        execution_id: event.execution,
    });
    Ok(web::Json(links.page(paging, count, rows.collect())))
}
