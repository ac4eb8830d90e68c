//! Rows of the scopes through their variables and into the load steps.
//!
//! One thread steps the script's output and parses the variables; a bounded channel of chunks; this
//! thread writes. The writer is the bottleneck, everything else hides behind it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use super::{
    extracted::{Extracted, SetAside},
    scope::{Compiled, Scope},
};
use crate::{
    connector::rules::Flow,
    engine::{Engine, OutputReader, OutputRow},
    error::{Code, Error, Result},
    execution::{Counters, StageKind, State, outcome::Message},
    id::VariableId,
    load::{self, Load, Row, Settings, StepPlan},
    runner::job::{Job, Left, Stop, state_of},
    store::spool::Spool,
    variable::Value,
};

/// Rows handed over at once.
const CHUNK: usize = 1_000;
/// Chunks that may wait for the writer: bounds memory whatever the file.
const WAITING: usize = 4;

/// The flow made ready.
pub(in crate::runner) struct FlowPlan {
    /// The steps, in order.
    pub steps: Vec<StepPlan>,
    /// Per scope (by position) what its variables made of the rows, once they have passed.
    pub set_aside: HashMap<usize, SetAside>,
}

/// Resolves the flow against objects and variables.
pub(in crate::runner) fn plan(job: &Job<'_>) -> Result<FlowPlan, Stop> {
    incomplete(job)?;
    let flow = Flow { steps: &job.snapshot.loads, variables: &job.snapshot.variables, objects: job.objects };
    let steps = (0..flow.steps.len())
        .map(|n| StepPlan::new(&flow, n, job.members, job.locale))
        .collect::<Result<Vec<_>>>()?;
    Ok(FlowPlan { steps, set_aside: HashMap::new() })
}

/// Deleting a variable deletes the rules that use it, of an active connector too: a step that is left
/// without a matching rule would make every row a new record at every run.
fn incomplete(job: &Job<'_>) -> Result<(), Stop> {
    for step in &job.snapshot.loads {
        let lacks = match (step.matching_rules.is_empty(), step.field_mapping_rules.is_empty()) {
            (true, _) => "matching rule",
            (false, true) => "mapping rule",
            (false, false) => continue,
        };
        return Err(Stop::Failed(format!(
            "Load step {} ({}) has no {lacks}: configure it before it runs.",
            step.order, step.scope
        )));
    }
    Ok(())
}

/// What the load steps came to.
pub(in crate::runner) struct Loaded {
    /// Why they stopped before their end; what was committed stays.
    pub stopped: Option<Stop>,
    /// What they set aside for the report; `None`: there was nothing to load.
    pub spool: Option<Spool>,
}

/// Runs the load steps one after another, then reads the scopes that no step loads.
pub(in crate::runner) fn run(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
    left: &mut Left,
) -> Result<Loaded, Stop> {
    for (n, step) in plan.steps.iter().enumerate() {
        let rows = scopes.iter().find(|s| s.table.scope == step.scope()).map_or(0, |s| s.table.rows);
        left.totals.rows += rows;
        job.progress.count_load(n, &Counters { rows, not_processed: rows, ..Default::default() });
    }
    left.totals.close();
    let mut loaded = steps(job, engine, scopes, plan, left)?;
    if loaded.stopped.is_none() {
        loaded.stopped = rest(job, engine, scopes, plan).err();
        job.progress.complete(StageKind::VariableEval, 0);
    }
    Ok(loaded)
}

fn steps(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
    left: &mut Left,
) -> Result<Loaded, Stop> {
    if plan.steps.is_empty() {
        return Ok(Loaded { stopped: None, spool: None });
    }
    let mut load = begin(job, &plan.steps)?;
    let mut stopped = None;
    for n in 0..plan.steps.len() {
        if let Err(stop) = one_step(job, engine, scopes, plan, &mut load, n) {
            stopped = Some(stop);
            break;
        }
        job.progress.complete(StageKind::LoadStep, n);
    }
    let rows = left.totals.rows;
    left.totals = *load.totals();
    left.totals.rows = rows;
    left.totals.close();
    left.outcomes_cut = load.outcomes_cut();
    let (state, error) = match &stopped {
        None => (state_of(None, &left.totals), None),
        Some(Stop::Cancelled) => (State::Cancelled, None),
        Some(Stop::Failed(sentence)) => (State::Failed, Some(sentence.as_str())),
    };
    let spool = load.end(state, error)?;
    Ok(Loaded { stopped, spool: Some(spool) })
}

fn begin<'j>(job: &Job<'j>, steps: &[StepPlan]) -> Result<Load<'j>> {
    let config = &job.config.runner;
    let settings = Settings {
        batch_rows: config.batch_rows as usize,
        max_row_outcomes: config.max_row_outcomes.into(),
        max_report_rows: job.config.report.max_rows.into(),
    };
    let (execution, connector) = (job.execution.id, job.execution.connector_id);
    let token = job.token.clone();
    if job.execution.is_dry_run {
        Load::dry(job.store, job.scratch, execution, connector, settings, token, steps)
    } else {
        Load::live(job.store, job.scratch, execution, connector, settings, token)
    }
}

