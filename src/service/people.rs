//! Members and keys.

use chrono::{DateTime, Utc};

use super::paging::Paging;
use crate::{
    app::App,
    auth::{ApiKey, Caller, Member, Role, key},
    error::{Error, Result},
    id::{ConnectorId, KeyId, MemberId},
    store::{self, Store},
};

/// Members by part of a name or e-mail address.
pub fn search(app: &App, caller: &Caller, text: &str, paging: Paging) -> Result<(u64, Vec<Member>)> {
    caller.needs(Role::Viewer)?;
    caller.needs_unlimited()?;
    let (count, rows) =
        app.store.control.read(|conn| store::member::search(conn, text, paging.limit(), paging.offset()))?;
    Ok((count.unsigned_abs(), rows))
}

/// The keys that were not revoked.
pub fn keys(app: &App, caller: &Caller) -> Result<Vec<ApiKey>> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()?;
    app.store.control.read(store::key::all)
}

/// What a new key may do.
#[derive(Debug)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// Whose it is; `None`: the caller's.
    pub member: Option<MemberId>,
    /// The connectors that it reaches.
    pub connectors: Option<Vec<ConnectorId>>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a key. Answers it with its secret, which is kept nowhere.
pub fn create_key(app: &App, caller: &Caller, new: NewKey) -> Result<(ApiKey, String)> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()?;
    let name = new.name.trim().to_owned();
    if name.is_empty() {
        return Err(Error::required("name"));
    }
    let now = app.clock.now();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("expires_at: this time has passed").at("expires_at"));
    }
    let secret = key::new_secret();
    let key = ApiKey {
        id: KeyId::new(),
        member: new.member.unwrap_or(caller.member.id),
        name,
        role: new.role,
        connectors: new.connectors,
        created: now,
        last_used_at: None,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    app.store.control.write(|tx| {
        if store::member::find(tx, key.member)?.is_none_or(|member| member.deleted.is_some()) {
            return Err(Error::does_not_exist("member_id: no such member").at("member_id"));
        }
        if let Some(connectors) = &key.connectors {
            must_be_there(tx, connectors)?;
        }
        store::key::insert(tx, &key, &key::hash(&secret))?;
        let message = format!("The key {:?} was made, with the role {}.", key.name, key.role.as_str());
        store::event::add(tx, None, now, "key_created", &message, Some(caller.member.id), None)
    })?;
    Ok((key, secret))
}

/// Refuses connectors that are not there, naming each. One that is deleted later stays in the list: a key whose
/// connectors are gone reaches nothing.
fn must_be_there(tx: &store::Transaction<'_>, connectors: &[ConnectorId]) -> Result<()> {
    let mut missing = Vec::new();
    for id in connectors {
        if store::connector::find(tx, *id)?.is_none() {
            missing.push(id.to_string());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let detail = format!("connectors: there is no connector {}", missing.join(", "));
    Err(Error::does_not_exist(detail).at("connectors"))
}

/// Revokes a key.
pub fn revoke_key(app: &App, caller: &Caller, id: KeyId) -> Result<()> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()?;
    let now = app.clock.now();
    app.store.control.write(|tx| {
        if !store::key::revoke(tx, id, now)? {
            return Err(Error::not_found("key"));
        }
        let message = format!("The key {id} was revoked.");
        store::event::add(tx, None, now, "key_revoked", &message, Some(caller.member.id), None)
    })
}

/// Makes a key for the first member, by whoever may write the data folder.
pub fn create_key_locally(store: &Store, name: &str, role: Role) -> Result<(ApiKey, String)> {
    let secret = key::new_secret();
    let key = store.control.write(|tx| {
        let key = ApiKey {
            id: KeyId::new(),
            member: store::member::first(tx)?,
            name: name.to_owned(),
            role,
            connectors: None,
            created: store.clock.now(),
            last_used_at: None,
            expires_at: None,
            revoked_at: None,
        };
        store::key::insert(tx, &key, &key::hash(&secret))?;
        let message =
            format!("The key {:?} was made on the command line, with the role {}.", key.name, role.as_str());
        store::event::add(tx, None, key.created, "key_created", &message, None, None)?;
        Ok(key)
    })?;
    Ok((key, secret))
}

/// The keys that were not revoked, for whoever may read the data folder.
pub fn keys_locally(store: &Store) -> Result<Vec<ApiKey>> {
    store.control.read(store::key::all)
}

/// Revokes a key, by whoever may write the data folder. Answers whether there was such a key.
pub fn revoke_key_locally(store: &Store, id: KeyId) -> Result<bool> {
    let now = store.clock.now();
    store.control.write(|tx| {
        let was_there = store::key::revoke(tx, id, now)?;
        if was_there {
            let message = format!("The key {id} was revoked on the command line.");
            store::event::add(tx, None, now, "key_revoked", &message, None, None)?;
        }
        Ok(was_there)
    })
}

/// The first member as a caller: whoever may start a server on the data folder.
pub fn local(app: &App) -> Result<Caller> {
    let member = app.store.control.read(|conn| store::member::find(conn, store::member::first(conn)?))?;
    let member = member.ok_or_else(|| Error::internal("the first member is gone"))?;
    let role = member.role;
    Ok(Caller { member, key: KeyId(uuid::Uuid::nil()), role, connectors: None })
}
