//! `data/output/result.json`: what a local run did, for programs.

use std::{fs, io};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::run::{RESULT, Ran};
use crate::{
    error::{Error, Result},
    execution::Step,
};

/// The result of a run that ended at `now`.
#[must_use]
pub fn of(ran: &Ran, now: DateTime<Utc>) -> Json {
    let started = ran.execution.started_at.unwrap_or(now);
    let stages = ran.done.stages.iter().map(|stage| {
        let steps: Vec<Json> = stage.steps.iter().map(|step| step_of(ran, step)).collect();
        json!({"type": word(&stage.kind), "status": word(&stage.status), "steps": steps})
    });
    let mut tables: Vec<String> = tables(ran).unwrap_or_default();
    tables.sort();
    json!({
        "status": word(&ran.done.state),
        "is_dry_run": ran.execution.is_dry_run,
        "input": ran.input,
        "local_records": ran.local_records,
        "error_details": ran.done.error,
        "warning": ran.done.warning,
        "started_at": started,
        "ended_at": now,
        "duration_ms": (now - started).num_milliseconds(),
        "totals": ran.done.totals,
        "stages": stages.collect::<Vec<_>>(),
        "tables": tables,
        "errors": ran.rejected.iter().map(|row| json!({
            "step": row.step, "scope": row.scope, "row": row.row, "line": row.line, "table": row.table,
            "messages": row.messages,
        })).collect::<Vec<_>>(),
    })
}

/// Writes it beside the tables.
pub fn write(ran: &Ran, result: &Json) -> Result<()> {
    let path = ran.output.join(RESULT);
    let text = serde_json::to_string_pretty(result).map_err(Error::internal)?;
    fs::write(&path, text + "\n")
        .map_err(|e| Error::invalid(format!("{} can't be written: {e}", path.display())))
}

fn step_of(ran: &Ran, step: &Step) -> Json {
    let object = step.custom_object.and_then(|id| ran.objects.iter().find(|object| object.id == id));
    let took = step.started_at.zip(step.ended_at).map(|(from, to)| (to - from).num_milliseconds());
    json!({
        "status": word(&step.status),
        "scope": step.scope,
        "custom_object": object.map(|object| &object.name),
        "valid_records": step.valid_records,
        "invalid_records": step.invalid_records,
        "total": step.total,
        "duration_ms": took,
        "counters": step.counters,
    })
}

/// The names of the tables' files.
fn tables(ran: &Ran) -> io::Result<Vec<String>> {
    let names = fs::read_dir(&ran.output)?.filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_string_lossy().into_owned();
        path.extension().is_some_and(|extension| extension == "csv").then_some(name)
    });
    Ok(names.collect())
}

fn word(value: &impl Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}
