//! The timer: queues the runs of schedules when their ticks come.
//!
//! A tick ends in two databases: a file in `files.db`, then in one transaction of `control.db` the run that
//! reads it and the time of the next tick. The file's id is made of the connector and the tick, and a
//! connector has one run per tick, so whatever is cut off between them is done again and made once.
//!
//! The clock may jump. Forward, the ticks in between were missed. Back, the next ticks are looked up anew,
//! and those that ran already are passed over.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    mem,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Shared, pool::words};
use crate::{
    connector::{
        Connector,
        schedule::{self, Overlap, Tick, Timing},
    },
    error::{Error, Result},
    execution::{Execution, TriggerType},
    id::{ConnectorId, FileId},
    store::{
        self, Transaction,
        file::{FileWriter, NewFile, Source},
    },
};

/// How often it looks: a tick is at most so late.
const LOOK: Duration = Duration::from_secs(1);

/// Looks until the server stops.
pub(super) fn run(shared: &Shared) {
    let mut timer = Timer::default();
    loop {
        let seen = *shared.signal.lock();
        if shared.is_stopping() {
            return;
        }
        if let Err(error) = timer.look(shared) {
            log::error!("the timer: {error}");
        }
        let mut signal = shared.signal.lock();
        if *signal == seen {
            shared.wake.wait_for(&mut signal, LOOK);
        }
    }
}

/// What the timer remembers between two looks.
#[derive(Default)]
struct Timer {
    /// When it looked last. `None`: the clock may have been set back while the server was down.
    last: Option<DateTime<Utc>>,
    /// Of which the next tick could not be looked up anew since it was set back.
    anew: BTreeSet<ConnectorId>,
    /// What was wrong then, by connector. It is said once, not each second.
    wrong: BTreeMap<ConnectorId, String>,
}

impl Timer {
    /// Queues what is due. A connector whose ticks fail must not hold up the others.
    fn look(&mut self, shared: &Shared) -> Result<()> {
        crate::breakpoint::reach("timer");
        let now = shared.store.clock.now();
        let mut wrong = BTreeMap::new();
        let is_set_back = self.last.is_none_or(|last| now < last);
        if is_set_back || !self.anew.is_empty() {
            let again = mem::take(&mut self.anew);
            for (connector, next) in shared.store.control.read(|conn| store::schedule::ahead(conn, now))? {
                if !is_set_back && !again.contains(&connector) {
                    continue;
                }
                if let Err(error) = look_up_anew(shared, connector, next, now) {
                    self.anew.insert(connector);
                    wrong.insert(connector, format!("its next tick: {error}"));
                }
            }
        }
        for (connector, tick) in shared.store.control.read(|conn| store::schedule::due(conn, now))? {
            let came = panic::catch_unwind(AssertUnwindSafe(|| come(shared, connector, tick, now)));
            let came = came.unwrap_or_else(|panic| {
                shared.metrics.panicked("timer");
                Err(Error::internal(format!("queueing it panicked: {}", words(panic.as_ref()))))
            });
            if let Err(error) = came {
                wrong.insert(connector, format!("tick {tick}: {error}"));
            }
        }
        for (connector, why) in &wrong {
            if self.wrong.get(connector) != Some(why) {
                log::error!("connector={connector} {why}");
            }
        }
        self.wrong = wrong;
        self.last = Some(now);
        Ok(())
    }
}

/// After the clock was set back the next tick of a connector is nearer than it was.
fn look_up_anew(shared: &Shared, id: ConnectorId, next: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    let nearer = |conn: &store::Connection| {
        let timing = timing(conn, id)?.map(|(_, timing)| timing);
        Ok(timing.and_then(|timing| timing.next_after(now)).filter(|tick| *tick < next))
    };
    if shared.store.control.read(nearer)?.is_none() {
        return Ok(());
    }
    shared.store.control.write(|tx| match nearer(tx)? {
        Some(tick) => store::schedule::set(tx, id, Some(tick)),
        None => Ok(()),
    })
}

fn timing(conn: &store::Connection, id: ConnectorId) -> Result<Option<(Connector, Timing)>> {
    let Some(connector) = store::connector::find(conn, id)? else { return Ok(None) };
    let timing = Timing::of(connector.cadence, connector.schedule.as_ref())?;
    Ok(timing.map(|timing| (connector, timing)))
}

