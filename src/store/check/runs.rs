//! Every execution's state and counters, against its ledger and the records that it made.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::Checked;
use crate::{
    error::Result,
    execution::{Execution, State},
    store::{Store, execution, file, run, table},
};

/// Executions read at a time.
const PAGE: i64 = 500;

pub(super) fn check(store: &Store, checked: &mut Checked) -> Result<()> {
    let mut after = 0;
    loop {
        let page = store.control.read(|c| execution::page(c, after, PAGE))?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, execution) in &page {
            checked.executions += 1;
            let place = format!("execution {}", execution.id);
            for wrong in wrong(store, execution)? {
                checked.found(&place, wrong);
            }
        }
    }
    records(store, checked)
}

fn wrong(store: &Store, execution: &Execution) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let state = execution.state.as_str();
    if execution.state.has_ended() != execution.ended_at.is_some() {
        wrong.push(format!("it is {state}, and its end time says otherwise"));
    }
    let began = execution.started_at.is_some();
    let may_not_have_begun = matches!(execution.state, State::Queued | State::Cancelled);
    if !(began || may_not_have_begun) || (began && execution.state == State::Queued) {
        wrong.push(format!("it is {state}, and its start time says otherwise"));
    }
    if execution.state == State::Queued
        && let Some(input) = execution.input_file
        && store.files.read(|c| file::find(c, input))?.is_none()
    {
        wrong.push(format!("it waits, and the file {input} that it reads is not there"));
    }
    if execution.state.has_ended() {
        let totals = &execution.totals;
        if totals.rows != totals.processed() + totals.not_processed {
            wrong.push(format!("its {} rows are not the sum of what became of them", totals.rows));
        }
        if !execution.is_dry_run {
            ledger(store, execution, &mut wrong)?;
        }
    }
    Ok(wrong)
}

/// What the execution says against what was committed with the records.
fn ledger(store: &Store, execution: &Execution, wrong: &mut Vec<String>) -> Result<()> {
    let said = &execution.totals;
    let Some(ledger) = store.records.read(|c| run::read(c, execution.id))? else {
        if said.created + said.updated > 0 {
            wrong.push(format!("it says {} records written, and has no ledger", said.created + said.updated));
        }
        return Ok(());
    };
    let committed = ledger.totals();
    for (what, said, committed) in [
        ("created", said.created, committed.created),
        ("updated", said.updated, committed.updated),
        ("unchanged", said.unchanged, committed.unchanged),
        ("skipped", said.skipped, committed.skipped),
        ("rejected", said.errors, committed.errors),
    ] {
        if said != committed {
            wrong.push(format!("it says {said} rows {what}, its ledger {committed}"));
        }
    }
    let succeeded = matches!(execution.state, State::Success | State::PartialSuccess);
    match ledger.finished {
        None => wrong.push("it has ended, and its ledger is open".to_owned()),
        // The other way round is right: after its last batch a run can still fail or be cancelled.
        Some(finished) if succeeded && finished.outcome != execution.state => wrong.push(format!(
            "it is {}, its ledger {}",
            execution.state.as_str(),
            finished.outcome.as_str()
        )),
        Some(_) => {}
    }
    Ok(())
}

/// The records that carry a run's key against the number that it says it made.
fn records(store: &Store, checked: &mut Checked) -> Result<()> {
    let mut reader = store.records.reader()?;
    // One moment: a load goes on beside.
    let moment = reader.transaction()?;
    let mut made: HashMap<i64, u64> = HashMap::new();
    for object in object_tables(&moment)? {
        let sql = format!(
            "SELECT created_by_execution, count(*) FROM {} WHERE created_by_execution IS NOT NULL GROUP BY 1",
            table::table_of(&object)
        );
        let mut statement = moment.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            *made.entry(row.get(0)?).or_default() += row.get::<_, i64>(1)?.unsigned_abs();
        }
    }
    checked.records = made.values().sum();
    let mut statement = moment.prepare(
        "SELECT key, execution_id, (SELECT coalesce(sum(created), 0) FROM run_step WHERE run = key) FROM run",
    )?;
    let mut rows = statement.query(params![])?;
    while let Some(row) = rows.next()? {
        let (key, execution, said): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        checked.ledgers += 1;
        let found = made.remove(&key).unwrap_or_default();
        if found != said.unsigned_abs() {
            checked.found(
                format!("execution {execution}"),
                format!("its ledger says {said} records made, there are {found}"),
            );
        }
    }
    for (key, found) in made {
        checked.found("records.db", format!("{found} records name the run {key}, which has no ledger"));
    }
    Ok(())
}

fn object_tables(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM object ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names)
}
