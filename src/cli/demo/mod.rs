//! `demo`: a server with a made-up shop, and files loaded through it from upload to records.

mod shop;

use std::{process::ExitCode, thread, time::Duration};

use clap::Args;

use super::{log::start_log, progress, serve::Running, table};
use crate::{
    app::App,
    auth::Caller,
    config::Config,
    error::{Error, Result},
    execution::{RowStatus, State},
    id::ExecutionId,
    report::summary::counters_table,
    service::{execution, object, paging::Paging, people},
};

/// Rejected rows shown per run.
const SHOWN: u32 = 12;

/// Run a server with sample objects and connectors.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Data folder; left out: a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<std::path::PathBuf>,
    /// Address and port, over the configuration's server.listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Exit when the files are loaded, instead of staying up
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self) -> Result<ExitCode> {
        start_log("warn");
        // Kept until the end: dropping it removes the folder.
        let temporary = tempfile::tempdir().map_err(Error::internal)?;
        let mut config = Config::load(None, std::env::vars())?;
        config.server.data = self.data.as_deref().unwrap_or(temporary.path()).to_string_lossy().into_owned();
        if self.once {
            "127.0.0.1:0".clone_into(&mut config.server.listen);
        } else if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        "Demo".clone_into(&mut config.workspace.name);
        let running = Running::start(config, &[])?;
        let all_loaded = load_shop(&running.app)?;
        if self.once {
            running.stop()?;
            return Ok(if all_loaded { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        println!();
        running.greet();
        println!("\nOpen the address and sign in with the key. Ctrl-C stops the server.");
        running.wait()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Builds the shop and runs its files. Answers whether every run came to its end.
fn load_shop(app: &App) -> Result<bool> {
    let caller = people::local(app)?;
    println!("Building three objects and three connectors from fixtures/ …");
    shop::objects(app, &caller)?;
    let mut all_loaded = true;
    for demo in [&shop::CUSTOMERS, &shop::ORDERS, &shop::PRODUCT_SALES] {
        let connector = shop::connector(app, &caller, demo)?;
        let id = shop::start(app, &caller, demo, &connector)?;
        println!("\n{}: {} → records", demo.name, demo.file.0);
        wait(app, id);
        all_loaded &= show(app, &caller, &connector.api_name, id)?;
    }
    Ok(all_loaded)
}

/// Draws progress until the run has ended.
fn wait(app: &App, id: ExecutionId) {
    let mut bar = progress::Bar::new();
    loop {
        if let Some(progress) = app.runner.progress(id) {
            bar.show(&progress.stages());
        } else if app.runner.has_ended(id) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    bar.clear();
}

/// Prints what became of a run's rows. Answers whether it loaded.
fn show(app: &App, caller: &Caller, connector: &str, id: ExecutionId) -> Result<bool> {
    let run = execution::get(app, caller, connector, id)?.execution;
    let took = run.ended_at.zip(run.started_at).map_or(0, |(end, start)| (end - start).num_milliseconds());
    println!("{} in {took} ms", run.state.as_str().replace('_', " "));
    if let Some(error) = &run.error_details {
        println!("{error}");
    }
    let objects = object::all(app, caller)?;
    println!("{}", counters_table(&run.stages, &run.totals, &objects));
    let paging = Paging::new(Some(1), Some(SHOWN))?;
    let (count, rows) = execution::rows(app, caller, connector, id, (None, Some(RowStatus::Error)), paging)?;
    if count > 0 {
        let reasons = rows.into_iter().map(|(row, _)| {
            let line = row.line.map_or_else(|| "–".to_owned(), |line| line.to_string());
            [line, crate::report::in_one_cell(&row.messages)]
        });
        println!("{}", table::rows(&["Line", "Rejected because"], reasons));
        if count > u64::from(SHOWN) {
            println!("… and {} more, in the report and in rejected.csv", count - u64::from(SHOWN));
        }
    }
    Ok(matches!(run.state, State::Success | State::PartialSuccess))
}
