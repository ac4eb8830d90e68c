//! `[server]`: where it listens and what a request may be.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// Address, names and limits of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: String,
    /// The data folder.
    pub data: String,
    /// Root of absolute URLs; empty: from the `Host` header.
    pub public_url: String,
    /// Hosts that the `Host` header may name.
    pub allowed_hosts: Vec<String>,
    /// Largest JSON body, MB.
    pub max_json_mb: u32,
    /// How long a stopping server lets runs go on, seconds.
    pub shutdown_grace_s: u32,
    /// Progress streams open at a time.
    pub max_streams: u32,
    /// Whether `/metrics` answers without a key.
    pub open_metrics: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            data: "data".to_owned(),
            public_url: String::new(),
            allowed_hosts: Vec::new(),
            max_json_mb: 8,
            shutdown_grace_s: 20,
            max_streams: 100,
            open_metrics: false,
        }
    }
}

impl ServerConfig {
    pub(super) fn check(&self) -> Result<()> {
        let url = &self.public_url;
        if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) {
            return Err(out_of_range("server.public_url", url, "http://… or https://…"));
        }
        Ok(())
    }
}
