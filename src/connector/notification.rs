//! Notifications: of which runs somebody outside is told, and where.
//!
//! Every notification is signed, so an address goes with a secret. The secret is the caller's, write-only
//! like those of senders, and kept encrypted.

use chrono::{DateTime, Utc};
use http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    webhook::{SealedSecret, WrittenSecret, check_secret},
    written::present,
};
use crate::{
    auth::webhook::SignatureRule,
    error::{Error, Result},
    id::ConnectorId,
};

/// Longest address.
const MAX_URL: usize = 2_000;

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It stopped on an error, or every row was rejected.
    Failed,
    /// Some rows were rejected.
    PartialSuccess,
    /// All went well.
    Success,
    /// Somebody stopped it.
    Cancelled,
}

/// Of which runs who is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NotificationSettings {
    /// Runs that end so; empty: nobody is told of any.
    pub on: Vec<Ending>,
    /// Where to.
    pub webhook_url: Option<String>,
    /// What signs.
    pub signing_secret: Option<SealedSecret>,
}

impl NotificationSettings {
    /// Whether there is an address and nothing to sign with: it came from another server.
    #[must_use]
    pub const fn lacks_secret(&self) -> bool {
        self.webhook_url.is_some() && self.signing_secret.is_none()
    }
}

/// The settings as an export has them: without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationFacts {
    /// Ways to end.
    #[serde(default)]
    pub on: Vec<Ending>,
    /// Where to.
    #[serde(default)]
    pub webhook_url: Option<String>,
}

impl NotificationFacts {
    /// Of settings that say something.
    #[must_use]
    pub fn of(settings: &NotificationSettings) -> Option<Self> {
        let facts = Self { on: settings.on.clone(), webhook_url: settings.webhook_url.clone() };
        (facts != Self::default()).then_some(facts)
    }
}

/// Of which runs, dry ones too, who is told. Keys that are left out stay.
///
/// When a run ends in one of the ways of `on`, its execution row is posted to `webhook_url`, as its own address
/// answers it; the addresses in it are those of `server.public_url`. It is signed as Standard Webhooks say; its `webhook-id` is the execution's id, the same each time that it is sent. Anything but a 2xx within ten
/// seconds counts as a failure; after three it is given up. Each try is an event of the connector.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenNotificationSettings {
    /// Ways to end; empty: off.
    pub on: Option<Vec<Ending>>,
    /// `http` or `https`, at a host of `notify.allowed_hosts`; null: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub webhook_url: Option<Option<String>>,
    /// Base64, with or without `whsec_` in front; required with a `webhook_url`. Write-only.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<WrittenSecret>)]
    pub signing_secret: Option<Option<WrittenSecret>>,
}

/// Names the place of a connector's secret: one of its senders' can't be read as it.
#[must_use]
pub fn place(connector: ConnectorId) -> String {
    format!("{connector} notification")
}

/// The settings after a save. `allows` tells the hosts that may be sent to, `seal` encrypts a new secret.
pub fn merged(
    before: &NotificationSettings,
    sent: WrittenNotificationSettings,
    now: DateTime<Utc>,
    allows: impl Fn(&str) -> bool,
    seal: impl Fn(&str) -> Result<String>,
) -> Result<NotificationSettings> {
    let mut on: Vec<Ending> = Vec::new();
    for ending in sent.on.unwrap_or_else(|| before.on.clone()) {
        if !on.contains(&ending) {
            on.push(ending);
        }
    }
    let webhook_url = sent.webhook_url.unwrap_or_else(|| before.webhook_url.clone());
    if let Some(url) = webhook_url.as_ref().filter(|_| webhook_url != before.webhook_url) {
        check_url(url, allows)?;
    }
    let signing_secret = match sent.signing_secret {
        None => before.signing_secret.clone(),
        Some(None) => None,
        Some(Some(WrittenSecret::Kept(kept))) => {
            let found = before.signing_secret.clone().filter(|secret| secret.id == kept.id);
            Some(found.ok_or_else(|| super::validate::unknown_id(SECRET))?)
        }
        Some(Some(WrittenSecret::New(text))) => {
            check_secret(&SignatureRule::default(), &text, SECRET)?;
            Some(SealedSecret { id: Uuid::new_v4(), created: now, sealed: seal(&text)? })
        }
    };
    if !on.is_empty() && webhook_url.is_none() {
        return Err(Error::required(URL));
    }
    // An imported address waits for its secret: what was read is accepted meanwhile.
    let still_waits = before.lacks_secret() && webhook_url == before.webhook_url;
    if webhook_url.is_some() && signing_secret.is_none() && !still_waits {
        return Err(Error::required(SECRET));
    }
    Ok(NotificationSettings { on, webhook_url, signing_secret })
}

