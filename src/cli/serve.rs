//! `serve`: the server.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use clap::Args;
use serde_json::json;

use super::{Folder, log::start_log_as};
use crate::{
    app::App,
    clock::Clock,
    config::Config,
    error::{Error, Result},
    package::document::Document,
    runner, server,
    service::{
        connector, people, secret,
        setup::{self, Fixed, Start},
    },
    store::Store,
};

/// Run the server.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    folder: Folder,
    /// Address and port; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Keep everything in a temporary folder, which goes when the server ends
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// Recreate exported connectors with their objects before listening; one whose api name is taken is
    /// left out
    #[arg(long, value_name = "FILE", num_args = 1..)]
    import: Vec<PathBuf>,
    /// Print one JSON line with address, ids and (at the first start) key once it accepts connections
    #[arg(long)]
    json: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<ExitCode> {
        // Whatever is made in the data folder is its owner's alone, also what libraries make there.
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let mut config = self.folder.config()?;
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        let folder = if self.ephemeral { Some(tempfile::tempdir().map_err(Error::internal)?) } else { None };
        if let Some(folder) = &folder {
            config.server.data = folder.path().to_string_lossy().into_owned();
        }
        start_log_as(&config.log);
        let documents = self.import.iter().map(|file| read_export(file)).collect::<Result<Vec<_>>>()?;
        let running = Running::start(config, &documents)?;
        if self.json {
            println!("{}", running.as_json());
        } else {
            running.greet();
        }
        running.wait()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A server that accepts connections.
pub(super) struct Running {
    /// Its address.
    pub url: String,
    /// What the start found or made.
    pub start: Start,
    /// What it works with.
    pub app: actix_web::web::Data<App>,
    signals: Receiver<()>,
    handle: actix_web::dev::ServerHandle,
    thread: std::thread::JoinHandle<Result<()>>,
}

impl Running {
    /// Opens the data folder, starts the workers, recreates `exported` connectors, listens.
    pub(super) fn start(config: Config, exported: &[Document]) -> Result<Self> {
        let listener = server::bind(&config.server.listen)?;
        let address = listener.local_addr().map_err(Error::internal)?;
        if !address.ip().is_loopback() && !config.server.public_url.starts_with("https://") {
            log::warn!(
                "listening on {address}, which others can reach: put TLS in front and set server.public_url"
            );
        }
        let store = Store::open(&PathBuf::from(&config.server.data), Clock::system())?;
        runner::sort_in(&store)?;
        let fixed = Fixed::from_vars(|name| std::env::var(name).ok())?;
        let start = setup::start(&store, &config.workspace, &fixed)?;
        let url = match config.server.public_url.as_str() {
            "" => format!("http://{address}"),
            public => public.trim_end_matches('/').to_owned(),
        };
        let app = server::shared(App::new(config, store, start.workspace.clone())?);
        secret::tell_lost(&app)?;
        import(&app, exported)?;
        let (send, receive) = channel();
        let shared = app.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = server::start(shared, listener)?;
                let _ = send.send(server.handle());
                server.await.map_err(Error::internal)
            })
        });
        let Ok(handle) = receive.recv() else { return Err(ended(thread)) };
        let signals = catch_signals()?;
        Ok(Self { url, start, app, signals, handle, thread })
    }

    fn as_json(&self) -> serde_json::Value {
        let mut line = json!({
            "url": self.url,
            "business_id": self.start.workspace.id,
            "user_id": self.start.user,
        });
        if let Some(key) = &self.start.admin_key {
            line["api_key"] = key.as_str().into();
        }
        line
    }

    /// What a person needs to know.
    pub(super) fn greet(&self) {
        println!("smartconnector {} is ready: {}", env!("CARGO_PKG_VERSION"), self.url);
        println!("  workspace  {}", self.start.workspace.id);
        println!("  user       {}", self.start.user);
        match &self.start.admin_key {
            Some(key) => println!("  admin key  {key}\n             Shown this once: keep it."),
            None => println!(
                "  lost the key? smartconnector keys create --data {} --role admin",
                self.app.store.dir.display()
            ),
        }
    }

    /// Serves until the process is told to stop: new work is refused, runs get their grace.
    pub(super) fn wait(self) -> Result<()> {
        self.signals.recv().map_err(Error::internal)?;
        log::info!("stopping");
        self.stop()
    }

    /// Stops, letting runs go on for `server.shutdown_grace_s`.
    pub(super) fn stop(self) -> Result<()> {
        let grace = Duration::from_secs(self.app.config.server.shutdown_grace_s.into());
        self.app.runner.stop(grace);
        let stopped = self.handle.stop(true);
        actix_web::rt::System::new().block_on(stopped);
        match self.thread.join() {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::internal("the server's thread panicked")),
        }
    }
}

/// A file that an export wrote.
fn read_export(file: &Path) -> Result<Document> {
    let refused = |why: &dyn std::fmt::Display| Error::invalid(format!("{}: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|e| refused(&e))?;
    serde_json::from_slice(&bytes).map_err(|e| refused(&e))
}

/// Each with its objects. One that an earlier start made is there already.
fn import(app: &App, exported: &[Document]) -> Result<()> {
    let caller = people::local(app)?;
    for document in exported {
        let name = &document.connector.api_name;
        if connector::exists(app, name)? {
            log::info!("the connector {name} is there already and is not imported");
            continue;
        }
        connector::import(app, &caller, document, true)
            .map_err(|e| Error { detail: format!("importing {name}: {}", e.detail), ..e })?;
        log::info!("the connector {name} was imported");
    }
    Ok(())
}

fn ended(thread: std::thread::JoinHandle<Result<()>>) -> Error {
    match thread.join() {
        Ok(Err(error)) => error,
        _ => Error::internal("the server ended before it listened"),
    }
}

/// Tells when SIGINT or SIGTERM came. Once this answers they no longer end the process by themselves: whoever
/// is told that the server is ready may stop it at once.
fn catch_signals() -> Result<Receiver<()>> {
    let (caught, came) = channel();
    let (ready, is_ready) = channel();
    let wait = async move {
        #[cfg(unix)]
        {
            use actix_web::rt::signal::unix::{SignalKind, signal};
            let signals = signal(SignalKind::terminate())
                .and_then(|term| signal(SignalKind::interrupt()).map(|int| (term, int)));
            let (mut term, mut int) = match signals {
                Ok(signals) => signals,
                Err(error) => {
                    let _ = ready.send(Err(Error::internal(error)));
                    return;
                }
            };
            let _ = ready.send(Ok(()));
            futures_util::future::select(Box::pin(term.recv()), Box::pin(int.recv())).await;
        }
        #[cfg(not(unix))]
        {
            let _ = ready.send(Ok(()));
            if let Err(error) = actix_web::rt::signal::ctrl_c().await {
                log::error!("waiting for Ctrl-C: {error}");
            }
        }
        let _ = caught.send(());
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || actix_web::rt::System::new().block_on(wait))
        .map_err(Error::internal)?;
    is_ready.recv().map_err(Error::internal)??;
    Ok(came)
}
