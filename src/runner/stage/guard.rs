//! The guard: a live run that it may hold does its dry run first.

use super::{
    load::{self, FlowPlan},
    scope::Scope,
};
use crate::{
    connector::guard::Expected,
    engine::Engine,
    execution::StageKind,
    runner::job::{Job, Stop},
};

/// Stops the run when it would go over a limit. Nothing is written then.
pub(in crate::runner) fn hold(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
) -> Result<(), Stop> {
    let Some(guard) = job.snapshot.guard.filter(|_| !job.execution.is_dry_run) else { return Ok(()) };
    let say = |sentence: &str| job.progress.log("info", Some(StageKind::VariableEval), sentence);
    if job.execution.ignore_guard {
        say("The guard is ignored for this run.");
        return Ok(());
    }
    let is_loaded = |scope: &&Scope<'_>| plan.steps.iter().any(|step| step.scope() == scope.table.scope);
    let rows = scopes.iter().filter(is_loaded).map(|scope| scope.table.rows).sum();
    if let Some(held) = guard.holds_file(rows) {
        return Err(Stop::Failed(held));
    }
    if !guard.needs_dry_run() {
        return Ok(());
    }
    say("The guard has a dry run done first.");
    let would = load::rehearse(job, engine, scopes, plan)?;
    let expected = Expected { rows: would.rows, errors: would.errors, updated: would.updated };
    if let Some(held) = guard.holds(expected) {
        say(&format!(
            "It would have created {}, updated {}, left {} unchanged, skipped {} and rejected {} of {} rows. A dry run of the same file shows which.",
            would.created, would.updated, would.unchanged, would.skipped, would.errors, would.rows
        ));
        return Err(Stop::Failed(held));
    }
    say("The guard lets it pass.");
    Ok(())
}
