//! Previews: what a script gives for the first rows of its file, for whoever edits it. Nothing is kept.
//!
//! A preview is made on the thread of the request that asks for it, beside the workers and not in their
//! queue: few at a time, over few rows, for a few seconds. Its token stops all of it, the engine included;
//! it is set when the time is over, or when the server stops.

use std::{
    fs,
    path::Path,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Shared,
    job::{self, Job, Left, Stop},
    stage,
    trial::Trial,
};
use crate::{
    cancel::{CancelToken, Cancelled},
    connector::Connector,
    context,
    engine::{Engine, EngineError, OutputReader, OutputRow, OutputTable},
    error::{Code, Error, Result},
    script::Script,
    variable::{Suggester, Suggestion},
};

/// A script alone may take as long as the configuration and the connector let it: the preview's own clock
/// stops it earlier.
const SCRIPT_S: u32 = u32::MAX;

/// Characters of a value that are shown.
const MAX_CHARS: usize = 2_000;
/// Bytes of text that all rows together may show.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What a script gave.
#[derive(Debug)]
pub struct Preview {
    /// The output tables that were asked for, in the order of their creation.
    pub tables: Vec<PreviewTable>,
    /// The input has more rows than were read.
    pub input_is_cut: bool,
    /// What is odd about the input.
    pub warning: Option<String>,
    /// Milliseconds that all of it took.
    pub millis: u64,
}

/// One output table.
#[derive(Debug)]
pub struct PreviewTable {
    /// Its name.
    pub scope: String,
    /// Its columns, provenance left out.
    pub columns: Vec<(String, Suggestion)>,
    /// How many rows it has.
    pub row_count: u64,
    /// The first of them.
    pub rows: Vec<PreviewRow>,
    /// They are fewer than were asked for: all rows together show so much text already.
    pub is_cut: bool,
}

/// One row.
#[derive(Debug)]
pub struct PreviewRow {
    /// The source line, when the table carries it.
    pub line: Option<i64>,
    /// The input table, when the table carries it.
    pub table: Option<String>,
    /// The values as they leave SQL, long ones cut.
    pub cells: Vec<Option<String>>,
    /// The columns whose values are cut.
    pub cut: Vec<String>,
    /// Which value has no text, and why.
    pub error: Option<String>,
}

/// Which part of the output is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'s> {
    /// One output table; `None`: all.
    pub scope: Option<&'s str>,
    /// Rows of each.
    pub limit: usize,
}

/// Makes one.
pub(super) fn make(
    shared: &Shared,
    connector: &Connector,
    script: &Script,
    shown: Shown<'_>,
) -> Result<Preview> {
    let began = Instant::now();
    let place = Place::take(shared)?;
    let scratch = shared.store.scratch_dir().join(format!("preview-{}", place.id));
    fs::create_dir_all(&scratch).map_err(|e| Error::internal(format!("{}: {e}", scratch.display())))?;
    let time = Duration::from_secs(shared.config.preview.timeout_s.into());
    let outcome = within(time, &place.token, || make_in(shared, connector, script, shown, &place, &scratch));
    if let Err(error) = fs::remove_dir_all(&scratch) {
        log::warn!("script={} scratch folder: {error}", script.id);
    }
    match outcome {
        (Ok(preview), _) => {
            Ok(Preview { millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX), ..preview })
        }
        (Err(Ended::Cancelled), true) => Err(Error::invalid(format!(
            "The preview was stopped after {} s (preview.timeout_s). Let the script read less, or generate the sample, which may take longer.",
            time.as_secs()
        ))),
        (Err(Ended::Cancelled), false) => Err(Error::new(Code::Busy, "The server is stopping.")),
        (Err(Ended::Refused(error)), _) => Err(error),
    }
}

/// Why there is no preview.
enum Ended {
    Cancelled,
    Refused(Error),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::Cancelled,
            Stop::Failed(sentence) => Self::Refused(Error::invalid(sentence)),
        }
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<EngineError> for Ended {
    fn from(error: EngineError) -> Self {
        if error.is_disk_full() { Self::Refused(error.into()) } else { stage::engine_stop(error).into() }
    }
}

/// Does the work and sets the token when the time is over before; answers whether that was so.
fn within<T>(time: Duration, token: &CancelToken, work: impl FnOnce() -> T) -> (T, bool) {
    let is_over = AtomicBool::new(false);
    let done = thread::scope(|threads| {
        let (end, ended) = mpsc::channel::<()>();
        let is_over = &is_over;
        threads.spawn(context::carried(move || {
            if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                is_over.store(true, Ordering::Relaxed);
                token.cancel();
            }
        }));
        // Dropped when the work is done, and also when it panics.
        let _end = end;
        work()
    });
    (done, is_over.load(Ordering::Relaxed))
}

