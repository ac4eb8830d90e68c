//! Events: what happened to a connector, and on the server.

use chrono::{DateTime, Utc};

use super::{connector, paging::Paging};
use crate::{
    app::App,
    auth::{Caller, Member, Role},
    error::{Error, Result},
    id::ConnectorId,
    store,
};

pub use crate::store::event::{Event, Filter};

/// One page and how many there are in all; each event with who did it.
pub type Listed = (u64, Vec<(Event, Option<Member>)>);

/// One page of a connector's events.
pub fn history(
    app: &App,
    caller: &Caller,
    connector: &str,
    filter: &Filter,
    paging: Paging,
) -> Result<Listed> {
    let conn = app.store.control.reader()?;
    // Existing clients send the id here and nothing else, and so does the reference's path.
    let id: ConnectorId = connector.parse().map_err(|_| Error::not_found("connector"))?;
    let connector = connector::open(&conn, caller, &id.to_string(), Role::Viewer)?;
    listed(&conn, caller, Some(connector.id), filter, paging)
}

/// One page of what happened on the server, its connectors included.
pub fn all(app: &App, caller: &Caller, filter: &Filter, paging: Paging) -> Result<Listed> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()?;
    listed(&*app.store.control.reader()?, caller, None, filter, paging)
}

/// Notes something that happened on the server, after it did.
pub(super) fn tell(app: &App, caller: &Caller, event_type: &str, message: &str) -> Result<()> {
    let (now, by) = (app.clock.now(), Some(caller.member.id));
    app.store.control.write(|tx| store::event::add(tx, None, now, event_type, message, by, None))
}

fn listed(
    conn: &store::Connection,
    caller: &Caller,
    connector: Option<ConnectorId>,
    filter: &Filter,
    paging: Paging,
) -> Result<Listed> {
    let (count, events) = store::event::list(conn, connector, filter, paging.limit(), paging.offset())?;
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        let actor = match event.actor {
            Some(id) => store::member::find(conn, id)?,
            None => None,
        };
        rows.push((event, caller.sees(actor)));
    }
    Ok((count, rows))
}

/// Reads a moment of a query: RFC 3339, or a day, which begins at midnight in the workspace.
pub fn moment(app: &App, key: &str, text: &str) -> Result<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.to_utc());
    }
    let midnight = crate::variable::api_time::day(text)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .and_then(|local| local.and_local_timezone(app.workspace.timezone).earliest());
    midnight.map(|moment| moment.to_utc()).ok_or_else(|| {
        let expected = "a day (2026-05-31) or a time with offset (2026-05-31T08:00:00Z)";
        Error::invalid(format!("{key}: found {text:?}, expected {expected}")).at(key)
    })
}
