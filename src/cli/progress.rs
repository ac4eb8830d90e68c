//! A run's progress as a line on the terminal; nothing when standard error is none.

use indicatif::{ProgressBar, ProgressStyle};

use crate::execution::{Stage, StageKind, StageStatus};

/// The line.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        // The template is a constant that this version of the crate reads.
        if let Ok(style) = ProgressStyle::with_template("  {msg:<28} {bar:30} {human_pos} / {human_len} rows")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows the stage that is under way.
    pub(super) fn show(&mut self, stages: &[Stage]) {
        let running = stages.iter().rev().find(|stage| stage.status == StageStatus::InProgress);
        let Some(stage) = running else { return };
        let (done, total) = stage.steps.iter().fold((0, 0), |(done, total), step| {
            (done + step.valid_records + step.invalid_records, total + step.total)
        });
        self.0.set_message(words(stage));
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// Takes the line away.
    pub(super) fn clear(self) {
        self.0.finish_and_clear();
    }
}

fn words(stage: &Stage) -> String {
    let scope = stage.steps.first().and_then(|step| step.scope.as_deref()).unwrap_or_default();
    match stage.kind {
        StageKind::InputRead => "reading the file".to_owned(),
        StageKind::SqlRun => "running the script".to_owned(),
        StageKind::VariableEval => "reading variables".to_owned(),
        StageKind::MatchIndex => "making indexes".to_owned(),
        StageKind::LoadStep => format!("loading {scope}"),
        StageKind::Report => "writing the report".to_owned(),
    }
}
