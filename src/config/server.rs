//! `[server]`: where it listens and what a request may be.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{network::Network, out_of_range};
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
    /// A body of which no byte came for so long has ended, seconds.
    pub idle_timeout_s: u32,
    /// A call that has waited so long for another change, or for a file to be unpacked, is refused, seconds.
    pub busy_after_s: u32,
    /// Origins whose pages may call with a key.
    pub cors_origins: Vec<String>,
    /// Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<String>,
    /// Tries to sign in that one address has in a minute; 0: any number.
    pub login_tries_per_minute: u32,
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
            idle_timeout_s: 60,
            busy_after_s: 20,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            login_tries_per_minute: 30,
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
        if let Some(odd) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(out_of_range("server.cors_origins", odd, "origins as https://example.org, or *"));
        }
        if let Some(odd) = self.trusted_proxies.iter().find(|text| text.parse::<Network>().is_err()) {
            return Err(out_of_range("server.trusted_proxies", odd, "addresses, or networks as 10.0.0.0/8"));
        }
        if self.idle_timeout_s == 0 {
            return Err(out_of_range("server.idle_timeout_s", 0, "at least 1"));
        }
        if self.busy_after_s == 0 {
            return Err(out_of_range("server.busy_after_s", 0, "at least 1"));
        }
        Ok(())
    }

    /// How long a call waits.
    #[must_use]
    pub fn busy_after(&self) -> Duration {
        Duration::from_secs(self.busy_after_s.into())
    }

    /// Whether what this address says of whom it was asked by counts.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let mut trusted = self.trusted_proxies.iter().filter_map(|text| text.parse::<Network>().ok());
        trusted.any(|network| network.contains(address))
    }
}

/// As browsers send it: scheme, host, perhaps a port, and nothing behind.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ']))
}
