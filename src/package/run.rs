//! A package through the same job as on the server.
//!
//! The records go to a workspace that is made for this run, in the package's folder (the system's own
//! temporary folder may be memory), and is removed after it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value as Json};

use super::{
    DATA, OUTPUT,
    folder::{Input, Package},
    parts, records, recreate,
};
use crate::{
    cancel::CancelToken,
    clock::Clock,
    config::Config,
    engine::Scalar,
    error::{Error, Result},
    execution::{Execution, Progress, RowOutcome, RowStatus, State, TriggerType},
    id::ConnectorId,
    input::Source,
    load::Members,
    object::Object,
    report::names,
    runner::{
        self,
        job::{self, Done, Job},
    },
    store::{self, Store},
    variable::Locale,
};

/// Rejected rows that are told one by one.
const TOLD: i64 = 100;

/// How to run a package.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'o> {
    /// Another input than the package's.
    pub input: Option<&'o Path>,
    /// `name`, value: over the package's parameters.
    pub parameters: &'o [(String, String)],
    /// Write no records.
    pub is_dry_run: bool,
}

/// What a run did.
#[derive(Debug)]
pub struct Ran {
    /// How the job ended.
    pub done: Done,
    /// Its row, as it began.
    pub execution: Execution,
    /// The input's name.
    pub input: String,
    /// The objects of the scratch workspace.
    pub objects: Vec<Object>,
    /// How many records the package had.
    pub local_records: u64,
    /// The first rejected rows.
    pub rejected: Vec<RowOutcome>,
    /// The folder with what it left.
    pub output: PathBuf,
}

/// Runs a package. `started` hears of the run's progress before it begins. A run that fails is no error
/// here: [`Ran::done`] says how it ended.
///
/// # Errors
/// The package can't be run at all: no input, a name that leads nowhere, a disk that can't be written.
pub fn run(
    package: &Package,
    options: Options<'_>,
    config: &Config,
    token: &CancelToken,
    started: impl FnOnce(&Progress),
) -> Result<Ran> {
    let input = package.input(options.input)?;
    let output = output_folder(package)?;
    let scratch = tempfile::Builder::new().prefix(".run-").tempdir_in(&package.root).map_err(|e| {
        Error::invalid(format!("{}: no folder for the run can be made: {e}", package.root.display()))
    })?;
    let store = Store::open(&scratch.path().join("workspace"), Clock::system())?;
    runner::sort_in(&store)?;
    let document = package.document.as_ref();
    recreate::objects(&store, document)?;
    let local_records = match document {
        Some(document) => records::put(&store, &package.root, document)?,
        None => 0,
    };
    // With their records they have the ids of their server.
    let objects = store.records.read(store::object::all)?;
    let snapshot = recreate::snapshot(&package.script, &package.config, document, &objects)?;
    let execution = execution(&store, &options);
    let loads: Vec<_> = snapshot.loads.iter().map(|step| (step.scope.clone(), step.custom_object)).collect();
    let progress = Progress::new(&loads, config.runner.max_log_lines as usize, store.clock.clone());
    started(&progress);
    let (label, api_name) = package.connector();
    let report_name = names::workbook(label, options.is_dry_run, execution.number);
    let work = scratch.path().join("work");
    fs::create_dir(&work).map_err(|e| unwritable(&work, &e))?;
    let file = parts::joined(package, &input.files, scratch.path())?;
    let done = job::run(&Job {
        store: &store,
        config,
        execution: &execution,
        connector: (label, api_name),
        main_object: document.map_or(api_name, |document| &document.connector.custom_object),
        snapshot: &snapshot,
        objects: &objects,
        members: &Members::new([]),
        locale: locale(package)?,
        parameters: parameters(&package.config.sql_parameters, options.parameters),
        meta: meta(package, &input, &file, &options)?,
        input_name: &input.name,
        input: opener(&file),
        most_rows: None,
        seeds_from: Some(&package.data()),
        tables_in: Some(&output),
        scratch: &work,
        // The workbook points to the CSV files where it shows a share of the rows.
        names: ("data/output", &report_name),
        token: token.clone(),
        progress,
    });
    if let Some(report) = &done.report {
        let target = output.join(REPORT);
        fs::copy(report, &target).map_err(|e| unwritable(&target, &e))?;
    }
    let rejected = rejected(&store, &execution)?;
    Ok(Ran { done, execution, input: input.name, objects, local_records, rejected, output })
}

