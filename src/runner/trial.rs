//! A script that is tried on the file it is edited with, outside of any execution: what output samples and
//! previews share. It writes no records.

use std::path::Path;

use super::{Shared, job::Job, meta::Facts, prepare};
use crate::{
    cancel::CancelToken,
    connector::{Connector, expected_inputs},
    engine::Scalar,
    error::Result,
    execution::{Execution, Progress, Snapshot, State, TriggerType},
    id::FileId,
    script::Script,
    store::file::StoredFile,
};

/// What a job borrows while a script is tried.
pub(super) struct Trial<'t> {
    connector: &'t Connector,
    gathered: prepare::Gathered,
    input: StoredFile,
    execution: Execution,
    snapshot: Snapshot,
}

impl<'t> Trial<'t> {
    /// Gathers it. The script may run for `most_s` seconds.
    pub fn new(shared: &Shared, connector: &'t Connector, script: &Script, most_s: u32) -> Result<Self> {
        let input = prepare::input_file(&shared.store, input_of(connector, script))?;
        Ok(Self {
            connector,
            gathered: prepare::Gathered::new(&shared.store, connector.custom_object)?,
            execution: stand_in(shared, connector, &input),
            snapshot: snapshot(connector, script, most_s),
            input,
        })
    }

    /// The job, without names for what it leaves.
    pub fn job<'j>(&'j self, shared: &'j Shared, scratch: &'j Path, token: &CancelToken) -> Job<'j> {
        let parameters = &self.connector.sql_parameters;
        Job {
            store: &shared.store,
            config: &shared.config,
            execution: &self.execution,
            connector: (&self.connector.name, &self.connector.api_name),
            main_object: &self.gathered.main_object,
            snapshot: &self.snapshot,
            objects: &self.gathered.objects,
            members: &self.gathered.members,
            locale: prepare::locale(&shared.workspace),
            parameters: parameters.iter().map(|(n, v)| (n.clone(), Scalar::from(v))).collect(),
            meta: Facts {
                workspace: shared.workspace.id,
                connector: self.connector.id,
                is_dry_run: true,
                execution: None,
                input: Some(&self.input),
                started_by: None,
            }
            .row(),
            input_name: &self.input.name,
            input: prepare::opener(&shared.store, &self.input),
            most_rows: None,
            seeds_from: None,
            tables_in: None,
            scratch,
            names: ("", ""),
            token: token.clone(),
            progress: Progress::new(&[], 1, shared.store.clock.clone()),
        }
    }
}

/// The file that the last sample was started with, else the connector's reference file.
pub fn input_of(connector: &Connector, script: &Script) -> Option<FileId> {
    script.config_metadata.fileupload_file_id().or(connector.source_file)
}

fn snapshot(connector: &Connector, script: &Script, most_s: u32) -> Snapshot {
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
        timeout_s: Some(connector.timeout_s.unwrap_or(most_s).min(most_s)),
        sql_parameters: connector.sql_parameters.clone(),
        diff_check_enabled: false,
        guard: None,
    }
}

/// There is no execution; a job reads a few facts of one all the same.
fn stand_in(shared: &Shared, connector: &Connector, input: &StoredFile) -> Execution {
    Execution {
        state: State::InProgress,
        is_dry_run: true,
        use_draft: true,
        input_file: Some(input.id),
        ..Execution::queued(connector.id, 0, TriggerType::Fileupload, shared.store.clock.now())
    }
}