/// The ticks of one connector whose time has come.
fn come(shared: &Shared, id: ConnectorId, first: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    let control = &shared.store.control;
    let Some((connector, timing)) = control.read(|conn| timing(conn, id))? else { return Ok(()) };
    let due = timing.due(first, now);
    let missed = connector.schedule.as_ref().map(|schedule| schedule.missed).unwrap_or_default();
    let mut ticks = if connector.status.runs() { due.chosen(missed, &timing, now) } else { Vec::new() };
    // More than an empty queue has room for would wait for ever: the oldest of them are skipped.
    let most = usize::try_from(shared.config.runner.max_queued).unwrap_or(usize::MAX);
    ticks.drain(..ticks.len().saturating_sub(most));
    let queued = control.read(store::execution::queued)?;
    let room = most.saturating_sub(usize::try_from(queued).unwrap_or_default());
    if ticks.len() > room {
        // They stay due, and become missed ones while there is too little room.
        log::debug!("connector={id}: no room in the queue for {} ticks", ticks.len());
        return Ok(());
    }
    let mut files = Vec::with_capacity(ticks.len());
    for tick in &ticks {
        files.push(write_file(shared, id, tick.at)?);
    }
    crate::breakpoint::reach("tick_files");
    let queued = control.write(|tx| {
        let status = store::connector::find(tx, id)?.map(|connector| connector.status);
        if !status.is_some_and(crate::connector::Status::runs) {
            ticks.clear();
        }
        let overlap = connector.schedule.as_ref().map(|schedule| schedule.overlap).unwrap_or_default();
        let mut run = 0;
        for (tick, file) in ticks.iter().zip(&files) {
            run += u64::from(queue(tx, &connector, &timing, (*tick, *file), overlap, now)?);
        }
        if !store::schedule::advance(tx, id, first, due.next, due.count - run)? {
            // The times were changed meanwhile: these ticks are no longer asked for.
            return Err(Error::conflict("the schedule was changed meanwhile"));
        }
        if connector.status.runs() && run < due.count {
            let message = format!("{} ticks were skipped, {run} queued.", due.count - run);
            store::event::add(tx, Some(id), now, "ticks_skipped", &message, None, None)?;
        }
        Ok(run)
    })?;
    if queued > 0 {
        shared.wake();
    }
    Ok(())
}

/// Queues the run of one tick. Answers whether there is one now.
fn queue(
    tx: &Transaction<'_>,
    connector: &Connector,
    timing: &Timing,
    (tick, file): (Tick, FileId),
    overlap: Overlap,
    now: DateTime<Utc>,
) -> Result<bool> {
    if store::execution::has_tick(tx, connector.id, tick.at)? {
        return Ok(true);
    }
    if overlap == Overlap::Skip && store::execution::has_open_tick(tx, connector.id)? {
        return Ok(false);
    }
    let number = store::connector::note_run(tx, connector.id, now)?;
    let execution = Execution {
        scheduled_for: Some(tick.at),
        cadence: timing.cadence(),
        timeframe_start: tick.since,
        input_file: Some(file),
        ..Execution::queued(connector.id, number, TriggerType::Schedule, now)
    };
    let name = schedule::file_name(tick.at);
    store::execution::insert(tx, &execution, &name)?;
    let message = format!("Run {number} started with {name}.");
    store::event::add(tx, Some(connector.id), now, "run_started", &message, None, Some(execution.id))?;
    Ok(true)
}

/// The file of a tick; written again it is the same.
fn write_file(shared: &Shared, connector: ConnectorId, tick: DateTime<Utc>) -> Result<FileId> {
    let mut writer = FileWriter::create(
        &shared.store,
        NewFile {
            id: file_id(connector, tick),
            name: schedule::file_name(tick),
            content_type: "text/csv".to_owned(),
            source: Source::Produced,
            owner: None,
            owner_key: None,
            connector: Some(connector),
        },
    );
    writer.write_all(schedule::file(tick).as_bytes()).map_err(Error::internal)?;
    Ok(writer.finish()?.id)
}

/// A version 8 UUID made of the connector and the tick.
fn file_id(connector: ConnectorId, tick: DateTime<Utc>) -> FileId {
    let hash = Sha256::digest(format!("schedule {connector} {}", tick.timestamp_millis()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    FileId(Uuid::new_v8(bytes))
}
