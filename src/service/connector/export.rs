//! A connector as one document that another server can recreate it from.

use super::open;
use crate::{
    app::App,
    auth::{Caller, Role},
    error::Result,
    execution::Snapshot,
    package::{document::Document, export::Configuration, portable::NamedScript},
    service::package::groups,
    store,
};

/// The connector by names, with its live script, else its draft. No secret is in it.
pub fn export(app: &App, caller: &Caller, name: &str) -> Result<Document> {
    let (connector, script) = app.store.control.read(|conn| {
        let connector = open(conn, caller, name, Role::Viewer)?;
        let script = match store::script::live(conn, connector.id)? {
            Some(live) => live,
            None => store::script::draft(conn, connector.id)?,
        };
        Ok((connector, script))
    })?;
    let named = NamedScript::new(script.clone(), connector.headers.clone());
    let snapshot = Snapshot::new(&connector, script);
    let groups = groups(app, &snapshot)?;
    if !groups.is_empty() {
        // A key that is limited to connectors sees the names of their filter groups, and not what these say.
        caller.needs_unlimited()?;
    }
    let objects = app.store.records.read(store::object::all)?;
    let configuration = Configuration {
        workspace: &app.workspace,
        connector: &connector,
        snapshot: &snapshot,
        objects: &objects,
        groups: &groups,
    };
    let document = configuration.export(named)?;
    app.store.control.write(|tx| {
        let (now, by) = (app.clock.now(), Some(caller.member.id));
        store::event::add(tx, Some(connector.id), now, "exported", "The connector was exported.", by, None)
    })?;
    Ok(document)
}
