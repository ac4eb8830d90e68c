//! A file on its way in.
//!
//! Each holds up to 16 MiB until they are committed together, and the piece that arrives meanwhile. So how many are
//! under way is bounded (`files.max_uploads`), and the next one is told to come again. The other ways cost more: a
//! commit per MiB waits for the disk sixteen times as often, a spool file writes each byte twice, and the one writer
//! of `files.db` can't be held while a client is slow.

use crate::{
    app::App,
    auth::{Caller, Role},
    error::{Code, Error, Result},
    id::{ConnectorId, FileId},
    slots::Slot,
    store::{
        self,
        file::{FileWriter, NewFile, Source, StoredFile},
    },
};

/// Takes a file's bytes, up to the limit. Dropped without [`finish`](Self::finish), nothing of it stays.
pub struct Incoming {
    writer: FileWriter,
    limit_mb: u32,
    _slot: Slot,
}

impl Incoming {
    pub(super) fn new(app: &App, file: NewFile) -> Result<Self> {
        let slot = app.uploads.take().ok_or_else(|| {
            let most = app.uploads.most();
            Error::new(
                Code::Busy,
                format!("{most} uploads are under way already (files.max_uploads). Send the file again in a moment."),
            )
        })?;
        let writer = FileWriter::create(&app.store, file);
        Ok(Self { writer, limit_mb: app.config.files.max_upload_mb, _slot: slot })
    }

    /// A file that is sent straight to a connector.
    pub fn to_connector(
        app: &App,
        caller: &Caller,
        connector: ConnectorId,
        name: &str,
        content_type: &str,
    ) -> Result<Self> {
        let file = NewFile {
            id: FileId::new(),
            name: checked_name(name, "filename")?,
            content_type: media_type(content_type),
            source: Source::Upload,
            owner: Some(caller.member.id),
            owner_key: Some(caller.key),
            connector: Some(connector),
        };
        Self::new(app, file)
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `too_large` for the byte that is one too many.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.writer.size() + bytes.len() as u64 > limit_bytes(self.limit_mb) {
            return Err(too_large(self.limit_mb));
        }
        self.writer.append(bytes)
    }

    /// Completes the file.
    pub fn finish(self) -> Result<StoredFile> {
        self.writer.finish()
    }
}

/// The most bytes that a file may have.
#[must_use]
pub fn limit(app: &App) -> u64 {
    limit_bytes(app.config.files.max_upload_mb)
}

fn limit_bytes(limit_mb: u32) -> u64 {
    u64::from(limit_mb) * 1024 * 1024
}

/// The refusal of a file that has more.
#[must_use]
pub fn too_large(limit_mb: u32) -> Error {
    Error::new(Code::TooLarge, format!("The file is larger than {limit_mb} MB (files.max_upload_mb)."))
}

/// Longest name of a file, in characters.
const MAX_NAME: usize = 255;

/// The name as it is kept; `key` is what its sender calls it.
pub(super) fn checked_name(name: &str, key: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::required(key));
    }
    let length = name.chars().count();
    if length > MAX_NAME {
        let detail = format!("{key}: found {length} characters, expected at most {MAX_NAME}");
        return Err(Error::invalid(detail).at(key));
    }
    Ok(name.to_owned())
}

/// What a download may say that it is: anything but a well-formed media type is bytes.
pub(super) fn media_type(sent: &str) -> String {
    let sent = sent.trim();
    let is_sane = sent.len() <= MAX_NAME
        && sent.bytes().all(|b| (b' '..=b'~').contains(&b))
        && sent.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    if is_sane { sent.to_owned() } else { "application/octet-stream".to_owned() }
}

/// Keeps a file that the program itself brings along, as one that `caller` has sent with a form.
pub fn keep(app: &App, caller: &Caller, name: &str, content_type: &str, bytes: &[u8]) -> Result<StoredFile> {
    caller.needs(Role::Runner)?;
    let mut incoming = Incoming::new(
        app,
        NewFile {
            id: FileId::new(),
            name: checked_name(name, "filename")?,
            content_type: media_type(content_type),
            source: Source::SmartConnectorImport,
            owner: Some(caller.member.id),
            owner_key: Some(caller.key),
            connector: None,
        },
    )?;
    incoming.append(bytes)?;
    let mut file = incoming.finish()?;
    app.store.files.write(|tx| store::file::register(tx, file.id, &file.name))?;
    file.registered = true;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_as_sent_unless_empty_or_endless() {
        assert_eq!(checked_name(" Aufträge \"1\".csv ", "name").unwrap(), "Aufträge \"1\".csv");
        assert_eq!(checked_name(&"é".repeat(255), "name").unwrap().chars().count(), 255);
        assert_eq!(checked_name("  ", "name").unwrap_err().code, Code::Required);
        assert!(checked_name(&"é".repeat(256), "name").unwrap_err().detail.contains("256"));
    }

    #[test]
    fn odd_media_types_are_bytes() {
        assert_eq!(media_type("text/csv; charset=utf-8"), "text/csv; charset=utf-8");
        for odd in ["", "csv", "/", "text/", "text/csv\r\nX: y", "text/ü"] {
            assert_eq!(media_type(odd), "application/octet-stream", "{odd:?}");
        }
    }
}
