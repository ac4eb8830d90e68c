//! Upload and run: a file that is sent straight to a connector, and the execution that reads it.
//!
//! Two databases, so two steps that a crash may part: the file is complete, then the execution is queued,
//! then the file is registered. What a crash, or a disk that was full at the last of them, left is settled at the
//! next start and every hour: a file of which an execution knows is registered and any other goes, since its sender
//! was never answered.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{Incoming, StoredFile};
use crate::{
    app::App,
    auth::Caller,
    connector::Connector,
    error::{Error, Result},
    execution::{Execution, TriggerType},
    id::ExecutionId,
    service::execution::{self, NewRun, Once, Queued},
    store,
};

/// How an uploaded file shall be run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunOptions {
    /// Does everything except write records.
    pub is_dry_run: bool,
    /// Loads every row, whatever earlier runs loaded.
    pub disable_diff_check: bool,
    /// Over the connector's.
    pub sql_parameters: Map<String, Json>,
}

/// Completes a file and queues its run, at once: a client that goes while it waits for the answer has sent its file
/// all the same. When the run is refused, or the same request has queued one before, nothing of the file stays. A
/// request is the same when the file's name and bytes are, and its options.
pub fn run(
    app: &App,
    caller: &Caller,
    connector: &Connector,
    incoming: Incoming,
    options: RunOptions,
    key: Option<String>,
) -> Result<Queued> {
    let file = incoming.finish()?;
    let once = Once::new(key, &(&file.name, &file.sha256, &options));
    let queued = once.and_then(|once| start(app, caller, connector, &file, options, once));
    let is_read = queued.as_ref().is_ok_and(|queued| !queued.is_earlier);
    if !is_read && let Err(error) = app.store.files.write(|tx| store::file::delete(tx, file.id)) {
        log::warn!("the upload {} goes within the hour: {error}", file.id);
    }
    queued
}

fn start(
    app: &App,
    caller: &Caller,
    connector: &Connector,
    file: &StoredFile,
    options: RunOptions,
    once: Option<Once>,
) -> Result<Queued> {
    let new = NewRun {
        trigger: TriggerType::Api,
        input_file: Some(file.id),
        is_dry_run: options.is_dry_run,
        use_draft: false,
        disable_diff_check: options.disable_diff_check,
        ignore_guard: false,
        sql_parameters: options.sql_parameters,
    };
    // Whether the run is queued is what the caller has to know: told that it is not, it would send the file again, and
    // both would run. A file that can't be registered now is settled within the hour.
    execution::start_and_then(app, caller, &connector.id.to_string(), &new, once, |files, queued| {
        if queued.is_earlier { Ok(()) } else { store::file::register(files, file.id, &file.name) }
    })
}

/// What is told of the run of an uploaded file.
#[derive(Debug)]
pub struct UploadedRun {
    /// The file.
    pub file: StoredFile,
    /// An earlier run of the connector that loaded the same bytes.
    pub same_file_as: Option<ExecutionId>,
}

impl UploadedRun {
    /// Looks it up.
    pub fn of(app: &App, execution: &Execution) -> Result<Self> {
        let file = match execution.input_file {
            Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
            None => None,
        };
        let file = file.ok_or_else(|| Error::not_found("file"))?;
        let same = app.store.files.read(|conn| store::file::same_content(conn, &file))?;
        let same_file_as = app.store.control.read(|conn| {
            store::execution::with_input_before(conn, execution.connector_id, &same, execution.id)
        })?;
        Ok(Self { file, same_file_as })
    }
}
