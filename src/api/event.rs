//! `events-history`: what happened to a connector; `GET /api/events`: what happened on the server.

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
    time::{day_or_moment, local},
};
use crate::{
    app::App,
    auth::Member,
    error::Result,
    id::{ConnectorId, ExecutionId},
    service::{
        event::{self, Event, Filter},
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
    #[param(schema_with = day_or_moment)]
    pub date_from: Option<String>,
    /// Before: a day or an RFC 3339 time.
    #[param(schema_with = day_or_moment)]
    pub date_to: Option<String>,
    /// `false` leaves out the events of executions.
    pub include_related: Option<bool>,
    /// `created`, or `-created` (the default).
    #[param(pattern = "^-?created$")]
    pub ordering: Option<String>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

impl EventQuery {
    fn read(self, app: &App) -> Result<(Filter, Paging)> {
        let paging = Paging::new(self.page, self.page_size)?;
        let ordering = paging::ordering(self.ordering.as_deref().unwrap_or("-created"), &["created"])?;
        let moment =
            |key: &str, text: Option<String>| text.map(|text| event::moment(app, key, &text)).transpose();
        let filter = Filter {
            event_type: self.event_type,
            from: moment("date_from", self.date_from)?,
            to: moment("date_to", self.date_to)?,
            without_runs: self.include_related == Some(false),
            ascending: !ordering.1,
        };
        Ok((filter, paging))
    }
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

impl EventRow {
    fn new(app: &App, event: Event, actor: Option<Member>) -> Self {
        Self {
            id: event.id,
            created: local(app, event.created),
            event_type: event.event_type,
            message: event.message,
            actor: actor.map(MemberRow::from),
            execution_id: event.execution,
        }
    }
}

/// One event of the server or of one of its connectors.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerEventRow {
    /// The event.
    #[serde(flatten)]
    pub event: EventRow,
    /// The connector that it is about; null: the server.
    #[schema(required)]
    pub connector_id: Option<ConnectorId>,
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
    let (filter, paging) = query.0.read(&app)?;
    let (count, rows) =
        blocking(app.clone(), move |app| event::history(app, &caller.0, &path, &filter, paging)).await?;
    let rows = rows.into_iter().map(|(event, actor)| EventRow::new(&app, event, actor));
    Ok(web::Json(links.page(paging, count, rows.collect())))
}

/// List what happened on the server: sign-ins, keys, members and roles, exports, downloads of packages and
/// backups, deletions, and what happened to connectors. For admins.
#[utoipa::path(tag = "Server", params(EventQuery), responses(
    (status = 200, body = Page<ServerEventRow>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
#[get("/api/events")]
pub async fn all(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<EventQuery>,
) -> Result<web::Json<Page<ServerEventRow>>, ApiError> {
    let (filter, paging) = query.0.read(&app)?;
    let (count, rows) = blocking(app.clone(), move |app| event::all(app, &caller.0, &filter, paging)).await?;
    let rows = rows.into_iter().map(|(event, actor)| ServerEventRow {
        connector_id: event.connector,
        event: EventRow::new(&app, event, actor),
    });
    Ok(web::Json(links.page(paging, count, rows.collect())))
}
