//! Who may do what: members, roles, API keys.

pub mod key;
pub mod rate;
pub mod role;
pub mod signature;
pub mod tries;
pub mod webhook;

use chrono::{DateTime, Utc};
pub use key::ApiKey;
pub use role::Role;

use crate::{
    error::{Code, Error, Result},
    id::{ConnectorId, KeyId, MemberId, WorkspaceId},
};

/// A person or machine of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Identity (`X-USER-ID`).
    pub id: MemberId,
    /// Unique without regard to case.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The most that the member's keys may do.
    pub role: Role,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was removed.
    pub deleted: Option<DateTime<Utc>>,
}

impl Member {
    /// First and last name, or the e-mail address when there is none.
    #[must_use]
    pub fn full_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        let name = name.trim();
        if name.is_empty() { self.email.clone() } else { name.to_owned() }
    }
}

/// The workspace that a server holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Identity (`X-BUSINESS-ID`).
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Of times in answers and local times in files.
    pub timezone: chrono_tz::Tz,
    /// Of money fields.
    pub currency: String,
    /// Of phone numbers without a country code.
    pub phone_region: String,
    /// Signs upload forms.
    pub form_secret: Vec<u8>,
}

/// A caller whose key was recognised.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The member.
    pub member: Member,
    /// The key.
    pub key: KeyId,
    /// The lesser of the member's and the key's role.
    pub role: Role,
    /// The connectors that the key reaches; `None`: all.
    pub connectors: Option<Vec<ConnectorId>>,
}

impl Caller {
    /// Refuses a caller whose role is below `needed`.
    ///
    /// # Errors
    /// `permission_required`, naming both roles.
    pub fn needs(&self, needed: Role) -> Result<()> {
        if self.role >= needed {
            return Ok(());
        }
        Err(Error::new(
            Code::PermissionRequired,
            format!("This needs the role {}; this key has the role {}.", needed.as_str(), self.role.as_str()),
        ))
    }

    /// Refuses a caller that may not trigger a run: a sender does nothing else, and a viewer only reads.
    ///
    /// # Errors
    /// `permission_required`.
    pub fn may_trigger(&self) -> Result<()> {
        if self.role == Role::Sender { Ok(()) } else { self.needs(Role::Runner) }
    }

    /// Refuses a key that is limited to connectors where the whole workspace is meant.
    pub fn needs_unlimited(&self) -> Result<()> {
        if self.connectors.is_none() {
            return Ok(());
        }
        Err(Error::new(
            Code::PermissionRequired,
            "This key is limited to some connectors and reaches only what belongs to them.",
        ))
    }

    /// The member where an answer names one: a key that is limited to connectors sees no people but its own member.
    #[must_use]
    pub fn sees(&self, member: Option<Member>) -> Option<Member> {
        member.filter(|member| self.connectors.is_none() || member.id == self.member.id)
    }

    /// Whether the key reaches this connector.
    #[must_use]
    pub fn reaches(&self, connector: ConnectorId) -> bool {
        self.connectors.as_ref().is_none_or(|list| list.contains(&connector))
    }
}
