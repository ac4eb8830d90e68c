//! `GET /api/activities`: there are no activities here, and existing clients ask.

use actix_web::{get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    auth::Auth,
    body::Params,
    connector::Named,
    error::{ApiError, ErrorBody},
    page::{Links, Page},
};
use crate::{auth::Role, service::paging::Paging};

/// Query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActivityQuery {
    /// Part of a name.
    pub search: Option<String>,
    /// Taken from existing clients, without effect.
    pub show_no_objects_associated: Option<bool>,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List activities: none.
#[utoipa::path(tag = "Objects", params(ActivityQuery), responses(
    (status = 200, body = Page<Named>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[get("/api/activities")]
pub async fn list(
    caller: Auth,
    links: Links,
    query: Params<ActivityQuery>,
) -> Result<web::Json<Page<Named>>, ApiError> {
    caller.0.needs(Role::Viewer)?;
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    Ok(web::Json(links.page(paging, 0, Vec::new())))
}
