//! Between the queue and a job: gathers what a run needs from the store, and keeps what it leaves.

use std::{
    fs,
    io::Read as _,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Shared,
    job::{self, Done, Job},
    meta::Facts,
    queue::Claimed,
    recover::{Lost, end_by_ledger},
};
use crate::{
    auth::{Member, Workspace},
    engine::Scalar,
    error::{Error, Result},
    execution::{Counters, Progress, StageStatus, State},
    id::{ConnectorId, FileId},
    input::Source,
    load::Members,
    object::Object,
    report::names,
    store::{
        self, Store,
        execution::End,
        file::{FileReader, FileWriter, NewFile, StoredFile},
    },
    variable::Locale,
};

/// Runs a claimed execution and stores its files. Never fails: what goes wrong is how the run ended. What it leaves in
/// `scratch` can go.
pub(super) fn run(shared: &Shared, claimed: &Claimed, scratch: &mut Option<Scratch>) -> End {
    run_in(shared, claimed, scratch).unwrap_or_else(|error| failed(&claimed.progress, error.detail))
}

/// An empty folder of its own for a run or a sample. It goes with its contents, however that ends.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    pub fn create(store: &Store, name: &str) -> Result<Self> {
        let path = store.scratch_dir().join(name);
        fs::create_dir_all(&path).map_err(|e| Error::internal(format!("{}: {e}", path.display())))?;
        Ok(Self(path))
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            log::warn!("scratch folder {}: {error}", self.0.display());
        }
    }
}

fn run_in(shared: &Shared, claimed: &Claimed, scratch: &mut Option<Scratch>) -> Result<End> {
    let scratch = scratch.insert(Scratch::create(&shared.store, &claimed.execution.id.to_string())?);
    crate::breakpoint::reach("run");
    let store = &shared.store;
    let gathered = Gathered::new(store, claimed.connector.custom_object)?;
    let input = input_file(store, claimed.execution.input_file)?;
    let number = claimed.execution.number;
    let zip_name = names::live_zip(&claimed.connector.api_name, number);
    let report_name = names::workbook(&claimed.connector.name, claimed.execution.is_dry_run, number);
    let mut parameters = claimed.snapshot.sql_parameters.clone();
    parameters.extend(claimed.execution.sql_parameters.clone());
    let started_by = started_by(shared, claimed)?;
    let job = Job {
        store,
        config: &shared.config,
        execution: &claimed.execution,
        connector: (&claimed.connector.name, &claimed.connector.api_name),
        main_object: &gathered.main_object,
        snapshot: &claimed.snapshot,
        objects: &gathered.objects,
        members: &gathered.members,
        locale: locale(&shared.workspace),
        parameters: parameters.iter().map(|(name, value)| (name.clone(), Scalar::from(value))).collect(),
        meta: Facts {
            workspace: shared.workspace.id,
            connector: claimed.connector.id,
            is_dry_run: claimed.execution.is_dry_run,
            execution: Some(&claimed.execution),
            input: Some(&input),
            started_by: started_by.as_ref(),
        }
        .row(),
        input_name: &input.name,
        input: opener(store, &input),
        most_rows: None,
        seeds_from: None,
        tables_in: None,
        scratch,
        names: (&zip_name, &report_name),
        token: claimed.token.clone(),
        progress: claimed.progress.clone(),
    };
    let done = job::run(&job);
    Ok(keep(shared, claimed, done, &zip_name, &report_name))
}

/// What every run and sample needs of the workspace.
pub(super) struct Gathered {
    pub objects: Vec<Object>,
    pub members: Members,
    pub main_object: String,
}

impl Gathered {
    pub fn new(store: &Store, main: crate::id::ObjectId) -> Result<Self> {
        let objects = store.records.read(store::object::all)?;
        let members = store.control.read(store::member::all)?;
        let main_object = objects
            .iter()
            .find(|object| object.id == main)
            .map(|object| object.name.clone())
            .unwrap_or_default();
        let members = Members::new(members.into_iter().map(|member| (member.id, member.email)));
        Ok(Self { objects, members, main_object })
    }
}

/// The file that a run reads.
pub(super) fn input_file(store: &Store, id: Option<FileId>) -> Result<StoredFile> {
    let found = match id {
        Some(id) => store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    found.ok_or_else(|| Error::not_found("input file: it is not in the store any more"))
}

/// Opens the file anew for each reading.
pub(super) fn opener<'s>(
    store: &'s Arc<Store>,
    file: &'s StoredFile,
) -> Box<dyn Fn() -> Result<Box<dyn Source>> + Sync + 's> {
    Box::new(move || Ok(Box::new(FileReader::open(store, file))))
}

