//! Signatures: HMAC-SHA256, as 64 hexadecimal digits, compared in constant time.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::hex;

pub(super) fn mac(secret: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}

/// Signs a message.
#[must_use]
pub fn sign(secret: &[u8], message: &[u8]) -> String {
    hex::written(&mac(secret, message).finalize().into_bytes())
}

/// Whether `signature` is that of the message.
#[must_use]
pub fn is_signed(secret: &[u8], message: &[u8], signature: &str) -> bool {
    hex::read(signature).is_some_and(|bytes| mac(secret, message).verify_slice(&bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_hold() {
        // RFC 4231, cases 1 and 2.
        for (secret, message, signature) in [
            (&[0x0b; 20][..], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            assert_eq!(sign(secret, message.as_bytes()), signature);
            assert!(is_signed(secret, message.as_bytes(), signature));
        }
    }

    #[test]
    fn nothing_else_passes() {
        let good = sign(b"secret", b"text");
        assert!(is_signed(b"secret", b"text", &good));
        assert!(!is_signed(b"other", b"text", &good));
        assert!(!is_signed(b"secret", b"text2", &good));
        for bad in [
            "",
            &good[1..],
            &good[2..],
            &format!("{good}0"),
            &format!("{good}00"),
            &good.replace(|_| true, "g"),
            "é".repeat(32).as_str(),
        ] {
            assert!(!is_signed(b"secret", b"text", bad), "{bad}");
        }
    }
}
