//! `[workspace]`: what the workspace is at the first start. Later starts read it from the data folder.

use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::error::Result;

/// The workspace at the first start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkspaceConfig {
    /// Its name.
    pub name: String,
    /// IANA time zone: of times in answers, and of local times in files.
    pub timezone: String,
    /// ISO 4217: of money.
    pub currency: String,
    /// ISO 3166 alpha-2: of phone numbers without a country code.
    pub phone_region: String,
}

impl Default for WorkspaceConfig {
    fn default() -> Self {
        Self {
            name: "Workspace".to_owned(),
            timezone: "UTC".to_owned(),
            currency: "USD".to_owned(),
            phone_region: "US".to_owned(),
        }
    }
}

impl WorkspaceConfig {
    pub(super) fn check(&self) -> Result<()> {
        if self.timezone.parse::<chrono_tz::Tz>().is_err() {
            return Err(out_of_range(
                "workspace.timezone",
                &self.timezone,
                "an IANA name like Europe/Berlin",
            ));
        }
        if self.phone_region.parse::<phonenumber::country::Id>().is_err() {
            return Err(out_of_range("workspace.phone_region", &self.phone_region, "a country code like US"));
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(out_of_range("workspace.currency", &self.currency, "a currency code like USD"));
        }
        Ok(())
    }
}
