//! Dev packages: what of a connector or a run goes into one.
//!
//! Records go along on demand, for those who may read records. They are found by a rehearsal of the run, which may take
//! a while: clients wait two minutes for a download.

use std::{collections::HashMap, time::Duration};

use serde_json::{Map, Value as Json};

use super::{
    connector::open,
    execution,
    exporting::{self, Export},
    file,
};
use crate::{
    app::App,
    auth::{Caller, Role},
    cancel::CancelToken,
    connector::Connector,
    error::{Error, Result},
    execution::{Execution, Snapshot},
    id::{ExecutionId, FileId, FilterGroupId, ScriptId},
    object::filter::FilterGroup,
    package::{
        build::{Contents, build},
        export::Configuration,
        foreign::Marker,
        records::Taken,
    },
    runner::{Matched, Rehearsed, SeedRecords, matched, meta::Facts},
    script::{Script, ScriptStatus},
    store::{
        self,
        file::{FileReader, StoredFile},
    },
};

/// A package that was made, in a file that is gone when it is closed.
#[derive(Debug)]
pub struct Package {
    /// The connector's api name.
    pub name: String,
    /// The ZIP.
    pub file: Export,
}

/// Which records go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Records {
    /// None but those that seeds show.
    #[default]
    None,
    /// Those that the input matches or looks up.
    Matched,
}

/// Longest search for records.
const LONGEST: Duration = Duration::from_secs(100);

impl Records {
    fn may(self, caller: &Caller) -> Result<()> {
        match self {
            Self::None => Ok(()),
            // As for reading records one by one.
            Self::Matched => caller.needs_unlimited(),
        }
    }
}

/// The package of a connector: with its live script, else its draft, and the reference file, unless
/// others are asked for.
pub fn of_connector(
    app: &App,
    caller: &Caller,
    name: &str,
    script: Option<ScriptStatus>,
    source_file: Option<FileId>,
    records: Records,
) -> Result<Package> {
    let conn = app.store.control.reader()?;
    let connector = open(&conn, caller, name, Role::Viewer)?;
    records.may(caller)?;
    let live = store::script::live(&conn, connector.id)?;
    let script = match (script, live) {
        (Some(ScriptStatus::Live), None) => {
            return Err(Error::invalid("script: The connector has no published script.").at("script"));
        }
        (Some(ScriptStatus::Live) | None, Some(live)) => live,
        _ => store::script::draft(&conn, connector.id)?,
    };
    drop(conn);
    with_script(app, caller, connector, script, source_file, records)
}

/// The package of a connector with one of its scripts.
pub fn of_script(
    app: &App,
    caller: &Caller,
    name: &str,
    script: &str,
    source_file: Option<FileId>,
    records: Records,
) -> Result<Package> {
    let conn = app.store.control.reader()?;
    let connector = open(&conn, caller, name, Role::Viewer)?;
    records.may(caller)?;
    let id: ScriptId = script.parse().map_err(|_| Error::not_found("script"))?;
    let script = store::script::find(&conn, connector.id, id)?;
    drop(conn);
    with_script(app, caller, connector, script, source_file, records)
}

fn with_script(
    app: &App,
    caller: &Caller,
    connector: Connector,
    script: Script,
    source_file: Option<FileId>,
    records: Records,
) -> Result<Package> {
    let input = match source_file {
        Some(id) => Some(asked_input(app, caller, &connector, id)?),
        None => connector.source_file.map(|id| file::find_readable(app, caller, id)).transpose()?,
    };
    let status = script.status;
    let snapshot = Snapshot::new(&connector, script);
    let meta = Facts {
        workspace: app.workspace.id,
        connector: connector.id,
        is_dry_run: false,
        execution: None,
        input: input.as_ref(),
        started_by: None,
    }
    .row();
    let own_parameters = Map::new();
    make(app, caller, Wanted { connector, snapshot, status, own_parameters, meta, input, records })
}

/// A file of the connector: its reference file, or what one of its executions read.
fn asked_input(app: &App, caller: &Caller, connector: &Connector, id: FileId) -> Result<StoredFile> {
    let file = file::named(app, caller, id, "source_file_id")?;
    let is_reference = connector.source_file == Some(id);
    if is_reference || app.store.control.read(|conn| store::execution::is_input(conn, connector.id, id))? {
        return Ok(file);
    }
    Err(Error::does_not_exist(format!(
        "source_file_id: {id} is no input of an execution of {} and not its reference file.",
        connector.api_name
    ))
    .at("source_file_id"))
}

