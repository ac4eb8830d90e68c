//! `[webhook]`: requests that wait for their batch.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// Limits on what webhook connectors take and collect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookConfig {
    /// Largest body, KB.
    pub max_body_kb: u32,
    /// Longest query string, KB.
    pub max_query_kb: u32,
    /// Requests that may wait, over all connectors.
    pub max_pending: u32,
    /// The shortest cadence, seconds.
    pub min_cadence_s: u32,
    /// Most requests of one batch.
    pub max_batch_rows: u32,
    /// Most bytes of one batch, MB.
    pub max_batch_mb: u32,
    /// Requests of one sender in a minute; 0: any.
    pub max_per_minute: u32,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            max_body_kb: 256,
            max_query_kb: 4,
            max_pending: 1_000_000,
            min_cadence_s: 30,
            max_batch_rows: 100_000,
            max_batch_mb: 500,
            max_per_minute: 0,
        }
    }
}

impl WebhookConfig {
    pub(super) fn check(&self) -> Result<()> {
        let at_least_one = [
            ("max_body_kb", self.max_body_kb),
            ("max_query_kb", self.max_query_kb),
            ("max_pending", self.max_pending),
            ("max_batch_rows", self.max_batch_rows),
            ("max_batch_mb", self.max_batch_mb),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                return Err(out_of_range(&format!("webhook.{key}"), value, "at least 1"));
            }
        }
        if !(1..=60).contains(&self.min_cadence_s) {
            return Err(out_of_range("webhook.min_cadence_s", self.min_cadence_s, "1 to 60"));
        }
        Ok(())
    }
}
