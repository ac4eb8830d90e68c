//! The first start of a data folder: a workspace, one admin, one key.

use crate::{
    auth::{ApiKey, Member, Role, Workspace, key},
    config::WorkspaceConfig,
    error::{Error, Result},
    id::{KeyId, MemberId, WorkspaceId},
    store::{self, Store},
};

/// Ids and key for unattended set-ups, whose clients have them fixed already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixed {
    /// The workspace's id.
    pub business: Option<WorkspaceId>,
    /// The first member's id.
    pub user: Option<MemberId>,
    /// The first member's key, at least 32 characters.
    pub admin_key: Option<String>,
}

/// Fewer characters than this could be guessed.
const MIN_KEY: usize = 32;

impl Fixed {
    /// Reads `SMARTCONNECTOR_BUSINESS_ID`, `SMARTCONNECTOR_USER_ID` and `SMARTCONNECTOR_ADMIN_KEY`.
    ///
    /// # Errors
    /// Names the variable that holds no UUID, or a key that is too short.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self> {
        fn id<T: std::str::FromStr>(name: &str, text: Option<String>) -> Result<Option<T>> {
            text.map(|text| {
                text.parse().map_err(|_| Error::invalid(format!("{name}: found {text:?}, expected a UUID")))
            })
            .transpose()
        }
        let admin_key = var("SMARTCONNECTOR_ADMIN_KEY");
        if let Some(key) = &admin_key
            && (key.len() < MIN_KEY || !key.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(Error::invalid(format!(
                "SMARTCONNECTOR_ADMIN_KEY: expected at least {MIN_KEY} printable characters without spaces"
            )));
        }
        Ok(Self {
            business: id("SMARTCONNECTOR_BUSINESS_ID", var("SMARTCONNECTOR_BUSINESS_ID"))?,
            user: id("SMARTCONNECTOR_USER_ID", var("SMARTCONNECTOR_USER_ID"))?,
            admin_key,
        })
    }
}

/// The workspace and first member of a data folder that has been started.
pub fn info(store: &Store) -> Result<Start> {
    store.control.read(|conn| {
        Ok(Start {
            workspace: store::workspace::get(conn)?,
            user: store::member::first(conn)?,
            admin_key: None,
        })
    })
}

/// What a start found or made.
#[derive(Debug)]
pub struct Start {
    /// The workspace.
    pub workspace: Workspace,
    /// Its first member.
    pub user: MemberId,
    /// The admin key's secret: only at the first start, or the one that was given.
    pub admin_key: Option<String>,
}

/// Makes workspace, admin and key when the folder is new; else reads them.
///
/// # Errors
/// When fixed ids differ from those of a folder that exists.
pub fn start(store: &Store, config: &WorkspaceConfig, fixed: &Fixed) -> Result<Start> {
    store.records.write(|tx| store::object::ensure_builtin(tx, store.clock.now()))?;
    let found = store.control.read(|conn| {
        Ok(match store::workspace::find(conn)? {
            Some(workspace) => Some((workspace, store::member::first(conn)?)),
            None => None,
        })
    })?;
    match found {
        Some((workspace, user)) => again(store, workspace, user, fixed),
        None => first(store, config, fixed),
    }
}

fn again(store: &Store, workspace: Workspace, user: MemberId, fixed: &Fixed) -> Result<Start> {
    if fixed.business.is_some_and(|id| id != workspace.id) {
        return Err(Error::conflict(format!(
            "SMARTCONNECTOR_BUSINESS_ID differs from the workspace of this data folder ({}).",
            workspace.id
        )));
    }
    let member = fixed.user.unwrap_or(user);
    if store.control.read(|conn| store::member::find(conn, member))?.is_none() {
        return Err(Error::conflict("SMARTCONNECTOR_USER_ID is no member of this data folder."));
    }
    if let Some(secret) = &fixed.admin_key {
        let now = store.clock.now();
        let known = store.control.read(|conn| store::key::by_secret(conn, &key::hash(secret), now))?;
        if known.is_none() {
            store.control.write(|tx| insert_key(tx, store, member, secret))?;
        }
    }
    Ok(Start { workspace, user: member, admin_key: fixed.admin_key.clone() })
}

fn first(store: &Store, config: &WorkspaceConfig, fixed: &Fixed) -> Result<Start> {
    let now = store.clock.now();
    let workspace = Workspace {
        id: fixed.business.unwrap_or_else(WorkspaceId::new),
        name: config.name.clone(),
        timezone: config.timezone.parse().map_err(|_| Error::invalid("workspace.timezone"))?,
        currency: config.currency.clone(),
        phone_region: config.phone_region.clone(),
        form_secret: key::random_bytes().to_vec(),
    };
    let member = Member {
        id: fixed.user.unwrap_or_else(MemberId::new),
        email: "admin@localhost".to_owned(),
        first_name: "Admin".to_owned(),
        last_name: String::new(),
        role: Role::Admin,
        created: now,
        deleted: None,
    };
    let secret = fixed.admin_key.clone().unwrap_or_else(key::new_secret);
    store.control.write(|tx| {
        store::workspace::create(tx, &workspace, now)?;
        store::member::insert(tx, &member)?;
        insert_key(tx, store, member.id, &secret)
    })?;
    Ok(Start { workspace, user: member.id, admin_key: Some(secret) })
}

fn insert_key(tx: &store::Transaction<'_>, store: &Store, member: MemberId, secret: &str) -> Result<()> {
    let key = ApiKey {
        id: KeyId::new(),
        member,
        name: "First admin key".to_owned(),
        role: Role::Admin,
        connectors: None,
        created: store.clock.now(),
        last_used_at: None,
        expires_at: None,
        revoked_at: None,
    };
    store::key::insert(tx, &key, &key::hash(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_ids_are_checked_by_name() {
        let vars = |name: &'static str, value: &'static str| {
            Fixed::from_vars(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(vars("SMARTCONNECTOR_USER_ID", "x").unwrap_err().detail.contains("SMARTCONNECTOR_USER_ID"));
        assert!(vars("SMARTCONNECTOR_ADMIN_KEY", "short").is_err());
        assert_eq!(Fixed::from_vars(|_| None).unwrap(), Fixed::default());
    }
}
