//! Three legs: a signed form is given out, the file is sent with it, its sender says that it is done.
//!
//! The form holds all that is to be known of the file, signed, so nothing is written before the bytes
//! come, and whoever has the form needs no key. The second leg completes the file, the third registers
//! it: until then it exists for nobody, and it goes [`UNREGISTERED`] after its form has expired.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    incoming::{Incoming, checked_name, media_type},
    owns,
};
use crate::{
    app::App,
    auth::{Caller, Role, signature},
    error::{Code, Error, Result},
    id::{FileId, KeyId, MemberId},
    store::{
        self,
        file::{NewFile, Source, StoredFile},
    },
};

/// How long a file that came with a form waits for its sender's word, after the form has expired.
const UNREGISTERED: TimeDelta = TimeDelta::days(1);

/// What a form allows. Signed as the text that is sent, so its spelling is nobody's concern.
#[derive(Debug, Serialize, Deserialize)]
struct Policy {
    id: FileId,
    source: String,
    name: String,
    content_type: String,
    owner: MemberId,
    /// Who asked for it: a limited key has what was sent with it, and no more of what its member sent.
    owner_key: Option<KeyId>,
    expires: DateTime<Utc>,
}

/// The fields of a form, to be sent before the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The id of the file to be.
    pub id: FileId,
    /// `<business id>/<source>/<file id>.<extension>`.
    pub key: String,
    /// What it allows.
    pub policy: String,
    /// Of the policy.
    pub signature: String,
}

/// Gives out a form.
pub fn give_form(app: &App, caller: &Caller, source: Source, name: &str, content_type: &str) -> Result<Form> {
    caller.needs(Role::Runner)?;
    sweep(app)?;
    let policy = Policy {
        id: FileId::new(),
        source: source.as_str().to_owned(),
        name: checked_name(name, "filename")?,
        content_type: media_type(content_type),
        owner: caller.member.id,
        owner_key: Some(caller.key),
        expires: app.clock.now() + valid_for(app),
    };
    let key = format!("{}.{}", key_stem(app, source, policy.id), extension(&policy.name));
    let text = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&policy).map_err(Error::internal)?);
    let signature = sign(app, &key, &text);
    Ok(Form { id: policy.id, key, policy: text, signature })
}

/// Takes the file of a form.
///
/// # Errors
/// `permission_required` for a form that this server did not sign, or no longer takes.
pub fn accept(app: &App, key: &str, policy: &str, signature: &str) -> Result<Incoming> {
    let refused = |why: &str| Error::new(Code::PermissionRequired, why);
    if !signature::is_signed(&app.workspace.form_secret, &signed(key, policy), signature) {
        return Err(refused("The upload form was not signed by this server. Ask for a new one."));
    }
    let policy: Policy = BASE64_URL_SAFE_NO_PAD
        .decode(policy)
        .map_err(Error::internal)
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(Error::internal))?;
    if app.clock.now() >= policy.expires {
        return Err(refused("The upload form has expired (files.form_valid_s). Ask for a new one."));
    }
    let source = Source::parse(&policy.source).ok_or_else(|| Error::internal("a form's source"))?;
    let file = NewFile {
        id: policy.id,
        name: policy.name,
        content_type: policy.content_type,
        source,
        owner: Some(policy.owner),
        owner_key: policy.owner_key,
        connector: None,
    };
    Incoming::new(app, file)
}

/// What a sender says of the file that it sent.
#[derive(Debug)]
pub struct Sent {
    /// The file's id.
    pub id: FileId,
    /// As in the form.
    pub key: String,
    /// What it shall be called.
    pub name: String,
    /// As the second leg answered it, with or without its quotes.
    pub etag: String,
    /// What for.
    pub source: Source,
}

/// Registers a file that came with a form. Said again, it is the same file.
///
/// # Errors
/// `does_not_exist` for a file that never came whole, or that somebody else sent; `invalid` for words that
/// are not those of the file.
pub fn register(app: &App, caller: &Caller, sent: &Sent) -> Result<StoredFile> {
    caller.needs(Role::Runner)?;
    let name = checked_name(&sent.name, "name")?;
    app.store.files.write(|tx| {
        let mut file = store::file::find(tx, sent.id)?
            .filter(|file| owns(caller, file) && is_of_form(file))
            .ok_or_else(|| {
                Error::does_not_exist(format!("uuid: No file {} was sent. Send it first.", sent.id))
                    .at("uuid")
            })?;
        agree(app, sent, &name, &file)?;
        store::file::register(tx, file.id, &name)?;
        (file.registered, file.name) = (true, name);
        Ok(file)
    })
}

fn is_of_form(file: &StoredFile) -> bool {
    matches!(file.source, Source::SmartConnectorImport | Source::RecordImport)
}

fn agree(app: &App, sent: &Sent, name: &str, file: &StoredFile) -> Result<()> {
    let differs = |field: &str, what: &str| Err(Error::invalid(format!("{field}: {what}")).at(field));
    if sent.source != file.source {
        return differs("source", "The form was given out for another source.");
    }
    if sent.key.rsplit_once('.').map(|(stem, _)| stem) != Some(&key_stem(app, file.source, file.id)) {
        return differs("key", "This is not the key of the form.");
    }
    if sent.etag.trim_matches('"') != file.sha256 {
        return differs("etag", "The bytes that were stored have another hash. Send the file again.");
    }
    if file.registered && file.name != name {
        return differs("name", "The file is registered already, under another name.");
    }
    Ok(())
}

/// Removes files whose forms expired a day ago. Done when a form is asked for: nothing else makes them.
fn sweep(app: &App) -> Result<()> {
    let before = app.clock.now() - valid_for(app) - UNREGISTERED;
    for id in app.store.files.read(|conn| store::file::forgotten(conn, before))? {
        app.store.files.write(|tx| store::file::forget(tx, id))?;
    }
    Ok(())
}

fn valid_for(app: &App) -> TimeDelta {
    TimeDelta::seconds(app.config.files.form_valid_s.into())
}

fn key_stem(app: &App, source: Source, id: FileId) -> String {
    format!("{}/{}/{id}", app.workspace.id, source.as_str())
}

fn signed(key: &str, policy: &str) -> Vec<u8> {
    format!("upload form\n{key}\n{policy}").into_bytes()
}

fn sign(app: &App, key: &str, policy: &str) -> String {
    signature::sign(&app.workspace.form_secret, &signed(key, policy))
}

/// The extension of a name, when it is one; `bin` otherwise.
fn extension(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((_, last))
            if (1..=10).contains(&last.len()) && last.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            last
        }
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::extension;

    #[test]
    fn extensions_are_plain() {
        for (name, expected) in [
            ("a.csv", "csv"),
            ("a.tar.GZ", "GZ"),
            ("a", "bin"),
            ("a.", "bin"),
            ("a.x/y", "bin"),
            (".ü", "bin"),
        ] {
            assert_eq!(extension(name), expected, "{name}");
        }
    }
}
