//! Members and their roles.

use super::paging::Paging;
use crate::{
    app::App,
    auth::{Caller, Member, Role},
    error::{Error, Result},
    id::MemberId,
    store::{self, Transaction},
    variable::email::parse_email,
};

/// Members by part of a name or e-mail address, with their roles.
pub fn list(app: &App, caller: &Caller, text: &str, paging: Paging) -> Result<(u64, Vec<Member>)> {
    may(caller)?;
    let (count, rows) =
        app.store.control.read(|conn| store::member::search(conn, text, paging.limit(), paging.offset()))?;
    Ok((count.unsigned_abs(), rows))
}

/// What of a member changes; of a new one, what it is.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// Unique without regard to case.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The most that the member's keys may do.
    pub role: Option<Role>,
}

impl MemberChange {
    fn apply(self, member: &mut Member) -> Result<()> {
        // A new member has none yet, which is no address either.
        let is_new = |email: &String| member.email.is_empty() || *email != member.email;
        if let Some(email) = self.email.filter(is_new) {
            member.email = parse_email(&email).map_err(|_| {
                let detail = format!("email: found {email:?}, expected an address such as name@example.com");
                Error::invalid(detail).at("email")
            })?;
        }
        if let Some(name) = self.first_name {
            name.trim().clone_into(&mut member.first_name);
        }
        if let Some(name) = self.last_name {
            name.trim().clone_into(&mut member.last_name);
        }
        member.role = self.role.unwrap_or(member.role);
        Ok(())
    }
}

/// Adds a member. It can do nothing until it has a key.
pub fn add(app: &App, caller: &Caller, new: MemberChange) -> Result<Member> {
    may(caller)?;
    let (Some(_), Some(role)) = (&new.email, new.role) else {
        return Err(Error::required(if new.email.is_none() { "email" } else { "role" }));
    };
    let mut member = Member {
        id: MemberId::new(),
        email: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        role,
        created: app.clock.now(),
        deleted: None,
    };
    new.apply(&mut member)?;
    app.store.control.write(|tx| {
        store::member::insert(tx, &member)?;
        let message = format!("{} was added as {}.", member.email, role.as_str());
        tell(app, tx, caller, "member_added", &message)
    })?;
    Ok(member)
}

/// Changes a member. What its keys may do changes at once.
///
/// # Errors
/// `conflict` when nobody would be an admin any more.
pub fn change(app: &App, caller: &Caller, id: MemberId, change: MemberChange) -> Result<Member> {
    may(caller)?;
    app.store.control.write(|tx| {
        let before = living(tx, id)?;
        let mut after = before.clone();
        change.apply(&mut after)?;
        if after != before {
            store::member::update(tx, &after)?;
            has_admin(tx)?;
            let message = if after.role == before.role {
                format!("The member {} was edited.", after.email)
            } else {
                format!("{} is now {}.", after.email, after.role.as_str())
            };
            tell(app, tx, caller, "member_changed", &message)?;
        }
        Ok(after)
    })
}

/// Removes a member: its keys and sessions end at once. What it did keeps its name.
///
/// # Errors
/// `conflict` when nobody would be an admin any more.
pub fn remove(app: &App, caller: &Caller, id: MemberId) -> Result<()> {
    may(caller)?;
    app.store.control.write(|tx| {
        let member = living(tx, id)?;
        store::member::remove(tx, id, app.clock.now())?;
        has_admin(tx)?;
        tell(app, tx, caller, "member_removed", &format!("{} was removed.", member.email))
    })
}

fn living(tx: &Transaction<'_>, id: MemberId) -> Result<Member> {
    let found = store::member::find(tx, id)?.filter(|member| member.deleted.is_none());
    found.ok_or_else(|| Error::not_found("member"))
}

fn has_admin(tx: &Transaction<'_>) -> Result<()> {
    if store::member::all(tx)?.iter().any(|member| member.role == Role::Admin) {
        return Ok(());
    }
    Err(Error::conflict("This is the last admin. Make somebody else one first."))
}

fn tell(app: &App, tx: &Transaction<'_>, caller: &Caller, kind: &str, message: &str) -> Result<()> {
    store::event::add(tx, None, app.clock.now(), kind, message, Some(caller.member.id), None)
}

fn may(caller: &Caller) -> Result<()> {
    caller.needs(Role::Admin)?;
    caller.needs_unlimited()
}
