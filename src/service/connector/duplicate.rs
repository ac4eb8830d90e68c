//! A copy of a connector.
//!
//! It has the draft, the variables, the flow, the seeds and the settings, under ids of its own, and starts
//! in `setup` without a published script. Secrets and executions stay behind. The reference file is
//! shared: whichever connector is deleted last takes it along.

use std::collections::HashMap;

use super::{Detail, create, detail, index, open};
use crate::{
    app::App,
    auth::{Caller, Role},
    connector::{Connector, ConnectorType, NotificationSettings, Status, WebhookSettings, validate},
    error::Result,
    id::{ConnectorId, LoadStepId, RuleId, SeedId, VariableId},
    script::Script,
    store,
};

/// Copies a connector under another name.
pub fn duplicate(app: &App, caller: &Caller, name: &str, new_name: &str) -> Result<Detail> {
    caller.needs(Role::Editor)?;
    caller.needs_unlimited()?;
    let new_name = validate::name(new_name)?;
    let (original, draft) = app.store.control.read(|conn| {
        let original = open(conn, caller, name, Role::Editor)?;
        let draft = store::script::draft(conn, original.id)?;
        Ok((original, draft))
    })?;
    let now = app.clock.now();
    let mut connector = Connector {
        id: ConnectorId::new(),
        name: new_name,
        status: Status::Setup,
        webhook_settings: WebhookSettings {
            signing_secrets: Vec::new(),
            signature: original.webhook_settings.signature.clone(),
        },
        // They are nothing without their secret.
        notification_settings: NotificationSettings::default(),
        used_count: 0,
        last_used_at: None,
        created: now,
        updated: now,
        created_by: Some(caller.member.id),
        ..original
    };
    give_own_ids(&mut connector);
    if connector.connector_type == ConnectorType::Schedule {
        // It gets a tick of its own.
        connector.source_file = None;
    }
    let mut draft = Script { connector_id: connector.id, ..draft.fork(now) };
    // What the last sample of the original was of.
    draft.config_metadata.triggered.clear();
    let made = create::Made { connector, api_name: None, draft, live: None, warning: None };
    let connector = create::insert(app, caller, made)?;
    index::ensure(app, &connector);
    app.store.control.read(|conn| detail::view(app, caller, conn, connector))
}

/// New ids for everything that lives in a connector, each rule still about the same variable.
fn give_own_ids(connector: &mut Connector) {
    let mut renewed: HashMap<VariableId, VariableId> = HashMap::new();
    let exposed = connector.loads.iter_mut().filter_map(|step| step.execution_variable.as_mut());
    for variable in connector.variables.iter_mut().chain(exposed) {
        let id = VariableId::new();
        renewed.insert(variable.id, id);
        variable.id = id;
    }
    let now_called = |id: &mut VariableId| {
        if let Some(new) = renewed.get(id) {
            *id = *new;
        }
    };
    for step in &mut connector.loads {
        step.id = LoadStepId::new();
        for rule in &mut step.matching_rules {
            rule.id = RuleId::new();
            now_called(&mut rule.variable);
        }
        for rule in &mut step.field_mapping_rules {
            rule.id = RuleId::new();
            rule.variables.iter_mut().for_each(now_called);
        }
    }
    for seed in &mut connector.seeds {
        seed.id = SeedId::new();
    }
}