/// One load step: the producer on a thread of its own, the writer here.
fn one_step(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
    load: &mut Load<'_>,
    n: usize,
) -> Result<(), Stop> {
    let step = &plan.steps[n];
    let position = scopes
        .iter()
        .position(|scope| scope.table.scope == step.scope())
        .ok_or_else(|| Stop::Failed(format!("The script gave no table {}.", step.scope())))?;
    let scope = &scopes[position];
    job.progress.begin(StageKind::LoadStep, n, &[]);
    let is_first_pass = !plan.set_aside.contains_key(&position);
    let extracted = if is_first_pass { Some(Extracted::create(job, position)?) } else { None };
    let reader = engine.output_reader()?;
    let wanted: Vec<usize> = places(scope, step.variables())?;
    let is_last = n + 1 == plan.steps.len();
    let (send, receive) = sync_channel(WAITING);
    let (outcome, kept) = thread::scope(|threads| {
        let wanted = &wanted;
        let producer = threads.spawn(move || {
            let mut chunks = Chunks { send, chunk: Vec::with_capacity(CHUNK), sources: None };
            let pass = pass(job, &reader, scope, extracted, |row, values, warnings| {
                let values = wanted.iter().map(|n| take(&mut values[*n])).collect();
                chunks.add(row, values, warnings)
            });
            chunks.end(pass)
        });
        let progress = |counters: &_| job.progress.count_load(n, counters);
        let outcome = load.step(step, scope.table.rows, is_last, Arrivals::new(receive), progress);
        // When the writer stopped first, the producer finds the channel closed and stops too.
        (outcome, producer.join())
    });
    let kept = kept.map_err(|_| Error::internal("reading the script's output panicked"))?;
    match outcome {
        Ok(_) => {}
        Err(load::Stop::Cancelled) => return Err(Stop::Cancelled),
        Err(load::Stop::Failed(error)) => return Err(error.into()),
    }
    if let Some(kept) = kept? {
        plan.set_aside.insert(position, kept);
    }
    Ok(())
}

/// Scopes with variables that no step loads are read too: their counts and sheets are part of the run.
fn rest(job: &Job<'_>, engine: &Engine, scopes: &[Scope<'_>], plan: &mut FlowPlan) -> Result<(), Stop> {
    for (position, scope) in scopes.iter().enumerate() {
        if scope.variables.is_empty() || plan.set_aside.contains_key(&position) {
            continue;
        }
        let extracted = Extracted::create(job, position)?;
        let reader = engine.output_reader()?;
        if let Some(kept) = pass(job, &reader, scope, Some(extracted), |_, _, _| Ok(()))? {
            plan.set_aside.insert(position, kept);
        }
    }
    Ok(())
}

fn places(scope: &Scope<'_>, variables: &[VariableId]) -> Result<Vec<usize>, Stop> {
    variables
        .iter()
        .map(|id| {
            scope
                .variables
                .iter()
                .position(|compiled| compiled.variable.id == *id)
                .ok_or_else(|| Stop::Failed(format!("The scope {} has no variable {id}.", scope.table.scope)))
        })
        .collect()
}

fn take(cell: &mut load::Cell) -> load::Cell {
    std::mem::replace(cell, Ok(Value::Null))
}

/// Reads every row of a scope and parses its variables. With `extracted`, sets rows aside for the
/// report and counts them.
fn pass(
    job: &Job<'_>,
    reader: &OutputReader,
    scope: &Scope<'_>,
    mut extracted: Option<Extracted>,
    mut each: impl FnMut(&OutputRow, &mut [load::Cell], Vec<Message>) -> Result<(), Stop>,
) -> Result<Option<SetAside>, Stop> {
    let name = scope.table.scope.as_str();
    let (mut valid, mut invalid) = (0, 0);
    let mut values: Vec<load::Cell> = Vec::with_capacity(scope.variables.len());
    let mut texts = Texts::default();
    reader.stream(&scope.table, &scope.column_names(), |row| -> Result<(), Stop> {
        values.clear();
        let mut warnings = Vec::new();
        let mut is_valid = true;
        for compiled in &scope.variables {
            let cell = evaluate(compiled, row, &mut warnings);
            is_valid &= cell.is_ok();
            values.push(cell);
        }
        *(if is_valid { &mut valid } else { &mut invalid }) += 1;
        if let Some(extracted) = extracted.as_mut() {
            if extracted.wants(!is_valid) {
                texts.fill(row, scope, &values);
                extracted.keep(!is_valid, texts.cells())?;
            }
            if (valid + invalid) % 10_000 == 0 {
                job.progress.count(StageKind::VariableEval, 0, Some(name), valid, invalid, scope.table.rows);
            }
        }
        each(row, &mut values, warnings)
    })?;
    match extracted {
        Some(extracted) => {
            job.progress.count(StageKind::VariableEval, 0, Some(name), valid, invalid, scope.table.rows);
            Ok(Some(extracted.finish()?))
        }
        None => Ok(None),
    }
}