/// The settings of another server, whose secret stayed there. Nobody is told before a new one is entered.
///
/// # Errors
/// The address is none, or its host is not one that may be sent to.
pub fn imported(facts: &NotificationFacts, allows: impl Fn(&str) -> bool) -> Result<NotificationSettings> {
    let nothing = NotificationSettings { webhook_url: facts.webhook_url.clone(), ..Default::default() };
    if let Some(url) = &facts.webhook_url {
        check_url(url, &allows)?;
    }
    let sent = WrittenNotificationSettings { on: Some(facts.on.clone()), ..Default::default() };
    merged(&nothing, sent, DateTime::UNIX_EPOCH, allows, |_| Ok(String::new()))
}

fn check_url(url: &str, allows: impl Fn(&str) -> bool) -> Result<()> {
    let host = host(url)?;
    if allows(&host) {
        return Ok(());
    }
    let detail = format!("{URL}: the host {host:?} is not one of notify.allowed_hosts");
    Err(Error::invalid(detail).at(URL))
}

const URL: &str = "notification_settings.webhook_url";
const SECRET: &str = "notification_settings.signing_secret";

/// The host of an address, read by the same parser that sends.
///
/// # Errors
/// It is no address that can be sent to. The sentence does not repeat it: it may hold a token.
pub fn host(url: &str) -> Result<String> {
    let wrong = |expected: &str| {
        Error::invalid(format!("{URL}: expected {expected}, for example https://hooks.example.org/runs"))
            .at(URL)
    };
    if url.len() > MAX_URL {
        return Err(wrong(&format!("at most {MAX_URL} characters")));
    }
    let uri: Uri = url.parse().map_err(|_| wrong("an http or https address"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("an http or https address"));
    }
    let authority = uri.authority().ok_or_else(|| wrong("an http or https address"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("an address without user and password"));
    }
    if authority.host().is_empty() {
        return Err(wrong("an address with a host"));
    }
    Ok(authority.host().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "whsec_Zmlyc3Qgc2VjcmV0IGZpcnN0IHNlY3JldA==";

    fn save(before: &NotificationSettings, sent: serde_json::Value) -> Result<NotificationSettings> {
        let sent = serde_json::from_value(sent).unwrap();
        let allows = |host: &str| host == "a.test";
        merged(before, sent, DateTime::UNIX_EPOCH, allows, |text| Ok(format!("sealed {}", text.len())))
    }

    fn set() -> NotificationSettings {
        let all =
            json!({"on": ["failed", "failed"], "webhook_url": "https://a.test/x", "signing_secret": TEXT});
        save(&NotificationSettings::default(), all).unwrap()
    }

    #[test]
    fn what_is_left_out_stays_and_what_was_read_is_accepted() {
        let before = set();
        assert_eq!(before.on, [Ending::Failed]);
        assert_eq!(save(&before, json!({})).unwrap(), before);
        let secret = before.signing_secret.clone().unwrap();
        let row = json!({"id": secret.id, "created": "x", "is_readable": true});
        let read = json!({"on": ["failed"], "webhook_url": "https://a.test/x", "signing_secret": row});
        assert_eq!(save(&before, read).unwrap(), before);
        let off = save(&before, json!({"on": [], "webhook_url": null, "signing_secret": null})).unwrap();
        assert_eq!(off, NotificationSettings::default());
        let other = json!({"id": Uuid::new_v4()});
        assert!(save(&before, json!({ "signing_secret": other })).is_err());
    }

    #[test]
    fn an_address_goes_with_a_secret_and_a_word_with_an_address() {
        let none = NotificationSettings::default();
        for (before, sent, at) in [
            (&none, json!({"webhook_url": "https://a.test"}), SECRET),
            (&set(), json!({"signing_secret": null}), SECRET),
            (&none, json!({"on": ["success"]}), URL),
            (&set(), json!({"webhook_url": null}), URL),
        ] {
            let refusal = save(before, sent).unwrap_err();
            assert!(refusal.detail.contains(at) || format!("{refusal:?}").contains(at), "{refusal:?}");
        }
    }

    #[test]
    fn addresses_that_are_none_or_lead_elsewhere_are_refused() {
        for url in [
            "",
            "a.test",
            "/x",
            "ftp://a.test/x",
            "file:///etc/passwd",
            "https://",
            "https://a.test@evil.test/",
            "https://u:p@a.test/",
            "https://evil.test/?a.test",
            "https://evil.test/#@a.test",
            "http://a.test.evil.test/",
            "https://a.test\\@evil.test/",
            "https://a.test\r\nx: y",
        ] {
            let sent = json!({"webhook_url": url, "signing_secret": TEXT});
            assert!(save(&NotificationSettings::default(), sent).is_err(), "{url}");
        }
        assert_eq!(host("http://a.test:8080/x?y=1"), Ok("a.test".to_owned()));
        assert_eq!(host("http://[::1]:80/"), Ok("[::1]".to_owned()));
    }
}
