//! Which records a run would look up: those that its rows match, and those that its values are looked up in.
//!
//! A rehearsal finds them. It is the run itself over a database of its own, into which loading copies every record
//! that it looks up ([`crate::store::scratch`]); so what a package takes along is what a run asks for, with no second
//! set of rules. No record is written.

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value as Json};

use super::{
    job::{self, Job, Left, Stop},
    prepare,
    stage::{load, scope},
};
use crate::{
    auth::Workspace,
    cancel::CancelToken,
    config::Config,
    connector::Connector,
    engine::Scalar,
    error::{Error, Result},
    execution::{Execution, Progress, Snapshot, State, TriggerType},
    id::ObjectId,
    store::{Store, file::StoredFile},
};

/// The run that is rehearsed.
pub struct Rehearsed<'r> {
    /// Where the records are.
    pub store: &'r Arc<Store>,
    /// The configuration.
    pub config: &'r Config,
    /// The workspace.
    pub workspace: &'r Workspace,
    /// Whose run.
    pub connector: &'r Connector,
    /// What it runs with.
    pub snapshot: &'r Snapshot,
    /// Bound as `:name`.
    pub parameters: &'r Map<String, Json>,
    /// The row of `meta.current_execution`.
    pub meta: &'r Map<String, Json>,
    /// What it reads.
    pub input: &'r StoredFile,
}

/// Rows of objects.
pub type Matched = Vec<(ObjectId, Vec<i64>)>;

/// Finds them.
///
/// # Errors
/// Whatever would stop the run: an input that can't be read, a script that fails, a flow that is not complete; `busy`
/// when `token` was set.
pub fn matched(run: &Rehearsed<'_>, token: &CancelToken) -> Result<Matched> {
    let scratch = tempfile::Builder::new()
        .prefix("matched-")
        .tempdir_in(run.store.scratch_dir())
        .map_err(|e| Error::internal(format!("a folder for a rehearsal: {e}")))?;
    rehearse(run, token, scratch.path()).map_err(|stop| match stop {
        Stop::Cancelled => Error::conflict("Finding the records was stopped."),
        Stop::Failed(sentence) => Error::conflict(sentence),
    })
}

fn rehearse(run: &Rehearsed<'_>, token: &CancelToken, scratch: &Path) -> Result<Matched, Stop> {
    let gathered = prepare::Gathered::new(run.store, run.connector.custom_object)?;
    let execution = Execution {
        state: State::InProgress,
        is_dry_run: true,
        input_file: Some(run.input.id),
        ..Execution::queued(run.connector.id, 0, TriggerType::Fileupload, run.store.clock.now())
    };
    let snapshot = Snapshot { diff_check_enabled: false, guard: None, ..run.snapshot.clone() };
    let job = Job {
        most_rows: None,
        store: run.store,
        config: run.config,
        execution: &execution,
        connector: (&run.connector.name, &run.connector.api_name),
        main_object: &gathered.main_object,
        snapshot: &snapshot,
        objects: &gathered.objects,
        members: &gathered.members,
        locale: prepare::locale(run.workspace),
        parameters: run.parameters.iter().map(|(name, value)| (name.clone(), Scalar::from(value))).collect(),
        meta: run.meta.clone(),
        input_name: &run.input.name,
        input: prepare::opener(run.store, run.input),
        seeds_from: None,
        tables_in: None,
        scratch,
        names: ("", ""),
        token: token.clone(),
        progress: Progress::new(&[], 1, run.store.clock.clone()),
    };
    let mut left = Left::default();
    let (engine, odd_lines) = job::transform(&job, &mut left)?;
    let scopes = scope::compile(&job, &engine, left.locale(&job), &odd_lines)?;
    let mut plan = load::plan(&job, left.locale(&job))?;
    load::looked_up(&job, &engine, &scopes, &mut plan)
}
