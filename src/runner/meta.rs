//! The row of `meta.current_execution`: what a script may know of its run.

use chrono::SecondsFormat;
use serde_json::{Map, Value as Json};

use crate::{
    auth::Member,
    engine::CURRENT_EXECUTION,
    execution::{Execution, TriggerType},
    id::{ConnectorId, WorkspaceId},
    store::file::StoredFile,
};

/// What the row is made of.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The connector.
    pub connector: ConnectorId,
    /// Whether records are written.
    pub is_dry_run: bool,
    /// The run; a sample and a connector's package have none.
    pub execution: Option<&'f Execution>,
    /// What it reads.
    pub input: Option<&'f StoredFile>,
    /// Who started it, for those who may know.
    pub started_by: Option<&'f Member>,
}

impl Facts<'_> {
    /// All 16 keys; what is not known is null.
    #[must_use]
    pub fn row(&self) -> Map<String, Json> {
        let mut row: Map<String, Json> =
            CURRENT_EXECUTION.iter().map(|key| ((*key).to_owned(), Json::Null)).collect();
        let mut set = |name: &str, value: Json| row.insert(name.to_owned(), value);
        set("business_id", self.workspace.to_string().into());
        set("connector_id", self.connector.to_string().into());
        let trigger = self.execution.map_or(TriggerType::Fileupload, |execution| execution.trigger);
        set("trigger_type", trigger.as_str().into());
        set("is_dry_run", self.is_dry_run.into());
        if let Some(execution) = self.execution {
            set("execution_id", execution.id.to_string().into());
            set("triggered_by_id", self.started_by.map(|member| member.id.to_string()).into());
            set("triggered_by_desc", self.started_by.map(Member::full_name).into());
            if execution.started_by.is_some() {
                set("trigger_auth", "api_key".into());
            }
            set("cadence", execution.cadence.into());
            let start =
                execution.timeframe_start.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            set("timeframe_start", start.into());
        }
        if let Some(input) = self.input {
            set("fileupload_file_size_bytes", input.size.into());
            set("fileupload_file_name", input.name.clone().into());
            set("fileupload_file_id", input.id.to_string().into());
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_has_every_key_once() {
        let row = Facts {
            workspace: WorkspaceId::new(),
            connector: ConnectorId::new(),
            is_dry_run: true,
            execution: None,
            input: None,
            started_by: None,
        }
        .row();
        assert_eq!(row.keys().map(String::as_str).collect::<Vec<_>>(), CURRENT_EXECUTION);
        assert_eq!(row["is_dry_run"], true);
        assert_eq!(row["execution_id"], Json::Null);
    }
}
