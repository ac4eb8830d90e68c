//! Scripts: a draft is edited and sampled, publishing makes it live and forks the next draft.

use crate::store::{Connection, Transaction};

use super::{
    connector::{ScriptView, engine_for, open, view_script},
    file,
};
use crate::{
    app::App,
    auth::{Caller, Member, Role},
    connector::{Connector, ConnectorType},
    engine::is_empty_script,
    error::{Code, Error, Result},
    id::{FileId, ScriptId},
    script::{ConfigMetadata, NO_SAMPLE, SampleState, Script, ScriptStatus},
    store::{self, file::StoredFile},
};

/// The draft and the live script, newest first unless `ascending`.
pub fn list(app: &App, caller: &Caller, connector: &str, ascending: bool) -> Result<Vec<ScriptView>> {
    let conn = app.store.control.reader()?;
    let connector = open(&conn, caller, connector, Role::Viewer)?;
    let scripts = store::script::list(&conn, connector.id, ascending)?;
    scripts.into_iter().map(|script| view_script(app, script)).collect()
}

/// The draft or live script with this id.
pub fn get(app: &App, caller: &Caller, connector: &str, id: &str) -> Result<ScriptView> {
    let conn = app.store.control.reader()?;
    let (_, script) = find(&conn, caller, connector, id, Role::Viewer)?;
    view_script(app, script)
}

/// The draft or live script that a path names, and its connector, for a caller of at least this role.
pub(super) fn find(
    conn: &Connection,
    caller: &Caller,
    connector: &str,
    id: &str,
    role: Role,
) -> Result<(Connector, Script)> {
    let connector = open(conn, caller, connector, role)?;
    let id: ScriptId = id.parse().map_err(|_| Error::not_found("script"))?;
    let script = store::script::find(conn, connector.id, id)?;
    Ok((connector, script))
}

/// What of a draft changes.
#[derive(Debug, Clone, Default)]
pub struct ScriptPatch {
    /// The SQL.
    pub user_script: Option<String>,
    /// What it expects.
    pub config_metadata: Option<ConfigMetadata>,
    /// Its engine.
    pub sql_version: Option<String>,
}

/// Edits a draft. A live script stays as it is, and that is no error.
pub fn patch(
    app: &App,
    caller: &Caller,
    connector: &str,
    id: &str,
    patch: &ScriptPatch,
) -> Result<ScriptView> {
    let engine = patch.sql_version.as_deref().map(engine_for).transpose()?;
    let (sql_version, warning) = engine.map_or((None, None), |(version, warning)| (Some(version), warning));
    let now = app.clock.now();
    let change = || {
        app.store.control.write(|tx| {
            let (connector, before) = find(tx, caller, connector, id, Role::Editor)?;
            if before.status != ScriptStatus::Draft {
                return Ok(before);
            }
            let mut after = before.clone();
            if let Some(text) = &patch.user_script {
                after.user_script.clone_from(text);
            }
            if let Some(config) = &patch.config_metadata {
                check_config(app, caller, &before, config)?;
                after.config_metadata.clone_from(config);
            }
            if after != before {
                after.edited(now);
            }
            if let Some(version) = sql_version.filter(|version| *version != before.sql_version) {
                after.sql_version = version;
                after.state = SampleState::Setup;
                after.error = None;
                after.sample_is_stale = false;
                after.updated = now;
            }
            if after != before {
                store::script::update(tx, &after)?;
                let message = format!("The draft was edited: {}.", edited(&before, &after).join(", "));
                store::event::add(
                    tx,
                    Some(connector.id),
                    now,
                    "edited",
                    &message,
                    Some(caller.member.id),
                    None,
                )?;
            }
            Ok(after)
        })
    };
    // A file that it names stays until it is named.
    let script = match &patch.config_metadata {
        Some(_) => store::file::while_all_stay(&app.store, change)?,
        None => change()?,
    };
    Ok(ScriptView { warning, ..view_script(app, script)? })
}

fn edited(before: &Script, after: &Script) -> Vec<&'static str> {
    [
        ("user_script", before.user_script != after.user_script),
        ("config_metadata", before.config_metadata != after.config_metadata),
        ("sql_version", before.sql_version != after.sql_version),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}

