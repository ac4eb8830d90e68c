//! `run`: a dev package on this machine.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use clap::Args;

use super::{log::start_log, progress::Bar, table};
use crate::{
    cancel::CancelToken,
    clock::Clock,
    config::Config,
    error::{Error, Result},
    execution::{Progress, RowOutcome, Stage, StageKind, State, Step},
    package::{
        folder::Package,
        result,
        run::{self, Options, Ran},
    },
    report::summary::{counters_table, duration_words},
};

/// Rejected rows that are printed.
const SHOWN: usize = 10;
/// Between two looks at the progress.
const LOOK: Duration = Duration::from_millis(100);

/// Run a dev package on this machine, without a server.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The package's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Another input than the package's
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// A parameter of the script, over the package's; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Do everything except write records
    #[arg(long = "dry-run")]
    is_dry: bool,
    /// As JSON, as data/output/result.json holds it
    #[arg(long)]
    json: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

impl Run {
    pub(super) fn run(self) -> Result<ExitCode> {
        start_log("error");
        let config = Config::load(None, std::env::vars())?;
        let package = Package::open(&self.folder)?;
        if package.document.is_none() {
            eprintln!("The package has no connector.json: its script runs, and nothing is loaded.");
        }
        let token = CancelToken::new();
        cancel_on_interrupt(&token);
        let options =
            Options { input: self.input.as_deref(), parameters: &self.parameters, is_dry_run: self.is_dry };
        let mut watch = None;
        let ran = run::run(&package, options, &config, &token, |progress| {
            watch = Some(Watch::start(progress.clone()));
        });
        if let Some(watch) = watch {
            watch.end();
        }
        let ran = ran?;
        let result = result::of(&ran, Clock::system().now());
        result::write(&ran, &result)?;
        if self.json {
            println!("{result:#}");
        } else {
            tell(&ran, &package);
        }
        match ran.done.state {
            State::Success | State::PartialSuccess => Ok(ExitCode::SUCCESS),
            State::Cancelled => Err(Error::conflict("The run was cancelled.")),
            _ => Err(Error::invalid(ran.done.error.unwrap_or_else(|| "The run failed.".to_owned()))),
        }
    }
}

/// What a run did, for a person.
fn tell(ran: &Ran, package: &Package) {
    if let Some(warning) = &ran.done.warning {
        println!("Warning: {warning}");
    }
    let rows = ran.done.stages.iter().filter(|stage| stage.kind != StageKind::LoadStep).flat_map(stage_rows);
    println!("{}", table::rows(&["stage", "scope", "rows", "invalid", "time"], rows));
    let counters = counters_table(&ran.done.stages, &ran.done.totals, &ran.objects);
    if !counters.is_empty() {
        println!("{counters}");
        let what = if ran.execution.is_dry_run { "A dry run" } else { "Loaded into a database of this run" };
        println!("{what}; matching ran against {} local records.", ran.local_records);
    }
    for row in ran.rejected.iter().take(SHOWN) {
        println!("{}", sentence(row));
    }
    let more = ran.done.totals.errors.saturating_sub(SHOWN as u64);
    if more > 0 {
        println!("… and {more} more rejected rows, see {}.", run::REPORT);
    }
    let output = ran.output.strip_prefix(&package.root).unwrap_or(&ran.output);
    println!("{}: {}", word(ran.done.state), output.display());
}

fn stage_rows(stage: &Stage) -> impl Iterator<Item = [String; 5]> {
    let name = match stage.kind {
        StageKind::InputRead => "input",
        StageKind::SqlRun => "script",
        StageKind::VariableEval => "variables",
        StageKind::MatchIndex => "indexes",
        StageKind::LoadStep => "load",
        StageKind::Report => "report",
    };
    stage.steps.iter().map(move |step| {
        let count = |n: u64| if step.total == 0 { String::new() } else { n.to_string() };
        [
            name.to_owned(),
            step.scope.clone().unwrap_or_default(),
            count(step.total),
            count(step.invalid_records),
            took(step),
        ]
    })
}

fn took(step: &Step) -> String {
    step.started_at.zip(step.ended_at).map(|(from, to)| duration_words(to - from)).unwrap_or_default()
}

fn sentence(row: &RowOutcome) -> String {
    let place = match row.line {
        Some(line) => format!("line {line}"),
        None => format!("row {}", row.row),
    };
    format!("{}, {place}: {}", row.scope, crate::report::in_one_cell(&row.messages))
}

const fn word(state: State) -> &'static str {
    match state {
        State::Success => "Done",
        State::PartialSuccess => "Done, with rejected rows",
        State::Cancelled => "Cancelled",
        _ => "Failed",
    }
}

/// Ctrl-C ends the run as a cancel does, so that its scratch folder is removed. A second one, and one
/// where no signals can be had, ends the process.
fn cancel_on_interrupt(token: &CancelToken) {
    let token = token.clone();
    std::thread::spawn(move || {
        let signal = actix_web::rt::System::new().block_on(actix_web::rt::signal::ctrl_c());
        if signal.is_ok() {
            token.cancel();
        }
    });
}

/// Shows a run's progress while it lasts.
struct Watch {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    fn start(progress: Progress) -> Self {
        let (end, ended) = channel();
        let thread = std::thread::spawn(move || {
            let mut bar = Bar::new();
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                bar.show(&progress.stages());
            }
            bar.clear();
        });
        Self { end, thread }
    }

    /// Takes the bar away before anything else is printed.
    fn end(self) {
        drop(self.end);
        // It shows and nothing else: how it ended changes nothing.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn a_parameter_is_cut_at_the_first_equals_sign() {
        assert_eq!(parameter("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(parameter("a="), Ok(("a".to_owned(), String::new())));
        assert!(parameter("a").is_err() && parameter("=b").is_err());
    }
}
