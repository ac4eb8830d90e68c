//! The workbook, as far as it tells what became of the rows: the output's sheets are written with the output.

use std::{io::BufWriter, path::PathBuf};

use super::{
    extracted,
    load::{FlowPlan, Loaded},
    scope::Scope,
};
use crate::{
    execution::{Execution, Outcome, StageKind},
    id::RecordId,
    load::StepPlan,
    report::{self, Cell, SheetKind, Summary, UploadRow, Workbook, in_one_cell},
    runner::job::{Job, Left, Stop, keep_progress, scratch_file, state_of},
    store::spool::Spool,
};

/// Completes the final report from what the stages set aside. `book` has the output's sheets.
pub(in crate::runner) fn write(
    job: &Job<'_>,
    mut book: Workbook,
    scopes: &[Scope<'_>],
    plan: &FlowPlan,
    loaded: &Loaded,
    left: &Left,
) -> Result<PathBuf, Stop> {
    job.progress.begin(StageKind::Report, 0, &[]);
    keep_progress(job)?;
    crate::breakpoint::reach("report");
    let now = job.store.clock.now();
    let stopped = loaded.stopped.as_ref().filter(|_| loaded.finished.is_none());
    let ended = Execution {
        state: state_of(stopped, &left.totals),
        ended_at: Some(now),
        stages: job.progress.stages(),
        totals: left.totals,
        outcomes_cut: left.outcomes_cut,
        missing_since_last_run: left.missing_since_last_run,
        warning: left.warning.clone().or_else(|| job.execution.warning.clone()),
        error_details: match stopped {
            Some(Stop::Failed(sentence)) => Some(sentence.clone()),
            _ => None,
        },
        ..job.execution.clone()
    };
    let summary = Summary {
        connector: job.connector.0,
        execution: &ended,
        file_name: Some(job.input_name),
        objects: job.objects,
        time_zone: job.locale.timezone,
    };
    for (position, scope) in scopes.iter().enumerate() {
        if let Some(kept) = plan.set_aside.get(&position) {
            variables_sheet(scope, kept, &mut book)?;
        }
    }
    if let Some(spool) = &loaded.spool {
        let stages = job.progress.stages();
        let counters = stages.iter().filter(|stage| stage.kind == StageKind::LoadStep);
        for (step, stage) in plan.steps.iter().zip(counters) {
            let counters = stage.steps.first().and_then(|step| step.counters).unwrap_or_default();
            let unchanged = plan.unchanged.get(step.scope()).copied().unwrap_or_default();
            let listed = counters.processed().saturating_sub(unchanged);
            upload_sheet(job, step, spool, listed, &mut book)?;
        }
    }
    let (path, file) = scratch_file(job, "report.xlsx")?;
    book.finish(&summary, BufWriter::new(file))?;
    job.progress.complete(StageKind::Report, 0);
    Ok(path)
}

fn variables_sheet(scope: &Scope<'_>, kept: &extracted::SetAside, book: &mut Workbook) -> Result<(), Stop> {
    let kind = SheetKind::Variables { scope: &scope.table.scope };
    let mut sheet = book.begin_sheet(kind, &extracted::columns(scope), scope.table.rows)?;
    kept.each(|record| {
        if sheet.room() > 0 {
            sheet.write_row(
                record.iter().map(|text| if text.is_empty() { Cell::Blank } else { Cell::Text(text) }),
            )?;
        }
        Ok(())
    })?;
    Ok(sheet.end()?)
}

fn upload_sheet(
    job: &Job<'_>,
    step: &StepPlan,
    spool: &Spool,
    processed: u64,
    book: &mut Workbook,
) -> Result<(), Stop> {
    let object = step.object();
    let fields: Vec<&str> = step.fields().map(|field| field.display_name.as_str()).collect();
    let is_dry_run = job.execution.is_dry_run;
    let mut sheet =
        book.begin_upload_sheet(&object.object_name, step.scope(), &fields, processed, is_dry_run)?;
    let room = sheet.room();
    let mut failed = None;
    spool
        .uploads(step.order(), room, |row| {
            let outcome = write_upload(&mut sheet, step, row);
            outcome.map_err(|e| {
                let error = crate::error::Error::internal(format!("upload sheet: {e}"));
                failed = Some(Stop::from(e));
                error
            })
        })
        .map_err(|e| failed.take().unwrap_or_else(|| e.into()))?;
    Ok(sheet.end()?)
}

fn write_upload(
    sheet: &mut report::UploadSheet<'_>,
    step: &StepPlan,
    row: crate::store::spool::UploadRow,
) -> report::Result<()> {
    let changes: Vec<String> = row
        .changes
        .iter()
        .map(|change| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "blank".to_owned());
            format!("{}: {} → {}", change.field, text(&change.old), text(&change.new))
        })
        .collect();
    // A skipped row's reason is no error.
    let (errors, reason) = match row.outcome {
        Outcome::Rejected => (in_one_cell(&row.errors), String::new()),
        _ => (String::new(), in_one_cell(&row.errors)),
    };
    let warnings =
        [reason, in_one_cell(&row.warnings)].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>();
    sheet.write_row(&UploadRow {
        row: row.row,
        line: row.line,
        table: row.table,
        record: row.record.map(|n| RecordId::of(step.object().id, n).uuid()),
        values: row.cells,
        changes: changes.join("; "),
        errors,
        warnings: warnings.join("; "),
        status: row.outcome,
    })
}
