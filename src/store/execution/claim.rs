//! Whose turn it is. A connector's runs go first come, first served; between connectors the one with the
//! fewest runs goes first, then the one that has waited longest since its last: a full queue of one doesn't
//! hold up the others.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, Transaction, params};

use super::{OPEN, begin, find, text, that_may_become};
use crate::{
    error::Result,
    execution::{Counters, Execution, State},
    id::ConnectorId,
    store::{column, time},
};

/// The first waiting run of a connector that may start one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    seq: i64,
    /// Its id, as kept: it may be unreadable.
    pub id: String,
    /// Its connector.
    pub connector: ConnectorId,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head { seq: row.get("seq")?, id: row.get("id")?, connector: column::parsed(row, "connector_id")? })
}

/// The runs whose turn it is, the next one first: of every connector that runs (or has a dry run) and has
/// fewer runs than `max_concurrency`, the first live and the first dry one. With diff check on live runs wait for
/// each other, also after it was switched off while one runs: what that one compares with must stay what was
/// loaded last.
pub fn heads(conn: &Connection) -> Result<Vec<Head>> {
    let mut statement = conn.prepare_cached(&format!(
        "WITH head AS (
             SELECT min(e.seq) AS seq, c.last_claim, c.max_concurrency, c.diff_check_enabled, (
                 SELECT count(*) FROM execution r
                 WHERE r.connector_id = c.id AND r.state IN {OPEN}) AS running
             FROM execution e JOIN connector c ON c.id = e.connector_id
             WHERE e.state = 'queued' AND (e.is_dry_run OR c.status IN ('operational', 'need_attention'))
             GROUP BY e.connector_id, e.is_dry_run)
         SELECT e.seq, e.id, e.connector_id FROM head JOIN execution e ON e.seq = head.seq
         WHERE max_concurrency > running AND (e.is_dry_run OR NOT EXISTS (
             SELECT 1 FROM execution r JOIN snapshot s ON s.key = r.snapshot
             WHERE r.connector_id = e.connector_id AND r.state IN {OPEN} AND NOT r.is_dry_run
               AND (diff_check_enabled OR s.body ->> '$.diff_check_enabled')))
         ORDER BY running, last_claim, e.seq"
    ))?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The execution as it is claimed.
pub fn take(tx: &Transaction<'_>, execution: &Execution, now: DateTime<Utc>) -> Result<Option<Execution>> {
    begin(tx, &execution.id.to_string(), now)?;
    tx.prepare_cached(
        "UPDATE connector SET last_claim = 1 + (SELECT max(last_claim) FROM connector) WHERE id = ?",
    )?
    .execute([execution.connector_id.to_string()])?;
    find(tx, execution.id)
}

/// Ends a waiting run that can't be read, or that has nothing to run with: it would be at the head of the
/// queue for ever. What of it is unreadable is emptied.
pub fn fail_unreadable(tx: &Transaction<'_>, head: &Head, error: &str, now: DateTime<Utc>) -> Result<()> {
    if !begin(tx, &head.id, now)? {
        return Ok(());
    }
    let from = that_may_become(State::Failed, &State::ALL);
    tx.execute(
        &format!(
            "UPDATE execution SET state = 'failed', ended_at = ?2, error_details = ?3,
                 stages = '[]', totals = ?4, sql_parameters = CASE WHEN json_valid(sql_parameters)
                     THEN sql_parameters ELSE '{{}}' END
             WHERE seq = ?1 AND state IN {from}"
        ),
        params![head.seq, time::to_ms(now), error, column::to_json(&Counters::default())?],
    )?;
    text::keep(tx, &head.id)
}
