//! A connector recreated from an export.
//!
//! Objects and records are in one database, connectors in another. The connector is written inside of the
//! objects' transaction, so a refusal or a failure undoes both; only a crash in the moment between the two
//! commits leaves the connector alone, whose flow then names objects that are not there.
//!
//! What there is already stays as it is: an import adds objects, fields, options and filter groups, and
//! never changes or replaces one. A connector of the same name is refused.

use super::{Detail, create, detail, index, locale};
use crate::{
    app::App,
    auth::{Caller, Role},
    connector::{
        Connector, notification, steps, validate, variables,
        webhook::WrittenWebhookSettings,
        written::{NewConnector, WrittenVariable},
    },
    error::{Error, Result},
    id::FilterGroupId,
    object::{
        Object,
        filter::{Filter, FilterGroup},
    },
    package::{
        document::{ConnectorFacts, Document, FORMAT, NamedSeed, NamedVariable},
        missing::{self, Missing, missing},
        portable::{NamedGroup, NamedScript},
        recreate::{self, Existing},
    },
    script::{SampleState, Script, ScriptStatus},
    service::script::check_empty,
    store::{self, Transaction, words::Words},
    variable::VariableKind,
};

/// Exports have no secrets.
const NO_SECRET: &str = "Nobody is told of its runs before notification_settings.signing_secret is entered.";

/// Recreates a connector, in `setup`; its script is published when it was. With `create_objects` the
/// objects, fields, options and filter groups that are not there are made.
///
/// # Errors
/// `does_not_exist` with everything that did not resolve; whatever a save would refuse.
pub fn import(app: &App, caller: &Caller, document: &Document, create_objects: bool) -> Result<Detail> {
    caller.needs(Role::Editor)?;
    caller.needs_unlimited()?;
    if document.format != FORMAT {
        let detail = format!("format: found {}, expected {FORMAT}", document.format);
        return Err(Error::invalid(detail).at("format"));
    }
    let script = document.script.as_ref().ok_or_else(|| Error::required("script"))?;
    let words = Words::of(&app.store)?;
    let (connector, warning) = app.store.records.write(|tx| {
        if create_objects {
            recreate::make(tx, &document.objects, Existing::Kept, app.clock.now())?;
        }
        let objects = store::object::all(tx)?;
        let mut lacking = missing(document, &objects);
        let groups = groups(app, tx, document, &objects, create_objects.then_some(&words), &mut lacking)?;
        missing::refuse(&lacking, !create_objects)?;
        let made = made(app, caller, document, script, &objects, &groups)?;
        let lacks_secret = made.connector.notification_settings.lacks_secret();
        let warning = made.warning.clone().into_iter().chain(lacks_secret.then(|| NO_SECRET.to_owned()));
        let warning: Vec<String> = warning.collect();
        Ok((create::insert(app, caller, made)?, warning))
    })?;
    index::ensure(app, &connector);
    let detail = app.store.control.read(|conn| detail::view(app, caller, conn, connector))?;
    let warning: Vec<String> = warning.into_iter().chain(detail.warning.clone()).collect();
    Ok(Detail { warning: (!warning.is_empty()).then(|| warning.join(" ")), ..detail })
}

/// Whether a connector has this api name.
pub fn exists(app: &App, api_name: &str) -> Result<bool> {
    app.store.control.read(|conn| store::connector::has_api_name(conn, api_name))
}

/// The filter groups of the seeds, made with `words` where they are not there.
fn groups(
    app: &App,
    tx: &Transaction<'_>,
    document: &Document,
    objects: &[Object],
    words: Option<&Words>,
    lacking: &mut Vec<Missing>,
) -> Result<Vec<FilterGroup>> {
    let mut groups = Vec::new();
    for (n, seed) in document.seeds.iter().enumerate() {
        let object = objects.iter().find(|object| object.name == seed.custom_object);
        let (Some(name), Some(object)) = (&seed.group, object) else { continue };
        let path = format!("seeds[{n}].group");
        if let Some(group) = store::filter_group::find_named(tx, object.id, name)? {
            groups.push(group);
            continue;
        }
        let not_there = format!("{} has no filter group {name:?}", object.name);
        let Some(words) = words else {
            lacking.push(Missing { path, what: not_there });
            continue;
        };
        match new_group(document, seed, object, words) {
            Ok(group) => {
                store::filter_group::save(tx, &group, app.clock.now())?;
                groups.push(group);
            }
            Err(why) => lacking.push(Missing { path, what: format!("{not_there}, and {why}") }),
        }
    }
    Ok(groups)
}

