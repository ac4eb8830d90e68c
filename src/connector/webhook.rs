//! What a webhook connector is set to: who may send without a key.
//!
//! Secrets are write-only: a text is a new one, a row as it was read keeps the one with its `id`, and one
//! that is left out goes. So a sender's secret is rotated by adding the new one, changing the sender, and
//! leaving the old one out. They are kept encrypted; this module never sees one in clear after the save.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::written::Ignored;
use crate::{
    auth::webhook::{SignatureRule, standard_key},
    error::{Error, Result},
};

/// Seconds that requests collect where the connector does not say.
pub const DEFAULT_CADENCE_S: u32 = 60;
/// The longest: three hours.
pub const MAX_CADENCE_S: u32 = 3 * 3600;
/// Secrets at a time.
const MAX_SECRETS: usize = 10;
/// Characters of a secret: fewer could be guessed.
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 16..=512;

/// Who may send to a webhook connector without a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookSettings {
    /// Any of them may have signed.
    pub signing_secrets: Vec<SealedSecret>,
    /// How.
    pub signature: SignatureRule,
}

/// A secret as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// Names it.
    pub id: Uuid,
    /// When it was entered.
    pub created: DateTime<Utc>,
    /// Encrypted.
    pub sealed: String,
}

/// Who may send without a key, as callers write it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenWebhookSettings {
    /// All secrets; left out: they stay.
    pub signing_secrets: Option<Vec<WrittenSecret>>,
    /// How the sender signs; left out: it stays.
    pub signature: Option<SignatureRule>,
}

/// A new secret, or one that is there.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text, or a secret's row with its id")]
pub enum WrittenSecret {
    /// The secret itself.
    New(String),
    /// One that is there.
    Kept(KeptSecret),
}

/// A secret as it was read.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptSecret {
    /// Names it.
    pub id: Uuid,
    /// Ignored.
    #[schema(ignore)]
    pub created: Ignored,
    /// Ignored.
    #[schema(ignore)]
    pub is_readable: Ignored,
}

/// The settings after a save. `seal` encrypts a new secret.
pub fn merged(
    before: &WebhookSettings,
    sent: WrittenWebhookSettings,
    now: DateTime<Utc>,
    seal: impl Fn(&str) -> Result<String>,
) -> Result<WebhookSettings> {
    let signature = sent.signature.unwrap_or_else(|| before.signature.clone());
    signature.check()?;
    let signing_secrets = match sent.signing_secrets {
        None => before.signing_secrets.clone(),
        Some(sent) if sent.len() > MAX_SECRETS => {
            let detail = format!(
                "webhook_settings.signing_secrets: found {}, expected at most {MAX_SECRETS}",
                sent.len()
            );
            return Err(Error::invalid(detail).at("webhook_settings.signing_secrets"));
        }
        Some(sent) => sent
            .into_iter()
            .enumerate()
            .map(|(n, secret)| {
                let path = format!("webhook_settings.signing_secrets[{n}]");
                match secret {
                    WrittenSecret::Kept(kept) => before
                        .signing_secrets
                        .iter()
                        .find(|secret| secret.id == kept.id)
                        .cloned()
                        .ok_or_else(|| super::validate::unknown_id(&path)),
                    WrittenSecret::New(text) => {
                        check_secret(&signature, &text, &path)?;
                        Ok(SealedSecret { id: Uuid::new_v4(), created: now, sealed: seal(&text)? })
                    }
                }
            })
            .collect::<Result<_>>()?,
    };
    Ok(WebhookSettings { signing_secrets, signature })
}

/// The sentence never repeats the secret: it ends up in logs.
pub(super) fn check_secret(rule: &SignatureRule, secret: &str, path: &str) -> Result<()> {
    let found = secret.chars().count();
    if !SECRET_LENGTH.contains(&found) {
        let (least, most) = (SECRET_LENGTH.start(), SECRET_LENGTH.end());
        let detail = format!("{path}: found {found} characters, expected {least} to {most}");
        return Err(Error::invalid(detail).at(path));
    }
    if rule.is_standard() && standard_key(secret).is_none() {
        let detail = format!("{path}: expected Base64, with or without \"whsec_\" in front");
        return Err(Error::invalid(detail).at(path));
    }
    Ok(())
}

/// How long requests may collect.
pub fn check_cadence(seconds: u32, at_least: u32) -> Result<()> {
    if (at_least..=MAX_CADENCE_S).contains(&seconds) {
        return Ok(());
    }
    let detail = format!(
        "cadence: found {seconds}, expected {at_least} (webhook.min_cadence_s) to {MAX_CADENCE_S} seconds"
    );
    Err(Error::invalid(detail).at("cadence"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn save(before: &WebhookSettings, sent: serde_json::Value) -> Result<WebhookSettings> {
        let sent = serde_json::from_value(sent).unwrap();
        merged(before, sent, DateTime::UNIX_EPOCH, |text| Ok(format!("sealed {}", text.len())))
    }

    #[test]
    fn secrets_are_rotated_by_their_ids() {
        let (old, new) = ("b2xkIHNlY3JldCBvbGQgc2VjcmV0", "whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0");
        let first = save(&WebhookSettings::default(), json!({"signing_secrets": [old]})).unwrap();
        let row = json!({"id": first.signing_secrets[0].id, "created": "x", "is_readable": true});
        let both = save(&first, json!({"signing_secrets": [new, row]})).unwrap();
        assert_eq!(both.signing_secrets.len(), 2);
        assert_eq!(both.signing_secrets[1], first.signing_secrets[0]);
        assert_eq!(
            save(&both, json!({"signature": {"preset": "standard"}})).unwrap().signing_secrets,
            both.signing_secrets
        );
        assert!(save(&both, json!({"signing_secrets": []})).unwrap().signing_secrets.is_empty());
        assert!(save(&WebhookSettings::default(), json!({"signing_secrets": [row]})).is_err());
    }

    #[test]
    fn a_refusal_never_repeats_the_secret() {
        for (secret, signature) in
            [("hush", json!({"preset": "github"})), ("not base64, not base64", json!({}))]
        {
            let sent = json!({"signing_secrets": [secret], "signature": signature});
            let refusal = save(&WebhookSettings::default(), sent).unwrap_err();
            assert!(!refusal.detail.contains(secret), "{refusal}");
        }
    }
}
