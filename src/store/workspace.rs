//! The one workspace of the server.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{column, time};
use crate::{
    auth::Workspace,
    error::{Error, Result},
};

/// The workspace, once the first start has made it.
pub fn find(conn: &Connection) -> Result<Option<Workspace>> {
    Ok(conn
        .query_row("SELECT * FROM workspace", [], |row| {
            Ok(Workspace {
                id: column::parsed(row, "id")?,
                name: row.get("name")?,
                timezone: column::parsed(row, "timezone")?,
                currency: row.get("currency")?,
                phone_region: row.get("phone_region")?,
                form_secret: row.get("form_secret")?,
            })
        })
        .optional()?)
}

/// The workspace of a server that has started.
pub fn get(conn: &Connection) -> Result<Workspace> {
    find(conn)?.ok_or_else(|| Error::internal("control.db has no workspace"))
}

/// Makes the workspace, at the first start.
pub fn create(tx: &Transaction<'_>, workspace: &Workspace, now: chrono::DateTime<chrono::Utc>) -> Result<()> {
    tx.execute(
        "INSERT INTO workspace (only, id, name, timezone, currency, phone_region, form_secret, created)
         VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        params![
            workspace.id.to_string(),
            workspace.name,
            workspace.timezone.name(),
            workspace.currency,
            workspace.phone_region,
            workspace.form_secret,
            time::to_ms(now)
        ],
    )?;
    Ok(())
}
