//! The indexes that matching needs and that saving the flow left to a run, since the object is large.

use crate::{
    execution::StageKind,
    load::{Load, StepPlan, Stop as LoadStop},
    runner::{
        job::{Job, Stop},
        stage::scope::{self, Scope},
    },
};

/// Makes what is missing. Of large objects it is a stage of the run, which people see; writers wait.
pub(in crate::runner) fn make(job: &Job<'_>, steps: &[StepPlan], load: &Load<'_>) -> Result<(), Stop> {
    let (large, small): (Vec<_>, Vec<_>) =
        load.missing_indexes(steps)?.into_iter().partition(|index| index.is_large);
    for index in &small {
        load.make_index(index).map_err(stop)?;
    }
    if large.is_empty() {
        return Ok(());
    }
    let parts: Vec<_> = large.iter().map(|index| (index.object.id, index.records)).collect();
    job.progress.begin_indexes(&parts);
    for (n, index) in large.iter().enumerate() {
        job.progress.begin_index(n);
        load.make_index(index).map_err(stop)?;
        job.progress.complete_index(n);
        let (object, field) = (&index.object.name, &index.field.name);
        let sentence = format!("Made an index on {object}.{field} over {} records.", index.records);
        job.progress.log("info", Some(StageKind::MatchIndex), sentence);
    }
    Ok(())
}

/// Makes what is missing for a rehearsal, which nobody watches.
pub(in crate::runner) fn make_quietly(steps: &[StepPlan], load: &Load<'_>) -> Result<(), Stop> {
    load.missing_indexes(steps)?.iter().try_for_each(|index| load.make_index(index).map_err(stop))
}

/// Leaves the indexes that a large first load into an empty object does not use to its end.
pub(in crate::runner) fn set_aside(
    job: &Job<'_>,
    steps: &[StepPlan],
    scopes: &[Scope<'_>],
    load: &mut Load<'_>,
) -> Result<(), Stop> {
    let rows = |step: &StepPlan| scope::rows(scopes, step.scope());
    let left = load.set_indexes_aside(steps, rows)?;
    if left > 0 {
        let sentence = format!("First load of many rows: {left} other indexes are made at its end.");
        job.progress.log("info", Some(StageKind::LoadStep), sentence);
    }
    Ok(())
}

fn stop(stop: LoadStop) -> Stop {
    match stop {
        LoadStop::Cancelled => Stop::Cancelled,
        LoadStop::Failed(error) => error.into(),
    }
}
