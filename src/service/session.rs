//! Who asks: recognises keys and sessions, starts and ends sessions.

use std::fmt;

use chrono::TimeDelta;

use crate::{
    app::App,
    auth::{Caller, key},
    error::{Code, Error, Result},
    id::{MemberId, WorkspaceId},
    store,
};

/// What a request brought along.
#[derive(Clone, Default)]
pub struct Credentials {
    /// `X-API-KEY` or a bearer token.
    pub key: Option<String>,
    /// The session cookie.
    pub session: Option<String>,
    /// `X-BUSINESS-ID`; must agree when sent.
    pub business: Option<String>,
    /// `X-USER-ID`; must agree when sent.
    pub user: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither key nor session.
        let Self { key: _, session: _, business, user } = self;
        f.debug_struct("Credentials").field("business", business).field("user", user).finish_non_exhaustive()
    }
}

/// The event of somebody who could not sign in.
const FAILED: &str = "sign_in_failed";
/// Such events are at least this far apart.
const FAILURES_APART: TimeDelta = TimeDelta::seconds(10);
/// How long a session lasts.
const SESSION: TimeDelta = TimeDelta::days(7);
/// A key's `last_used_at` is written at most this often: nothing else is written per request.
const TOUCH: TimeDelta = TimeDelta::seconds(60);

/// Finds out who asks.
///
/// # Errors
/// 401 for missing, unknown, revoked or expired credentials, and for ids that don't belong to the key.
pub fn recognise(app: &App, credentials: &Credentials) -> Result<Caller> {
    let now = app.clock.now();
    let conn = app.store.control.reader()?;
    let found = match (&credentials.key, &credentials.session) {
        (Some(secret), _) => store::key::by_secret(&conn, &key::hash(secret), now)?,
        (None, Some(token)) => store::key::by_session(&conn, &key::hash(token), now)?,
        (None, None) => {
            return Err(Error::new(
                Code::MissingCredentials,
                "No credentials were sent. Send a key in X-API-KEY or as a bearer token.",
            ));
        }
    };
    drop(conn);
    let (key, member) = found.ok_or_else(|| {
        Error::new(Code::InvalidCredentials, "The key or session is unknown, expired or revoked.")
    })?;
    agree(app, credentials, member.id)?;
    if key.last_used_at.is_none_or(|last| now - last > TOUCH) {
        // A disk that is full must not keep anybody from reading, nor what somebody else writes.
        match app.store.control.write(|tx| store::key::touch(tx, key.id, now)) {
            Err(error) if !matches!(error.code, Code::DiskFull | Code::Busy) => return Err(error),
            _ => {}
        }
    }
    let role = key.role.min(member.role);
    Ok(Caller { member, key: key.id, role, connectors: key.connectors })
}

pub(super) fn agree(app: &App, credentials: &Credentials, member: MemberId) -> Result<()> {
    let business = credentials.business.as_deref().filter(|id| !id.is_empty());
    if business.is_some_and(|id| id.parse() != Ok::<WorkspaceId, uuid::Error>(app.workspace.id)) {
        return Err(Error::new(
            Code::WrongWorkspace,
            "X-BUSINESS-ID is not this server's workspace. `smartconnector info` shows its id.",
        ));
    }
    let user = credentials.user.as_deref().filter(|id| !id.is_empty());
    if user.is_some_and(|id| id.parse() != Ok::<MemberId, uuid::Error>(member)) {
        return Err(Error::new(
            Code::InvalidCredentials,
            "X-USER-ID is not the member that this key belongs to.",
        ));
    }
    Ok(())
}

/// Starts a session for the page. Answers who it is, the cookie's value and how long it lasts.
pub fn start(app: &App, credentials: &Credentials) -> Result<(Caller, String, TimeDelta)> {
    let caller = match recognise(app, credentials) {
        Ok(caller) => caller,
        Err(error) => {
            note_failure(app)?;
            return Err(error);
        }
    };
    let token = key::new_secret();
    let now = app.clock.now();
    app.store.control.write(|tx| {
        store::key::start_session(tx, &key::hash(&token), caller.key, now, now + SESSION)?;
        let message = format!("{} signed in.", caller.member.full_name());
        store::event::add(tx, None, now, "signed_in", &message, Some(caller.member.id), None)
    })?;
    Ok((caller, token, SESSION))
}

/// Notes that somebody could not sign in, unless that was noted just now: anybody may try as often as they
/// like, and must not fill the disk.
fn note_failure(app: &App) -> Result<()> {
    let now = app.clock.now();
    let last = app.store.control.read(|conn| store::event::last_of(conn, FAILED))?;
    if last.is_some_and(|last| now - last < FAILURES_APART) {
        return Ok(());
    }
    let message = "Signing in failed: the key is unknown, expired or revoked.";
    match app.store.control.write(|tx| store::event::add(tx, None, now, FAILED, message, None, None)) {
        Err(error) if error.code != Code::DiskFull => Err(error),
        _ => Ok(()),
    }
}

/// Ends a session; an unknown one is already over.
pub fn end(app: &App, token: &str) -> Result<()> {
    app.store.control.write(|tx| store::key::end_session(tx, &key::hash(token)))
}
