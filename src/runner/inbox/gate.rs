//! Who may send webhooks, remembered for a moment: a request that comes thousands of times a second must
//! not cost a look-up of key and connector each time.
//!
//! What is remembered holds until anything in `control.db` changes, so a revoked key is refused at once; and
//! a second at most, since another process (`smartconnector keys`) may have changed it. Only what was
//! admitted is remembered: its size is bounded by the keys and connectors that there are.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::RwLock;

use crate::{
    auth::{Caller, rate::Rate, tries::household, webhook::SignatureRule},
    connector::{ConnectorType, Status},
    error::{Code, Error, Result},
    id::{ConnectorId, KeyId},
};

/// How long a memory holds.
const HOLDS: Duration = Duration::from_secs(1);

/// A connector as a sender meets it.
#[derive(Clone)]
pub struct Target {
    /// Identity.
    pub connector: ConnectorId,
    /// Only a webhook connector takes webhooks.
    pub connector_type: ConnectorType,
    /// One in `setup` does not take them yet.
    pub status: Status,
    /// How senders without a key sign.
    pub signature: SignatureRule,
    /// With what, in clear. Empty: they need a key.
    pub secrets: Vec<String>,
    /// There are more, which can't be read.
    pub has_lost_secrets: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not its secrets.
        f.debug_struct("Target").field("connector", &self.connector).finish_non_exhaustive()
    }
}

/// One sender, as the limit on its rate knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// By its key.
    Key(KeyId),
    /// By its address: one that signs.
    Address(IpAddr),
    /// One that proved nothing. It takes nothing from those that sign from the same address.
    Unproven(IpAddr),
}

/// What was admitted lately, and how often senders come.
pub struct Gate {
    known: RwLock<Known>,
    rate: Rate<Sender>,
}

struct Known {
    version: u64,
    since: Instant,
    callers: HashMap<[u8; 32], Arc<Caller>>,
    targets: HashMap<String, Arc<Target>>,
}

impl Sender {
    /// As it is counted: whoever has one IPv6 address has many.
    fn household(self) -> Self {
        match self {
            Self::Key(key) => Self::Key(key),
            Self::Address(address) => Self::Address(household(address)),
            Self::Unproven(address) => Self::Unproven(household(address)),
        }
    }
}

impl Gate {
    pub(in crate::runner) fn new(max_per_minute: u32) -> Self {
        let known =
            Known { version: 0, since: Instant::now(), callers: HashMap::new(), targets: HashMap::new() };
        Self { known: RwLock::new(known), rate: Rate::per_minute(max_per_minute) }
    }

    /// The caller behind the hash of a key, and the connector of a path, where they are remembered. `version`
    /// is that of `control.db` now.
    #[must_use]
    pub fn recall(
        &self,
        version: u64,
        key_hash: Option<&[u8; 32]>,
        name: &str,
    ) -> (Option<Arc<Caller>>, Option<Arc<Target>>) {
        let known = self.known.read();
        if known.version != version || known.since.elapsed() > HOLDS {
            return (None, None);
        }
        (key_hash.and_then(|hash| known.callers.get(hash).cloned()), known.targets.get(name).cloned())
    }

    /// Remembers. `version` was that of `control.db` before it was read.
    pub fn remember(
        &self,
        version: u64,
        caller: Option<([u8; 32], Arc<Caller>)>,
        name: &str,
        target: Arc<Target>,
    ) {
        let mut known = self.known.write();
        if known.version != version || known.since.elapsed() > HOLDS {
            *known =
                Known { version, since: Instant::now(), callers: HashMap::new(), targets: HashMap::new() };
        }
        known.callers.extend(caller);
        known.targets.insert(name.to_owned(), target);
    }

    /// Counts a request of a sender.
    ///
    /// # Errors
    /// `too_many_requests` when it sends more than `webhook.max_per_minute`.
    pub fn count(&self, sender: Sender) -> Result<()> {
        if self.rate.takes(&sender.household()) {
            return Ok(());
        }
        Err(Error::new(
            Code::TooManyRequests,
            "Too many webhooks of this sender in a minute (webhook.max_per_minute).",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Arc<Target> {
        Arc::new(Target {
            connector: ConnectorId::new(),
            connector_type: ConnectorType::Webhook,
            status: Status::Operational,
            signature: SignatureRule::default(),
            secrets: Vec::new(),
            has_lost_secrets: false,
        })
    }

    #[test]
    fn a_change_ends_what_is_remembered() {
        let gate = Gate::new(0);
        gate.remember(7, None, "shop", target());
        assert!(gate.recall(7, None, "shop").1.is_some());
        assert!(gate.recall(7, None, "other").1.is_none());
        assert!(gate.recall(8, None, "shop").1.is_none());
        // What was read before the change does not come back with what was read after it.
        gate.remember(8, None, "other", target());
        assert!(gate.recall(8, None, "shop").1.is_none());
    }

    #[test]
    fn a_sender_with_a_whole_network_is_one() {
        let gate = Gate::new(2);
        let from = |text: &str| text.parse::<IpAddr>().unwrap();
        let takes = |sender| gate.count(sender).is_ok();
        let near =
            ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"].map(|a| takes(Sender::Unproven(from(a))));
        assert_eq!(near, [true, true, false]);
        assert!(takes(Sender::Unproven(from("2001:db8:0:1::1"))));
        // Those that sign from there are others.
        assert!(takes(Sender::Address(from("2001:db8::1"))));
    }

    #[test]
    fn each_sender_has_its_own_limit() {
        let (one, other) = (Sender::Key(KeyId::new()), Sender::Address(IpAddr::from([127, 0, 0, 1])));
        let gate = Gate::new(2);
        assert!(gate.count(one).is_ok() && gate.count(one).is_ok());
        assert_eq!(gate.count(one).unwrap_err().code, Code::TooManyRequests);
        assert!(gate.count(other).is_ok());
        let gate = Gate::new(0);
        assert!((0..1000).all(|_| gate.count(one).is_ok()));
    }
}
