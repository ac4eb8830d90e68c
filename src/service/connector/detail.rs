//! A connector with everything that an answer shows of it.

use std::collections::HashMap;

use crate::store::Connection;

use chrono::{DateTime, Utc};

use super::{index, open, schedule};
use crate::{
    app::App,
    auth::{Caller, Member, Role},
    connector::{Connector, Seed},
    error::Result,
    execution::{Counters, Execution, StageKind, State},
    id::{ExecutionId, LoadStepId},
    object::{Object, filter::FilterGroup},
    script::Script,
    service::webhook::{self, InboxView},
    store::{self, file::StoredFile},
};

/// Ticks that a detail shows.
const TICKS_AHEAD: usize = 5;

/// A connector and what it refers to.
#[derive(Debug)]
pub struct Detail {
    /// The connector.
    pub connector: Connector,
    /// Its main object.
    pub object: Option<Object>,
    /// Its reference file.
    pub source_file: Option<StoredFile>,
    /// The draft.
    pub draft: ScriptView,
    /// The live script.
    pub live: Option<ScriptView>,
    /// The seeds with the names of what they show.
    pub seeds: Vec<SeedView>,
    /// When its ticks come.
    pub ticks: Option<Ticks>,
    /// Who made it.
    pub created_by: Option<Member>,
    /// What waits for a webhook connector's next window.
    pub inbox: Option<InboxView>,
    /// What became of the rows of its load steps.
    pub last_run: Option<LastRun>,
    /// What is odd about it, and about the change that this answers.
    pub warning: Option<String>,
    /// After a change of status: the live runs that wait.
    pub queued: Option<Vec<Execution>>,
}

/// The last live run that has ended, as far as its load steps go.
#[derive(Debug)]
pub struct LastRun {
    /// The run.
    pub execution: ExecutionId,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The counters of the steps that it came to.
    pub steps: HashMap<LoadStepId, Counters>,
}

/// The ticks of a schedule connector.
#[derive(Debug)]
pub struct Ticks {
    /// The next five, whether or not the connector runs.
    pub ahead: Vec<DateTime<Utc>>,
    /// How many started no run.
    pub skipped: u64,
}

/// A script and its sample.
#[derive(Debug)]
pub struct ScriptView {
    /// The script.
    pub script: Script,
    /// The last good sample.
    pub output: Option<StoredFile>,
    /// What is odd about the change that this answers.
    pub warning: Option<String>,
}

/// A seed and its object.
#[derive(Debug)]
pub struct SeedView {
    /// The seed.
    pub seed: Seed,
    /// The object that it shows.
    pub object: Option<Object>,
    /// The filter group that says which of its records.
    pub group: Option<FilterGroup>,
}

/// The detail that a path names.
pub fn detail(app: &App, caller: &Caller, name: &str) -> Result<Detail> {
    let conn = app.store.control.reader()?;
    let connector = open(&conn, caller, name, Role::Viewer)?;
    view(app, caller, &conn, connector)
}

/// Everything of a connector.
pub(super) fn view(app: &App, caller: &Caller, conn: &Connection, connector: Connector) -> Result<Detail> {
    let draft = store::script::draft(conn, connector.id)?;
    let live = store::script::live(conn, connector.id)?;
    let ticks = match schedule::timing(&connector)? {
        Some(timing) => Some(Ticks {
            ahead: timing.upcoming(app.clock.now(), TICKS_AHEAD),
            skipped: store::schedule::skipped(conn, connector.id)?,
        }),
        None => None,
    };
    let created_by = match connector.created_by {
        Some(id) => store::member::find(conn, id)?,
        None => None,
    };
    let (object, seeds) = app.store.records.read(|conn| {
        let seeds = connector.seeds.iter().map(|seed| {
            let object = store::object::find(conn, seed.custom_object_id)?;
            let group = match seed.group_id {
                Some(id) => store::filter_group::find(conn, seed.custom_object_id, id)?,
                None => None,
            };
            Ok(SeedView { seed: seed.clone(), object, group })
        });
        Ok((store::object::find(conn, connector.custom_object)?, seeds.collect::<Result<Vec<_>>>()?))
    })?;
    let source_file = match connector.source_file {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    Ok(Detail {
        object,
        source_file,
        draft: view_script(app, draft)?,
        live: live.map(|live| view_script(app, live)).transpose()?,
        seeds,
        ticks,
        created_by: caller.sees(created_by),
        inbox: webhook::inbox(app, &connector)?,
        last_run: last_run(conn, &connector)?,
        warning: index::left(app, &connector)?,
        queued: None,
        connector,
    })
}

fn last_run(conn: &Connection, connector: &Connector) -> Result<Option<LastRun>> {
    let Some(run) = store::execution::last_live(conn, connector.id)? else { return Ok(None) };
    let loads = store::execution::snapshot(conn, run.id)?.map(|snapshot| snapshot.loads).unwrap_or_default();
    // One stage for each step, in their order.
    let stages = run.stages.iter().filter(|stage| stage.kind == StageKind::LoadStep);
    let counters = stages.map(|stage| stage.steps.first().and_then(|step| step.counters));
    let steps =
        loads.iter().zip(counters).filter_map(|(load, counters)| Some((load.id, counters?))).collect();
    Ok(Some(LastRun { execution: run.id, ended_at: run.ended_at, steps }))
}

/// A script with its sample.
pub fn view_script(app: &App, script: Script) -> Result<ScriptView> {
    let output = match script.output_file {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    Ok(ScriptView { script, output, warning: None })
}

/// The live runs of a connector that wait, first come first.
pub(super) fn queued_live(conn: &Connection, connector: &Connector) -> Result<Vec<Execution>> {
    let mut queued = store::execution::in_states(conn, Some(connector.id), &[State::Queued])?;
    queued.retain(|execution| !execution.is_dry_run);
    Ok(queued)
}