fn evaluate(compiled: &Compiled<'_>, row: &OutputRow, warnings: &mut Vec<Message>) -> load::Cell {
    let Some(column) = compiled.column else {
        return Ok(compiled.parser.literal().cloned().unwrap_or(Value::Null));
    };
    if let Some(error) = row.error().filter(|error| error.column == column) {
        return Err(Box::new(Message {
            message: format!("{}: {}", compiled.variable.name, error.message),
            code: Code::Invalid.as_str().to_owned(),
            variable: Some(compiled.variable.name.clone()),
            column: compiled.variable.data_source.clone(),
            field: None,
            value: None,
            expected: None,
        }));
    }
    let cell = row.cell(column);
    match compiled.parser.parse(cell) {
        Ok(parsed) => {
            if let Some(warning) = parsed.warning {
                warnings.push(Message::warning(warning, compiled.variable, cell.unwrap_or_default()));
            }
            Ok(parsed.value)
        }
        Err(fault) => Err(Box::new(Message::fault(&fault, compiled.variable, cell))),
    }
}

/// A row as text for the report; the same memory is used for the next one.
#[derive(Default)]
struct Texts {
    cells: Vec<String>,
}

impl Texts {
    fn fill(&mut self, row: &OutputRow, scope: &Scope<'_>, values: &[load::Cell]) {
        use std::fmt::Write as _;
        self.cells.resize_with(values.len() + 3, String::new);
        for cell in &mut self.cells {
            cell.clear();
        }
        // Writing into a string can't fail.
        let _ = write!(self.cells[0], "{}", row.number());
        if let Some(line) = row.line() {
            let _ = write!(self.cells[1], "{line}");
        }
        let last = values.len() + 2;
        for (n, (compiled, value)) in scope.variables.iter().zip(values).enumerate() {
            match value {
                Ok(value) => compiled.parser.render(value, &mut self.cells[n + 2]),
                Err(error) => {
                    if let Some(found) = &error.value {
                        self.cells[n + 2].push_str(found);
                    }
                    let separator = if self.cells[last].is_empty() { "" } else { "; " };
                    let _ = write!(self.cells[last], "{separator}{}", error.message);
                }
            }
        }
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(String::as_str)
    }
}

/// What goes over the channel: rows, and at the end how the reading ended. Without an end the sender
/// died, and what arrived must not pass for everything.
enum Arrival {
    Rows(Vec<Row>),
    End,
    Failed(Error),
}

/// The sending side.
struct Chunks {
    send: SyncSender<Arrival>,
    chunk: Vec<Row>,
    /// The last source table's name: rows of one table share it.
    sources: Option<Arc<str>>,
}

impl Chunks {
    fn add(&mut self, row: &OutputRow, values: Vec<load::Cell>, warnings: Vec<Message>) -> Result<(), Stop> {
        let source = row.table().map(|name| match &self.sources {
            Some(shared) if **shared == *name => Arc::clone(shared),
            _ => Arc::clone(self.sources.insert(name.into())),
        });
        self.chunk.push(Row { row: row.number(), line: row.line(), source, values, warnings });
        if self.chunk.len() == CHUNK {
            let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
            // A closed channel: the writer stopped and says why.
            self.send.send(Arrival::Rows(chunk)).map_err(|_| Stop::Cancelled)?;
        }
        Ok(())
    }

    fn end(self, pass: Result<Option<SetAside>, Stop>) -> Result<Option<SetAside>, Stop> {
        let last = match &pass {
            Ok(_) => {
                let _ = self.send.send(Arrival::Rows(self.chunk));
                Arrival::End
            }
            Err(Stop::Cancelled) => Arrival::End,
            Err(Stop::Failed(sentence)) => Arrival::Failed(Error::invalid(sentence.clone())),
        };
        // A writer that has stopped already needs no end.
        let _ = self.send.send(last);
        pass
    }
}

/// The receiving side, as the load takes it.
struct Arrivals {
    receive: Receiver<Arrival>,
    ended: bool,
}

impl Arrivals {
    const fn new(receive: Receiver<Arrival>) -> Self {
        Self { receive, ended: false }
    }
}

impl Iterator for Arrivals {
    type Item = Result<Vec<Row>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.receive.recv() {
            Ok(Arrival::Rows(rows)) => Some(Ok(rows)),
            Ok(Arrival::End) => {
                self.ended = true;
                None
            }
            Ok(Arrival::Failed(error)) => {
                self.ended = true;
                Some(Err(error))
            }
            Err(_) => {
                self.ended = true;
                Some(Err(Error::internal("reading the script's output ended without its end")))
            }
        }
    }
}