/// The package of exactly one run: what it ran with, its input; seeds as of now. Before a run is claimed
/// it is what it would run with.
pub fn of_execution(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
    records: Records,
) -> Result<Package> {
    caller.needs(Role::Viewer)?;
    let (connector, execution) = execution::of(app, caller, name, id)?;
    records.may(caller)?;
    let input = match execution.input_file {
        Some(id) => file::find_readable(app, caller, id)?,
        None => return Err(Error::conflict("The input file of this run is not in the store any more.")),
    };
    let (snapshot, status, started_by) = app.store.control.read(|conn| {
        let starter = match execution.started_by {
            Some(id) => caller.sees(store::member::find(conn, id)?),
            None => None,
        };
        if let Some(snapshot) = store::execution::snapshot(conn, id)? {
            let version = store::script::version(conn, snapshot.script_id)?;
            // Only drafts go without a trace.
            let status = version.map_or(ScriptStatus::Draft, |script| script.status.when_used());
            return Ok((snapshot, status, starter));
        }
        let script = store::script::of_run(conn, &execution)?;
        let status = script.status;
        Ok((Snapshot::new(&connector, script), status, starter))
    })?;
    let meta = Facts {
        workspace: app.workspace.id,
        connector: connector.id,
        is_dry_run: execution.is_dry_run,
        execution: Some(&execution),
        input: Some(&input),
        started_by: started_by.as_ref(),
    }
    .row();
    let Execution { sql_parameters: own_parameters, .. } = execution;
    let input = Some(input);
    make(app, caller, Wanted { connector, snapshot, status, own_parameters, meta, input, records })
}

/// What a package is made of.
struct Wanted {
    connector: Connector,
    snapshot: Snapshot,
    status: ScriptStatus,
    /// The run's, over the connector's.
    own_parameters: Map<String, Json>,
    meta: Map<String, Json>,
    input: Option<StoredFile>,
    records: Records,
}

fn make(app: &App, caller: &Caller, wanted: Wanted) -> Result<Package> {
    let Wanted { connector, snapshot, status, own_parameters, meta, input, records } = wanted;
    let slot = exporting::begin(app)?;
    let objects = app.store.records.read(store::object::all)?;
    let groups = groups(app, &snapshot)?;
    let mut parameters = snapshot.sql_parameters.clone();
    parameters.extend(own_parameters);
    let run = input.as_ref().filter(|_| records == Records::Matched).map(|input| Rehearsed {
        store: &app.store,
        config: &app.config,
        workspace: &app.workspace,
        connector: &connector,
        snapshot: &snapshot,
        parameters: &parameters,
        meta: &meta,
        input,
    });
    let rows = run.map(|run| matched_by(&run)).transpose()?;
    // Without an input nothing is matched.
    let rows = rows.or_else(|| (records == Records::Matched).then(Vec::new));
    let contents = Contents {
        configuration: Configuration {
            workspace: &app.workspace,
            connector: &connector,
            snapshot: &snapshot,
            objects: &objects,
            groups: &groups,
        },
        parameters,
        marker: Marker {
            connector_id: connector.id.to_string(),
            connector_api_name: connector.api_name.clone(),
            connector_name: connector.name.clone(),
            script_id: snapshot.script_id.to_string(),
            script_status: status.as_str().to_owned(),
            env: None,
            business_id: Some(app.workspace.id.to_string()),
        },
        meta,
        input: input.as_ref().map(|file| {
            (file.name.as_str(), Box::new(FileReader::open(&app.store, file)) as Box<dyn std::io::Read>)
        }),
        seeds: SeedRecords::open(&app.store, &objects, &snapshot.seeds)?,
        records: rows.map(|rows| Taken { store: &app.store, objects: &objects, rows }),
    };
    let file = tempfile::tempfile_in(app.store.scratch_dir()).map_err(Error::internal)?;
    let file = Export::of(build(file, contents, &CancelToken::new())?, slot)?;
    let now = app.clock.now();
    let actor = Some(caller.member.id);
    app.store.control.write(|tx| {
        let message = "A dev package was downloaded.";
        store::event::add(tx, Some(connector.id), now, "package_downloaded", message, actor, None)
    })?;
    Ok(Package { name: connector.api_name, file })
}

fn matched_by(run: &Rehearsed<'_>) -> Result<Matched> {
    if run.snapshot.loads.is_empty() {
        return Ok(Vec::new());
    }
    let token = CancelToken::within(LONGEST);
    matched(run, &token).map_err(|error| {
        if token.is_cancelled() {
            let limit = LONGEST.as_secs();
            return Error::conflict(format!(
                "records=matched: finding the records that {:?} matches took longer than {limit} s. Take a package of a smaller input, or one without records.",
                run.input.name
            ));
        }
        Error::conflict(format!("records=matched: the records can't be found, since the run would fail: {error}"))
    })
}

/// The seeds' filter groups.
pub(super) fn groups(app: &App, snapshot: &Snapshot) -> Result<HashMap<FilterGroupId, FilterGroup>> {
    app.store.records.read(|conn| {
        let mut groups = HashMap::new();
        for seed in &snapshot.seeds {
            let Some(id) = seed.group_id else { continue };
            if let Some(group) = store::filter_group::find(conn, seed.custom_object_id, id)? {
                groups.insert(id, group);
            }
        }
        Ok(groups)
    })
}
