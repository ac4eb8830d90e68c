//! The running product: built once at start, shared by every request and worker.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::AtomicUsize},
};

use parking_lot::Mutex;

use crate::{
    auth::{Workspace, tries::Tries},
    clock::Clock,
    config::Config,
    error::Result,
    id::{ExecutionId, KeyId},
    metrics::Metrics,
    runner::Runner,
    slots::{Shares, Slots},
    store::Store,
};

/// What requests work with. Parts take what they need of it, never the whole.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The workspace.
    pub workspace: Workspace,
    /// Where everything is kept.
    pub store: Arc<Store>,
    /// What executes.
    pub runner: Runner,
    /// The time.
    pub clock: Clock,
    /// Who tries to sign in, and how often.
    pub tries: Tries,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Progress streams that are open.
    pub streams: Arc<AtomicUsize>,
    /// Uploads under way.
    pub uploads: Slots,
    /// Downloads of files under way, by the key that asked.
    pub downloads: Shares<KeyId>,
    /// Dev packages, exports of records and rejected.csv that are being made or sent.
    pub exports: Slots,
    /// Executions whose input is being unpacked for a request.
    pub unpacking: Mutex<HashSet<ExecutionId>>,
}

impl App {
    /// Puts the parts together.
    pub fn new(config: Config, store: Store, workspace: Workspace) -> Result<Self> {
        let clock = store.clock.clone();
        let store = Arc::new(store);
        let metrics = Arc::new(Metrics::new());
        let runner = Runner::start(Arc::clone(&store), &config, &workspace, Arc::clone(&metrics))?;
        let tries = Tries::new(config.server.login_tries_per_minute);
        let uploads = Slots::new(config.files.max_uploads);
        let downloads = Shares::new(config.files.max_downloads);
        let exports = Slots::new(config.files.max_exports);
        Ok(Self {
            config,
            workspace,
            store,
            runner,
            clock,
            tries,
            metrics,
            streams: Arc::default(),
            uploads,
            downloads,
            exports,
            unpacking: Mutex::default(),
        })
    }
}
