//! Webhooks that prove themselves by a signature: HMAC-SHA256 over the raw body, as different senders put
//! it into headers. Compared in constant time.
//!
//! | preset | header | signed | secret |
//! |---|---|---|---|
//! | `standard` | `webhook-signature: v1,<base64>`, several by spaces | `<webhook-id>.<webhook-timestamp>.<body>` | Base64, `whsec_` in front or not |
//! | `github` | `X-Hub-Signature-256: sha256=<hex>` | the body | as it stands |
//! | `stripe` | `Stripe-Signature: t=<seconds>,v1=<hex>`, several `v1` | `<t>.<body>` | as it stands |
//! | `shopify` | `X-Shopify-Hmac-Sha256: <base64>` | the body | as it stands |
//! | none | as configured | the body | as it stands |
//!
//! Sources: <https://www.standardwebhooks.com>, and the senders' own documentation. Where the time is
//! signed too it may be five minutes off.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use hmac::Mac as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::signature::mac;
use crate::{
    error::{Code, Error, Result},
    hex,
};

/// How far a signed time may be off, seconds.
const TOLERANCE_S: u64 = 300;
/// Longest header name.
const MAX_NAME: usize = 100;
/// The header that names a request of the `standard` preset.
const ID: &str = "webhook-id";

/// A sender whose way of signing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Standard Webhooks.
    Standard,
    /// GitHub.
    Github,
    /// Stripe.
    Stripe,
    /// Shopify.
    Shopify,
}

/// How a signature's bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// 64 hexadecimal digits.
    Hex,
    /// Standard Base64.
    Base64,
}

/// How a sender signs: a preset, or a header, its encoding and what stands before the signature in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureRule {
    /// A sender that is known; left out with a `header`, else `standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// The header that holds the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// How the signature is written there; left out: `hex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What stands before it, for example `sha256=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl SignatureRule {
    /// Refuses a rule that is neither a preset nor a header with its encoding.
    pub fn check(&self) -> Result<()> {
        let refused = |key: &str, detail: &str| {
            let path = format!("webhook_settings.signature.{key}");
            Err(Error::invalid(format!("{path}: {detail}")).at(&path))
        };
        match (&self.header, self.preset) {
            (Some(_), Some(_)) => refused("header", "a preset has its own header; send one of the two"),
            (None, _) if self.encoding.is_some() || self.prefix.is_some() => {
                refused("header", "encoding and prefix go with a header")
            }
            (Some(name), None) => {
                let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
                if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_token) {
                    Ok(())
                } else {
                    refused("header", &format!("found {name:?}, expected the name of a header"))
                }
            }
            (None, _) => Ok(()),
        }
    }

    /// Whether secrets are Base64.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.header.is_none() && self.preset.unwrap_or(Preset::Standard) == Preset::Standard
    }

    /// Whether one of the secrets signed the request.
    ///
    /// # Errors
    /// `missing_credentials` without a signature, else `invalid_credentials` with the reason.
    pub fn verify<'h>(
        &self,
        secrets: &[String],
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let claim = self.claim(header)?;
        if let Some(time) = claim.time
            && now.timestamp().abs_diff(time) > TOLERANCE_S
        {
            return Err(invalid(&format!("The signed time is more than {TOLERANCE_S} seconds off.")));
        }
        let signed = secrets.iter().any(|secret| {
            let mut mac = mac(&self.key(secret), claim.before_body.as_bytes());
            mac.update(body);
            claim.signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        });
        if signed { Ok(()) } else { Err(invalid("The signature is not that of this request.")) }
    }

    /// The bytes that sign. A secret of the `standard` preset is Base64; one that is none was given for
    /// another way of signing.
    fn key(&self, secret: &str) -> Vec<u8> {
        if self.is_standard() { standard_key(secret) } else { None }
            .unwrap_or_else(|| secret.as_bytes().to_vec())
    }

    fn claim<'h>(&self, header: impl Fn(&str) -> Option<&'h str>) -> Result<Claim> {
        let named = |name: &str| {
            header(name).map(str::trim).ok_or_else(|| {
                let detail =
                    format!("No credentials were sent: send a key in X-API-KEY, or a signature in {name}.");
                Error::new(Code::MissingCredentials, detail)
            })
        };
        if let Some(name) = &self.header {
            let encoding = self.encoding.unwrap_or(Encoding::Hex);
            return Ok(Claim::of_body(named(name)?, self.prefix.as_deref().unwrap_or_default(), encoding));
        }
        match self.preset.unwrap_or(Preset::Standard) {
            Preset::Github => Ok(Claim::of_body(named("x-hub-signature-256")?, "sha256=", Encoding::Hex)),
            Preset::Shopify => Ok(Claim::of_body(named("x-shopify-hmac-sha256")?, "", Encoding::Base64)),
            Preset::Stripe => Claim::stripe(named("stripe-signature")?),
            Preset::Standard => {
                Claim::standard(named("webhook-signature")?, named(ID)?, named("webhook-timestamp")?)
            }
        }
    }
}

