//! Roles, each including the ones before it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a member or key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Triggers, and sees the executions that it started.
    Sender,
    /// Reads.
    Viewer,
    /// Also triggers, cancels, reruns, dry-runs.
    Runner,
    /// Also edits connectors, scripts, objects, records.
    Editor,
    /// Also people, keys, settings, deletion.
    Admin,
}

impl Role {
    /// Every role, from the least.
    pub const ALL: [Self; 5] = [Self::Sender, Self::Viewer, Self::Runner, Self::Editor, Self::Admin];

    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Viewer => "viewer",
            Self::Runner => "runner",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}
