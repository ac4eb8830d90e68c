//! A closed window on its way into an execution, in steps that may each be done again:
//!
//! | step | in | done again |
//! |---|---|---|
//! | [`take`]: the range and all ids are written down | `inbox.db` | never: from here on the range is fixed |
//! | [`write_file`]: the requests as CSV | `files.db` | the same id with the same bytes is the same file |
//! | [`deliver`]: the queued execution, and how far the connector's requests are delivered | `control.db` | delivered already: nothing |
//! | [`clear`]: the range waits no more | `inbox.db` | it does not |
//!
//! A crash between two steps leaves the batch's row in `inbox.db`, and the next start goes on with it. So
//! each request is in exactly one execution's file, or waits.

use crate::{
    breakpoint,
    error::{Error, Result},
    execution::{Execution, TriggerType},
    id::{ExecutionId, FileId},
    report::csv,
    runner::Shared,
    store::{
        self, Store,
        delivery::{self, Facts},
        file::{FileWriter, NewFile, Source},
        inbox::{Batch, Inbox},
    },
    trigger::webhook::{COLUMNS, file_name},
};
use std::sync::Arc;

/// Requests that are read at once.
const PAGE: i64 = 500;

/// Closes the window at the request `until`, or earlier where the batch is full.
pub(super) fn take(shared: &Shared, inbox: &Inbox, facts: &Facts, until: i64) -> Result<Batch> {
    let store = &shared.store;
    let max_rows = shared.config.webhook.max_batch_rows.into();
    let max_bytes = super::windows::max_bytes(&shared.config);
    let (start, (last_seq, bytes)) = store.inbox.read(|conn| {
        Ok((
            store::inbox::oldest(conn, inbox)?,
            store::inbox::end_of_batch(conn, inbox, until, max_rows, max_bytes)?,
        ))
    })?;
    let now = store.clock.now();
    let batch = Batch {
        inbox: inbox.key,
        connector: inbox.connector,
        first_seq: inbox.taken_seq + 1,
        last_seq,
        bytes,
        execution: ExecutionId::new(),
        file: FileId::new(),
        file_name: file_name(&facts.api_name, start.unwrap_or(now), now),
    };
    store.inbox.write(|tx| store::inbox::insert_batch(tx, &batch))?;
    breakpoint::reach("batch-taken");
    Ok(batch)
}

/// Does what is left to do for a batch.
pub(super) fn finish(shared: &Shared, batch: &Batch) -> Result<()> {
    let store = &shared.store;
    let facts = store.control.read(|conn| delivery::facts(conn, batch.connector))?;
    let Some(facts) = facts else { return abandon(store, batch) };
    if facts.delivered < batch.last_seq {
        write_file(store, batch)?;
        breakpoint::reach("batch-written");
        match deliver(store, batch)? {
            Delivered::Gone => return abandon(store, batch),
            Delivered::Parted(until) => return finish(shared, &part(store, batch, until)?),
            Delivered::Done => {}
        }
        breakpoint::reach("batch-delivered");
        shared.wake();
    }
    clear(store, batch)
}

/// Ends the batch at the last request that was cancelled: those behind it wait for the next window. Its file goes
/// first: until then the batch is as long as it, and this is done again.
fn part(store: &Store, batch: &Batch, until: i64) -> Result<Batch> {
    store.files.write(|tx| store::file::delete(tx, batch.file).map(drop))?;
    store.inbox.write(|tx| store::inbox::part_batch(tx, batch, until))
}

/// Its connector is gone: nothing of the batch stays.
pub(super) fn abandon(store: &Store, batch: &Batch) -> Result<()> {
    store.files.write(|tx| store::file::delete(tx, batch.file).map(drop))?;
    clear(store, batch)
}

/// The requests as a file. They are read in pages: a file of any size costs a constant amount of memory.
fn write_file(store: &Arc<Store>, batch: &Batch) -> Result<()> {
    let file = FileWriter::create(
        store,
        NewFile {
            id: batch.file,
            name: batch.file_name.clone(),
            content_type: "text/csv".to_owned(),
            source: Source::Produced,
            owner: None,
            owner_key: None,
            connector: Some(batch.connector),
        },
    );
    let failed = |e: ::csv::Error| Error::internal(format!("{}: {e}", batch.file_name));
    let mut csv = csv::writer(file);
    csv.write_record(COLUMNS).map_err(failed)?;
    let mut seq = batch.first_seq - 1;
    loop {
        let page = store.inbox.read(|conn| store::inbox::page(conn, batch, seq, PAGE))?;
        let Some(last) = page.last() else { break };
        seq = last.seq;
        for row in &page {
            let received = row.received.to_string();
            let member = row.member.as_deref().unwrap_or_default();
            let body = row.body.as_deref().unwrap_or_default();
            csv.write_record([&received, member, &row.querystring, body]).map_err(failed)?;
        }
    }
    if seq != batch.last_seq {
        return Err(Error::internal(format!(
            "{}: the requests {} to {} should wait, and end at {seq}",
            batch.file_name, batch.first_seq, batch.last_seq
        )));
    }
    let file = csv.into_inner().map_err(|e| Error::internal(format!("{}: {e}", batch.file_name)))?;
    file.finish().map(drop)
}

/// What became of a batch's execution.
#[derive(Debug, PartialEq, Eq)]
enum Delivered {
    /// It is queued, or cancelled.
    Done,
    /// The connector is gone.
    Gone,
    /// Nothing yet: a cancel that came while the window closed is about its first requests alone, up to this one.
    Parted(i64),
}

/// The execution, in the transaction that remembers how far the requests are delivered.
fn deliver(store: &Store, batch: &Batch) -> Result<Delivered> {
    let now = store.clock.now();
    store.control.write(|tx| {
        // Read again inside the transaction: it may have been cancelled or deleted since.
        let Some(facts) = delivery::facts(tx, batch.connector)? else { return Ok(Delivered::Gone) };
        if facts.delivered >= batch.last_seq {
            return Ok(Delivered::Done);
        }
        if (batch.first_seq..batch.last_seq).contains(&facts.cancelled) {
            return Ok(Delivered::Parted(facts.cancelled));
        }
        let number = store::connector::note_run(tx, batch.connector, now)?;
        let mut execution = Execution::queued(batch.connector, number, TriggerType::Webhook, now);
        execution.id = batch.execution;
        execution.input_file = Some(batch.file);
        store::execution::insert(tx, &execution, &batch.file_name)?;
        delivery::deliver(tx, batch)?;
        let event = |kind: &str, message: &str, by| {
            store::event::add(tx, Some(batch.connector), now, kind, message, by, Some(batch.execution))
        };
        event("run_started", &format!("Run {number} started with {}.", batch.file_name), None)?;
        if facts.cancelled >= batch.last_seq {
            store::execution::request_cancel(tx, batch.execution, facts.cancelled_by, now)?;
            event("run_cancelled", "Its requests were cancelled before they ran.", facts.cancelled_by)?;
        }
        Ok(Delivered::Done)
    })
}

fn clear(store: &Store, batch: &Batch) -> Result<()> {
    store.inbox.write(|tx| store::inbox::clear(tx, batch))
}

#[cfg(test)]
mod tests;
