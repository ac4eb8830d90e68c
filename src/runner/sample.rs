//! Output samples: the script over the reference file, its output tables as a ZIP. Writes no records.

use std::path::Path;

use super::{
    Shared,
    job::{self, Job, Left, Stop},
    prepare::{self, Scratch},
    retention,
    stage::{odd_lines::OddLines, output, scope::Scope},
    trial::Trial,
};
use crate::{
    cancel::CancelToken,
    connector::{Connector, Header, ScopeHeaders, column_letters},
    engine::Engine,
    error::{Error, Result},
    id::{ConnectorId, ScriptId},
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
    let scratch = Scratch::create(&shared.store, &format!("sample-{}", script.id))?;
    crate::breakpoint::reach("sample");
    generate_in(shared, &connector, &script, token, &scratch)
}

fn generate_in(
    shared: &Shared,
    connector: &Connector,
    script: &Script,
    token: &CancelToken,
    scratch: &Path,
) -> Result<Sample> {
    let trial = Trial::new(shared, connector, script, MAX_S)?;
    let today = shared.store.clock.now().with_timezone(&shared.workspace.timezone).date_naive();
    let name = names::draft_zip(&connector.api_name, today);
    let job = Job { names: (&name, ""), ..trial.job(shared, scratch, token) };
    let (engine, odd_lines) = job::transform(&job, &mut Left::default()).map_err(said)?;
    let scopes = scopes(&engine, &odd_lines);
    let reader = engine.output_reader().map_err(|e| said(e.into()))?;
    let path = output::zip(&job, &reader, &scopes, None).map_err(said)?;
    let file =
        prepare::file_writer(&shared.store, &path, &name, "application/zip", connector.id)?.finish()?;
    Ok(Sample { file, headers: scopes.iter().map(headers).collect() })
}

fn said(stop: Stop) -> Error {
    match stop {
        Stop::Cancelled => Error::conflict("Cancelled"),
        Stop::Failed(sentence) => Error::invalid(sentence),
    }
}

fn scopes<'o>(engine: &Engine, odd_lines: &'o OddLines) -> Vec<Scope<'o>> {
    let scope = |table| Scope { table, columns: Vec::new(), variables: Vec::new(), odd_lines };
    engine.outputs().iter().cloned().map(scope).collect()
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

/// Writes how a sample ended. A failed one keeps the last good sample.
pub(super) fn end(shared: &Shared, script: ScriptId, outcome: &Result<Sample>) -> Result<()> {
    crate::breakpoint::reach("sample_end");
    let now = shared.store.clock.now();
    let replaced = shared.store.control.write_last(|tx| {
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