/// The workbook.
pub const REPORT: &str = "report.xlsx";
/// What the run did, for programs.
pub const RESULT: &str = "result.json";

/// The folder for what the run leaves, without what an earlier one left.
fn output_folder(package: &Package) -> Result<PathBuf> {
    let output = package.root.join(DATA).join(OUTPUT);
    fs::create_dir_all(&output).map_err(|e| unwritable(&output, &e))?;
    for entry in fs::read_dir(&output).map_err(|e| unwritable(&output, &e))? {
        let path = entry.map_err(|e| unwritable(&output, &e))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A link is removed too, not what it leads to: nothing is written through one.
        let is_ours = name == REPORT || name == RESULT || path.extension().is_some_and(|e| e == "csv");
        if is_ours {
            fs::remove_file(&path).map_err(|e| unwritable(&path, &e))?;
        }
    }
    Ok(output)
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::invalid(format!("{} can't be written: {error}", path.display()))
}

fn locale(package: &Package) -> Result<Locale> {
    let Some(document) = &package.document else {
        return Ok(Locale::default());
    };
    let workspace = &document.workspace;
    Ok(Locale::of_workspace(workspace.zone()?, &workspace.phone_region))
}

fn opener(path: &Path) -> Box<dyn Fn() -> Result<Box<dyn Source>> + Sync + '_> {
    Box::new(move || {
        let file = File::open(path).map_err(|e| Error::invalid(format!("{}: {e}", path.display())))?;
        Ok(Box::new(file))
    })
}

/// The package's parameters with those given in their place. A given one is text where the package's is
/// text; else a number or truth value when it reads as one.
fn parameters(own: &Map<String, Json>, given: &[(String, String)]) -> Vec<(String, Scalar)> {
    let mut all = own.clone();
    for (name, text) in given {
        let keeps_text = own.get(name).is_some_and(Json::is_string);
        let read = serde_json::from_str::<Json>(text)
            .ok()
            .filter(|json| !keeps_text && (json.is_number() || json.is_boolean() || json.is_null()));
        all.insert(name.clone(), read.unwrap_or_else(|| Json::String(text.clone())));
    }
    all.iter().map(|(name, value)| (name.clone(), Scalar::from(value))).collect()
}

/// The package's row, with what this run changes.
fn meta(package: &Package, input: &Input, file: &Path, options: &Options<'_>) -> Result<Map<String, Json>> {
    let mut meta = package.meta.clone();
    if options.input.is_some() {
        let size = fs::metadata(file).map_err(|e| Error::invalid(format!("{}: {e}", file.display())))?.len();
        meta.insert("fileupload_file_name".to_owned(), input.name.clone().into());
        meta.insert("fileupload_file_size_bytes".to_owned(), size.into());
        meta.insert("fileupload_file_id".to_owned(), Json::Null);
    }
    if options.is_dry_run {
        meta.insert("is_dry_run".to_owned(), true.into());
    }
    Ok(meta)
}

fn execution(store: &Store, options: &Options<'_>) -> Execution {
    let now = store.clock.now();
    Execution {
        state: State::InProgress,
        is_dry_run: options.is_dry_run,
        started_at: Some(now),
        ..Execution::queued(ConnectorId::new(), 1, TriggerType::Fileupload, now)
    }
}

fn rejected(store: &Store, execution: &Execution) -> Result<Vec<RowOutcome>> {
    // A dry run leaves its outcomes beside the execution, a live one beside the records.
    let database = if execution.is_dry_run { &store.control } else { &store.records };
    let status = Some(RowStatus::Error);
    Ok(database.read(|conn| store::outcome::list(conn, execution.id, None, status, TOLD, 0))?.1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn given_parameters_have_the_type_of_those_that_they_replace() {
        let own = json!({"code": "01", "limit": 5, "kept": true});
        let given = [("code", "02"), ("limit", "7"), ("zip", "01234"), ("new", "2.5"), ("word", "x y")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let text = |text: &str| Scalar::Text(text.to_owned());
        let expected = [
            ("code", text("02")),
            ("limit", Scalar::Integer(7)),
            ("kept", Scalar::Integer(1)),
            ("zip", text("01234")),
            ("new", Scalar::Real(2.5)),
            ("word", text("x y")),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        assert_eq!(parameters(own.as_object().unwrap(), &given), expected);
    }
}
