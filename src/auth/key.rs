//! API keys: 256 random bits, shown once, kept as SHA-256.
//!
//! A fast hash is right here: the secret is random, so there is no dictionary to slow down.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::Role;
use crate::id::{ConnectorId, KeyId, MemberId};

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: KeyId,
    /// Whose it is.
    pub member: MemberId,
    /// What it is for.
    pub name: String,
    /// The most that it may do; the member's role bounds it too.
    pub role: Role,
    /// The connectors that it reaches; `None`: all.
    pub connectors: Option<Vec<ConnectorId>>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A fresh secret, with a prefix that secret scanners and people recognise.
#[must_use]
pub fn new_secret() -> String {
    format!("sck_{}", BASE64_URL_SAFE_NO_PAD.encode(random_bytes()))
}

/// 256 random bits from the operating system.
#[must_use]
pub fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .expect("the operating system gives random bytes on every platform that we run on");
    bytes
}

/// What is kept of a secret.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (a, b) = (new_secret(), new_secret());
        assert_ne!(a, b);
        assert_eq!(a.len(), 4 + 43);
        assert_ne!(hash(&a), hash(&b));
        assert_eq!(hash(&a), hash(&a));
    }
}
