//! Times in answers: RFC 3339 with the offset that the workspace's time zone has then.

use chrono::{DateTime, FixedOffset, Utc};
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

use crate::app::App;

/// A query's parameter that takes either.
pub fn day_or_moment() -> Schema {
    let text = |format| {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
    };
    AnyOfBuilder::new()
        .item(text(KnownFormat::Date))
        .item(text(KnownFormat::DateTime))
        .description(Some("A day, which begins at midnight in the workspace, or an RFC 3339 time."))
        .build()
        .into()
}

/// A moment as the workspace writes it.
#[must_use]
pub fn local(app: &App, time: DateTime<Utc>) -> DateTime<FixedOffset> {
    time.with_timezone(&app.workspace.timezone).fixed_offset()
}
