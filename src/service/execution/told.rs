//! What a run tells: the script that it used, its rows, its log.

use super::{Line, of, outcomes_in};
use crate::{
    app::App,
    auth::{Caller, Role},
    error::Result,
    execution::{RowOutcome, RowStatus},
    id::{ExecutionId, RecordId},
    script::Script,
    service::{
        connector::{ScriptView, view_script},
        paging::Paging,
    },
    store,
};

/// The script as a run used it; before it is claimed, today's.
pub fn script(app: &App, caller: &Caller, name: &str, id: ExecutionId) -> Result<ScriptView> {
    caller.needs(Role::Viewer)?;
    let (connector, execution) = of(app, caller, name, id)?;
    let script = app.store.control.read(|conn| {
        let Some(snapshot) = store::execution::snapshot(conn, id)? else {
            return store::script::of_run(conn, &execution);
        };
        // The row may have been edited or replaced since: what ran is in the snapshot.
        let row = store::script::version(conn, snapshot.script_id)?;
        let row = row.map_or_else(|| store::script::draft(conn, connector.id), Ok)?;
        Ok(Script {
            id: snapshot.script_id,
            status: row.status.when_used(),
            sql_version: snapshot.sql_version,
            user_script: snapshot.user_script,
            config_metadata: snapshot.config_metadata,
            ..row
        })
    })?;
    view_script(app, script)
}

/// A kept row and the record that it is about.
pub type KeptRow = (RowOutcome, Option<RecordId>);

/// One page of a run's kept rows, each with the record that it is about.
pub fn rows(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
    which: (Option<&str>, Option<RowStatus>),
    paging: Paging,
) -> Result<(u64, Vec<KeptRow>)> {
    caller.needs(Role::Sender)?;
    let (_, execution) = of(app, caller, name, id)?;
    let (scope, status) = which;
    let (count, rows) = outcomes_in(app, &execution)
        .read(|conn| store::outcome::list(conn, id, scope, status, paging.limit(), paging.offset()))?;
    let snapshot = app.store.control.read(|conn| store::execution::snapshot(conn, id))?;
    let loads = snapshot.map(|snapshot| snapshot.loads).unwrap_or_default();
    let object = |step: i64| loads.iter().find(|load| load.order == step).map(|load| load.custom_object);
    let rows = rows
        .into_iter()
        .map(|row| {
            let record = row.record.and_then(|n| object(row.step).map(|object| RecordId::of(object, n)));
            (row, record)
        })
        .collect();
    Ok((count, rows))
}

/// One page of a run's log: of a running one what there is so far.
pub fn logs(
    app: &App,
    caller: &Caller,
    name: &str,
    id: ExecutionId,
    paging: Paging,
) -> Result<(u64, Vec<Line>)> {
    caller.needs(Role::Sender)?;
    let (_, execution) = of(app, caller, name, id)?;
    let Some(progress) = app.runner.progress(id).filter(|_| !execution.state.has_ended()) else {
        return app.store.control.read(|conn| store::log::list(conn, id, paging.limit(), paging.offset()));
    };
    let lines = progress.log_lines();
    let count = lines.len() as u64;
    let page = lines
        .into_iter()
        .zip(1..)
        .skip(usize::try_from(paging.offset()).unwrap_or(usize::MAX))
        .take(paging.size as usize)
        .map(|(line, n)| Line {
            n,
            at: line.at,
            level: line.level.to_owned(),
            stage: line.stage.map(|stage| stage.as_str().to_owned()),
            message: line.message,
        })
        .collect();
    Ok((count, page))
}
