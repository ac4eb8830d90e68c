//! Output samples: the script over the reference file, its output tables as a ZIP. Writes no records.

use std::path::Path;

use serde_json::Value as Json;

use super::{
    Shared,
    job::{self, Job, Left, Stop},
    meta::Facts,
    prepare, retention,
    stage::{odd_lines::OddLines, output, scope::Scope},
};
use crate::{
    cancel::CancelToken,
    connector::{Connector, Header, ScopeHeaders, column_letters, expected_inputs},
    engine::{Engine, Scalar},
    error::{Error, Result},
    execution::{Execution, Progress, Snapshot, State, TriggerType},
    id::{ConnectorId, FileId, ScriptId},
    report::names,
    script::{SampleState, Script},
    store::{self, file::StoredFile},
};

/// Longest time for a sample, seconds: existing clients poll for 300.
const MAX_S: u32 = 280;

/// What a sample left.
pub(super) struct Sample {
    file: StoredFile,
    headers: Vec<ScopeHeaders>,
}

/// Generates the sample of a script.
pub(super) fn generate(
    shared: &Shared,
    connector: ConnectorId,
    script: ScriptId,
    token: &CancelToken,
) -> Result<Sample> {
    let (connector, script) = shared.store.control.read(|conn| {
        Ok((
            store::connector::named(conn, &connector.to_string())?,
            store::script::find(conn, connector, script)?,
        ))
    })?;
    let scratch = prepare::Scratch::new(&shared.store, &format!("sample-{}", script.id))?;
    generate_in(shared, &connector, &script, token, &scratch.0)
}

fn generate_in(
    shared: &Shared,
    connector: &Connector,
    script: &Script,
    token: &CancelToken,
    scratch: &Path,
) -> Result<Sample> {
    let gathered = prepare::Gathered::new(&shared.store, connector.custom_object)?;
    let input = prepare::input_file(&shared.store, input_of(connector, script))?;
    let today = shared.store.clock.now().with_timezone(&shared.workspace.timezone).date_naive();
    let name = names::draft_zip(&connector.api_name, today);
    let execution = stand_in(shared, connector, &input);
    let snapshot = snapshot(connector, script);
    let progress = Progress::new(&[], 1, shared.store.clock.clone());
    let parameters = connector.sql_parameters.iter().map(|(n, v)| (n.clone(), Scalar::from(v))).collect();
    let job = Job {
        store: &shared.store,
        config: &shared.config,
        execution: &execution,
        connector: (&connector.name, &connector.api_name),
        main_object: &gathered.main_object,
        snapshot: &snapshot,
        objects: &gathered.objects,
        members: &gathered.members,
        locale: prepare::locale(&shared.workspace),
        parameters,
        meta: Facts {
            workspace: shared.workspace.id,
            connector: connector.id,
            is_dry_run: true,
            execution: None,
            input: Some(&input),
            started_by: None,
        }
        .row(),
        started_by: None,
        input_name: &input.name,
        input: prepare::opener(&shared.store, &input),
        seeds_from: None,
        tables_in: None,
        scratch,
        names: (&name, ""),
        token: token.clone(),
        progress,
    };
    let said = |stop: Stop| match stop {
        Stop::Cancelled => Error::conflict("Cancelled"),
        Stop::Failed(sentence) => Error::invalid(sentence),
    };
    let (engine, odd_lines) = job::transform(&job, &mut Left::default()).map_err(said)?;
    let scopes = scopes(&engine, &odd_lines)?;
    let reader = engine.output_reader().map_err(|e| said(e.into()))?;
    let path = output::zip(&job, &reader, &scopes).map_err(said)?;
    let file = prepare::store_file(&shared.store, &path, &name, "application/zip", connector.id)?;
    Ok(Sample { file, headers: scopes.iter().map(headers).collect() })
}

/// The file that `start` stamped, else the connector's reference file.
fn input_of(connector: &Connector, script: &Script) -> Option<FileId> {
    let stamped = script.config_metadata.triggered.get("fileupload_file_id");
    stamped.and_then(Json::as_str).and_then(|id| id.parse().ok()).or(connector.source_file)
}

fn scopes<'o>(engine: &Engine, odd_lines: &'o OddLines) -> Result<Vec<Scope<'o>>> {
    let tables = engine.outputs().map_err(|e| Error::invalid(e.to_string()))?;
    let scope = |table| Scope { table, columns: Vec::new(), variables: Vec::new(), odd_lines };
    Ok(tables.into_iter().map(scope).collect())
}

fn headers(scope: &Scope<'_>) -> ScopeHeaders {
    let columns = scope
        .table
        .columns
        .iter()
        .enumerate()
        .map(|(n, name)| Header { name: name.clone(), index: column_letters(n) })
        .collect();
    ScopeHeaders { scope: scope.table.scope.clone(), columns }
}

fn snapshot(connector: &Connector, script: &Script) -> Snapshot {
    Snapshot {
        connector_type: connector.connector_type,
        script_id: script.id,
        sql_version: script.sql_version.clone(),
        user_script: script.user_script.clone(),
        config_metadata: expected_inputs(connector.connector_type, script.config_metadata.clone()),
        headers: Vec::new(),
        variables: Vec::new(),
        loads: Vec::new(),
        seeds: connector.seeds.clone(),
        input_options: connector.input_options.clone(),
        timeout_s: Some(connector.timeout_s.unwrap_or(MAX_S).min(MAX_S)),
        sql_parameters: connector.sql_parameters.clone(),
        diff_check_enabled: false,
        guard: None,
    }
}

/// A sample is no execution; its job reads a few facts of one all the same.
fn stand_in(shared: &Shared, connector: &Connector, input: &StoredFile) -> Execution {
    Execution {
        state: State::InProgress,
        is_dry_run: true,
        use_draft: true,
        input_file: Some(input.id),
        ..Execution::queued(connector.id, 0, TriggerType::Fileupload, shared.store.clock.now())
    }
}

/// Writes how a sample ended. A failed one keeps the last good sample.
pub(super) fn end(shared: &Shared, script: ScriptId, outcome: &Result<Sample>) -> Result<()> {
    let now = shared.store.clock.now();
    let replaced = shared.store.control.write(|tx| {
        let Some(mut script) = store::script::version(tx, script)? else {
            log::info!("script={script} is gone: another draft took its place while it was sampled");
            return Ok(None);
        };
        if script.state != SampleState::InProgress {
            // Its engine was changed meanwhile, which cleared the state.
            return Ok(None);
        }
        let before = script.output_file;
        script.updated = now;
        match outcome {
            Ok(sample) => {
                script.state = SampleState::Success;
                script.error = None;
                script.output_file = Some(sample.file.id);
                script.output_headers.clone_from(&sample.headers);
            }
            Err(error) => {
                script.state = SampleState::Failed;
                script.error = Some(error.detail.clone());
            }
        }
        store::script::update(tx, &script)?;
        Ok(before.filter(|before| script.output_file != Some(*before)))
    })?;
    // The sample that this one takes the place of, unless an earlier version of the script has it too.
    retention::delete_unused(&shared.store, &replaced.into_iter().collect::<Vec<_>>())
}
