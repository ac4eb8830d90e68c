//! The functions that scripts may call beside SQLite's own, from the table that registers them.

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{auth::Auth, error::ErrorBody};
use crate::service::sql_function::{Function, functions};

/// Every function, by topic.
#[derive(Debug, Serialize, ToSchema)]
pub struct SqlFunctions {
    /// All of them: this is a catalogue, not a list in pages.
    pub functions: Vec<&'static Function>,
}

/// The functions that scripts may call beside SQLite's own, each with an example and its result. Every
/// key may read them.
#[utoipa::path(tag = "Scripts", responses((status = 200, body = SqlFunctions), (status = 401, body = ErrorBody)))]
#[get("/api/sql-functions")]
pub async fn list(_: Auth) -> web::Json<SqlFunctions> {
    web::Json(SqlFunctions { functions: functions().collect() })
}