/// The group that the document describes; else why it can't be made here.
fn new_group(
    document: &Document,
    seed: &NamedSeed,
    object: &Object,
    words: &Words,
) -> std::result::Result<FilterGroup, String> {
    let named = |group: &&NamedGroup| {
        group.custom_object == seed.custom_object && Some(&group.name) == seed.group.as_ref()
    };
    let group = document.filter_groups.iter().find(named).ok_or("the document does not say what it means")?;
    if let Some(field) = group.bound_to_its_server(object) {
        return Err(format!("it looks for ids of another server in {field}: make it here first"));
    }
    Filter::parse(object, group.and, &group.query, words.reading()).map_err(|error| error.detail)?;
    Ok(FilterGroup {
        id: FilterGroupId::new(),
        object: object.id,
        name: group.name.clone(),
        and: group.and,
        query: group.query.clone(),
    })
}

fn made(
    app: &App,
    caller: &Caller,
    document: &Document,
    script: &NamedScript,
    objects: &[Object],
    groups: &[FilterGroup],
) -> Result<create::Made> {
    let main = &document.connector.custom_object;
    let main = objects.iter().find(|object| object.name == *main);
    let main = main.ok_or_else(|| validate::unknown_id("connector.custom_object"))?;
    let mut made = create::made(app, caller, settings(&document.connector), main.id)?;
    let connector = &mut made.connector;
    connector.headers.clone_from(&script.headers);
    let written = document.execution_variables.iter().zip(0..).map(|(named, n)| written(named, n));
    connector.variables = variables::merged(connector, written.collect(), locale(app))?;
    connector.loads = recreate::flow(document, objects, &connector.variables)?;
    connector.seeds = recreate::seeds(document, objects, groups)?;
    steps::check_new(connector, objects)?;
    if let Some(facts) = &document.connector.notification_settings {
        connector.notification_settings =
            notification::imported(facts, |host| app.config.notify.allows(host))?;
    }

    made.draft.user_script.clone_from(&script.user_script);
    made.draft.config_metadata.input_tables.clone_from(&script.input_tables);
    made.draft.config_metadata.seed_tables.clone_from(&script.seed_tables);
    if script.is_live {
        made.live = Some(published(&made.connector, &made.draft, caller)?);
    }
    Ok(made)
}

/// The draft as it was published.
fn published(connector: &Connector, draft: &Script, caller: &Caller) -> Result<Script> {
    check_empty(connector, draft)
        .map_err(|error| Error::invalid(format!("script: {}", error.detail)).at("script"))?;
    Ok(Script {
        status: ScriptStatus::Live,
        state: SampleState::Success,
        output_headers: connector.headers.clone(),
        published: Some(draft.created),
        published_by: Some(caller.member.id),
        ..draft.fork(draft.created)
    })
}

fn settings(facts: &ConnectorFacts) -> NewConnector {
    let webhook_settings = facts
        .webhook_signature
        .clone()
        .map(|signature| WrittenWebhookSettings { signing_secrets: None, signature: Some(signature) });
    NewConnector {
        name: Some(facts.name.clone()),
        custom_object: Some(facts.custom_object.clone()),
        connector_type: Some(facts.connector_type.as_str().to_owned()),
        api_name: Some(facts.api_name.clone()),
        description: Some(facts.description.clone()),
        sql_version: Some(facts.sql_version.clone()),
        sql_parameters: Some(facts.sql_parameters.clone()),
        max_concurrency: facts.max_concurrency,
        input_options: Some(facts.input_options.clone()),
        timeout_s: facts.timeout_s,
        cadence: facts.cadence,
        schedule: facts.schedule.clone(),
        webhook_settings,
        retention_days: facts.retention_days,
        retention_runs: facts.retention_runs,
        diff_check_enabled: Some(facts.diff_check_enabled),
        guard: facts.guard,
        // An export has no address and no secret.
        notification_settings: None,
        integration_secrets: None,
        activity_object: None,
    }
}

fn written(named: &NamedVariable, display_order: i64) -> WrittenVariable {
    let NamedVariable { name, data_type, scope, data_source, value, .. } = named.clone();
    WrittenVariable {
        name: Some(name),
        data_type: Some(data_type),
        scope: Some(scope),
        kind: Some(VariableKind::DataSource),
        data_source,
        value: value.map(serde_json::Value::String),
        display_order: Some(display_order),
        required: Some(named.required),
        is_array: Some(named.is_array),
        array_delimiter: named.array_delimiter.clone(),
        input_format: named.input_format.clone(),
        output_format: named.output_format.clone(),
        ..WrittenVariable::default()
    }
}