/// Tables need distinct names, and a file that the draft does not name yet must be the caller's to read.
fn check_config(app: &App, caller: &Caller, before: &Script, config: &ConfigMetadata) -> Result<()> {
    for (n, table) in config.input_tables.iter().enumerate() {
        let path = format!("config_metadata.input_tables[{n}].table_name");
        if table.table_name.trim().is_empty() {
            return Err(Error::required(&path));
        }
        let same =
            |other: &crate::script::InputTable| other.table_name.eq_ignore_ascii_case(&table.table_name);
        if config.input_tables[..n].iter().any(same) {
            let detail = format!("{path}: two input tables have the name {:?}", table.table_name);
            return Err(Error::invalid(detail).at(&path));
        }
    }
    let known = files_of(&before.config_metadata);
    for (path, id) in files_of(config) {
        if known.iter().all(|(_, known)| *known != id) {
            file::named(app, caller, id, &path)?;
        }
    }
    Ok(())
}

fn files_of(config: &ConfigMetadata) -> Vec<(String, FileId)> {
    let tables = config.input_tables.iter().enumerate().filter_map(|(n, table)| {
        Some((format!("config_metadata.input_tables[{n}].file_id"), table.file_id?))
    });
    let triggered =
        config.fileupload_file_id().map(|id| ("config_metadata.triggered.fileupload_file_id".to_owned(), id));
    tables.chain(triggered).collect()
}

/// Starts generating a draft's output sample. It reads `file`, else the file of the last time, else the
/// reference file.
pub fn start(
    app: &App,
    caller: &Caller,
    connector: &str,
    id: &str,
    file: Option<FileId>,
) -> Result<ScriptView> {
    let conn = app.store.control.reader()?;
    let (connector, script) = find(&conn, caller, connector, id, Role::Editor)?;
    drop(conn);
    if script.status != ScriptStatus::Draft {
        return Err(Error::invalid("The script is live: its sample is the one that it was published with."));
    }
    if app.runner.is_stopping() {
        return Err(Error::new(Code::Busy, "The server is stopping."));
    }
    let last = script.config_metadata.fileupload_file_id();
    let Some(input) = file.or(last).or(connector.source_file) else {
        return Err(Error::invalid(
            "There is no file to run the script over. Attach a reference file, or send source_file_id.",
        )
        .at("source_file_id"));
    };
    let input = file::named(app, caller, input, "source_file_id")?;
    app.store.files.write(|tx| store::file::attach(tx, input.id, connector.id))?;
    let now = app.clock.now();
    let under_way = || Error::conflict("A sample of this script is being generated. Wait, or cancel it.");
    if script.state == SampleState::InProgress {
        return Err(under_way());
    }
    let place = app.runner.sample_place(script.id).ok_or_else(under_way)?;
    let begin = |tx: &Transaction<'_>| {
        let mut script = store::script::find(tx, connector.id, script.id)?;
        if script.state == SampleState::InProgress {
            return Err(under_way());
        }
        script.state = SampleState::InProgress;
        script.error = None;
        script.sample_is_stale = false;
        script.updated = now;
        if file.is_some() {
            script.config_metadata.stamp(input.id, &input.name, input.size);
        }
        store::script::update(tx, &script)?;
        Ok(script)
    };
    // Retention or a caller may be deleting it: it is there until the script names it.
    let script = store::file::while_there(&app.store, input.id, || app.store.control.write(begin))?
        .ok_or_else(|| file::missing(input.id, "source_file_id"))?;
    app.runner.sample(connector.id, place);
    view_script(app, script)
}

/// Stops a sample being generated.
pub fn cancel(app: &App, caller: &Caller, connector: &str, id: &str) -> Result<ScriptView> {
    let now = app.clock.now();
    let script = app.store.control.write(|tx| {
        let (_, mut script) = find(tx, caller, connector, id, Role::Editor)?;
        if script.state != SampleState::InProgress {
            return Err(Error::conflict("No sample of this script is being generated."));
        }
        // The worker writes an end only to a script that is still in progress: this is the end.
        script.state = SampleState::Failed;
        script.error = Some("Cancelled".to_owned());
        script.updated = now;
        store::script::update(tx, &script)?;
        Ok(script)
    })?;
    app.runner.cancel_sample(script.id);
    view_script(app, script)
}

/// Refuses an empty script where it can't pass its input through.
pub(super) fn check_empty(connector: &Connector, script: &Script) -> Result<()> {
    if !is_empty_script(&script.user_script) {
        return Ok(());
    }
    if connector.connector_type == ConnectorType::Webhook {
        return Err(Error::invalid(
            "The script is empty: a webhook connector needs one that makes columns of its requests.",
        ));
    }
    let tables = &script.config_metadata.input_tables;
    if tables.len() > 1 {
        let names: Vec<&str> = tables.iter().map(|table| table.table_name.as_str()).collect();
        return Err(Error::invalid(format!(
            "The script is empty, which passes one input table through; this connector has {}: {}. Write what becomes \
             of each, or have the script made from the file.",
            tables.len(),
            names.join(", ")
        )));
    }
    Ok(())
}

