//! What is kept of a row: its outcome with the messages, and its line of the report.

use super::{Load, Row, StepPlan, fate::Fate, run::Tally};
use crate::{
    error::Result,
    execution::{RowOutcome, RowStatus},
    store::{Connection, outcome, spool::UploadRow},
};

impl Load<'_> {
    pub(super) fn keep(
        &self,
        tx: &Connection,
        plan: &StepPlan,
        row: &mut Row,
        fate: Fate,
        status: RowStatus,
        tally: &mut Tally,
    ) -> Result<()> {
        let is_preview = status == RowStatus::Updated;
        if tally.kept == self.settings.max_row_outcomes {
            tally.cut += 1;
            if is_preview || !self.give_up_preview(tx, tally)? {
                return Ok(());
            }
        }
        tally.numbered += 1;
        tally.kept += 1;
        tally.previews += u64::from(is_preview);
        let mut messages = fate.messages;
        messages.append(&mut row.warnings);
        let kept = RowOutcome {
            step: plan.order,
            scope: plan.scope.clone(),
            row: row.row,
            line: row.line,
            table: row.source.as_deref().map(str::to_owned),
            status,
            record: fate.record,
            messages,
            changes: fate.changes,
        };
        outcome::insert(tx, self.execution, tally.numbered, &kept)
    }

    /// Makes room for a row that something is said about: a dry run's last preview gives way.
    fn give_up_preview(&self, tx: &Connection, tally: &mut Tally) -> Result<bool> {
        if tally.previews == 0 {
            return Ok(false);
        }
        tally.given_up = outcome::drop_last_update(tx, self.execution, tally.given_up)?;
        tally.previews -= 1;
        tally.kept -= 1;
        Ok(true)
    }
}

/// The row as the report lists it.
pub(super) fn upload_row(row: &Row, fate: &Fate, cells: Vec<Option<String>>) -> UploadRow {
    UploadRow {
        row: row.row,
        line: row.line,
        table: row.source.as_deref().map(str::to_owned),
        record: fate.record,
        outcome: fate.outcome,
        errors: fate.messages.clone(),
        warnings: row.warnings.clone(),
        cells,
        changes: fate.changes.clone(),
    }
}