/// What a request says about its signature.
struct Claim {
    /// Each may be the one: secrets and signatures overlap while they are rotated.
    signatures: Vec<Vec<u8>>,
    /// What is signed in front of the body.
    before_body: String,
    /// The signed time, seconds.
    time: Option<i64>,
}

impl Claim {
    fn of_body(value: &str, prefix: &str, encoding: Encoding) -> Self {
        let signature = value.strip_prefix(prefix).and_then(|text| decoded(text, encoding));
        Self { signatures: signature.into_iter().collect(), before_body: String::new(), time: None }
    }

    fn standard(signatures: &str, id: &str, timestamp: &str) -> Result<Self> {
        let signatures = signatures
            .split(' ')
            .filter_map(|one| decoded(one.strip_prefix("v1,")?, Encoding::Base64))
            .collect();
        let before_body = format!("{id}.{timestamp}.");
        Ok(Self { signatures, before_body, time: Some(seconds(timestamp)?) })
    }

    fn stripe(value: &str) -> Result<Self> {
        let parts = || value.split(',').filter_map(|part| part.trim().split_once('='));
        let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time);
        let time = time.ok_or_else(|| invalid("Stripe-Signature has no t=."))?;
        let signatures = parts()
            .filter(|(name, _)| *name == "v1")
            .filter_map(|(_, text)| decoded(text, Encoding::Hex))
            .collect();
        Ok(Self { signatures, before_body: format!("{time}."), time: Some(seconds(time)?) })
    }
}

/// The bytes of a Standard Webhooks secret.
#[must_use]
pub fn standard_key(secret: &str) -> Option<Vec<u8>> {
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    BASE64_STANDARD.decode(text).ok().filter(|key| !key.is_empty())
}