/// Makes a sampled draft live. Its id stays, the next draft is a copy, and the connector's headers are
/// what the sample has shown.
pub fn publish(app: &App, caller: &Caller, connector: &str, id: &str) -> Result<ScriptId> {
    let now = app.clock.now();
    let published = app.store.control.write(|tx| {
        let (connector, mut script) = find(tx, caller, connector, id, Role::Editor)?;
        if script.status == ScriptStatus::Live {
            return Err(Error::invalid("The script is already live."));
        }
        check_empty(&connector, &script)?;
        if script.state != SampleState::Success {
            return Err(Error::invalid(NO_SAMPLE));
        }
        if script.sample_is_stale {
            return Err(Error::invalid(
                "The script changed after its sample was generated. Please run the script first.",
            ));
        }
        store::script::retire_live(tx, connector.id)?;
        let draft = script.fork(now);
        script.status = ScriptStatus::Live;
        script.published = Some(now);
        script.published_by = Some(caller.member.id);
        script.updated = now;
        store::script::update(tx, &script)?;
        store::script::insert(tx, &draft)?;
        let after = Connector { headers: script.output_headers.clone(), updated: now, ..connector };
        store::connector::update(tx, &after)?;
        let message = "The draft was published.";
        store::event::add(tx, Some(after.id), now, "published", message, Some(caller.member.id), None)?;
        Ok(script.id)
    })?;
    // Batches of webhooks may have waited for a script.
    app.runner.wake();
    Ok(published)
}

/// Which sample is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Made of the reference file.
    Reference,
    /// What the last run of this script left.
    LastRun,
}

/// The file of a sample.
pub fn sample(app: &App, caller: &Caller, connector: &str, id: &str, which: Sample) -> Result<StoredFile> {
    let conn = app.store.control.reader()?;
    let (connector, script) = find(&conn, caller, connector, id, Role::Viewer)?;
    let file = match which {
        Sample::Reference => script.output_file,
        Sample::LastRun => store::execution::last_output(&conn, connector.id, script.id)?,
    };
    let found = match file {
        Some(id) => app.store.files.read(|conn| store::file::find(conn, id))?,
        None => None,
    };
    found.ok_or_else(|| match which {
        Sample::Reference => Error::invalid(NO_SAMPLE),
        Sample::LastRun => Error::invalid("No execution of this script has left its output yet."),
    })
}

/// One published version.
#[derive(Debug)]
pub struct Version {
    /// Counts from 1, the oldest.
    pub n: usize,
    /// The script.
    pub script: Script,
    /// Who published it.
    pub author: Option<Member>,
}

/// Every version that was ever published, newest first.
pub fn history(app: &App, caller: &Caller, connector: &str) -> Result<Vec<Version>> {
    let conn = app.store.control.reader()?;
    let connector = open(&conn, caller, connector, Role::Viewer)?;
    let mut versions = Vec::new();
    for (n, script) in store::script::published(&conn, connector.id)?.into_iter().enumerate() {
        let author = match script.published_by {
            Some(id) => store::member::find(&conn, id)?,
            None => None,
        };
        versions.push(Version { n: n + 1, script, author: caller.sees(author) });
    }
    versions.reverse();
    Ok(versions)
}

/// Writes the text of published version `n` into the draft.
pub fn restore(app: &App, caller: &Caller, connector: &str, n: usize) -> Result<ScriptView> {
    let now = app.clock.now();
    let draft = app.store.control.write(|tx| {
        let connector = open(tx, caller, connector, Role::Editor)?;
        let versions = store::script::published(tx, connector.id)?;
        let version = n.checked_sub(1).and_then(|n| versions.into_iter().nth(n));
        let version = version.ok_or_else(|| Error::not_found("published version"))?;
        let mut draft = store::script::draft(tx, connector.id)?;
        if draft.user_script != version.user_script {
            draft.user_script = version.user_script;
            draft.edited(now);
            store::script::update(tx, &draft)?;
            let message = format!("The draft was edited: user_script, restored from version {n}.");
            store::event::add(tx, Some(connector.id), now, "edited", &message, Some(caller.member.id), None)?;
        }
        Ok(draft)
    })?;
    view_script(app, draft)
}
