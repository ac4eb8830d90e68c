//! The script.

use crate::{
    engine::{self, Engine},
    execution::StageKind,
    runner::job::{Job, Stop, keep_progress},
};

/// Runs the script; an empty one passes the only input table through.
pub(in crate::runner) fn run(job: &Job<'_>, engine: &mut Engine) -> Result<(), Stop> {
    job.progress.begin(StageKind::SqlRun, 0, &[]);
    keep_progress(job)?;
    engine.set_meta(&job.meta, &job.parameters)?;
    let script = &job.snapshot.user_script;
    let stats = if engine::is_empty_script(script) {
        engine.pass_through(job.main_object)?
    } else {
        engine.run_script(script, &job.parameters)?
    };
    let rows: u64 = engine.outputs().iter().map(|table| table.rows).sum();
    job.progress.count(StageKind::SqlRun, 0, None, rows, 0, rows);
    let message = format!("{} statements gave {rows} rows in {} ms.", stats.statements, stats.millis);
    job.progress.log("info", Some(StageKind::SqlRun), message);
    job.progress.complete(StageKind::SqlRun, 0);
    Ok(())
}