/// Signs a message as Standard Webhooks say: the value of its `webhook-signature`. `None`: the secret is not
/// Base64.
#[must_use]
pub fn sign_standard(secret: &str, id: &str, time: i64, body: &[u8]) -> Option<String> {
    let mut mac = mac(&standard_key(secret)?, format!("{id}.{time}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

fn seconds(text: &str) -> Result<i64> {
    text.parse().map_err(|_| invalid("The signed time is no number of seconds."))
}

fn decoded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Base64 => BASE64_STANDARD.decode(text).ok(),
        Encoding::Hex => hex::read(text),
    }
}

fn invalid(detail: &str) -> Error {
    Error::new(Code::InvalidCredentials, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(preset: Preset) -> SignatureRule {
        SignatureRule { preset: Some(preset), ..SignatureRule::default() }
    }

    fn verify(
        rule: &SignatureRule,
        secrets: &[&str],
        headers: &[(&str, &str)],
        body: &str,
        now: i64,
    ) -> Result<()> {
        let secrets: Vec<String> = secrets.iter().map(|s| (*s).to_owned()).collect();
        let header = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v);
        rule.verify(&secrets, header, body.as_bytes(), DateTime::from_timestamp(now, 0).unwrap())
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const TIME: i64 = 1_614_265_330;

    fn standard(signature: &str) -> [(&str, &str); 3] {
        [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", signature),
        ]
    }

    /// The published vector of Standard Webhooks' reference libraries, and the cases of their tests.
    #[test]
    fn the_vectors_of_standard_webhooks_hold() {
        let rule = SignatureRule::default();
        let check = |secrets: &[&str], signature: &str, body: &str, now: i64| {
            verify(&rule, secrets, &standard(signature), body, now)
        };
        assert_eq!(check(&[SECRET], SIGNED, BODY, TIME), Ok(()));
        assert_eq!(check(&[SECRET.strip_prefix("whsec_").unwrap()], SIGNED, BODY, TIME), Ok(()));
        let wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
        let several = format!("{wrong} v2,{} {SIGNED} v1,not-base64", &SIGNED[3..]);
        assert_eq!(check(&[SECRET], &several, BODY, TIME), Ok(()));
        // Two secrets at once: one is being rotated out.
        assert_eq!(check(&["whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0", SECRET], SIGNED, BODY, TIME), Ok(()));
        for signature in [wrong, "", "v1,", &SIGNED[3..], "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
            assert_eq!(check(&[SECRET], signature, BODY, TIME).unwrap_err().code, Code::InvalidCredentials);
        }
        assert!(check(&[SECRET], SIGNED, r#"{"test": 1}"#, TIME).is_err());
        assert!(check(&["whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0"], SIGNED, BODY, TIME).is_err());
        assert!(check(&[], SIGNED, BODY, TIME).is_err());
    }

    #[test]
    fn what_is_signed_is_that_vector() {
        let signed = sign_standard(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", TIME, BODY.as_bytes());
        assert_eq!(signed.as_deref(), Some(SIGNED));
        assert_eq!(sign_standard("not base64!", "a", TIME, b""), None);
    }

    #[test]
    fn a_signed_time_is_at_most_five_minutes_off() {
        let check = |now| verify(&SignatureRule::default(), &[SECRET], &standard(SIGNED), BODY, now);
        assert_eq!((check(TIME + 300), check(TIME - 300)), (Ok(()), Ok(())));
        for now in [TIME + 301, TIME - 301] {
            assert!(check(now).unwrap_err().detail.contains("seconds off"));
        }
        for far in [i64::MIN.to_string(), i64::MAX.to_string()] {
            let mut headers = standard(SIGNED);
            headers[1].1 = &far;
            let refusal = verify(&SignatureRule::default(), &[SECRET], &headers, BODY, TIME).unwrap_err();
            assert!(refusal.detail.contains("seconds off"), "{far}: {refusal}");
        }
    }

    #[test]
    fn every_header_of_the_standard_must_be_there() {
        let all = standard(SIGNED);
        for left_out in 0..all.len() {
            let some: Vec<_> = (0..all.len()).filter(|n| *n != left_out).map(|n| all[n]).collect();
            let refusal = verify(&SignatureRule::default(), &[SECRET], &some, BODY, TIME).unwrap_err();
            assert_eq!(refusal.code, Code::MissingCredentials);
        }
    }

    /// GitHub's documentation, "Testing the webhook payload validation".
    #[test]
    fn github_signs_the_body_in_hex() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let rule = preset(Preset::Github);
        let check = |value: &str, body| {
            verify(&rule, &["It's a Secret to Everybody"], &[("X-Hub-Signature-256", value)], body, 0)
        };
        assert_eq!(check(signature, "Hello, World!"), Ok(()));
        assert!(check(signature, "Hello, World?").is_err());
        assert!(check(&signature[7..], "Hello, World!").is_err());
        assert!(check("sha256=zz", "Hello, World!").is_err());
    }

    #[test]
    fn stripe_signs_time_and_body() {
        // Made with the secret as it stands: `HMAC(secret, "<t>.<body>")`.
        let signature = super::super::signature::sign(b"whsec_test_secret", b"1492774577.{\"id\":\"evt\"}");
        let rule = preset(Preset::Stripe);
        let check = |value: &str, now| {
            verify(&rule, &["whsec_test_secret"], &[("Stripe-Signature", value)], r#"{"id":"evt"}"#, now)
        };
        let value = format!("t=1492774577,v1={},v1={signature},v0=abc", "0".repeat(64));
        assert_eq!(check(&value, 1_492_774_577), Ok(()));
        assert!(check(&value, 1_492_774_577 + 301).is_err());
        assert!(check(&format!("v1={signature}"), 1_492_774_577).is_err());
        assert!(check(&format!("t=1492774578,v1={signature}"), 1_492_774_577).is_err());
    }

    #[test]
    fn other_senders_sign_the_body_in_a_header_of_theirs() {
        let hex = super::super::signature::sign(b"hush", b"text");
        let base64 = BASE64_STANDARD.encode(decoded(&hex, Encoding::Hex).unwrap());
        let shopify = [("X-Shopify-Hmac-Sha256", base64.as_str())];
        assert_eq!(verify(&preset(Preset::Shopify), &["hush"], &shopify, "text", 0), Ok(()));
        let own = |encoding, prefix: &str| SignatureRule {
            preset: None,
            header: Some("X-Signature".to_owned()),
            encoding: Some(encoding),
            prefix: Some(prefix.to_owned()),
        };
        let value = format!("v0={hex}");
        assert_eq!(
            verify(&own(Encoding::Hex, "v0="), &["hush"], &[("x-signature", &value)], "text", 0),
            Ok(())
        );
        assert_eq!(
            verify(&own(Encoding::Base64, ""), &["hush"], &[("x-signature", &base64)], "text", 0),
            Ok(())
        );
        assert!(
            verify(&own(Encoding::Base64, ""), &["hush"], &[("x-signature", &value)], "text", 0).is_err()
        );
        assert_eq!(own(Encoding::Hex, "").check(), Ok(()));
        assert!(SignatureRule { prefix: Some("x".into()), ..SignatureRule::default() }.check().is_err());
        assert!(SignatureRule { header: Some("a b".into()), ..SignatureRule::default() }.check().is_err());
        assert!(SignatureRule { preset: Some(Preset::Github), ..own(Encoding::Hex, "") }.check().is_err());
    }
}
