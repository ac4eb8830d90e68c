//! Secrets at rest: encrypted with a key that lies beside the databases, never in one, so that a copy of a
//! database alone gives none away. XChaCha20-Poly1305, with a random nonce in front of each text.
//!
//! The key file is made at the first start. Where it was lost (a backup restored without it) a new one is
//! made: what the old one encrypted can't be read any more and has to be entered again.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    Key, KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};

use super::KEY_FILE;
use crate::{
    auth::key::random_bytes,
    error::{Error, Result},
};

/// Bytes of a nonce.
const NONCE: usize = 24;

/// Encrypts and decrypts with the data folder's key.
pub struct Secrets {
    cipher: XChaCha20Poly1305,
}

impl Secrets {
    /// Reads the key file, or makes it.
    ///
    /// # Errors
    /// The file holds no key: it stays as it is.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(KEY_FILE);
        let key = match fs::read_to_string(&path) {
            Ok(text) => read(&text).ok_or_else(|| {
                Error::invalid(format!(
                    "{} is no key file: expected 32 bytes in Base64. Restore it, or remove it and enter the webhook secrets again.",
                    path.display()
                ))
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => make(dir, &path)?,
            Err(error) => return Err(Error::internal(format!("{}: {error}", path.display()))),
        };
        Ok(Self { cipher: XChaCha20Poly1305::new(&Key::from(key)) })
    }

    /// Encrypts a text. `place` says whose it is: it can't be read as another's.
    pub fn seal(&self, text: &str, place: &str) -> Result<String> {
        let random = random_bytes();
        let nonce: [u8; NONCE] =
            random[..NONCE].try_into().expect("a slice of this length is an array of this length");
        let payload = Payload { msg: text.as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::internal("a secret could not be encrypted"))?;
        Ok(BASE64_STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// The text; `None`: another key encrypted it, or for another place.
    #[must_use]
    pub fn unseal(&self, sealed: &str, place: &str) -> Option<String> {
        let bytes = BASE64_STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        String::from_utf8(self.cipher.decrypt(&XNonce::from(nonce), payload).ok()?).ok()
    }
}

fn read(text: &str) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

/// Written whole under another name first: a file of this name always holds a key.
fn make(dir: &Path, path: &Path) -> Result<[u8; 32]> {
    let failed = |e: &dyn std::fmt::Display| Error::internal(format!("{}: {e}", path.display()));
    let key = random_bytes();
    // A temporary file is its owner's alone (0600).
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|e| failed(&e))?;
    writeln!(file, "{}", BASE64_STANDARD.encode(key)).map_err(|e| failed(&e))?;
    file.as_file().sync_all().map_err(|e| failed(&e))?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            // The name must last too: what is encrypted next is lost without it.
            fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| failed(&e))?;
            Ok(key)
        }
        // Another process was first.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(path).map_err(|e| failed(&e))?;
            read(&text).ok_or_else(|| failed(&"no key"))
        }
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_with_its_key_and_place_alone() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(dir.path()).unwrap();
        let sealed = secrets.seal("hush hush", "a").unwrap();
        assert!(!sealed.contains("hush"));
        assert_ne!(sealed, secrets.seal("hush hush", "a").unwrap());
        let again = Secrets::open(dir.path()).unwrap();
        assert_eq!(again.unseal(&sealed, "a").as_deref(), Some("hush hush"));
        for (text, place) in [(sealed.as_str(), "b"), ("", "a"), ("AAAA", "a"), (&sealed[4..], "a")] {
            assert_eq!(again.unseal(text, place), None);
        }
        fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
        assert_eq!(Secrets::open(dir.path()).unwrap().unseal(&sealed, "a"), None);
    }

    #[test]
    fn the_key_is_its_owners_and_what_is_no_key_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        drop(Secrets::open(dir.path()).unwrap());
        let path = dir.path().join(KEY_FILE);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&path, "nonsense").unwrap();
        assert!(Secrets::open(dir.path()).err().unwrap().detail.contains("no key file"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "nonsense");
    }
}