/// The workspace's zone and region.
pub(super) fn locale(workspace: &Workspace) -> Locale {
    Locale::of_workspace(workspace.timezone, &workspace.phone_region)
}

fn started_by(shared: &Shared, claimed: &Claimed) -> Result<Option<Member>> {
    let Some(id) = claimed.execution.started_by else { return Ok(None) };
    shared.store.control.read(|conn| store::member::find(conn, id))
}

/// Stores what a run left.
fn keep(shared: &Shared, claimed: &Claimed, done: Done, zip_name: &str, report_name: &str) -> End {
    let connector = claimed.connector.id;
    let begin = |path: Option<&PathBuf>, name: &str, content_type: &str| {
        let path = path?;
        match file_writer(&shared.store, path, name, content_type, connector) {
            Ok(writer) => Some(writer),
            Err(error) => {
                log::error!("execution={} {name}: {error}", claimed.execution.id);
                None
            }
        }
    };
    let zip = begin(done.zip.as_ref(), zip_name, "application/zip");
    let report = begin(
        done.report.as_ref(),
        report_name,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    );
    let has_zip = zip.is_some();
    let writers: Vec<_> = zip.into_iter().chain(report).collect();
    let mut files = FileWriter::finish_all(&shared.store, writers)
        .unwrap_or_else(|error| {
            log::error!("execution={} its files: {error}", claimed.execution.id);
            Vec::new()
        })
        .into_iter()
        .map(|file| file.id);
    let zip = if has_zip { files.next() } else { None };
    let report = files.next();
    let lost = (done.zip.is_some() && zip.is_none()) || (done.report.is_some() && report.is_none());
    let warning = if lost {
        Some("The files of this run could not be stored; the server's log says why.".to_owned())
    } else {
        done.warning
    };
    End {
        state: done.state,
        error_details: done.error,
        warning,
        stages: done.stages,
        totals: done.totals,
        final_report: report,
        sql_output_zip: zip,
        outcomes_cut: done.outcomes_cut,
        missing_since_last_run: done.missing_since_last_run,
    }
}

/// Copies a produced file into the store, so far that it only needs to be finished.
pub(super) fn file_writer(
    store: &Arc<Store>,
    path: &Path,
    name: &str,
    content_type: &str,
    connector: ConnectorId,
) -> Result<FileWriter> {
    let failed = |e| Error::internal(format!("{}: {e}", path.display()));
    let mut file = fs::File::open(path).map_err(failed)?;
    let mut writer = FileWriter::create(
        store,
        NewFile {
            id: FileId::new(),
            name: name.to_owned(),
            content_type: content_type.to_owned(),
            source: store::file::Source::Produced,
            owner: None,
            owner_key: None,
            connector: Some(connector),
        },
    );
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(writer);
        }
        writer.append(&buffer[..count])?;
    }
}

/// The end of a run whose work panicked: a defect of ours, told in the log.
///
/// The counters that it told may be those of a batch that was rolled back: the ledger knows.
pub(super) fn panicked(shared: &Shared, claimed: &Claimed, words: &str) -> End {
    shared.metrics.panicked("execution");
    let sentence = Error::internal(format!("the run panicked: {words}")).detail;
    claimed.progress.log("error", None, sentence.clone());
    claimed.progress.stop(StageStatus::Failed);
    let id = claimed.execution.id;
    let ledger = shared.store.records.read(|conn| store::run::read(conn, id)).unwrap_or_else(|error| {
        log::error!("the run's ledger can't be read: {error}");
        None
    });
    let lost = Lost {
        state: State::Failed,
        error: Some(&sentence),
        unreported: "All rows are loaded; the report is not written.",
    };
    end_by_ledger(claimed.progress.stages(), &claimed.snapshot.loads, ledger.as_ref(), &lost, &shared.store)
}

fn failed(progress: &Progress, sentence: String) -> End {
    progress.log("error", None, sentence.clone());
    progress.stop(StageStatus::Failed);
    let stages = progress.stages();
    let totals = Counters::of_stages(&stages);
    End {
        state: State::Failed,
        error_details: Some(sentence),
        warning: None,
        stages,
        totals,
        final_report: None,
        sql_output_zip: None,
        outcomes_cut: 0,
        missing_since_last_run: None,
    }
}
