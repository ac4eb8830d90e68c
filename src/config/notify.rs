//! `[notify]`: where the server may send, which is nowhere unless somebody says so.

use http::uri::Authority;
use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// Limits on notifications.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotifyConfig {
    /// The hosts that notifications may be sent to, at any port. Empty: none.
    pub allowed_hosts: Vec<String>,
}

impl NotifyConfig {
    /// Whether notifications may be sent to this host.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    pub(super) fn check(&self) -> Result<()> {
        for host in &self.allowed_hosts {
            let parsed = host.parse::<Authority>();
            if !parsed.is_ok_and(|authority| authority.host() == host) {
                return Err(out_of_range("notify.allowed_hosts", host, "a host name or address alone"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(hosts: &[&str]) -> NotifyConfig {
        NotifyConfig { allowed_hosts: hosts.iter().map(|host| (*host).to_owned()).collect() }
    }

    #[test]
    fn a_host_is_allowed_by_its_whole_name() {
        let config = config(&["hooks.example.org", "[::1]"]);
        assert_eq!(config.check(), Ok(()));
        assert!(config.allows("Hooks.Example.org") && config.allows("[::1]"));
        for host in ["example.org", "a.hooks.example.org", "hooks.example.org.evil.test", ""] {
            assert!(!config.allows(host), "{host}");
        }
        assert!(!NotifyConfig::default().allows("localhost"));
    }

    #[test]
    fn an_entry_that_is_no_host_is_refused() {
        for entry in ["", "https://example.org", "example.org:443", "example.org/x", "a@example.org"] {
            assert!(config(&[entry]).check().is_err(), "{entry}");
        }
    }
}
