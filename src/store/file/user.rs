//! Who uses a file. The answers stand in `control.db`.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{delete, find};
use crate::{
    error::Result,
    id::{ConnectorId, FileId, KeyId},
    store::{Store, column},
};

/// Who uses the file, in words: a connector whose reference file it is, a connector of which some
/// script, also a replaced one, names it, or an execution that read or made it.
pub fn user(control: &Connection, file: FileId) -> Result<Option<String>> {
    let mut statement = control.prepare_cached(
        "SELECT 'the connector ' || api_name FROM connector WHERE source_file = ?1
         UNION ALL
         SELECT 'a script of the connector ' || c.api_name FROM script s JOIN connector c ON c.id = s.connector_id
         WHERE s.output_file = ?1 OR instr(s.config_metadata, ?1)
         UNION ALL
         SELECT 'execution ' || e.number || ' of the connector ' || c.api_name
         FROM execution e JOIN connector c ON c.id = e.connector_id
         WHERE e.input_file = ?1 OR e.final_report = ?1 OR e.sql_output_zip = ?1
         LIMIT 1",
    )?;
    Ok(statement.query_row([file.to_string()], |row| row.get(0)).optional()?)
}

/// Those of these files that something uses.
pub fn used(control: &Connection, files: &[FileId]) -> Result<HashSet<FileId>> {
    let mut statement = control.prepare_cached(
        "SELECT f.value AS id FROM json_each(?1) f
         WHERE EXISTS (SELECT 1 FROM execution WHERE input_file = f.value)
            OR EXISTS (SELECT 1 FROM execution WHERE final_report = f.value)
            OR EXISTS (SELECT 1 FROM execution WHERE sql_output_zip = f.value)
            OR EXISTS (SELECT 1 FROM connector WHERE source_file = f.value)
            OR EXISTS (SELECT 1 FROM script WHERE output_file = f.value OR instr(config_metadata, f.value))",
    )?;
    let rows = statement.query_map([column::to_json(&files)?], |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the file unless something uses it. Answers who does, in words.
///
/// Asked and deleted while nobody else writes files: what is about to use it comes before or after
/// ([`while_there`]). Where both writers are held, that of `files.db` is taken first.
pub fn delete_unless_used(store: &Store, id: FileId) -> Result<Option<String>> {
    store.files.write(|tx| {
        let user = store.control.read(|conn| user(conn, id))?;
        if user.is_none() {
            delete(tx, id)?;
        }
        Ok(user)
    })
}

/// Does what looks for files and makes them used, while none can be deleted.
pub fn while_all_stay<T>(store: &Store, work: impl FnOnce() -> Result<T>) -> Result<T> {
    store.files.write(|_| work())
}

/// Does what makes the file used, while it can't be deleted. `None`: it is gone.
pub fn while_there<T>(store: &Store, id: FileId, work: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    store.files.write(|tx| if find(tx, id)?.is_some() { work().map(Some) } else { Ok(None) })
}

/// The same, and what follows for the file from that: it is written in one turn of the writer. What was done stays
/// done when that can't be.
pub fn while_there_and_then<T>(
    store: &Store,
    id: FileId,
    work: impl FnOnce() -> Result<T>,
    then: impl FnOnce(&Transaction<'_>, &T) -> Result<()>,
) -> Result<Option<T>> {
    let mut done = None;
    let written = store.files.write(|tx| {
        if find(tx, id)?.is_some() {
            then(tx, done.insert(work()?))?;
        }
        Ok(())
    });
    match (written, done) {
        (Err(error), Some(done)) => {
            log::warn!("what is written of the file {id} is behind what it is used for: {error}");
            Ok(Some(done))
        }
        (written, done) => written.map(|()| done),
    }
}

/// Whether an execution that was started with the key read or made the file.
pub fn is_of_run_with(control: &Connection, file: FileId, key: KeyId) -> Result<bool> {
    let mut statement = control.prepare_cached(
        "SELECT 1 FROM execution WHERE (input_file = ?1 OR final_report = ?1 OR sql_output_zip = ?1)
             AND started_by_key = ?2",
    )?;
    Ok(statement.exists(params![file.to_string(), key.to_string()])?)
}

/// Whether one of these connectors uses the file: its reference file, or what a run of it read.
pub fn is_used_by(control: &Connection, file: FileId, connectors: &[ConnectorId]) -> Result<bool> {
    let mut statement = control.prepare_cached(
        "SELECT 1 FROM connector WHERE source_file = ?1 AND id IN (SELECT value FROM json_each(?2))
         UNION ALL
         SELECT 1 FROM execution WHERE input_file = ?1 AND connector_id IN (SELECT value FROM json_each(?2))",
    )?;
    Ok(statement.exists(params![file.to_string(), column::to_json(&connectors)?])?)
}

/// The files that these connectors use in these ways.
pub fn used_by(control: &Connection, connectors: &[ConnectorId]) -> Result<Vec<FileId>> {
    let mut statement = control.prepare_cached(
        "SELECT source_file AS id FROM connector
         WHERE source_file IS NOT NULL AND id IN (SELECT value FROM json_each(?1))
         UNION
         SELECT input_file FROM execution
         WHERE input_file IS NOT NULL AND connector_id IN (SELECT value FROM json_each(?1))",
    )?;
    let rows = statement.query_map([column::to_json(&connectors)?], |row| column::parsed(row, "id"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
