//! The running product: built once at start, shared by every request and worker.

use std::sync::Arc;

use crate::{auth::Workspace, clock::Clock, config::Config, error::Result, store::Store};

/// What requests work with. Parts take what they need of it, never the whole.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The workspace.
    pub workspace: Workspace,
    /// Where everything is kept.
    pub store: Arc<Store>,
    /// The time.
    pub clock: Clock,
}

impl App {
    /// Puts the parts together.
    pub fn new(config: Config, store: Store, workspace: Workspace) -> Result<Self> {
        let clock = store.clock.clone();
        Ok(Self { config, workspace, store: Arc::new(store), clock })
    }
}