fn make_in(
    shared: &Shared,
    connector: &Connector,
    script: &Script,
    shown: Shown<'_>,
    place: &Place<'_>,
    scratch: &Path,
) -> Result<Preview, Ended> {
    let trial = Trial::new(shared, connector, script, SCRIPT_S)?;
    let most_rows = Some(u64::from(shared.config.preview.max_input_rows));
    let job = Job { most_rows, ..trial.job(shared, scratch, &place.token) };
    let mut left = Left::default();
    let (engine, _) = job::transform(&job, &mut left)?;
    let reader = engine.output_reader()?;
    let (mut tables, mut room) = (Vec::new(), MAX_BYTES);
    for table in chosen(&engine, shown.scope)? {
        tables.push(look(&job, &reader, table, shown.limit, &mut room)?);
    }
    Ok(Preview { tables, input_is_cut: left.is_cut, warning: left.warning, millis: 0 })
}

fn chosen(engine: &Engine, scope: Option<&str>) -> Result<Vec<OutputTable>, Ended> {
    let tables = engine.outputs();
    let Some(scope) = scope else { return Ok(tables.to_vec()) };
    if let Some(table) = tables.iter().find(|table| table.scope == scope) {
        return Ok(vec![table.clone()]);
    }
    let names: Vec<&str> = tables.iter().map(|table| table.scope.as_str()).collect();
    let sentence =
        format!("scope: found {scope:?}, expected an output table of the script: {}", names.join(", "));
    Err(Error::invalid(sentence).at("scope").into())
}

/// Why a table is not read on.
enum Halt {
    Enough,
    Ended(Ended),
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        Self::Ended(error.into())
    }
}

impl From<Cancelled> for Halt {
    fn from(_: Cancelled) -> Self {
        Self::Ended(Ended::Cancelled)
    }
}

/// The first rows, and what the columns are by as many rows as are read of an input.
fn look(
    job: &Job<'_>,
    reader: &OutputReader,
    table: OutputTable,
    limit: usize,
    room: &mut usize,
) -> Result<PreviewTable, Ended> {
    let names: Vec<&str> = table.columns.iter().map(String::as_str).collect();
    let mut suggesters: Vec<Suggester> = names.iter().map(|_| Suggester::new(job.locale)).collect();
    let (mut rows, mut is_cut) = (Vec::new(), false);
    let most = job.most_rows.unwrap_or_default().max(limit as u64);
    let read = reader.stream(&table, &names, |row| -> Result<(), Halt> {
        job.token.check()?;
        for (suggester, cell) in suggesters.iter_mut().zip(row.cells()) {
            suggester.observe(cell);
        }
        if rows.len() < limit && !is_cut {
            let row = shown_row(row, &names);
            let size: usize = row.cells.iter().flatten().map(String::len).sum();
            is_cut = size > *room;
            if !is_cut {
                *room -= size;
                rows.push(row);
            }
        }
        if row.number() >= most { Err(Halt::Enough) } else { Ok(()) }
    });
    if let Err(Halt::Ended(ended)) = read {
        return Err(ended);
    }
    let found = suggesters.into_iter().map(Suggester::finish);
    Ok(PreviewTable {
        columns: table.columns.iter().cloned().zip(found).collect(),
        scope: table.scope,
        row_count: table.rows,
        rows,
        is_cut,
    })
}

fn shown_row(row: &OutputRow, names: &[&str]) -> PreviewRow {
    let mut cut = Vec::new();
    let mut cells = Vec::with_capacity(names.len());
    for (name, cell) in names.iter().zip(row.cells()) {
        let end = cell.and_then(|text| text.char_indices().nth(MAX_CHARS)).map(|(end, _)| end);
        if end.is_some() {
            cut.push((*name).to_owned());
        }
        cells.push(cell.map(|text| end.map_or(text, |end| &text[..end]).to_owned()));
    }
    let wrong: Vec<String> =
        row.errors().iter().map(|error| format!("{}: {}", names[error.column], error.message)).collect();
    PreviewRow {
        line: row.line(),
        table: row.table().map(str::to_owned),
        cells,
        cut,
        error: (!wrong.is_empty()).then(|| wrong.join("; ")),
    }
}

/// One of the few places for previews, as long as it lives.
struct Place<'s> {
    shared: &'s Shared,
    id: Uuid,
    token: CancelToken,
}

impl<'s> Place<'s> {
    fn take(shared: &'s Shared) -> Result<Self> {
        let max = shared.config.preview.max_at_once as usize;
        let mut previews = shared.previews.lock();
        // Under the lock: a server that stops sees whoever came before.
        if shared.is_stopping() {
            return Err(Error::new(Code::Busy, "The server is stopping."));
        }
        if previews.len() >= max {
            return Err(Error::new(
                Code::Busy,
                format!(
                    "{max} previews are being made already (preview.max_at_once). Try again in a moment."
                ),
            ));
        }
        let (id, token) = (Uuid::new_v4(), CancelToken::new());
        previews.insert(id, token.clone());
        Ok(Self { shared, id, token })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.previews.lock().remove(&self.id);
        // Whoever stops the server may wait for it.
        self.shared.wake();
    }
}
